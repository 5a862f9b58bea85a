"""Cascade: one complaint spreads. How far it will get is forecast at every repost.

In: reposts, and counters of reposts where a connector polls them; what is known of the post that is passed on travels
with both (`Insight.root`). Out: a forecast of the final number of reposts with an 80 % interval. The one rule: an alert
is raised where even the low end of the forecast is rare for this unit, by its share of the budget of false alerts, and
the post is still on its way; where it grows by itself (`supercritical`), less has to be rare.

Only complaints are followed: posts that are negative, or of which nothing is known but that reposts of it speak ill.
A counter that came with the post itself is taken in, but tells nothing of when, so it is judged with the next word.

Sources: the forecast is `pipeline.forecast`, how rare a size is `pipeline.rarity`, what follows of both
`pipeline.outlook`.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from pipeline.detectors.detector import Finding, Signal
from pipeline.forecast import shipped
from pipeline.outlook import CALM_MS, CALM_SHARE, REPOSTS_MIN, SIZES, Outlook, grown_past, look, severity_of
from pipeline.rarity import Rarity
from pipeline.spread import SPAN_MS, Spread, meaning_of, meaning_of_root, spread_of
from schemas.alert import Amplification, Detection, Evidence
from schemas.insight import Insight, Root
from schemas.time import HOUR_MS, MINUTE_MS, Millis
from schemas.unit import Unit
from schemas.vocabulary import SentimentLabel

GRACE_MS: Final = 10 * MINUTE_MS
"""How late behind the watermark a repost may come and still find its cascade."""
SPREADS_MAX: Final = 50
EACH_UP_TO: Final = 100
"""Up to so many reposts each is judged, then one in 2 %."""
HALVES_MS: Final = HOUR_MS
"""Where there are too many posts, reposts count half after an hour."""
COLD_MONTHS: Final = 1.0

_ORIGINALS: Final = frozenset(("post", "reply", "review", "edit"))


class CascadeState(msgspec.Struct, omit_defaults=True):
    """`spreads`: by post. `ends_ms`: none of them ends before. `sizes`: how far complaints about this unit get."""

    spreads: dict[str, Spread] = {}
    ends_ms: int = -1
    sizes: Rarity = msgspec.field(default_factory=Rarity)


class CascadeDetector:
    """`false_alerts_a_month`: its share of what a unit may have in 30 days."""

    name = "cascade"
    alertname = "ComplaintSpreads"
    state_type = CascadeState
    takes_confidential = True
    takes_edits = True

    def __init__(self, false_alerts_a_month: float = 0.01) -> None:
        self.false_alerts_a_month = false_alerts_a_month
        self._fit = shipped().for_any_post()

    def observe(self, state: CascadeState, insight: Insight) -> bool:
        """See `Detector.observe`."""
        at_ms = int(insight.event_time)
        if not 0 <= state.sizes.since_ms < at_ms:
            state.sizes.watch(at_ms)
        if insight.kind == "repost":
            return self._repost(state, insight, at_ms)
        if not insight.reach.reposts and insight.id not in state.spreads:
            return False
        return insight.kind in _ORIGINALS and self._original(state, insight, at_ms)

    def retract(self, state: CascadeState, insight_id: str) -> int | None:
        """See `Detector.retract`. A post that is gone raises no alert any more."""
        spread = state.spreads.get(insight_id)
        if spread is not None:
            if spread.gone:
                return None
            spread.gone = True
            return spread.began_ms
        for spread in state.spreads.values():
            at_ms = spread.take_back(insight_id)
            if at_ms is not None:
                return at_ms
        return None

    def holds(self, state: CascadeState, insight_id: str) -> bool:
        """See `Detector.holds`."""
        return insight_id in state.spreads or any(spread.holds(insight_id) for spread in state.spreads.values())

    def judge(self, state: CascadeState, insight: Insight) -> Sequence[Signal]:
        """See `Detector.judge`: what is known of the post by now, as of the last that is known."""
        post = spread_of(insight)
        spread = state.spreads.get(post)
        if spread is None or spread.most < REPOSTS_MIN or not spread.alive:
            return ()
        step = spread.most // (EACH_UP_TO // 2)
        if insight.kind == "repost" and step > 2 and spread.most % step:
            return ()
        signal = self.signal(state, f"{self.name}:{post}", max(int(insight.event_time), spread.last_ms))
        return () if signal is None else (signal,)

    def signal(self, state: CascadeState, cause: str, at_ms: int) -> Signal | None:
        """See `Detector.signal`."""
        spread = self._spread(state, cause)
        if spread is None or spread.most < REPOSTS_MIN or not spread.alive:
            return None
        seen = self._look(state, spread, at_ms)
        low = seen.found.low
        return Signal(at_ms, severity_of(low), cause, grown_past(low)) if seen.alarming else None

    def calm(self, state: CascadeState, cause: str, at_ms: int) -> bool:
        """See `Detector.calm`."""
        spread = self._spread(state, cause)
        return spread is None or self._look(state, spread, at_ms).calm

    def evaluate(self, state: CascadeState, cause: str, at_ms: int) -> Finding:
        """See `Detector.evaluate`. `rarity` is how many complaints get as far as `low` in 30 days, `window_s` the age
        of the post."""
        post = cause.removeprefix(f"{self.name}:")
        spread = state.spreads.get(post) or Spread(at_ms, at_ms)
        seen = self._look(state, spread, at_ms)
        found, meaning = seen.found, spread.meaning
        branching = found.branching, found.branching_low, found.branching_high
        latest = [passed for passed in spread.latest if passed.at_ms <= at_ms]
        named = max(0, found.observed - seen.cascade.unseen)
        months = state.sizes.months(at_ms)
        return Finding(
            at_ms=at_ms,
            active=seen.alarming,
            detection=Detection(
                method="cascade_forecast",
                window_s=int(seen.age_seconds),
                observed=found.observed,
                distinct_authors=max(1, named),
                rarity=seen.rarity,
                rarity_max=seen.rarity_max,
                baseline="prior" if months < COLD_MONTHS else "unit",
                cold_start=months < COLD_MONTHS,
                aspects=(meaning.aspect,) if meaning and meaning.aspect else (),
            ),
            amplification=Amplification(
                reposts=found.observed,
                reach=(spread.followers or 0) + seen.cascade.reach,
                branching=branching[0] and round(branching[0], 3),
                branching_low=branching[1] and round(branching[1], 3),
                branching_high=branching[2] and round(branching[2], 3),
                supercritical=found.supercritical,
                forecast=found.forecast,
                low=found.low,
                high=found.high,
            ),
            severity=severity_of(found.low),
            grown_past=grown_past(found.low),
            evidence=(
                Evidence(post_id=post, network=post.partition(":")[0], author=None, text_ref=post),
                *(
                    Evidence(post_id=one.insight_id, network=one.network, author=one.author, text_ref=one.text_ref)
                    for one in latest
                ),
            ),
            evidence_left_out=max(0, named - len(latest)),
            sentiment_mean=meaning.compound if meaning else 0.0,
            sentiment_confidence=meaning.confidence if meaning else 0.0,
            model=meaning.model if meaning else "",
            languages=(meaning.language,) if meaning and meaning.language else (),
            aspect=meaning.aspect if meaning else None,
            department=meaning.department if meaning else None,
            journey_stage=meaning.stage if meaning else None,
            routing_rule=spread.rule,
            routing_confidence=spread.rule_confidence,
            ends_when=f"fewer than {CALM_SHARE:.0%} more reposts are to be expected within the hour, or none came for "
            f"{CALM_MS // HOUR_MS} hours",
        )

    def freeze(self, state: CascadeState, cause: str, from_ms: int, to_ms: int) -> None:
        """See `Detector.freeze`. The size of what was alerted is not learned, whenever it ends."""
        spread = self._spread(state, cause)
        if spread is not None:
            spread.frozen = True

    def end(self, state: CascadeState, cause: str, at_ms: int) -> None:
        """See `Detector.end`. What is calm is not on its way; if it gets on its way again, that is news."""

    def configure(self, state: CascadeState, unit: Unit) -> None:
        """See `Detector.configure`. Nothing of a unit's settings matters here."""

    def advance(self, state: CascadeState, watermark_ms: int) -> None:
        """See `Detector.advance`."""
        closed = watermark_ms - GRACE_MS
        if state.spreads and state.ends_ms <= closed:
            for post, spread in list(state.spreads.items()):
                if spread.ends_ms <= closed:
                    self._end(state, post)
            state.ends_ms = min((spread.ends_ms for spread in state.spreads.values()), default=-1)

    def summary(self, finding: Finding, place: str, topic: str | None) -> str:
        """See `Detector.summary`."""
        spread, about = finding.amplification, f" ({topic.lower()})" if topic else ""
        return (
            f"A complaint about {place}{about} spreads: {spread.reposts} reposts so far, {spread.low} to {spread.high} "
            "are to be expected"
        )

    # What comes in

    def _repost(self, state: CascadeState, insight: Insight, at_ms: int) -> bool:
        root, post = insight.root, spread_of(insight)
        if post == insight.id:
            return False  # nobody knows what it repeats
        spread = state.spreads.get(post)
        if spread is not None and spread.ends_ms <= at_ms:
            self._end(state, post)
            spread = None
        if root is not None and root.event_time + SPAN_MS <= at_ms:
            return False
        if spread is None:
            if root is not None and root.label is not None and root.label != "negative":
                return False
            spread = Spread(int(root.event_time) if root else at_ms, at_ms)
            _know(spread, root)
            self._begin(state, post, spread)
            news = False
        else:
            news = _know(spread, root)
        if not spread.repost(insight):
            return news
        meaning = meaning_of(insight)
        if meaning is not None and spread.label is None:
            spread.leaning += 1 if insight.sentiment is not None and insight.sentiment.label == "negative" else -1
        spread.meaning = spread.meaning or meaning or (meaning_of_root(root) if root else None)
        state.ends_ms = min(state.ends_ms, spread.ends_ms)
        return True

    def _original(self, state: CascadeState, insight: Insight, at_ms: int) -> bool:
        """The post itself, or what has become of it."""
        root, total = insight.root, insight.reach.reposts or 0
        spread, meaning = state.spreads.get(insight.id), meaning_of(insight)
        if spread is not None and spread.ends_ms <= at_ms:
            self._end(state, insight.id)
            spread = None
        label = _label(insight) or (root.label if root else None)
        if insight.kind != "edit" or root is None:
            began_ms = at_ms if spread is None or not spread.known else spread.began_ms
            root = Root(event_time=Millis(began_ms), label=label, followers=insight.reach.followers)
        began_ms = int(root.event_time)
        if at_ms - began_ms >= SPAN_MS:
            return False
        if spread is None:
            if label != "negative":
                return False
            spread = Spread(began_ms, at_ms)
            self._begin(state, insight.id, spread)
        news = spread.know(began_ms, label, root.followers)
        spread.routed(insight.routing)
        meaning = meaning or spread.meaning or meaning_of_root(root)
        if meaning != spread.meaning:
            spread.meaning, news = meaning, True
        if total:
            news |= spread.count(at_ms, total)
        state.ends_ms = min(state.ends_ms, spread.ends_ms)
        return news

    def _begin(self, state: CascadeState, post: str, spread: Spread) -> None:
        if len(state.spreads) >= SPREADS_MAX:
            now = spread.last_ms
            self._end(state, min(state.spreads, key=lambda one: (_activity(state.spreads[one], now), one)))
        state.ends_ms = spread.ends_ms if not state.spreads else min(state.ends_ms, spread.ends_ms)
        state.spreads[post] = spread

    @staticmethod
    def _end(state: CascadeState, post: str) -> None:
        _learn(state.sizes, state.spreads.pop(post))

    # What is seen

    def _spread(self, state: CascadeState, cause: str) -> Spread | None:
        return state.spreads.get(cause.removeprefix(f"{self.name}:"))

    def _look(self, state: CascadeState, spread: Spread, at_ms: int) -> Outlook:
        return look(spread, _sizes(state, at_ms), at_ms, self.false_alerts_a_month, self._fit)


def _know(spread: Spread, root: Root | None) -> bool:
    return root is not None and spread.know(int(root.event_time), root.label, root.followers)


def _label(insight: Insight) -> SentimentLabel | None:
    sentiment = insight.sentiment
    return None if sentiment is None or sentiment.abstained else sentiment.label


def _learn(sizes: Rarity, spread: Spread) -> None:
    """Takes in how far a post got that has ended; not what was alerted, and not what is no complaint."""
    if not spread.frozen and spread.negative:
        sizes.learn(SIZES, spread.cascade(spread.ends_ms).reposts, spread.last_ms)


def _sizes(state: CascadeState, at_ms: int) -> Rarity:
    """What is known by a time: with what has ended by then, and is only not yet learned."""
    if not state.spreads or at_ms < state.ends_ms:
        return state.sizes
    sizes = state.sizes.copied()
    for spread in state.spreads.values():
        if spread.ends_ms <= at_ms:
            _learn(sizes, spread)
    return sizes


def _activity(spread: Spread, now_ms: int) -> tuple[bool, float]:
    """What is least active goes first where there are too many, and nothing that was alerted."""
    return spread.frozen, spread.most * math.exp2(-(now_ms - spread.last_ms) / HALVES_MS)
