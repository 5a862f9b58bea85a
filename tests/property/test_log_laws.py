"""The property that matters: what comes out of a log follows from the log alone.

Not from how it was cut into batches, not from crashes and what was sent again after them, not from how far ticks lag.
A log here is one partition of `cem.events` with three units and their region in it, fed from several input partitions;
`written` makes one from a list of drawn steps, as the enrich agent would have written it.
"""

from collections.abc import Iterable
from random import Random
from typing import Any, NamedTuple, get_args

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.engine import Engine, Output, outputs_of
from pipeline.evaluation.replay import canonical
from pipeline.log import Log
from pipeline.state import encode_state
from schemas.action import ActionName
from schemas.alert import AlertChange
from schemas.codec import Codec, encode
from schemas.event import Ancestor, Event, UnitAction, UnitErasure, UnitRollup, UnitSettings, UnitTransfer
from schemas.insight import Insight
from schemas.record import Source
from schemas.tick import Tick
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Millis
from schemas.unit import Unit
from tests.streams import START_MS, about, insight

UNITS = ("store-1", "store-2", "store-3")
REGION = "west"
LANES = ("cem.posts/0", "cem.posts/1", "cem.feedback/0")
TICKED = {"cem.posts": 2, "cem.feedback": 1}
HOLD_MS = 10 * MINUTE_MS
ACTIONS: tuple[ActionName, ...] = get_args(ActionName)
PROFILE = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
HEAVY = settings(PROFILE, max_examples=40)

EVENTS: Codec[Any] = Codec(Event)


class Step(NamedTuple):
    """Something that is said or done `gap_minutes` after the last."""

    gap_minutes: int
    what: str
    unit: int
    lane: int
    who: int
    late_minutes: int


def steps(
    *what: str, late_minutes: int = 0, gap_minutes_max: int = 40, max_size: int = 60
) -> st.SearchStrategy[list[Step]]:
    """Steps of the kinds in `what`; bursts are frequent, so that there are alerts."""
    one = st.builds(
        Step,
        gap_minutes=st.integers(0, 2) | st.integers(0, gap_minutes_max),
        what=st.sampled_from(what),
        unit=st.integers(0, len(UNITS) - 1),
        lane=st.integers(0, len(LANES) - 1),
        who=st.integers(0, 8),
        late_minutes=st.integers(0, late_minutes),
    )
    return st.lists(one, min_size=15, max_size=max_size)


EVERYTHING = steps(
    "burst", "burst", "complaint", "complaint", "praise", "repost", "answer", "severe", "unhappy", "famous", "spread",
    "edit", "delete", "tick", "ticks", "ticks", "settings", "action", "action", "erasure", "rollup", late_minutes=90,
)  # fmt: skip


def engine(hold_ms: int = HOLD_MS) -> Engine:
    """One that raises alerts easily and lets them go soon."""
    return Engine(false_alerts_a_month=30, hold_ms=hold_ms)


