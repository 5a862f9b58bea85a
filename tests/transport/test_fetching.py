"""Every batch says where reading began and ended, markers and seeks included; of no partitions nothing is fetched."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.transport.drivers import aiokafka as driver

from agents.kafka.transport import POLL_SECONDS_MAX, ConsumerThread, Reading
from tests.transport.flow import OTHER, PARTITION, Record


class _Log:
    """What aiokafka has fetched: each time some offsets, and where its position is then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *fetches: tuple[list[int], int]) -> None:
        self.position: int | None = 0
        self._fetches = list(fetches)
        self.thread = ConsumerThread.__new__(ConsumerThread)
        self.thread._readings = {}
        monkeypatch.setattr(self.thread, "_position", lambda _: self.position)
        monkeypatch.setattr(driver.AIOKafkaConsumerThread, "_fetch_records", self._fetch)

    async def _fetch(self, *_: Any) -> dict[TopicPartition, list[Record]]:
        offsets, self.position = self._fetches.pop(0)
        return {PARTITION: [Record(offset) for offset in offsets]} if offsets else {}

    def fetch(self) -> tuple[int, int] | None:
        """Where the next batch begins and ends; None if there is none."""
        found = asyncio.run(self.thread._fetch_records(None, {PARTITION}))
        return found[PARTITION][:2] if found else None


def test_a_batch_begins_where_the_last_one_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A marker before, between or behind the records of a batch is no gap."""
    log = _Log(monkeypatch, ([0, 1], 2), ([3, 4], 6), ([6], 7))
    assert [(0, 2), (2, 6), (6, 7)] == [log.fetch() for _ in range(3)]


def test_a_fetch_of_markers_alone_moves_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next batch begins where the last batch ended all the same; what was handed on is told apart from it."""
    log = _Log(monkeypatch, ([0, 1], 2), ([], 3), ([3], 4))
    assert (0, 2) == log.fetch()
    assert log.fetch() is None
    assert Reading(2, 3) == log.thread.reading(PARTITION)
    assert (2, 4) == log.fetch()


def test_after_a_seek_a_batch_begins_where_it_was_sought(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back or ahead: the position alone tells."""
    log = _Log(monkeypatch, ([0, 1, 2], 3), ([1, 2], 3), ([9], 10))
    assert (0, 3) == log.fetch()
    log.position = 1
    assert (1, 3) == log.fetch()
    log.position = 9
    assert (9, 10) == log.fetch()


def test_a_seek_while_a_fetch_waits_hides_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes then begins where its records begin, or earlier: it never claims to follow on what it does not."""
    log = _Log(monkeypatch, ([0, 1, 2], 3), ([1, 2], 3))
    log.fetch()
    assert (1, 3) == log.fetch()


def test_without_a_position_nothing_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partition that was taken away while the fetch waited."""
    log = _Log(monkeypatch, ([0], None))  # type: ignore[arg-type]
    assert log.fetch() is None


class _Fetcher:
    """aiokafka's, with records of two partitions: it waits, and an empty set means all. `taken` is what it has handed
    out, behind which its position has moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, while_it_waits: Callable[[], None] = lambda: None) -> None:
        self.taken: set[TopicPartition] = set()
        self.asked: list[tuple[Any, float]] = []
        self._while_it_waits = while_it_waits
        self.thread = ConsumerThread.__new__(ConsumerThread)
        self.thread._readings = {}
        monkeypatch.setattr(self.thread, "_position", lambda partition: 1 if partition in self.taken else 0)
        monkeypatch.setattr(driver.AIOKafkaConsumerThread, "_fetch_records", self._fetch)

    async def _fetch(self, _: Any, partitions: Any, timeout: float, __: Any) -> dict[TopicPartition, list[Record]]:
        self.asked.append((partitions, timeout))
        self._while_it_waits()
        await asyncio.sleep(0)
        found = {one for one in (PARTITION, OTHER) if not partitions or one in partitions}
        self.taken |= found
        return {one: [Record(0)] for one in found}

    def fetch(self, partitions: Any, timeout: float | None = None) -> Any:
        return asyncio.run(self.thread._fetch_records(None, partitions, timeout))


@pytest.mark.parametrize("none", [set(), frozenset(), None])
def test_of_no_partitions_nothing_is_fetched(none: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """aiokafka takes it for all partitions, and what nobody asked for is gone: its position has moved."""
    fetcher = _Fetcher(monkeypatch)
    assert {} == fetcher.fetch(none)
    assert [] == fetcher.asked


def test_a_set_of_partitions_that_is_emptied_while_the_fetch_waits_stays_what_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The set is Faust's own, which another thread changes: emptied in the middle of the wait it would mean all."""
    live = {PARTITION}
    fetcher = _Fetcher(monkeypatch, live.clear)
    fetched = fetcher.fetch(live)
    assert set() == live
    assert {PARTITION} == fetcher.taken
    assert {PARTITION: (0, 1, [Record(0)])} == fetched


def test_a_fetch_never_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it waits nothing else is answered that Faust's queue carries; a shorter wait is granted."""
    fetcher = _Fetcher(monkeypatch)
    for timeout in (None, 60.0, POLL_SECONDS_MAX / 2):
        fetcher.fetch({PARTITION}, timeout)
    assert [POLL_SECONDS_MAX, POLL_SECONDS_MAX, POLL_SECONDS_MAX / 2] == [wait for _, wait in fetcher.asked]


def test_only_committed_records_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through names that aiokafka really has: a new version that renames them must be seen."""

    async def create() -> tuple[dict[str, Any], dict[str, Any]]:
        plain = AIOKafkaConsumer(fetch_max_wait_ms=1500)  # as Faust makes it
        monkeypatch.setattr(driver.AIOKafkaConsumerThread, "_create_worker_consumer", lambda *_: plain)
        before = dict(vars(plain))
        after = dict(vars(ConsumerThread.__new__(ConsumerThread)._create_worker_consumer(None)))
        await plain.stop()
        return before, after

    before, after = asyncio.run(create())
    assert before.keys() == after.keys()
    assert ("read_uncommitted", "read_committed") == (before["_isolation_level"], after["_isolation_level"])
    assert after["_fetch_max_wait_ms"] < before["_fetch_max_wait_ms"]
