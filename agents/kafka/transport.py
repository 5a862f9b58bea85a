"""Faust's transport over aiokafka, changed so that agents get whole batches and nothing is lost around a rebalance.

In: what the broker sends. Out: one Faust message per partition and fetch, whose value is a Batch. Each override says
which hole it closes; the file names are Faust's.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from typing import Any, ClassVar, NamedTuple

import faust
from aiokafka import TopicPartition
from aiokafka import errors as kafka_errors
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import ConsumerMessage

from agents.kafka.crash import die

POLL_SECONDS_MAX = 0.25
BUSY_POLL_SECONDS_MAX = 0.02
"""How long to wait for other partitions while some have enough in their queues: they may soon want more."""
FETCH_WAIT_MS = 100
LEASE_SHARE = 0.8
"""A worker stops writing when this share of the session time-out has passed since its last good heartbeat."""


class Batch(NamedTuple):
    """Records of one partition, in order, and the generation of the group that they were fetched in. Reading began at
    `begin`, where the batch before ended, and goes on at `end`: offsets between them that are not among the records
    are markers of transactions, or what compaction and aborts left."""

    partition: TopicPartition
    generation: int
    begin: int
    end: int
    records: list[Any]


class Reading(NamedTuple):
    """How far reading of a partition is. `handed_on`: where the last batch ended; `position`: where reading goes on;
    between the two there are no records."""

    handed_on: int
    position: int


class StartingPoint(NamedTuple):
    """Where reading of a partition begins: the committed offset, else the first there is."""

    offset: int
    committed: bool


class Fenced(Exception):
    """This worker is not the owner any more."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that talks to the broker."""

    heartbeat_ok_at: float = 0.0
    _readings: dict[Any, Reading]

    async def on_start(self) -> None:
        """Notes the time *before* each heartbeat that was answered, on a clock that goes on in a stopped process."""
        self._readings = {}
        await super().on_start()
        coordinator = self._consumer._coordinator
        heartbeat = coordinator._do_heartbeat

        async def noted() -> bool:
            asked_at = time.clock_gettime(time.CLOCK_BOOTTIME)
            answered = await heartbeat()
            if answered:
                self.heartbeat_ok_at = asked_at
            return bool(answered)

        coordinator._do_heartbeat = noted

    def _create_worker_consumer(self, transport: Any) -> Any:
        """What is not committed is not there for us. Faust's long poll of 1.5 s holds up every other request on the
        same connection."""
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def on_partitions_assigned(self, assigned: Any, generation_id: int = 0) -> None:
        """The group has just been joined: as good as a heartbeat."""
        self.heartbeat_ok_at = time.clock_gettime(time.CLOCK_BOOTTIME)
        await super().on_partitions_assigned(assigned, generation_id)

    async def _fetch_records(
        self, consumer: Any, active_partitions: Any, timeout: float | None = None, max_records: int | None = None
    ) -> Any:
        """Faust passes its live set to this thread; emptied while aiokafka waits, it means *all* partitions, whose
        records are then dropped after the position has moved. A frozen copy cannot be emptied."""
        frozen = frozenset(active_partitions or ())
        if not frozen:
            await asyncio.sleep(0.02)
            return {}
        wait = POLL_SECONDS_MAX if timeout is None else min(timeout, POLL_SECONDS_MAX)
        self._begin_reading(frozen)
        records = await super()._fetch_records(consumer, frozen, wait, max_records)
        return self._end_reading(frozen, records)

    def _begin_reading(self, partitions: Collection[Any]) -> None:
        """A position that is not where reading ended was sought."""
        for partition in partitions:
            position, reading = self._position(partition), self._readings.get(partition)
            if position is not None and (reading is None or reading.position != position):
                self._readings[partition] = Reading(position, position)

    def _end_reading(self, partitions: Collection[Any], records: dict[Any, list[Any]]) -> dict[Any, Any]:
        """Records -> with where they begin and end. No await between the taking of the records and this."""
        fetched = {}
        for partition in partitions:
            position, reading = self._position(partition), self._readings.get(partition)
            if position is None:
                continue
            if found := records.get(partition):
                begin = found[0].offset if reading is None else min(reading.handed_on, found[0].offset)
                fetched[partition] = (begin, position, found)
                self._readings[partition] = Reading(position, position)
            elif reading is not None:
                self._readings[partition] = Reading(reading.handed_on, position)
        return fetched

    def _position(self, partition: Any) -> int | None:
        subscription = self._consumer._subscription.subscription
        assignment = subscription.assignment if subscription else None
        if assignment is None or partition not in assignment.tps:
            return None
        position: int | None = assignment.state_value(partition)._position
        return position

    def reading(self, partition: TopicPartition) -> Reading | None:
        """How far reading is; None before the first fetch."""
        return self._readings.get(partition)

    async def seek_to_committed(self) -> Any:
        """aiokafka does not seek where nothing, or 0, is committed; what was fetched and dropped there is lost."""
        return await self.call_thread(self._seek_to_committed)

    async def _seek_to_committed(self) -> dict[Any, int]:
        consumer = self._consumer
        self._readings.clear()
        found = {partition: await consumer.committed(partition) for partition in list(consumer.assignment())}
        nowhere = [partition for partition, offset in found.items() if offset is None]
        offsets = {partition: offset for partition, offset in found.items() if offset is not None}
        if nowhere:
            offsets.update(await consumer.beginning_offsets(nowhere))
        for partition, offset in offsets.items():
            consumer.seek(partition, offset)
        return offsets

    def lease_seconds(self) -> float:
        """How long this worker may still take itself for the owner; 0 or less: not any more."""
        share = self.consumer.app.conf.broker_session_timeout * LEASE_SHARE
        return float(self.heartbeat_ok_at + share - time.clock_gettime(time.CLOCK_BOOTTIME))

    async def commit(self, generation: int, offsets: dict[TopicPartition, int], timeout_seconds: float) -> None:
        """Commits as a member of `generation` or raises Fenced. Not by Faust's `call_thread`: one of its two workers
        is usually inside a fetch."""
        deadline = time.monotonic() + timeout_seconds
        future = asyncio.run_coroutine_threadsafe(self._commit(generation, offsets, deadline), self.thread_loop)
        await asyncio.wait_for(asyncio.wrap_future(future), timeout_seconds + 1)

    async def _commit(self, generation: int, offsets: dict[TopicPartition, int], deadline: float) -> None:
        """Between the look at the generation and the building of the request in aiokafka there is no await."""
        coordinator = self._consumer._coordinator
        wanted = {partition: OffsetAndMetadata(offset, "") for partition, offset in offsets.items()}
        while True:
            await coordinator.ensure_coordinator_known()
            async with coordinator._commit_lock:
                subscription = self._consumer._subscription.subscription
                assignment = subscription.assignment if subscription else None
                if coordinator.generation != generation or assignment is None or not wanted.keys() <= assignment.tps:
                    raise Fenced(f"generation {generation} is over, it is {coordinator.generation} now")
                try:
                    await asyncio.shield(coordinator._do_commit_offsets(assignment, wanted))
                    return
                except (
                    kafka_errors.UnknownMemberIdError,
                    kafka_errors.IllegalGenerationError,
                    kafka_errors.RebalanceInProgressError,
                ) as error:
                    raise Fenced(repr(error)) from error
                except kafka_errors.KafkaError as error:
                    if not error.retriable or time.monotonic() > deadline:
                        raise
            await asyncio.sleep(0.1)

    async def starting_points(
        self, partitions: Collection[TopicPartition], timeout_seconds: float
    ) -> dict[Any, StartingPoint]:
        """Where reading begins."""
        future = asyncio.run_coroutine_threadsafe(self._starting_points(partitions), self.thread_loop)
        return await asyncio.wait_for(asyncio.wrap_future(future), timeout_seconds)

    async def _starting_points(self, partitions: Collection[TopicPartition]) -> dict[Any, StartingPoint]:
        committed = await self._consumer._coordinator.fetch_committed_offsets(list(partitions))
        points = {
            partition: StartingPoint(found.offset, True) for partition, found in committed.items() if found.offset >= 0
        }
        nowhere = [partition for partition in partitions if partition not in points]
        if nowhere:
            first = await self._consumer.beginning_offsets(nowhere)
            points.update({partition: StartingPoint(offset, False) for partition, offset in first.items()})
        return points

    async def first_offset(self, partition: TopicPartition, timeout_seconds: float) -> int:
        """The first record that is there."""
        future = asyncio.run_coroutine_threadsafe(self._consumer.beginning_offsets([partition]), self.thread_loop)
        first = await asyncio.wait_for(asyncio.wrap_future(future), timeout_seconds)
        return int(first[partition])

    async def end_offsets(
        self, partitions: Collection[TopicPartition], timeout_seconds: float
    ) -> dict[TopicPartition, int]:
        """How far partitions go."""
        future = asyncio.run_coroutine_threadsafe(self._consumer.end_offsets(list(partitions)), self.thread_loop)
        ends: dict[TopicPartition, int] = await asyncio.wait_for(asyncio.wrap_future(future), timeout_seconds)
        return ends

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Reads on from `offset`."""
        self.thread_loop.call_soon_threadsafe(self._consumer.seek, partition, offset)


AssignHook = Callable[[int, set[TopicPartition]], Awaitable[None]]


class Consumer(driver.Consumer):
    """The half that lives in the main loop. `on_assigned` is called for every new generation, before records flow."""

    on_assigned: ClassVar[AssignHook | None] = None
    _waiting: frozenset[Any] = frozenset()

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # tables/recovery.py resumes partitions, then seeks, then resumes the flow, which empties every queue: what was
    # fetched between the two is gone. So partitions become active only when the flow is resumed.

    def resume_partitions(self, tps: Iterable[Any]) -> None:
        self._waiting = self._waiting | frozenset(tps)

    def resume_flow(self) -> None:
        waiting, self._waiting = self._waiting, frozenset()
        if waiting:
            super().resume_partitions({partition for partition in waiting if partition in self.assignment()})
        super().resume_flow()

    def pause_partitions(self, tps: Iterable[Any]) -> None:
        self._waiting = self._waiting - frozenset(tps)
        super().pause_partitions(tps)

    async def on_partitions_assigned(self, assigned: Any, generation_id: int = 0) -> None:
        """Faust stops the flow on revocation only if something was assigned."""
        self.stop_flow()
        hook = type(self).on_assigned
        if hook is not None:
            try:
                await hook(generation_id, {TopicPartition(tp.topic, tp.partition) for tp in assigned})
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # Faust would log it and go on
                die("taking over partitions failed", error)
        await super().on_partitions_assigned(assigned, generation_id)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[Any, Any]]:
        """One message per partition and fetch instead of one per record. A partition whose queue is full is not read
        until it has room again. Faust looks for that after what it waits for the others, or a second where there are
        no others; the queue has run dry by then."""
        if self._buffered_partitions:
            timeout = BUSY_POLL_SECONDS_MAX
        if self.flow_active and not self._get_active_partitions():
            await asyncio.sleep(BUSY_POLL_SECONDS_MAX)
            return
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            try:
                await self.perform_seek()
            except kafka_errors.KafkaError as error:
                self.log.warning("seek while the flow is stopped: %r", error)
            return
        for tp, fetched in list(records.items()):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                break
            if active is not None and tp not in active and tp not in self._buffered_partitions:
                continue
            yield tp, _message(tp, fetched, generation)


def _message(tp: Any, fetched: Any, generation: int) -> ConsumerMessage:
    last = fetched[2][-1]
    return ConsumerMessage(
        tp.topic, tp.partition, last.offset, last.timestamp / 1000, last.timestamp_type, [], None, fetched, None, 0, 0,
        tp, generation_id=generation,
    )  # fmt: skip


class Transport(driver.Transport):
    """What `agents.app` gives to Faust in place of its own."""

    Consumer: ClassVar[type] = Consumer


class BatchTopic(faust.Topic):
    """A topic whose agents see Batches; records are not decoded here, so that nothing can fail here."""

    async def decode(self, message: Any, *, propagate: bool = False) -> Any:
        partition = TopicPartition(message.topic, message.partition)
        batch = Batch(partition, message.generation_id, *message.value)
        return self.app.create_event(None, batch, None, message)

    def _compile_decode(self) -> Any:
        return self.decode
