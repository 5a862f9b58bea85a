"""Work on a long batch is done in turns: others get the event loop, and what is due is made durable in its midst."""

import asyncio
from collections.abc import Collection

import msgspec
import pytest

from agents.kafka.stage import SLICE_RECORDS, TURN_SECONDS
from agents.kafka.state import POSITION_KEY, Position
from agents.settings import Settings
from pipeline.emission import Emission
from tests.stage.world import Clock, Slow, new_batch, run, taken_over


def test_work_on_a_batch_lets_others_have_the_event_loop(clock: Clock) -> None:
    """Often, and whoever has it sees the position behind the last record that is worked on."""

    async def work() -> None:
        kafka = Slow(clock, TURN_SECONDS / SLICE_RECORDS)
        stage = await taken_over(kafka)
        looking = asyncio.ensure_future(kafka.look_at(stage))
        await stage.handle(new_batch(0, 10 * SLICE_RECORDS + 1))
        looking.cancel()
        assert {number * SLICE_RECORDS for number in range(11)} <= {records for records, _ in kafka.looks}
        assert all(records == position for records, position in kafka.looks)

    run(work())


def test_a_processor_that_wants_whole_batches_gets_them(clock: Clock) -> None:
    """The owner of the directory says one version for a batch, not one for a slice."""

    async def work() -> None:
        kafka, given = Slow(clock, TURN_SECONDS), list[int]()
        kafka.whole_batches = True
        stage = await taken_over(kafka)
        process = kafka.process
        kafka.process = lambda records: given.append(len(records)) or process(records)  # type: ignore[func-returns-value,method-assign]
        await stage.handle(new_batch(0, 5 * SLICE_RECORDS))
        assert [5 * SLICE_RECORDS] == given

    run(work())


def test_what_is_due_is_made_durable_in_the_midst_of_a_batch(clock: Clock) -> None:
    """A long batch holds up no output; each transaction has the outputs of the records before its position."""

    async def work() -> None:
        kafka, seen = Slow(clock, Settings().output_seconds / SLICE_RECORDS), list[tuple[int, int]]()
        stage = await taken_over(kafka)
        write = kafka.write

        async def noted(emissions: Collection[Emission], states: Collection[tuple[bytes, bytes | None]]) -> None:
            await write(emissions, states)
            if saved := kafka.states.get(POSITION_KEY):
                seen.append((msgspec.msgpack.decode(saved, type=Position).offset, len(kafka.written)))

        kafka.write = noted  # type: ignore[method-assign]
        await stage.handle(new_batch(0, 20 * SLICE_RECORDS))
        assert len(seen) > 2
        assert all(position == outputs for position, outputs in seen)
        assert seen[0][0] < 20 * SLICE_RECORDS

    run(work())


def test_a_batch_that_was_broken_off_is_read_again(clock: Clock) -> None:
    """Faust stops an agent in the midst of a batch: the rest of it is a gap, whatever comes next, and no record is
    worked on twice."""

    async def work() -> None:
        kafka = Slow(clock, TURN_SECONDS / SLICE_RECORDS)
        stage = await taken_over(kafka)
        size = 10 * SLICE_RECORDS
        handling = asyncio.ensure_future(stage.handle(new_batch(0, size)))
        await kafka.started.wait()
        handling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await handling
        assert 0 < len(kafka.worked_on) < size
        await stage.handle(new_batch(size, size + 3))
        assert [0] == kafka.seeks
        await stage.handle(new_batch(0, size + 3))
        await stage.give_up()
        assert list(range(size + 3)) == kafka.worked_on
        assert size + 3 == kafka.committed

    run(work())
