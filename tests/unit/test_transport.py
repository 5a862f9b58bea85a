"""Faust's transport with its holes closed: every batch says where reading began and ended, markers and seeks included;
partitions, seeks, commits and the lease are what they should be around a rebalance."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    IllegalGenerationError,
    RebalanceInProgressError,
    TopicAuthorizationFailedError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from agents.kafka import transport
from agents.kafka.transport import (
    BUSY_POLL_SECONDS_MAX,
    LEASE_SHARE,
    POLL_SECONDS_MAX,
    BatchTopic,
    Consumer,
    ConsumerThread,
    Fenced,
    Reading,
    StartingPoint,
)

PARTITION = TopicPartition("cem.events", 0)
OTHER = TopicPartition("cem.events", 1)
THIRD = TopicPartition("cem.events", 2)


class _Record(NamedTuple):
    offset: int


class _Log:
    """What aiokafka has fetched: each time some offsets, and where its position is then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *fetches: tuple[list[int], int]) -> None:
        self.position: int | None = 0
        self._fetches = list(fetches)
        self.thread = ConsumerThread.__new__(ConsumerThread)
        self.thread._readings = {}
        monkeypatch.setattr(self.thread, "_position", lambda _: self.position)
        monkeypatch.setattr(driver.AIOKafkaConsumerThread, "_fetch_records", self._fetch)

    async def _fetch(self, *_: Any) -> dict[TopicPartition, list[_Record]]:
        offsets, self.position = self._fetches.pop(0)
        return {PARTITION: [_Record(offset) for offset in offsets]} if offsets else {}

    def fetch(self) -> tuple[int, int] | None:
        """Where the next batch begins and ends; None if there is none."""
        found = asyncio.run(self.thread._fetch_records(None, {PARTITION}))
        return found[PARTITION][:2] if found else None


def test_a_batch_begins_where_the_last_one_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A marker before, between or behind the records of a batch is no gap."""
    log = _Log(monkeypatch, ([0, 1], 2), ([3, 4], 6), ([6], 7))
    assert [(0, 2), (2, 6), (6, 7)] == [log.fetch() for _ in range(3)]


def test_a_fetch_of_markers_alone_moves_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next batch begins where the last batch ended all the same; what was handed on is told apart from it."""
    log = _Log(monkeypatch, ([0, 1], 2), ([], 3), ([3], 4))
    assert (0, 2) == log.fetch()
    assert log.fetch() is None
    assert Reading(2, 3) == log.thread.reading(PARTITION)
    assert (2, 4) == log.fetch()


def test_after_a_seek_a_batch_begins_where_it_was_sought(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back or ahead: the position alone tells."""
    log = _Log(monkeypatch, ([0, 1, 2], 3), ([1, 2], 3), ([9], 10))
    assert (0, 3) == log.fetch()
    log.position = 1
    assert (1, 3) == log.fetch()
    log.position = 9
    assert (9, 10) == log.fetch()


def test_a_seek_while_a_fetch_waits_hides_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes then begins where its records begin, or earlier: it never claims to follow on what it does not."""
    log = _Log(monkeypatch, ([0, 1, 2], 3), ([1, 2], 3))
    log.fetch()
    assert (1, 3) == log.fetch()


def test_without_a_position_nothing_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partition that was taken away while the fetch waited."""
    log = _Log(monkeypatch, ([0], None))  # type: ignore[arg-type]
    assert log.fetch() is None


# An empty set of partitions means all


class _Fetcher:
    """aiokafka's, with records of two partitions: it waits, and an empty set means all. `taken` is what it has handed
    out, behind which its position has moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, while_it_waits: Callable[[], None] = lambda: None) -> None:
        self.taken: set[TopicPartition] = set()
        self.asked: list[tuple[Any, float]] = []
        self._while_it_waits = while_it_waits
        self.thread = ConsumerThread.__new__(ConsumerThread)
        self.thread._readings = {}
        monkeypatch.setattr(self.thread, "_position", lambda partition: 1 if partition in self.taken else 0)
        monkeypatch.setattr(driver.AIOKafkaConsumerThread, "_fetch_records", self._fetch)

    async def _fetch(self, _: Any, partitions: Any, timeout: float, __: Any) -> dict[TopicPartition, list[_Record]]:
        self.asked.append((partitions, timeout))
        self._while_it_waits()
        await asyncio.sleep(0)
        found = {one for one in (PARTITION, OTHER) if not partitions or one in partitions}
        self.taken |= found
        return {one: [_Record(0)] for one in found}

    def fetch(self, partitions: Any, timeout: float | None = None) -> Any:
        return asyncio.run(self.thread._fetch_records(None, partitions, timeout))


