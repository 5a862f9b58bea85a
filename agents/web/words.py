"""What the console calls things: states, changes, duties, severities, reasons, in words that a manager uses.

In: the values that records carry. Out: words. The one rule: a value that is not listed, because a newer worker wrote
it, is shown as it is with spaces for underscores; nothing is raised and nothing is hidden.
"""

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from schemas.alert import Alert, Detection, SeverityLabel
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

SEVERITIES: Final[Mapping[str, str]] = {"info": "Low", "warning": "Medium", "error": "High", "critical": "Critical"}

STATES: Final[Mapping[str, str]] = {
    "open": "Open",
    "acknowledged": "Acknowledged",
    "assigned": "Assigned",
    "answered": "Answered",
    "resolved": "Resolved",
    "verified": "Verified",
    "dismissed": "Dismissed",
}

STATUSES: Final[Mapping[str, str]] = {"firing": "still going on", "quiet": "has calmed down"}

KINDS: Final[Mapping[str, str]] = {
    "NegativeSurge": "Many complaints",
    "ComplaintSpreads": "A complaint spreads",
    "InfluentialAuthor": "Somebody with many followers",
    "SeverePost": "Severe post",
    "CustomerRecovery": "A customer asks to be called",
}
"""What raised an alert, by `labels.alertname`."""

CHANGES: Final[Mapping[str, str]] = {
    "opened": "Alert opened",
    "grown": "It became worse",
    "quiet": "It calmed down",
    "acknowledged": "Acknowledged",
    "assigned": "Assigned",
    "answered": "Answered",
    "resolved": "Resolved",
    "verified": "Verified: it helped",
    "dismissed": "Dismissed",
    "reopened": "Opened again",
    "commented": "Comment",
    "rerouted": "Sent on",
    "snoozed": "Snoozed",
    "published": "Published",
    "deadline_warning": "Deadline comes near",
    "escalated": "Deadline missed, told to those above",
    "corrected": "Corrected",
}

ACTIONS: Final[Mapping[str, str]] = {
    "acknowledge": "Acknowledge",
    "assign": "Assign",
    "comment": "Comment",
    "reply": "Customer was answered",
    "reroute": "Send on",
    "snooze": "Snooze",
    "resolve": "Resolve",
    "dismiss": "Dismiss",
    "reopen": "Open again",
    "publish": "Publish what we did",
}

DUTIES: Final[Mapping[str, str]] = {"acknowledge": "Acknowledge", "answer": "Answer", "resolve": "Resolve"}
DUTIES_DONE: Final[Mapping[str, str]] = {
    "acknowledge": "Acknowledged", "answer": "Answered", "resolve": "Resolved",
}  # fmt: skip

DISMISSALS: Final[Mapping[str, str]] = {
    "false": "False alarm",
    "duplicate": "Told elsewhere already",
    "wrong_unit": "Not about this unit",
    "abuse": "Abuse or fake",
}

RESOLUTIONS: Final[Mapping[str, str]] = {
    "apologised": "Apologised",
    "refunded": "Refunded or replaced",
    "repaired": "Repaired or cleaned",
    "staff_added": "More staff put on",
    "staff_trained": "Talked to or trained staff",
    "process_changed": "Changed how we work",
    "supplier_informed": "Supplier informed",
    "explained": "Explained, nothing to mend",
    "other": "Something else",
}
"""Codes that the console offers. `cem.actions` takes any: what was written by others is shown as it is."""

