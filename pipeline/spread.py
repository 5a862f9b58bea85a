"""One post that is passed on, as a unit sees it: who did so, each once, what counters said, what is known of the post.

In: reposts, counters, what is learned of the post itself. Out: a Cascade as it stood at any time. The one rule: the
latest hundred reposts and counters are kept one by one, in order of their times, so that in whatever order they come,
twice, before their original, or taken back, the same is seen; older ones are in the Cascade for good.

Not caught: somebody who passes it on again after a hundred others have, counts again; an older repost that is taken
back still counts; a beginning that becomes known after a hundred reposts stays that of the first of them; who passes it
on twice and takes the first back counts no more.
"""

from bisect import insort
from operator import attrgetter
from typing import Final
from zlib import crc32

import msgspec

from pipeline.cascade import SPAN_SECONDS, Cascade
from schemas.insight import Insight, Root, Routing
from schemas.time import DAY_MS, SECOND_MS
from schemas.vocabulary import SentimentLabel

MARKS_MAX: Final = 100
LATEST_MAX: Final = 2
"""Reposts that are kept with their names, as evidence."""
SPAN_MS: Final = int(SPAN_SECONDS) * SECOND_MS
IDLE_MS: Final = DAY_MS
"""A cascade has ended when nobody has passed it on for so long."""
_COUNTER: Final = -1


