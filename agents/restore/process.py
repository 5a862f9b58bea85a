"""The restore: what is derived from the input topics is made anew, as it was.

In: a Kafka whose inputs are there, and whose log is empty or was left by a restore that ended early; no workers. Out:
log, texts, alerts, cases, roll-ups, states and offsets, as workers would have left them; they go on from there.

Workers on empty states would read the inputs side by side, and an action might come before the post that its alert is
made of. Here all is worked through in the order in which it was appended (`inputs.py`), by one process (`play.py`).
The rule: a stretch of the inputs, all that comes of it, and the positions behind it go into one transaction. Its writer
is that of the worker who leads: workers that are started meanwhile refuse it.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.directory import DirectoryFollower
from agents.kafka.admin import Admin
from agents.kafka.client import aiokafka_options
from agents.kafka.state import POSITION_KEY, TRIAL_KEY, Position, read_states
from agents.kafka.transaction import TransactionalWriter
from agents.processors import Processors
from agents.restore.inputs import POLL_MS, Inputs
from agents.restore.play import Place, Play, RestoreError
from agents.settings import Settings
from agents.unit_topics import UnitTopics
from pipeline.control import Shape
from schemas.topics import CONSUMED, INPUTS, Topics

RECORDS_AT_ONCE = 2000
"""Of the inputs, in one transaction; and about so many that come of them, if that is more."""
OUTPUTS_AT_ONCE = 10_000
SETTLE_SECONDS_MAX = 30.0
"""The marker of a transaction is there a little after the transaction has ended."""
STARTS_AT_ONCE = 20

Done = Callable[[int, int], None]


class Restored(NamedTuple):
    """Records of the inputs that were worked on, and records that were written."""

    records: int
    written: int


def restore(settings: Settings, aside: Collection[Place] = (), done: Done = lambda count, all_of: None) -> Restored:
    """Works through the inputs up to where they end now; `done` is told how many records of about how many. Ended early
    it goes on at the next call. Raises RestoreError, AdminError, KafkaError, TimeoutError."""
    topics = Topics(settings.prefix)
    with Admin(settings, topics) as admin:
        if problems := admin.problems():
            raise RestoreError("\n".join(problems))
        _nobody_works(settings, admin)
        shape, there = admin.shape(), admin.existing()
        partitions = [TopicPartition(name, n) for name in map(topics, CONSUMED) for n in range(there[name])]

        async def run() -> Restored:  # aiokafka's clients are made where they work
            return await _Restore(settings, topics, shape, partitions, admin, done).run(aside)

        return asyncio.run(run())


def _nobody_works(settings: Settings, admin: Admin) -> None:
    if count := admin.members():
        raise RestoreError(
            f"{count} worker{'s' if count > 1 else ''} of the group {settings.group!r} run{'s' * (count == 1)}; stop "
            "all of them, wait until they have left, and restore again"
        )


class _Restore:
    def __init__(
        self,
        settings: Settings,
        topics: Topics,
        shape: Shape,
        partitions: list[TopicPartition],
        admin: Admin,
        done: Done,
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._partitions = partitions
        self._admin = admin
        self._done = done
        self._follower = DirectoryFollower(settings, topics)
        self._processors = Processors(settings, shape, self._follower, UnitTopics(settings, topics).ensure)
        self._writers = {one: TransactionalWriter(settings, self._state_of(one)) for one in partitions}
        self._leader = self._writers[TopicPartition(topics("units"), 0)]

    def _state_of(self, partition: TopicPartition) -> TopicPartition:
        return TopicPartition(self._topics.state(partition.topic), partition.partition)

    async def run(self, aside: Collection[Place]) -> Restored:
        consumer = AIOKafkaConsumer(
            **aiokafka_options(self._settings),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )
        await consumer.start()
        try:
            await self._refuse_others()
            await self._follower.start()
            return await self._work(consumer, aside)
        finally:
            await self._follower.stop()
            await self._leader.stop()
            await consumer.stop()

    async def _refuse_others(self) -> None:
        """What a worker has left open is undone; whoever still writes is refused."""
        limit = asyncio.Semaphore(STARTS_AT_ONCE)

        async def start(writer: TransactionalWriter) -> None:
            async with limit:
                await writer.start()
                if writer is not self._leader:
                    await writer.stop()

        await asyncio.gather(*map(start, self._writers.values()))

    async def _work(self, consumer: Any, aside: Collection[Place]) -> Restored:
        saved = await read_states(self._settings, [self._state_of(one) for one in self._partitions])
        positions, processors = {}, {}
        for partition in self._partitions:
            states = saved.pop(self._state_of(partition))
            states.pop(TRIAL_KEY, None)
            found = states.pop(POSITION_KEY, None)
            position = msgspec.msgpack.decode(found, type=Position) if found is not None else None
            positions[partition] = position.offset if position is not None else 0
            processors[partition] = self._processors.of(partition)
            processors[partition].load(states, position.data if position is not None else None)
        read = {self._topics(name) for name in INPUTS}
        own = {partition: offset for partition, offset in positions.items() if partition.topic not in read}
        ends = await self._all_worked_on(consumer, own)
        inputs = Inputs(consumer, self._topics, {one: at for one, at in positions.items() if one.topic in read})
        play = Play(self._topics, processors, ends, aside)
        return await self._play(consumer, inputs, play)

    async def _all_worked_on(self, consumer: Any, positions: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Where log and roll-ups end. Raises RestoreError if there is a record that their states know nothing of."""
        consumer.assign(list(positions))
        ends: dict[TopicPartition, int] = await consumer.end_offsets(list(positions))
        first = await consumer.beginning_offsets(list(positions))
        for partition, offset in positions.items():
            consumer.seek(partition, max(offset, first[partition]))
        left = {partition for partition, end in ends.items() if max(positions[partition], first[partition]) < end}
        while left:
            for partition, records in (await consumer.getmany(*left, timeout_ms=POLL_MS)).items():
                if records:
                    raise RestoreError(
                        f"{partition.topic}/{partition.partition} holds records that the states beside it know nothing "
                        f"of, from offset {records[0].offset} on. The log is there: `cem run` makes everything again "
                        "from it. A restore is for a log that is lost; what to delete before it says the runbook "
                        "(deploy/README.md, Back up and restore)"
                    )
            left = {partition for partition in left if await consumer.position(partition) < ends[partition]}
        return ends

    async def _play(self, consumer: Any, inputs: Inputs, play: Play) -> Restored:
        about = await inputs.start()
        records = since = written = 0
        self._done(0, about)
        while (run := await inputs.run()) is not None:
            await play.work(*run)
            since += len(run[1])
            if since >= RECORDS_AT_ONCE or len(play.outputs) >= OUTPUTS_AT_ONCE:
                written += await self._write(play)
                records, since = records + since, 0
                self._done(records, about)
        written += await self._write(play)
        play.skip(inputs.ends)
        await self._write(play)
        self._done(about, about)
        await self._hand_over(consumer, play)
        return Restored(records + since, written)

    async def _write(self, play: Play) -> int:
        """One transaction; how many records of ours were in it, but for the states."""
        _nobody_works(self._settings, self._admin)
        count, emissions = len(play.outputs), play.take()
        if emissions:
            await self._leader.write(emissions, ())
        return count

    async def _hand_over(self, consumer: Any, play: Play) -> None:
        """Tells the group where to go on, once it is sure that nobody else has written to the log."""
        own = [partition for partition in play.positions if partition.topic not in map(self._topics, INPUTS)]
        deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS_MAX
        while (ends := await consumer.end_offsets(own)) != {partition: play.positions[partition] for partition in own}:
            if asyncio.get_running_loop().time() > deadline:
                wrong = next(one for one in own if ends[one] != play.positions[one])
                raise RestoreError(
                    f"somebody else has written to {wrong.topic}/{wrong.partition} meanwhile: it ends at "
                    f"{ends[wrong]} and not at {play.positions[wrong]}. Begin again: what to delete before it says "
                    "the runbook (deploy/README.md, Back up and restore)"
                )
            await asyncio.sleep(0.1)
        self._admin.commit(play.positions)