REFUSALS: Final[Mapping[str, str]] = {
    "unknown_alert": "there is no such alert",
    "already_done": "it had been done already",
    "not_from_this_state": "the case has moved on since; look at it again",
    "needs_code": "a reason has to be chosen",
    "needs_assignee": "nobody was named",
    "needs_note": "nothing was written",
    "needs_text": "there is no text to publish",
    "needs_target": "no unit and no department was named",
    "needs_time": "no time was given",
    "time_out_of_bounds": "the time has passed, or is more than 30 days away",
    "moved": "the case is with another unit now",
    "unknown_unit": "there is no such unit",
    "unknown_department": "the unit has no such department",
    "already_there": "it is there already",
    "confidential": "what is confidential stays with head office",
    "from_the_future": "its time is in the future; a clock is wrong",
    "too_many_open": "the unit has too many cases; this one was the oldest that is quiet",
}
"""Why an action was refused, to be read after "Refused: "; and why a case was dismissed by itself."""

UNROUTED: Final[Mapping[str, str]] = {
    "no_clue": "It names no place",
    "ambiguous": "It could be about several",
    "unknown_hint": "It names a place that is not in the directory",
    "too_many": "It names too many places",
    "unknown_unit": "Its unit is not in the directory",
    "unknown_post": "It belongs to a post that is not known",
}

RULES: Final[Mapping[str, str]] = {
    "hint": "the connector said so",
    "place": "posted at this place",
    "hint_name": "the connector named it",
    "handle": "its account is mentioned",
    "thread": "answers a post about it",
    "alias": "its name is mentioned",
    "hashtag": "its hashtag is used",
    "position": "posted nearby",
    "unit_id": "the form belongs to it",
    "assigned": "a person said so",
}
"""Why a post is thought to be about a unit."""

SUSPICIONS: Final[Mapping[str, str]] = {
    "promotion": "advertises",
    "offer": "offers something",
    "begging": "begs for followers",
    "contact": "wants to be contacted elsewhere",
    "extortion": "threatens with a bad rating",
    "link": "links to a shop",
    "hashtags": "more hashtags than words",
    "shouting": "written in capitals",
    "repetition": "repeats itself",
    "new_account": "the account is new",
    "empty_account": "the account is empty",
    "near_duplicate": "others wrote the same text",
    "burst": "many posts within an hour",
}

NETWORKS: Final[Mapping[str, str]] = {
    "x": "X", "facebook": "Facebook", "instagram": "Instagram", "threads": "Threads", "mastodon": "Mastodon",
    "bluesky": "Bluesky", "reddit": "Reddit", "tiktok": "TikTok", "youtube": "YouTube", "linkedin": "LinkedIn",
    "google": "Google", "yelp": "Yelp", "tripadvisor": "Tripadvisor", "trustpilot": "Trustpilot",
    "app_store": "App store", "forum": "Forum", "other": "Elsewhere", "web": "Web form", "app": "App",
    "email": "E-mail", "sms": "Text message", "receipt": "Receipt survey", "kiosk": "Kiosk", "call": "Call",
    "face_to_face": "In person", "chat": "Chat",
}  # fmt: skip

BASELINES: Final[Mapping[str, str]] = {
    "unit": "what is usual here at this hour of the week",
    "group": "what is usual at places like this, because this one is new",
    "prior": "a cautious guess, because this place is new",
}

ROLES: Final[Mapping[str, str]] = {
    "department": "Department",
    "unit": "Manager",
    "region": "Region",
    "head_office": "Head office",
    "auditor": "Auditor, may look only",
}


def word(value: str | None, words: Mapping[str, str]) -> str:
    """The words for a value; one that is not listed as it is, readable. None: nothing."""
    if value is None:
        return ""
    return words.get(value) or value.replace("_", " ").capitalize()


def refused(reason: str) -> str:
    """Why an action was refused, in the middle of a sentence."""
    return REFUSALS.get(reason) or reason.replace("_", " ")


