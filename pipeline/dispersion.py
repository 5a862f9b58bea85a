"""How much counts scatter: the variance over the mean of an hour's count at a known rate, as a choice between a few
values that what was counted makes more or less likely.

In: counts with what was expected of them. Out: how likely each value of `GRID` is. The one rule: nothing is estimated
where it can be weighed: with few complaints all values stay possible, and the tail of a count is their mixture, so that
a quiet unit is neither alarmed by its second busy hour nor deaf.

Source: the posterior of the dispersion of a negative binomial on a grid (Gelman et al., Bayesian Data Analysis, 3.7);
what was counted long ago weighs less by a power prior (West and Harrison, Bayesian Forecasting and Dynamic Models,
6.3).
"""

import math
from typing import Final

import msgspec

GRID: Final = (1.02, 1.2, 1.4, 1.7, 2.0, 2.5, 3.3)
PRIOR: Final = (0.1, 0.12, 0.18, 0.2, 0.2, 0.15, 0.05)
"""Three airlines' hours of distinct complaining authors have, around the mean of the six hours about each, 1.16, 1.18
and 1.33. A store's are not known, so more is thought possible: what is taken for too calm is alarmed by chance."""
KEEP: Final = 0.9995
"""What a busy hour leaves of what was known before it: the last two thousand count."""
CHANCE_MIN: Final = 1e-4

_NONE_TO_ONE: Final = tuple(math.log(value) / (value - 1.0) for value in GRID)
"""-ln P(none), for each complaint that is expected."""


class Scatter(msgspec.Struct, array_like=True, gc=False):
    """`weights`: the logarithm of the likelihood of each value of the grid, up to a constant."""

    weights: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(GRID))

    def copy(self) -> "Scatter":
        """One that learns apart from this."""
        return Scatter(self.weights.copy())

    def learn(self, expected: float, count: int) -> None:
        """A count, of which `expected` was expected (> 0)."""
        weights = [
            KEEP * weight + log_probability(count, expected, value * expected)
            for weight, value in zip(self.weights, GRID, strict=True)
        ]
        best = max(weights)
        self.weights = [round(weight - best, 4) for weight in weights]

    def learn_nones(self, expected: float, times: int) -> None:
        """So many counts of none, one after another, of each of which `expected` was expected (> 0)."""
        kept = KEEP**times
        together = expected * (1.0 - kept) / (1.0 - KEEP)
        weights = [kept * weight - together * none for weight, none in zip(self.weights, _NONE_TO_ONE, strict=True)]
        best = max(weights)
        self.weights = [round(weight - best, 4) for weight in weights]

    def learn_silence(self, expected: float) -> None:
        """Hours with nothing in them, of which so many complaints were expected together."""
        if expected > 0.0:
            weights = [weight - expected * none for weight, none in zip(self.weights, _NONE_TO_ONE, strict=True)]
            best = max(weights)
            self.weights = [round(weight - best, 4) for weight in weights]

    def chances(self, before: tuple[float, ...]) -> tuple[float, ...]:
        """How likely each value of the grid is; `before`: how likely they were without these counts."""
        raised = [chance * math.exp(weight) for chance, weight in zip(before, self.weights, strict=True)]
        total = sum(raised)
        shares = [one / total for one in raised]
        return tuple(one if one >= CHANCE_MIN else 0.0 for one in shares)


def log_probability(count: int, mean: float, variance: float) -> float:
    """ln P(X = count) of a negative binomial with this mean and variance (> mean)."""
    size = mean * mean / (variance - mean)
    return (
        math.lgamma(count + size)
        - math.lgamma(size)
        - math.lgamma(count + 1)
        + size * math.log(size / (size + mean))
        + count * math.log(mean / (size + mean))
    )


def negative_binomial_tail(count: int, mean: float, variance: float) -> float:
    """P(X >= count) of a negative binomial with this mean and variance (> mean)."""
    if count <= 0:
        return 1.0
    size = mean * mean / (variance - mean)
    odds = mean / (size + mean)
    log_term = log_probability(count, mean, variance)
    if log_term <= -700:  # too small for a float: far below the mean all is above, far above it nothing
        return 1.0 if count < mean else 0.0
    term = math.exp(log_term)
    total, k = 0.0, count
    while term > total * 1e-10 and k < count + 100_000:
        total += term
        term *= (k + size) / (k + 1) * odds
        k += 1
    return min(1.0, total)
