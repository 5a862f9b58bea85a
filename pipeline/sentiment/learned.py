"""Sentiment by a model that was learned from labelled texts, behind the interface of a scorer.

In: a model and the source of features that it was made with. Out: label, compound and confidence. The rules:
`confidence` is the probability of the label, measured on texts that the model had not seen; the compound never
says another thing than the label.
"""

from collections.abc import Sequence
from operator import mul
from typing import Final

from pipeline.learned.features import SentimentFeatures
from pipeline.learned.grams import words_of
from pipeline.learned.model import Model, check
from pipeline.sentiment.label import LABELS, WORDLESS, star_factors
from pipeline.sentiment.scorer import POSITIVE_MIN, Judgement, Scorer, abstention, covers
from pipeline.text.reading import Reading
from schemas.insight import Sentiment
from schemas.vocabulary import SentimentLabel

NEUTRAL_MOST: Final = 0.049
"""The size of a neutral compound at most: below the threshold of VADER's authors."""
_SIDES: Final[dict[SentimentLabel, int]] = {"negative": -1, "neutral": 0, "positive": 1}


class ModelScorer(Scorer):
    """Raises ModelError where model and source do not belong together, or it is no model of sentiment."""

    def __init__(self, model: Model, source: SentimentFeatures) -> None:
        check(model, source, "sentiment")
        self.model = model.identity
        self._model = model
        self.reader = source.reader
        self.lexicons = source.lexicons
        self._source = source
        self._language = model.content.language
        self._labels = tuple(label for name in model.classes for label in _SIDES if label == name)
        self._sides = tuple(_SIDES[label] for label in self._labels)
        self._unread = self._of_labels(WORDLESS)
        self._factors = model.content.factors
        self._signed = tuple(map(mul, model.content.factors, self._sides))

    def judge(
        self, text: str, reading: Reading, *, language: str | None = None, rating: float | None = None
    ) -> Judgement:
        """See `Scorer.judge`. Covers the language that the model was trained for; stars alone are judged in any. The
        hits are those of the lexicon."""
        if not covers(language, self._language):
            text = ""
        if not text and rating is None:
            return abstention(self.model)
        if text:
            hits = self._source.hits(reading)
            values = self._source.of_hits(text, reading, hits)
            probabilities = self._model.probabilities(words_of(reading), values)
        else:
            hits, probabilities = [], self._unread
        if rating is not None:
            probabilities = self._with_stars(probabilities, rating)
        place = self._model.chosen(probabilities) if text else probabilities.index(max(probabilities))
        label = self._labels[place]
        sentiment = Sentiment(
            compound=self._compound(label, probabilities),
            label=label,
            confidence=round(min(1.0, probabilities[place]), 4),
            model=self.model,
        )
        return Judgement(sentiment, hits)

    def _with_stars(self, probabilities: tuple[float, ...], rating: float) -> tuple[float, ...]:
        pushed = list(map(mul, probabilities, self._of_labels(star_factors(rating))))
        total = sum(pushed)
        return tuple([one / total for one in pushed])

    def _of_labels(self, values: Sequence[float]) -> tuple[float, ...]:
        """Values in the order of LABELS -> those of the model's classes, in their order."""
        by_label = dict(zip(LABELS, values, strict=True))
        return tuple([by_label[label] for label in self._labels])

    def _compound(self, label: SentimentLabel, probabilities: tuple[float, ...]) -> float:
        """How much more positive than negative, on the side of the label by VADER's thresholds."""
        tilt: float = sum(map(mul, probabilities, self._signed)) / sum(map(mul, probabilities, self._factors))
        if label == "neutral":
            return round(NEUTRAL_MOST * tilt, 4)
        size = max(abs(tilt), POSITIVE_MIN)
        return round(size if label == "positive" else -size, 4)
