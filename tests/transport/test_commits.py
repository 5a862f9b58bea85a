"""Only who is a member of the generation that a commit was meant for commits, and only its own partitions."""

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    IllegalGenerationError,
    RebalanceInProgressError,
    TopicAuthorizationFailedError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata

from agents.kafka.transport import ConsumerThread, Fenced
from tests.transport.flow import OTHER, PARTITION


class _Coordinator:
    """aiokafka's coordinator and consumer: a member of `generation` with `assigned`. `requests` are those that went
    out; `answers` what comes of them, None: well."""

    def __init__(self, *answers: BaseException | None, assigned: set[TopicPartition] | None = None) -> None:
        self.generation = 3
        self.requests: list[dict[TopicPartition, OffsetAndMetadata]] = []
        self.before: Callable[[], None] = lambda: None
        self._answers = list(answers)
        self._commit_lock = asyncio.Lock()
        self._coordinator = self
        self._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=None))
        self.assign({PARTITION} if assigned is None else assigned)

    def assign(self, partitions: set[TopicPartition] | None) -> None:
        assignment = None if partitions is None else SimpleNamespace(tps=partitions)
        self._subscription.subscription.assignment = assignment

    async def ensure_coordinator_known(self) -> None:
        await asyncio.sleep(0)
        self.before()

    async def _do_commit_offsets(self, assignment: Any, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        self.requests.append(offsets)
        answer = self._answers.pop(0) if self._answers else None
        if answer is not None:
            raise answer

    def commit(self, *, seconds: float = 60.0) -> None:
        thread = ConsumerThread.__new__(ConsumerThread)
        thread._consumer = self
        asyncio.run(thread._commit(3, {PARTITION: 9}, time.monotonic() + seconds))


def test_a_member_commits() -> None:
    """With the offsets that it was given."""
    coordinator = _Coordinator()
    coordinator.commit()
    assert [{PARTITION: OffsetAndMetadata(9, "")}] == coordinator.requests


def test_a_generation_that_is_over_sends_no_commit() -> None:
    """aiokafka would send it under the generation that is current, and set another owner back."""
    coordinator = _Coordinator()
    coordinator.generation = 4
    with pytest.raises(Fenced):
        coordinator.commit()
    assert [] == coordinator.requests


def test_a_generation_that_ends_while_the_commit_waits_sends_no_commit() -> None:
    """For the coordinator, or for another commit: the look at the generation comes behind every wait."""
    coordinator = _Coordinator()
    coordinator.before = lambda: setattr(coordinator, "generation", 4)
    with pytest.raises(Fenced):
        coordinator.commit()
    assert [] == coordinator.requests

    async def behind_another() -> None:
        thread = ConsumerThread.__new__(ConsumerThread)
        thread._consumer = coordinator = _Coordinator()
        async with coordinator._commit_lock:
            task = asyncio.ensure_future(thread._commit(3, {PARTITION: 9}, time.monotonic() + 60))
            for _ in range(5):
                await asyncio.sleep(0)
            coordinator.generation = 4
        with pytest.raises(Fenced):
            await task
        assert [] == coordinator.requests

    asyncio.run(behind_another())


@pytest.mark.parametrize("assigned", [None, set(), {OTHER}])
def test_partitions_of_others_are_not_committed(assigned: set[TopicPartition] | None) -> None:
    """Nor is anything while nothing is assigned. Faust would leave them out and tell nobody."""
    coordinator = _Coordinator()
    coordinator.assign(assigned)
    with pytest.raises(Fenced):
        coordinator.commit()
    assert [] == coordinator.requests


@pytest.mark.parametrize("error", [UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError])
def test_a_commit_that_the_broker_refuses_is_fenced(error: type[Exception]) -> None:
    """It is asked once: the answer would not become another. Faust takes it for a commit that went well."""
    coordinator = _Coordinator(error())
    with pytest.raises(Fenced):
        coordinator.commit()
    assert 1 == len(coordinator.requests)


def test_a_commit_is_tried_again_where_that_helps() -> None:
    """Not for ever, and not where it cannot help; and the generation is looked at again each time."""
    coordinator = _Coordinator(GroupCoordinatorNotAvailableError(), None)
    coordinator.commit()
    assert 2 == len(coordinator.requests)
    with pytest.raises(GroupCoordinatorNotAvailableError):
        _Coordinator(GroupCoordinatorNotAvailableError(), None).commit(seconds=-1.0)
    with pytest.raises(TopicAuthorizationFailedError):
        _Coordinator(TopicAuthorizationFailedError(), None).commit()
    coordinator = _Coordinator(GroupCoordinatorNotAvailableError(), None)
    coordinator.before = lambda: setattr(coordinator, "generation", 3 + len(coordinator.requests))
    with pytest.raises(Fenced):
        coordinator.commit()
    assert 1 == len(coordinator.requests)
