"""Signs -> how likely each label is. In: the values of `signs.py`, stars where some came with the text. Out:
probabilities of negative, neutral and positive.

The one rule: a probability means what it says: of the texts that are called negative with 0.8, eight in ten are. The
weights are fitted by `tests/evaluation/fit_label.py` and stand in the language's `label.toml`.
"""

from collections.abc import Sequence
from itertools import compress
from math import exp, fsum
from operator import mul
from typing import Final

from pipeline.lexicon import content
from pipeline.sentiment.signs import NAMES
from schemas.vocabulary import SentimentLabel

LABELS: Final[tuple[SentimentLabel, ...]] = ("negative", "neutral", "positive")
STARS_MIDDLE: Final = 3.0
STAR: Final = 1.0
"""What a star above or below the middle adds to the logit of positive, and takes from that of negative. Most texts come
without stars, so this is a guess; five stars outweigh a text that is taken as negative with 0.98."""
UNDECIDED: Final = 0.5
"""What a star away from the middle takes from the logit of neutral, as a share of `STAR`."""

WORDLESS: Final = (0.3, 0.4, 0.3)
"""How likely the labels are where stars come without a word: three of them are neutral."""


class Labeller:
    """The weights of one language. Raises FileNotFoundError where there are none, KeyError where a sign has none."""

    def __init__(self, language: str = "en") -> None:
        file = content("label", language)
        assert tuple(file["labels"]) == LABELS
        self._biases: tuple[float, float, float] = tuple(file["biases"])
        self._weights: tuple[tuple[float, float, float], ...] = tuple(tuple(file["weights"][name]) for name in NAMES)

    def probabilities(self, values: Sequence[float]) -> tuple[float, ...]:
        """In the order of LABELS; they add up to 1."""
        first, second, third = ([bias] for bias in self._biases)
        # Two of three signs are not there.
        for value, (one, two, three) in zip(filter(None, values), compress(self._weights, values), strict=True):
            first.append(one * value)
            second.append(two * value)
            third.append(three * value)
        powers = exp(fsum(first)), exp(fsum(second)), exp(fsum(third))
        total = fsum(powers)
        return tuple([power / total for power in powers])

    def adds(self, label: SentimentLabel, values: Sequence[float]) -> list[tuple[str, float]]:
        """What each sign adds to the logarithm of a label's odds, the weightiest first; those that add nothing not."""
        side = LABELS.index(label)
        added = [
            (name, weights[side] * value) for name, weights, value in zip(NAMES, self._weights, values, strict=True)
        ]
        return sorted(((name, one) for name, one in added if one), key=lambda one: -abs(one[1]))


def star_factors(rating: float) -> tuple[float, float, float]:
    """`rating` 0 to 5 -> what the probability of each of LABELS is multiplied by."""
    push = STAR * (rating - STARS_MIDDLE)
    return exp(-push), exp(-UNDECIDED * abs(push)), exp(push)


def with_stars(probabilities: Sequence[float], rating: float) -> tuple[float, ...]:
    """`rating` 0 to 5; probabilities in the order of LABELS."""
    pushed = list(map(mul, probabilities, star_factors(rating)))
    total = fsum(pushed)
    return tuple([one / total for one in pushed])
