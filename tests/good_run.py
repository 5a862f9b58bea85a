"""A run in which nothing went wrong, with everything in it, for tests that break it.

In: nothing; a scenario is played through the service's own core, between topics that are lists. Out: what was sent and
what is stored at the end, states and positions included. It is the same every time.
"""

from collections.abc import Iterable
from functools import cache

import msgspec
from aiokafka.partitioner import murmur2

from agents.units import emissions_of
from pipeline.control import Shape, version_records
from pipeline.directory import Directory
from pipeline.emission import Emission, Incoming
from pipeline.engine import Engine
from pipeline.enrich import Enricher
from pipeline.evaluation.scenario import Scenario, generate
from pipeline.lane import Lane, Limits
from pipeline.log import Log
from pipeline.saying import Listener
from pipeline.sentiment.vader import VaderScorer
from pipeline.sources.timeline import ticked
from pipeline.text.pseudonym import Pseudonyms
from pipeline.understanding import Understanding
from schemas.action import Action
from schemas.assignment import Assignment
from schemas.codec import encode
from schemas.erasure import Erasure
from schemas.record import Source
from schemas.tick import CONTROL_ASSIGNMENT, CONTROL_HEADER, Version
from schemas.time import MINUTE_MS, Millis
from schemas.topics import INPUTS, Topics
from tests.checked_run import Sent
from tests.straight import Parts, Saved, Stored, alerts, events, is_control, rollups, unrouted

TOPICS = Topics("t")
SHAPE = Shape(inputs={TOPICS(name): 2 if name in ("posts", "feedback") else 1 for name in INPUTS}, events=3)
PARTS = Parts(
    TOPICS,
    SHAPE,
    Engine(hold_ms=MINUTE_MS),
    Understanding(Listener(VaderScorer()), Pseudonyms(b"a key of the tests")),
    Limits(),
)
BAD = (b"{nonsense", b'{"id":"a\xff"}', None, b"[]", b'{"id":"a","network":"x"}')


class Broker:
    """Topics as lists, and the service's core between them: every record is worked on as soon as it is stored."""

    def __init__(self) -> None:
        self.records: list[Stored] = []
        self._ends: dict[tuple[str, int], int] = {}
        self._directories: dict[int, Directory] = {0: Directory([], 0)}
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._logs = {partition: Log(PARTS.engine) for partition in range(SHAPE.events)}
        self._enricher = Enricher(
            topics=TOPICS,
            shape=SHAPE,
            understanding=PARTS.understanding,
            directories=self._directories.__getitem__,
            limits=PARTS.limits,
        )

    def store(self, emission: Emission) -> None:
        """One record, and all that comes of it."""
        topic, key = emission.topic, emission.key
        width = SHAPE.inputs.get(topic, SHAPE.events if topic in (TOPICS("events"), TOPICS("alerts")) else 1)
        hashed = 0 if key is None else (murmur2(key) & 0x7FFFFFFF) % width
        partition = hashed if emission.partition is None else emission.partition
        offset = self._ends.get((topic, partition), 0)
        self._ends[topic, partition] = offset + 1
        record = Stored(topic, partition, offset, key, emission.value, emission.headers, 0)
        self.records.append(record)
        for out in self._outputs(record):
            self.store(out)

    def publish(self, scenario: Scenario) -> None:
        """The directory, and its version to all inputs."""
        for unit in scenario.units:
            self.store(Emission(TOPICS("units"), unit.id.encode(), encode(unit), 0))
        version = len(scenario.units)
        self._directories[version] = Directory(scenario.units, version)
        for emission in version_records(SHAPE, Version(directory=version), but=TOPICS("units")):
            self.store(emission)

    def _outputs(self, record: Stored) -> Iterable[Emission]:
        if record.topic in SHAPE.inputs:
            lane = self._lanes.setdefault((record.topic, record.partition), Lane(PARTS.limits))
            yield from self._enricher.step(lane, Incoming(*record))
            if record.topic == TOPICS("units") and not is_control(record):
                lane.position.version = record.offset + 1
        elif record.topic == TOPICS("events"):
            for output in self._logs[record.partition].apply(events.decode(record.value)):
                yield from emissions_of(output, TOPICS)
        elif record.topic == TOPICS("rollup"):
            rollup = rollups.decode(record.value)
            placed = msgspec.structs.replace(
                rollup, source=Source(topic=record.topic, partition=0, offset=record.offset)
            )
            yield Emission(TOPICS("events"), rollup.unit_id.encode(), encode(placed))

    def save(self) -> None:
        """States and positions, as they are at the end."""
        for (topic, partition), lane in self._lanes.items():
            saved = Saved(0, lane.save_position(), {k: v for k, v in lane.memory.take_dirty() if v is not None})
            self._write(topic, partition, saved)
        for partition, log in self._logs.items():
            self._write(TOPICS("events"), partition, Saved(0, log.save_clock(), dict(log.take_dirty())))
        self._write(TOPICS("rollup"), 0, Saved(0, b"", {}))

    def _write(self, topic: str, partition: int, saved: Saved) -> None:
        position = msgspec.msgpack.encode((self._ends.get((topic, partition), 0), saved.data))
        for key, value in {**saved.states, b"\x00position": position, b"\x00trial": b"\x93\xff\x00\xff"}.items():
            self.store(Emission(TOPICS.state(topic), key, value, partition))


@cache
def good() -> tuple[tuple[Sent, ...], tuple[Stored, ...]]:
    """A run with everything in it: alerts, cases, roll-ups, dead letters, an erasure, a decision."""
    scenario, broker = generate(11, units=9, hours=40, incidents=3), Broker()
    broker.publish(scenario)
    inputs = list(ticked([*scenario.records], TOPICS, SHAPE, 10 * MINUTE_MS))
    inputs[900:900] = [Emission(TOPICS("posts"), b"k", value) for value in BAD]
    for emission in inputs:
        broker.store(emission)
    opened = next(alerts.decode(record.value) for record in broker.records if record.topic == TOPICS("alerts"))
    action = Action(
        id="a1", alert_id=opened.alert_id, unit_id=opened.labels.unit_id, action="acknowledge", actor="maria",
        note="called", event_time=Millis(scenario.ends),
    )  # fmt: skip
    erasure = Erasure(id="e1", network="x", post_ids=("p1",), actor="maria", event_time=Millis(scenario.ends))
    later = [Emission(TOPICS("actions"), action.unit_id.encode(), encode(action))] * 2
    later.append(Emission(TOPICS("erasures"), b"e1", encode(erasure)))
    waiting = unrouted.decode(next(one.value for one in broker.records if one.topic == TOPICS("unrouted")))
    decided = Assignment(
        unit_id=opened.labels.unit_id, actor="maria", event_time=Millis(scenario.ends), unrouted=waiting
    )
    source, headers = waiting.insight.source, ((CONTROL_HEADER, CONTROL_ASSIGNMENT),)
    later.append(Emission(source.topic, waiting.id.encode(), encode(decided), source.partition, headers))
    for emission in later:
        broker.store(emission)
    broker.save()
    sent = (Sent(emission.topic, emission.key, emission.value) for emission in (*inputs, *later))
    return tuple(sent), tuple(broker.records)


def of(name: str) -> list[Stored]:
    """Records of a topic in the good run."""
    return [record for record in good()[1] if record.topic == TOPICS(name)]
