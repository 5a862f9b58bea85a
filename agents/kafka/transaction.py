"""The way out: what was made of a stretch of a partition goes to Kafka in one transaction, whole or not at all.

In: emissions, and changed states of the partition. Out: nothing; when `write` returns, all of it is there for whoever
reads committed records. The rule: the writer is named after the partition that it works for, and its start refuses
every earlier writer of that name and undoes what that one left open.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import murmur2

from agents.kafka.client import aiokafka_options
from agents.settings import Settings
from pipeline.emission import Emission

BATCH_BYTES = 512 * 1024
START_SECONDS_MAX = 30.0
WRITE_SECONDS_MAX = 30.0
TIMEOUT_SESSIONS = 2
"""After so many session time-outs the broker ends a transaction by itself; a taker-over ends it sooner."""

KEYS_MAX = 65_536
"""How many keys' partitions are remembered: units come again and again."""

Item = tuple[bytes, bytes | None]
Record = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]
Groups = dict[tuple[str, int], list[Record]]


class TransactionalWriter:
    """`state` is the partition of the state topic that belongs to the partition worked on."""

    def __init__(self, settings: Settings, state: TopicPartition) -> None:
        self._state = state
        self._producer = AIOKafkaProducer(
            **aiokafka_options(settings),
            transactional_id=f"{settings.group}-{state.topic}-{state.partition}",
            acks="all",
            transaction_timeout_ms=int(settings.session_timeout_seconds * TIMEOUT_SESSIONS * 1000),
            max_batch_size=BATCH_BYTES,
        )
        self._one_at_a_time = asyncio.Lock()

    async def start(self) -> None:
        """Refuses every earlier writer of this partition. Raises KafkaError or TimeoutError."""
        await asyncio.wait_for(self._producer.start(), START_SECONDS_MAX)

    async def stop(self) -> None:
        """Closes the connections."""
        await asyncio.wait_for(self._producer.stop(), WRITE_SECONDS_MAX)

    async def write(self, emissions: Collection[Emission], states: Collection[Item]) -> None:
        """All of it in one transaction. Raises KafkaError or TimeoutError: then nothing of it counts, or all of it;
        the writer cannot be used again, and the states tell which."""
        async with asyncio.timeout(WRITE_SECONDS_MAX), self._one_at_a_time:
            widths = await self._widths({self._state.topic, *(emission.topic for emission in emissions)})
            batches = grouped(emissions, widths)
            batches.setdefault(self._state, []).extend((key, value, ()) for key, value in states)
            await self._write(batches)

    async def _widths(self, topics: Collection[str]) -> dict[str, int]:
        """Numbers of partitions. The metadata of all topics that are new is asked for at once: an alert storm concerns
        hundreds of units. All are named, also those that aiokafka knows: it forgets the leaders of topics that nobody
        named as soon as somebody names another, and then waits for them for ever."""
        for topic in topics:
            self._producer.client.add_topic(topic)
        return {topic: len(await self._producer.partitions_for(topic)) for topic in topics}

    async def _write(self, groups: Groups) -> None:
        """Every batch is acknowledged before the end: aiokafka commits past one that failed."""
        await self._producer.begin_transaction()
        sent: list[asyncio.Future[Any]] = []
        for (topic, partition), group in groups.items():
            for builder in self._batches(group):
                sent.append(await self._producer.send_batch(builder, topic, partition=partition))
        await asyncio.gather(*sent)
        await self._producer.commit_transaction()

    def _batches(self, group: list[Record]) -> list[Any]:
        if not group:
            return []
        builder = self._producer.create_batch()
        builders = [builder]
        append = builder.append
        for key, value, headers in group:
            if append(timestamp=None, key=key, value=value, headers=[*headers]) is None:
                builder = self._producer.create_batch()
                builders.append(builder)
                append = builder.append
                append(timestamp=None, key=key, value=value, headers=[*headers])
        for builder in builders:
            builder.close()
        return builders


def grouped(emissions: Iterable[Emission], widths: Mapping[str, int]) -> Groups:
    """Emissions by partition, in order."""
    groups: Groups = {}
    for emission in emissions:
        topic, key, partition = emission.topic, emission.key, emission.partition
        if partition is None:
            width = widths[topic]
            partition = 0 if width == 1 else partition_of(key, width)
        where = (topic, partition)
        group = groups.get(where)
        if group is None:
            group = groups[where] = []
        group.append((key, emission.value, emission.headers))
    return groups


@lru_cache(maxsize=KEYS_MAX)
def partition_of(key: bytes | None, width: int) -> int:
    """The partition of a key that Kafka's own clients choose, so that keys sent by others land in the same."""
    return 0 if key is None else int(murmur2(key) & 0x7FFFFFFF) % width
