"""Partitions become active when the flow is resumed, and no records flow while they are assigned."""

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from agents.kafka import transport
from agents.kafka.transport import Consumer
from tests.transport.flow import OTHER, PARTITION, TPS, Flow


def test_a_partition_is_active_when_the_flow_is_resumed() -> None:
    """Faust resumes partitions, seeks, and resumes the flow, which empties every queue: what would be fetched between
    the first and the last would be gone. So it is only remembered."""
    consumer = Flow()
    consumer.resume_partitions(TPS[:1])
    assert set() == consumer._active_partitions
    consumer.resume_partitions(TPS[1:])
    assert (set(), False) == (consumer._active_partitions, consumer.flow_active)
    consumer.resume_flow()
    assert (set(TPS), True) == (consumer._active_partitions, consumer.flow_active)


def test_a_partition_paused_before_the_flow_is_resumed_stays_paused() -> None:
    """The last word counts."""
    consumer = Flow()
    consumer.resume_partitions(TPS)
    consumer.pause_partitions(TPS[:1])
    consumer.resume_flow()
    assert (set(TPS[1:]), set(TPS[:1])) == (consumer._active_partitions, consumer._paused_partitions)


def test_a_partition_paused_later_is_not_resumed_again() -> None:
    """The last word counts here too."""
    consumer = Flow()
    consumer.resume_partitions(TPS)
    consumer.resume_flow()
    consumer.pause_partitions(TPS[:1])
    consumer.stop_flow()
    consumer.resume_flow()
    assert set(TPS[1:]) == consumer._active_partitions


def test_a_partition_whose_agent_is_full_is_not_resumed_with_the_flow() -> None:
    """It was resumed once; what was remembered then is not done again."""
    consumer = Flow()
    consumer.resume_partitions(TPS)
    consumer.resume_flow()
    consumer.on_buffer_full(TPS[0])
    consumer.stop_flow()
    consumer.resume_flow()
    assert set(TPS[1:]) == consumer._active_partitions


def test_a_partition_that_was_taken_away_does_not_become_active() -> None:
    """It was resumed in one generation, and the flow in the next."""
    consumer = Flow()
    consumer.resume_partitions(TPS)
    consumer.assigned = set(TPS[1:])
    consumer.resume_flow()
    assert set(TPS[1:]) == consumer._active_partitions


class Died(BaseException):
    """The process has ended."""


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is called when partitions are assigned, in order, and whether records flow then."""
    called: list[Any] = []

    async def faust(consumer: Any, assigned: set[TP], generation: int) -> None:
        called.append(("faust", consumer.flow_active, generation))

    async def hook(generation: int, partitions: set[TopicPartition]) -> None:
        called.append(("hook", generation, partitions))

    def die(why: str, error: BaseException | None = None) -> None:
        raise Died(why)

    monkeypatch.setattr(driver.Consumer, "on_partitions_assigned", faust)
    monkeypatch.setattr(Consumer, "on_assigned", staticmethod(hook))
    monkeypatch.setattr(transport, "die", die)
    return called


def test_no_records_flow_while_partitions_are_assigned(hooks: list[Any]) -> None:
    """Faust stops the flow on revocation, but only if something was assigned: a worker that had nothing would fetch
    from where aiokafka stands. Then the stages take over, then Faust goes on."""
    consumer = Flow()
    consumer.resume_flow()
    asyncio.run(consumer.on_partitions_assigned(set(TPS), 5))
    assert [("hook", 5, {PARTITION, OTHER}), ("faust", False, 5)] == hooks
    assert (False, True) == (consumer.can_resume_flow.is_set(), consumer.suspend_flow.is_set())


def test_a_take_over_that_fails_ends_the_process(hooks: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust would log it and read on, without a stage that works on what it reads."""

    async def fail(*_: Any) -> None:
        raise ValueError

    monkeypatch.setattr(Consumer, "on_assigned", staticmethod(fail))
    with pytest.raises(Died):
        asyncio.run(Flow().on_partitions_assigned(set(TPS), 5))
    assert [] == hooks
