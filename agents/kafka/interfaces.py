"""What a stage works with: processors that know what records mean, and Kafka as far as it needs it.

The service has processors in `agents/enrich.py`, `units.py` and `rollup.py`, and Kafka in `cluster.py`; the simulation
has a model of Kafka.
"""

from collections.abc import Collection
from typing import Any, Protocol

from aiokafka import TopicPartition

from agents.kafka.transaction import Item
from agents.kafka.transport import Reading, StartingPoint
from pipeline.emission import Emission


class Processor(Protocol):
    """What a stage does with one partition: pure, but for `prepare`. `whole_batches`: `process` is to be given all that
    came at once, because what it says at the end costs too much to be said often."""

    whole_batches: bool

    def load(self, states: dict[bytes, bytes], data: bytes | None) -> None:
        """Takes in what was saved; `data` is None for a partition that nothing is known of."""
        ...

    async def prepare(self, records: list[Any]) -> None:
        """Gets what is needed to work on the records. May wait, bounded."""
        ...

    def process(self, records: list[Any]) -> list[Emission]:
        """Works on records, in order."""
        ...

    def refuse(self, record: Any, deaths: int) -> list[Emission]:
        """Puts a record aside that the process died of."""
        ...

    def save(self) -> list[Item]:
        """States changed since the last call."""
        ...

    def save_position(self) -> bytes:
        """What is kept beside the states."""
        ...


class Writer(Protocol):
    """Writes what comes of one partition."""

    async def start(self) -> None:
        """Refuses every earlier writer of the partition, and undoes what it left open."""
        ...

    async def stop(self) -> None:
        """Closes the connections."""
        ...

    async def write(self, emissions: Collection[Emission], states: Collection[Item]) -> None:
        """All of it or nothing."""
        ...


class Kafka(Protocol):
    """What a stage needs of Kafka. The service has `cluster.Cluster`, the simulation a model."""

    def writer(self, state: TopicPartition) -> Writer:
        """The writer of the partition whose states are in this partition."""
        ...

    async def read_states(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, dict[bytes, bytes]]:
        """The latest value of each key, by partition."""
        ...

    async def starting_points(
        self, partitions: Collection[TopicPartition], timeout_seconds: float
    ) -> dict[TopicPartition, StartingPoint]:
        """Where reading begins."""
        ...

    async def first_offset(self, partition: TopicPartition, timeout_seconds: float) -> int:
        """The first record that is there."""
        ...

    async def commit(self, generation: int, offsets: dict[TopicPartition, int], timeout_seconds: float) -> None:
        """Commits as a member of the generation, or raises Fenced."""
        ...

    def lease_seconds(self) -> float:
        """How long this worker may still take itself for the owner."""
        ...

    def reading(self, partition: TopicPartition) -> Reading | None:
        """How far reading is; None before the first fetch."""
        ...

    async def end_offsets(
        self, partitions: Collection[TopicPartition], timeout_seconds: float
    ) -> dict[TopicPartition, int]:
        """How far partitions go."""
        ...

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Reads on from `offset`."""
        ...
