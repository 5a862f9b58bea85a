"""The scorer that needs no training: VADER and the customer-care layer, and how sure it is.

In: a text, its reading, stars. Out: compound, label, confidence, hits. The rules: the label is the most likely one and
`confidence` its probability; the compound never has another sign than the label.
"""

from pipeline.sentiment.care import Care
from pipeline.sentiment.label import LABELS, STARS_MIDDLE, WORDLESS, Labeller, with_stars
from pipeline.sentiment.polarity import rounded
from pipeline.sentiment.scorer import (
    NEGATIVE_MAX,
    POSITIVE_MIN,
    Judgement,
    Scorer,
    abstention,
    covers,
)
from pipeline.sentiment.signs import signs
from pipeline.text.reading import Reading
from schemas.insight import Sentiment
from schemas.vocabulary import SentimentLabel


class CustomerScorer(Scorer):
    """One language. Raises FileNotFoundError where there are no files for it."""

    model = "vader+care/1"

    def __init__(self, language: str = "en") -> None:
        self._language = language
        self.care = Care(language)
        self._labeller = Labeller(language)
        self.reader = self.care.reader
        self.lexicons = (self.care.phrases,)

    def judge(
        self, text: str, reading: Reading, *, language: str | None = None, rating: float | None = None
    ) -> Judgement:
        """See `Scorer.judge`. Stars alone are judged in any language."""
        if language != self._language and not covers(language, self._language):
            text = ""
        if not text and rating is None:
            return abstention(self.model)
        if text:
            scored = self.care.score(text, reading)
            compound, hits = scored.compound, scored.hits
            probabilities = self._labeller.probabilities(signs(text, reading, scored, self.care))
        else:
            compound, hits, probabilities = 0.0, [], WORDLESS
        if rating is not None:
            probabilities = with_stars(probabilities, rating)
            starred = (rating - STARS_MIDDLE) / 2
            compound = round(max(-1.0, min(1.0, (compound + starred) / 2 if text else starred)), 4)
        place = probabilities.index(max(probabilities))
        label = LABELS[place]
        sentiment = Sentiment(
            compound=_agreeing(compound, label),
            label=label,
            confidence=rounded(min(1.0, probabilities[place]), 4, 10_000.0),
            model=self.model,
        )
        return Judgement(sentiment, hits)

    def signs(self, text: str, reading: Reading, label: SentimentLabel) -> list[tuple[str, float]]:
        """See `Scorer.signs`."""
        if not text:
            return []
        values = signs(text, reading, self.care.score(text, reading), self.care)
        return self._labeller.adds(label, values)


def _agreeing(compound: float, label: SentimentLabel) -> float:
    """A complaint told in friendly words is below zero all the same."""
    if label == "negative" and compound > NEGATIVE_MAX:
        return NEGATIVE_MAX
    if label == "positive" and compound < POSITIVE_MIN:
        return POSITIVE_MIN
    return compound
