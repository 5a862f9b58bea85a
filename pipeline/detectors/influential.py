"""Influential: one complaint by somebody whom so many follow that it is rare for this unit.

In: negative originals (posts, replies, reviews; no reposts) with the followers of who wrote them. Out: who of at least
10,000 followers complained within the last 24 hours. The one rule: an alert is raised at once, where 30 days bring such
an author more rarely than its share of the budget of false alerts; others with as many followers let it grow.

Source: how rare an audience is `pipeline.rarity`. The exponent of its tail is assumed as 0.85, on the heavy side so
that the budget is kept: among the 200,805 resharers of 50 retweet cascades Hill's estimate is 1.30 for the 1,057 with
at least 10,000 followers, and 0.95 for the 73 with at least 100,000. How many complain, and how many have how many, is
learned from all who have at least 200.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from pipeline.detectors.detector import Finding, Signal
from pipeline.detectors.mention import Mention, aspects_of, mention_of, told
from pipeline.history import Frozen
from pipeline.rarity import Rarity, Scale, half_tens
from schemas.alert import Amplification, Detection
from schemas.insight import Insight
from schemas.time import DAY_MS, MINUTE_MS
from schemas.unit import Unit

CAUSE: Final = "influential"
FOLLOWERS_MIN: Final = 10_000
AUDIENCES: Final = Scale(least=200.0, exponent=0.85, a_month=20.0, weight=0.5)
WINDOW_MS: Final = DAY_MS
GRACE_MS: Final = 10 * MINUTE_MS
"""How late behind the watermark an insight may come and still have its whole window."""
POSTS_MAX: Final = 50
ENDS_MAX: Final = 20
"""At how many later posts one that comes out of order is judged again."""
AUTHORS_STEPS: Final = (1, 2, 3, 5, 10, 20, 50)
"""So many such authors are news again."""
COLD_MONTHS: Final = 1.0

_ORIGINALS: Final = frozenset(("post", "reply", "review", "edit"))


class Heard(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A complaint, and how many follow who wrote it."""

    mention: Mention
    followers: int


class InfluentialState(msgspec.Struct, omit_defaults=True):
    """`posts` of the last 24 hours, by event time, at most 50 (the newest); what leaves is learned by `audiences`."""

    posts: list[Heard] = []
    frozen: list[Frozen] = []
    audiences: Rarity = msgspec.field(default_factory=Rarity)