def many(number: int, one: str, more: str | None = None) -> str:
    """`1 person`, `9 people`, `1,200 posts`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def lasting(span_ms: int) -> str:
    """How long, roughly, from a second up: `40 sec`, `8 min`, `2 h 5 min`, `3 days`."""
    span_ms = abs(span_ms)
    if span_ms < MINUTE_MS:
        return f"{max(1, span_ms // SECOND_MS)} sec"
    if span_ms < HOUR_MS:
        return f"{span_ms // MINUTE_MS} min"
    if span_ms < DAY_MS:
        hours, minutes = divmod(span_ms // MINUTE_MS, 60)
        return f"{hours} h {minutes} min" if minutes and hours < 6 else f"{hours} h"
    return many(span_ms // DAY_MS, "day")


def window(seconds: int) -> str:
    """A stretch of time to be read after "within": `an hour`, `15 minutes`, `a day`."""
    if seconds == 3600:
        return "an hour"
    if seconds == 86_400:
        return "a day"
    if seconds < 7200:
        return many(max(1, round(seconds / 60)), "minute")
    return many(round(seconds / 3600), "hour")


def how_often(rarity: float) -> str:
    """How often chance brings as much. `rarity`: times in 30 days. To be read after "by chance this happens":
    `once in 40 years`, `twice a month`."""
    if rarity <= 0 or not math.isfinite(rarity):
        return "practically never"
    if rarity >= 1.5:
        return f"{rarity:.0f} times a month"
    months = 1 / rarity
    if months < 1.5:
        return "once a month"
    if months < 18:
        return f"once in {months:.0f} months"
    years = months * 30 / 365.25
    if years >= 10_000:
        return "less than once in ten thousand years"
    return f"once in {_round(years)} years"


def _round(number: float) -> str:
    """Two digits that count."""
    if number < 100:
        return f"{number:.0f}"
    step = 10 ** (len(str(int(number))) - 2)
    return f"{round(number / step) * step:,}"


def usual(expected: float) -> str:
    """A mean count, in words: `0.2`, `1.2`, `34`."""
    return f"{expected:.0f}" if expected >= 10 else f"{expected:.2g}"


class Reason(NamedTuple):
    """One line of why there is an alert: a figure to look at and what it means."""

    figure: str
    meaning: str


def why(alert: Alert) -> tuple[Reason, ...]:
    """The figures that decided, each in words."""
    seen = alert.detection
    lines: list[Reason] = []
    if seen.method == "low_score":
        lines.append(Reason(many(seen.observed, "low score"), "from a customer who asked to be contacted"))
    elif seen.method == "severe_phrase":
        said = ", ".join(f"“{one}”" for one in seen.words)
        lines.append(Reason(many(seen.distinct_authors, "person", "people"), f"wrote {said or 'something severe'}"))
        lines.append(Reason("One post", "is enough for a cause like this; no statistics are asked"))
    elif seen.method == "cascade_forecast":
        lines.append(Reason(many(alert.amplification.reposts, "repost"), "so far, of one complaint"))
    elif seen.method == "rare_audience":
        lines.append(Reason(f"{alert.amplification.reach:,}", "followers read whoever complained"))
    else:
        people = many(seen.distinct_authors, "person", "people")
        lines.append(Reason(people, f"complained within {window(seen.window_s)}, each counted once"))
    lines += _statistics(seen)
    return tuple(lines)


def _statistics(seen: Detection) -> list[Reason]:
    lines = []
    if seen.expected is not None and seen.method == "gamma_poisson_tail":
        meaning = "would be usual, by " + word(seen.baseline, BASELINES)
        lines.append(Reason(usual(seen.expected), meaning))
    if seen.rarity is not None:
        lines.append(Reason(how_often(seen.rarity).capitalize(), "is how often chance brings as much here"))
    return lines


def forecast(alert: Alert) -> str | None:
    """How far it is expected to go, None where nothing is forecast."""
    spread = alert.amplification
    if spread.low is None or spread.high is None:
        return None
    if spread.low == spread.high:
        return f"{spread.high:,} expected"
    return f"{spread.low:,} to {spread.high:,} expected"


def severity(label: SeverityLabel) -> str:
    """The word of a severity."""
    return SEVERITIES[label]
