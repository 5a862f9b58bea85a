"""A stage without Kafka: what stands in for everything around it, and how tests make it and ask about it.

In: trouble where it is named, batches of any offsets. Out: what was worked on, written, committed, sought and counted.
Nothing here waits for a wall clock; `run` bounds what hangs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from prometheus_client import REGISTRY

from agents.kafka.stage import Stage
from agents.kafka.transport import Batch, Reading, StartingPoint
from agents.settings import Settings
from pipeline.emission import Emission
from schemas.topics import Topics

PARTITION = TopicPartition("cem.posts", 0)
OTHER = TopicPartition("cem.posts", 1)
PATIENCE_SECONDS = 20.0
"""What does not come by then does not come."""


class Record(NamedTuple):
    """What of a record matters here."""

    offset: int


class Died(BaseException):
    """The process has ended."""


class Kafka:
    """Kafka, a writer and a processor in one. `done` tells what was done, in order; `trouble` is run in place of an
    answer where it is named."""

    whole_batches = False

    def __init__(self) -> None:
        self.states: dict[bytes, bytes] = {}
        self.begin = StartingPoint(0, committed=False)
        self.first = 0
        self.ends: dict[TopicPartition, int] = {PARTITION: 5}
        self.asked: list[set[TopicPartition]] = []
        self.readings: dict[TopicPartition, Reading] = {}
        self.lease = 1.0
        self.seeks: list[int] = []
        self.worked_on: list[int] = []
        self.done: list[str] = []
        self.written: list[str] = []
        self.committed = -1
        self.trouble: dict[str, Callable[[], Awaitable[None]]] = {}

    async def _answer(self, what: str) -> None:
        if what in self.trouble:
            await self.trouble[what]()
        self.done.append(what)

    # Kafka

    def writer(self, state: TopicPartition) -> "Kafka":
        return self

    async def read_states(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, dict[bytes, bytes]]:
        await self._answer("read_states")
        return {partition: dict(self.states) for partition in partitions}

    async def starting_points(
        self, partitions: Collection[TopicPartition], timeout_seconds: float
    ) -> dict[TopicPartition, StartingPoint]:
        return dict.fromkeys(partitions, self.begin)

    async def first_offset(self, partition: TopicPartition, timeout_seconds: float) -> int:
        return self.first

    async def commit(self, generation: int, offsets: dict[TopicPartition, int], timeout_seconds: float) -> None:
        await self._answer("commit")
        self.committed = max(offsets.values())

    def lease_seconds(self) -> float:
        return self.lease

    def reading(self, partition: TopicPartition) -> Reading | None:
        return self.readings.get(partition)

    async def end_offsets(
        self, partitions: Collection[TopicPartition], timeout_seconds: float
    ) -> dict[TopicPartition, int]:
        self.asked.append(set(partitions))
        ends = {partition: self.ends[partition] for partition in partitions}
        await self._answer("end_offsets")
        return ends

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.seeks.append(offset)

    # A writer

    async def start(self) -> None:
        await self._answer("start")

    async def stop(self) -> None: ...

    async def write(self, emissions: Collection[Emission], states: Collection[tuple[bytes, bytes | None]]) -> None:
        await self._answer("write")
        self.written += [(emission.value or b"").decode() for emission in emissions]
        self.states.update({key: value for key, value in states if value is not None})

    # A processor

    def load(self, states: dict[bytes, bytes], data: bytes | None) -> None: ...

    async def prepare(self, records: list[Any]) -> None:
        await self._answer("prepare")

    def process(self, records: list[Any]) -> list[Emission]:
        self.worked_on += [record.offset for record in records]
        return [new_emission(record.offset) for record in records]

    def save(self) -> list[Any]:
        return []

    def save_position(self) -> bytes:
        return b""


class Slow(Kafka):
    """Work on a record takes `seconds`; `looks` is what others see whenever they have the event loop: how many records
    are worked on, and the position."""

    def __init__(self, clock: "Clock", seconds: float) -> None:
        super().__init__()
        self._clock = clock
        self._seconds = seconds
        self.looks: list[tuple[int, int]] = []
        self.started = asyncio.Event()

    def process(self, records: list[Any]) -> list[Emission]:
        self.started.set()
        self._clock.now += self._seconds * len(records)
        return super().process(records)

    async def look_at(self, stage: Stage) -> None:
        """For ever."""
        while True:
            self.looks.append((len(self.worked_on), stage._slots[PARTITION].position))
            await asyncio.sleep(0)


def new_emission(what: int | str) -> Emission:
    """An output that says `what`."""
    return Emission("cem.out", None, str(what).encode(), 0)


def new_batch(begin: int, end: int, *, generation: int = 1) -> Batch:
    """Of `PARTITION`: its records from `begin` to before `end`, without a gap."""
    return Batch(PARTITION, generation, begin, end, [Record(offset) for offset in range(begin, end)])


def new_stage(kafka: Any) -> Stage:
    """A stage that has no partitions yet. `kafka` is all that it talks to."""
    return Stage("test", Settings(), Topics(), ("cem.posts",), kafka, lambda _: kafka)


async def taken_over(kafka: Kafka, *partitions: TopicPartition) -> Stage:
    """A stage that has its partitions and their states."""
    stage = new_stage(kafka)
    stage.take_over(1, partitions or (PARTITION,))
    assert stage._loading is not None
    await stage._loading
    return stage


def gaps(action: str) -> float:
    """How many gaps were counted, of all tests so far. `action`: "seek" or "retention"."""
    return REGISTRY.get_sample_value("cem_gaps_total", {"stage": "test", "action": action}) or 0.0


def lag(partition: TopicPartition) -> float | None:
    """The lag in records that the metrics show; None if they show none."""
    labels = {"topic": partition.topic, "partition": str(partition.partition)}
    return REGISTRY.get_sample_value("cem_lag_records", labels)


def run(work: Awaitable[None]) -> None:
    """Within `PATIENCE_SECONDS`, so that what hangs is seen."""

    async def bounded() -> None:
        await asyncio.wait_for(work, PATIENCE_SECONDS)

    asyncio.run(bounded())


class Clock:
    """In seconds; it stands still unless a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def raises(error: BaseException) -> Callable[[], Awaitable[None]]:
    """Trouble that is an error."""

    async def trouble() -> None:
        raise error

    return trouble
