"""What the measurements ask of Kafka; nothing of it is asked of those who are measured.

In: names of topics and groups. Out: what is in them. The one rule: records are counted by reading what is committed.
End offsets also count the markers of transactions, and what was aborted.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import murmur2
from kafka import KafkaAdminClient
from kafka import TopicPartition as Place
from kafka.admin import OffsetSpec
from kafka.errors import RetriableError

from tests.benchmarks.posts import Record
from tests.benchmarks.worker import resident_bytes, used_by

BATCH_BYTES = 256 * 1024
READ_SECONDS_MAX = 120.0
TAIL_OFFSETS = 100
RECORDS_AT_ONCE = 20_000
DELETE_SECONDS_MAX = 60.0


class Broker:
    """A Kafka at `bootstrap`, whose process is `pid`."""

    def __init__(self, bootstrap: str, pid: int) -> None:
        self.bootstrap = bootstrap
        self._pid = pid
        self._admin = KafkaAdminClient(bootstrap_servers=bootstrap, client_id="bench")

    def close(self) -> None:
        """Closes the connection."""
        self._admin.close()

    def cpu_seconds(self) -> float:
        """What the broker has used of the processor so far."""
        return used_by(self._pid).cpu_seconds

    def resident_bytes(self) -> float:
        """What the broker holds in memory now."""
        return resident_bytes(self._pid)

    # Topics

    def create(self, topics: Mapping[str, int], configs: Mapping[str, str] | None = None) -> None:
        """Topics with their partitions."""
        wanted = {
            name: {"num_partitions": width, "replication_factor": 1, "configs": dict(configs or {})}
            for name, width in topics.items()
        }
        self._admin.create_topics(wanted)
        self._admin.wait_for_topics(list(topics), timeout_ms=30_000)

    def topics(self, containing: str) -> list[str]:
        """Names of the topics that have this in their names."""
        return [name for name in self._admin.list_topics() if containing in name]

    def delete(self, containing: str) -> None:
        """Deletes these topics: those of one contender must not slow the next one down."""
        deadline = time.monotonic() + DELETE_SECONDS_MAX
        while names := self.topics(containing):
            self._admin.delete_topics(names)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(names)} topics could not be deleted")
            time.sleep(0.2)

    def partitions(self, topic: str) -> int:
        """How many it has."""
        return len(self._admin.describe_topics([topic])[0]["partitions"])

    def sizes(self, containing: str) -> Counter[str]:
        """Bytes on the broker's disk, by topic."""
        found: Counter[str] = Counter()
        for node in self._admin.describe_log_dirs(self.topics(containing)):
            for folder in node["log_dirs"]:
                for topic in folder["topics"]:
                    found[topic["name"]] += sum(partition["partition_size"] for partition in topic["partitions"])
        return found

    # Offsets

    def committed(self, group: str) -> Counter[str]:
        """Committed offsets of a group by topic, added up over partitions."""
        found: Counter[str] = Counter()
        for partition, offset in self.committed_by_partition(group).items():
            found[partition[0]] += offset
        return found

    def committed_by_partition(self, group: str) -> dict[tuple[str, int], int]:
        """Committed offsets of a group; none while nobody coordinates it."""
        try:
            found = self._admin.list_group_offsets([group]).get(group, {})
        except RetriableError:
            return {}
        return {(one.topic, one.partition): max(committed.offset, 0) for one, committed in found.items()}

    def ends(self, topic: str) -> dict[tuple[str, int], int]:
        """Where each partition of a topic ends, markers of transactions included."""
        wanted = {Place(topic, number): OffsetSpec.LATEST for number in range(self.partitions(topic))}
        found = self._admin.list_partition_offsets(wanted)
        return {(one.topic, one.partition): answer.offset for one, answer in found.items()}

    def last_offsets(self, topic: str) -> dict[int, int]:
        """Offset of the last committed record of each partition that has any."""
        return asyncio.run(_last_offsets(self.bootstrap, topic, self.partitions(topic)))

    # Records

    def preload(
        self, topic: str, records: Iterable[Record], advance: Callable[[int], None] = lambda _: None
    ) -> dict[int, int]:
        """Records into a topic, by their keys, as any producer places them. Gives the last offset of each partition
        that got any."""
        return asyncio.run(_preload(self.bootstrap, topic, self.partitions(topic), records, advance))

    def read(self, topic: str, each: Callable[[Any], None]) -> None:
        """Calls `each` with every record that is committed now."""
        asyncio.run(_read(self.bootstrap, topic, self.partitions(topic), each))

    def count(self, topics: Iterable[str]) -> Counter[str]:
        """Committed records, by topic."""
        found: Counter[str] = Counter()
        for topic in topics:
            self.read(topic, lambda _, topic=topic: found.update((topic,)))
        return found


