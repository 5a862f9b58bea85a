"""The property that matters: what comes out of a log follows from the log alone.

Not from how it was cut into batches, not from crashes and what was sent again after them, not from how far ticks lag.
A log here is one that `tests/written_log.py` writes.
"""

from collections.abc import Iterable
from random import Random
from typing import Any, get_args

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.engine import Output, outputs_of
from pipeline.evaluation.replay import canonical
from pipeline.log import Log
from pipeline.state import encode_state
from schemas.alert import AlertChange
from schemas.codec import encode
from schemas.event import Event, UnitSettings
from schemas.insight import Insight
from schemas.tick import Tick
from schemas.time import DAY_MS, HOUR_MS, Millis
from tests.streams import START_MS, insight
from tests.written_log import EVERYTHING, HOLD_MS, LANES, TICKED, UNITS, Step, engine, steps, written

PROFILE = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
HEAVY = settings(PROFILE, max_examples=40)


def run(log: Log, events: Iterable[Event]) -> list[bytes]:
    """All that comes out, as it is written."""
    return [encode(output) for event in events for output in log.apply(event)]


def states(log: Log) -> dict[str, bytes]:
    """What each unit's log has led to."""
    return {unit_id: encode_state(state) for unit_id, state in log.units.items()}


def source_of(event: Event) -> tuple[str, int]:
    """The partition that a record came from, and its place there."""
    if isinstance(event, Tick):
        return event.source, event.offset
    return event.source.stream, event.source.offset


class Saved:
    """What a worker leaves behind: the states in a compacted topic, the clock beside the position."""

    def __init__(self) -> None:
        self.states: dict[bytes, bytes] = {}
        self.clock = Log(engine()).save_clock()

    def checkpoint(self, log: Log) -> None:
        """Writes what has changed."""
        self.states.update(log.take_dirty())
        self.clock = log.save_clock()

    def restore(self, *, backwards: bool = False) -> Log:
        """A new worker takes over. The order in which states are read back must not matter."""
        log = Log(engine())
        for key in sorted(self.states, reverse=backwards):
            log.load(self.states[key])
        log.load_clock(self.clock)
        return log


DEEDS = ((0, 0, 0), (0, 1, 0), (0, 2, 0), (0, 3, 0), (0, 5, 0), (0, 6, 0), (0, 8, 1), (0, 8, 0), (1, 1, 3), (1, 7, 0))
"""Unit, who, late: acknowledge, assign, comment, reply, snooze, resolve, publish, reopen, move, dismiss there."""


def test_there_is_something_to_prove() -> None:
    """A log of the steps that are drawn here holds every change that an alert can have so far; else the laws below
    could hold for nothing."""
    story = [
        Step(5, "settings", 0, 0, 1, 0), Step(5, "complaint", 0, 0, 0, 0), Step(1200, "ticks", 0, 0, 0, 0),
        Step(5, "burst", 0, 0, 3, 0), Step(1, "action", 0, 0, 0, 0), Step(1, "burst", 0, 1, 8, 0),
        Step(1, "delete", 0, 0, 8, 0), Step(1, "edit", 0, 0, 7, 0), Step(1, "erasure", 0, 0, 8, 0),
        Step(1, "action", 0, 0, 1, 0), Step(1, "action", 0, 0, 2, 0), Step(1, "action", 0, 0, 3, 0),
        Step(1, "action", 0, 0, 4, 0), Step(1, "rollup", 0, 0, 3, 0), Step(1, "severe", 1, 0, 1, 0),
        Step(1, "famous", 1, 0, 4, 0), Step(1, "spread", 2, 0, 8, 0), Step(1, "unhappy", 0, 0, 0, 0),
        *[Step(1, "action", unit, 0, who, late) for unit, who, late in DEEDS],
    ]  # fmt: skip
    alerts = _alerts(written(story))
    assert set(get_args(AlertChange)) - {"verified"} == {alert.change for alert in alerts}
    assert {"NegativeSurge", "SeverePost", "InfluentialAuthor", "ComplaintSpreads", "CustomerRecovery"} == {
        alert.labels.alertname for alert in alerts
    }
    assert {None, *UNITS[:1]} == {alert.work.moved_from for alert in alerts}


