"""Surge: unusually many different people complain about a unit within an hour.

In: negative originals (posts, replies, reviews, feedback; no reposts). Out: how many distinct authors the last hour
has, against a gamma-Poisson baseline of the hours before. The one rule: one person counts once, however much he writes.

Source: the count model is `pipeline.baseline`; counting originals by distinct authors, because reposts make counts
over-dispersed (`Zhao et al., SEISMIC, KDD 2015` model those apart).
"""

import math
from bisect import insort

import msgspec

from pipeline.baseline import Baseline
from pipeline.detectors.detector import Finding
from schemas.alert import Detection, Evidence
from schemas.insight import Insight
from schemas.time import HOUR_MS, MINUTE_MS

WINDOW_MS = HOUR_MS
GRACE_MS = 10 * MINUTE_MS
"""How late an insight may come and still count in the hour that the baseline learns from."""
MENTIONS_MAX = 500
EVIDENCE_MAX = 10
AUTHORS_MIN = 3
TESTS_A_MONTH = 30 * 24

_ORIGINALS = frozenset(("post", "reply", "review", "feedback", "edit"))


class Mention(msgspec.Struct, frozen=True, array_like=True, order=True):
    """One negative original in the window."""

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


class SurgeState(msgspec.Struct, omit_defaults=True):
    """`mentions` of the last hour by event time, at most 500 (the newest); `hours` that are not yet learned, with
    their authors; `learned_to` is the end of the last hour that the baseline has seen."""

    mentions: list[Mention] = []
    hours: dict[int, list[str]] = {}
    learned_to: int = -1
    baseline: Baseline = msgspec.field(default_factory=Baseline)


class SurgeDetector:
    """`false_alerts_a_month`: how many false alerts a unit may have in 30 days; shared out over hourly tests."""

    name = "surge"
    alertname = "NegativeSurge"
    state_type = SurgeState

    def __init__(self, false_alerts_a_month: float = 0.1) -> None:
        self.p_value_max = false_alerts_a_month / TESTS_A_MONTH

    def advance(self, state: SurgeState, now_ms: int, *, frozen: bool) -> None:
        """Forgets mentions older than the window; learns hours that ended more than the grace ago."""
        mentions = state.mentions
        oldest = now_ms - WINDOW_MS
        if mentions and mentions[0].event_time <= oldest:
            state.mentions = [mention for mention in mentions if mention.event_time > oldest]
        closed_to = (now_ms - GRACE_MS) // HOUR_MS * HOUR_MS
        if state.learned_to < 0:
            state.learned_to = closed_to
        if closed_to <= state.learned_to:
            return
        baseline, hour = state.baseline, state.learned_to
        for busy in sorted(start for start in state.hours if start < closed_to):
            authors = state.hours.pop(busy)
            if frozen or busy < hour:
                continue
            baseline.learn_silence((busy - hour) // HOUR_MS)
            baseline.learn(len(authors))
            hour = busy + HOUR_MS
        if not frozen:
            baseline.learn_silence((closed_to - hour) // HOUR_MS)
        state.learned_to = closed_to

    def observe(self, state: SurgeState, insight: Insight, now_ms: int) -> bool:
        """Counts a negative original whose author is known or not; without one it counts as its own author."""
        sentiment = insight.sentiment
        if sentiment is None or sentiment.label != "negative" or insight.kind not in _ORIGINALS:
            return False
        author = insight.author or insight.customer_ref or insight.id
        hour = insight.event_time // HOUR_MS * HOUR_MS
        if hour >= state.learned_to:
            authors = state.hours.setdefault(hour, [])
            if author not in authors and len(authors) < MENTIONS_MAX:
                authors.append(author)
        if insight.event_time <= now_ms - WINDOW_MS or any(m.insight_id == insight.id for m in state.mentions):
            return False
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
        )
        insort(state.mentions, mention)
        if len(state.mentions) > MENTIONS_MAX:
            del state.mentions[0]
        return True

    def retract(self, state: SurgeState, insight_id: str) -> int | None:
        """Takes a mention out of the window and its author out of the open hour."""
        for place, mention in enumerate(state.mentions):
            if mention.insight_id == insight_id:
                del state.mentions[place]
                self._forget_author(state, mention)
                return mention.event_time
        return None

    def _forget_author(self, state: SurgeState, gone: Mention) -> None:
        hour = gone.event_time // HOUR_MS * HOUR_MS
        others = (m for m in state.mentions if m.author == gone.author and m.event_time // HOUR_MS * HOUR_MS == hour)
        authors = state.hours.get(hour, [])
        if gone.author in authors and next(others, None) is None:
            authors.remove(gone.author)

    def evaluate(self, state: SurgeState, now_ms: int) -> Finding:
        """The last hour before `now_ms` against the baseline."""
        oldest = now_ms - WINDOW_MS
        mentions = [mention for mention in state.mentions if mention.event_time > oldest]
        authors = len({mention.author for mention in mentions})
        p_value = state.baseline.tail(authors)
        kept = mentions[-EVIDENCE_MAX:]
        weakest = min(mentions, key=lambda m: (m.rule_confidence, m.rule), default=None)
        return Finding(
            active=authors >= AUTHORS_MIN and p_value <= self.p_value_max,
            detection=Detection(
                method="gamma_poisson_tail",
                window_s=WINDOW_MS // 1000,
                observed=len(mentions),
                distinct_authors=authors,
                expected=round(state.baseline.expected, 4),
                p_value=float(f"{p_value:.3g}"),
                baseline="prior" if state.baseline.cold else "unit",
                cold_start=state.baseline.cold,
            ),
            severity=severity_of(p_value),
            evidence=tuple(
                Evidence(post_id=m.insight_id, network=m.network, author=_shown(m), text_ref=m.text_ref) for m in kept
            ),
            evidence_left_out=len(mentions) - len(kept),
            sentiment_mean=round(sum(m.compound for m in mentions) / len(mentions), 4) if mentions else 0.0,
            sentiment_confidence=round(sum(m.confidence for m in mentions) / len(mentions), 4) if mentions else 0.0,
            model=mentions[-1].model if mentions else "",
            routing_rule=weakest.rule if weakest else "",
            routing_confidence=weakest.rule_confidence if weakest else 0.0,
        )


def severity_of(p_value: float) -> int:
    """Severity 1 to 10, from the payload alone: the number of leading zeros of the p-value."""
    return 10 if p_value <= 1e-10 else max(1, math.floor(-math.log10(float(f"{p_value:.3g}"))))


def _shown(mention: Mention) -> str | None:
    return mention.author if mention.author.startswith("hmac:") else None
