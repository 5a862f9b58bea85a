"""Records into a database without Kafka, by the archive's own code: for tests of views. In: a DSN, emissions."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

import msgspec
from aiokafka import TopicPartition

from agents.archive.batch import Batch
from agents.archive.session import Session
from pipeline.emission import Emission
from schemas.topics import Topics


class Record(msgspec.Struct):
    """As aiokafka gives it, as far as the archive looks."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int = 0


def records(emissions: Iterable[Emission]) -> dict[TopicPartition, list[Record]]:
    """As they would stand on the topics."""
    found: dict[TopicPartition, list[Record]] = defaultdict(list)
    for one in emissions:
        stretch = found[TopicPartition(one.topic, one.partition or 0)]
        stretch.append(Record(one.topic, one.partition or 0, len(stretch), one.key, one.value))
    return found


def write(dsn: str, emissions: Iterable[Emission], topics: Topics) -> None:
    """All of it as one batch, behind what was written before."""
    asyncio.run(_write(dsn, records(emissions), topics))


async def _write(dsn: str, found: dict[TopicPartition, list[Record]], topics: Topics) -> None:
    session = await Session.connect(dsn, "test", 24)
    try:
        begins = await session.take_over(found)
        batch = Batch(topics)
        for partition, stretch in found.items():
            for record in stretch:
                record.offset += begins[partition]
            batch.add(partition, stretch, begins[partition])
        await session.write(batch)
        await session.keep_house()
    finally:
        await session.close()