@PROFILE
@given(taken=EVERYTHING, places=st.sets(st.integers(0, 120), max_size=8))
@example(
    [
        Step(0, "settings", 0, 0, 1, 0), Step(0, "settings", 1, 0, 1, 0), Step(65, "complaint", 0, 0, 0, 0),
        Step(2, "delete", 0, 0, 0, 0), Step(85, "praise", 1, 0, 0, 110),
    ],
    {5},
)  # fmt: skip
def test_results_do_not_depend_on_batching(taken: list[Step], places: set[int]) -> None:
    """A hand-over to another worker at any points gives byte for byte what one straight run gives, and leaves the same
    states and clock. (The example: what was due first has gone, so it is another unit's turn.)"""
    events = written(taken)
    cuts = sorted({place % len(events) for place in places})
    straight = Log(engine())
    expected = run(straight, events)
    saved, log, came = Saved(), Log(engine()), []
    for begin, end in zip([0, *cuts], [*cuts, len(events)], strict=True):
        came += run(log, events[begin:end])
        saved.checkpoint(log)
        log = saved.restore(backwards=begin % 2 == 1)
    assert expected == came
    assert states(straight) == states(log)
    assert straight.save_clock() == log.save_clock()


@PROFILE
@given(taken=EVERYTHING, data=st.data())
def test_a_crash_repeats_and_invents_nothing(taken: list[Step], data: Any) -> None:
    """A worker that dies between two checkpoints sends some records twice, with the same bytes, and no others."""
    events = written(taken)
    kept = data.draw(st.integers(0, len(events)), label="last checkpoint")
    died = data.draw(st.integers(kept, len(events)), label="died")
    expected = run(Log(engine()), events)
    saved, log = Saved(), Log(engine())
    before = run(log, events[:kept])
    saved.checkpoint(log)
    lost = run(log, events[kept:died])
    again = run(saved.restore(), events[kept:])
    assert expected == before + again
    assert lost == again[: len(lost)]


@PROFILE
@given(taken=EVERYTHING, data=st.data())
def test_settings_that_are_announced_again_change_no_alert(taken: list[Step], data: Any) -> None:
    """After a restart the enrich agent announces the settings in force once more, before the next record."""
    events = written(taken)
    expected = run(Log(engine()), events)
    again = data.draw(st.sets(st.integers(0, len(events) - 1), max_size=10), label="announced again before")
    in_force: dict[str, UnitSettings] = {}
    log, came = Log(engine()), []
    for place, event in enumerate(events):
        if isinstance(event, Insight) and place in again and event.unit_id in in_force:
            source = msgspec.structs.replace(event.source, index=0)
            assert [] == run(log, [msgspec.structs.replace(in_force[event.unit_id], source=source)])
        if isinstance(event, UnitSettings):
            before = in_force.get(event.unit_id)
            in_force[event.unit_id] = event if before is None or event.version > before.version else before
        came += run(log, [event])
    assert expected == came


@HEAVY
@given(
    taken=steps("burst", "burst", "complaint", "praise", "repost", "edit", "delete", "ticks", "ticks", "settings",
                gap_minutes_max=25),
    seed=st.integers(0, 2**32),
)  # fmt: skip
def test_what_is_raised_does_not_depend_on_how_far_ticks_lag(taken: list[Step], seed: int) -> None:
    """Ticks that are read later than they could be (never behind the next) change no alert record, as long as no alert
    ends before the last word: what ends it is the watermark."""
    events = written(taken)
    lagging = _lagging(events, Random(seed))
    hold_ms = 10 * DAY_MS
    assert _alert_bytes(events, hold_ms) == _alert_bytes(lagging, hold_ms)


