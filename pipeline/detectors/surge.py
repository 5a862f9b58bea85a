"""Surge: unusually many different people complain about a unit, within a quarter of an hour or within a day.

In: negative originals (posts, replies, reviews, feedback; no reposts). Out: how many distinct authors the windows have
that end at an insight, against a gamma-Poisson baseline of the hours before each window. The one rules: one person
counts once, however much he writes; and what an alert has told is not news again: no window reaches back behind the end
of the last alert.

Of the windows the one counts that chance would bring most rarely. Each has its share of the budget of false alerts
(`pipeline.budget`).

Source: the count model is `pipeline.baseline`; originals by distinct authors, because reposts are what makes counts
over-dispersed, and they have models of their own (Zhao et al., SEISMIC, KDD 2015).
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec

from pipeline.baseline import Usual
from pipeline.budget import WINDOW_SHARES, rarity
from pipeline.detectors.detector import Finding, Signal
from pipeline.detectors.mention import Mention, aspects_of, mention_of, told
from pipeline.history import History
from pipeline.local_time import HOURS_OF_WEEK
from schemas.alert import Detection
from schemas.insight import Insight
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.unit import Unit

CAUSE: Final = "surge"
WINDOWS_MS: Final = tuple(sorted(WINDOW_SHARES))
WINDOW_MS: Final = WINDOWS_MS[-1]
"""The longest."""
GRACE_MS: Final = 10 * MINUTE_MS
"""How late behind the watermark an insight may come and still count."""
CALM_WINDOWS_MS: Final = tuple(window for window in WINDOWS_MS if window < DAY_MS)
CALM_FACTOR: Final = 100.0
"""An alert ends where no window is less likely than a hundred times what raises it."""
MENTIONS_MAX: Final = 1000
AUTHORS_MIN: Final = 3
ENDS_MAX: Final = 10
"""At how many later mentions an insight that comes out of order is judged again: the nearest. What only windows further
on would show is seen with the next complaint."""
SCREEN_SIGMAS: Final = 3.0
SCREEN_LIMIT_MAX: Final = 0.1
"""Even a count that does not scatter has windows so far above its mean more often than this in 30 days."""

KNOWN_HOURS: Final = 72.0
"""Once so much is known the level is that of a day ago for all windows."""

_ORIGINALS: Final = frozenset(("post", "reply", "review", "feedback", "edit"))
_DAY_SHARES: Final = {window: max(0.0, math.log(window / HOUR_MS) / math.log(24)) for window in WINDOWS_MS}

_time = attrgetter("event_time")
_place = attrgetter("event_time", "insight_id")


class SurgeState(msgspec.Struct, omit_defaults=True):
    """`mentions` of the last day by event time, at most 1,000. `told`: up to where an alert has told, in ms."""

    mentions: list[Mention] = []
    told: int = 0
    history: History = msgspec.field(default_factory=History)


class Seen(NamedTuple):
    """A window at a time. `rarity`: how many such windows chance would bring in 30 days."""

    rarity: float
    window_ms: int
    authors: int
    p_value: float
    usual: Usual
    cold: bool


class SurgeDetector:
    """`false_alerts_a_month`: how many false alerts a unit may have in 30 days, over all windows."""

    name = CAUSE
    alertname = "NegativeSurge"
    state_type = SurgeState
    takes_confidential = False
    takes_edits = False

    def __init__(self, false_alerts_a_month: float = 0.08) -> None:
        self.limits = {window: share * false_alerts_a_month for window, share in WINDOW_SHARES.items()}
        self.calm_limits = {window: CALM_FACTOR * limit for window, limit in self.limits.items()}

    def observe(self, state: SurgeState, insight: Insight) -> bool:
        """See `Detector.observe`."""
        hour = insight.event_time // HOUR_MS
        state.history.watch(hour)
        sentiment = insight.sentiment
        if sentiment is None or sentiment.label != "negative" or insight.kind not in _ORIGINALS:
            return False
        mentions, mention = state.mentions, mention_of(insight)
        place = bisect_left(mentions, _place(mention), key=_place)
        if place < len(mentions) and _place(mentions[place]) == _place(mention):
            return False
        if not _wrote_in_same_hour(mentions, mention):
            state.history.count(hour, 1)
        mentions.insert(place, mention)
        if len(mentions) > MENTIONS_MAX:
            del mentions[_spare(mentions)]
        return True

    def retract(self, state: SurgeState, insight_id: str) -> int | None:
        """See `Detector.retract`. Its author leaves the hour if nothing else of him is in it."""
        for place, mention in enumerate(state.mentions):
            if mention.insight_id == insight_id:
                del state.mentions[place]
                if not _wrote_in_same_hour(state.mentions, mention):
                    state.history.count(mention.event_time // HOUR_MS, -1)
                return mention.event_time
        return None

    def holds(self, state: SurgeState, insight_id: str) -> bool:
        """See `Detector.holds`."""
        return any(mention.insight_id == insight_id for mention in state.mentions)

    def judge(self, state: SurgeState, insight: Insight) -> Sequence[Signal]:
        """See `Detector.judge`: the windows that end at the insight, or at a mention up to a day later."""
        event_time = int(insight.event_time)
        found = [self.signal(state, CAUSE, at_ms) for at_ms in _ends(state.mentions, event_time)]
        signals = [signal for signal in found if signal is not None]
        return (max(signals, key=lambda signal: (signal.severity, -signal.at_ms)),) if signals else ()

    def signal(self, state: SurgeState, cause: str, at_ms: int) -> Signal | None:
        """See `Detector.signal`."""
        worst = min(self._unlikely(state, at_ms, self.limits, WINDOWS_MS), default=None)
        return None if worst is None else Signal(at_ms, severity_of(worst.rarity), cause)

    def calm(self, state: SurgeState, cause: str, at_ms: int) -> bool:
        """See `Detector.calm`: no window of less than a day is far from usual."""
        if any(self._unlikely(state, at_ms, self.calm_limits, CALM_WINDOWS_MS)):
            return False
        return self.signal(state, cause, at_ms) is None

    def evaluate(self, state: SurgeState, cause: str, at_ms: int) -> Finding:
        """See `Detector.evaluate`: the most unlikely of the windows that end at `at_ms`."""
        alarming = min(self._unlikely(state, at_ms, self.limits, WINDOWS_MS), default=None)
        worst = alarming or min(self._unlikely(state, at_ms, None, WINDOWS_MS))
        start_ms = max(at_ms - worst.window_ms, state.told)
        mentions = _between(state.mentions, start_ms, at_ms)
        return Finding(
            at_ms=at_ms,
            active=alarming is not None,
            detection=Detection(
                method="gamma_poisson_tail",
                window_s=worst.window_ms // 1000,
                observed=len(mentions),
                distinct_authors=worst.authors,
                expected=round(worst.usual.mean, 4),
                p_value=worst.p_value,
                rarity=worst.rarity,
                rarity_max=float(f"{self.limits[worst.window_ms]:.3g}"),
                dispersion=round(worst.usual.dispersion, 2),
                baseline=_known_from(state.history, worst.cold),
                cold_start=worst.cold,
                aspects=aspects_of(mentions),
            ),
            severity=severity_of(worst.rarity),
            ends_when="for 30 minutes no window of up to four hours is far above what is usual",
            **told(mentions),
        )

    def freeze(self, state: SurgeState, cause: str, from_ms: int, to_ms: int) -> None:
        """See `Detector.freeze`."""
        state.history.freeze(from_ms, to_ms)

    def end(self, state: SurgeState, cause: str, at_ms: int) -> None:
        """See `Detector.end`."""
        state.told = max(state.told, at_ms)

    def configure(self, state: SurgeState, unit: Unit) -> None:
        """See `Detector.configure`."""
        group = unit.complaints_a_week
        state.history.configure(unit.time_zone, None if group is None else group / HOURS_OF_WEEK)

    def advance(self, state: SurgeState, watermark_ms: int) -> None:
        """See `Detector.advance`. What is learned here is what `evaluate` would have learned: the same steps in the
        same order, so that it does not matter when."""
        closed = (watermark_ms - WINDOW_MS - 2 * GRACE_MS) // HOUR_MS
        mentions = state.mentions
        if mentions and mentions[0].event_time < closed * HOUR_MS:
            del mentions[: bisect_left(mentions, closed * HOUR_MS, key=_time)]
        state.history.close(closed)

    def summary(self, finding: Finding, place: str, topic: str | None) -> str:
        """See `Detector.summary`."""
        seen = finding.detection
        people = "1 customer" if seen.distinct_authors == 1 else f"{seen.distinct_authors} customers"
        minutes = seen.window_s // 60
        span = f"{minutes} minutes" if minutes <= 60 else f"{minutes // 60} hours"
        return (
            f"{people} complained about {place} within {span}"
            f"{f', mostly about {topic.lower()}' if topic else ''}; {seen.expected:.2g} would be usual"
        )

    # The windows

    def _unlikely(
        self,
        state: SurgeState,
        at_ms: int,
        limits: dict[int, float] | None,
        windows: Sequence[int],
    ) -> Iterator[Seen]:
        """The windows that end at `at_ms` and are at most as likely as their limits; all, where there are none."""
        mentions, history = state.mentions, state.history
        end = (
            bisect_right(mentions, at_ms, key=_time) if mentions and mentions[-1].event_time > at_ms else len(mentions)
        )
        if limits and end < AUTHORS_MIN:
            return
        base, learned = history.as_of((at_ms - WINDOW_MS - GRACE_MS) // HOUR_MS)
        day_old = history.level(base, learned, (at_ms - WINDOW_MS) // HOUR_MS)
        for window in windows:
            start_ms = max(at_ms - window, state.told)
            begin = bisect_right(mentions, start_ms, 0, end, key=_time)
            if limits and end - begin < AUTHORS_MIN:
                continue
            baseline = day_old
            if window < WINDOW_MS and day_old.hours < KNOWN_HOURS:
                baseline = history.level(base, learned, (at_ms - max(window, HOUR_MS)) // HOUR_MS)
            if window > HOUR_MS and baseline.hours * HOUR_MS < window:
                continue
            mean = baseline.rate * history.exposure(baseline, start_ms, at_ms)
            near = mean + SCREEN_SIGMAS * math.sqrt(mean)
            if limits and limits[window] <= SCREEN_LIMIT_MAX and end - begin < near:
                continue
            authors = len({mention.author for mention in mentions[begin:end]})
            if limits and (authors < AUTHORS_MIN or (limits[window] <= SCREEN_LIMIT_MAX and authors < near)):
                continue
            usual = baseline.usual(mean, _DAY_SHARES[window])
            p_value = usual.p_value(authors)
            rare = float(f"{rarity(window, authors, mean, usual.dispersion, p_value):.3g}")
            if not limits or rare <= limits[window]:
                yield Seen(rare, window, authors, p_value, usual, baseline.cold)


def severity_of(rarity: float) -> int:
    """Severity 1 to 10, from the payload alone. `rarity`: how many such windows chance would bring in 30 days; 4 for
    one in ten to a hundred months, and one more with each zero."""
    return 10 if rarity <= 1e-7 else max(1, math.floor(3.0 - math.log10(rarity)))


def _between(mentions: list[Mention], start_ms: int, at_ms: int) -> list[Mention]:
    """Those behind `start_ms`, up to `at_ms`."""
    return mentions[bisect_right(mentions, start_ms, key=_time) : bisect_right(mentions, at_ms, key=_time)]


def _ends(mentions: list[Mention], event_time: int) -> list[int]:
    """Where windows end that have an insight of this time in them: at itself, and at mentions behind it."""
    if not mentions or mentions[-1].event_time <= event_time:
        return [event_time]
    later = (one.event_time for one in _between(mentions, event_time, event_time + WINDOW_MS - 1))
    return [event_time, *list(dict.fromkeys(later))[:ENDS_MAX]]


def _known_from(history: History, cold: bool) -> str:
    if not cold:
        return "unit"
    return "prior" if history.group_rate is None else "group"


def _spare(mentions: list[Mention]) -> int:
    """The place of the oldest of whoever wrote most, so that one who writes a thousand times pushes out nobody."""
    wrote = Counter(mention.author for mention in mentions)
    most = max(wrote.values())
    return next(place for place, mention in enumerate(mentions) if wrote[mention.author] == most)


def _wrote_in_same_hour(mentions: list[Mention], one: Mention) -> bool:
    start_ms = one.event_time // HOUR_MS * HOUR_MS
    return any(
        mention.author == one.author and mention.insight_id != one.insight_id
        for mention in _between(mentions, start_ms - 1, start_ms + HOUR_MS - 1)
    )
