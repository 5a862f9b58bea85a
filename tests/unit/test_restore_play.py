"""A restore puts aside what it was told to, and nothing else; and names the record that it fails at."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from agents.restore.play import Play, RestoreError
from pipeline.emission import Emission
from schemas.topics import Topics

PARTITION = TopicPartition("cem.units", 0)


class Echo:
    """A processor that says what it was given, and cannot work on some."""

    def __init__(self, whole: bool, bad: int | None = None) -> None:
        self.whole_batches = whole
        self.bad = bad

    async def prepare(self, records: list[Any]) -> None:
        """Nothing is needed."""

    def process(self, records: list[Any]) -> list[Emission]:
        """One for each record."""
        for record in records:
            if record.offset == self.bad:
                raise ZeroDivisionError
        return [Emission("out", None, str(record.offset).encode()) for record in records]

    def refuse(self, record: Any, deaths: int) -> list[Emission]:
        """A dead letter."""
        return [Emission("aside", None, str(record.offset).encode())]


def work(echo: Any, aside: set[int]) -> list[tuple[str, str]]:
    """What comes of five records, in order: topic, and offset of the record."""
    play = Play(Topics("cem"), {PARTITION: echo}, {}, [("cem.units", 0, offset) for offset in aside])
    records = [
        SimpleNamespace(topic="cem.units", partition=0, offset=offset, key=b"k", value=b"v", timestamp=0, headers=())
        for offset in range(5)
    ]
    asyncio.run(play.work(PARTITION, records))
    assert 5 == play.positions[PARTITION]
    return [(one.topic, (one.value or b"").decode()) for one in play.outputs]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("aside", [set(), {0}, {2}, {4}, {1, 2}, {0, 1, 2, 3, 4}])
def test_what_is_put_aside_is_a_dead_letter_and_the_rest_is_worked_on(aside: set[int], whole: bool) -> None:
    """Wherever it stands among those that are worked on at once: the directory's records are."""
    expected = [("aside" if offset in aside else "out", str(offset)) for offset in range(5)]
    assert expected == work(Echo(whole), aside)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("bad", [0, 3])
def test_the_record_that_fails_is_named(bad: int, whole: bool) -> None:
    """And not the first of those that are worked on at once: putting that one aside would not help."""
    with pytest.raises(RestoreError, match=f"cem restore --aside cem.units/0/{bad}$"):
        work(Echo(whole, bad), set())
