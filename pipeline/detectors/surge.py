"""Surge: unusually many different people complain about a unit within an hour.

In: negative originals (posts, replies, reviews, feedback; no reposts). Out: how many distinct authors an hour has,
against a gamma-Poisson baseline of the hours before it. The one rule: one person counts once, however much he writes.

Source: the count model is `pipeline.baseline`; originals by distinct authors, because reposts are what makes counts
over-dispersed, and they have models of their own (Zhao et al., SEISMIC, KDD 2015).
"""

import math
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import TypeVar

import msgspec

from pipeline.baseline import Baseline
from pipeline.detectors.detector import Finding, Signal
from schemas.alert import Detection, Evidence
from schemas.insight import Insight
from schemas.time import HOUR_MS, MINUTE_MS

WINDOW_MS = HOUR_MS
GRACE_MS = 10 * MINUTE_MS
"""How late behind the watermark an insight may come and still count."""
MENTIONS_MAX = 500
EVIDENCE_MAX = 10
AUTHORS_MIN = 3
WINDOWS_MAX = 50
"""How many later windows an insight that comes out of order is judged in."""
HOURS_MAX = 48
"""Hours that may wait to be learned. Where no watermark closes them, the oldest are learned all the same."""
TESTS_A_MONTH = 30 * 24

_ORIGINALS = frozenset(("post", "reply", "review", "feedback", "edit"))


Value = TypeVar("Value")

_time = attrgetter("event_time")
_place = attrgetter("event_time", "insight_id")


