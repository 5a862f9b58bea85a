"""When how many complain about one unit: over-dispersed counts by hour, each from an author of its own.

In: a random number generator, the expected count of each hour, the dispersion (variance of an hour's count over its
mean). Out: moments with authors, in order of time. The one rule: the count of distinct authors in an hour is negative
binomial with that mean and that dispersion, and hours do not depend on each other.

Source: a gamma-distributed intensity for each hour makes its count negative binomial. The same count is that of a
Poisson number of groups whose sizes have the logarithmic distribution (Johnson, Kemp and Kotz, Univariate Discrete
Distributions, 5.3), and groups cost nothing where nobody writes. Sizes are drawn by Kemp's method (Efficient
generation of logarithmically distributed pseudo-random variables, 1981).
"""

import math
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, pairwise
from random import Random
from typing import Final, NamedTuple

from pipeline.evaluation.world.rhythm import Rhythm
from schemas.time import DAY_MS, HOUR_MS

REGULARS: Final = 20
"""How many people come back to a unit."""
_MONDAY_MS: Final = 4 * DAY_MS
"""1970-01-05, the first Monday."""


class Arrival(NamedTuple):
    """One negative original. `event_time`: milliseconds; `author`: `r…` comes back, `n…` writes once."""

    event_time: int
    author: str


def arrivals(
    random: Random, *, rate: float, dispersion: float, starts: int, hours: int, rhythm: Rhythm | None = None,
    offset_ms: int = 0, returning: float = 0.0,
) -> Iterator[Arrival]:  # fmt: skip
    """What comes in `hours` whole hours from `starts` (milliseconds) at `rate` an hour. `rhythm`: None is flat;
    `offset_ms`: what local time is ahead of UTC; `returning`: the share that regulars write. Raises ValueError."""
    if rhythm is None:
        means: Iterable[float] = [rate] * hours
    else:
        first = (starts + offset_ms - _MONDAY_MS) // HOUR_MS
        means = [rate * rhythm.at(hour) for hour in range(first, first + hours)]
    return arrivals_of(random, means, dispersion=dispersion, starts=starts, returning=returning)


def arrivals_of(
    random: Random, means: Iterable[float], *, dispersion: float, starts: int, returning: float = 0.0
) -> Iterator[Arrival]:
    """The same for any expected counts of the hours from `starts` on, all at least 0. Raises ValueError."""
    moments = moments_of(random, means, dispersion=dispersion, starts=starts)
    if not returning:
        return (Arrival(moment, f"n{number}") for number, moment in enumerate(moments))
    return _with_regulars(random, moments, returning)


def moments_of(random: Random, means: Iterable[float], *, dispersion: float, starts: int) -> Iterator[int]:
    """The moments alone, in order of time. Raises ValueError where the dispersion is below 1 or a mean below 0."""
    if not (math.isfinite(dispersion) and dispersion >= 1.0):
        raise ValueError(f"the dispersion is 1 or more (1: Poisson), not {dispersion:g}")
    expected = array("d", accumulate(means, initial=0.0))
    if not math.isfinite(expected[-1]) or any(after < before for before, after in pairwise(expected)):
        raise ValueError("the expected counts of the hours are at least 0, and finite")
    return _moments(random, expected, dispersion, starts)


def _moments(random: Random, expected: "array[float]", dispersion: float, starts: int) -> Iterator[int]:
    """`expected`: the count to expect before each hour, and before the end. Groups are Poisson in it."""
    most = expected[-1]
    uniform, log = random.random, math.log
    share = 1.0 - 1.0 / dispersion
    mean_size = (dispersion - 1.0) / log(dispersion) if share > 0 else 1.0
    rest = log(1.0 - share) if share > 0 else 0.0
    now, open_hour = 0.0, -1
    moments: list[int] = []
    while True:
        now -= mean_size * log(1.0 - uniform())
        if now >= most:
            break
        hour = bisect_right(expected, now) - 1
        if hour != open_hour:
            moments.sort()
            yield from moments
            moments.clear()
            open_hour = hour
        from_ms = starts + hour * HOUR_MS
        for _ in range(_size(uniform, share, rest) if share > 0 else 1):
            moments.append(from_ms + int(uniform() * HOUR_MS))
    moments.sort()
    yield from moments


def _size(uniform: Callable[[], float], share: float, rest: float) -> int:
    """A logarithmic variate: Kemp's LK. `rest`: the logarithm of 1 - share."""
    second = uniform()
    if second >= share:
        return 1
    chance = 1.0 - math.exp(rest * uniform())
    if second <= chance * chance:
        return int(1.0 + math.log(second) / math.log(chance)) if second else 1
    return 1 if second >= chance else 2


def _with_regulars(random: Random, moments: Iterable[int], returning: float) -> Iterator[Arrival]:
    """Nobody comes back within a day, so that all authors of a day are distinct."""
    latest = [-DAY_MS] * REGULARS
    for number, moment in enumerate(moments):
        if random.random() < returning:
            who = random.randrange(REGULARS)
            if moment - latest[who] >= DAY_MS:
                latest[who] = moment
                yield Arrival(moment, f"r{who}")
                continue
        yield Arrival(moment, f"n{number}")