@HEAVY
@given(
    taken=steps("burst", "complaint", "complaint", "praise", "praise", "repost", gap_minutes_max=90, max_size=20),
    seed=st.integers(0, 2**32),
)
def test_no_order_of_partitions_hides_an_alert(taken: list[Step], seed: int) -> None:
    """Readers meet the same insights in another order, each partition in its own: whoever would have been alerted in
    order has been in the end. (More may be: who reads a crowd hours before what was usual until then expects less. The
    first word about each unit is known: who reads a crowd before it, as the first of all, takes the unit for a new
    one, and nothing is judged again when silence turns out to have been there before.)"""
    events = [event for event in written(taken) if not isinstance(event, Tick)]
    last_ms = max(int(event.event_time) for event in events if isinstance(event, Insight))
    tick = Tick(event_time=Millis(last_ms + 3 * HOUR_MS), inputs=TICKED)
    end = [msgspec.structs.replace(tick, source=lane) for lane in LANES]
    first = [insight(0, START_MS - DAY_MS, mood="neutral", unit_id=unit_id) for unit_id in UNITS]
    expected = _alerted([*first, *events, *end])
    random = Random(seed)
    by_lane = [[event for event in events if source_of(event)[0] == lane] for lane in LANES]
    for _ in range(3):
        by_lane.append(by_lane.pop(0))
        assert expected <= _alerted([*first, *(event for lane in by_lane for event in lane), *end])
    mixed: list[Event] = []
    while any(by_lane):
        mixed.append(random.choice([lane for lane in by_lane if lane]).pop(0))
    assert expected <= _alerted([*first, *mixed, *end])


def _alerted(events: Iterable[Event]) -> set[tuple[str, str]]:
    """Units and causes."""
    return {(alert.labels.unit_id, alert.labels.alertname) for alert in _alerts(events, 10 * DAY_MS)}


def _lagging(events: list[Event], random: Random) -> list[Event]:
    """The same records, but each tick some places later, and still in order among themselves."""
    lagging: list[Event] = []
    waiting: list[tuple[int, Event]] = []
    for event in events:
        if isinstance(event, Tick):
            waiting.append((random.randint(0, 30), event))
        else:
            waiting = [(patience - 1, tick) for patience, tick in waiting]
            while waiting and waiting[0][0] <= 0:
                lagging.append(waiting.pop(0)[1])
            lagging.append(event)
    return lagging + [tick for _, tick in waiting]


def _alerts(events: Iterable[Event], hold_ms: int = HOLD_MS) -> list[Any]:
    log = Log(engine(hold_ms))
    outputs: list[Output] = [output for event in events for output in log.apply(event)]
    return canonical(outputs_of(outputs))


def _alert_bytes(events: Iterable[Event], hold_ms: int) -> list[bytes]:
    return [encode(alert) for alert in _alerts(events, hold_ms)]


@PROFILE
@given(taken=EVERYTHING, data=st.data())
def test_a_state_of_an_older_version_loads(taken: list[Step], data: Any) -> None:
    """A state that lacks fields, because they are newer than it, is read, and the log goes on from it."""
    events = written(taken)
    cut = data.draw(st.integers(0, len(events)), label="cut")
    log, saved = Log(engine()), Saved()
    run(log, events[:cut])
    saved.checkpoint(log)
    older = Log(engine())
    for value in saved.states.values():
        fields = msgspec.msgpack.decode(value)
        for name in sorted(set(fields) - {"unit_id"}):
            if data.draw(st.booleans(), label=f"without {name}"):
                del fields[name]
        for case in fields.get("cases", {}).values():
            case.pop("found_ms", None)
        if "firing" in fields and "cases" not in fields:
            del fields["firing"]
        older.load(msgspec.msgpack.encode(fields))
    older.load_clock(msgspec.msgpack.encode({}))
    run(older, events[cut:])
    assert log.units.keys() <= older.units.keys()
