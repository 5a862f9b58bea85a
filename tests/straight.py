"""The straight run: what must come out of the records that are in the input topics and in the logs.

In: stored records as plain tuples, and the parts of the service. Out: for each output its name and the contents that
it may have, and the states as they must be at the saved positions. The rule: every partition is worked through once,
in order, in one process, by the service's own core; no Kafka, no batches, no crash.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from agents.enrich import incoming
from agents.kafka.state import POSITION_KEY
from pipeline.control import Shape
from pipeline.directory import Directory
from pipeline.emission import Emission
from pipeline.engine import Engine, Output
from pipeline.enrich import Enricher
from pipeline.lane import Lane, Limits
from pipeline.log import Log
from pipeline.state import decode_state
from pipeline.understanding import Understanding
from schemas.alert import Alert
from schemas.assignment import Label
from schemas.case import CaseEntry
from schemas.codec import Codec, RecordError, encode
from schemas.deadletter import DeadLetter
from schemas.event import Between, Event, UnitErasure, UnitRollup, UnitSettings, UnitTransfer
from schemas.record import Source
from schemas.tick import CONTROL_HEADER, Tick
from schemas.topics import CONSUMED, INPUTS, Topics
from schemas.unit import Unit
from schemas.unrouted import Unrouted

INTERNAL = b"\x00"
"""What the delivery layer keeps for itself among the states begins with this."""

events: Codec[Event] = Codec(Event)
alerts = Codec[Alert](Alert)
cases = Codec[CaseEntry](CaseEntry)
rollups: Codec[Between] = Codec(Between)
letters = Codec[DeadLetter](DeadLetter)
unrouted = Codec[Unrouted](Unrouted)
labels = Codec[Label](Label)
_units = Codec[Unit](Unit)


class Stored(NamedTuple):
    """One record as it is stored, whoever read it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp: int


class Parts(NamedTuple):
    """What the straight run needs of the service under test."""

    topics: Topics
    shape: Shape
    engine: Engine
    understanding: Understanding
    limits: Limits


class Saved(NamedTuple):
    """What is saved of one partition: the next offset to be worked on, what is kept beside the states, the states."""

    offset: int
    data: bytes
    states: dict[bytes, bytes]


class Expected:
    """Outputs by topic and name. `allowed` are all contents that the stored records can lead to; `required` are those
    that they must have led to, because the saved position is past them."""

    def __init__(self) -> None:
        self.allowed: dict[str, dict[str, Counter[bytes]]] = defaultdict(lambda: defaultdict(Counter))
        self.required: dict[str, dict[str, Counter[bytes]]] = defaultdict(lambda: defaultdict(Counter))

    def add(self, topic: str, name: str, value: bytes, required: bool) -> None:
        """One more output."""
        self.allowed[topic][name][value] += 1
        if required:
            self.required[topic][name][value] += 1


def by_topic(records: Iterable[Stored]) -> dict[str, list[Stored]]:
    """Records of each topic, in the order of its partitions."""
    found: dict[str, list[Stored]] = defaultdict(list)
    for record in records:
        found[record.topic].append(record)
    for topic in found:
        found[topic].sort(key=lambda record: (record.partition, record.offset))
    return found


def is_control(record: Stored) -> bool:
    """Whether it is a tick, a version or an assignment among the input."""
    return any(name == CONTROL_HEADER for name, _ in record.headers)


def saved_of(state_records: Iterable[Stored]) -> dict[int, Saved]:
    """What the records of a state topic amount to, by partition: the latest of each key."""
    latest: dict[int, dict[bytes, bytes]] = defaultdict(dict)
    for record in state_records:
        assert record.key is not None
        if record.value is None:
            latest[record.partition].pop(record.key, None)
        else:
            latest[record.partition][record.key] = record.value
    found = {}
    for partition, values in latest.items():
        offset, data = msgspec.msgpack.decode(values.get(POSITION_KEY, msgspec.msgpack.encode((0, b""))))
        states = {key: value for key, value in values.items() if not key.startswith(INTERNAL)}
        found[partition] = Saved(offset, data, states)
    return found


def name_of_event(event: Event, partition: int) -> str | None:
    """What names a record of the log; None for settings, which may be said again."""
    if isinstance(event, UnitSettings):
        return None
    if isinstance(event, Tick):
        return f"tick {event.source}/{event.offset} in {partition}"
    source = f"{event.source.stream}/{event.source.offset}"
    return f"{source} in {partition}" if isinstance(event, UnitErasure) else f"{source}#{event.source.index}"


