"""The torture in its short form, for CI; `make torture` is the long one. Every test ends with all laws of the checker.

A test that fails says which law; `TORTURE_SEED` repeats who was hurt and when.
"""

import signal
import time

import msgspec
import pytest
from kafka import KafkaProducer

from agents.kafka.client import kafka_python_options
from agents.kafka.node import free_port
from agents.restore.process import restore
from pipeline.emission import Emission
from pipeline.state import decode_state
from schemas.codec import encode
from schemas.post import Author, Post
from schemas.time import Millis
from tests.broker.test_restore import lose
from tests.checker import Verdict
from tests.straight import Stored, alerts, letters, saved_of
from tests.torture.arena import Arena, Plan
from tests.torture.brokers import One, Three
from tests.torture.conftest import NewArena
from tests.torture.flood import PLAN, flood
from tests.torture.worker import POISON

pytestmark = [pytest.mark.broker, pytest.mark.timeout(400)]


def judged(arena: Arena) -> Verdict:
    """Ends the arena and asserts that all laws hold, on a run that had something in it."""
    verdict = arena.verdict(arena.finish())
    assert verdict.ok, f"seed {arena.seed}\n{verdict.report()}\n{arena.fleet.log_tails()}"
    assert min(verdict.counts[name] for name in ("accepted", "dead_letters", "log", "alerts")) > 0
    assert 0 == arena.fleet.late_to_leave
    return verdict


def tortured(arena: Arena) -> Verdict:
    """All deeds of the plan, and the verdict."""
    arena.start()
    arena.torture()
    return judged(arena)


def test_workers_killed_and_sent_away_under_load(new_arena: NewArena) -> None:
    """`kill -9`, SIGTERM, local files damaged and gone, workers joining and leaving; three workers and partitions."""
    arena = new_arena(Plan(name="killed", deeds={"kill": 3, "leave": 1, "join": 1, "wipe": 1}, seconds_between=2.5))
    tortured(arena)
    assert 4 == arena.wreckers.done["kills"]


def test_workers_stopped_at_the_worst_moment(new_arena: NewArena) -> None:
    """SIGSTOP beyond the session time-out, at random and with a request in hand, between the last check and the socket;
    then SIGCONT. By the wall clock."""
    deeds = {"stop": 1, "worst:log": 1, "worst:state": 1, "worst:end": 1}
    arena = new_arena(Plan(name="stopped", clock="wall", deeds=deeds, workers=3, seconds_between=4.0, rate=150.0))
    tortured(arena)
    assert 4 == arena.wreckers.done["stops"]


def test_one_partition(new_arena: NewArena) -> None:
    """One partition for two workers, of whom one has nothing to do; states are compacted all the time."""
    deeds = {"kill": 1, "leave": 1}
    tortured(new_arena(Plan(name="one-partition", inputs=1, events=1, workers=2, deeds=deeds, compact=True)))


def test_twelve_partitions(new_arena: NewArena) -> None:
    """Twelve partitions for four workers."""
    plan = Plan(name="twelve-partitions", inputs=12, events=12, workers=4, deeds={"kill": 1, "leave": 1}, rate=200.0)
    tortured(new_arena(plan))


def test_members_with_lasting_names(new_arena: NewArena) -> None:
    """Static membership: a killed worker comes back under its name within its session; one is away for longer."""
    tortured(new_arena(Plan(name="static", static=True, deeds={"kill": 2, "stop": 1, "leave": 1})))


def test_the_broker_is_killed_and_away(new_arena: NewArena) -> None:
    """The only broker is killed twice, and once stays away for longer than a session."""
    with One() as broker:
        plan = Plan(name="broker", deeds={"broker": 1, "gone": 1, "kill": 1}, gone_seconds=12.0, workers=2, rate=150.0)
        arena = new_arena(plan, broker)
        tortured(arena)
        assert 2 == arena.wreckers.done["broker_restarts"]


def test_a_leader_of_three_brokers_dies(new_arena: NewArena) -> None:
    """The broker that leads most is killed under load; two others hold every record."""
    with Three() as brokers:
        plan = Plan(name="three-brokers", brokers=3, deeds={"broker": 1, "kill": 1}, workers=2, rate=100.0)
        tortured(new_arena(plan, brokers))


