"""A worker process of the simulation: what Faust and aiokafka do around the service, with their flaws.

It joins the group, keeps the session alive, fetches, hands batches to the stages, and gives up before it joins again.
Where the world says so, a fetch is dropped after the position has moved, which is what Faust's flow control does.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError, UnknownMemberIdError

from agents.directory import DirectoryFollower
from agents.kafka.transaction import TransactionalWriter
from agents.kafka.transport import LEASE_SHARE, Batch, Reading, StartingPoint
from agents.service import Service
from tests.simulation.broker import Record
from tests.simulation.loop import Process
from tests.straight import Stored

if TYPE_CHECKING:
    from tests.simulation.world import World

HEARTBEAT_SECONDS = 1.2
BATCH_RECORDS_MAX = 9
CHORES_SECONDS = 0.2


class Worker:
    """Starts at once."""

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.process = Process(world, name)
        self.replaced = False
        self.member = name
        self.generation = -1
        self.heartbeat_ok_at = 0.0
        self.readers: dict[TopicPartition, Reader] = {}
        self._leaving = False
        self._joined = 0
        self._rejoin = asyncio.Event()
        asyncio._set_running_loop(self.process)
        follower = Follower(self)
        self.service = Service(world.settings, world.shape, Port(self), follower, _no_topics)
        self._queues = {stage: asyncio.Queue[Batch](8) for stage in self.service.stages}
        for work in (self._membership(), self._heartbeats(), self._chores(), follower.follow(),
                     *(self._agent(stage, queue) for stage, queue in self._queues.items())):  # fmt: skip
            self.process.create_task(self._vital(work))
        asyncio._set_running_loop(None)

    async def _vital(self, work: Any) -> None:
        try:
            await work
        except Exception as error:
            self.process.die(f"{work.__name__}: {error!r}")

    async def request(self, effect: Callable[[], Any], *, again: bool = True) -> Any:
        """To the broker and back."""
        return await self.world.request(self.process, effect, again=again)

    def resume(self) -> None:
        """SIGCONT."""
        self.process.stopped = False

    def terminate(self) -> None:
        """SIGTERM."""
        self._leaving = True
        self._rejoin.set()

    # The group

    async def _membership(self) -> None:
        broker = self.world.broker
        while True:
            self._joined += 1
            self.member = f"{self.process.name}.{self._joined}"
            known = True
            while known and not self._leaving:
                generation, partitions = await self._join()
                self.heartbeat_ok_at = self.process.time()
                self._rejoin.clear()
                self.generation = generation
                self.service.take_over(generation, partitions)
                await self._read(generation, partitions)
                await self._rejoin.wait()
                await self._give_up()
                known = self.member is not None
            if self._leaving:
                await self.request(lambda: broker.leave(self.member, self.world.now))
                self.process.die("left")

    async def _join(self) -> tuple[int, set[TopicPartition]]:
        answered = self.process.create_future()

        def answer(generation: int, partitions: set[TopicPartition]) -> None:
            self.world.after(0.005, lambda: self.process.call_soon(_resolve, answered, (generation, partitions)))

        member = self.member
        await self.request(lambda: self.world.broker.join(member, self.world.now, answer))
        found: tuple[int, set[TopicPartition]] = await answered
        return found

    async def _give_up(self) -> None:
        self.readers = {}
        await self.service.give_up()
        for queue in self._queues.values():
            while not queue.empty():
                queue.get_nowait()

    async def _heartbeats(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if self.generation < 0:
                continue
            asked_at, member, generation = self.process.time(), self.member, self.generation
            try:
                well = await self.request(
                    lambda member=member, generation=generation: self.world.broker.heartbeat(  # type: ignore[misc]
                        member, generation, self.world.now
                    ),
                    again=False,
                )
            except KafkaTimeoutError:
                continue
            except UnknownMemberIdError:
                if member == self.member:
                    self._rejoin.set()
                continue
            if well:
                self.heartbeat_ok_at = asked_at
            elif generation == self.generation:
                self._rejoin.set()

    # Reading

    async def _read(self, generation: int, partitions: set[TopicPartition]) -> None:
        for partition in sorted(partitions):
            start = await self.request(lambda partition=partition: self.world.broker.committed.get(partition, 0))  # type: ignore[misc]
            if self.generation == generation:
                reader = self.readers[partition] = Reader(start)
                self.process.create_task(self._vital(self._fetch(partition, generation, reader)))

    async def _fetch(self, partition: TopicPartition, generation: int, reader: "Reader") -> None:
        log, chance = self.world.broker.logs[partition], self.world.random
        queue = next(self._queues[stage] for stage in self.service.stages if partition.topic in stage.inputs)
        while self.readers.get(partition) is reader:
            begin = reader.position
            count = chance.randint(1, BATCH_RECORDS_MAX)
            found, end = await self.request(lambda begin=begin, count=count: log.visible(begin, count))  # type: ignore[misc]
            if reader.position != begin:
                continue  # it was sought meanwhile
            if end == begin:
                await asyncio.sleep(chance.uniform(0.02, 0.6))
                continue
            reader.position = end
            if not found:
                continue
            handed_on, reader.handed_on = reader.handed_on, end
            if self.world.drop_fetches and chance.random() < 0.3:
                continue
            records = [_consumed(partition, offset, record) for offset, record in found]
            if chance.random() < 0.2:
                await asyncio.sleep(chance.uniform(0.0, 0.2))  # from Faust's thread to the agent
            await queue.put(Batch(partition, generation, handed_on, end, records))

    async def _agent(self, stage: Any, queue: asyncio.Queue[Batch]) -> None:
        while True:
            await stage.handle(await queue.get())

    async def _chores(self) -> None:
        while True:
            await asyncio.sleep(self.world.random.uniform(0.02, CHORES_SECONDS))
            await self.service.tick()


class Reader:
    """Where reading of a partition is."""

    def __init__(self, start: int) -> None:
        self.position = start
        self.handed_on = start


class Port:
    """Kafka as the stages need it: `interfaces.Kafka`."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def writer(self, state: TopicPartition) -> TransactionalWriter:
        """The service's own writer, around a producer of the model."""
        return TransactionalWriter(self._worker.world.settings, state)

    async def read_states(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, dict[bytes, bytes]]:
        broker = self._worker.world.broker
        return {
            partition: await self._worker.request(lambda partition=partition: broker.latest(partition))  # type: ignore[misc]
            for partition in partitions
        }

    async def starting_points(
        self, partitions: Collection[TopicPartition], timeout_seconds: float
    ) -> dict[TopicPartition, StartingPoint]:
        committed = await self._worker.request(lambda: dict(self._worker.world.broker.committed))
        return {one: StartingPoint(committed.get(one, 0), one in committed) for one in partitions}

    async def first_offset(self, partition: TopicPartition, timeout_seconds: float) -> int:
        return int(await self._worker.request(lambda: 0))

    async def commit(self, generation: int, offsets: dict[TopicPartition, int], timeout_seconds: float) -> None:
        member = self._worker.member
        async with asyncio.timeout(timeout_seconds):
            await self._worker.request(lambda: self._worker.world.broker.commit(member, generation, offsets))

    def lease_seconds(self) -> float:
        worker = self._worker
        return worker.heartbeat_ok_at + worker.world.settings.session_timeout_seconds * LEASE_SHARE - worker.world.now

    def reading(self, partition: TopicPartition) -> Reading | None:
        reader = self._worker.readers.get(partition)
        return Reading(reader.handed_on, reader.position) if reader is not None else None

    async def end_offsets(
        self, partitions: Collection[TopicPartition], timeout_seconds: float
    ) -> dict[TopicPartition, int]:
        logs = self._worker.world.broker.logs
        found: dict[TopicPartition, int] = await self._worker.request(
            lambda: {partition: len(logs[partition].records) for partition in partitions}
        )
        return found

    def seek(self, partition: TopicPartition, offset: int) -> None:
        reader = self._worker.readers.get(partition)
        if reader is not None:
            reader.position = reader.handed_on = offset