def name_of_output(output: Output) -> str:
    """What names an output of the engine."""
    if isinstance(output, Alert):
        return f"{output.alert_id}/{output.sequence}"
    if isinstance(output, UnitRollup):
        return f"{output.unit_id} {output.child_id} {int(output.hour)}"
    if isinstance(output, UnitTransfer):
        return f"{output.unit_id} {output.alert.alert_id} {output.number}"
    if output.number:
        return f"{output.alert_id}#{output.number}"
    return f"{output.action_id} {output.sequence} {output.reason}"


def name_of_source(source: Source) -> str:
    """What names a dead letter, or something unrouted."""
    return f"{source.stream}/{source.offset}"


class StraightRun:
    """Works through everything at once; then `expected`, `lanes`, `logs`, `texts` and `settings` are there.

    `lanes` and `logs` are what must be saved, by topic and partition; `texts` the latest text by key, of those keys
    that one input partition alone writes; `settings` those that must be announced, by unit and version."""

    def __init__(self, parts: Parts, stored: dict[str, list[Stored]]) -> None:
        self.parts = parts
        self.stored = stored
        self.saved = {name: saved_of(stored.get(parts.topics.state(parts.topics(name)), ())) for name in CONSUMED}
        self.expected = Expected()
        self.lanes: dict[tuple[str, int], Saved] = {}
        self.logs: dict[tuple[str, int], Saved] = {}
        self.texts: dict[bytes, bytes | None] = {}
        self.settings: dict[tuple[str, int], str] = {}
        self._writers: dict[bytes, set[tuple[str, int]]] = defaultdict(set)
        self._directories: dict[int, Directory] = {}
        self._poisoned = self._put_aside()
        self._enricher = Enricher(
            topics=parts.topics,
            shape=parts.shape,
            understanding=parts.understanding,
            directories=self.directory_at,
            limits=parts.limits,
        )
        for name in INPUTS:
            for partition, records in partitions(stored.get(parts.topics(name), ())):
                self._lane(name, partition, records)
        for partition, records in partitions(stored.get(parts.topics("events"), ())):
            self.logs["events", partition] = self._log(partition, records)
        for partition, records in partitions(stored.get(parts.topics("rollup"), ())):
            self._roll_up(partition, records)
        self.texts = {key: value for key, value in self.texts.items() if len(self._writers[key]) == 1}

    def position(self, name: str, partition: int) -> int:
        """Up to where a partition is worked off."""
        saved = self.saved[name].get(partition)
        return saved.offset if saved is not None else 0

    def directory_at(self, version: int) -> Directory:
        """The directory that the records of `cem.units` before this offset make."""
        found = self._directories.get(version)
        if found is None:
            units: dict[str, Unit] = {}
            for record in self.stored.get(self.parts.topics("units"), ()):
                if record.offset < version and not is_control(record):
                    _take_unit(units, record)
            found = self._directories[version] = Directory(units.values(), version)
        return found

    def _put_aside(self) -> dict[tuple[str, int], DeadLetter]:
        """Records that a process died of, by their source. What they would have led to, nobody knows."""
        found = {}
        for record in self.stored.get(self.parts.topics("deadletter"), ()):
            letter = letters.decode(record.value)
            if letter.reason == "poison":
                found[letter.source.stream, letter.source.offset] = letter
        return found

    def _refused(self, record: Stored) -> Emission | None:
        """The letter for a record on which a process died: how often it did is not ours to say, all else is."""
        found = self._poisoned.get((f"{record.topic}/{record.partition}", record.offset))
        if found is None:
            return None
        return self._enricher.dead_letter(incoming(record), found.reason, found.detail, found.tries)

    # The input

    def _lane(self, name: str, partition: int, records: list[Stored]) -> None:
        lane, position, saved = Lane(self.parts.limits), self.position(name, partition), None
        for record in records:
            if saved is None and record.offset >= position:
                saved = _saved_lane(lane, position)
            refused = self._refused(record)
            out = [refused] if refused is not None else self._enricher.step(lane, incoming(record))
            if name == "units" and not is_control(record):
                lane.position.version = record.offset + 1
            for emission in out:
                self._take(emission, record, record.offset < position)
        self.lanes[name, partition] = saved or _saved_lane(lane, position)

    def _take(self, emission: Emission, record: Stored, required: bool) -> None:
        topic, value, topics = emission.topic, emission.value, self.parts.topics
        if topic == topics("texts"):
            assert emission.key is not None
            if required:
                self.texts[emission.key] = value
            self._writers[emission.key].add((record.topic, record.partition))
            return
        if topic == topics("unrouted") and value is None:
            return  # it has found its unit: the log and the labels tell
        assert value is not None
        if topic == topics("events"):
            event = events.decode(value)
            name = name_of_event(event, emission.partition if emission.partition is not None else -1)
            if isinstance(event, UnitSettings):
                if required:
                    self.settings[event.unit_id, event.version] = bare_settings(event)
                return
            assert name is not None
        elif topic == topics("unrouted"):
            name = name_of_source(unrouted.decode(value).insight.source)
        elif topic == topics("labels"):
            name = name_of_source(labels.decode(value).source)
        else:
            name = name_of_source(letters.decode(value).source)
        self.expected.add(topic, name, value, required)

    # The logs

    def _log(self, partition: int, records: list[Stored]) -> Saved:
        return self.log_states(partition, records, self._outputs)

    def log_states(
        self, partition: int, records: list[Stored], take: Callable[[list[Output], bool], None] | None = None
    ) -> Saved:
        """What must be saved of a log after these records."""
        log, position, saved = Log(self.parts.engine), self.position("events", partition), None
        for record in records:
            if saved is None and record.offset >= position:
                saved = _saved_log(log, position)
            required = record.offset < position
            event = self._event(record, required)
            outputs = log.apply(event) if event is not None else []
            if take is not None:
                take(outputs, required)
        return saved or _saved_log(log, position)

    def _event(self, record: Stored, required: bool) -> Event | None:
        """The record, or None (and a letter) if it is refused."""
        letter = self._refused(record)
        if letter is None:
            try:
                return events.decode(record.value)
            except RecordError as error:
                letter = self._enricher.dead_letter(incoming(record), error.reason, error.detail)
        assert letter.value is not None
        name = name_of_source(letters.decode(letter.value).source)
        self.expected.allowed[letter.topic][name][letter.value] = 1
        if required:
            self.expected.required[letter.topic][name][letter.value] = 1
        return None

    def _outputs(self, outputs: list[Output], required: bool) -> None:
        for output in outputs:
            kind = {Alert: "alerts", CaseEntry: "cases"}.get(type(output), "rollup")
            self.expected.add(self.parts.topics(kind), name_of_output(output), encode(output), required)

    def _roll_up(self, partition: int, records: list[Stored]) -> None:
        position = self.position("rollup", partition)
        for record in records:
            refused, required = self._refused(record), record.offset < position
            if refused is None:
                source = Source(topic=record.topic, partition=record.partition, offset=record.offset)
                placed = msgspec.structs.replace(rollups.decode(record.value), source=source)
                refused = Emission(self.parts.topics("events"), None, encode(placed))
            self._take(refused, record, required)


