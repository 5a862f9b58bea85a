"""Outputs, states and position become durable together, before the offset, and only while the lease holds."""

import asyncio

import pytest
from aiokafka.errors import KafkaTimeoutError

from agents.settings import Settings
from tests.stage.world import PARTITION, Clock, Died, Kafka, new_batch, new_emission, raises, run, taken_over


def test_an_offset_is_committed_after_the_transaction(clock: Clock) -> None:
    """Outputs wait for `output_seconds` and go out without a further record; a transaction that fails leaves the
    offset where it was, and ends the process."""

    async def work() -> None:
        kafka = Kafka()
        stage = await taken_over(kafka)
        await stage.handle(new_batch(0, 3))
        assert "commit" not in kafka.done
        clock.now += Settings().output_seconds
        await stage.tick()
        checkpoint = stage._slots[PARTITION].checkpoint
        assert checkpoint is not None
        await checkpoint
        assert ["write", "commit"] == kafka.done[-2:]
        assert (3, ["0", "1", "2"]) == (kafka.committed, kafka.written)
        kafka.trouble["write"] = raises(KafkaTimeoutError())
        await stage.handle(new_batch(3, 4))
        with pytest.raises(Died):
            await stage.give_up()
        assert 3 == kafka.committed

    run(work())


def test_a_stage_that_works_holds_up_no_tick(clock: Clock) -> None:
    """All stages are ticked in turn: one that waits for its directory must not keep the others from writing."""

    async def work() -> None:
        kafka, there = Kafka(), asyncio.Event()
        stage = await taken_over(kafka)
        kafka.trouble["prepare"] = there.wait  # type: ignore[assignment]
        handling = asyncio.ensure_future(stage.handle(new_batch(0, 3)))
        for _ in range(5):
            await asyncio.sleep(0)
        assert stage._lock.locked()
        clock.now += Settings().checkpoint_seconds
        tick = asyncio.ensure_future(stage.tick())
        await asyncio.sleep(0)
        assert tick.done()
        there.set()
        await handling

    run(work())


def test_records_of_our_own_go_out_with_the_next_checkpoint() -> None:
    """Ticks of the wall clock come of no record: no position moves, and they go out all the same."""

    async def work() -> None:
        kafka = Kafka()
        stage = await taken_over(kafka)
        stage.emit("cem.posts", 0, [new_emission("tick")])
        await stage.give_up()
        assert (["tick"], 0) == (kafka.written, kafka.committed)

    run(work())


def test_work_waits_for_a_transaction_that_takes_long(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """More outputs than memory should hold are not made while a checkpoint is under way; none is lost."""
    monkeypatch.setattr("agents.kafka.stage.OUTPUTS_MAX", 4)

    async def work() -> None:
        kafka, written = Kafka(), asyncio.Event()
        stage = await taken_over(kafka)
        await stage.handle(new_batch(0, 1))
        kafka.trouble["write"] = written.wait  # type: ignore[assignment]
        await stage._begin_checkpoint(stage._slots[PARTITION])
        await stage.handle(new_batch(1, 4))
        handling = asyncio.ensure_future(stage.handle(new_batch(4, 7)))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not handling.done()
        written.set()
        await handling
        await stage.give_up()
        assert ["0", "1", "2", "3", "4", "5", "6"] == kafka.written

    run(work())


def test_a_worker_whose_lease_is_over_writes_nothing(deaths: list[str]) -> None:
    """Neither the batch at hand nor what waits when partitions are given up."""

    async def work() -> None:
        kafka = Kafka()
        stage = await taken_over(kafka)
        await stage.handle(new_batch(0, 3))
        kafka.done.clear()
        kafka.lease = 0.0
        with pytest.raises(Died):
            await stage.handle(new_batch(3, 6))
        with pytest.raises(Died):
            await stage.give_up()
        assert ["prepare"] == kafka.done
        assert all("heartbeat" in why or "cem.posts/0" in why for why in deaths)

    run(work())