class InfluentialDetector:
    """`false_alerts_a_month`: its share of what a unit may have in 30 days."""

    name = CAUSE
    alertname = "InfluentialAuthor"
    state_type = InfluentialState
    takes_confidential = False
    takes_edits = False

    def __init__(self, false_alerts_a_month: float = 0.01) -> None:
        self.false_alerts_a_month = false_alerts_a_month

    def observe(self, state: InfluentialState, insight: Insight) -> bool:
        """See `Detector.observe`. Whoever has no author counts as somebody of his own."""
        at_ms = int(insight.event_time)
        if not 0 <= state.audiences.since_ms < at_ms:
            state.audiences.watch(at_ms)
        followers, sentiment = insight.reach.followers, insight.sentiment
        if followers is None or sentiment is None or sentiment.label != "negative":
            return False
        if sentiment.abstained or insight.kind not in _ORIGINALS or self.holds(state, insight.id):
            return False
        if followers < FOLLOWERS_MIN:
            state.audiences.learn(AUDIENCES, followers, at_ms)
            return False
        heard = Heard(mention_of(insight), followers)
        insort(state.posts, heard, key=_place)
        if len(state.posts) > POSTS_MAX:
            gone = state.posts.pop(0)
            self._learn(state, state.audiences, gone)
            return gone is not heard
        return True

    def retract(self, state: InfluentialState, insight_id: str) -> int | None:
        """See `Detector.retract`."""
        for place, heard in enumerate(state.posts):
            if heard.mention.insight_id == insight_id:
                del state.posts[place]
                return heard.mention.event_time
        return None

    def holds(self, state: InfluentialState, insight_id: str) -> bool:
        """See `Detector.holds`."""
        return any(heard.mention.insight_id == insight_id for heard in state.posts)

    def judge(self, state: InfluentialState, insight: Insight) -> Sequence[Signal]:
        """See `Detector.judge`: the windows that end at the insight, or at a post up to 24 hours later."""
        found = [signal for at_ms in _ends(state.posts, int(insight.event_time)) if (signal := self._at(state, at_ms))]
        return (max(found, key=lambda signal: (signal.severity, -signal.at_ms)),) if found else ()

    def signal(self, state: InfluentialState, cause: str, at_ms: int) -> Signal | None:
        """See `Detector.signal`."""
        return self._at(state, at_ms)

    def calm(self, state: InfluentialState, cause: str, at_ms: int) -> bool:
        """See `Detector.calm`: no such author for 24 hours."""
        return self._at(state, at_ms) is None

    def evaluate(self, state: InfluentialState, cause: str, at_ms: int) -> Finding:
        """See `Detector.evaluate`: the 24 hours that end at `at_ms`. `rarity` is how many authors with as many
        followers as the rarest of them 30 days bring; `amplification.reach` are the followers of all."""
        known = self._known(state, at_ms)
        rare = self._rare(state, known, at_ms)
        window = rare or _window(state.posts, at_ms)
        nobody = known.expected(AUDIENCES, FOLLOWERS_MIN, at_ms)
        mentions = [heard.mention for heard in window]
        audiences = _audiences(window)
        signal = _signal(at_ms, audiences)
        cold = known.months(at_ms) < COLD_MONTHS
        return Finding(
            at_ms=at_ms,
            active=bool(rare),
            detection=Detection(
                method="rare_audience",
                window_s=WINDOW_MS // 1000,
                observed=len(window),
                distinct_authors=len(audiences),
                rarity=min((_rarity(known, heard) for heard in window), default=nobody),
                rarity_max=float(f"{self.false_alerts_a_month:.3g}"),
                baseline="prior" if cold else "unit",
                cold_start=cold,
                aspects=aspects_of(mentions),
            ),
            amplification=Amplification(reach=sum(audiences.values())),
            severity=signal.severity,
            grown_past=signal.grown_past,
            ends_when="nobody whom as many follow complains for 24 hours",
            **told(mentions),
        )

    def freeze(self, state: InfluentialState, cause: str, from_ms: int, to_ms: int) -> None:
        """See `Detector.freeze`."""
        others = [stretch for stretch in state.frozen if stretch.start != from_ms]
        state.frozen = [*others, Frozen(from_ms, to_ms)]

    def end(self, state: InfluentialState, cause: str, at_ms: int) -> None:
        """See `Detector.end`. What it told has left the window by then."""

    def configure(self, state: InfluentialState, unit: Unit) -> None:
        """See `Detector.configure`. Nothing of a unit's settings matters here."""

    def advance(self, state: InfluentialState, watermark_ms: int) -> None:
        """See `Detector.advance`."""
        closed = watermark_ms - WINDOW_MS - GRACE_MS
        if state.posts and _time(state.posts[0]) <= closed:
            leaving = bisect_right(state.posts, closed, key=_time)
            for heard in state.posts[:leaving]:
                self._learn(state, state.audiences, heard)
            del state.posts[:leaving]
        if state.frozen:
            state.frozen = [stretch for stretch in state.frozen if stretch.end > closed]

    def summary(self, finding: Finding, place: str, topic: str | None) -> str:
        """See `Detector.summary`."""
        people, reach = finding.detection.distinct_authors, finding.amplification.reach
        about = f", mostly about {topic.lower()}" if topic else ""
        who = f"Somebody with {reach:,} followers" if people == 1 else f"{people} people with {reach:,} followers"
        return f"{who} complained about {place}{about}"

    def _at(self, state: InfluentialState, at_ms: int) -> Signal | None:
        if not state.posts:
            return None
        audiences = _audiences(self._rare(state, self._known(state, at_ms), at_ms))
        return _signal(at_ms, audiences) if audiences else None

    def _rare(self, state: InfluentialState, known: Rarity, at_ms: int) -> list[Heard]:
        """Those of the 24 hours that end at `at_ms` whose audience is rare, one by one."""
        limit = self.false_alerts_a_month
        return [heard for heard in _window(state.posts, at_ms) if _rarity(known, heard) <= limit]

    def _known(self, state: InfluentialState, at_ms: int) -> Rarity:
        """What was learned by a time: with what has left the window by then, and is only not yet learned."""
        closed = at_ms - WINDOW_MS - GRACE_MS
        if not state.posts or _time(state.posts[0]) > closed:
            return state.audiences
        known = state.audiences.copied()
        for heard in state.posts[: bisect_right(state.posts, closed, key=_time)]:
            self._learn(state, known, heard)
        return known

    @staticmethod
    def _learn(state: InfluentialState, audiences: Rarity, heard: Heard) -> None:
        """Once for each author: of what he says within a day of his last word, the last."""
        at_ms = _time(heard)
        again = any(
            other.mention.author == heard.mention.author
            and _place(heard) < _place(other)
            and _time(other) <= at_ms + WINDOW_MS + GRACE_MS
            for other in state.posts
        )
        if not again and not any(stretch.start <= at_ms <= stretch.end for stretch in state.frozen):
            audiences.learn(AUDIENCES, heard.followers, at_ms)


def severity_of(reach: int) -> int:
    """Severity 1 to 10, from the payload's `reach` alone: 4 at 10,000, 5 at 30,000, 6 at 100,000 and so on."""
    return min(10, max(1, half_tens(reach) - 4))


def _signal(at_ms: int, audiences: dict[str, int]) -> Signal:
    news = max((step for step in AUTHORS_STEPS if step <= len(audiences)), default=0)
    return Signal(at_ms, severity_of(sum(audiences.values())), CAUSE, news)


def _rarity(known: Rarity, heard: Heard) -> float:
    """As it was at the time of the post: the silence after it makes nobody rarer."""
    return known.expected(AUDIENCES, heard.followers, _time(heard))


def _audiences(posts: list[Heard]) -> dict[str, int]:
    """Followers by author: what a post said last may be more than what it said before."""
    followers: dict[str, int] = {}
    for heard in posts:
        followers[heard.mention.author] = max(heard.followers, followers.get(heard.mention.author, 0))
    return followers


def _window(posts: list[Heard], at_ms: int) -> list[Heard]:
    """Those of the 24 hours that end at `at_ms`."""
    return posts[bisect_right(posts, at_ms - WINDOW_MS, key=_time) : bisect_right(posts, at_ms, key=_time)]


def _ends(posts: list[Heard], at_ms: int) -> Iterator[int]:
    """The ends of the windows with a post of this time in them."""
    yield at_ms
    first = bisect_right(posts, at_ms, key=_time)
    last = min(bisect_left(posts, at_ms + WINDOW_MS, key=_time), first + ENDS_MAX)
    yield from (_time(heard) for heard in posts[first:last])


def _time(heard: Heard) -> int:
    return heard.mention.event_time


def _place(heard: Heard) -> tuple[int, str]:
    return heard.mention.event_time, heard.mention.insight_id
