"""One message, before it has a form. In: the parts that were put together. Out: the words that all forms share.

The one rule: no text of a customer. A message has the alert's summary, figures, times and a link; what was said is
looked up in the console, where it can be erased. All that is shown is on one line, without characters that are
invisible or turn the direction of writing.
"""

import contextlib
import unicodedata
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final
from urllib.parse import quote

import msgspec

from pipeline.local_time import zone
from schemas.alert import Alert, AlertChange, SeverityLabel
from schemas.notified import Told
from schemas.time import SECOND_MS, Millis

PARTS_SHOWN_MAX: Final = 20
"""How many alerts people see in one message. The rest is counted; a webhook has them all."""
CHANGES_SHOWN_MAX: Final = 8

CHANGE_WORDS: Final[dict[AlertChange, str]] = {
    "opened": "New", "grown": "Worse", "quiet": "Quiet again", "acknowledged": "Acknowledged", "assigned": "Assigned",
    "answered": "Answered", "resolved": "Resolved", "verified": "Verified", "dismissed": "Dismissed",
    "reopened": "Back again", "commented": "Comment", "rerouted": "Moved", "snoozed": "Snoozed",
    "published": "Published", "deadline_warning": "Deadline is near", "escalated": "Deadline missed",
    "corrected": "Corrected",
}  # fmt: skip


SEVERITY_WORDS: Final[dict[SeverityLabel, str]] = {
    "info": "low", "warning": "medium", "error": "high", "critical": "critical",
}  # fmt: skip
"""As the console says it."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says of one alert: its last record, and the changes since the message before."""

    alert: Alert
    changes: tuple[Told, ...]
    changes_left_out: int = 0


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """`id` names it for ever: whoever gets it twice can tell. `recipient`: whom it is for. `time_zone`: of the clock
    that people there read. `test`: nothing happened."""

    id: str
    recipient: str
    made_at: Millis
    parts: tuple[Part, ...]
    time_zone: str = "UTC"
    test: bool = False


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request."""

    url: str
    headers: dict[str, str]
    body: bytes


def message_id(recipient: str, told: list[tuple[str, int, int]]) -> str:
    """`msg_` and 32 digits, from whom it is for and what it tells: alert, first and last sequence."""
    digest = blake2b(digest_size=16)
    for word in (recipient, *(str(word) for one in sorted(told) for word in one)):
        digest.update(f"{len(word)}:{word}".encode())
    return f"msg_{digest.hexdigest()}"


def link(web_url: str, alert: Alert) -> str | None:
    """Where the console shows it; None where nobody said where the console is."""
    return f"{web_url.rstrip('/')}/alerts/{quote(alert.alert_id, safe='')}" if web_url else None


def plain(text: str, length_max: int = 300) -> str:
    """On one line, no control, invisible or direction-changing characters."""
    kept = (" " if char.isspace() else "" if unicodedata.category(char)[0] == "C" else char for char in text)
    line = " ".join("".join(kept).split())
    return line if len(line) <= length_max else line[: length_max - 1] + "…"


def subject(message: Message) -> str:
    """The whole message in a line."""
    first = message.parts[0]
    if len(message.parts) == 1:
        line = headline(first)
    else:
        units = {part.alert.labels.unit_id for part in message.parts}
        about = f"about {first.alert.labels.unit_id}" if len(units) == 1 else f"about {len(units)} units"
        line = f"{len(message.parts)} alerts {about}, the gravest: {headline(gravest(message))}"
    return f"Test: {line}" if message.test else line


def gravest(message: Message) -> Part:
    """The first of those with the highest severity."""
    return max(message.parts, key=lambda part: part.alert.severity)


def headline(part: Part) -> str:
    """What happened, and to what."""
    alert = part.alert
    return plain(
        f"{CHANGE_WORDS[alert.change]} ({SEVERITY_WORDS[alert.severity_label]}): {alert.annotations.summary}", 400
    )


def facts(part: Part, time_zone: str) -> list[tuple[str, str]]:
    """Figures and names, for people, the most telling first."""
    alert = part.alert
    labels, detection, spread, work = alert.labels, alert.detection, alert.amplification, alert.work
    by = alert.deadlines
    expected = "" if detection.expected is None else f", {_figure(detection.expected)} are usual"
    found = [
        ("Unit", labels.unit_id),
        ("Department", labels.department),
        ("Severity", f"{alert.severity} of 10 ({SEVERITY_WORDS[alert.severity_label]})"),
        ("State", f"{alert.state}, {'still going on' if alert.status == 'firing' else 'quiet'}"),
        ("Assigned to", work.assignee),
        ("People", f"{detection.distinct_authors} within {_span(detection.window_s)}{expected}"),
        ("Reposts", str(spread.reposts) if spread.reposts else None),
        ("Reach", f"{spread.reach} people" if spread.reach else None),
        ("Forecast", None if spread.forecast is None else f"{spread.forecast} ({spread.low} to {spread.high})"),
        ("Acknowledge by", _time(by.acknowledge_by, time_zone) if alert.state == "open" else None),
        ("Answer by", _time(by.answer_by, time_zone) if alert.state in _UNANSWERED else None),
        ("Resolve by", _time(by.resolve_by, time_zone) if alert.state == "answered" else None),
        ("Told", ", ".join(by.told) or None),
        ("Missed", ", ".join(by.missed) or None),
        ("Happened", _happened(part, time_zone)),
        ("To do", alert.annotations.recommended_action),
    ]
    return [(name, plain(value)) for name, value in found if value]


def shown_parts(message: Message) -> tuple[tuple[Part, ...], int]:
    """The parts that people see, and how many they do not."""
    return message.parts[:PARTS_SHOWN_MAX], max(0, len(message.parts) - PARTS_SHOWN_MAX)


def example(recipient: str, now: Millis, alert: Alert, time_zone: str = "UTC") -> Message:
    """A message that tries a recipient out, about an alert that is none. Each is another one."""
    told = Told(change=alert.change, sequence=alert.sequence, at=now)
    part = Part(alert=alert, changes=(told,))
    made = message_id(recipient, [(alert.alert_id, alert.sequence, int(now))])
    return Message(id=made, recipient=recipient, made_at=now, parts=(part,), time_zone=time_zone, test=True)


_UNANSWERED: Final = frozenset(("open", "acknowledged", "assigned"))


def _happened(part: Part, time_zone: str) -> str | None:
    """The changes that became this message, where it was more than one."""
    if len(part.changes) + part.changes_left_out < 2:
        return None
    shown = part.changes[-CHANGES_SHOWN_MAX:]
    left_out = len(part.changes) - len(shown) + part.changes_left_out
    before = f"{left_out} changes before; " if left_out else ""
    return before + ", ".join(f"{CHANGE_WORDS[told.change].lower()} {_time(told.at, time_zone)}" for told in shown)


def _time(at: Millis | None, time_zone: str) -> str | None:
    """As the clock on the recipient's wall shows it; in UTC where that is in the year 10,000."""
    if at is None:
        return None
    moment = datetime.fromtimestamp(at // SECOND_MS, UTC)
    with contextlib.suppress(OverflowError):
        moment = moment.astimezone(zone(time_zone))
    return f"{moment:%Y-%m-%d %H:%M %Z}"


def _span(seconds: int) -> str:
    for length, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % length == 0 and seconds:
            count = seconds // length
            return f"{count} {word}s" if count > 1 else f"1 {word}"
    return f"{seconds} seconds"


def _figure(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"
