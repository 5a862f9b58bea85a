"""An action on its way, and the answer. In: an Action. Out: the entry of `cem.cases` that says what became of it.

The one rule: an action keeps its id, wherever it has to be sent again: to the unit that has the case now, or a second
time by somebody who saw no answer. It takes effect once.
"""

import time
from collections.abc import Iterator

import msgspec

from agents.kafka.reader import read
from agents.kafka.writer import Writer
from agents.settings import Settings
from pipeline.emission import Emission
from schemas.action import Action
from schemas.case import CaseEntry
from schemas.codec import Codec, encode
from schemas.event import Event, UnitSettings
from schemas.time import MINUTE_MS, Millis
from schemas.topics import Topics

ANSWER_SECONDS_MAX = 30.0
SKEW_MS = 10 * MINUTE_MS
"""How far the clocks of two machines may be apart."""
NEWEST = 50
"""So many records at the end of the log tell what time it is there."""

_codec = Codec[CaseEntry](CaseEntry)
_action_codec = Codec[Action](Action)
_event_codec: Codec[Event] = Codec(Event)


def now_of(settings: Settings) -> Millis:
    """What time it is for an action: the wall clock, or, where history is played, the newest time in the log."""
    if settings.clock == "wall":
        return Millis(time.time() * 1000)
    newest = 0
    for record in read(settings, Topics(settings.prefix)("events"), newest=NEWEST):
        if record.value is not None:
            event = _event_codec.decode(record.value)
            newest = max(newest, 0 if isinstance(event, UnitSettings) else _time_of(event))
    return Millis(newest or time.time() * 1000)


def _time_of(event: Event) -> int:
    return int(getattr(event, "event_time", 0))


def checked(action: Action) -> Action:
    """The action as the service would read it. Raises RecordError, which names the field."""
    return _action_codec.decode(encode(action))


def ask(settings: Settings, action: Action, *, again: bool = False, wait: bool = True) -> CaseEntry | None:
    """Sends the action and waits for its answer; follows a case that was sent on to another unit. None if nothing is
    said in time, or if nobody waits. `again`: it may have been sent before; older answers are passed over. Raises
    ReadError, WriteError."""
    since_ms = int(time.time() * 1000) - SKEW_MS
    known = sum(1 for _ in _answers(settings, action.id, since_ms, follow=False)) if again and wait else 0
    with Writer(settings) as writer:
        _send(writer, settings, action)
        if not wait:
            return None
        for number, entry in enumerate(_answers(settings, action.id, since_ms, follow=True)):
            if number < known:
                continue
            if entry.reason != "moved" or entry.to_unit in (None, action.unit_id):
                return entry
            action = msgspec.structs.replace(action, unit_id=entry.to_unit)
            _send(writer, settings, action)
    return None


def _send(writer: Writer, settings: Settings, action: Action) -> None:
    writer.send(Emission(Topics(settings.prefix)("actions"), action.unit_id.encode(), encode(action)))
    writer.flush()


def _answers(settings: Settings, action_id: str, since_ms: int, *, follow: bool) -> Iterator[CaseEntry]:
    """What was said to an action, in order."""
    wanted = msgspec.json.encode(action_id)
    seconds_max = ANSWER_SECONDS_MAX if follow else None
    cases = Topics(settings.prefix)("cases")
    for record in read(settings, cases, follow=follow, since_ms=since_ms, seconds_max=seconds_max):
        if record.value is not None and wanted in record.value:
            entry = _codec.decode(record.value)
            if entry.action_id == action_id:
                yield entry
