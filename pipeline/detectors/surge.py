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
from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec

from pipeline.baseline import Baseline, Usual
from pipeline.budget import WINDOW_SHARES, rarity
from pipeline.detectors.detector import Finding, Signal
from pipeline.detectors.mention import Mention, aspects_of, author_of, mention_of, told
from pipeline.local_time import HOURS_OF_WEEK, hour_of_week
from pipeline.week import Week
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
MENTIONS_MAX: Final = 500
MENTIONS_AN_AUTHOR_MAX: Final = 20
AUTHORS_MIN: Final = 3
ENDS_MAX: Final = 50
"""At how many later mentions an insight that comes out of order is judged again."""
HOURS_MAX: Final = 72
"""Hours that may wait to be learned. Where no watermark closes them, the oldest are learned all the same."""
SCREEN_SIGMAS: Final = 3.0
SCREEN_LIMIT_MAX: Final = 0.1
"""Even a count that does not scatter has windows so far above its mean more often than this in 30 days."""

KNOWN_HOURS: Final = 72.0
"""Once so much is known the level is that of a day ago for all windows."""

_ORIGINALS: Final = frozenset(("post", "reply", "review", "feedback", "edit"))
_DAY_SHARES: Final = {window: max(0.0, math.log(window / HOUR_MS) / math.log(24)) for window in WINDOWS_MS}

_time = attrgetter("event_time")
_place = attrgetter("event_time", "insight_id")


