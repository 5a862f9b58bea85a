"""Where reading begins: at what is committed, be it 0, else at the beginning of the log."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from agents.kafka.transport import ConsumerThread, Reading, StartingPoint
from tests.transport.flow import OTHER, PARTITION, THIRD


class _Broker:
    """aiokafka's consumer, and what is committed. `sought` is where reading goes on."""

    def __init__(self, committed: dict[TopicPartition, int | None], first: int = 0) -> None:
        self._committed = committed
        self._first = first
        self._coordinator = self
        self.sought: dict[TopicPartition, int] = {}

    def assignment(self) -> set[TopicPartition]:
        return set(self._committed)

    async def committed(self, partition: TopicPartition) -> int | None:
        return self._committed[partition]

    async def fetch_committed_offsets(self, partitions: Iterable[TopicPartition]) -> dict[Any, OffsetAndMetadata]:
        """Says -1 for nothing, or leaves the partition out."""
        found = {one: self._committed[one] for one in partitions if one != THIRD}
        return {one: OffsetAndMetadata(-1 if offset is None else offset, "") for one, offset in found.items()}

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self._first)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.sought[partition] = offset

    def thread(self) -> ConsumerThread:
        thread = ConsumerThread.__new__(ConsumerThread)
        thread._consumer = self
        thread._readings = {PARTITION: Reading(90, 95)}

        async def call(work: Callable[..., Awaitable[Any]], *args: Any) -> Any:
            return await work(*args)

        thread.call_thread = call
        return thread


def test_it_always_seeks() -> None:
    """To what is committed, be it 0, and to the beginning of the log where nothing is: what was fetched and dropped
    before would be lost there otherwise. What Faust is told is where reading goes on."""
    broker = _Broker({PARTITION: 7, OTHER: 0, THIRD: None}, first=4)
    told = asyncio.run(broker.thread().seek_to_committed())
    assert {PARTITION: 7, OTHER: 0, THIRD: 4} == broker.sought == told


def test_after_it_sought_nothing_is_known_of_the_reading_before() -> None:
    """The next batch begins where its records begin."""
    thread = _Broker({PARTITION: 7}).thread()
    asyncio.run(thread.seek_to_committed())
    assert thread.reading(PARTITION) is None


def test_a_committed_zero_is_a_commit() -> None:
    """And nothing committed is none: a stage takes lost states for a first start otherwise, or the other way round."""
    broker = _Broker({PARTITION: 0, OTHER: None, THIRD: None}, first=4)
    points = asyncio.run(broker.thread()._starting_points([PARTITION, OTHER, THIRD]))
    expected = {PARTITION: StartingPoint(0, True), OTHER: StartingPoint(4, False), THIRD: StartingPoint(4, False)}
    assert expected == points
