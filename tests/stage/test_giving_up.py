"""Partitions are given up in good order, or the process ends."""

import asyncio

import pytest
from aiokafka.errors import KafkaTimeoutError

from agents.app import Worker
from tests.stage.world import PARTITION, Died, Kafka, new_batch, new_stage, run


def test_partitions_whose_states_are_still_read_are_given_up_at_once(deaths: list[str]) -> None:
    """The next rebalance comes before the last one is over: nothing is written, nobody dies, and the next generation
    begins anew."""

    async def work() -> None:
        kafka = Kafka()
        kafka.trouble["read_states"] = asyncio.Event().wait  # type: ignore[assignment]
        stage = new_stage(kafka)
        stage.take_over(1, (PARTITION,))
        await asyncio.sleep(0)
        await stage.give_up()
        assert "write" not in kafka.done
        kafka.trouble.clear()
        stage.take_over(2, (PARTITION,))
        await stage.handle(new_batch(0, 3, generation=2))
        assert ([0, 1, 2], []) == (kafka.worked_on, deaths)

    run(work())


class _Service:
    """Gives up, or fails to."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.given_up = 0
        self._error = error

    async def give_up(self) -> None:
        self.given_up += 1
        if self._error is not None:
            raise self._error


def _worker(service: _Service) -> Worker:
    worker = Worker.__new__(Worker)
    worker.service, worker._left = service, False  # type: ignore[assignment]
    return worker


@pytest.mark.parametrize("error", [TimeoutError(), KafkaTimeoutError(), asyncio.CancelledError()])
def test_partitions_that_cannot_be_given_up_end_the_process(error: BaseException) -> None:
    """Faust would log it and join the group again, with work half done."""
    with pytest.raises(Died):
        asyncio.run(_worker(_Service(error))._revoked())


def test_leaving_gives_up_once() -> None:
    """SIGTERM brings no revocation, so the shutdown gives up; Faust may tell of it more than once."""
    service = _Service()
    worker = _worker(service)

    async def leave() -> None:
        await worker._before_shutdown()
        await worker._before_shutdown()

    asyncio.run(leave())
    assert 1 == service.given_up
