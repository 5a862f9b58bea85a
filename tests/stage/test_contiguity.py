"""Every record is worked on once and in order, whatever was dropped on the way, comes again, or is gone."""

import msgspec

from agents.kafka.stage import MISSING_SECONDS_MAX
from agents.kafka.state import POSITION_KEY, Position
from agents.kafka.transport import Reading
from tests.stage.world import OTHER, PARTITION, Clock, Kafka, gaps, new_batch, run, taken_over


def test_behind_a_gap_nothing_is_worked_on() -> None:
    """A batch was dropped on the way: reading is set back, every time, until the missing one is there; then all
    records are worked on once, in order."""

    async def work() -> None:
        kafka, before = Kafka(), gaps("seek")
        stage = await taken_over(kafka)
        await stage.handle(new_batch(0, 3))
        await stage.handle(new_batch(5, 7))
        await stage.handle(new_batch(7, 9))
        assert [3, 3] == kafka.seeks
        assert before + 2 == gaps("seek")
        assert [0, 1, 2] == kafka.worked_on
        await stage.handle(new_batch(3, 8))
        await stage.handle(new_batch(8, 9))
        assert [0, 1, 2, 3, 4, 5, 6, 7, 8] == kafka.worked_on
        await stage.give_up()
        assert 9 == kafka.committed

    run(work())


def test_a_gap_moves_no_position() -> None:
    """What is given up right behind a gap is committed up to the gap."""

    async def work() -> None:
        kafka = Kafka()
        stage = await taken_over(kafka)
        await stage.handle(new_batch(0, 3))
        await stage.handle(new_batch(5, 7))
        await stage.give_up()
        assert 3 == kafka.committed
        assert 3 == msgspec.msgpack.decode(kafka.states[POSITION_KEY], type=Position).offset

    run(work())


def test_what_was_worked_on_is_passed_over() -> None:
    """A batch that comes again, whole or in part, after a seek back that was one too many."""

    async def work() -> None:
        kafka = Kafka()
        stage = await taken_over(kafka)
        for batch in (new_batch(0, 4), new_batch(0, 4), new_batch(1, 3), new_batch(4, 5), new_batch(2, 6)):
            await stage.handle(batch)
        await stage.give_up()
        assert [0, 1, 2, 3, 4, 5] == kafka.worked_on
        assert ["0", "1", "2", "3", "4", "5"] == kafka.written
        assert ([], 6) == (kafka.seeks, kafka.committed)

    run(work())


def test_batches_of_other_generations_or_partitions_are_not_worked_on() -> None:
    """They belong to somebody else, or come again."""

    async def work() -> None:
        kafka = Kafka()
        stage = await taken_over(kafka)
        await stage.handle(new_batch(0, 3, generation=0))
        await stage.handle(new_batch(0, 3, generation=2))
        await stage.handle(new_batch(0, 3)._replace(partition=OTHER))
        await stage.give_up()
        await stage.handle(new_batch(0, 3))
        assert [] == kafka.worked_on

    run(work())


def test_a_gap_of_records_that_retention_has_taken_is_passed() -> None:
    """They are not there any more: to seek back would never end. It is told apart from what is read again."""

    async def work() -> None:
        kafka, taken, sought = Kafka(), gaps("retention"), gaps("seek")
        stage = await taken_over(kafka)
        await stage.handle(new_batch(0, 3))
        kafka.first = 8
        await stage.handle(new_batch(8, 10))
        await stage.handle(new_batch(10, 11))
        assert [0, 1, 2, 8, 9, 10] == kafka.worked_on
        assert (taken + 1, sought, []) == (gaps("retention"), gaps("seek"), kafka.seeks)

    run(work())


def test_retention_hides_no_batch_that_was_dropped() -> None:
    """The log begins behind the position, and records between its beginning and the batch are there: what retention
    has taken is passed, the rest is read again."""

    async def work() -> None:
        kafka = Kafka()
        stage = await taken_over(kafka)
        await stage.handle(new_batch(0, 3))
        kafka.first = 8
        await stage.handle(new_batch(12, 14))
        assert [8] == kafka.seeks
        await stage.handle(new_batch(8, 14))
        assert [0, 1, 2, 8, 9, 10, 11, 12, 13] == kafka.worked_on

    run(work())


def test_records_that_were_read_before_retention_took_them_are_worked_on() -> None:
    """The log's beginning moves past a batch that is at hand: it is worked on all the same."""

    async def work() -> None:
        kafka = Kafka()
        stage = await taken_over(kafka)
        await stage.handle(new_batch(0, 3))
        kafka.first = 20
        await stage.handle(new_batch(8, 10))
        assert ([0, 1, 2, 8, 9], []) == (kafka.worked_on, kafka.seeks)

    run(work())


def test_what_was_read_and_does_not_arrive_is_read_again(clock: Clock) -> None:
    """Though nothing comes behind it that would show the gap. Not before its time, and not what has arrived."""

    async def work() -> None:
        kafka = Kafka()
        stage = await taken_over(kafka)
        kafka.readings[PARTITION] = Reading(3, 3)
        await stage.tick()
        clock.now += MISSING_SECONDS_MAX - 1
        await stage.tick()
        assert [] == kafka.seeks
        clock.now += 2
        await stage.tick()
        assert [0] == kafka.seeks
        await stage.tick()
        assert [0] == kafka.seeks, "it is given as long again"
        await stage.handle(new_batch(0, 3))
        clock.now += 2 * MISSING_SECONDS_MAX
        await stage.tick()
        assert [0] == kafka.seeks

    run(work())


def test_what_arrives_bit_by_bit_is_not_read_again(clock: Clock) -> None:
    """Reading is far ahead, and work goes on behind it: the time counts from the last batch that arrived."""

    async def work() -> None:
        kafka = Kafka()
        stage = await taken_over(kafka)
        kafka.readings[PARTITION] = Reading(100, 100)
        for offset in range(4):
            await stage.tick()
            clock.now += MISSING_SECONDS_MAX - 1
            await stage.handle(new_batch(offset, offset + 1))
        await stage.tick()
        assert [] == kafka.seeks

    run(work())


def test_the_position_goes_along_over_markers_alone(clock: Clock) -> None:
    """Where all that was read is worked on. While something is still under way it stays: that may be records."""

    async def work() -> None:
        kafka = Kafka()
        stage = await taken_over(kafka)
        await stage.handle(new_batch(0, 3))
        slot = stage._slots[PARTITION]
        for reading, position in ((Reading(5, 6), 3), (Reading(2, 6), 3), (Reading(3, 3), 3), (Reading(3, 4), 4)):
            kafka.readings[PARTITION] = reading
            stage._follow_reading(slot)
            assert position == slot.position == slot.expected, reading
        await stage.give_up()
        assert 4 == kafka.committed

    run(work())
