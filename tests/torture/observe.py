"""What is on the broker: positions that are saved, and all records, as the checker takes them.

In: settings. Out: plain tuples. The rule: only committed records count, except where the question is what a reader
of uncommitted ones would see.
"""

import asyncio
import math
import time
from collections.abc import Iterable
from typing import Any

import aiokafka
import msgspec
from aiokafka import AIOKafkaConsumer
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from agents.kafka.admin import Admin
from agents.kafka.client import aiokafka_options, kafka_python_options
from agents.settings import Settings
from schemas.topics import CONSUMED, INPUTS, Topics
from tests.straight import POSITION_KEY, Stored

READ_SECONDS_MAX = 300.0
POLL_MS = 200


def _consumer(settings: Settings) -> Any:
    return KafkaConsumer(
        **kafka_python_options(settings),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_poll_records=5000,
        fetch_max_bytes=64 * 1024 * 1024,
        max_partition_fetch_bytes=8 * 1024 * 1024,
    )


def stored(settings: Settings, *, only: str = "", isolation: str = "read_committed") -> list[Stored]:
    """All records of all topics under the prefix, or of those whose names begin with `only`. By aiokafka, which reads
    ten times as fast."""
    with Admin(settings, Topics(settings.prefix)) as admin:
        widths = {name: width for name, width in admin.existing().items() if name.startswith(only)}
    parts = [aiokafka.TopicPartition(name, number) for name, width in widths.items() for number in range(width)]
    return asyncio.run(_stored_in(settings, parts, isolation)) if parts else []


async def _stored_in(settings: Settings, parts: list[Any], isolation: str) -> list[Stored]:
    consumer = AIOKafkaConsumer(
        **aiokafka_options(settings),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=isolation,
        max_partition_fetch_bytes=8 * 1024 * 1024,
        fetch_max_wait_ms=100,
    )
    await consumer.start()
    try:
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        left, found = {part for part in parts if ends[part] > 0}, []
        async with asyncio.timeout(READ_SECONDS_MAX):
            while left:
                for part, records in (await consumer.getmany(*left, timeout_ms=POLL_MS)).items():
                    found += [_stored(record) for record in records if record.offset < ends[part]]
                left = {part for part in left if await consumer.position(part) < ends[part]}
        return found
    finally:
        await consumer.stop()


def _partitions(consumer: Any, name: str) -> list[Any]:
    return [TopicPartition(name, number) for number in sorted(consumer.partitions_for_topic(name) or ())]


def _read_from(consumer: Any, start: dict[Any, int]) -> list[Stored]:
    """Records from these offsets on, to what is the end now."""
    partitions = list(start)
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    for partition, offset in start.items():
        consumer.seek(partition, offset)
    found: list[Stored] = []
    left, deadline = set(partitions), time.monotonic() + READ_SECONDS_MAX
    while left:
        for records in consumer.poll(timeout_ms=POLL_MS).values():
            found.extend(_stored(record) for record in records)
        left = {partition for partition in left if consumer.position(partition) < ends[partition]}
        if time.monotonic() > deadline:
            raise TimeoutError(f"could not read {sorted(left)} to the end")
    return [record for record in found if record.offset < ends[TopicPartition(record.topic, record.partition)]]


def _stored(record: Any) -> Stored:
    headers = tuple((name, bytes(value)) for name, value in record.headers)
    return Stored(record.topic, record.partition, record.offset, record.key, record.value, headers, record.timestamp)


class Positions:
    """Up to where each partition is worked off, as the state topics say. A context manager; `wait` follows them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topics = Topics(settings.prefix)
        self._consumer: Any = None
        self._tail: Any = None
        self._at: dict[tuple[str, int], int] = {}

    def __enter__(self) -> "Positions":
        self._consumer = _consumer(self._settings)
        self._tail = _consumer(self._settings)
        states = [self._topics.state(self._topics(name)) for name in CONSUMED]
        self._consumer.topics()
        self._consumer.assign([part for name in states for part in _partitions(self._consumer, name)])
        self._consumer.seek_to_beginning()
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()
        self._tail.close()

    def poll(self) -> None:
        """Reads on."""
        for part, records in self._consumer.poll(timeout_ms=POLL_MS).items():
            for record in records:
                if record.key == POSITION_KEY and record.value is not None:
                    self._at[part.topic, part.partition] = msgspec.msgpack.decode(record.value)[0]

    def none(self, name: str) -> bool:
        """Whether nothing is worked off in any partition of a topic."""
        state = self._topics.state(self._topics(name))
        return not any(offset for (topic, _), offset in self._at.items() if topic == state)

    def behind(self, wanted: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        """Records left before these offsets, by partition."""
        left = {}
        for (name, number), offset in wanted.items():
            at = self._at.get((self._topics.state(self._topics(name)), number), 0)
            if at <= offset:
                left[name, number] = offset + 1 - at
        return left

    def last(self, names: Iterable[str]) -> dict[tuple[str, int], int]:
        """The offset of the last record of each partition; partitions without any are left out."""
        found: dict[tuple[str, int], int] = {}
        short = {self._topics(name): name for name in names}
        self._tail.topics()
        open_, step = [part for name in short for part in _partitions(self._tail, name)], 500
        while open_:
            begins, ends = self._tail.beginning_offsets(open_), self._tail.end_offsets(open_)
            start = {part: max(begins[part], ends[part] - step) for part in open_}
            for record in _read_from(self._tail, start):
                key = (short[record.topic], record.partition)
                found[key] = max(found.get(key, -1), record.offset)
            open_ = [part for part in open_ if (short[part.topic], part.partition) not in found]
            open_ = [part for part in open_ if start[part] > begins[part]]
            step *= 20
        return found


def drained(positions: Positions, work: Any, seconds_max: float) -> dict[tuple[str, int], int]:
    """Waits until what is in the inputs now has gone all the way; `work` is called meanwhile. Gives what is left, by
    partition: nothing, if all went well. It is given up when nothing of it was worked off for so many seconds: a slow
    machine is no broken law."""
    left: dict[tuple[str, int], int] = {}
    for names in (INPUTS, ("events",), ("rollup",), ("events",)):
        wanted: dict[tuple[str, int], int] | None = None
        deadline, least = time.monotonic() + seconds_max, math.inf
        while True:
            work()
            try:
                wanted = wanted if wanted is not None else positions.last(names)
                positions.poll()
            except KafkaError:  # the broker is just coming back
                time.sleep(0.5)
            left = positions.behind(wanted) if wanted is not None else {("?", 0): 1}
            if not left:
                break
            if (count := sum(left.values())) < least:
                deadline, least = time.monotonic() + seconds_max, count
            if time.monotonic() > deadline:
                return left
    return left
