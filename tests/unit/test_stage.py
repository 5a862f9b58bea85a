"""A stage works on every record once and in order, makes all of it durable, and ends the process where it cannot."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any, NamedTuple

import msgspec
import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError
from prometheus_client import REGISTRY

from agents.app import Worker
from agents.kafka.stage import MISSING_SECONDS_MAX, SLICE_RECORDS, STALL_SECONDS_MAX, TURN_SECONDS, Stage
from agents.kafka.state import POSITION_KEY, TRIAL_KEY, Position
from agents.kafka.transport import Batch, Reading, StartingPoint
from agents.kafka.trial import Trial
from agents.settings import Settings
from pipeline.emission import Emission
from schemas.topics import Topics

PARTITION = TopicPartition("cem.posts", 0)
OTHER = TopicPartition("cem.posts", 1)
PATIENCE_SECONDS = 20.0
"""What does not come by then does not come."""


class _Record(NamedTuple):
    offset: int


class _Died(BaseException):
    """The process has ended."""


class _Kafka:
    """Kafka, a writer and a processor in one. `done` tells what was done, in order; `trouble` is run in place of an
    answer where it is named."""

    whole_batches = False

    def __init__(self) -> None:
        self.states: dict[bytes, bytes] = {}
        self.begin = StartingPoint(0, committed=False)
        self.first = 0
        self.ends: dict[TopicPartition, int] = {PARTITION: 5}
        self.asked: list[set[TopicPartition]] = []
        self.readings: dict[TopicPartition, Reading] = {}
        self.lease = 1.0
        self.seeks: list[int] = []
        self.worked_on: list[int] = []
        self.done: list[str] = []
        self.written: list[str] = []
        self.committed = -1
        self.trouble: dict[str, Callable[[], Awaitable[None]]] = {}

    async def _answer(self, what: str) -> None:
        if what in self.trouble:
            await self.trouble[what]()
        self.done.append(what)

    # Kafka

    def writer(self, state: TopicPartition) -> "_Kafka":
        return self

    async def read_states(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, dict[bytes, bytes]]:
        await self._answer("read_states")
        return {partition: dict(self.states) for partition in partitions}

    async def starting_points(
        self, partitions: Collection[TopicPartition], timeout_seconds: float
    ) -> dict[TopicPartition, StartingPoint]:
        return dict.fromkeys(partitions, self.begin)

    async def first_offset(self, partition: TopicPartition, timeout_seconds: float) -> int:
        return self.first

    async def commit(self, generation: int, offsets: dict[TopicPartition, int], timeout_seconds: float) -> None:
        await self._answer("commit")
        self.committed = max(offsets.values())

    def lease_seconds(self) -> float:
        return self.lease

    def reading(self, partition: TopicPartition) -> Reading | None:
        return self.readings.get(partition)

    async def end_offsets(
        self, partitions: Collection[TopicPartition], timeout_seconds: float
    ) -> dict[TopicPartition, int]:
        self.asked.append(set(partitions))
        ends = {partition: self.ends[partition] for partition in partitions}
        await self._answer("end_offsets")
        return ends

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.seeks.append(offset)

    # A writer

    async def start(self) -> None:
        await self._answer("start")

    async def stop(self) -> None: ...

    async def write(self, emissions: Collection[Emission], states: Collection[tuple[bytes, bytes | None]]) -> None:
        await self._answer("write")
        self.written += [(emission.value or b"").decode() for emission in emissions]
        self.states.update({key: value for key, value in states if value is not None})

    # A processor

    def load(self, states: dict[bytes, bytes], data: bytes | None) -> None: ...

    async def prepare(self, records: list[Any]) -> None:
        await self._answer("prepare")

    def process(self, records: list[Any]) -> list[Emission]:
        self.worked_on += [record.offset for record in records]
        return [_emission(record.offset) for record in records]

    def save(self) -> list[Any]:
        return []

    def save_position(self) -> bytes:
        return b""


class _Slow(_Kafka):
    """Work on a record takes `seconds`; `looks` is what others see whenever they have the event loop: how many records
    are worked on, and the position."""

    def __init__(self, clock: "_Clock", seconds: float) -> None:
        super().__init__()
        self._clock = clock
        self._seconds = seconds
        self.looks: list[tuple[int, int]] = []
        self.started = asyncio.Event()

    def process(self, records: list[Any]) -> list[Emission]:
        self.started.set()
        self._clock.now += self._seconds * len(records)
        return super().process(records)

    async def look_at(self, stage: Stage) -> None:
        """For ever."""
        while True:
            self.looks.append((len(self.worked_on), stage._slots[PARTITION].position))
            await asyncio.sleep(0)


def _emission(what: int | str) -> Emission:
    return Emission("cem.out", None, str(what).encode(), 0)


def _batch(begin: int, end: int, *, generation: int = 1) -> Batch:
    return Batch(PARTITION, generation, begin, end, [_Record(offset) for offset in range(begin, end)])


def _new_stage(kafka: Any) -> Stage:
    return Stage("test", Settings(), Topics(), ("cem.posts",), kafka, lambda _: kafka)


async def _taken_over(kafka: _Kafka, *partitions: TopicPartition) -> Stage:
    """A stage that has its partitions and their states."""
    stage = _new_stage(kafka)
    stage.take_over(1, partitions or (PARTITION,))
    assert stage._loading is not None
    await stage._loading
    return stage


def _gaps(action: str) -> float:
    return REGISTRY.get_sample_value("cem_gaps_total", {"stage": "test", "action": action}) or 0.0


def _lag(partition: TopicPartition) -> float | None:
    labels = {"topic": partition.topic, "partition": str(partition.partition)}
    return REGISTRY.get_sample_value("cem_lag_records", labels)


def _run(work: Awaitable[None]) -> None:
    """Within `PATIENCE_SECONDS`, so that what hangs is seen."""

    async def bounded() -> None:
        await asyncio.wait_for(work, PATIENCE_SECONDS)

    asyncio.run(bounded())


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def deaths(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the process has died of: `die` raises here."""
    found: list[str] = []

    def die(why: str, error: BaseException | None = None) -> None:
        found.append(why)
        raise _Died(why)

    monkeypatch.setattr("agents.kafka.stage.die", die)
    monkeypatch.setattr("agents.app.die", die)
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    """The stage's clock stands still unless it is moved."""
    found = _Clock()
    monkeypatch.setattr("agents.kafka.stage._now", found)
    return found


