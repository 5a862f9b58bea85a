"""How often a unit sees something at least so large: authors with so many followers, posts with so many reposts.

In: sizes as they come, with their times. Out: the expected number per 30 days of things of at least a size. The one
rule: beyond what was seen the tail is heavy, so that a unit of which little is known takes nothing for impossible.
Numbers fade with a half-life of 180 days; time is data, so learning late or early makes no difference.

Sources: the rate is gamma-Poisson (Gelman et al., Bayesian Data Analysis, 2.6). The tail is a Pólya tree (Lavine, Some
Aspects of Polya Tree Distributions, Annals of Statistics 1992) over factors of four that leans to a Pareto tail: the
share of those that get past one step which get past the next one is a beta estimate around the Pareto's.
"""

import math
from typing import Final

import msgspec

from schemas.time import DAY_MS

MONTH_MS: Final = 30 * DAY_MS
HALF_LIFE_MS: Final = 180 * DAY_MS
STEP: Final = 4.0
"""Sizes are counted by factors of four."""
STRENGTH: Final = 5.0
"""So many things are as good a reason for the share that gets past a step as the Pareto tail is."""
BACK_MS: Final = DAY_MS
"""How much earlier than what was first seen something may be and still move the beginning."""
_PER_LOG: Final = 1.0 / math.log(STEP)
_MEMORY_MS: Final = HALF_LIFE_MS / math.log(2.0)


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a kind of size before a unit is. `least`: the smallest that counts. `exponent`: of the Pareto
    tail from there on. `a_month`: how many in 30 days, and `weight`, how many things that guess is worth."""

    least: float
    exponent: float
    a_month: float
    weight: float

    def passes(self, steps: float) -> float:
        """The share of those past one step that get so many further."""
        return math.pow(STEP, -self.exponent * steps)


class Rarity(msgspec.Struct, array_like=True, omit_defaults=True, gc=False):
    """What a unit has seen. `since_ms`: from when on it was watched, -1 while it was not. `counts`: things by step of
    size, faded to `upto_ms`. At most 27 counts, for sizes up to 2 ** 53."""

    since_ms: int = -1
    upto_ms: int = -1
    counts: list[float] = []

    def watch(self, at_ms: int) -> None:
        """Something was seen at this time, whatever it was: from here on silence is silence."""
        if self.since_ms < 0 or self.since_ms - BACK_MS < at_ms < self.since_ms:
            self.since_ms = at_ms

    def learn(self, scale: Scale, size: float, at_ms: int) -> None:
        """Takes in one thing of this size; smaller than the least does not count."""
        if size < scale.least:
            return
        place = int(_steps(scale, size))
        self.counts.extend([0.0] * (place + 1 - len(self.counts)))
        if at_ms > self.upto_ms:
            keep = _kept(at_ms - self.upto_ms) if self.upto_ms >= 0 else 1.0
            self.counts = [count * keep for count in self.counts]
            self.upto_ms = at_ms
        self.counts[place] += _kept(self.upto_ms - at_ms)

    def expected(self, scale: Scale, size: float, at_ms: int) -> float:
        """How many of at least this size 30 days bring, as seen at this time; what was seen between the same two steps
        counts as being as large. To three digits, as it is shown: what is decided can then be recomputed from what is
        shown."""
        keep = _kept(at_ms - self.upto_ms) if self.counts else 1.0
        past = sum(self.counts) * keep
        number = (scale.weight + past) / (scale.weight / scale.a_month + self.months(at_ms))
        steps = _steps(scale, max(size, scale.least))
        for place in range(int(steps)):
            beyond = max(0.0, past - self.counts[place] * keep) if place < len(self.counts) else 0.0
            number *= (STRENGTH * scale.passes(1.0) + beyond) / (STRENGTH + past)
            past = beyond
        number *= (STRENGTH * scale.passes(steps - int(steps)) + past) / (STRENGTH + past)
        return float(f"{number:.3g}")

    def months(self, at_ms: int) -> float:
        """For how long the unit was watched by this time, in stretches of 30 days, older ones faded: 8.7 at most."""
        if self.since_ms < 0:
            return 0.0
        return _MEMORY_MS * (1.0 - _kept(max(0, at_ms - self.since_ms))) / MONTH_MS

    def copied(self) -> "Rarity":
        """One that can learn without this one noticing."""
        return Rarity(self.since_ms, self.upto_ms, list(self.counts))


def half_tens(size: int) -> int:
    """A size on the scale of 1, 3, 10, 30, 100, 300 and so on: how many of them it has passed, without the 1."""
    power = len(str(size)) - 1
    return 2 * power + int(size >= 3 * 10**power)


def _steps(scale: Scale, size: float) -> float:
    """How many factors of four above the least. The tiny addition keeps whole powers of four on their step."""
    return math.log(size / scale.least) * _PER_LOG + 1e-9


def _kept(age_ms: int) -> float:
    return math.exp2(-age_ms / HALF_LIFE_MS)