def test_states_of_other_versions_compacted_meanwhile(new_arena: NewArena) -> None:
    """Between two runs the states are compacted, and written anew by a newer version, with fields that this one does
    not know; the log has a record of another major version, which is put aside."""
    arena = new_arena(Plan(name="versions", compact=True, workers=2))
    arena.start()
    time.sleep(6)
    arena.fleet.dismiss()
    state = arena.topics("state.events")
    producer = KafkaProducer(**kafka_python_options(arena.settings))
    deadline = time.monotonic() + 40
    while kept(states := arena.stored("state.events")) > 0.4 and time.monotonic() < deadline:
        for partition, saved in saved_of(states).items():
            for key, value in saved.states.items():
                newer = msgspec.msgpack.encode({**msgspec.msgpack.decode(value), "invented_later": {"a": [1]}})
                assert decode_state(value) == decode_state(newer)
                producer.send(state, key=key, value=newer, partition=partition)
        producer.flush()
        time.sleep(1.5)  # a segment that is written to after a second is a new one, and the old one is compacted
    assert kept(states) <= 0.4, "nothing was compacted"
    strange = b'{"schema_version":"9.0","type":"insight","unit_id":"x"}'
    producer.send(arena.topics("events"), key=b"x", value=strange, partition=0)
    producer.flush()
    producer.close()

    for worker in arena.fleet.workers:
        worker.start()
    time.sleep(4)
    judged(arena)
    found = [letters.decode(record.value) for record in arena.all if record.topic == arena.topics("deadletter")]
    events = [letter for letter in found if letter.source.topic == arena.topics("events")]
    assert [("unknown_version", strange)] == [(letter.reason, letter.bytes) for letter in events]


def kept(states: list[Stored]) -> float:
    """The share of what was ever written to state topics that is still there. A third of it are markers."""
    ends = {(record.topic, record.partition): record.offset + 1 for record in states}
    return len(states) / sum(ends.values())


def test_a_record_that_kills_is_put_aside(new_arena: NewArena) -> None:
    """A record on which the process dies is a dead letter after a bounded number of deaths, counted across restarts;
    the rest goes on."""
    arena = new_arena(Plan(name="poison", workers=1, static=True, rate=100.0))
    arena.start()
    poison = Post(
        id="poison",
        network="x",
        author=Author(id="nobody"),
        text=POISON,
        event_time=Millis(arena.load.latest_ms),
    )  # fmt: skip
    arena.load.send(Emission(arena.topics("posts"), b"poison", encode(poison)))
    deadline = time.monotonic() + 120
    while not (found := poisoned(arena)) and time.monotonic() < deadline:
        arena.fleet.supervise()
        time.sleep(0.3)
    judged(arena)
    assert [encode(poison)] == found
    assert arena.fleet.exits.total() <= 12


def poisoned(arena: Arena) -> list[bytes | None]:
    """What was put aside because a process died of it."""
    stored = arena.stored("deadletter")
    return [letter.bytes for letter in (letters.decode(record.value) for record in stored) if letter.reason == "poison"]


def test_ten_times_what_the_worker_can_do(new_arena: NewArena) -> None:
    """A flood for a while: memory stays bounded, lag is shown, nothing is lost, the worker catches up."""
    port = free_port()
    arena = new_arena(PLAN, http_port=port)
    found = flood(arena, port, 10.0)
    judged(arena)
    assert (True, True) == (found.bounded, found.lived), found
    assert found.lag_max > 1000


def test_terminated_under_load(new_arena: NewArena) -> None:
    """SIGTERM to all at once, under load: they leave in good order, and the next ones go on where they stopped."""
    arena = new_arena(Plan(name="terminated", workers=2))
    arena.start()
    time.sleep(3)
    for worker in arena.fleet.workers:
        worker.signal(signal.SIGTERM)
    time.sleep(3)
    judged(arena)
    assert {"0"} == set(arena.fleet.exits)


def test_all_is_lost_but_the_inputs(new_arena: NewArena) -> None:
    """What `cem restore` makes of the inputs, malformed records and people's actions among them, obeys every law as
    what workers made of them does, and the same units have alerts for the same causes. (Days pass here in seconds, so
    the order in which workers took posts of three partitions is chance, and with it which post raises an alert.)"""
    arena = new_arena(Plan(name="restored", workers=2))
    arena.start()
    sent = arena.finish()
    assert arena.verdict(sent).ok
    before = opened(arena)
    lose(arena.settings, "inputs")
    arena.shape = arena.apply_topics()
    restore(arena.settings)
    verdict = arena.verdict(sent)
    assert verdict.ok, f"seed {arena.seed}\n{verdict.report()}"
    assert before == opened(arena)


def opened(arena: Arena) -> set[tuple[str, str]]:
    """Where alerts were opened, and what for."""
    values = (record.value for record in arena.stored("alerts") if record.topic == arena.topics("alerts"))
    found = [alerts.decode(value or b"") for value in values]
    return {(alert.labels.unit_id, alert.labels.alertname) for alert in found if alert.change == "opened"}