# Stalls


def test_a_partition_whose_records_do_not_arrive_ends_the_process(clock: _Clock, deaths: list[str]) -> None:
    """Records wait, nothing is worked on, and none arrives for longer than the limit: only a new start helps. Not
    before the limit has passed."""

    async def work() -> None:
        kafka = _Kafka()
        kafka.ends = {PARTITION: 7}
        stage = await _taken_over(kafka)
        await stage.measure_lag()
        clock.now += STALL_SECONDS_MAX - 1
        await stage.measure_lag()
        assert [] == deaths
        clock.now += 2
        with pytest.raises(_Died, match=r"7 records of cem\.posts/0"):
            await stage.measure_lag()

    _run(work())


def test_the_first_look_at_a_partition_is_no_stall(clock: _Clock) -> None:
    """However long after the take-over it comes: the time counts from the first look at which records waited."""

    async def work() -> None:
        kafka = _Kafka()
        kafka.ends = {PARTITION: 7}
        stage = await _taken_over(kafka)
        clock.now += 2 * STALL_SECONDS_MAX
        await stage.measure_lag()
        clock.now += STALL_SECONDS_MAX - 1
        await stage.measure_lag()

    _run(work())


def test_records_that_arrive_are_no_stall(clock: _Clock) -> None:
    """A partition that moves, however slowly and however much waits behind, is well."""

    async def work() -> None:
        kafka = _Kafka()
        kafka.ends = {PARTITION: 1_000_000}
        stage = await _taken_over(kafka)
        for offset in range(5):
            await stage.measure_lag()
            clock.now += STALL_SECONDS_MAX - 1
            await stage.handle(_batch(offset, offset + 1))
        await stage.measure_lag()

    _run(work())


def test_a_partition_with_nothing_to_read_is_no_stall(clock: _Clock) -> None:
    """It may stay so for ever, and the time that it was idle does not count when records come."""

    async def work() -> None:
        kafka = _Kafka()
        kafka.ends = {PARTITION: 0}
        stage = await _taken_over(kafka)
        for _ in range(3):
            await stage.measure_lag()
            clock.now += 2 * STALL_SECONDS_MAX
        await stage.measure_lag()
        kafka.ends = {PARTITION: 1}
        clock.now += STALL_SECONDS_MAX - 1
        await stage.measure_lag()

    _run(work())


def test_work_that_takes_long_is_no_stall(clock: _Clock) -> None:
    """While the stage works on something its other batches wait; the time counts from when that is done."""

    async def work() -> None:
        kafka = _Kafka()
        kafka.ends = {PARTITION: 7}
        stage = await _taken_over(kafka)
        async with stage._lock:
            for _ in range(3):
                await stage.measure_lag()
                clock.now += 2 * STALL_SECONDS_MAX
            await stage.measure_lag()
        clock.now += STALL_SECONDS_MAX - 1
        await stage.measure_lag()

    _run(work())


