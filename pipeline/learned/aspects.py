"""The main aspect of a text by a model that was learned from labelled texts. What else it speaks of, the taxonomy says.

In: a model of aspects and the source of features that it was made with. Out: the name of an aspect, and how sure it is.
"""

from typing import NamedTuple

from pipeline.learned.features import FeatureSource
from pipeline.learned.grams import words_of
from pipeline.learned.model import Model, check


class Main(NamedTuple):
    """`aspect`: as the labels named it; `confidence`: the probability that it is the one."""

    aspect: str
    confidence: float


class MainAspect:
    """Raises ModelError where model and source do not belong together, or it is no model of aspects. `taxonomy`: that
    which it was learned with, "" for none."""

    def __init__(self, model: Model, source: FeatureSource) -> None:
        check(model, source, "aspect")
        self.model = model.identity
        self.taxonomy = model.content.taxonomy
        self._model = model
        self._source = source

    def of(self, text: str) -> Main:
        """`text` masked and normalised."""
        reading = self._source.reader.read(text)
        probabilities = self._model.probabilities(words_of(reading), self._source.values(text, reading))
        place = self._model.chosen(probabilities)
        return Main(self._model.classes[place], round(probabilities[place], 4))