def partition_of(key: bytes | None, partitions: int) -> int:
    """Where Kafka's own producers put a key; the first for none."""
    return 0 if key is None else int(murmur2(key) & 0x7FFFFFFF) % partitions


async def _preload(
    bootstrap: str, topic: str, partitions: int, records: Iterable[Record], advance: Callable[[int], None]
) -> dict[int, int]:
    last: dict[int, int] = {}
    waiting = iter(records)
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_batch_size=BATCH_BYTES) as producer:
        while part := list(islice(waiting, RECORDS_AT_ONCE)):
            by_partition: dict[int, list[Record]] = {}
            for record in part:
                by_partition.setdefault(partition_of(record.key, partitions), []).append(record)
            for partition, group in by_partition.items():
                for batch in batches(producer, group):
                    size = batch.record_count()
                    sent = await (await producer.send_batch(batch, topic, partition=partition))
                    last[partition] = sent.offset + size - 1
                    advance(size)
    return last


def batches(producer: AIOKafkaProducer, records: Iterable[Record]) -> Iterable[Any]:
    """Records -> full batches, much cheaper than one send for each."""
    batch = producer.create_batch()
    for key, value in records:
        if batch.append(key=key, value=value, timestamp=None) is None:
            batch.close()
            yield batch
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None)
    if batch.record_count():
        batch.close()
        yield batch


@asynccontextmanager
async def _reading(
    bootstrap: str, topic: str, width: int
) -> AsyncIterator[tuple[AIOKafkaConsumer, dict[TopicPartition, int]]]:
    """A consumer at the beginning of all partitions, and where what is committed ends."""
    options = {"enable_auto_commit": False, "auto_offset_reset": "earliest", "isolation_level": "read_committed"}
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, **options) as consumer, asyncio.timeout(READ_SECONDS_MAX):
        partitions = [TopicPartition(topic, number) for number in range(width)]
        consumer.assign(partitions)
        yield consumer, await consumer.end_offsets(partitions)


async def _drain(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], each: Callable[[Any], None]) -> None:
    """From where the consumer is to the ends."""
    left = [partition for partition, end in ends.items() if end > 0]
    while left:
        for records in (await consumer.getmany(*left, timeout_ms=200)).values():
            for record in records:
                each(record)
        left = [partition for partition in left if await consumer.position(partition) < ends[partition]]


async def _read(bootstrap: str, topic: str, width: int, each: Callable[[Any], None]) -> None:
    async with _reading(bootstrap, topic, width) as (consumer, ends):
        await _drain(consumer, ends, each)


async def _last_offsets(bootstrap: str, topic: str, width: int) -> dict[int, int]:
    """Markers lie behind records, and seldom many of them: looks back further and further."""
    last: dict[int, int] = {}
    async with _reading(bootstrap, topic, width) as (consumer, ends):
        left, back = {partition: end for partition, end in ends.items() if end > 0}, TAIL_OFFSETS
        while left:
            for partition, end in left.items():
                consumer.seek(partition, max(0, end - back))
            await _drain(consumer, left, lambda record: last.update({record.partition: record.offset}))
            left = {one: end for one, end in left.items() if one.partition not in last and end > back}
            back *= 10
    return last