# Lag


def test_lag_is_what_the_broker_has_beyond_the_position() -> None:
    """Of every partition that is owned; what was not fetched yet counts, and markers at the end give no negative
    number."""

    async def work() -> None:
        kafka = _Kafka()
        kafka.ends = {PARTITION: 10, OTHER: 0}
        stage = await _taken_over(kafka, PARTITION, OTHER)
        await stage.handle(_batch(0, 4))
        await stage.measure_lag()
        assert [{PARTITION, OTHER}] == kafka.asked
        assert (6, 0) == (_lag(PARTITION), _lag(OTHER))
        kafka.ends = {PARTITION: 3, OTHER: 2}
        await stage.measure_lag()
        assert (0, 2) == (_lag(PARTITION), _lag(OTHER))

    _run(work())


def test_lag_is_asked_only_for_partitions_that_have_their_states() -> None:
    """Before, their position is not known, and a number would be made up. Where there is none nobody is asked."""

    async def work() -> None:
        kafka = _Kafka()
        stage = await _taken_over(kafka)
        stage._slots[PARTITION].ready.clear()
        await stage.measure_lag()
        assert [] == kafka.asked

    _run(work())


@pytest.mark.parametrize("again", [False, True])
def test_a_partition_given_up_while_lag_is_asked_for_is_left_alone(again: bool) -> None:
    """Also where it came back at once: the answer was for another generation. Its next owner tells how it stands."""

    async def work() -> None:
        kafka = _Kafka()
        kafka.ends = {PARTITION: 5}
        stage = await _taken_over(kafka)
        await stage.measure_lag()
        before = _lag(PARTITION)

        async def rebalance() -> None:
            await stage.give_up()
            if again:
                stage.take_over(2, (PARTITION,))
                assert stage._loading is not None
                await stage._loading

        kafka.ends = {PARTITION: 99}
        kafka.trouble["end_offsets"] = rebalance
        await stage.measure_lag()
        assert before == _lag(PARTITION)
        assert all(slot.stalled is None for slot in stage._slots.values())

    _run(work())


def test_lag_that_cannot_be_asked_for_keeps_its_value(deaths: list[str]) -> None:
    """Kafka is away: the gauge stays, and nobody dies. Of any other error the process dies."""

    async def work() -> None:
        kafka = _Kafka()
        kafka.ends = {PARTITION: 5}
        stage = await _taken_over(kafka)
        await stage.measure_lag()
        kafka.ends = {PARTITION: 50}
        kafka.trouble["end_offsets"] = _raises(KafkaTimeoutError())
        await stage.measure_lag()
        kafka.trouble["end_offsets"] = _raises(TimeoutError())
        await stage.measure_lag()
        assert (5, []) == (_lag(PARTITION), deaths)
        kafka.trouble["end_offsets"] = _raises(ValueError())
        with pytest.raises(_Died, match="lag"):
            await stage.measure_lag()

    _run(work())


def _raises(error: BaseException) -> Callable[[], Awaitable[None]]:
    async def trouble() -> None:
        raise error

    return trouble


# Cancellations


async def _loads(stage: Stage) -> None:
    stage.take_over(1, (PARTITION,))
    assert stage._loading is not None
    await stage._loading


async def _handles(stage: Stage) -> None:
    await _loads(stage)
    await stage.handle(_batch(0, 3))


async def _measures(stage: Stage) -> None:
    await _loads(stage)
    await stage.measure_lag()


async def _saves(stage: Stage) -> None:
    await _loads(stage)
    slot = stage._slots[PARTITION]
    stage.emit("cem.posts", 0, [_emission("a")])
    await stage._checkpoint_now(slot)


WAYS = [
    ("start", _loads), ("read_states", _loads), ("prepare", _handles), ("end_offsets", _measures), ("write", _saves),
    ("commit", _saves),
]  # fmt: skip


@pytest.mark.parametrize(("where", "way"), WAYS)
def test_a_foreign_cancellation_ends_the_process(
    where: str, way: Callable[[Stage], Awaitable[None]], deaths: list[str]
) -> None:
    """What the stage waits for was cancelled by nobody of ours: passed on it would end a task of ours in silence, and
    the partition would stand still for ever."""

    async def work() -> None:
        kafka = _Kafka()
        kafka.trouble[where] = _raises(asyncio.CancelledError())
        with pytest.raises(_Died):
            await way(_new_stage(kafka))
        assert deaths

    _run(work())


