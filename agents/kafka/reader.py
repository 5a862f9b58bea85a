"""Reads topics for the command line, with kafka-python: from the first record to the last, or on and on.

In: topics. Out: records, in the order of each partition.
"""

import time
from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import AuthorizationError

from agents.kafka.reach import UnreachableError, connect, sentence
from agents.settings import Settings

POLL_MS = 200
METADATA_SECONDS_MAX = 10.0


class ReadError(RuntimeError):
    """Kafka cannot be reached, or the topic is not there."""


def read(
    settings: Settings,
    topic: str,
    *,
    follow: bool = False,
    from_end: bool = False,
    since_ms: int | None = None,
    newest: int | None = None,
    seconds_max: float | None = None,
) -> Iterator[Any]:
    """Records of a topic, from the first on, or from those that were written at `since_ms`, or about so many `newest`
    of each partition (what is no record counts too, such as the end of a transaction). Without `follow` it stops
    at what was the end when it began; with it, after `seconds_max` or never. Raises ReadError."""
    try:
        consumer = connect(
            settings,
            KafkaConsumer,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
    except UnreachableError as error:
        raise ReadError(str(error)) from None
    try:
        yield from _read(consumer, topic, follow, from_end, since_ms, newest, seconds_max)
    except AuthorizationError as error:
        raise ReadError(f"{topic}: {sentence(settings, error)}") from None
    finally:
        consumer.close()


def size(settings: Settings, topic: str) -> int:
    """About how many records a topic has: for a progress bar. Raises ReadError."""
    try:
        consumer = connect(settings, KafkaConsumer)
    except UnreachableError as error:
        raise ReadError(str(error)) from None
    try:
        partitions = _partitions(consumer, topic)
        begins, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        return sum(ends[partition] - begins[partition] for partition in partitions)
    except AuthorizationError as error:
        raise ReadError(f"{topic}: {sentence(settings, error)}") from None
    finally:
        consumer.close()


def _read(
    consumer: Any,
    topic: str,
    follow: bool,
    from_end: bool,
    since_ms: int | None,
    newest: int | None,
    seconds_max: float | None,
) -> Iterator[Any]:
    partitions = _partitions(consumer, topic)
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    if from_end:
        consumer.seek_to_end(*partitions)
    elif since_ms is not None:
        found = consumer.offsets_for_times(dict.fromkeys(partitions, max(0, since_ms)))
        for partition in partitions:
            consumer.seek(partition, found[partition].offset if found.get(partition) else ends[partition])
    elif newest is not None:
        begins = consumer.beginning_offsets(partitions)
        for partition in partitions:
            consumer.seek(partition, max(begins[partition], ends[partition] - newest))
    deadline = None if seconds_max is None else time.monotonic() + seconds_max
    while follow or any(consumer.position(partition) < ends[partition] for partition in partitions):
        for records in consumer.poll(timeout_ms=POLL_MS).values():
            yield from records
        if deadline is not None and time.monotonic() > deadline:
            return


def _partitions(consumer: Any, topic: str) -> list[Any]:
    deadline = time.monotonic() + METADATA_SECONDS_MAX
    while topic in consumer.topics() or time.monotonic() < deadline:
        numbers = consumer.partitions_for_topic(topic)
        if numbers:
            return [TopicPartition(topic, number) for number in sorted(numbers)]
        if topic not in consumer.topics():
            raise ReadError(f"there is no topic {topic}; `cem topics apply` makes what is missing")
    raise ReadError(f"topic {topic} has no leader")
