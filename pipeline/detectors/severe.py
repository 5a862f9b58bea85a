"""Severe: one post alone is enough. Somebody was hurt or fell ill, was discriminated against, threatens, sues, had his
data in wrong hands, a child was in danger.

In: insights with severe causes, each with the phrase that told it (`Said.severe`). Out: for each
cause what the last 24 hours say of it. The one rule: no statistics; the first post opens the alert, further people make
it worse, by one step for every two of them. Outside the budget of false alerts, which is for what is statistical.

Source: none is needed; section 7 of the design names these causes as those that need no statistics.
"""

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from pipeline.detectors.detector import Finding, Signal, Unsettled
from schemas.alert import Detection, Evidence
from schemas.insight import Insight, SevereCause
from schemas.time import DAY_MS, MINUTE_MS

WINDOW_MS: Final = DAY_MS
GRACE_MS: Final = 10 * MINUTE_MS
"""How late behind the watermark an insight may come and still have its whole window."""
MENTIONS_MAX: Final = 50
"""Of one cause."""
EVIDENCE_MAX: Final = 10
PEOPLE_A_STEP: Final = 2
"""So many further people are one step of severity."""
SEVERITY_MAX: Final = 10

_KINDS: Final = frozenset(("post", "reply", "review", "feedback", "edit"))

_time = attrgetter("event_time")
_place = attrgetter("event_time", "insight_id")