@pytest.mark.parametrize(("where", "way"), WAYS)
def test_our_own_cancellation_does_not_end_the_process(
    where: str, way: Callable[[Stage], Awaitable[None]], deaths: list[str]
) -> None:
    """Faust stops an agent, or partitions are given up while their states are read: that is no crash."""

    async def work() -> None:
        kafka, reached = _Kafka(), asyncio.Event()

        async def wait() -> None:
            reached.set()
            await asyncio.Event().wait()

        kafka.trouble[where] = wait
        task = asyncio.ensure_future(way(_new_stage(kafka)))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [] == deaths

    _run(work())


def test_after_a_cancelled_checkpoint_nothing_more_is_made_durable() -> None:
    """Its outputs are gone: a later position without them would lose them for good. Partitions are not given up in
    good order either; their next owner begins where the last checkpoint was."""

    async def work() -> None:
        kafka = _Kafka()
        stage = await _taken_over(kafka)
        await stage.handle(_batch(0, 3))
        slot = stage._slots[PARTITION]
        assert [] == kafka.written
        kafka.trouble["write"] = asyncio.Event().wait  # type: ignore[assignment]
        await stage._begin_checkpoint(slot)
        await asyncio.sleep(0)
        assert slot.checkpoint is not None
        slot.checkpoint.cancel()
        kafka.trouble.clear()
        await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await stage.give_up()
        assert (-1, []) == (kafka.committed, kafka.written)

    _run(work())


# Taking over


def test_a_log_that_begins_behind_the_position_is_a_gap_that_is_told() -> None:
    """Retention has taken records that nobody has worked on: work begins where there are records, and it is counted."""

    async def work() -> None:
        kafka, before = _Kafka(), _gaps("retention")
        kafka.states = {POSITION_KEY: msgspec.msgpack.encode(Position(5, b""))}
        kafka.begin = StartingPoint(9, committed=False)
        stage = await _taken_over(kafka)
        assert before + 1 == _gaps("retention")
        kafka.ends = {PARTITION: 11}
        await stage.measure_lag()
        assert 2 == _lag(PARTITION), "what is gone does not wait"
        await stage.handle(_batch(9, 11))
        await stage.give_up()
        assert [9, 10] == kafka.worked_on
        assert 11 == kafka.committed

    _run(work())


def test_a_position_ahead_of_the_commit_is_what_counts() -> None:
    """The process died between the transaction and the commit: what was read again is passed over, and no gap is
    told."""

    async def work() -> None:
        kafka, before = _Kafka(), _gaps("retention")
        kafka.states = {POSITION_KEY: msgspec.msgpack.encode(Position(5, b""))}
        kafka.begin = StartingPoint(2, committed=True)
        stage = await _taken_over(kafka)
        await stage.handle(_batch(2, 7))
        assert [5, 6] == kafka.worked_on
        assert before == _gaps("retention")

    _run(work())


@pytest.mark.parametrize("known", [None, 1], ids=["all", "the last"])
def test_states_that_are_gone_end_the_process(known: int | None, deaths: list[str]) -> None:
    """An offset is committed and the state topic knows nothing of it, or has lost its end: to go on with what is left
    would be wrong in silence."""

    async def work() -> None:
        kafka = _Kafka()
        if known is not None:
            kafka.states = {POSITION_KEY: msgspec.msgpack.encode(Position(known, b""))}
        kafka.begin = StartingPoint(2, committed=True)
        with pytest.raises(_Died):
            await _taken_over(kafka)

    _run(work())
    assert ["test: states could not be read back"] == deaths


def test_partitions_on_top_of_old_ones_end_the_process() -> None:
    """The barrier before the group is joined again was left out: two generations would mix."""

    async def work() -> None:
        stage = await _taken_over(_Kafka())
        with pytest.raises(_Died, match="not given up"):
            stage.take_over(2, (PARTITION,))

    _run(work())


# Contiguity


def test_behind_a_gap_nothing_is_worked_on() -> None:
    """A batch was dropped on the way: reading is set back, every time, until the missing one is there; then all
    records are worked on once, in order."""

    async def work() -> None:
        kafka, before = _Kafka(), _gaps("seek")
        stage = await _taken_over(kafka)
        await stage.handle(_batch(0, 3))
        await stage.handle(_batch(5, 7))
        await stage.handle(_batch(7, 9))
        assert [3, 3] == kafka.seeks
        assert before + 2 == _gaps("seek")
        assert [0, 1, 2] == kafka.worked_on
        await stage.handle(_batch(3, 8))
        await stage.handle(_batch(8, 9))
        assert [0, 1, 2, 3, 4, 5, 6, 7, 8] == kafka.worked_on
        await stage.give_up()
        assert 9 == kafka.committed

    _run(work())


