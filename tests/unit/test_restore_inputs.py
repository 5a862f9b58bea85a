"""The inputs as one stream: what a restore reads, in which order."""

import asyncio
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from agents.restore import inputs
from agents.restore.inputs import Inputs
from schemas.topics import Topics

POSTS = [TopicPartition("cem.posts", number) for number in range(2)]
ACTIONS = TopicPartition("cem.actions", 0)
UNITS = TopicPartition("cem.units", 0)
ALL = [*POSTS, ACTIONS, UNITS]

logs = st.fixed_dictionaries({partition: st.lists(st.integers(0, 20), max_size=12) for partition in ALL})
"""When each record of a partition was appended."""


class Consumer:
    """Gives a `share` of a partition at a time. What was appended after the ends were asked for is there too."""

    def __init__(self, appended: dict[TopicPartition, list[int]], late: int, share: int) -> None:
        self._share = share
        self._appended = {partition: times + [0] * late for partition, times in appended.items()}
        self._ends = {partition: len(times) for partition, times in appended.items()}
        self._at = dict.fromkeys(appended, 0)

    def assign(self, partitions: list[TopicPartition]) -> None: ...

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._at[partition] = offset

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return self._ends

    async def position(self, partition: TopicPartition) -> int:
        return self._at[partition]

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        found = {}
        for partition in partitions:
            begin, times = self._at[partition], self._appended[partition]
            self._at[partition] = end = min(begin + self._share, len(times))
            found[partition] = [SimpleNamespace(offset=at, timestamp=times[at]) for at in range(begin, end)]
        return found


def read(
    appended: dict[TopicPartition, list[int]], begins: dict[TopicPartition, int], late: int = 0, share: int = 3
) -> list[tuple[TopicPartition, list[Any]]]:
    """All runs."""

    async def run() -> list[tuple[TopicPartition, list[Any]]]:
        found = Inputs(Consumer(appended, late, share), Topics(), begins)
        await found.start()
        runs = []
        while (one := await found.run()) is not None:
            runs.append(one)
        return runs

    return asyncio.run(run())


@given(logs, st.integers(0, 3), st.integers(0, 3))
def test_each_record_comes_once_and_in_order(logs: dict[TopicPartition, list[int]], begin: int, late: int) -> None:
    """Whatever the times are: of each partition all records from where it is to begin to where it ended, in order."""
    found: dict[TopicPartition, list[int]] = {partition: [] for partition in ALL}
    for partition, run in read(logs, dict.fromkeys(ALL, begin), late):
        found[partition] += [record.offset for record in run]
    assert {one: list(range(min(begin, len(times)), len(times))) for one, times in logs.items()} == found


@given(logs)
def test_what_was_appended_first_comes_first(logs: dict[TopicPartition, list[int]]) -> None:
    """Over all topics, as the broker's own clock has it; in the same millisecond units come first and actions last."""
    logs = {partition: sorted(times) for partition, times in logs.items()}
    order = [
        (record.timestamp, inputs.BEFORE_OTHERS.index(partition.topic.removeprefix("cem.")), partition.partition)
        for partition, run in read(logs, dict.fromkeys(ALL, 0))
        for record in run
    ]
    assert sorted(order) == order


def test_a_run_is_no_longer_than_it_may_be() -> None:
    """Where one partition has everything, it comes in parts: each is one step of the work."""
    appended: dict[TopicPartition, list[int]] = {partition: [] for partition in ALL} | {POSTS[0]: [7] * 1203}
    runs = read(appended, dict.fromkeys(ALL, 0), share=2000)
    assert 1203 == sum(len(run) for _, run in runs)
    assert inputs.RUN_RECORDS_MAX == max(len(run) for _, run in runs)
