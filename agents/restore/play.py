"""The whole service in one process, without a wait between its steps: what comes of an input record is followed through
log and roll-ups before the next one is looked at.

In: runs of the inputs. Out: everything that the service writes, in the order of the inputs, and the states with the
positions that they stand for. The rule: nobody else writes to log and roll-ups meanwhile, so the offsets of what is
about to be written there are known: the next one, and one for the marker that ends a transaction.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby
from typing import Any

import msgspec
from aiokafka import TopicPartition

from agents.kafka.interfaces import Processor
from agents.kafka.state import POSITION_KEY, Position
from agents.kafka.transaction import partition_of
from pipeline.emission import Emission
from schemas.topics import Topics

Place = tuple[str, int, int]
"""Topic, partition, offset."""


class RestoreError(RuntimeError):
    """It cannot go on. The message says why and what to do."""


class Appended(msgspec.Struct, frozen=True, gc=False):
    """A record of ours as it will be read: what processors want of a record."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: tuple[tuple[str, bytes], ...] = ()


class _Stretch(list[Any]):
    """Records that are worked on at once. `at`: the one that is looked at, so that it can be named."""

    at: Any = None

    def __iter__(self) -> Iterator[Any]:
        for self.at in super().__iter__():
            yield self.at


def _place(record: Any) -> Place:
    return record.topic, record.partition, record.offset


class Play:
    """`processors`: of every partition of everything that our agents read, with their states; `ends`: the next offset
    of each partition of log and roll-ups; `aside`: records that are not worked on but made dead letters."""

    def __init__(
        self,
        topics: Topics,
        processors: Mapping[TopicPartition, Processor],
        ends: Mapping[TopicPartition, int],
        aside: Collection[Place] = (),
    ) -> None:
        self._topics = topics
        self._processors = processors
        self._aside = frozenset(aside)
        self._own = {topics("events"), topics("rollup")}
        self._width = {name: sum(partition.topic == name for partition in ends) for name in self._own}
        self._moved: set[TopicPartition] = set()
        self._written: set[TopicPartition] = set()
        self.positions = dict(ends)
        self.outputs: list[Emission] = []

    async def work(self, partition: TopicPartition, records: list[Any]) -> None:
        """A run of one partition of the inputs. Raises RestoreError."""
        processor = self._processors[partition]
        await processor.prepare(records)
        for some in self._stretches(records, processor.whole_batches):
            first = some[0]
            try:
                if _place(first) in self._aside:
                    self._follow(processor.refuse(first, 1), first.timestamp)
                else:
                    self._follow(processor.process(some), first.timestamp)
            except Exception as error:
                place = "/".join(map(str, _place(some.at or first)))
                raise RestoreError(
                    f"work on the record {place} failed: {error!r}. What was restored before it is kept. To make it a "
                    f"dead letter and go on: cem restore --aside {place}"
                ) from error
        self.positions[partition] = records[-1].offset + 1
        self._moved.add(partition)

    def _stretches(self, records: list[Any], whole: bool) -> Iterator["_Stretch"]:
        """What is worked on at once; what is put aside is alone."""
        for aside, some in groupby(records, lambda record: _place(record) in self._aside):
            if whole and not aside:
                yield _Stretch(some)
            else:
                yield from (_Stretch([one]) for one in some)

    def _follow(self, emissions: Collection[Emission], append_ms: int) -> None:
        waiting = deque(emissions)
        while waiting:
            emission = waiting.popleft()
            self.outputs.append(emission)
            if emission.topic in self._own:
                waiting.extend(self._append(emission, append_ms))

    def _append(self, emission: Emission, append_ms: int) -> Collection[Emission]:
        number = emission.partition
        if number is None:
            number = partition_of(emission.key, self._width[emission.topic])
        partition = TopicPartition(emission.topic, number)
        offset = self.positions[partition]
        self.positions[partition] = offset + 1
        self._written.add(partition)
        record = Appended(emission.topic, number, offset, emission.key, emission.value, append_ms)
        return self._processors[partition].process([record])

    def skip(self, ends: Mapping[TopicPartition, int]) -> None:
        """All is worked on up to there: behind the last records there may be markers. All positions are to be saved."""
        self.positions |= ends
        self._moved.update(self.positions)

    def take(self) -> list[Emission]:
        """Everything that has come since the last call, for one transaction."""
        taken, self.outputs = self.outputs, []
        for partition in self._written:
            self.positions[partition] += 1  # the marker
        for partition in sorted(self._moved | self._written):
            processor, state = self._processors[partition], self._topics.state(partition.topic)
            position = Position(offset=self.positions[partition], data=processor.save_position())
            items = (*processor.save(), (POSITION_KEY, msgspec.msgpack.encode(position)))
            taken += [Emission(state, key, value, partition.partition) for key, value in items]
        self._moved.clear()
        self._written.clear()
        return taken
