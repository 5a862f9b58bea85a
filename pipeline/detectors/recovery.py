"""Recovery: a customer who gave a low score and asked to be called is a case of its own, at once.

In: feedback with `contact_consent` and a score at or below one of the limits. Out: one cause for each customer
(`recovery:` and a hash of the customer's reference; of whoever has none, of the feedback). The rule: no statistics, and
outside the budget of false alerts. Whatever else the same customer says joins the case, as long as it is unfinished:
that is the desk's business (`pipeline/alerts/desk.py`).

Source: service recovery, as in McCollough, Berry and Yadav, An Empirical Investigation of Customer Satisfaction after
Service Failure and Recovery (2000): whoever is called back soon stays. The limits are those of the usual scales: csat 1
and 2 of 5, detractors (0 to 6) of the NPS (Reichheld 2003), one and two stars.
"""

from bisect import bisect_right, insort
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from pipeline.detectors.detector import Finding, Signal
from pipeline.detectors.mention import Mention, aspects_of, mention_of, told
from schemas.alert import Detection
from schemas.insight import Insight, Scores
from schemas.time import DAY_MS, MINUTE_MS
from schemas.unit import Unit

WINDOW_MS: Final = DAY_MS
GRACE_MS: Final = 10 * MINUTE_MS
"""How late behind the watermark an insight may come and still have its whole window."""
CUSTOMERS_MAX: Final = 200
WORDS_MAX: Final = 20
"""Of one customer."""
SEVERITY: Final = 4
SEVERITY_WORST: Final = 5
SEVERITY_MAX: Final = 7


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Up to which score a customer is unhappy."""

    csat: int = 2
    nps: int = 6
    rating: float = 2.0

    def unhappy(self, scores: Scores) -> bool:
        """Whether any of the scores is low."""
        return (
            (scores.csat is not None and scores.csat <= self.csat)
            or (scores.nps is not None and scores.nps <= self.nps)
            or (scores.rating is not None and scores.rating <= self.rating)
        )


class Word(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One low score: `worst` where it could not be lower."""

    mention: Mention
    worst: bool = False


class Customer(msgspec.Struct, array_like=True, omit_defaults=True):
    """The low scores of one customer within the last 24 hours, by event time. `ref`: the company's own reference."""

    ref: str | None
    words: list[Word] = []


class RecoveryState(msgspec.Struct, omit_defaults=True):
    """By cause. Empty for nearly every unit; at most 200 customers, those who were heard of longest ago go first."""

    customers: dict[str, Customer] = {}