class Follower(DirectoryFollower):
    """The directory's follower, reading from the model."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(worker.world.settings, worker.world.topics)
        self._worker = worker

    async def follow(self) -> None:
        """For ever."""
        log, position = self._worker.world.broker.logs[self._partition], 0
        while True:
            found, end = await self._worker.request(lambda position=position: log.visible(position, 100))  # type: ignore[misc]
            for offset, record in found:
                self.take(_consumed(self._partition, offset, record))
            position = end
            async with self._moved:
                self._read_to = position
                self._moved.notify_all()
            await asyncio.sleep(0.2)


class ModelProducer:
    """aiokafka's transactional producer, as far as the service uses it, with its habit of committing past a batch that
    failed."""

    def __init__(self, **options: Any) -> None:
        self._id = options["transactional_id"]
        self._timeout_seconds = options["transaction_timeout_ms"] / 1000
        process = asyncio.get_running_loop()
        assert isinstance(process, Process)
        self._process = process
        self._world: World = process._clock  # type: ignore[assignment]
        self._epoch = -1
        self._number = 0
        self._sent: list[asyncio.Future[Any]] = []
        self._last: dict[TopicPartition, asyncio.Future[Any]] = {}
        self.client = self

    def add_topic(self, topic: str) -> None:
        """Knows all topics."""

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(self._world.widths.get(topic, 1)))

    async def start(self) -> None:
        broker = self._world.broker
        self._epoch = await self._world.request(self._process, lambda: broker.init_producer(self._id))

    async def stop(self) -> None:
        """Nothing is open."""

    async def begin_transaction(self) -> None:
        self._sent = []
        epoch = self._epoch
        self._world.after(self._timeout_seconds, lambda: self._world.broker.expire(self._id, epoch))

    def create_batch(self) -> "ModelBatch":
        return ModelBatch(self._world.random.choice((1, 3, 1000)))

    async def _request(self, effect: Callable[[int], Any]) -> None:
        """What is asked again has the same number, so that the broker can tell."""
        self._number += 1
        number = self._number
        if self._world.reaches_socket(self._process):
            await asyncio.sleep(0)
        await self._world.request(self._process, lambda: effect(number))

    async def send_batch(self, batch: "ModelBatch", topic: str, *, partition: int) -> asyncio.Future[Any]:
        where = TopicPartition(topic, partition)
        future = self._process.create_task(self._produce(batch, where, self._last.get(where)))
        self._last[where] = future
        self._sent.append(future)
        return future

    async def _produce(self, batch: "ModelBatch", where: TopicPartition, before: Any) -> None:
        if before is not None:
            await asyncio.wait([before])
        if self._world.fail_produce and self._world.random.random() < 0.2:
            raise KafkaTimeoutError
        broker = self._world.broker
        await self._request(lambda number: broker.produce(self._id, self._epoch, number, where, batch.records))

    async def commit_transaction(self) -> None:
        """Waits for the batches, whatever became of them."""
        if self._sent:
            await asyncio.wait(self._sent)
        await self._request(lambda number: self._world.broker.end(self._id, self._epoch, number))


class ModelBatch:
    """Takes `size` records."""

    def __init__(self, size: int) -> None:
        self.records: list[Record] = []
        self._size = size
        self._closed = False

    def append(self, *, key: bytes | None, value: bytes | None, timestamp: None, headers: Any) -> bool | None:
        if self._closed or len(self.records) >= self._size:
            return None
        self.records.append(Record(key, value, tuple(headers), None))
        return True

    def close(self) -> None:
        self._closed = True


def _consumed(partition: TopicPartition, offset: int, record: Record) -> Stored:
    return Stored(partition.topic, partition.partition, offset, record.key, record.value, record.headers, 0)


def _resolve(future: Any, value: Any) -> None:
    if not future.done():
        future.set_result(value)


async def _no_topics(directory: Any) -> None:
    """The model makes topics as they are written to."""
