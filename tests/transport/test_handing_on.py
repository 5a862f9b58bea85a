"""A fetch becomes one message a partition; what nobody may work on any more is not handed on."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from faust.types import TP

from agents.kafka.transport import BUSY_POLL_SECONDS_MAX, BatchTopic
from tests.transport.flow import OTHER, PARTITION, TPS, Flow


class _Messages(Flow):
    """Fetches one batch of each of `TPS`; `generation` is that of the group."""

    def __init__(self, active: set[TP], *, flows: bool = True) -> None:
        super().__init__()
        self.flow_active = flows
        self.app = SimpleNamespace(consumer_generation_id=3)
        self.sought = 0
        self.waits: list[float] = []
        self._active = active

    def _get_active_partitions(self) -> set[TP]:
        return self._active

    async def _wait_next_records(self, timeout: float) -> Any:
        self.waits.append(timeout)
        await asyncio.sleep(0)
        return {tp: (0, 2, [SimpleNamespace(offset=1, timestamp=5000, timestamp_type=0)]) for tp in TPS}, self._active

    async def perform_seek(self) -> None:
        self.sought += 1

    @property
    def should_stop(self) -> bool:
        return False


async def _messages(consumer: _Messages, between: Callable[[], None] = lambda: None) -> list[Any]:
    found = []
    async for _, message in consumer.getmany(1.0):
        found.append(message)
        between()
    return found


def test_a_fetch_becomes_one_message_a_partition_with_its_generation() -> None:
    """What a stage gets says where it begins, where reading goes on, and when it was fetched."""
    messages = asyncio.run(_messages(_Messages(set(TPS))))
    assert [(PARTITION, 3), (OTHER, 3)] == [(TopicPartition(*one.tp), one.generation_id) for one in messages]
    topic = BatchTopic.__new__(BatchTopic)
    topic.app = SimpleNamespace(create_event=lambda key, value, headers, message: value)
    batch = asyncio.run(topic.decode(messages[0]))
    assert (PARTITION, 3, 0, 2, [1]) == (*batch[:4], [record.offset for record in batch.records])


def test_what_was_fetched_for_a_generation_that_is_over_is_not_handed_on() -> None:
    """The group was joined again while the batches were handed on, one after the other."""
    consumer = _Messages(set(TPS))

    def rejoin() -> None:
        consumer.app.consumer_generation_id += 1

    assert 1 == len(asyncio.run(_messages(consumer, rejoin)))


def test_what_was_fetched_while_the_flow_stopped_is_read_again() -> None:
    """It is not handed on, so reading has to go back."""
    consumer = _Messages(set(TPS), flows=False)
    assert [] == asyncio.run(_messages(consumer))
    assert 1 == consumer.sought
    consumer = _Messages(set(TPS))
    assert 1 == len(asyncio.run(_messages(consumer, consumer.stop_flow)))


def test_partitions_that_are_not_active_any_more_are_not_handed_on() -> None:
    """They were paused or taken away while the fetch waited; one whose agent is full still gets what was read."""
    consumer = _Messages({TPS[0]})
    assert 1 == len(asyncio.run(_messages(consumer)))
    consumer._buffered_partitions.add(TPS[1])
    assert 2 == len(asyncio.run(_messages(consumer)))


def test_a_partition_that_has_room_again_is_read_soon() -> None:
    """While an agent is full the others are waited for briefly, and where there are no others nothing is: else the
    queue has run dry before its partition is read again."""
    consumer = _Messages(set(TPS))
    asyncio.run(_messages(consumer))
    consumer._buffered_partitions.add(TPS[1])
    asyncio.run(_messages(consumer))
    assert [1.0, BUSY_POLL_SECONDS_MAX] == consumer.waits
    consumer = _Messages(set())
    assert [] == asyncio.run(asyncio.wait_for(_messages(consumer), 30 * BUSY_POLL_SECONDS_MAX))
    assert [] == consumer.waits
