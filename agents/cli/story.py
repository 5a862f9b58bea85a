"""The story of one alert, gathered. In: its id. Out: its last record, its history, and what was said.

The one rule: texts come from `cem.texts` only: what was erased there is gone here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import orjson
from rich.console import Console

from agents.cli.asking import SKEW_MS, now_of
from agents.kafka.reader import ReadError, read
from agents.kafka.units import read_units
from agents.settings import Settings
from agents.web import words
from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.codec import Codec, encode
from schemas.text import StoredText
from schemas.time import DAY_MS
from schemas.topics import Topics
from schemas.unit import Unit

MOVES_MAX: Final = 20
EVIDENCE_MS: Final = 2 * DAY_MS
"""Evidence may have been written so long before its alert."""

_alerts = Codec[Alert](Alert)
_entries = Codec[CaseEntry](CaseEntry)
_texts = Codec[StoredText](StoredText)


class Story(msgspec.Struct):
    """`alert`: its last record. `entries`: the history, links of the chain in order of their numbers, and refusals
    behind what they met. `texts`: by reference, what is still there of them."""

    alert: Alert | None
    entries: list[CaseEntry]
    texts: dict[str, str]
    unit: Unit | None
    now_ms: int


def story_of(settings: Settings, alert_id: str) -> Story:
    """All that the topics say of an alert. Raises ReadError, RecordError."""
    topics = Topics(settings.prefix)
    with _patience("reading its alerts"):
        alert, first_ms = _alert(settings, topics, alert_id)
    with _patience("reading its history"):
        entries = _history(settings, topics, alert_id, first_ms)
    wanted = {one.text_ref for one in alert.evidence} if alert else set()
    wanted |= {ref for entry in entries for ref in (entry.note_ref, entry.we_did_ref)}
    with _patience("reading what was said"):
        texts = _said(settings, topics, {ref.encode() for ref in wanted if ref}, first_ms)
    unit = read_units(settings, topics).units.get(alert.labels.unit_id) if alert else None
    return Story(alert=alert, entries=entries, texts=texts, unit=unit, now_ms=now_of(settings))


@contextmanager
def _patience(what: str) -> Iterator[None]:
    """Somebody at a terminal sees what takes so long."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


def _alert(settings: Settings, topics: Topics, alert_id: str) -> tuple[Alert | None, int]:
    """The last record, and when Kafka got the first (0: it is not there any more). First it is looked for on the topic
    of its unit, and from there on where it was sent; only what is confidential has to be looked for among all."""
    unit_id, found, first_ms = alert_id.rpartition("-")[0], None, 0
    for _ in range(MOVES_MAX):
        try:
            newest, since_ms = _newest(_with(read(settings, topics.unit_alerts(unit_id)), alert_id), alert_id)
        except ReadError:  # there is no such unit
            break
        found, first_ms = newest or found, first_ms or since_ms
        if newest is None or newest.work.moved_to in (None, unit_id):
            break
        unit_id = str(newest.work.moved_to)
    return (found, first_ms) if found else _newest(_with(read(settings, topics("alerts")), alert_id), alert_id)


def _newest(records: Iterator[Any], alert_id: str) -> tuple[Alert | None, int]:
    found, first_ms = None, 0
    for record in records:
        alert = _alerts.decode(record.value)
        if alert.alert_id != alert_id:
            continue
        if alert.sequence == 1:
            first_ms = record.timestamp
        if found is None or alert.sequence > found.sequence:
            found = alert
    return found, first_ms


def _history(settings: Settings, topics: Topics, alert_id: str, first_ms: int) -> list[CaseEntry]:
    since_ms = first_ms - SKEW_MS if first_ms else None
    found: dict[tuple[int, int, str], CaseEntry] = {}
    for record in _with(read(settings, topics("cases"), since_ms=since_ms), alert_id):
        entry = _entries.decode(record.value)
        if entry.alert_id == alert_id:
            refused = "" if entry.number else f"{entry.action_id}/{entry.reason}"
            found.setdefault((entry.sequence, int(not entry.number), refused), entry)
    return [found[key] for key in sorted(found, key=lambda key: key[:2])]


def _said(settings: Settings, topics: Topics, wanted: set[bytes], first_ms: int) -> dict[str, str]:
    if not wanted:
        return {}
    found: dict[str, str] = {}
    since_ms = first_ms - EVIDENCE_MS - SKEW_MS if first_ms else None
    for record in read(settings, topics("texts"), since_ms=since_ms):
        if record.key in wanted:
            reference = record.key.decode()
            if record.value is None:
                found.pop(reference, None)
            else:
                found[reference] = _texts.decode(record.value).text
    return found


def _with(records: Iterator[Any], alert_id: str) -> Iterator[Any]:
    """Those in which the id stands, whatever for."""
    wanted = msgspec.json.encode(alert_id)
    return (record for record in records if record.value is not None and wanted in record.value)


def as_object(story: Story) -> dict[str, Any]:
    """For programs. Texts that were erased, or are not there yet, are null."""
    alert, texts = story.alert, story.texts
    return {
        "alert": orjson.loads(encode(alert)) if alert else None,
        "why": [one._asdict() for one in words.why(alert)] if alert else [],
        "evidence": [
            {**orjson.loads(encode(one)), "text": texts.get(one.text_ref or "")}
            for one in (alert.evidence if alert else ())
        ],
        "timeline": [
            {
                **orjson.loads(encode(entry)),
                "accepted": entry.accepted,
                "note": texts.get(entry.note_ref or ""),
                "we_did": texts.get(entry.we_did_ref or ""),
            }
            for entry in story.entries
        ],
    }
