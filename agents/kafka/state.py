"""States of a partition in a compacted topic of our own, written by a fenced writer, read back at assignment.

The writer is a transactional producer named after the partition and initialised before the state is read: from then
on the broker refuses whoever wrote before. One transaction holds the changed states and the position in the input
that they stand for, so that they are there together or not at all.

Why not Faust's tables: their recovery reads record by record, keeps a second copy, and turns errors into warnings.
"""

import asyncio
from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from agents.kafka.client import aiokafka_options
from agents.settings import Settings

POSITION_KEY = b"\x00position"
TRIAL_KEY = b"\x00trial"
WRITE_SECONDS_MAX = 30.0
READ_SECONDS_MAX = 300.0
BATCH_BYTES = 512 * 1024

Item = tuple[bytes, bytes | None]


class Position(msgspec.Struct, array_like=True):
    """`offset`: the next record to be worked on. `data`: what the processor keeps beside its states."""

    offset: int
    data: bytes


class StateWriter:
    """Writes the states of one partition."""

    def __init__(self, settings: Settings, partition: TopicPartition) -> None:
        self._partition = partition
        self._producer = AIOKafkaProducer(
            **aiokafka_options(settings),
            transactional_id=f"{settings.group}-{partition.topic}-{partition.partition}",
            acks="all",
            transaction_timeout_ms=60_000,
            max_batch_size=BATCH_BYTES,
        )

    async def start(self) -> None:
        """Fences every earlier writer of this partition."""
        await asyncio.wait_for(self._producer.start(), WRITE_SECONDS_MAX)

    async def stop(self) -> None:
        """Closes the connections."""
        await asyncio.wait_for(self._producer.stop(), WRITE_SECONDS_MAX)

    async def write(self, items: Iterable[Item]) -> None:
        """All items in one transaction. Raises KafkaError; after that nothing of it counts."""
        await asyncio.wait_for(self._write(items), WRITE_SECONDS_MAX)

    async def _write(self, items: Iterable[Item]) -> None:
        producer, topic, number = self._producer, self._partition.topic, self._partition.partition
        await producer.begin_transaction()
        sent = []
        builder = producer.create_batch()
        for key, value in items:
            if builder.append(key=key, value=value, timestamp=None) is None:
                builder.close()
                sent.append(await producer.send_batch(builder, topic, partition=number))
                builder = producer.create_batch()
                builder.append(key=key, value=value, timestamp=None)
        builder.close()
        sent.append(await producer.send_batch(builder, topic, partition=number))
        await asyncio.gather(*sent)
        await producer.commit_transaction()


async def read_states(
    settings: Settings, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, dict[bytes, bytes]]:
    """The latest value of each key, by partition; what was deleted is not there. Raises KafkaError or TimeoutError."""
    found: dict[TopicPartition, dict[bytes, bytes]] = {partition: {} for partition in partitions}
    if not found:
        return found
    consumer = AIOKafkaConsumer(
        **aiokafka_options(settings),
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # not a seek: one that is under way to the default, the end, would win over it
        isolation_level="read_committed",
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await consumer.start()
    try:
        async with asyncio.timeout(READ_SECONDS_MAX):
            await _read_all(consumer, found)
    finally:
        await consumer.stop()
    return found


async def _read_all(consumer: Any, found: dict[TopicPartition, dict[bytes, bytes]]) -> None:
    consumer.assign(list(found))
    ends = await consumer.end_offsets(list(found))
    left = {partition for partition, end in ends.items() if end > 0}
    while left:
        for partition, records in (await consumer.getmany(*left, timeout_ms=200)).items():
            states = found[partition]
            for record in records:
                if record.value is None:
                    states.pop(record.key, None)
                else:
                    states[record.key] = record.value
        left = {partition for partition in left if await consumer.position(partition) < ends[partition]}
