"""Closed hours go up, and count once."""

from types import SimpleNamespace

from agents.rollup import RollupProcessor
from pipeline.engine import Engine
from pipeline.state import Tally, UnitState
from schemas.codec import Codec, encode
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


def test_the_agent_says_where_a_rollup_was_read() -> None:
    """It goes into the log of the unit above, with its place in `cem.rollup`; nothing has to be saved."""
    processor = RollupProcessor(Topics(), None)  # type: ignore[arg-type]
    record = SimpleNamespace(topic="cem.rollup", partition=2, offset=7, value=encode(rollup("store-1", -1)), headers=())
    (sent,) = processor.process([record])
    assert ("cem.events", b"west") == (sent.topic, sent.key)
    found = Codec[UnitRollup](UnitRollup).decode(sent.value)
    assert ("cem.rollup/2", 7, "store-1", 5) == (
        found.source.stream,
        found.source.offset,
        found.child_id,
        found.mentions,
    )
    assert ([], b"") == (processor.save(), processor.save_position())
