"""The order in which the process keeps, commits and sends: with a Kafka and recipients that check it at each step."""

import asyncio
import time
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError
from prometheus_client import REGISTRY

from agents.notify import tenure as module
from agents.notify.tenure import TRIES_AT_ONCE, Tenure
from agents.settings import Settings
from pipeline.emission import Emission
from pipeline.notify.answer import DELIVERED, Answer, Outcome
from pipeline.notify.message import Message
from pipeline.notify.rules import Recipient, Rules
from schemas.alert import Alert
from schemas.codec import encode
from schemas.notified import Notified
from tests.notify_examples import DIRECTORY, alert, recipient

PARTITION = TopicPartition("cem.alerts", 0)


class Crash(Exception):
    """The process ended itself."""


class World:
    """Kafka's part, in memory: what was kept, how far is committed; and what was sent."""

    def __init__(self, *alerts: Alert) -> None:
        self.log = [encode(one) for one in alerts]
        self.kept: dict[tuple[str, str, str], Notified] = {}
        self.letters: list[Emission] = []
        self.committed = 0
        self.position = 0
        self.sent: list[Message] = []
        self.at_once = 0
        self.most_at_once = 0
        self.answer: Callable[[Message], Answer] = lambda _: DELIVERED
        self.write_fails_at: int | None = None
        self.writes = 0
        self.commit_error: Exception | None = None

    # The memory

    async def start(self) -> list[Notified]:
        """Reads it back."""
        return list(self.kept.values())

    async def stop(self) -> None:
        """Nothing to close."""

    async def write(self, entries: list[Notified], letters: list[Emission]) -> None:
        """All or nothing, after a while."""
        await asyncio.sleep(0)
        self.writes += 1
        if self.writes == self.write_fails_at:
            raise Crash
        for entry in entries:
            self.kept[entry.recipient, entry.alert_id, entry.unit_id] = entry
        self.letters += letters

    # The consumer

    async def getmany(self, **_: Any) -> dict[TopicPartition, list[Any]]:
        """Two records at a time."""
        await asyncio.sleep(0)
        values = self.log[self.position : self.position + 2]
        if not values:
            await asyncio.sleep(0.01)
            return {}
        records = [
            SimpleNamespace(
                topic=PARTITION.topic, partition=0, offset=self.position + at, key=b"k", value=value, headers=(),
                timestamp=0,
            )
            for at, value in enumerate(values)
        ]  # fmt: skip
        self.position += len(values)
        return {PARTITION: records}

    def highwater(self, _: TopicPartition) -> int:
        """How far the log goes."""
        return len(self.log)

    async def commit(self, positions: dict[TopicPartition, int]) -> None:
        """What is behind the position must be in the memory."""
        if self.commit_error is not None:
            raise self.commit_error
        self.committed = positions[PARTITION]
        for value in self.log[: self.committed]:
            one = module._codec.decode(value)
            assert any(one.alert_id == key[1] and one.sequence <= entry.sequence for key, entry in self.kept.items())

    # The recipients

    async def send(self, message: Message, _: Recipient) -> Answer:
        """What is sent must have been kept, as it is."""
        kept = [entry.sending for entry in self.kept.values() if entry.sending and entry.sending.id == message.id]
        assert [part.changes for part in message.parts] == [one.changes for one in sorted(kept, key=lambda s: s.place)]
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.001)
        self.at_once -= 1
        self.sent.append(message)
        return self.answer(message)


@pytest.fixture(autouse=True)
def die_by_raising(monkeypatch: pytest.MonkeyPatch) -> None:
    """`die` ends the process; here it ends the test's run."""

    def die(why: str, error: BaseException | None = None) -> None:
        raise error or Crash(why)

    monkeypatch.setattr(module, "die", die)


def live(world: World, until: Callable[[], bool], *recipients: Recipient) -> None:
    """One process from its start until something holds, or it ends itself."""

    async def run() -> None:
        world.position = world.committed
        people = recipients or (recipient(group_seconds=0, retry_seconds=0.01),)
        follower: Any = SimpleNamespace(newest=lambda: DIRECTORY)
        part: Any = world
        one = Tenure(Settings(), Rules(recipients=people), part, part, part, follower, Random(1))
        running = asyncio.create_task(one.run())
        async with asyncio.timeout(20):
            while not until() and not running.done():  # noqa: ASYNC110 - what a test waits for sets no event
                await asyncio.sleep(0.002)
        one.stop()
        await running

    asyncio.run(run())


def told(world: World) -> set[tuple[str, int]]:
    """What recipients know."""
    return {(part.alert.alert_id, told.sequence) for one in world.sent for part in one.parts for told in part.changes}


ALERTS = [alert(number, sequence, "grown") for sequence in (1, 2, 3) for number in range(4)]
WANTED = {(one.alert_id, one.sequence) for one in ALERTS}


def test_what_is_sent_was_kept_and_what_is_committed_was_taken_in() -> None:
    """Each send and each commit is checked against what Kafka has (`World.send`, `World.commit`)."""
    world = World(*ALERTS)
    live(world, lambda: told(world) == WANTED)
    assert (WANTED, len(ALERTS)) == (told(world), world.committed)