@pytest.mark.parametrize("none", [set(), frozenset(), None])
def test_of_no_partitions_nothing_is_fetched(none: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """aiokafka takes it for all partitions, and what nobody asked for is gone: its position has moved."""
    fetcher = _Fetcher(monkeypatch)
    assert {} == fetcher.fetch(none)
    assert [] == fetcher.asked


def test_a_set_of_partitions_that_is_emptied_while_the_fetch_waits_stays_what_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The set is Faust's own, which another thread changes: emptied in the middle of the wait it would mean all."""
    live = {PARTITION}
    fetcher = _Fetcher(monkeypatch, live.clear)
    fetched = fetcher.fetch(live)
    assert set() == live
    assert {PARTITION} == fetcher.taken
    assert {PARTITION: (0, 1, [_Record(0)])} == fetched


def test_a_fetch_never_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it waits nothing else is answered that Faust's queue carries; a shorter wait is granted."""
    fetcher = _Fetcher(monkeypatch)
    for timeout in (None, 60.0, POLL_SECONDS_MAX / 2):
        fetcher.fetch({PARTITION}, timeout)
    assert [POLL_SECONDS_MAX, POLL_SECONDS_MAX, POLL_SECONDS_MAX / 2] == [wait for _, wait in fetcher.asked]


# Where reading begins


class _Broker:
    """aiokafka's consumer, and what is committed. `sought` is where reading goes on."""

    def __init__(self, committed: dict[TopicPartition, int | None], first: int = 0) -> None:
        self._committed = committed
        self._first = first
        self._coordinator = self
        self.sought: dict[TopicPartition, int] = {}

    def assignment(self) -> set[TopicPartition]:
        return set(self._committed)

    async def committed(self, partition: TopicPartition) -> int | None:
        return self._committed[partition]

    async def fetch_committed_offsets(self, partitions: Iterable[TopicPartition]) -> dict[Any, OffsetAndMetadata]:
        """Says -1 for nothing, or leaves the partition out."""
        found = {one: self._committed[one] for one in partitions if one != THIRD}
        return {one: OffsetAndMetadata(-1 if offset is None else offset, "") for one, offset in found.items()}

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self._first)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.sought[partition] = offset

    def thread(self) -> ConsumerThread:
        thread = ConsumerThread.__new__(ConsumerThread)
        thread._consumer = self
        thread._readings = {PARTITION: Reading(90, 95)}

        async def call(work: Callable[..., Awaitable[Any]], *args: Any) -> Any:
            return await work(*args)

        thread.call_thread = call
        return thread


def test_it_always_seeks() -> None:
    """To what is committed, be it 0, and to the beginning of the log where nothing is: what was fetched and dropped
    before would be lost there otherwise. What Faust is told is where reading goes on."""
    broker = _Broker({PARTITION: 7, OTHER: 0, THIRD: None}, first=4)
    told = asyncio.run(broker.thread().seek_to_committed())
    assert {PARTITION: 7, OTHER: 0, THIRD: 4} == broker.sought == told


def test_after_it_sought_nothing_is_known_of_the_reading_before() -> None:
    """The next batch begins where its records begin."""
    thread = _Broker({PARTITION: 7}).thread()
    asyncio.run(thread.seek_to_committed())
    assert thread.reading(PARTITION) is None


def test_a_committed_zero_is_a_commit() -> None:
    """And nothing committed is none: a stage takes lost states for a first start otherwise, or the other way round."""
    broker = _Broker({PARTITION: 0, OTHER: None, THIRD: None}, first=4)
    points = asyncio.run(broker.thread()._starting_points([PARTITION, OTHER, THIRD]))
    expected = {PARTITION: StartingPoint(0, True), OTHER: StartingPoint(4, False), THIRD: StartingPoint(4, False)}
    assert expected == points


# Partitions become active when the flow is resumed

TPS = TP(*PARTITION), TP(*OTHER)


class _Flow(Consumer):
    """A consumer without Kafka: it has `TPS`."""

    def __init__(self) -> None:
        self._active_partitions, self._paused_partitions, self._buffered_partitions = set(), set(), set()
        self.can_resume_flow, self.suspend_flow = asyncio.Event(), asyncio.Event()
        self.flow_active = False
        self.app = SimpleNamespace(in_recovery=False)
        self.assigned = set(TPS)

    def assignment(self) -> set[TP]:
        return self.assigned


