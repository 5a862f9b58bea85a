"""The lease is over before the broker's session is, whatever a heartbeat takes."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import UnknownMemberIdError
from faust.transport.drivers import aiokafka as driver

from agents.kafka import transport
from agents.kafka.transport import LEASE_SHARE, ConsumerThread
from tests.transport.flow import TPS

SESSION_SECONDS = 10.0


class _Heart:
    """A consumer thread on a clock of its own; a heartbeat takes `seconds` and is `answered` or not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.seconds = 0.0
        self.answered: bool | BaseException = True
        clocks = SimpleNamespace(CLOCK_BOOTTIME=time.CLOCK_BOOTTIME, clock_gettime=self._clock)
        monkeypatch.setattr(transport, "time", clocks)
        monkeypatch.setattr(driver.AIOKafkaConsumerThread, "on_start", _nothing)
        monkeypatch.setattr(driver.AIOKafkaConsumerThread, "on_partitions_assigned", _nothing)
        self._coordinator: Any = SimpleNamespace(_do_heartbeat=self._heartbeat)
        self.thread = ConsumerThread.__new__(ConsumerThread)
        self.thread._consumer = self
        conf = SimpleNamespace(broker_session_timeout=SESSION_SECONDS)
        self.thread.consumer = SimpleNamespace(app=SimpleNamespace(conf=conf))
        asyncio.run(self.thread.on_start())

    def _clock(self, which: int) -> float:
        assert time.CLOCK_BOOTTIME == which, "the one that goes on while the machine sleeps"
        return self.now

    async def _heartbeat(self) -> bool:
        self.now += self.seconds
        if isinstance(self.answered, BaseException):
            raise self.answered
        return self.answered

    def beat(self) -> bool:
        answered: bool = asyncio.run(self._coordinator._do_heartbeat())
        return answered


async def _nothing(*_: Any) -> None: ...


def test_the_lease_counts_from_before_the_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker's session begins when it gets the request, not when we get the answer: an answer that took long must
    not make the lease outlast the session."""
    heart = _Heart(monkeypatch)
    heart.seconds = 6.0
    assert heart.beat()
    assert pytest.approx(SESSION_SECONDS * LEASE_SHARE - 6.0) == heart.thread.lease_seconds()
    heart.now += 2.5
    assert heart.thread.lease_seconds() < 0
    assert LEASE_SHARE < 1


@pytest.mark.parametrize("answer", [False, UnknownMemberIdError()])
def test_a_heartbeat_that_is_not_answered_prolongs_nothing(
    answer: bool | BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What aiokafka makes of it stays what it was."""
    heart = _Heart(monkeypatch)
    heart.beat()
    heart.now, heart.answered = heart.now + 3.0, answer
    before = heart.thread.lease_seconds()
    if isinstance(answer, BaseException):
        with pytest.raises(UnknownMemberIdError):
            heart.beat()
    else:
        assert not heart.beat()
    assert before == heart.thread.lease_seconds()


def test_who_was_never_a_member_has_no_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the group has been joined, which is as good as a heartbeat."""
    heart = _Heart(monkeypatch)
    assert heart.thread.lease_seconds() <= 0
    asyncio.run(heart.thread.on_partitions_assigned(set(TPS), 1))
    assert pytest.approx(SESSION_SECONDS * LEASE_SHARE) == heart.thread.lease_seconds()
