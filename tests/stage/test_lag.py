"""Lag is what the broker has beyond the position, of the partitions that are owned now."""

import pytest
from aiokafka.errors import KafkaTimeoutError

from tests.stage.world import OTHER, PARTITION, Died, Kafka, lag, new_batch, raises, run, taken_over


def test_lag_is_what_the_broker_has_beyond_the_position() -> None:
    """Of every partition that is owned; what was not fetched yet counts, and markers at the end give no negative
    number."""

    async def work() -> None:
        kafka = Kafka()
        kafka.ends = {PARTITION: 10, OTHER: 0}
        stage = await taken_over(kafka, PARTITION, OTHER)
        await stage.handle(new_batch(0, 4))
        await stage.measure_lag()
        assert [{PARTITION, OTHER}] == kafka.asked
        assert (6, 0) == (lag(PARTITION), lag(OTHER))
        kafka.ends = {PARTITION: 3, OTHER: 2}
        await stage.measure_lag()
        assert (0, 2) == (lag(PARTITION), lag(OTHER))

    run(work())


def test_lag_is_asked_only_for_partitions_that_have_their_states() -> None:
    """Before, their position is not known, and a number would be made up. Where there is none nobody is asked."""

    async def work() -> None:
        kafka = Kafka()
        stage = await taken_over(kafka)
        stage._slots[PARTITION].ready.clear()
        await stage.measure_lag()
        assert [] == kafka.asked

    run(work())


@pytest.mark.parametrize("again", [False, True])
def test_a_partition_given_up_while_lag_is_asked_for_is_left_alone(again: bool) -> None:
    """Also where it came back at once: the answer was for another generation. Its next owner tells how it stands."""

    async def work() -> None:
        kafka = Kafka()
        kafka.ends = {PARTITION: 5}
        stage = await taken_over(kafka)
        await stage.measure_lag()
        before = lag(PARTITION)

        async def rebalance() -> None:
            await stage.give_up()
            if again:
                stage.take_over(2, (PARTITION,))
                assert stage._loading is not None
                await stage._loading

        kafka.ends = {PARTITION: 99}
        kafka.trouble["end_offsets"] = rebalance
        await stage.measure_lag()
        assert before == lag(PARTITION)
        assert all(slot.stalled is None for slot in stage._slots.values())

    run(work())


def test_lag_that_cannot_be_asked_for_keeps_its_value(deaths: list[str]) -> None:
    """Kafka is away: the gauge stays, and nobody dies. Of any other error the process dies."""

    async def work() -> None:
        kafka = Kafka()
        kafka.ends = {PARTITION: 5}
        stage = await taken_over(kafka)
        await stage.measure_lag()
        kafka.ends = {PARTITION: 50}
        kafka.trouble["end_offsets"] = raises(KafkaTimeoutError())
        await stage.measure_lag()
        kafka.trouble["end_offsets"] = raises(TimeoutError())
        await stage.measure_lag()
        assert (5, []) == (lag(PARTITION), deaths)
        kafka.trouble["end_offsets"] = raises(ValueError())
        with pytest.raises(Died, match="lag"):
            await stage.measure_lag()

    run(work())
