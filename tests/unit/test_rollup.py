"""Closed hours go up, and count once."""

from agents.rollup import RollupProcessor
from pipeline.engine import Engine
from pipeline.state import Tally, UnitState
from schemas.event import UnitRollup
from schemas.record import Source
from schemas.time import HOUR_MS, Millis
from schemas.topics import Topics

HOUR = 490_000 * HOUR_MS


def rollup(child: str, offset: int, mentions: int = 5) -> UnitRollup:
    """What a unit below counted, read at `offset`."""
    source = Source(topic="cem.rollup", partition=0, offset=offset)
    return UnitRollup(
        unit_id="west", child_id=child, hour=Millis(HOUR), mentions=mentions, negative=2, positive=1, source=source
    )


def test_an_hour_that_is_sent_again_counts_once() -> None:
    """After a crash the same hour of the same unit comes again at another offset; other units' hours add up."""
    state, engine = UnitState(unit_id="west"), Engine()
    for one in (rollup("store-1", 0), rollup("store-2", 1), rollup("store-1", 2)):
        assert [] == engine.step(state, one)
    assert {HOUR: {"store-1": Tally(5, 2, 1), "store-2": Tally(5, 2, 1)}} == state.below


def test_only_the_last_hours_are_kept() -> None:
    """A day of them."""
    state, engine = UnitState(unit_id="west"), Engine()
    for number in range(100):
        one = rollup("store-1", number)
        engine.step(state, UnitRollup(**{**_fields(one), "hour": Millis(HOUR + number * HOUR_MS)}))
    assert [HOUR + number * HOUR_MS for number in range(76, 100)] == sorted(state.below)


def _fields(one: UnitRollup) -> dict[str, object]:
    return {name: getattr(one, name) for name in one.__struct_fields__}


def test_the_agent_needs_nothing_saved() -> None:
    """It only says where a roll-up was read."""
    processor = RollupProcessor(Topics(), None)  # type: ignore[arg-type]
    processor.load({}, None)
    assert ([], b"") == (processor.save(), processor.save_position())