@pytest.mark.parametrize("write", range(1, 8))  # six batches, and at least one for what came of the last tries
def test_a_crash_at_any_write_loses_nothing(write: int) -> None:
    """The next process begins at the committed position with what was kept; a repeat is the same message."""
    world = World(*ALERTS)
    world.write_fails_at = write
    with pytest.raises(Crash):
        live(world, lambda: False)
    live(world, lambda: told(world) == WANTED)
    check_repeats(world)


def check_repeats(world: World) -> None:
    """A repeat is the same message, and a change is in one."""
    by_id: dict[str, Message] = {}
    homes: dict[tuple[str, str, int], str] = {}
    for one in world.sent:
        assert one == by_id.setdefault(one.id, one)
        for part in one.parts:
            for change in part.changes:
                assert one.id == homes.setdefault((one.recipient, part.alert.alert_id, change.sequence), one.id)


@pytest.mark.parametrize("seed", range(20))
def test_many_crashes_and_failures_lose_nothing(seed: int) -> None:
    """Processes that end at any write, one after the other, and recipients of whom a third of the tries fails."""
    random = Random(seed)
    world = World(*ALERTS)
    world.answer = lambda _: DELIVERED if random.random() < 0.67 else Answer(Outcome.AGAIN, "busy")
    people = [recipient(name, group_seconds=0.01, retry_seconds=0.01) for name in ("ana", "bo")]
    for _ in range(6):
        world.write_fails_at = world.writes + random.randint(1, 6)
        try:
            live(world, lambda: all_delivered(world, 2), *people)
        except Crash:
            continue
    world.write_fails_at = None
    live(world, lambda: all_delivered(world, 2), *people)
    check_repeats(world)
    assert len(ALERTS) == world.committed


def all_delivered(world: World, people: int) -> bool:
    """Nothing waits, and what was delivered goes up to the last change of each alert."""
    entries = world.kept.values()
    through = [one for one in entries if one.waiting is None and one.sending is None and one.delivered == 3]
    return len(through) == 4 * people == len(entries)


def test_a_recipient_is_left_alone_as_long_as_it_asks() -> None:
    """`Retry-After` counts, however short our own pause would be."""
    world = World(alert(1))
    world.answer = lambda _: Answer(Outcome.AGAIN, "slow down", 3600.0)
    live(world, lambda: any(entry.sending and entry.sending.tries for entry in world.kept.values()))
    [entry] = world.kept.values()
    assert entry.sending is not None and entry.sending.next_at - entry.at >= 3_600_000
    assert 1 == len(world.sent)


def test_a_position_that_is_refused_is_no_crash() -> None:
    """The group has moved on; the marks know what was taken in."""
    world = World(*ALERTS)
    world.commit_error = CommitFailedError()
    live(world, lambda: told(world) == WANTED)
    world.commit_error = None
    before = len(world.sent)
    live(world, lambda: world.committed == len(ALERTS))
    assert before == len(world.sent)


def test_tries_are_repeated_until_they_succeed_or_are_given_up() -> None:
    """A refusal for ever is a letter at once; one for now is tried again, `tries_max` times."""
    world = World(alert(1))
    world.answer = lambda _: Answer(Outcome.AGAIN, "busy")
    live(world, lambda: bool(world.letters), recipient(group_seconds=0, retry_seconds=0.01, tries_max=3))
    assert (3, 1) == (len(world.sent), len(world.letters))
    assert b"busy; tried 3 times" in (world.letters[0].value or b"")
    other = World(alert(1))
    other.answer = lambda _: Answer(Outcome.NEVER, "gone")
    live(other, lambda: bool(other.letters))
    assert (1, 1) == (len(other.sent), len(other.letters))
    assert all(entry.sending is None for entry in other.kept.values())


def test_who_stands_by_shows_nothing_of_what_was() -> None:
    """Messages that were not through, and alerts that were not read, are shown by whoever works now: an alarm about
    them must not stay for ever."""
    world = World(alert(1))
    world.answer = lambda _: Answer(Outcome.AGAIN, "busy")
    shown: list[float | None] = []

    def tried() -> bool:
        shown.append(REGISTRY.get_sample_value("cem_notifications_open", {"recipient": "ana"}))
        return len(world.sent) >= 2

    live(world, tried, recipient("ana", group_seconds=0, retry_seconds=0.01))
    assert 1 in shown
    for name, labels in (
        ("cem_notifications_open", {"recipient": "ana"}),
        ("cem_lag_records", {"topic": PARTITION.topic, "partition": "0"}),
    ):
        assert REGISTRY.get_sample_value(name, labels) is None


def test_a_recipient_gets_a_few_at_once() -> None:
    """However many are due."""
    world = World(*(alert(number, unit=f"unit-{number}") for number in range(30)))
    live(world, lambda: len(world.sent) == 30)
    assert TRIES_AT_ONCE == world.most_at_once


def test_who_was_stopped_too_long_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else has taken over by then."""
    world = World()

    async def run() -> None:
        follower: Any = SimpleNamespace(newest=lambda: DIRECTORY)
        part: Any = world
        one = Tenure(Settings(), Rules(recipients=(recipient(),)), part, part, part, follower, Random(1))
        one._beat = time.monotonic() - 2 * Settings().session_timeout_seconds
        delivery: Any = SimpleNamespace(message=None, recipient=None)
        await one._try(delivery)

    with pytest.raises(Crash, match="longer than a session"):
        asyncio.run(run())
    assert [] == world.sent
