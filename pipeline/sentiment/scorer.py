"""The interface of a scorer: text and what came with it -> Sentiment.

The one rule: a scorer is a function. The same text gives the same sentiment, whatever was scored before.
"""

from typing import Protocol

from schemas.insight import Sentiment
from schemas.vocabulary import SentimentLabel

NEGATIVE_MAX = -0.05
POSITIVE_MIN = 0.05


class Scorer(Protocol):
    """`model` names the scorer and its version; every sentiment carries it."""

    model: str

    def score(self, text: str, *, language: str | None = None, rating: float | None = None) -> Sentiment:
        """`text` masked and normalised; `language` as the source says (BCP 47), None if it does not; `rating` 0-5."""
        ...


def label_of(compound: float) -> SentimentLabel:
    """Compound -> label, by the thresholds that VADER's authors give (Hutto and Gilbert, ICWSM 2014)."""
    if compound <= NEGATIVE_MAX:
        return "negative"
    return "positive" if compound >= POSITIVE_MIN else "neutral"