def test_a_partition_is_active_when_the_flow_is_resumed() -> None:
    """Faust resumes partitions, seeks, and resumes the flow, which empties every queue: what would be fetched between
    the first and the last would be gone. So it is only remembered."""
    consumer = _Flow()
    consumer.resume_partitions(TPS[:1])
    assert set() == consumer._active_partitions
    consumer.resume_partitions(TPS[1:])
    assert (set(), False) == (consumer._active_partitions, consumer.flow_active)
    consumer.resume_flow()
    assert (set(TPS), True) == (consumer._active_partitions, consumer.flow_active)


def test_a_partition_paused_before_the_flow_is_resumed_stays_paused() -> None:
    """The last word counts."""
    consumer = _Flow()
    consumer.resume_partitions(TPS)
    consumer.pause_partitions(TPS[:1])
    consumer.resume_flow()
    assert (set(TPS[1:]), set(TPS[:1])) == (consumer._active_partitions, consumer._paused_partitions)


def test_a_partition_paused_later_is_not_resumed_again() -> None:
    """The last word counts here too."""
    consumer = _Flow()
    consumer.resume_partitions(TPS)
    consumer.resume_flow()
    consumer.pause_partitions(TPS[:1])
    consumer.stop_flow()
    consumer.resume_flow()
    assert set(TPS[1:]) == consumer._active_partitions


def test_a_partition_whose_agent_is_full_is_not_resumed_with_the_flow() -> None:
    """It was resumed once; what was remembered then is not done again."""
    consumer = _Flow()
    consumer.resume_partitions(TPS)
    consumer.resume_flow()
    consumer.on_buffer_full(TPS[0])
    consumer.stop_flow()
    consumer.resume_flow()
    assert set(TPS[1:]) == consumer._active_partitions


def test_a_partition_that_was_taken_away_does_not_become_active() -> None:
    """It was resumed in one generation, and the flow in the next."""
    consumer = _Flow()
    consumer.resume_partitions(TPS)
    consumer.assigned = set(TPS[1:])
    consumer.resume_flow()
    assert set(TPS[1:]) == consumer._active_partitions


# A new generation


class _Died(BaseException):
    """The process has ended."""


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is called when partitions are assigned, in order, and whether records flow then."""
    called: list[Any] = []

    async def faust(consumer: Any, assigned: set[TP], generation: int) -> None:
        called.append(("faust", consumer.flow_active, generation))

    async def hook(generation: int, partitions: set[TopicPartition]) -> None:
        called.append(("hook", generation, partitions))

    def die(why: str, error: BaseException | None = None) -> None:
        raise _Died(why)

    monkeypatch.setattr(driver.Consumer, "on_partitions_assigned", faust)
    monkeypatch.setattr(Consumer, "on_assigned", staticmethod(hook))
    monkeypatch.setattr(transport, "die", die)
    return called


def test_no_records_flow_while_partitions_are_assigned(hooks: list[Any]) -> None:
    """Faust stops the flow on revocation, but only if something was assigned: a worker that had nothing would fetch
    from where aiokafka stands. Then the stages take over, then Faust goes on."""
    consumer = _Flow()
    consumer.resume_flow()
    asyncio.run(consumer.on_partitions_assigned(set(TPS), 5))
    assert [("hook", 5, {PARTITION, OTHER}), ("faust", False, 5)] == hooks
    assert (False, True) == (consumer.can_resume_flow.is_set(), consumer.suspend_flow.is_set())


def test_a_take_over_that_fails_ends_the_process(hooks: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust would log it and read on, without a stage that works on what it reads."""

    async def fail(*_: Any) -> None:
        raise ValueError

    monkeypatch.setattr(Consumer, "on_assigned", staticmethod(fail))
    with pytest.raises(_Died):
        asyncio.run(_Flow().on_partitions_assigned(set(TPS), 5))
    assert [] == hooks


# Batches