def test_a_gap_moves_no_position() -> None:
    """What is given up right behind a gap is committed up to the gap."""

    async def work() -> None:
        kafka = _Kafka()
        stage = await _taken_over(kafka)
        await stage.handle(_batch(0, 3))
        await stage.handle(_batch(5, 7))
        await stage.give_up()
        assert 3 == kafka.committed
        assert 3 == msgspec.msgpack.decode(kafka.states[POSITION_KEY], type=Position).offset

    _run(work())


def test_what_was_worked_on_is_passed_over() -> None:
    """A batch that comes again, whole or in part, after a seek back that was one too many."""

    async def work() -> None:
        kafka = _Kafka()
        stage = await _taken_over(kafka)
        for batch in (_batch(0, 4), _batch(0, 4), _batch(1, 3), _batch(4, 5), _batch(2, 6)):
            await stage.handle(batch)
        await stage.give_up()
        assert [0, 1, 2, 3, 4, 5] == kafka.worked_on
        assert ["0", "1", "2", "3", "4", "5"] == kafka.written
        assert ([], 6) == (kafka.seeks, kafka.committed)

    _run(work())


def test_batches_of_other_generations_or_partitions_are_not_worked_on() -> None:
    """They belong to somebody else, or come again."""

    async def work() -> None:
        kafka = _Kafka()
        stage = await _taken_over(kafka)
        await stage.handle(_batch(0, 3, generation=0))
        await stage.handle(_batch(0, 3, generation=2))
        await stage.handle(_batch(0, 3)._replace(partition=OTHER))
        await stage.give_up()
        await stage.handle(_batch(0, 3))
        assert [] == kafka.worked_on

    _run(work())


def test_a_batch_waits_for_the_states() -> None:
    """A record worked on before would change states that are then overwritten."""

    async def work() -> None:
        kafka, states_there = _Kafka(), asyncio.Event()
        kafka.trouble["read_states"] = states_there.wait  # type: ignore[assignment]
        stage = _new_stage(kafka)
        stage.take_over(1, (PARTITION,))
        handling = asyncio.ensure_future(stage.handle(_batch(0, 3)))
        for _ in range(5):
            await asyncio.sleep(0)
        assert (False, False, []) == (stage.ready, stage.owns("cem.posts", 0), kafka.worked_on)
        states_there.set()
        await handling
        assert (True, True, [0, 1, 2]) == (stage.ready, stage.owns("cem.posts", 0), kafka.worked_on)

    _run(work())


