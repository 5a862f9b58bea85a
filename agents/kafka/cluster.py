"""Kafka as a stage needs it: writers, states, and what Faust's consumer thread knows."""

from collections.abc import Callable, Collection

from aiokafka import TopicPartition

from agents.kafka.state import read_states
from agents.kafka.transaction import TransactionalWriter
from agents.kafka.transport import ConsumerThread, Reading, StartingPoint
from agents.settings import Settings


class Cluster:
    """See `interfaces.Kafka`. `thread` gives Faust's consumer thread, which is there once Faust has started."""

    def __init__(self, settings: Settings, thread: Callable[[], ConsumerThread]) -> None:
        self._settings = settings
        self._thread = thread

    def writer(self, state: TopicPartition) -> TransactionalWriter:
        """See `interfaces.Kafka`."""
        return TransactionalWriter(self._settings, state)

    async def read_states(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, dict[bytes, bytes]]:
        """See `interfaces.Kafka`."""
        return await read_states(self._settings, partitions)

    async def starting_points(
        self, partitions: Collection[TopicPartition], timeout_seconds: float
    ) -> dict[TopicPartition, StartingPoint]:
        """See `interfaces.Kafka`."""
        return await self._thread().starting_points(partitions, timeout_seconds)

    async def first_offset(self, partition: TopicPartition, timeout_seconds: float) -> int:
        """See `interfaces.Kafka`."""
        return await self._thread().first_offset(partition, timeout_seconds)

    async def commit(self, generation: int, offsets: dict[TopicPartition, int], timeout_seconds: float) -> None:
        """See `interfaces.Kafka`."""
        await self._thread().commit(generation, offsets, timeout_seconds)

    def lease_seconds(self) -> float:
        """See `interfaces.Kafka`."""
        return self._thread().lease_seconds()

    def reading(self, partition: TopicPartition) -> Reading | None:
        """See `interfaces.Kafka`."""
        return self._thread().reading(partition)

    async def end_offsets(
        self, partitions: Collection[TopicPartition], timeout_seconds: float
    ) -> dict[TopicPartition, int]:
        """See `interfaces.Kafka`."""
        return await self._thread().end_offsets(partitions, timeout_seconds)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """See `interfaces.Kafka`."""
        self._thread().seek(partition, offset)