class _Messages(_Flow):
    """Fetches one batch of each of `TPS`; `generation` is that of the group."""

    def __init__(self, active: set[TP], *, flows: bool = True) -> None:
        super().__init__()
        self.flow_active = flows
        self.app = SimpleNamespace(consumer_generation_id=3)
        self.sought = 0
        self.waits: list[float] = []
        self._active = active

    def _get_active_partitions(self) -> set[TP]:
        return self._active

    async def _wait_next_records(self, timeout: float) -> Any:
        self.waits.append(timeout)
        await asyncio.sleep(0)
        return {tp: (0, 2, [SimpleNamespace(offset=1, timestamp=5000, timestamp_type=0)]) for tp in TPS}, self._active

    async def perform_seek(self) -> None:
        self.sought += 1

    @property
    def should_stop(self) -> bool:
        return False


async def _messages(consumer: _Messages, between: Callable[[], None] = lambda: None) -> list[Any]:
    found = []
    async for _, message in consumer.getmany(1.0):
        found.append(message)
        between()
    return found


def test_a_fetch_becomes_one_message_a_partition_with_its_generation() -> None:
    """What a stage gets says where it begins, where reading goes on, and when it was fetched."""
    messages = asyncio.run(_messages(_Messages(set(TPS))))
    assert [(PARTITION, 3), (OTHER, 3)] == [(TopicPartition(*one.tp), one.generation_id) for one in messages]
    topic = BatchTopic.__new__(BatchTopic)
    topic.app = SimpleNamespace(create_event=lambda key, value, headers, message: value)
    batch = asyncio.run(topic.decode(messages[0]))
    assert (PARTITION, 3, 0, 2, [1]) == (*batch[:4], [record.offset for record in batch.records])


def test_what_was_fetched_for_a_generation_that_is_over_is_not_handed_on() -> None:
    """The group was joined again while the batches were handed on, one after the other."""
    consumer = _Messages(set(TPS))

    def rejoin() -> None:
        consumer.app.consumer_generation_id += 1

    assert 1 == len(asyncio.run(_messages(consumer, rejoin)))


def test_what_was_fetched_while_the_flow_stopped_is_read_again() -> None:
    """It is not handed on, so reading has to go back."""
    consumer = _Messages(set(TPS), flows=False)
    assert [] == asyncio.run(_messages(consumer))
    assert 1 == consumer.sought
    consumer = _Messages(set(TPS))
    assert 1 == len(asyncio.run(_messages(consumer, consumer.stop_flow)))


def test_partitions_that_are_not_active_any_more_are_not_handed_on() -> None:
    """They were paused or taken away while the fetch waited; one whose agent is full still gets what was read."""
    consumer = _Messages({TPS[0]})
    assert 1 == len(asyncio.run(_messages(consumer)))
    consumer._buffered_partitions.add(TPS[1])
    assert 2 == len(asyncio.run(_messages(consumer)))


def test_a_partition_that_has_room_again_is_read_soon() -> None:
    """While an agent is full the others are waited for briefly, and where there are no others nothing is: else the
    queue has run dry before its partition is read again."""
    consumer = _Messages(set(TPS))
    asyncio.run(_messages(consumer))
    consumer._buffered_partitions.add(TPS[1])
    asyncio.run(_messages(consumer))
    assert [1.0, BUSY_POLL_SECONDS_MAX] == consumer.waits
    consumer = _Messages(set())
    assert [] == asyncio.run(asyncio.wait_for(_messages(consumer), 30 * BUSY_POLL_SECONDS_MAX))
    assert [] == consumer.waits


# Commits


