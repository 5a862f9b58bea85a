"""A story about one unit on a manual clock: what is said and done when, and what the alert consumer hears of it.

In: calls in the order of time, each with a time "hours:minutes" or "hours:minutes:seconds" after an arbitrary start.
Out: `news()`, what was told since it was last asked: `["48:03 opened", "49:33 quiet"]`.

    story = Timeline()
    story.complaint("48:00", "ana")
    story.wait("49:00")
    assert story.news() == []

Everything goes through a `Log`, as records of `cem.events` do. Before each event comes the last tick that is not later
than it, on a grid of 10 s: time passes with what is read, never with the wall clock.
"""

from typing import Any

import msgspec

from pipeline.engine import Engine, Output
from pipeline.log import Log
from schemas.action import ActionName
from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.event import Ancestor, Event, UnitAction, UnitErasure, UnitSettings, UnitTransfer
from schemas.insight import Aspect, Insight, InsightKind, Scores, SevereCause
from schemas.record import Source
from schemas.tick import Tick
from schemas.time import HOUR_MS, MINUTE_MS, SECOND_MS, Millis
from schemas.unit import Unit
from tests.streams import START_MS, insight

TICK_MS = 10 * SECOND_MS
SOURCE = "cem.posts/0"
BY_TIME = ("deadline_warning", "escalated")
"""The changes that come because nobody did anything."""


def time_of(clock: str) -> Millis:
    """ "48:03" -> milliseconds."""
    hours, minutes, seconds = (*map(int, clock.split(":")), 0)[:3]
    return Millis(START_MS + hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS)


def clock_of(time_ms: int) -> str:
    """Milliseconds -> "48:03", with seconds only where there are some."""
    minutes, rest = divmod(time_ms - START_MS, MINUTE_MS)
    return f"{minutes // 60}:{minutes % 60:02d}" + (f":{rest // SECOND_MS:02d}" if rest else "")


def _causes(names: tuple[str, ...]) -> tuple[SevereCause, ...]:
    return tuple(SevereCause(cause=name, words=name, department="safety", severity=8) for name in names)


