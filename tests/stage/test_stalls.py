"""A partition whose records do not arrive ends the process; whatever else takes long does not."""

import pytest

from agents.kafka.stage import STALL_SECONDS_MAX
from tests.stage.world import PARTITION, Clock, Died, Kafka, new_batch, run, taken_over


def test_a_partition_whose_records_do_not_arrive_ends_the_process(clock: Clock, deaths: list[str]) -> None:
    """Records wait, nothing is worked on, and none arrives for longer than the limit: only a new start helps. Not
    before the limit has passed."""

    async def work() -> None:
        kafka = Kafka()
        kafka.ends = {PARTITION: 7}
        stage = await taken_over(kafka)
        await stage.measure_lag()
        clock.now += STALL_SECONDS_MAX - 1
        await stage.measure_lag()
        assert [] == deaths
        clock.now += 2
        with pytest.raises(Died, match=r"7 records of cem\.posts/0"):
            await stage.measure_lag()

    run(work())


def test_the_first_look_at_a_partition_is_no_stall(clock: Clock) -> None:
    """However long after the take-over it comes: the time counts from the first look at which records waited."""

    async def work() -> None:
        kafka = Kafka()
        kafka.ends = {PARTITION: 7}
        stage = await taken_over(kafka)
        clock.now += 2 * STALL_SECONDS_MAX
        await stage.measure_lag()
        clock.now += STALL_SECONDS_MAX - 1
        await stage.measure_lag()

    run(work())


def test_records_that_arrive_are_no_stall(clock: Clock) -> None:
    """A partition that moves, however slowly and however much waits behind, is well."""

    async def work() -> None:
        kafka = Kafka()
        kafka.ends = {PARTITION: 1_000_000}
        stage = await taken_over(kafka)
        for offset in range(5):
            await stage.measure_lag()
            clock.now += STALL_SECONDS_MAX - 1
            await stage.handle(new_batch(offset, offset + 1))
        await stage.measure_lag()

    run(work())


def test_a_partition_with_nothing_to_read_is_no_stall(clock: Clock) -> None:
    """It may stay so for ever, and the time that it was idle does not count when records come."""

    async def work() -> None:
        kafka = Kafka()
        kafka.ends = {PARTITION: 0}
        stage = await taken_over(kafka)
        for _ in range(3):
            await stage.measure_lag()
            clock.now += 2 * STALL_SECONDS_MAX
        await stage.measure_lag()
        kafka.ends = {PARTITION: 1}
        clock.now += STALL_SECONDS_MAX - 1
        await stage.measure_lag()

    run(work())


def test_work_that_takes_long_is_no_stall(clock: Clock) -> None:
    """While the stage works on something its other batches wait; the time counts from when that is done."""

    async def work() -> None:
        kafka = Kafka()
        kafka.ends = {PARTITION: 7}
        stage = await taken_over(kafka)
        async with stage._lock:
            for _ in range(3):
                await stage.measure_lag()
                clock.now += 2 * STALL_SECONDS_MAX
            await stage.measure_lag()
        clock.now += STALL_SECONDS_MAX - 1
        await stage.measure_lag()

    run(work())
