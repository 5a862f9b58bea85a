"""The interface of a scorer: a text, its reading and what came with it -> a Judgement.

The one rule: a scorer is a function. The same text gives the same sentiment, whatever was scored before.
"""

from typing import Any, Protocol

import msgspec

from pipeline.sentiment.hit import Hit
from pipeline.text.phrases import Phrases
from pipeline.text.reading import Reader, Reading
from schemas.insight import Sentiment
from schemas.vocabulary import SentimentLabel

NEGATIVE_MAX = -0.05
POSITIVE_MIN = 0.05
"""Thresholds of a compound, by VADER's authors (Hutto and Gilbert, ICWSM 2014)."""


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """The sentiment, and what moved it, in the order of the text."""

    sentiment: Sentiment
    hits: list[Hit]


class Scorer(Protocol):
    """`model` names the scorer and its version; every sentiment carries it. `reader` makes the readings it judges;
    `lexicons` is what it looks for in those of the default language."""

    model: str
    reader: Reader
    lexicons: tuple[Phrases[Any], ...] = ()

    def judge(
        self, text: str, reading: Reading, *, language: str | None = None, rating: float | None = None
    ) -> Judgement:
        """`text` masked and normalised; `language` it is in (ISO 639-1), None if nobody can tell; `rating` 0-5."""
        ...

    def score(self, text: str, *, language: str | None = None, rating: float | None = None) -> Sentiment:
        """The sentiment alone."""
        return self.judge(text, self.reader.read(text), language=language, rating=rating).sentiment

    def signs(self, text: str, reading: Reading, label: SentimentLabel) -> list[tuple[str, float]]:
        """What the label was decided by and what it adds to the logarithm of its odds, the weightiest first. Empty
        where there are no such signs."""
        return []


def label_of(compound: float) -> SentimentLabel:
    """Compound -> label, by the thresholds that VADER's authors give."""
    if compound <= NEGATIVE_MAX:
        return "negative"
    return "positive" if compound >= POSITIVE_MIN else "neutral"


def covers(language: str | None, covered: str) -> bool:
    """Whether a scorer of the language `covered` may judge a text: it does where nobody can tell."""
    return language is None or language.lower().partition("-")[0] in (covered, "und")


def abstention(model: str) -> Judgement:
    """Of what a scorer has no opinion: the label means nothing."""
    return Judgement(Sentiment(compound=0.0, label="neutral", confidence=0.0, abstained=True, model=model), [])
