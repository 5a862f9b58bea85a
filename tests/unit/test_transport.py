"""The consumer's thread says of every batch where reading began and ended, markers and seeks included."""

import asyncio
from typing import Any, NamedTuple

import pytest
from aiokafka import TopicPartition
from faust.transport.drivers import aiokafka as driver

from agents.kafka.transport import ConsumerThread, Reading

PARTITION = TopicPartition("cem.events", 0)


class _Record(NamedTuple):
    offset: int


class _Log:
    """What aiokafka has fetched: each time some offsets, and where its position is then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *fetches: tuple[list[int], int]) -> None:
        self.position: int | None = 0
        self._fetches = list(fetches)
        self.thread = ConsumerThread.__new__(ConsumerThread)
        self.thread._readings = {}
        monkeypatch.setattr(self.thread, "_position", lambda _: self.position)
        monkeypatch.setattr(driver.AIOKafkaConsumerThread, "_fetch_records", self._fetch)

    async def _fetch(self, *_: Any) -> dict[TopicPartition, list[_Record]]:
        offsets, self.position = self._fetches.pop(0)
        return {PARTITION: [_Record(offset) for offset in offsets]} if offsets else {}

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