class Frozen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A stretch of an alert, in milliseconds."""

    start: int
    end: int


class SurgeState(msgspec.Struct, omit_defaults=True):
    """`mentions` by event time, at most 500 (the newest). `hours`: how many authors hours have that the baseline has
    not learned yet, by hours since the epoch. `learned`: the end of the last hour learned, at first the first hour of
    which anything is known. `frozen`: stretches of time that are not learned. `told`: up to where an alert has told.
    Times in milliseconds, if not said otherwise."""

    mentions: list[Mention] = []
    hours: dict[int, int] = {}
    learned: int = -1
    told: int = 0
    frozen: list[Frozen] = []
    time_zone: str = "UTC"
    group_rate: float | None = None
    baseline: Baseline | None = None


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
        if state.learned < 0 or (hour < state.learned and state.baseline is None):
            state.learned = hour  # the first insights may come in any order
        sentiment = insight.sentiment
        if sentiment is None or sentiment.label != "negative" or insight.kind not in _ORIGINALS:
            return False
        author, his = author_of(insight), 0
        for mention in state.mentions:
            if mention.insight_id == insight.id:
                return False
            his += mention.author == author
        if his >= MENTIONS_AN_AUTHOR_MAX:
            state.mentions.remove(next(mention for mention in state.mentions if mention.author == author))
        mention = mention_of(insight)
        if hour >= state.learned and not _wrote_in_same_hour(state.mentions, mention):
            state.hours[hour] = state.hours.get(hour, 0) + 1
            if len(state.hours) > HOURS_MAX:
                self._close(state, min(state.hours) + 1)
        insort(state.mentions, mention, key=_place)
        if len(state.mentions) > MENTIONS_MAX:
            del state.mentions[0]
        return True

    def retract(self, state: SurgeState, insight_id: str) -> int | None:
        """See `Detector.retract`. Its author leaves the hour if nothing else of him is in it."""
        for place, mention in enumerate(state.mentions):
            if mention.insight_id == insight_id:
                del state.mentions[place]
                hour = mention.event_time // HOUR_MS
                if hour in state.hours and not _wrote_in_same_hour(state.mentions, mention):
                    state.hours[hour] -= 1
                    if not state.hours[hour]:
                        del state.hours[hour]
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
                baseline=_known_from(state, worst.cold),
                cold_start=worst.cold,
                aspects=aspects_of(mentions),
            ),
            severity=severity_of(worst.rarity),
            ends_when="for 30 minutes no window of up to four hours is far above what is usual",
            **told(mentions),
        )

    def freeze(self, state: SurgeState, cause: str, from_ms: int, to_ms: int) -> None:
        """See `Detector.freeze`."""
        state.frozen = [*(stretch for stretch in state.frozen if stretch.start != from_ms), Frozen(from_ms, to_ms)]

    def end(self, state: SurgeState, cause: str, at_ms: int) -> None:
        """See `Detector.end`."""
        state.told = max(state.told, at_ms)

    def configure(self, state: SurgeState, unit: Unit) -> None:
        """See `Detector.configure`."""
        state.time_zone = unit.time_zone
        state.group_rate = unit.complaints_a_week / HOURS_OF_WEEK if unit.complaints_a_week else None
        if state.baseline is not None:
            state.baseline.group_rate = state.group_rate

    def advance(self, state: SurgeState, watermark_ms: int) -> None:
        """See `Detector.advance`. What is learned here is what `evaluate` would have learned: the same steps in the
        same order, so that it does not matter when."""
        closed = (watermark_ms - WINDOW_MS - 2 * GRACE_MS) // HOUR_MS
        if state.mentions and state.mentions[0].event_time < closed * HOUR_MS:
            state.mentions = [mention for mention in state.mentions if mention.event_time >= closed * HOUR_MS]
        if state.hours and min(state.hours) < closed:
            self._close(state, closed)

    def summary(self, finding: Finding, place: str, topic: str | None) -> str:
        """See `Detector.summary`."""
        seen = finding.detection
        people = "1 customer" if seen.distinct_authors == 1 else f"{seen.distinct_authors} customers"
        minutes = seen.window_s // 60
        span = f"{minutes} minutes" if minutes <= 60 else f"{minutes // 60} hours"
        return (
            f"{people} complained about {place} within {span}"
            f"{f', mostly about {topic.lower()}' if topic else ''}; {seen.expected:.1f} would be usual"
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
        crowds = _crowds(state, at_ms, windows)
        if limits and crowds[-1] < AUTHORS_MIN:
            return
        known = _Known(state, at_ms)
        for window, authors in zip(windows, crowds, strict=True):
            if limits and authors < AUTHORS_MIN:
                continue
            baseline = known.before(window)
            if window > HOUR_MS and baseline.hours * HOUR_MS < window:
                continue
            mean = baseline.rate * _exposure(state, baseline.week, window, at_ms)
            if limits and limits[window] <= SCREEN_LIMIT_MAX and authors < mean + SCREEN_SIGMAS * math.sqrt(mean):
                continue
            usual = baseline.usual(mean, _DAY_SHARES[window])
            p_value = usual.p_value(authors)
            rare = float(f"{rarity(window, authors, mean, usual.dispersion, p_value):.3g}")
            if not limits or rare <= limits[window]:
                yield Seen(rare, window, authors, p_value, usual, baseline.cold)

    @staticmethod
    def _close(state: SurgeState, closed: int) -> None:
        """Learns the busy hours before `closed`; what comes for them from now on is too late to be learned."""
        state.baseline, state.learned = _learned(state, closed)
        state.hours = {hour: authors for hour, authors in state.hours.items() if hour >= closed}
        state.frozen = [stretch for stretch in state.frozen if stretch.end > state.learned * HOUR_MS]


def severity_of(rarity: float) -> int:
    """Severity 1 to 10, from the payload alone. `rarity`: how many such windows chance would bring in 30 days; 4 for
    one in ten to a hundred months, and one more with each zero."""
    return 10 if rarity <= 1e-7 else max(1, math.floor(3.0 - math.log10(rarity)))


def _crowds(state: SurgeState, at_ms: int, windows: Sequence[int]) -> list[int]:
    """How many distinct authors each of the windows has, the shortest first."""
    authors: set[str] = set()
    crowds: list[int] = []
    mentions = state.mentions
    place = len(mentions) if not mentions or mentions[-1].event_time <= at_ms else bisect_right(
        mentions, at_ms, key=_time
    )  # fmt: skip
    for window in windows:
        start_ms = max(at_ms - window, state.told)
        while place and mentions[place - 1].event_time > start_ms:
            place -= 1
            authors.add(mentions[place].author)
        crowds.append(len(authors))
    return crowds


def _between(mentions: list[Mention], start_ms: int, at_ms: int) -> list[Mention]:
    """Those behind `start_ms`, up to `at_ms`."""
    return mentions[bisect_right(mentions, start_ms, key=_time) : bisect_right(mentions, at_ms, key=_time)]


def _ends(mentions: list[Mention], event_time: int) -> list[int]:
    """Where windows end that have an insight of this time in them: at itself, and at mentions behind it."""
    if not mentions or mentions[-1].event_time <= event_time:
        return [event_time]
    later = (one.event_time for one in _between(mentions, event_time, event_time + WINDOW_MS - 1))
    return [event_time, *list(dict.fromkeys(later))[:ENDS_MAX]]


# What is usual


class _Known:
    """What is known from the hours that ended before a window began (before the last hour, for shorter ones). Week and
    scatter are those of a day ago, and so is the level once three days are known: the last says little more then."""

    def __init__(self, state: SurgeState, at_ms: int) -> None:
        self._state = state
        self._at_ms = at_ms
        self._base, self._learned = _learned(state, (at_ms - WINDOW_MS - GRACE_MS) // HOUR_MS)
        self._day_old = _with_silence(state, self._base, self._learned, self._cut(WINDOW_MS))

    def before(self, window: int) -> Baseline:
        """The baseline of a window of this length that ends now."""
        if window == WINDOW_MS or self._day_old.hours >= KNOWN_HOURS:
            return self._day_old
        state, cut = self._state, self._cut(window)
        level, learned = msgspec.structs.replace(self._base), self._learned
        for hour in sorted(hour for hour in state.hours if learned <= hour < cut):
            if not _is_frozen(state, hour):
                level = _with_silence(state, level, learned, hour)
                level.pass_hour(state.hours[hour], level.week.factor(hour_of_week(hour, state.time_zone)))
                learned = hour + 1
        return _with_silence(state, level, learned, cut)

    def _cut(self, window: int) -> int:
        return (self._at_ms - max(window, HOUR_MS)) // HOUR_MS


def _exposure(state: SurgeState, week: Week, window: int, at_ms: int) -> float:
    """For how many usual hours the window that ends at `at_ms` stands."""
    start_ms = max(at_ms - window, state.told)
    first, last = start_ms // HOUR_MS, at_ms // HOUR_MS
    of_week = hour_of_week(first, state.time_zone)
    exposure = week.exposure(of_week, last - first + 1)
    exposure -= week.factor(of_week) * (start_ms - first * HOUR_MS) / HOUR_MS
    exposure -= week.factor(hour_of_week(last, state.time_zone)) * (1.0 - (at_ms - last * HOUR_MS) / HOUR_MS)
    return max(exposure, 1e-3)


def _with_silence(state: SurgeState, baseline: Baseline, from_hour: int, to_hour: int) -> Baseline:
    """A copy of the level, with silence between the two learned."""
    level = msgspec.structs.replace(baseline)
    for first, last in _open_hours(state, from_hour, to_hour):
        level.pass_silence(level.week.exposure(hour_of_week(first, state.time_zone), last - first), last - first)
    return level


def _learned(state: SurgeState, before: int) -> tuple[Baseline, int]:
    """The baseline with all busy hours before `before`, and the end of the last of them. Silence is learned only with
    the next busy hour, so that it is never split in two. What is returned may be the state's own: not to be changed."""
    baseline = state.baseline or Baseline(group_rate=state.group_rate)
    learned = state.learned
    busy = [hour for hour in sorted(state.hours) if learned <= hour < before and not _is_frozen(state, hour)]
    if busy:
        baseline = baseline.copy()
    for hour in busy:
        for first, last in _open_hours(state, learned, hour):
            baseline.learn_silence(first, hour_of_week(first, state.time_zone), last - first)
        baseline.learn(hour, hour_of_week(hour, state.time_zone), state.hours[hour])
        learned = hour + 1
    return baseline, learned


def _open_hours(state: SurgeState, from_hour: int, to_hour: int) -> Iterator[tuple[int, int]]:
    """The stretches between the two that are to be learned."""
    for stretch in sorted(state.frozen, key=attrgetter("start")) if state.frozen else ():
        first = max(from_hour, stretch.start // HOUR_MS)
        last = min(to_hour, -(-stretch.end // HOUR_MS))
        if last > first:
            if first > from_hour:
                yield from_hour, first
            from_hour = last
    if to_hour > from_hour:
        yield from_hour, to_hour


def _is_frozen(state: SurgeState, hour: int) -> bool:
    start_ms = hour * HOUR_MS
    return bool(state.frozen) and any(
        stretch.start < start_ms + HOUR_MS and start_ms < stretch.end for stretch in state.frozen
    )


def _known_from(state: SurgeState, cold: bool) -> str:
    if not cold:
        return "unit"
    return "prior" if state.group_rate is None else "group"


def _wrote_in_same_hour(mentions: list[Mention], one: Mention) -> bool:
    start_ms = one.event_time // HOUR_MS * HOUR_MS
    return any(
        mention.author == one.author and mention.insight_id != one.insight_id
        for mention in _between(mentions, start_ms - 1, start_ms + HOUR_MS - 1)
    )