class Mention(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One post that tells the cause: the phrase that told it, who is responsible, how severe one such post is."""

    event_time: int
    insight_id: str
    author: str
    network: str
    text_ref: str | None
    words: str
    department: str
    severity: int
    compound: float
    confidence: float
    model: str
    rule: str
    rule_confidence: float
    aspect: str | None = None
    stage: str | None = None
    language: str | None = None


class SevereState(msgspec.Struct, omit_defaults=True):
    """`causes`: by cause the mentions of the last 24 hours, by event time, at most 50. Empty for nearly every unit."""

    causes: dict[str, list[Mention]] = {}


class SevereDetector:
    """Has nothing to be set: how severe a cause is stands in the taxonomy."""

    name = "severe"
    alertname = "SeverePost"
    state_type = SevereState

    def observe(self, state: SevereState, insight: Insight) -> bool:
        """See `Detector.observe`. Whoever has no author counts as somebody of his own."""
        if not insight.severe or insight.kind not in _KINDS or self.holds(state, insight.id):
            return False
        changed = False
        for severe in insight.severe:
            mentions = state.causes.setdefault(severe.cause, [])
            mention = _mention(insight, severe)
            insort(mentions, mention, key=_place)
            dropped = _bound(mentions)
            changed |= dropped is not mention
        return changed

    def retract(self, state: SevereState, insight_id: str) -> int | None:
        """See `Detector.retract`."""
        time_ms = None
        for cause, mentions in list(state.causes.items()):
            for place, mention in enumerate(mentions):
                if mention.insight_id == insight_id:
                    time_ms = mention.event_time
                    del mentions[place]
                    break
            if not mentions:
                del state.causes[cause]
        return time_ms

    def holds(self, state: SevereState, insight_id: str) -> bool:
        """See `Detector.holds`."""
        return any(mention.insight_id == insight_id for mentions in state.causes.values() for mention in mentions)

    def judge(self, state: SevereState, insight: Insight) -> Sequence[Signal]:
        """See `Detector.judge`: the windows that end at the insight, or at a mention up to 24 hours later."""
        found = []
        for cause in dict.fromkeys(severe.cause for severe in insight.severe):
            windows = _windows(state.causes.get(cause, []), int(insight.event_time))
            signals = [Signal(at_ms, _severity(window), f"{self.name}:{cause}") for at_ms, window in windows]
            if signals:
                found.append(max(signals, key=lambda signal: (signal.severity, -signal.at_ms)))
        return found

    def signal(self, state: SevereState, cause: str, at_ms: int) -> Signal | None:
        """See `Detector.signal`."""
        window = self._window(state, cause, at_ms)
        return Signal(at_ms, _severity(window), cause) if window else None

    def calm(self, state: SevereState, cause: str, at_ms: int) -> bool:
        """See `Detector.calm`: nobody said so for 24 hours."""
        return not self._window(state, cause, at_ms)

    def evaluate(self, state: SevereState, cause: str, at_ms: int) -> Finding:
        """See `Detector.evaluate`: the 24 hours that end at `at_ms`. `aspect` is the cause, by its name in the
        taxonomy."""
        mentions = self._window(state, cause, at_ms)
        kept = mentions[-EVIDENCE_MAX:]
        weakest = min(mentions, key=lambda mention: (mention.rule_confidence, mention.rule), default=None)
        count = max(1, len(mentions))
        aspects = Counter(mention.aspect for mention in mentions if mention.aspect is not None)
        stages = Counter(mention.stage for mention in mentions if mention.stage is not None)
        return Finding(
            at_ms=at_ms,
            active=bool(mentions),
            detection=Detection(
                method="severe_phrase",
                window_s=WINDOW_MS // 1000,
                observed=len(mentions),
                distinct_authors=len({mention.author for mention in mentions}),
                baseline="none",
                words=tuple(dict.fromkeys(mention.words for mention in kept)),
                aspects=tuple(aspect for aspect, _ in aspects.most_common(3)),
            ),
            severity=_severity(mentions),
            evidence=tuple(
                Evidence(post_id=one.insight_id, network=one.network, author=_shown(one), text_ref=one.text_ref)
                for one in kept
            ),
            evidence_left_out=len(mentions) - len(kept),
            sentiment_mean=round(sum(mention.compound for mention in mentions) / count, 4),
            sentiment_confidence=round(sum(mention.confidence for mention in mentions) / count, 4),
            model=mentions[-1].model if mentions else "",
            languages=tuple(sorted({mention.language for mention in mentions if mention.language is not None})),
            aspect=cause.removeprefix(f"{self.name}:"),
            department=mentions[-1].department if mentions else None,
            journey_stage=max(stages, key=stages.__getitem__, default=None),
            routing_rule=weakest.rule if weakest else "",
            routing_confidence=weakest.rule_confidence if weakest else 0.0,
            ends_when="nobody says so again for 24 hours",
        )

    def unsettled(self, state: SevereState) -> Unsettled | None:
        """See `Detector.unsettled`. Nothing has to wait: whatever order posts come in, the last to come is judged in
        all windows that it belongs to, and nothing else decides."""
        return None

    def settle(self, state: SevereState, to_ms: int) -> None:
        """See `Detector.settle`."""

    def freeze(self, state: SevereState, cause: str, from_ms: int, to_ms: int) -> None:
        """See `Detector.freeze`. There is nothing to learn."""

    def advance(self, state: SevereState, watermark_ms: int) -> None:
        """See `Detector.advance`."""
        closed = watermark_ms - WINDOW_MS - GRACE_MS
        for cause, mentions in list(state.causes.items()):
            if mentions[0].event_time <= closed:
                del mentions[: bisect_right(mentions, closed, key=_time)]
                if not mentions:
                    del state.causes[cause]

    def summary(self, finding: Finding, place: str, topic: str | None) -> str:
        """See `Detector.summary`. `topic`: the title of the severe cause."""
        people = finding.detection.distinct_authors
        told = topic or (finding.aspect or "").replace("_", " ").capitalize()
        who = "1 customer" if people == 1 else f"{people} customers"
        return f"{told}: {who} wrote so about {place} within {finding.detection.window_s // 3600} hours"

    def _window(self, state: SevereState, cause: str, at_ms: int) -> list[Mention]:
        return _between(state.causes.get(cause.removeprefix(f"{self.name}:"), []), at_ms)


def _mention(insight: Insight, severe: SevereCause) -> Mention:
    sentiment = insight.sentiment
    return Mention(
        event_time=int(insight.event_time),
        insight_id=insight.id,
        author=insight.author or insight.customer_ref or insight.id,
        network=insight.channel,
        text_ref=insight.text_ref,
        words=severe.words,
        department=severe.department,
        severity=severe.severity,
        compound=sentiment.compound if sentiment else 0.0,
        confidence=sentiment.confidence if sentiment else 0.0,
        model=sentiment.model if sentiment else "",
        rule=insight.routing.rule,
        rule_confidence=insight.routing.confidence,
        aspect=insight.aspects[0].aspect if insight.aspects else None,
        stage=insight.journey_stage,
        language=insight.language,
    )


def _bound(mentions: list[Mention]) -> Mention | None:
    """Takes out the oldest of whoever wrote most where there are too many, so that one person who writes a thousand
    times does not push out the others."""
    if len(mentions) <= MENTIONS_MAX:
        return None
    wrote = Counter(mention.author for mention in mentions)
    most = max(wrote.values())
    place = next(place for place, mention in enumerate(mentions) if wrote[mention.author] == most)
    return mentions.pop(place)


def _between(mentions: list[Mention], at_ms: int) -> list[Mention]:
    """Those of the 24 hours that end at `at_ms`."""
    return mentions[bisect_right(mentions, at_ms - WINDOW_MS, key=_time) : bisect_right(mentions, at_ms, key=_time)]


def _windows(mentions: list[Mention], event_time: int) -> Iterator[tuple[int, list[Mention]]]:
    """The windows with a mention of this time in them, by their ends."""
    later = {one.event_time for one in mentions if event_time < one.event_time < event_time + WINDOW_MS}
    for at_ms in (event_time, *sorted(later)):
        if window := _between(mentions, at_ms):
            yield at_ms, window


def _severity(mentions: list[Mention]) -> int:
    """Severity 1 to 10: of the worst post, and a step for every two further people."""
    if not mentions:
        return 1
    people = len({mention.author for mention in mentions})
    return min(SEVERITY_MAX, max(mention.severity for mention in mentions) + (people - 1) // PEOPLE_A_STEP)


def _shown(mention: Mention) -> str | None:
    return mention.author if mention.author.startswith("hmac:") else None
