"""The consumer is used in its own thread, and waited for in ours."""

import asyncio
import threading
from collections.abc import Iterable

import pytest
from aiokafka import TopicPartition

from agents.kafka.transport import ConsumerThread
from tests.transport.flow import OTHER, PARTITION


class _Elsewhere:
    """A consumer that notes in which thread it is used; what it is asked for is answered when `answers` is set."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.used_in: list[int] = []
        self.answers = True
        self.thread = ConsumerThread.__new__(ConsumerThread)
        self.thread._consumer, self.thread.thread_loop = self, loop

    async def _offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        self.used_in.append(threading.get_ident())
        if not self.answers:
            await asyncio.Event().wait()
        return dict.fromkeys(partitions, 4)

    beginning_offsets = end_offsets = _offsets

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.used_in.append(threading.get_ident())


def test_the_consumer_is_used_in_its_own_thread_and_waited_for_in_ours() -> None:
    """aiokafka is not made for two threads. What does not answer is waited for so long and no longer."""
    loop = asyncio.new_event_loop()
    runner = threading.Thread(target=loop.run_forever, daemon=True)
    runner.start()
    elsewhere = _Elsewhere(loop)

    async def ask() -> None:
        thread = elsewhere.thread
        assert 4 == await thread.first_offset(PARTITION, 60.0)
        assert {PARTITION: 4, OTHER: 4} == await thread.end_offsets([PARTITION, OTHER], 60.0)
        thread.seek(PARTITION, 4)
        elsewhere.answers = False
        for asked in (thread.first_offset(PARTITION, 0.01), thread.end_offsets([PARTITION], 0.01)):
            with pytest.raises(TimeoutError):
                await asked

    try:
        asyncio.run(ask())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        runner.join()
        loop.close()
    assert [runner.ident] * 5 == elsewhere.used_in