class _Writer:
    """Writes a log from steps, and applies it as it goes, because actions name alerts that are there."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.log = Log(engine())
        self.alert_ids: list[tuple[str, str]] = []
        self._now = START_MS
        self._offsets: dict[str, int] = {}
        self._posts: list[Insight] = []
        self._versions = 0

    def take(self, step: Step) -> None:
        """Writes what the step says."""
        self._now += step.gap_minutes * MINUTE_MS
        getattr(self, f"_{step.what}")(step)

    def _source(self, stream: str, index: int = 0) -> Source:
        offset = self._offsets[stream] = self._offsets.get(stream, -1) + 1
        topic, _, partition = stream.partition("/")
        return Source(topic=topic, partition=int(partition), offset=offset, index=index)

    def _write(self, event: Event) -> None:
        event = EVENTS.decode(encode(event))
        self.events.append(event)
        outputs = self.log.apply(event)
        for alert in outputs_of(outputs):
            if alert.change in ("opened", "rerouted") and alert.work.moved_to is None:
                self.alert_ids.append((alert.labels.unit_id, alert.alert_id))
        for output in outputs:
            if isinstance(output, UnitTransfer):
                self._write(msgspec.structs.replace(output, source=self._source("cem.rollup/0")))

    def _say(
        self, step: Step, mood: str, kind: Any = "post", who: int | None = None, after_ms: int = 0, of: str = ""
    ) -> None:
        """`of`: the detector that it is about, where that is not the one of surges."""
        source = self._source(LANES[step.lane], index=1)
        time_ms = self._now + after_ms - step.late_minutes * MINUTE_MS
        author = f"{step.who if who is None else who}"
        said = insight(0, time_ms, author=author, mood=mood, kind=kind, unit_id=UNITS[step.unit])
        said = about(of, msgspec.structs.replace(said, id=f"x:{step.lane}-{source.offset}", source=source), step.who)
        if said.root is not None:
            root = msgspec.structs.replace(said.root, event_time=Millis(self._now), post=f"x:{self._now}")
            said = msgspec.structs.replace(said, root=root)
        if kind == "post":
            self._posts.append(said)
        self._write(said)

    def _complaint(self, step: Step) -> None:
        self._say(step, "negative")

    def _praise(self, step: Step) -> None:
        self._say(step, "positive")

    def _repost(self, step: Step) -> None:
        self._say(step, "negative", "repost")

    def _unhappy(self, step: Step) -> None:
        """A customer who asked to be called."""
        self._say(step, "neutral", "feedback", of="recovery")

    def _severe(self, step: Step) -> None:
        self._say(step, "negative", of="severe")

    def _famous(self, step: Step) -> None:
        self._say(step, "negative", of="influential")

    def _spread(self, step: Step) -> None:
        """Up to ninety people pass the same complaint on, within a quarter of an hour."""
        for who in range(10 * (1 + step.who)):
            lane = (step.lane + who) % len(LANES)
            self._say(step._replace(lane=lane), "negative", "repost", who=100 + who, after_ms=who * 9_000, of="cascade")
        self._now += 15 * MINUTE_MS

    def _answer(self, step: Step) -> None:
        self._say(step, "negative", "answer")

    def _burst(self, step: Step) -> None:
        for who in range(2 + step.who):
            self._say(step._replace(lane=(step.lane + who) % len(LANES)), "negative", who=who, after_ms=who * 7_000)
        self._now += 2 * MINUTE_MS

    def _again(self, step: Step, kind: Any) -> None:
        recent = [post for post in self._posts if self._now - post.event_time <= HOUR_MS]
        if recent:
            post = recent[step.who % len(recent)]
            changed = insight(0, self._now, author="?", mood=("positive", "negative")[step.lane % 2], kind=kind)
            self._write(msgspec.structs.replace(
                changed, id=post.id, author=post.author, unit_id=post.unit_id,
                source=self._source(post.source.stream, index=1),
                sentiment=None if kind == "delete" else changed.sentiment,
            ))  # fmt: skip

    def _edit(self, step: Step) -> None:
        self._again(step, "edit")

    def _delete(self, step: Step) -> None:
        self._again(step, "delete")

    def _tick(self, step: Step) -> None:
        stream = LANES[step.lane]
        source = self._source(stream)
        time_ms = Millis(self._now // (10 * SECOND_MS) * 10 * SECOND_MS)
        self._write(Tick(event_time=time_ms, source=stream, offset=source.offset, inputs=TICKED))

    def _ticks(self, step: Step) -> None:
        for lane in range(len(LANES)):
            self._tick(step._replace(lane=lane))

    def _settings(self, step: Step) -> None:
        unit_id = UNITS[step.unit]
        self._versions += step.who % 2
        unit = Unit(id=unit_id, name=f"Store {step.who}", kind="store", time_zone="UTC", parent=REGION)
        self._write(UnitSettings(
            unit_id=unit_id, unit=unit, ancestors=(Ancestor(id=REGION, kind="region", name="West"),),
            version=self._versions, source=self._source("cem.units/0"),
        ))  # fmt: skip

    def _action(self, step: Step) -> None:
        known = [(UNITS[step.unit], "unknown"), *self.alert_ids]
        unit_id, alert_id = known[-1 - step.lane % len(known)]
        moves = step.late_minutes % 4 == 3
        action = ACTIONS[(step.who + step.late_minutes) % len(ACTIONS)]
        self._write(UnitAction(
            id=f"{action}-{step.unit}-{len(self.alert_ids)}", alert_id=alert_id, unit_id=unit_id,
            action=action, actor="ana", dismissal_code="false",
            assignee="bo", note_ref="note:1", we_did_ref="we_did:1", until=Millis(self._now + HOUR_MS),
            to_unit=UNITS[step.unit] if moves else None, to_department=f"department-{step.who}",
            event_time=Millis(self._now), source=self._source("cem.actions/0", index=1),
        ))  # fmt: skip

    def _erasure(self, step: Step) -> None:
        """Some of the last posts, and some that come later: an erasure may overtake its post."""
        begin = self._offsets.get(LANES[step.lane], -1) + 1
        later = tuple(f"x:{step.lane}-{offset}" for offset in range(begin, begin + 2 * step.who))
        gone = tuple(post.id for post in self._posts[-1 - 6 * step.who :: 2]) + later
        self._write(UnitErasure(
            id="e", insight_ids=gone, event_time=Millis(self._now), source=self._source("cem.erasures/0")
        ))  # fmt: skip

    def _rollup(self, step: Step) -> None:
        hour = Millis(self._now // HOUR_MS * HOUR_MS)
        self._write(UnitRollup(
            unit_id=REGION, child_id=UNITS[step.unit], hour=hour, mentions=3, negative=2, positive=1,
            source=self._source("cem.rollup/0"),
        ))  # fmt: skip


def written(taken: Iterable[Step], *, until_all_is_quiet: bool = True) -> list[Event]:
    """The log that the steps make; at its end time passes until nothing is left to do."""
    writer = _Writer()
    for step in taken:
        writer.take(step)
    if until_all_is_quiet:
        for hours in (1, 12, 48):
            writer.take(Step(hours * 60, "ticks", 0, 0, 0, 0))
    return writer.events


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
