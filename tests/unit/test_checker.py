"""The checker can fail: a good run passes, and a run that is broken in one way is found, by the law that says so."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import msgspec
import pytest
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
from schemas.event import UnitRollup, UnitSettings
from schemas.insight import Insight
from schemas.record import Source
from schemas.tick import CONTROL_ASSIGNMENT, CONTROL_HEADER, Tick, Version
from schemas.time import MINUTE_MS, Millis
from schemas.topics import INPUTS, Topics
from tests.checked_run import Run, Sent
from tests.checker import LAWS, check
from tests.straight import Parts, Saved, Stored, alerts, events, is_control, letters, rollups, unrouted

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


def verdict_of(stored: Iterable[Stored], sent: Iterable[Sent] = (), uncommitted: Iterable[Stored] = ()) -> set[str]:
    """The findings, as `law: kind`."""
    found = check(Run(PARTS, sent or good()[0], stored, uncommitted)).findings
    return {f"{finding.law}: {finding.kind}" for finding in found}


def of(name: str) -> list[Stored]:
    """Records of a topic in the good run."""
    return [record for record in good()[1] if record.topic == TOPICS(name)]


def without(*broken: Stored) -> list[Stored]:
    """The good run but for these."""
    return [record for record in good()[1] if record not in broken]


def instead(old: Stored, **fields: Any) -> list[Stored]:
    """The good run with one record changed."""
    return [record._replace(**fields) if record is old else record for record in good()[1]]


def again(record: Stored, **fields: Any) -> list[Stored]:
    """The good run with one record there once more, at the end of its partition."""
    end = 1 + max(other.offset for other in good()[1] if other[:2] == record[:2])
    return [*good()[1], record._replace(offset=end, **fields)]


def insight(number: int = 50) -> Stored:
    """A record of the log that is an insight."""
    found = [record for record in of("events") if isinstance(events.decode(record.value), Insight)]
    return found[number]


def changed(record: Stored, **fields: Any) -> bytes:
    """The value of an event with other contents."""
    return encode(msgspec.structs.replace(events.decode(record.value), **fields))


def middle_alert() -> Stored:
    """An alert's record that is neither its first nor its last."""
    found = [(record, alerts.decode(record.value)) for record in of("alerts")]
    longest = max(alert.sequence for _, alert in found)
    assert longest > 2
    name = next(alert.alert_id for _, alert in found if alert.sequence == longest)
    return next(record for record, alert in found if (alert.alert_id, alert.sequence) == (name, 2))


def unit_state() -> Stored:
    """A unit's saved state."""
    return next(record for record in of("state.events") if not (record.key or b"").startswith(b"\x00"))


def position(name: str) -> Stored:
    """What is saved of a partition's position."""
    return next(record for record in of(f"state.{name}") if record.key == b"\x00position")


def test_a_good_run_passes() -> None:
    """All laws hold, and there is something to be held to them."""
    sent, stored = good()
    verdict = check(Run(PARTS, sent, stored, of("alerts")))
    assert () == verdict.findings, verdict.report()
    counts = {name: count for name, count in verdict.counts.items() if not name.startswith("repeats")}
    assert min(counts.values()) > 0, counts
    assert (5, 0, 0) == tuple(verdict.counts[name] for name in ("dead_letters", "repeats", "repeats_uncommitted"))


def two_of_one_source() -> list[Stored]:
    """Two insights of one input partition have changed places."""
    one = insight(50)
    stream = events.decode(one.value).source.stream  # type: ignore[union-attr]
    for other in of("events"):
        event = events.decode(other.value)
        same = isinstance(event, Insight) and event.source.stream == stream and other.partition == one.partition
        if same and other.offset > one.offset + 3:
            break
    swapped = {one: other.offset, other: one.offset}
    return [record._replace(offset=swapped.get(record, record.offset)) for record in good()[1]]


def in_another_log() -> list[Stored]:
    """An insight is in another unit's log."""
    one = insight()
    other = (one.partition + 1) % SHAPE.events
    end = 1 + max(record.offset for record in of("events") if record.partition == other)
    return instead(one, partition=other, offset=end)


def lost_settings() -> list[Stored]:
    """All settings of a unit are gone."""
    unit_id = events.decode(insight().value).unit_id  # type: ignore[union-attr]

    def concerned(record: Stored) -> bool:
        event = events.decode(record.value)
        return isinstance(event, UnitSettings) and event.unit_id == unit_id

    return without(*(record for record in of("events") if concerned(record)))


def skipped_sequence() -> list[Stored]:
    """A record of an alert is nowhere."""
    value = middle_alert().value
    return [record for record in good()[1] if record.value != value]