class _Coordinator:
    """aiokafka's coordinator and consumer: a member of `generation` with `assigned`. `requests` are those that went
    out; `answers` what comes of them, None: well."""

    def __init__(self, *answers: BaseException | None, assigned: set[TopicPartition] | None = None) -> None:
        self.generation = 3
        self.requests: list[dict[TopicPartition, OffsetAndMetadata]] = []
        self.before: Callable[[], None] = lambda: None
        self._answers = list(answers)
        self._commit_lock = asyncio.Lock()
        self._coordinator = self
        self._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=None))
        self.assign({PARTITION} if assigned is None else assigned)

    def assign(self, partitions: set[TopicPartition] | None) -> None:
        assignment = None if partitions is None else SimpleNamespace(tps=partitions)
        self._subscription.subscription.assignment = assignment

    async def ensure_coordinator_known(self) -> None:
        await asyncio.sleep(0)
        self.before()

    async def _do_commit_offsets(self, assignment: Any, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        self.requests.append(offsets)
        answer = self._answers.pop(0) if self._answers else None
        if answer is not None:
            raise answer

    def commit(self, *, seconds: float = 60.0) -> None:
        thread = ConsumerThread.__new__(ConsumerThread)
        thread._consumer = self
        asyncio.run(thread._commit(3, {PARTITION: 9}, time.monotonic() + seconds))


def test_a_member_commits() -> None:
    """With the offsets that it was given."""
    coordinator = _Coordinator()
    coordinator.commit()
    assert [{PARTITION: OffsetAndMetadata(9, "")}] == coordinator.requests


def test_a_generation_that_is_over_sends_no_commit() -> None:
    """aiokafka would send it under the generation that is current, and set another owner back."""
    coordinator = _Coordinator()
    coordinator.generation = 4
    with pytest.raises(Fenced):
        coordinator.commit()
    assert [] == coordinator.requests


def test_a_generation_that_ends_while_the_commit_waits_sends_no_commit() -> None:
    """For the coordinator, or for another commit: the look at the generation comes behind every wait."""
    coordinator = _Coordinator()
    coordinator.before = lambda: setattr(coordinator, "generation", 4)
    with pytest.raises(Fenced):
        coordinator.commit()
    assert [] == coordinator.requests

    async def behind_another() -> None:
        thread = ConsumerThread.__new__(ConsumerThread)
        thread._consumer = coordinator = _Coordinator()
        async with coordinator._commit_lock:
            task = asyncio.ensure_future(thread._commit(3, {PARTITION: 9}, time.monotonic() + 60))
            for _ in range(5):
                await asyncio.sleep(0)
            coordinator.generation = 4
        with pytest.raises(Fenced):
            await task
        assert [] == coordinator.requests

    asyncio.run(behind_another())


@pytest.mark.parametrize("assigned", [None, set(), {OTHER}])
def test_partitions_of_others_are_not_committed(assigned: set[TopicPartition] | None) -> None:
    """Nor is anything while nothing is assigned. Faust would leave them out and tell nobody."""
    coordinator = _Coordinator()
    coordinator.assign(assigned)
    with pytest.raises(Fenced):
        coordinator.commit()
    assert [] == coordinator.requests


@pytest.mark.parametrize("error", [UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError])
def test_a_commit_that_the_broker_refuses_is_fenced(error: type[Exception]) -> None:
    """It is asked once: the answer would not become another. Faust takes it for a commit that went well."""
    coordinator = _Coordinator(error())
    with pytest.raises(Fenced):
        coordinator.commit()
    assert 1 == len(coordinator.requests)


def test_a_commit_is_tried_again_where_that_helps() -> None:
    """Not for ever, and not where it cannot help; and the generation is looked at again each time."""
    coordinator = _Coordinator(GroupCoordinatorNotAvailableError(), None)
    coordinator.commit()
    assert 2 == len(coordinator.requests)
    with pytest.raises(GroupCoordinatorNotAvailableError):
        _Coordinator(GroupCoordinatorNotAvailableError(), None).commit(seconds=-1.0)
    with pytest.raises(TopicAuthorizationFailedError):
        _Coordinator(TopicAuthorizationFailedError(), None).commit()
    coordinator = _Coordinator(GroupCoordinatorNotAvailableError(), None)
    coordinator.before = lambda: setattr(coordinator, "generation", 3 + len(coordinator.requests))
    with pytest.raises(Fenced):
        coordinator.commit()
    assert 1 == len(coordinator.requests)


# Two threads


class _Elsewhere:
    """A consumer that notes in which thread it is used; what it is asked for is answered when `answers` is set."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.used_in: list[int] = []
        self.answers = True
        self.thread = ConsumerThread.__new__(ConsumerThread)
        self.thread._consumer, self.thread.thread_loop = self, loop

    async def _offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        self.used_in.append(threading.get_ident())
        if not self.answers:
            await asyncio.Event().wait()
        return dict.fromkeys(partitions, 4)

    beginning_offsets = end_offsets = _offsets

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.used_in.append(threading.get_ident())


def test_the_consumer_is_used_in_its_own_thread_and_waited_for_in_ours() -> None:
    """aiokafka is not made for two threads. What does not answer is waited for so long and no longer."""
    loop = asyncio.new_event_loop()
    runner = threading.Thread(target=loop.run_forever, daemon=True)
    runner.start()
    elsewhere = _Elsewhere(loop)

    async def ask() -> None:
        thread = elsewhere.thread
        assert 4 == await thread.first_offset(PARTITION, 60.0)
        assert {PARTITION: 4, OTHER: 4} == await thread.end_offsets([PARTITION, OTHER], 60.0)
        thread.seek(PARTITION, 4)
        elsewhere.answers = False
        for asked in (thread.first_offset(PARTITION, 0.01), thread.end_offsets([PARTITION], 0.01)):
            with pytest.raises(TimeoutError):
                await asked

    try:
        asyncio.run(ask())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        runner.join()
        loop.close()
    assert [runner.ident] * 5 == elsewhere.used_in


# The lease

SESSION_SECONDS = 10.0


class _Heart:
    """A consumer thread on a clock of its own; a heartbeat takes `seconds` and is `answered` or not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.seconds = 0.0
        self.answered: bool | BaseException = True
        clocks = SimpleNamespace(CLOCK_BOOTTIME=time.CLOCK_BOOTTIME, clock_gettime=self._clock)
        monkeypatch.setattr(transport, "time", clocks)
        monkeypatch.setattr(driver.AIOKafkaConsumerThread, "on_start", _nothing)
        monkeypatch.setattr(driver.AIOKafkaConsumerThread, "on_partitions_assigned", _nothing)
        self._coordinator: Any = SimpleNamespace(_do_heartbeat=self._heartbeat)
        self.thread = ConsumerThread.__new__(ConsumerThread)
        self.thread._consumer = self
        conf = SimpleNamespace(broker_session_timeout=SESSION_SECONDS)
        self.thread.consumer = SimpleNamespace(app=SimpleNamespace(conf=conf))
        asyncio.run(self.thread.on_start())

    def _clock(self, which: int) -> float:
        assert time.CLOCK_BOOTTIME == which, "the one that goes on while the machine sleeps"
        return self.now

    async def _heartbeat(self) -> bool:
        self.now += self.seconds
        if isinstance(self.answered, BaseException):
            raise self.answered
        return self.answered

    def beat(self) -> bool:
        answered: bool = asyncio.run(self._coordinator._do_heartbeat())
        return answered


async def _nothing(*_: Any) -> None: ...


def test_the_lease_counts_from_before_the_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker's session begins when it gets the request, not when we get the answer: an answer that took long must
    not make the lease outlast the session."""
    heart = _Heart(monkeypatch)
    heart.seconds = 6.0
    assert heart.beat()
    assert pytest.approx(SESSION_SECONDS * LEASE_SHARE - 6.0) == heart.thread.lease_seconds()
    heart.now += 2.5
    assert heart.thread.lease_seconds() < 0
    assert LEASE_SHARE < 1


@pytest.mark.parametrize("answer", [False, UnknownMemberIdError()])
def test_a_heartbeat_that_is_not_answered_prolongs_nothing(
    answer: bool | BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What aiokafka makes of it stays what it was."""
    heart = _Heart(monkeypatch)
    heart.beat()
    heart.now, heart.answered = heart.now + 3.0, answer
    before = heart.thread.lease_seconds()
    if isinstance(answer, BaseException):
        with pytest.raises(UnknownMemberIdError):
            heart.beat()
    else:
        assert not heart.beat()
    assert before == heart.thread.lease_seconds()


def test_who_was_never_a_member_has_no_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the group has been joined, which is as good as a heartbeat."""
    heart = _Heart(monkeypatch)
    assert heart.thread.lease_seconds() <= 0
    asyncio.run(heart.thread.on_partitions_assigned(set(TPS), 1))
    assert pytest.approx(SESSION_SECONDS * LEASE_SHARE) == heart.thread.lease_seconds()


# What is read


def test_only_committed_records_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through names that aiokafka really has: a new version that renames them must be seen."""

    async def create() -> tuple[dict[str, Any], dict[str, Any]]:
        plain = AIOKafkaConsumer(fetch_max_wait_ms=1500)  # as Faust makes it
        monkeypatch.setattr(driver.AIOKafkaConsumerThread, "_create_worker_consumer", lambda *_: plain)
        before = dict(vars(plain))
        after = dict(vars(ConsumerThread.__new__(ConsumerThread)._create_worker_consumer(None)))
        await plain.stop()
        return before, after

    before, after = asyncio.run(create())
    assert before.keys() == after.keys()
    assert ("read_uncommitted", "read_committed") == (before["_isolation_level"], after["_isolation_level"])
    assert after["_fetch_max_wait_ms"] < before["_fetch_max_wait_ms"]
