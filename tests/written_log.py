"""A log of three units and their region, written from drawn steps as the enrich agent would have written it.

In: steps; `steps` draws them, in bursts. Out: one partition of `cem.events`, fed from several input partitions. Actions
name alerts that are there, so that the log is applied as it is written.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple, get_args

import msgspec
from hypothesis import strategies as st

from pipeline.engine import Engine, outputs_of
from pipeline.log import Log
from schemas.action import ActionName
from schemas.codec import Codec, encode
from schemas.event import Ancestor, Event, UnitAction, UnitErasure, UnitRollup, UnitSettings, UnitTransfer
from schemas.insight import Insight
from schemas.record import Source
from schemas.tick import Tick
from schemas.time import HOUR_MS, MINUTE_MS, SECOND_MS, Millis
from schemas.unit import Unit
from tests.streams import START_MS, about, insight

UNITS = ("store-1", "store-2", "store-3")
REGION = "west"
LANES = ("cem.posts/0", "cem.posts/1", "cem.feedback/0")
TICKED = {"cem.posts": 2, "cem.feedback": 1}
HOLD_MS = 10 * MINUTE_MS
ACTIONS: tuple[ActionName, ...] = get_args(ActionName)

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
