"""A cancellation that nobody of ours asked for ends the process; our own does not."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from agents.kafka.stage import Stage
from tests.stage.world import PARTITION, Died, Kafka, new_batch, new_emission, new_stage, raises, run, taken_over


async def _loads(stage: Stage) -> None:
    stage.take_over(1, (PARTITION,))
    assert stage._loading is not None
    await stage._loading


async def _handles(stage: Stage) -> None:
    await _loads(stage)
    await stage.handle(new_batch(0, 3))


async def _measures(stage: Stage) -> None:
    await _loads(stage)
    await stage.measure_lag()


async def _saves(stage: Stage) -> None:
    await _loads(stage)
    slot = stage._slots[PARTITION]
    stage.emit("cem.posts", 0, [new_emission("a")])
    await stage._checkpoint_now(slot)


WAYS = [
    ("start", _loads), ("read_states", _loads), ("prepare", _handles), ("end_offsets", _measures), ("write", _saves),
    ("commit", _saves),
]  # fmt: skip


@pytest.mark.parametrize(("where", "way"), WAYS)
def test_a_foreign_cancellation_ends_the_process(
    where: str, way: Callable[[Stage], Awaitable[None]], deaths: list[str]
) -> None:
    """What the stage waits for was cancelled by nobody of ours: passed on it would end a task of ours in silence, and
    the partition would stand still for ever."""

    async def work() -> None:
        kafka = Kafka()
        kafka.trouble[where] = raises(asyncio.CancelledError())
        with pytest.raises(Died):
            await way(new_stage(kafka))
        assert deaths

    run(work())


@pytest.mark.parametrize(("where", "way"), WAYS)
def test_our_own_cancellation_does_not_end_the_process(
    where: str, way: Callable[[Stage], Awaitable[None]], deaths: list[str]
) -> None:
    """Faust stops an agent, or partitions are given up while their states are read: that is no crash."""

    async def work() -> None:
        kafka, reached = Kafka(), asyncio.Event()

        async def wait() -> None:
            reached.set()
            await asyncio.Event().wait()

        kafka.trouble[where] = wait
        task = asyncio.ensure_future(way(new_stage(kafka)))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [] == deaths

    run(work())


def test_after_a_cancelled_checkpoint_nothing_more_is_made_durable() -> None:
    """Its outputs are gone: a later position without them would lose them for good. Partitions are not given up in
    good order either; their next owner begins where the last checkpoint was."""

    async def work() -> None:
        kafka = Kafka()
        stage = await taken_over(kafka)
        await stage.handle(new_batch(0, 3))
        slot = stage._slots[PARTITION]
        assert [] == kafka.written
        kafka.trouble["write"] = asyncio.Event().wait  # type: ignore[assignment]
        await stage._begin_checkpoint(slot)
        await asyncio.sleep(0)
        assert slot.checkpoint is not None
        slot.checkpoint.cancel()
        kafka.trouble.clear()
        await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await stage.give_up()
        assert (-1, []) == (kafka.committed, kafka.written)

    run(work())