def bare_settings(settings: UnitSettings) -> str:
    """What settings say, wherever they were announced from."""
    nowhere = Source(topic="", partition=0, offset=0)
    return encode(msgspec.structs.replace(settings, source=nowhere)).decode()


def partitions(records: Iterable[Stored]) -> Iterator[tuple[int, list[Stored]]]:
    """Records of a topic, partition by partition."""
    found: dict[int, list[Stored]] = defaultdict(list)
    for record in records:
        found[record.partition].append(record)
    yield from sorted(found.items())


def plain(value: bytes) -> Any:
    """What is saved as plain data: in what order its maps were filled does not matter."""
    return msgspec.msgpack.decode(value)


def content(name: str, state: bytes) -> Any:
    """What a saved state says to its reader: fields that the reader does not know say nothing."""
    return msgspec.structs.asdict(decode_state(state)) if name == "events" else plain(state)


def _take_unit(units: dict[str, Unit], record: Stored) -> None:
    if record.value is None:
        units.pop((record.key or b"").decode("utf-8", "replace"), None)
        return
    try:
        unit = _units.decode(record.value)
    except RecordError:
        return
    if record.key == unit.id.encode():
        units.pop(unit.id, None)
        units[unit.id] = unit


def _saved_lane(lane: Lane, position: int) -> Saved:
    states = {key: value for key, value in lane.memory.take_dirty() if value is not None}
    return Saved(position, lane.save_position(), states)


def _saved_log(log: Log, position: int) -> Saved:
    return Saved(position, log.save_clock(), dict(log.take_dirty()))