class RecoveryDetector:
    """`limits`: up to which score a customer is unhappy."""

    name = "recovery"
    alertname = "CustomerRecovery"
    state_type = RecoveryState
    takes_confidential = False
    takes_edits = False

    def __init__(self, limits: Limits = Limits()) -> None:  # noqa: B008 - frozen
        self.limits = limits

    def observe(self, state: RecoveryState, insight: Insight) -> bool:
        """See `Detector.observe`."""
        if insight.kind != "feedback" or not insight.contact_consent or not self.limits.unhappy(insight.scores):
            return False
        if self.holds(state, insight.id):
            return False
        cause = cause_of(insight)
        customer = state.customers.setdefault(cause, Customer(insight.customer_ref))
        word = Word(mention_of(insight), _worst(insight.scores))
        insort(customer.words, word, key=_place)
        if len(customer.words) > WORDS_MAX:
            return customer.words.pop(0) is not word
        if len(state.customers) > CUSTOMERS_MAX:
            longest_ago = min(state.customers, key=lambda one: _place(state.customers[one].words[-1]))
            del state.customers[longest_ago]
        return cause in state.customers

    def retract(self, state: RecoveryState, insight_id: str) -> int | None:
        """See `Detector.retract`."""
        for cause, customer in state.customers.items():
            for place, word in enumerate(customer.words):
                if word.mention.insight_id == insight_id:
                    del customer.words[place]
                    if not customer.words:
                        del state.customers[cause]
                    return word.mention.event_time
        return None

    def holds(self, state: RecoveryState, insight_id: str) -> bool:
        """See `Detector.holds`."""
        return any(
            word.mention.insight_id == insight_id for customer in state.customers.values() for word in customer.words
        )

    def judge(self, state: RecoveryState, insight: Insight) -> Sequence[Signal]:
        """See `Detector.judge`: the windows that end at the feedback, or at a later word of the same customer."""
        cause, event_time = cause_of(insight), int(insight.event_time)
        customer = state.customers.get(cause)
        later = {_time(word) for word in customer.words} if customer else ()
        ends = sorted({event_time, *(time for time in later if event_time < time < event_time + WINDOW_MS)})
        found = [signal for at_ms in ends if (signal := self.signal(state, cause, at_ms)) is not None]
        return (max(found, key=lambda signal: (signal.severity, signal.grown_past, -signal.at_ms)),) if found else ()

    def signal(self, state: RecoveryState, cause: str, at_ms: int) -> Signal | None:
        """See `Detector.signal`. Every further word is news."""
        words = _window(state, cause, at_ms)
        return Signal(at_ms, _severity(words), cause, len(words)) if words else None

    def calm(self, state: RecoveryState, cause: str, at_ms: int) -> bool:
        """See `Detector.calm`: no low score for 24 hours."""
        return not _window(state, cause, at_ms)

    def evaluate(self, state: RecoveryState, cause: str, at_ms: int) -> Finding:
        """See `Detector.evaluate`: what the customer said in the 24 hours that end at `at_ms`."""
        words = _window(state, cause, at_ms)
        mentions = [word.mention for word in words]
        customer = state.customers.get(cause)
        return Finding(
            at_ms=at_ms,
            active=bool(words),
            detection=Detection(
                method="low_score",
                window_s=WINDOW_MS // 1000,
                observed=len(words),
                distinct_authors=1 if words else 0,
                baseline="none",
                aspects=aspects_of(mentions),
            ),
            severity=_severity(words),
            grown_past=len(words),
            ends_when="the customer gives no low score for 24 hours",
            customer_ref=customer.ref if customer else None,
            **told(mentions),
        )

    def freeze(self, state: RecoveryState, cause: str, from_ms: int, to_ms: int) -> None:
        """See `Detector.freeze`. There is nothing to learn."""

    def end(self, state: RecoveryState, cause: str, at_ms: int) -> None:
        """See `Detector.end`. What was said has left the window by then."""

    def configure(self, state: RecoveryState, unit: Unit) -> None:
        """See `Detector.configure`. Nothing of a unit's settings matters here."""

    def advance(self, state: RecoveryState, watermark_ms: int) -> None:
        """See `Detector.advance`."""
        closed = watermark_ms - WINDOW_MS - GRACE_MS
        for cause, customer in list(state.customers.items()):
            if _time(customer.words[0]) <= closed:
                del customer.words[: bisect_right(customer.words, closed, key=_time)]
                if not customer.words:
                    del state.customers[cause]

    def summary(self, finding: Finding, place: str, topic: str | None) -> str:
        """See `Detector.summary`."""
        about = f" about {topic.lower()}" if topic else ""
        return f"A customer of {place} gave a low score{about} and wants to be called"


def cause_of(insight: Insight) -> str:
    """The reference is the company's own and may be long: a hash names the cause."""
    named = insight.customer_ref or insight.id
    return f"recovery:{blake2b(named.encode(), digest_size=8).hexdigest()}"


def _worst(scores: Scores) -> bool:
    return scores.csat == 1 or scores.nps == 0 or (scores.rating is not None and scores.rating <= 1.0)


def _window(state: RecoveryState, cause: str, at_ms: int) -> list[Word]:
    """What the customer said in the 24 hours that end at `at_ms`."""
    customer = state.customers.get(cause)
    if customer is None:
        return []
    words = customer.words
    return words[bisect_right(words, at_ms - WINDOW_MS, key=_time) : bisect_right(words, at_ms, key=_time)]


def _severity(words: Sequence[Word]) -> int:
    """4, or 5 for the worst score, and a step for each further one: 7 at most."""
    worst = any(word.worst for word in words)
    return min(SEVERITY_MAX, (SEVERITY_WORST if worst else SEVERITY) + max(0, len(words) - 1))


def _time(word: Word) -> int:
    return word.mention.event_time


def _place(word: Word) -> tuple[int, str]:
    return word.mention.event_time, word.mention.insight_id
