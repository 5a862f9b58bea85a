"""States of a partition in a compacted topic of our own, read back at assignment.

They are written together with what else comes of the partition's records (`transaction.py`), and beside them the
position in the input that they stand for.

Why not Faust's tables: their recovery reads record by record, keeps a second copy, and turns errors into warnings.
"""

import asyncio
from collections.abc import Collection
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.kafka.client import aiokafka_options
from agents.settings import Settings

POSITION_KEY = b"\x00position"
TRIAL_KEY = b"\x00trial"
READ_SECONDS_MAX = 300.0


class Position(msgspec.Struct, array_like=True):
    """`offset`: the next record to be worked on. `data`: what the processor keeps beside its states."""

    offset: int
    data: bytes


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
