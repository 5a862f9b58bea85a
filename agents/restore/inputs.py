"""All input topics as one stream, in the order in which the broker took the records.

In: a consumer, and where to begin in each partition. Out: runs, stretches of one partition, up to where the partitions
ended when it began. The rule: of the records that come next in their partitions, the one that was appended first is
the next; a tie goes to the topic that others depend on. So an erasure comes after the post that it erases, an action
after the post that its alert came of, as it was when they were made.
"""

from collections import deque
from typing import Any

from aiokafka import TopicPartition

from schemas.topics import Topics

RUN_RECORDS_MAX = 500
BUFFERED_RECORDS_MAX = 2000
"""Of each partition; where it has fewer it is read on."""
POLL_MS = 200

BEFORE_OTHERS = ("units", "posts", "feedback", "erasures", "actions")
"""Which topic goes first where two records were appended in the same millisecond."""


class Inputs:
    """`begins`: the first record wanted of each partition."""

    def __init__(self, consumer: Any, topics: Topics, begins: dict[TopicPartition, int]) -> None:
        self._consumer = consumer
        self._rank = {topics(name): rank for rank, name in enumerate(BEFORE_OTHERS)}
        self._waiting: dict[TopicPartition, deque[Any]] = {partition: deque() for partition in begins}
        self._begins = begins
        self.ends: dict[TopicPartition, int] = {}

    async def start(self) -> int:
        """Looks where the partitions end. About how many records are to come: markers of transactions count too."""
        partitions = list(self._waiting)
        self._consumer.assign(partitions)
        first = await self._consumer.beginning_offsets(partitions)
        self.ends = await self._consumer.end_offsets(partitions)
        begins = {partition: max(first[partition], self._begins[partition]) for partition in partitions}
        for partition, offset in begins.items():
            self._consumer.seek(partition, offset)
        return sum(max(0, self.ends[partition] - offset) for partition, offset in begins.items())

    async def run(self) -> tuple[TopicPartition, list[Any]] | None:
        """The next run; None when all is read."""
        await self._fill()
        order = sorted((self._order(partition), partition) for partition in self._waiting)
        if not order:
            return None
        until = order[1][0] if len(order) > 1 else None
        partition = order[0][1]
        waiting, run = self._waiting[partition], [self._waiting[partition].popleft()]
        while waiting and len(run) < RUN_RECORDS_MAX and (until is None or self._order(partition) < until):
            run.append(waiting.popleft())
        return partition, run

    def _order(self, partition: TopicPartition) -> tuple[int, int, int]:
        """Of the record that comes next in it."""
        return self._waiting[partition][0].timestamp, self._rank[partition.topic], partition.partition

    async def _fill(self) -> None:
        """Until each partition has a record to show, or has none left."""
        while not all(self._waiting.values()):
            short = [partition for partition, some in self._waiting.items() if len(some) < BUFFERED_RECORDS_MAX]
            for partition, records in (await self._consumer.getmany(*short, timeout_ms=POLL_MS)).items():
                end = self.ends[partition]
                self._waiting[partition].extend(record for record in records if record.offset < end)
            for partition in [partition for partition, some in self._waiting.items() if not some]:
                if await self._consumer.position(partition) >= self.ends[partition]:
                    del self._waiting[partition]