def other_order_for_the_unit() -> list[Stored]:
    """The first two records of a unit's own topic have changed places."""
    topic = TOPICS.unit_alerts(alerts.decode(middle_alert().value).labels.unit_id)
    first, second = [record for record in good()[1] if record.topic == topic][:2]
    swapped = {first: second.offset, second: first.offset}
    return [record._replace(offset=swapped.get(record, record.offset)) for record in good()[1]]


def secret_at_the_unit() -> list[Stored]:
    """An alert is addressed to head office, and its unit has it all the same."""
    record = middle_alert()
    secret = encode(msgspec.structs.replace(alerts.decode(record.value), addressed_to="acme"))
    return [
        other._replace(value=secret, key=b"acme" if other.topic == TOPICS("alerts") else other.key)
        if other.value == record.value else other
        for other in good()[1]
    ]  # fmt: skip


def own(record: Stored) -> Stored:
    """The same record on the unit's own topic."""
    return next(
        other for other in good()[1] if other.value == record.value and other.topic.startswith(TOPICS.unit_alerts(""))
    )


def twice_effective() -> list[Stored]:
    """A repeat in the log counted twice."""
    unit_id = events.decode(insight().value).unit_id.encode()  # type: ignore[union-attr]
    stored = again(insight())
    for place, record in enumerate(stored):
        if record.topic == TOPICS("state.events") and record.key == unit_id:
            state = msgspec.msgpack.decode(record.value)
            stored[place] = record._replace(value=msgspec.msgpack.encode({**state, "now": state["now"] + 1}))
    return stored


def tick_of(number: int) -> Stored:
    """A tick in a log."""
    return [record for record in of("events") if isinstance(events.decode(record.value), Tick)][number]