class Mark(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One repost: when, its id and its author as 32 bits of a checksum, the author's followers (-1: unknown). Or what a
    counter said: `who` is -1 then, `number` the total."""

    at_ms: int
    name: int
    who: int
    number: int


class Passed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One repost with its names."""

    at_ms: int
    insight_id: str
    network: str
    author: str | None
    text_ref: str | None


class Meaning(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """What was understood of the post, or of a repost that has its text. `confidence` 0: only its main aspect."""

    compound: float
    confidence: float
    model: str
    language: str | None = None
    aspect: str | None = None
    department: str | None = None
    stage: str | None = None


_place = attrgetter("at_ms", "name")
_passed = attrgetter("at_ms", "insight_id")


class Spread(msgspec.Struct, array_like=True, omit_defaults=True, gc=False):
    """`began_ms`: when the post was written; while that is not `known`, when it was first passed on. `last_ms`: when it
    last was. `label`: how the post is meant, None while that is not known; `leaning`: by then, how many more reposts
    speak ill than do not. `total`: the highest that a counter said. `rule`: why it is about this unit, by what is least
    sure. `gone`: the post was deleted. `frozen`: there is or was an alert of it. `earlier`: what is older than the
    marks."""

    began_ms: int
    last_ms: int
    marks: list[Mark] = []
    latest: list[Passed] = []
    known: bool = False
    label: SentimentLabel | None = None
    leaning: int = 0
    followers: int | None = None
    total: int = 0
    rule: str = ""
    rule_confidence: float = 0.0
    gone: bool = False
    frozen: bool = False
    meaning: Meaning | None = None
    earlier: Cascade | None = None

    @property
    def negative(self) -> bool:
        """Whether the post is a complaint: by what is known of it, else by what most reposts say themselves."""
        return self.leaning > 0 if self.label is None else self.label == "negative"

    @property
    def alive(self) -> bool:
        """Whether there is a complaint that can spread."""
        return self.negative and not self.gone

    @property
    def ends_ms(self) -> int:
        """When it has ended if nothing more comes."""
        return min(self.last_ms + IDLE_MS, self.began_ms + SPAN_MS)

    @property
    def most(self) -> int:
        """No more reposts than this are known of; quickly told."""
        return max(self.total, self.earlier.reposts if self.earlier is not None else 0) + len(self.marks)

    def know(self, began_ms: int, label: SentimentLabel | None, followers: int | None) -> bool:
        """What is known of the post. What is not said stays as it was. Whether it is news."""
        before = self.began_ms, self.known, self.label, self.followers
        if self.earlier is None:
            self.began_ms = began_ms
        self.known = True
        self.label = label or self.label
        self.followers = self.followers if followers is None else followers
        return before != (self.began_ms, self.known, self.label, self.followers)

    def routed(self, routing: Routing) -> None:
        """Why something of it is about the unit."""
        if not self.rule or (routing.confidence, routing.rule) < (self.rule_confidence, self.rule):
            self.rule, self.rule_confidence = routing.rule, routing.confidence

    def repost(self, insight: Insight) -> bool:
        """Somebody passes it on. His first time counts; his last is shown. False if nothing of it is news."""
        at_ms, name = int(insight.event_time), checksum(insight.id)
        who = name if insight.author is None else checksum(insight.author)
        shown = self._show(Passed(at_ms, insight.id, insight.channel, insight.author, insight.text_ref))
        for place, mark in enumerate(self.marks):
            if mark.who == who:
                if (mark.at_ms, mark.name) <= (at_ms, name):
                    return shown
                del self.marks[place]
                break
        followers = insight.reach.followers
        self._add(Mark(at_ms, name, who, -1 if followers is None else followers))
        self.last_ms = max(self.last_ms, at_ms)
        self.routed(insight.routing)
        if not self.known and self.earlier is None:
            self.began_ms = min(self.began_ms, at_ms)
        return True

    def count(self, at_ms: int, total: int) -> bool:
        """A counter said so. One that fell tells nothing. False if it was known."""
        mark = Mark(at_ms, total, _COUNTER, total)
        if mark in self.marks or (self.earlier is not None and self.marks and at_ms <= self.marks[0].at_ms):
            return False
        self._add(mark)
        if total > self.total:
            self.total = total
            self.last_ms = max(self.last_ms, at_ms)
        return True

    def take_back(self, insight_id: str) -> int | None:
        """A repost is deleted: when it was, None if it is not known one by one."""
        name = checksum(insight_id)
        gone = [passed.at_ms for passed in self.latest if passed.insight_id == insight_id]
        self.latest = [passed for passed in self.latest if passed.insight_id != insight_id]
        for place, mark in enumerate(self.marks):
            if mark.name == name and mark.who != _COUNTER:
                del self.marks[place]
                return mark.at_ms
        return gone[0] if gone else None

    def holds(self, insight_id: str) -> bool:
        """Whether anything is remembered of a repost."""
        name = checksum(insight_id)
        return any(mark.name == name and mark.who != _COUNTER for mark in self.marks) or any(
            passed.insight_id == insight_id for passed in self.latest
        )

    def cascade(self, at_ms: int) -> Cascade:
        """As it stood at this time; what is in no mark any more is taken to be earlier."""
        made = Cascade(self.followers)
        if self.earlier is not None:
            made = msgspec.structs.replace(
                self.earlier,
                followers=self.followers,
                counts=list(self.earlier.counts),
                reached=list(self.earlier.reached),
            )
        for mark in self.marks:
            if mark.at_ms > at_ms:
                break
            self._tell(made, mark)
        return made

    def _add(self, mark: Mark) -> None:
        insort(self.marks, mark, key=_place)
        if len(self.marks) > MARKS_MAX:
            if self.earlier is None:
                self.earlier = Cascade()
            self._tell(self.earlier, self.marks.pop(0))

    def _tell(self, cascade: Cascade, mark: Mark) -> None:
        age_seconds = (mark.at_ms - self.began_ms) / SECOND_MS
        if mark.who == _COUNTER:
            cascade.observe_count(age_seconds, mark.number)
        else:
            cascade.observe(age_seconds, None if mark.number < 0 else mark.number)

    def _show(self, passed: Passed) -> bool:
        """Keeps the last repost of those who were the last to pass it on. Whether this is one."""
        for place, other in enumerate(self.latest):
            if (other.author or other.insight_id) == (passed.author or passed.insight_id):
                if _passed(passed) <= _passed(other):
                    return False
                del self.latest[place]
                break
        insort(self.latest, passed, key=_passed)
        del self.latest[:-LATEST_MAX]
        return passed in self.latest


def meaning_of(insight: Insight) -> Meaning | None:
    """What an insight says, None where it says nothing."""
    sentiment = insight.sentiment
    if sentiment is None or sentiment.abstained:
        return None
    main = insight.aspects[0] if insight.aspects else None
    return Meaning(
        compound=sentiment.compound,
        confidence=sentiment.confidence,
        model=sentiment.model,
        language=insight.language,
        aspect=main.aspect if main else None,
        department=main.department if main else None,
        stage=insight.journey_stage,
    )


def meaning_of_root(root: Root) -> Meaning | None:
    """What is told of the post where there is no text."""
    main = root.main
    if main is None:
        return None
    return Meaning(compound=main.polarity, confidence=0.0, model="", aspect=main.aspect, department=main.department)


def spread_of(insight: Insight) -> str:
    """The post that is passed on, by `network:id`."""
    root: Root | None = insight.root
    if insight.kind != "repost":
        return insight.id
    return (root.post if root is not None and root.post else insight.thread) or insight.id


def checksum(name: str) -> int:
    """32 bits of a name."""
    return crc32(name.encode("utf-8", "surrogatepass"))
