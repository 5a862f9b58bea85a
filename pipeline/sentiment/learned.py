"""Sentiment by a model that was learned from labelled texts, behind the interface of a scorer.

In: a model and the source of features that it was made with. Out: label, compound and confidence. The rules:
`confidence` is the probability of the label, measured on texts that the model had not seen; the compound never
says another thing than the label.
"""

from math import exp
from typing import Final

from pipeline.learned.features import FeatureSource
from pipeline.learned.grams import grams_of
from pipeline.learned.model import Model, check
from pipeline.sentiment.scorer import POSITIVE_MIN
from schemas.insight import Sentiment
from schemas.vocabulary import SentimentLabel

UNDETERMINED: Final = "und"
NEUTRAL_MOST: Final = 0.049
"""The size of a neutral compound at most: below the threshold of VADER's authors."""
STARS_MIDDLE: Final = 3.0
STAR: Final = 1.0
"""What a star above or below the middle adds to the logit of positive, and takes from that of negative. A model learns
from texts without stars, so this is a guess; five stars outweigh a text that is taken as negative with 0.98."""


class ModelScorer:
    """Raises ModelError where model and source do not belong together, or it is no model of sentiment."""

    def __init__(self, model: Model, source: FeatureSource) -> None:
        check(model, source, "sentiment")
        self.model = model.identity
        self._model = model
        self._read = source.reader.read
        self._values = source.values
        self._language = model.content.language
        labels: dict[str, SentimentLabel] = {"negative": "negative", "neutral": "neutral", "positive": "positive"}
        self._labels = tuple(labels[name] for name in model.classes)
        self._factors = dict(zip(self._labels, model.content.factors, strict=True))

    def score(self, text: str, *, language: str | None = None, rating: float | None = None) -> Sentiment:
        """See `Scorer.score`. Covers the language that the model was trained for; without a language a text is taken
        as being in it."""
        covered = language is None or language.lower().partition("-")[0] in (self._language, UNDETERMINED)
        if not covered or not (text or rating is not None):
            return Sentiment(compound=0.0, label="neutral", confidence=0.0, abstained=True, model=self.model)
        reading = self._read(text)
        probabilities = self._model.probabilities(grams_of(reading), self._values(text, reading))
        if rating is not None:
            probabilities = self._with_stars(probabilities, rating)
        place = self._model.chosen(probabilities)
        label = self._labels[place]
        return Sentiment(
            compound=self._compound(label, probabilities),
            label=label,
            confidence=round(min(1.0, probabilities[place]), 4),
            model=self.model,
        )

    def _with_stars(self, probabilities: tuple[float, ...], rating: float) -> tuple[float, ...]:
        push = STAR * (rating - STARS_MIDDLE)
        sides = {"negative": exp(-push), "neutral": 1.0, "positive": exp(push)}
        pushed = [one * sides[label] for one, label in zip(probabilities, self._labels, strict=True)]
        return tuple([one / sum(pushed) for one in pushed])

    def _compound(self, label: SentimentLabel, probabilities: tuple[float, ...]) -> float:
        """How much more positive than negative, on the side of the label by VADER's thresholds."""
        favoured = {name: one * self._factors[name] for name, one in zip(self._labels, probabilities, strict=True)}
        tilt = (favoured.get("positive", 0.0) - favoured.get("negative", 0.0)) / sum(favoured.values())
        if label == "neutral":
            return round(NEUTRAL_MOST * tilt, 4)
        size = max(abs(tilt), POSITIVE_MIN)
        return round(size if label == "positive" else -size, 4)