class Mention(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One negative original. `aspect`, `department`: of the main thing that it speaks of."""

    event_time: int
    insight_id: str
    author: str
    network: str
    text_ref: str | None
    compound: float
    confidence: float
    model: str
    rule: str
    rule_confidence: float
    aspect: str | None = None
    department: str | None = None
    stage: str | None = None
    language: str | None = None


class SurgeState(msgspec.Struct, omit_defaults=True):
    """`mentions` by event time, at most 500 (the newest). `hours`: authors of hours that the baseline has not learned
    yet. `learned`: the end of the last hour learned, at first the first hour of which anything is known. `frozen`:
    stretches of time that are not learned. `settled`: up to where mentions were judged on the watermark. Times in
    milliseconds."""

    mentions: list[Mention] = []
    hours: dict[int, list[str]] = {}
    learned: int = -1
    settled: int = -1
    frozen: list[tuple[int, int]] = []
    baseline: Baseline = msgspec.field(default_factory=Baseline)


class SurgeDetector:
    """`false_alerts_a_month`: how many false alerts a unit may have in 30 days; shared out over hourly tests."""

    name = "surge"
    alertname = "NegativeSurge"
    state_type = SurgeState

    def __init__(self, false_alerts_a_month: float = 0.1) -> None:
        self.p_value_max = false_alerts_a_month / TESTS_A_MONTH

    def observe(self, state: SurgeState, insight: Insight) -> bool:
        """See `Detector.observe`. Whoever has no author counts as somebody of his own."""
        hour = _hour(insight.event_time)
        if state.learned < 0 or (hour < state.learned and not state.baseline.hours):
            state.learned = hour  # the first insights may come in any order
        sentiment = insight.sentiment
        if sentiment is None or sentiment.label != "negative" or insight.kind not in _ORIGINALS:
            return False
        if insight.id in [mention.insight_id for mention in state.mentions]:
            return False
        author = insight.author or insight.customer_ref or insight.id
        if hour >= state.learned:
            authors = state.hours.setdefault(hour, [])
            if len(authors) < MENTIONS_MAX and author not in authors:
                authors.append(author)
            if len(state.hours) > HOURS_MAX:
                self._close(state, min(state.hours) + HOUR_MS)
        main = insight.aspects[0] if insight.aspects else None
        mention = Mention(
            event_time=int(insight.event_time),
            insight_id=insight.id,
            author=author,
            network=insight.channel,
            text_ref=insight.text_ref,
            compound=sentiment.compound,
            confidence=sentiment.confidence,
            model=sentiment.model,
            rule=insight.routing.rule,
            rule_confidence=insight.routing.confidence,
            aspect=main.aspect if main else None,
            department=main.department if main else None,
            stage=insight.journey_stage,
            language=insight.language,
        )
        insort(state.mentions, mention, key=_place)
        if len(state.mentions) > MENTIONS_MAX:
            del state.mentions[0]
        return True

    def retract(self, state: SurgeState, insight_id: str) -> int | None:
        """See `Detector.retract`. Its author leaves the hour if nothing else of him is in it."""
        for place, mention in enumerate(state.mentions):
            if mention.insight_id == insight_id:
                del state.mentions[place]
                authors = state.hours.get(_hour(mention.event_time), [])
                if mention.author in authors and not _wrote_in_same_hour(state.mentions, mention):
                    authors.remove(mention.author)
                    if not authors:
                        del state.hours[_hour(mention.event_time)]
                return mention.event_time
        return None

    def judge(self, state: SurgeState, event_time: int) -> Signal | None:
        """See `Detector.judge`: the windows that end at the insight, or at a mention up to an hour later."""
        if state.mentions and state.mentions[-1].event_time <= event_time:
            return self.signal(state, event_time)
        found: list[tuple[float, int, int]] = []
        baselines: dict[int, Baseline] = {}
        for at_ms, authors in _crowds(state.mentions, event_time):
            before_ms = _hour(at_ms - WINDOW_MS)
            if before_ms not in baselines:
                baselines[before_ms] = _baseline(state, before_ms)
            if authors >= baselines[before_ms].least(self.p_value_max, MENTIONS_MAX):
                found.append((baselines[before_ms].p_value(authors), at_ms, authors))
        p_value, at_ms, authors = min(found, default=(1.0, event_time, 0))
        return Signal(at_ms, severity_of(p_value)) if authors >= AUTHORS_MIN else None

    def signal(self, state: SurgeState, at_ms: int) -> Signal | None:
        """See `Detector.signal`."""
        mentions = _window(state.mentions, at_ms)
        if len(mentions) < AUTHORS_MIN:
            return None
        baseline = _baseline(state, _hour(at_ms - WINDOW_MS))
        least = max(AUTHORS_MIN, baseline.least(self.p_value_max, MENTIONS_MAX))
        if len(mentions) < least:
            return None
        authors = len({mention.author for mention in mentions})
        return Signal(at_ms, severity_of(baseline.p_value(authors))) if authors >= least else None

    def evaluate(self, state: SurgeState, at_ms: int) -> Finding:
        """See `Detector.evaluate`: the hour that ends at `at_ms`, against the hours that ended before it began."""
        mentions = _window(state.mentions, at_ms)
        authors = len({mention.author for mention in mentions})
        baseline = _baseline(state, _hour(at_ms - WINDOW_MS))
        p_value = baseline.p_value(authors)
        kept = mentions[-EVIDENCE_MAX:]
        weakest = min(mentions, key=lambda mention: (mention.rule_confidence, mention.rule), default=None)
        count = max(1, len(mentions))
        aspect, department = _most((mention.aspect, mention.department) for mention in mentions) or (None, None)
        return Finding(
            at_ms=at_ms,
            active=authors >= AUTHORS_MIN and p_value <= self.p_value_max,
            detection=Detection(
                method="gamma_poisson_tail",
                window_s=WINDOW_MS // 1000,
                observed=len(mentions),
                distinct_authors=authors,
                expected=round(baseline.expected, 4),
                p_value=p_value,
                baseline="prior" if baseline.cold else "unit",
                cold_start=baseline.cold,
            ),
            severity=severity_of(p_value),
            evidence=tuple(
                Evidence(post_id=m.insight_id, network=m.network, author=_shown(m), text_ref=m.text_ref) for m in kept
            ),
            evidence_left_out=len(mentions) - len(kept),
            sentiment_mean=round(sum(mention.compound for mention in mentions) / count, 4),
            sentiment_confidence=round(sum(mention.confidence for mention in mentions) / count, 4),
            model=mentions[-1].model if mentions else "",
            languages=tuple(sorted({mention.language for mention in mentions if mention.language is not None})),
            aspect=aspect,
            department=department,
            journey_stage=_most(mention.stage for mention in mentions),
            routing_rule=weakest.rule if weakest else "",
            routing_confidence=weakest.rule_confidence if weakest else 0.0,
        )

    def unsettled(self, state: SurgeState) -> tuple[int, str] | None:
        """See `Detector.unsettled`."""
        mentions = state.mentions
        if not mentions or mentions[-1].event_time <= state.settled:
            return None
        first = mentions[bisect_right(mentions, state.settled, key=_time)]
        return first.event_time, first.insight_id

    def settle(self, state: SurgeState, to_ms: int) -> None:
        """See `Detector.settle`."""
        state.settled = max(state.settled, to_ms)

    def freeze(self, state: SurgeState, from_ms: int, to_ms: int) -> None:
        """See `Detector.freeze`."""
        state.frozen = [*(stretch for stretch in state.frozen if stretch[0] != from_ms), (from_ms, to_ms)]

    def advance(self, state: SurgeState, watermark_ms: int) -> None:
        """See `Detector.advance`. What is learned here is what `evaluate` would have learned: the same steps in the
        same order, so that it does not matter when."""
        closed = _hour(watermark_ms - WINDOW_MS - GRACE_MS)
        if state.mentions and state.mentions[0].event_time < closed:
            state.mentions = [mention for mention in state.mentions if mention.event_time >= closed]
        if state.hours and min(state.hours) < closed:
            self._close(state, closed)

    @staticmethod
    def _close(state: SurgeState, closed: int) -> None:
        """Learns the busy hours before `closed`; what comes for them from now on is too late to be learned."""
        state.baseline, state.learned = _learn(state, closed)
        state.hours = {hour: authors for hour, authors in state.hours.items() if hour >= closed}
        state.frozen = [stretch for stretch in state.frozen if stretch[1] > state.learned]


def severity_of(p_value: float) -> int:
    """Severity 1 to 10, from the payload alone: the number of leading zeros of the p-value."""
    return 10 if p_value <= 1e-10 else max(1, math.floor(-math.log10(p_value)))


def _most(values: Iterable[Value]) -> Value | None:
    """What most of them say; of as many the one that was said first, None if nobody says anything."""
    said = Counter(value for value in values if value is not None and value != (None, None))
    return max(said, key=said.__getitem__, default=None)


def _window(mentions: list[Mention], at_ms: int) -> list[Mention]:
    """Those of the hour that ends at `at_ms`."""
    return mentions[bisect_right(mentions, at_ms - WINDOW_MS, key=_time) : bisect_right(mentions, at_ms, key=_time)]


def _crowds(mentions: list[Mention], event_time: int) -> Iterator[tuple[int, int]]:
    """The windows with an insight of this time in them, by their ends: the first is its own, the others end at mentions
    behind it. How many distinct authors each has, counted while the window slides."""
    low = bisect_right(mentions, event_time - WINDOW_MS, key=_time)
    high = bisect_right(mentions, event_time, key=_time)
    words = Counter(mention.author for mention in mentions[low:high])
    yield event_time, len(words)
    for _ in range(WINDOWS_MAX):
        if high == len(mentions) or mentions[high].event_time >= event_time + WINDOW_MS:
            return
        at_ms = mentions[high].event_time
        while high < len(mentions) and mentions[high].event_time == at_ms:
            words[mentions[high].author] += 1
            high += 1
        while mentions[low].event_time <= at_ms - WINDOW_MS:
            words[mentions[low].author] -= 1
            if not words[mentions[low].author]:
                del words[mentions[low].author]
            low += 1
        yield at_ms, len(words)


def _baseline(state: SurgeState, before_ms: int) -> Baseline:
    """What is known from the hours that ended by `before_ms`."""
    baseline, learned = _learn(state, before_ms)
    baseline.learn_silence(_open_hours(state, learned, before_ms))
    return baseline


def _learn(state: SurgeState, before_ms: int) -> tuple[Baseline, int]:
    """A copy of the baseline that has learned the busy hours before `before_ms`, and the end of the last of them.
    Silence is learned only with the next busy hour, so that it is never split in two."""
    baseline = Baseline(state.baseline.shape, state.baseline.hours)
    learned = state.learned
    for hour in sorted(state.hours):
        if not learned <= hour < before_ms or _is_frozen(state, hour):
            continue
        baseline.learn_silence(_open_hours(state, learned, hour))
        baseline.learn(len(state.hours[hour]))
        learned = hour + HOUR_MS
    return baseline, learned


def _open_hours(state: SurgeState, from_ms: int, to_ms: int) -> int:
    """How many hours between the two are to be learned as silence."""
    hours = max(0, to_ms - from_ms) // HOUR_MS
    for start, end in sorted(state.frozen):
        first, last = max(from_ms, _hour(start)), min(to_ms, _hour(end + HOUR_MS - 1))
        if last > first:
            hours -= (last - first) // HOUR_MS
            from_ms = last
    return hours


def _is_frozen(state: SurgeState, hour: int) -> bool:
    return bool(state.frozen) and any(start < hour + HOUR_MS and hour < end for start, end in state.frozen)


def _wrote_in_same_hour(mentions: list[Mention], gone: Mention) -> bool:
    hour = _hour(gone.event_time)
    return any(mention.author == gone.author and _hour(mention.event_time) == hour for mention in mentions)


def _hour(time_ms: int) -> int:
    return int(time_ms) // HOUR_MS * HOUR_MS


def _shown(mention: Mention) -> str | None:
    return mention.author if mention.author.startswith("hmac:") else None