def test_states_that_never_come_end_the_process(deaths: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch does not wait for them for ever, with the partition standing still and nobody knowing."""
    monkeypatch.setattr("agents.kafka.stage.LOAD_SECONDS_MAX", 0.01)

    async def work() -> None:
        kafka = _Kafka()
        kafka.trouble["read_states"] = asyncio.Event().wait  # type: ignore[assignment]
        stage = _new_stage(kafka)
        stage.take_over(1, (PARTITION,))
        with pytest.raises(_Died):
            await stage.handle(_batch(0, 3))

    _run(work())
    assert ["test: cem.posts/0"] == deaths


def test_a_gap_of_records_that_retention_has_taken_is_passed() -> None:
    """They are not there any more: to seek back would never end. It is told apart from what is read again."""

    async def work() -> None:
        kafka, taken, sought = _Kafka(), _gaps("retention"), _gaps("seek")
        stage = await _taken_over(kafka)
        await stage.handle(_batch(0, 3))
        kafka.first = 8
        await stage.handle(_batch(8, 10))
        await stage.handle(_batch(10, 11))
        assert [0, 1, 2, 8, 9, 10] == kafka.worked_on
        assert (taken + 1, sought, []) == (_gaps("retention"), _gaps("seek"), kafka.seeks)

    _run(work())


def test_retention_hides_no_batch_that_was_dropped() -> None:
    """The log begins behind the position, and records between its beginning and the batch are there: what retention
    has taken is passed, the rest is read again."""

    async def work() -> None:
        kafka = _Kafka()
        stage = await _taken_over(kafka)
        await stage.handle(_batch(0, 3))
        kafka.first = 8
        await stage.handle(_batch(12, 14))
        assert [8] == kafka.seeks
        await stage.handle(_batch(8, 14))
        assert [0, 1, 2, 8, 9, 10, 11, 12, 13] == kafka.worked_on

    _run(work())


def test_records_that_were_read_before_retention_took_them_are_worked_on() -> None:
    """The log's beginning moves past a batch that is at hand: it is worked on all the same."""

    async def work() -> None:
        kafka = _Kafka()
        stage = await _taken_over(kafka)
        await stage.handle(_batch(0, 3))
        kafka.first = 20
        await stage.handle(_batch(8, 10))
        assert ([0, 1, 2, 8, 9], []) == (kafka.worked_on, kafka.seeks)

    _run(work())


# Turns


def test_work_on_a_batch_lets_others_have_the_event_loop(clock: _Clock) -> None:
    """Often, and whoever has it sees the position behind the last record that is worked on."""

    async def work() -> None:
        kafka = _Slow(clock, TURN_SECONDS / SLICE_RECORDS)
        stage = await _taken_over(kafka)
        looking = asyncio.ensure_future(kafka.look_at(stage))
        await stage.handle(_batch(0, 10 * SLICE_RECORDS + 1))
        looking.cancel()
        assert {number * SLICE_RECORDS for number in range(11)} <= {records for records, _ in kafka.looks}
        assert all(records == position for records, position in kafka.looks)

    _run(work())


def test_a_processor_that_wants_whole_batches_gets_them(clock: _Clock) -> None:
    """The owner of the directory says one version for a batch, not one for a slice."""

    async def work() -> None:
        kafka, given = _Slow(clock, TURN_SECONDS), list[int]()
        kafka.whole_batches = True
        stage = await _taken_over(kafka)
        process = kafka.process
        kafka.process = lambda records: given.append(len(records)) or process(records)  # type: ignore[func-returns-value,method-assign]
        await stage.handle(_batch(0, 5 * SLICE_RECORDS))
        assert [5 * SLICE_RECORDS] == given

    _run(work())


def test_what_is_due_is_made_durable_in_the_midst_of_a_batch(clock: _Clock) -> None:
    """A long batch holds up no output; each transaction has the outputs of the records before its position."""

    async def work() -> None:
        kafka, seen = _Slow(clock, Settings().output_seconds / SLICE_RECORDS), list[tuple[int, int]]()
        stage = await _taken_over(kafka)
        write = kafka.write

        async def noted(emissions: Collection[Emission], states: Collection[tuple[bytes, bytes | None]]) -> None:
            await write(emissions, states)
            if saved := kafka.states.get(POSITION_KEY):
                seen.append((msgspec.msgpack.decode(saved, type=Position).offset, len(kafka.written)))

        kafka.write = noted  # type: ignore[method-assign]
        await stage.handle(_batch(0, 20 * SLICE_RECORDS))
        assert len(seen) > 2
        assert all(position == outputs for position, outputs in seen)
        assert seen[0][0] < 20 * SLICE_RECORDS

    _run(work())


def test_a_batch_that_was_broken_off_is_read_again(clock: _Clock) -> None:
    """Faust stops an agent in the midst of a batch: the rest of it is a gap, whatever comes next, and no record is
    worked on twice."""

    async def work() -> None:
        kafka = _Slow(clock, TURN_SECONDS / SLICE_RECORDS)
        stage = await _taken_over(kafka)
        size = 10 * SLICE_RECORDS
        handling = asyncio.ensure_future(stage.handle(_batch(0, size)))
        await kafka.started.wait()
        handling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await handling
        assert 0 < len(kafka.worked_on) < size
        await stage.handle(_batch(size, size + 3))
        assert [0] == kafka.seeks
        await stage.handle(_batch(0, size + 3))
        await stage.give_up()
        assert list(range(size + 3)) == kafka.worked_on
        assert size + 3 == kafka.committed

    _run(work())


# What reading tells


def test_what_was_read_and_does_not_arrive_is_read_again(clock: _Clock) -> None:
    """Though nothing comes behind it that would show the gap. Not before its time, and not what has arrived."""

    async def work() -> None:
        kafka = _Kafka()
        stage = await _taken_over(kafka)
        kafka.readings[PARTITION] = Reading(3, 3)
        await stage.tick()
        clock.now += MISSING_SECONDS_MAX - 1
        await stage.tick()
        assert [] == kafka.seeks
        clock.now += 2
        await stage.tick()
        assert [0] == kafka.seeks
        await stage.tick()
        assert [0] == kafka.seeks, "it is given as long again"
        await stage.handle(_batch(0, 3))
        clock.now += 2 * MISSING_SECONDS_MAX
        await stage.tick()
        assert [0] == kafka.seeks

    _run(work())


def test_what_arrives_bit_by_bit_is_not_read_again(clock: _Clock) -> None:
    """Reading is far ahead, and work goes on behind it: the time counts from the last batch that arrived."""

    async def work() -> None:
        kafka = _Kafka()
        stage = await _taken_over(kafka)
        kafka.readings[PARTITION] = Reading(100, 100)
        for offset in range(4):
            await stage.tick()
            clock.now += MISSING_SECONDS_MAX - 1
            await stage.handle(_batch(offset, offset + 1))
        await stage.tick()
        assert [] == kafka.seeks

    _run(work())


def test_the_position_goes_along_over_markers_alone(clock: _Clock) -> None:
    """Where all that was read is worked on. While something is still under way it stays: that may be records."""

    async def work() -> None:
        kafka = _Kafka()
        stage = await _taken_over(kafka)
        await stage.handle(_batch(0, 3))
        slot = stage._slots[PARTITION]
        for reading, position in ((Reading(5, 6), 3), (Reading(2, 6), 3), (Reading(3, 3), 3), (Reading(3, 4), 4)):
            kafka.readings[PARTITION] = reading
            stage._follow_reading(slot)
            assert position == slot.position == slot.expected, reading
        await stage.give_up()
        assert 4 == kafka.committed

    _run(work())


# Making durable, giving up


def test_an_offset_is_committed_after_the_transaction(clock: _Clock) -> None:
    """Outputs wait for `output_seconds` and go out without a further record; a transaction that fails leaves the
    offset where it was, and ends the process."""

    async def work() -> None:
        kafka = _Kafka()
        stage = await _taken_over(kafka)
        await stage.handle(_batch(0, 3))
        assert "commit" not in kafka.done
        clock.now += Settings().output_seconds
        await stage.tick()
        checkpoint = stage._slots[PARTITION].checkpoint
        assert checkpoint is not None
        await checkpoint
        assert ["write", "commit"] == kafka.done[-2:]
        assert (3, ["0", "1", "2"]) == (kafka.committed, kafka.written)
        kafka.trouble["write"] = _raises(KafkaTimeoutError())
        await stage.handle(_batch(3, 4))
        with pytest.raises(_Died):
            await stage.give_up()
        assert 3 == kafka.committed

    _run(work())


def test_a_stage_that_works_holds_up_no_tick(clock: _Clock) -> None:
    """All stages are ticked in turn: one that waits for its directory must not keep the others from writing."""

    async def work() -> None:
        kafka, there = _Kafka(), asyncio.Event()
        stage = await _taken_over(kafka)
        kafka.trouble["prepare"] = there.wait  # type: ignore[assignment]
        handling = asyncio.ensure_future(stage.handle(_batch(0, 3)))
        for _ in range(5):
            await asyncio.sleep(0)
        assert stage._lock.locked()
        clock.now += Settings().checkpoint_seconds
        tick = asyncio.ensure_future(stage.tick())
        await asyncio.sleep(0)
        assert tick.done()
        there.set()
        await handling

    _run(work())


def test_records_of_our_own_go_out_with_the_next_checkpoint() -> None:
    """Ticks of the wall clock come of no record: no position moves, and they go out all the same."""

    async def work() -> None:
        kafka = _Kafka()
        stage = await _taken_over(kafka)
        stage.emit("cem.posts", 0, [_emission("tick")])
        await stage.give_up()
        assert (["tick"], 0) == (kafka.written, kafka.committed)

    _run(work())


def test_work_waits_for_a_transaction_that_takes_long(clock: _Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """More outputs than memory should hold are not made while a checkpoint is under way; none is lost."""
    monkeypatch.setattr("agents.kafka.stage.OUTPUTS_MAX", 4)

    async def work() -> None:
        kafka, written = _Kafka(), asyncio.Event()
        stage = await _taken_over(kafka)
        await stage.handle(_batch(0, 1))
        kafka.trouble["write"] = written.wait  # type: ignore[assignment]
        await stage._begin_checkpoint(stage._slots[PARTITION])
        await stage.handle(_batch(1, 4))
        handling = asyncio.ensure_future(stage.handle(_batch(4, 7)))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not handling.done()
        written.set()
        await handling
        await stage.give_up()
        assert ["0", "1", "2", "3", "4", "5", "6"] == kafka.written

    _run(work())


def test_a_worker_whose_lease_is_over_writes_nothing(deaths: list[str]) -> None:
    """Neither the batch at hand nor what waits when partitions are given up."""

    async def work() -> None:
        kafka = _Kafka()
        stage = await _taken_over(kafka)
        await stage.handle(_batch(0, 3))
        kafka.done.clear()
        kafka.lease = 0.0
        with pytest.raises(_Died):
            await stage.handle(_batch(3, 6))
        with pytest.raises(_Died):
            await stage.give_up()
        assert ["prepare"] == kafka.done
        assert all("heartbeat" in why or "cem.posts/0" in why for why in deaths)

    _run(work())


def test_partitions_whose_states_are_still_read_are_given_up_at_once(deaths: list[str]) -> None:
    """The next rebalance comes before the last one is over: nothing is written, nobody dies, and the next generation
    begins anew."""

    async def work() -> None:
        kafka = _Kafka()
        kafka.trouble["read_states"] = asyncio.Event().wait  # type: ignore[assignment]
        stage = _new_stage(kafka)
        stage.take_over(1, (PARTITION,))
        await asyncio.sleep(0)
        await stage.give_up()
        assert "write" not in kafka.done
        kafka.trouble.clear()
        stage.take_over(2, (PARTITION,))
        await stage.handle(_batch(0, 3, generation=2))
        assert ([0, 1, 2], []) == (kafka.worked_on, deaths)

    _run(work())


class _Service:
    """Gives up, or fails to."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.given_up = 0
        self._error = error

    async def give_up(self) -> None:
        self.given_up += 1
        if self._error is not None:
            raise self._error


def _worker(service: _Service) -> Worker:
    worker = Worker.__new__(Worker)
    worker.service, worker._left = service, False  # type: ignore[assignment]
    return worker


@pytest.mark.parametrize("error", [TimeoutError(), KafkaTimeoutError(), asyncio.CancelledError()])
def test_partitions_that_cannot_be_given_up_end_the_process(error: BaseException) -> None:
    """Faust would log it and join the group again, with work half done."""
    with pytest.raises(_Died):
        asyncio.run(_worker(_Service(error))._revoked())


def test_leaving_gives_up_once() -> None:
    """SIGTERM brings no revocation, so the shutdown gives up; Faust may tell of it more than once."""
    service = _Service()
    worker = _worker(service)

    async def leave() -> None:
        await worker._before_shutdown()
        await worker._before_shutdown()

    asyncio.run(leave())
    assert 1 == service.given_up


# What the metrics say of it


def _shown(metric: str) -> float | None:
    return REGISTRY.get_sample_value(metric, {"stage": "test"})


def test_partitions_without_their_states_are_told_until_they_have_them() -> None:
    """While states are read back the partition counts as recovering, then as owned only, and once given up not at
    all."""

    async def work() -> None:
        kafka, reading = _Kafka(), asyncio.Event()

        async def wait() -> None:
            await reading.wait()

        kafka.trouble["read_states"] = wait
        stage = _new_stage(kafka)
        stage.take_over(1, (PARTITION,))
        stage.publish()
        assert (1, 1) == (_shown("cem_partitions"), _shown("cem_recovering_partitions"))
        reading.set()
        assert stage._loading is not None
        await stage._loading
        stage.publish()
        assert (1, 0) == (_shown("cem_partitions"), _shown("cem_recovering_partitions"))
        await stage.give_up()
        stage.publish()
        assert (0, 0) == (_shown("cem_partitions"), _shown("cem_recovering_partitions"))

    _run(work())


def test_a_checkpoint_that_hangs_is_told(clock: _Clock) -> None:
    """Work that waits for its checkpoint grows older until that succeeds; then nothing waits."""

    async def work() -> None:
        kafka, hanging = _Kafka(), asyncio.Event()
        stage = await _taken_over(kafka)

        async def hang() -> None:
            await hanging.wait()

        clock.now += 100.0
        await stage.handle(_batch(0, 3))
        kafka.trouble["commit"] = hang
        clock.now += 2.0
        await stage.tick()
        clock.now += 25.0
        stage.publish()
        assert (_shown("cem_unsaved_seconds") or 0) >= 25
        hanging.set()
        checkpoint = stage._slots[PARTITION].checkpoint
        assert checkpoint is not None
        await checkpoint
        stage.publish()
        assert 0 == _shown("cem_unsaved_seconds")

    _run(work())


def test_work_that_was_never_saved_is_told_by_the_next_owner() -> None:
    """Whoever takes a partition over knows how many have died before work at this place was saved; 0 once it is."""

    async def work() -> None:
        kafka = _Kafka()
        trial = Trial(0, 2, 5000)
        kafka.states = {TRIAL_KEY: msgspec.msgpack.encode(trial)}
        stage = await _taken_over(kafka)
        stage.publish()
        assert 3 == _shown("cem_checkpoint_failures")

        kafka.states = {}
        stage = await _taken_over(kafka)
        stage.publish()
        assert 0 == _shown("cem_checkpoint_failures")

    _run(work())