BREAKS: dict[str, tuple[Callable[[], list[Stored]], str]] = {
    "an insight is lost": (lambda: without(insight()), "every record reaches the log: lost"),
    "a tick is lost": (lambda: without(tick_of(99)), "every record reaches the log: lost"),
    "an insight has other content": (
        lambda: instead(insight(), value=changed(insight(), emotion="worry")),
        "every record reaches the log: wrong",
    ),
    "an insight comes from nowhere": (
        lambda: again(insight(), value=changed(insight(), source=Source(topic="t.posts", partition=0, offset=10**6))),
        "every record reaches the log: extra",
    ),
    "an insight is in the log twice": (lambda: again(insight()), "every record is in the log once: twice"),
    "an insight is there again, with other content": (
        lambda: again(insight(), value=changed(insight(), emotion="worry")),
        "no name has two contents: two contents",
    ),
    "the log is out of order": (two_of_one_source, "the log is in order: disorder"),
    "a unit has two logs": (in_another_log, "the log is in order: disorder"),
    "settings are not announced": (lost_settings, "settings are announced: lost"),
    "what found no unit is lost": (
        lambda: without(of("unrouted")[3]),
        "every record without a unit reaches the unrouted: lost",
    ),
    "a decision leaves no label": (
        lambda: without(of("labels")[0]),
        "every decision is kept as a label: lost",
    ),
    "a dead letter is lost": (
        lambda: without(of("deadletter")[1]),
        "every refused record reaches the dead letters: lost",
    ),
    "a dead letter is wrong": (
        lambda: instead(
            of("deadletter")[0],
            value=encode(msgspec.structs.replace(letters.decode(of("deadletter")[0].value), bytes=b"")),
        ),
        "every refused record reaches the dead letters: wrong",
    ),
    "a good record was put aside": (
        lambda: instead(
            of("deadletter")[0],
            value=of("deadletter")[0].value.replace(b'"not_json"', b'"future"'),  # type: ignore[union-attr]
        ),
        "every refused record reaches the dead letters: wrong",
    ),
    "a text is lost": (lambda: without(of("texts")[7]), "texts are kept: lost"),
    "an alert is lost": (lambda: without(of("alerts")[-1]), "alerts equal the replay's: lost"),
    "an alert has other content": (
        lambda: instead(
            middle_alert(), value=encode(msgspec.structs.replace(alerts.decode(middle_alert().value), severity=1))
        ),
        "alerts equal the replay's: wrong",
    ),
    "an alert comes from nowhere": (
        lambda: again(
            middle_alert(), value=encode(msgspec.structs.replace(alerts.decode(middle_alert().value), alert_id="x"))
        ),
        "alerts equal the replay's: extra",
    ),
    "an alert is there twice": (lambda: again(middle_alert()), "every output is there once: twice"),
    "an alert is there again, with other content": (
        lambda: again(
            middle_alert(), value=encode(msgspec.structs.replace(alerts.decode(middle_alert().value), severity=1))
        ),
        "no name has two contents: two contents",
    ),
    "a sequence is skipped": (skipped_sequence, "sequences have no holes: hole"),
    "a unit misses an alert": (lambda: without(own(middle_alert())), "units have their alerts: lost"),
    "a unit's alert has no headers": (
        lambda: instead(own(middle_alert()), headers=()),
        "units have their alerts: wrong",
    ),
    "what is confidential is with the unit": (secret_at_the_unit, "units have their alerts: extra"),
    "an alert has another unit's key": (lambda: instead(middle_alert(), key=b"x"), "units have their alerts: wrong"),
    "a case has another unit's key": (lambda: instead(of("cases")[0], key=b"x"), "cases are kept apart: wrong"),
    "a unit's alerts are out of order": (other_order_for_the_unit, "units have their alerts: disorder"),
    "a case entry is lost": (lambda: without(of("cases")[0]), "cases equal the replay's: lost"),
    "an entry was changed": (
        lambda: instead(
            of("cases")[1],
            value=of("cases")[1].value.replace(b'"severity":', b'"severity": '),  # type: ignore[union-attr]
        ),
        "chains of cases are whole: wrong",
    ),
    "an alert has no entry": (lambda: without(of("cases")[0]), "entries say what alerts say: wrong"),
    "a roll-up is lost": (lambda: without(of("rollup")[-1]), "roll-ups equal the replay's: lost"),
    "a roll-up does not reach the log": (
        lambda: without(next(record for record in of("events") if isinstance(events.decode(record.value), UnitRollup))),
        "every record reaches the log: lost",
    ),
    "a state is wrong": (
        lambda: instead(unit_state(), value=msgspec.msgpack.encode({"unit_id": "x"})),
        "states equal the replay's: state differs",
    ),
    "a state is missing": (lambda: without(unit_state()), "states equal the replay's: state differs"),
    "no state at all is saved": (lambda: without(*of("state.events")), "everything is worked off: not worked off"),
    "the memory of an input is wrong": (
        lambda: without(next(record for record in of("state.posts") if record.key != b"\x00position")),
        "states equal the replay's: state differs",
    ),
    "a watermark is wrong": (
        lambda: instead(
            position("events"),
            value=msgspec.msgpack.encode((msgspec.msgpack.decode(position("events").value)[0], b"\x80")),  # type: ignore[arg-type]
        ),
        "states equal the replay's: state differs",
    ),
    "a position is behind": (
        lambda: instead(position("posts"), value=msgspec.msgpack.encode((10, b""))),
        "everything is worked off: not worked off",
    ),
    "the log is not worked off": (
        lambda: instead(position("events"), value=msgspec.msgpack.encode((10, b""))),
        "everything is worked off: not worked off",
    ),
    "a record takes effect twice": (twice_effective, "every record takes effect once: state differs"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_run_is_found(name: str) -> None:
    """Whatever else it says, the law that was broken is named, with what is wrong."""
    break_it, expected = BREAKS[name]
    assert expected in verdict_of(break_it())


def test_a_record_that_never_arrived_is_found() -> None:
    """Sent and acknowledged, but nowhere; without an acknowledgement nobody promised anything."""
    lost = Sent(TOPICS("posts"), b"k", b"value")
    assert {"what was acknowledged arrived: lost"} == verdict_of(good()[1], [*good()[0], lost])
    assert set() == verdict_of(good()[1], [*good()[0], lost._replace(acknowledged=False)])


def test_an_uncommitted_alert_with_other_content_is_found() -> None:
    """Aborted attempts may be there for a reader of uncommitted records, but say the same."""
    alert = middle_alert()
    other = encode(msgspec.structs.replace(alerts.decode(alert.value), severity=1))
    assert set() == verdict_of(good()[1], uncommitted=[alert, alert])
    expected = {"no name has two contents: two contents"}
    assert expected == verdict_of(good()[1], uncommitted=[alert, alert._replace(value=other)])


def test_every_law_can_be_broken() -> None:
    """No law is there that no test breaks."""
    broken = {expected.rpartition(":")[0] for _, expected in BREAKS.values()}
    assert {name for name, _ in LAWS} == broken | {"what was acknowledged arrived"}


def test_the_report_names_what_is_wrong() -> None:
    """A person reads the law, the kind and the thing."""
    sent, _ = good()
    report = check(Run(PARTS, sent, without(of("deadletter")[1]))).report()
    assert "every refused record reaches the dead letters: 1\n  lost: deadletter t.posts/" in report