class Timeline:
    """A neutral word at 0:00 begins it, so that the unit's usual silence is known from there on. `partitions` of
    `cem.posts`; only the first ever ticks."""

    def __init__(self, engine: Engine | None = None, *, unit_id: str = "store-17", partitions: int = 1) -> None:
        self.unit_id = unit_id
        self.log = Log(engine or Engine())
        self.records: list[Alert] = []
        self.entries: list[CaseEntry] = []
        self.transfers: list[UnitTransfer] = []
        self._offset = 0
        self._told = 0
        self._posts: dict[str, Insight] = {}
        self._inputs = {"cem.posts": partitions}
        self.word("0:00", "nobody", mood="neutral")

    # What is said

    def word(
        self,
        clock: str,
        author: str,
        *,
        mood: str = "negative",
        kind: InsightKind = "post",
        post: str | None = None,
        about: tuple[str, str] | None = None,
        severe: tuple[str, ...] = (),
    ) -> str:
        """Somebody writes something. The post's name: `post`, or the author's. `about`: its aspect and department;
        `severe`: the severe causes that it tells, of severity 8."""
        name = post or author
        self._offset += 1
        said = insight(self._offset, time_of(clock), author=author, mood=mood, kind=kind, unit_id=self.unit_id)
        said = msgspec.structs.replace(said, id=f"x:{name}", text_ref=f"x:{name}", thread=f"x:{name}")
        if about is not None:
            said = msgspec.structs.replace(said, aspects=(Aspect(aspect=about[0], department=about[1], polarity=-0.5),))
        if severe:
            said = msgspec.structs.replace(said, severe=_causes(severe))
        self._posts[name] = said
        self._apply(clock, said)
        return name

    def complaint(self, clock: str, author: str, *, kind: InsightKind = "post", post: str | None = None) -> str:
        """A negative original."""
        return self.word(clock, author, kind=kind, post=post)

    def crowd(self, clock: str, people: int, *, name: str = "p", every_minutes: int = 1) -> list[str]:
        """So many different people complain, one a minute or so from `clock` on."""
        begin = time_of(clock)
        return [
            self.complaint(clock_of(begin + number * every_minutes * MINUTE_MS), f"{name}{number}")
            for number in range(people)
        ]

    def answer(self, clock: str, post: str) -> None:
        """The company replies in the thread of a post."""
        self._offset += 1
        said = insight(self._offset, time_of(clock), author="acme", mood="neutral", kind="answer", unit_id=self.unit_id)
        self._apply(clock, msgspec.structs.replace(said, thread=f"x:{post}"))

    def feedback(self, clock: str, customer: str | None, *, consent: bool = True, **scores: Any) -> str:
        """A customer answers a survey. The name of the feedback."""
        self._offset += 1
        now = time_of(clock)
        said = insight(self._offset, now, author=None, mood="neutral", kind="feedback", unit_id=self.unit_id)
        self._apply(clock, msgspec.structs.replace(
            said, channel="sms", customer_ref=customer, contact_consent=consent, scores=Scores(**scores)
        ))  # fmt: skip
        return said.id

    def edit(self, clock: str, post: str, *, mood: str | None, severe: tuple[str, ...] = ()) -> None:
        """A post says something else from now on; without a mood, only its counters do."""
        self._again(clock, post, "edit", mood, severe)

    def delete(self, clock: str, post: str) -> None:
        """A post is taken back."""
        self._again(clock, post, "delete", None)

    def _again(self, clock: str, post: str, kind: InsightKind, mood: str | None, severe: tuple[str, ...] = ()) -> None:
        said = self._posts[post]
        self._offset += 1
        changed = insight(
            self._offset, time_of(clock), author="?", mood=mood or "neutral", kind=kind, unit_id=self.unit_id
        )
        changed = msgspec.structs.replace(
            changed, id=said.id, text_ref=said.id, author=said.author, severe=_causes(severe)
        )
        self._apply(clock, changed if mood else msgspec.structs.replace(changed, sentiment=None))

    def erase(self, clock: str, *posts: str) -> None:
        """Posts are to be forgotten."""
        self._offset += 1
        self._apply(clock, UnitErasure(
            id=f"erasure-{self._offset}", insight_ids=tuple(f"x:{post}" for post in posts), event_time=time_of(clock),
            source=Source(topic="cem.erasures", partition=0, offset=self._offset),
        ))  # fmt: skip

    def settings(self, clock: str, version: int, name: str | None, **of_unit: Any) -> None:
        """From now on the unit is called so; it is removed where it has no name. `of_unit`: other fields of a Unit."""
        self._offset += 1
        unit = Unit(**{"id": self.unit_id, "name": name or "", "kind": "store", "time_zone": "UTC", **of_unit})
        self._apply(clock, UnitSettings(
            unit_id=self.unit_id, unit=unit if name else None, version=version,
            ancestors=(Ancestor(id="west", kind="region", name="West"), Ancestor(id="acme", kind="brand", name="Acme")),
            source=Source(topic="cem.units", partition=0, offset=self._offset),
        ))  # fmt: skip

    # What is done

    def act(
        self,
        clock: str,
        action: ActionName,
        *,
        alert_id: str | None = None,
        id: str | None = None,
        actor: str = "ana",
        **said: Any,
    ) -> CaseEntry:
        """A person does something about an alert, the last one unless told otherwise. What became of it. `said`: other
        fields of a UnitAction; an assignment is to somebody, unless told otherwise."""
        self._offset += 1
        given = {"assignee": "bo"} if action == "assign" else {}
        self._apply(clock, UnitAction(
            id=id or f"action-{self._offset}", alert_id=alert_id or self.last.alert_id, unit_id=self.unit_id,
            action=action, actor=actor, event_time=time_of(clock),
            source=Source(topic="cem.actions", partition=0, offset=self._offset, index=1), **{**given, **said},
        ))  # fmt: skip
        return self.entries[-1]

    # Time

    def wait(self, clock: str) -> None:
        """Nothing happens until then; then a tick is read."""
        time_ms = int(time_of(clock)) // TICK_MS * TICK_MS
        self._take(self.log.apply(Tick(event_time=Millis(time_ms), source=SOURCE, inputs=self._inputs)))

    # What is heard

    def news(self, *, deadlines: bool = False) -> list[str]:
        """The changes since the last call, each with its time; warnings and escalations only where they are asked
        for."""
        new, self._told = self.records[self._told :], len(self.records)
        heard = [alert for alert in new if deadlines or alert.change not in BY_TIME]
        return [f"{clock_of(alert.detected_at)} {alert.change}" for alert in heard]

    @property
    def alerts(self) -> list[Alert]:
        """All records but those that came because nobody did anything."""
        return [alert for alert in self.records if alert.change not in BY_TIME]

    @property
    def last(self) -> Alert:
        """The last of these."""
        return self.alerts[-1]

    @property
    def evidence(self) -> list[str]:
        """The posts that the last record names."""
        return [evidence.post_id.removeprefix("x:") for evidence in self.last.evidence]

    def _apply(self, clock: str, event: Event) -> None:
        self.wait(clock)
        self._take(self.log.apply(event))

    def _take(self, outputs: list[Output]) -> None:
        self.records += [output for output in outputs if isinstance(output, Alert)]
        self.entries += [output for output in outputs if isinstance(output, CaseEntry)]
        self.transfers += [output for output in outputs if isinstance(output, UnitTransfer)]

    def receive(self, clock: str, transfer: UnitTransfer) -> None:
        """A case comes from another unit."""
        self._offset += 1
        source = Source(topic="cem.rollup", partition=0, offset=self._offset)
        self._apply(clock, msgspec.structs.replace(transfer, source=source))
