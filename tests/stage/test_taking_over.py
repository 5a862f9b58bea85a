"""A stage that takes a partition over goes on where its states say, and works on nothing before it has them."""

import asyncio

import msgspec
import pytest

from agents.kafka.state import POSITION_KEY, Position
from agents.kafka.transport import StartingPoint
from tests.stage.world import PARTITION, Died, Kafka, gaps, lag, new_batch, new_stage, run, taken_over


def test_a_log_that_begins_behind_the_position_is_a_gap_that_is_told() -> None:
    """Retention has taken records that nobody has worked on: work begins where there are records, and it is counted."""

    async def work() -> None:
        kafka, before = Kafka(), gaps("retention")
        kafka.states = {POSITION_KEY: msgspec.msgpack.encode(Position(5, b""))}
        kafka.begin = StartingPoint(9, committed=False)
        stage = await taken_over(kafka)
        assert before + 1 == gaps("retention")
        kafka.ends = {PARTITION: 11}
        await stage.measure_lag()
        assert 2 == lag(PARTITION), "what is gone does not wait"
        await stage.handle(new_batch(9, 11))
        await stage.give_up()
        assert [9, 10] == kafka.worked_on
        assert 11 == kafka.committed

    run(work())


def test_a_position_ahead_of_the_commit_is_what_counts() -> None:
    """The process died between the transaction and the commit: what was read again is passed over, and no gap is
    told."""

    async def work() -> None:
        kafka, before = Kafka(), gaps("retention")
        kafka.states = {POSITION_KEY: msgspec.msgpack.encode(Position(5, b""))}
        kafka.begin = StartingPoint(2, committed=True)
        stage = await taken_over(kafka)
        await stage.handle(new_batch(2, 7))
        assert [5, 6] == kafka.worked_on
        assert before == gaps("retention")

    run(work())


@pytest.mark.parametrize("known", [None, 1], ids=["all", "the last"])
def test_states_that_are_gone_end_the_process(known: int | None, deaths: list[str]) -> None:
    """An offset is committed and the state topic knows nothing of it, or has lost its end: to go on with what is left
    would be wrong in silence."""

    async def work() -> None:
        kafka = Kafka()
        if known is not None:
            kafka.states = {POSITION_KEY: msgspec.msgpack.encode(Position(known, b""))}
        kafka.begin = StartingPoint(2, committed=True)
        with pytest.raises(Died):
            await taken_over(kafka)

    run(work())
    assert ["test: states could not be read back"] == deaths


def test_partitions_on_top_of_old_ones_end_the_process() -> None:
    """The barrier before the group is joined again was left out: two generations would mix."""

    async def work() -> None:
        stage = await taken_over(Kafka())
        with pytest.raises(Died, match="not given up"):
            stage.take_over(2, (PARTITION,))

    run(work())


def test_a_batch_waits_for_the_states() -> None:
    """A record worked on before would change states that are then overwritten."""

    async def work() -> None:
        kafka, states_there = Kafka(), asyncio.Event()
        kafka.trouble["read_states"] = states_there.wait  # type: ignore[assignment]
        stage = new_stage(kafka)
        stage.take_over(1, (PARTITION,))
        handling = asyncio.ensure_future(stage.handle(new_batch(0, 3)))
        for _ in range(5):
            await asyncio.sleep(0)
        assert (False, False, []) == (stage.ready, stage.owns("cem.posts", 0), kafka.worked_on)
        states_there.set()
        await handling
        assert (True, True, [0, 1, 2]) == (stage.ready, stage.owns("cem.posts", 0), kafka.worked_on)

    run(work())


def test_states_that_never_come_end_the_process(deaths: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch does not wait for them for ever, with the partition standing still and nobody knowing."""
    monkeypatch.setattr("agents.kafka.stage.LOAD_SECONDS_MAX", 0.01)

    async def work() -> None:
        kafka = Kafka()
        kafka.trouble["read_states"] = asyncio.Event().wait  # type: ignore[assignment]
        stage = new_stage(kafka)
        stage.take_over(1, (PARTITION,))
        with pytest.raises(Died):
            await stage.handle(new_batch(0, 3))

    run(work())
    assert ["test: cem.posts/0"] == deaths
