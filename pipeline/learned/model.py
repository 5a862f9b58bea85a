"""A model that was learned: n-grams and features of a text -> the probability of each class.

It is linear: each n-gram and each feature has a weight for each class; their sums are brought to probabilities by a
softmax. The calibration is in the weights already. The rules: what is scored twice comes out the same to the last bit,
whatever the order of the n-grams, so their weights are whole numbers; and time grows with the text, not with the
number of classes.

All weights of an n-gram are one integer, a lane of 32 bits for each class, so that adding up a text's n-grams is one
sum of integers. A lane below zero borrows from the next; to read the lanes of a sum, each gets ABOVE first.
"""

import struct
from collections.abc import Sequence
from math import exp
from operator import mul
from typing import Final

from pipeline.learned.features import FeatureSource
from pipeline.learned.file import Content, ModelError, Target, decode, encode, grams_in, identity_of
from pipeline.learned.grams import FIRST, LAST, VERSION

LANE_BITS: Final = 32
ABOVE: Final = 1 << 31
"""Weights have 16 bits, so a lane has room for the sum of 32,768 and more; a text has fewer n-grams."""

_UNKNOWN: Final[tuple[int, dict[str, int]]] = (0, {})


class Model:
    """`identity`: name and the beginning of the file's checksum, such as `stores/1f0c3a9e`."""

    def __init__(self, content: Content) -> None:
        count = len(content.classes)
        self.content = content
        self.identity = identity_of(content)
        self.classes = content.classes
        self._row = [0, *_packed(content.weights, count)].__getitem__
        self._word = _tree(grams_in(content))
        self._lanes = struct.Struct(f"<{count}I")
        self._above = sum(ABOVE << LANE_BITS * place for place in range(count))
        columns = tuple(zip(*content.feature_weights, strict=True)) or ((),) * count
        # What ABOVE adds to a lane is taken off with the bias.
        self._sides = tuple(
            (bias - ABOVE * content.scale, column) for bias, column in zip(content.biases, columns, strict=True)
        )
        self._scale = content.scale

    @classmethod
    def load(cls, data: bytes) -> "Model":
        """The bytes of a file. Raises ModelError with one sentence."""
        return cls(decode(data))

    def dumps(self) -> bytes:
        """The bytes of its file; the same model gives the same bytes."""
        return encode(self.content)

    def logits(self, words: Sequence[str], values: Sequence[float]) -> list[float]:
        """One number for each class: the logarithm of its probability, plus what is the same for all. `words` are those
        of `grams.words_of`; `values` those of the source of features that the model was made with."""
        total = sum(map(self._row, self._found(words))) + self._above
        scale = self._scale
        return [
            lane * scale + bias + sum(map(mul, values, column))
            for lane, (bias, column) in zip(
                self._lanes.unpack(total.to_bytes(self._lanes.size, "little")), self._sides, strict=True
            )
        ]

    def _found(self, words: Sequence[str]) -> set[int]:
        """The places of the n-grams that the model knows: what `grams.grams_of` would find, without making any."""
        known = self._word.get
        found: set[int] = set()
        add = found.add
        _, second = known(FIRST, _UNKNOWN)
        for word in words:
            if (pair := second.get(word)) is not None:
                add(pair)
            place, second = known(word, _UNKNOWN)
            add(place)
        if (pair := second.get(LAST)) is not None:
            add(pair)
        return found

    def probabilities(self, words: Sequence[str], values: Sequence[float]) -> tuple[float, ...]:
        """Calibrated, in the order of `classes`; they add up to 1."""
        return softmax(self.logits(words, values))

    def chosen(self, probabilities: Sequence[float]) -> int:
        """The place of the class that is said: the most probable one, after the factors by which the model favours
        classes that are rare."""
        favoured = list(map(mul, probabilities, self.content.factors))
        return favoured.index(max(favoured))


def check(model: Model, source: FeatureSource, target: Target) -> None:
    """That a model does what is asked of it, and was made with this source. Raises ModelError."""
    content = model.content
    if content.target != target:
        raise ModelError(f"is a model of {content.target}, not of {target}; train one with --target {target}")
    if content.reading != VERSION or content.source != source.identity or content.features != source.names:
        raise ModelError(
            f"was made with the features {content.source} (reading {content.reading}), here are {source.identity} "
            f"(reading {VERSION}); train it again"
        )


def softmax(logits: Sequence[float]) -> tuple[float, ...]:
    """Logits -> numbers from 0 to 1 that add up to 1."""
    top = max(logits)
    powers = [exp(logit - top) for logit in logits]
    total = sum(powers)
    return tuple([power / total for power in powers])


def _tree(grams: Sequence[str]) -> dict[str, tuple[int, dict[str, int]]]:
    """Each first word -> its place among the n-grams (from 1; 0 where it is none itself), and the words that make pairs
    with it, with the places of the pairs."""
    places: dict[str, int] = {}
    seconds: dict[str, dict[str, int]] = {}
    for place, gram in enumerate(grams, start=1):
        word, space, second = gram.partition(" ")
        if space:
            seconds.setdefault(word, {})[second] = place
        else:
            places[word] = place
    return {word: (places.get(word, 0), seconds.get(word, {})) for word in sorted({*places, *seconds})}


def _packed(weights: bytes, count: int) -> list[int]:
    """Signed numbers of 16 bits, `count` for each n-gram -> one integer for each n-gram."""
    return [
        sum(weight << LANE_BITS * place for place, weight in enumerate(row))
        for row in struct.iter_unpack(f"<{count}h", weights)
    ]
