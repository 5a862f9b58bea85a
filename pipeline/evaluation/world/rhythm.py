"""When people write: the shape of a day and of a week.

In: an hour of the week, 0 is Monday's first in local time. Out: how many times the usual is said in it; over a week the
mean is 1.

Source: the 24 and 7 figures are fitted by `python -m tests.evaluation.fit_rhythm` on tweets to two airlines and five
series of mentions of brands: the share of each hour in its day, meaned over days, then over sources, smoothed with the
neighbours' quarter; and the median count of a weekday over eight weeks, meaned over the five series.
"""

from typing import Final

import msgspec

from pipeline.local_time import HOURS_OF_WEEK

HOURS_OF_DAY: Final = 24

_DAY: Final = (
    0.65, 0.55, 0.49, 0.48, 0.52, 0.58, 0.63, 0.76, 1.00, 1.25, 1.41, 1.49,
    1.53, 1.51, 1.46, 1.42, 1.37, 1.27, 1.15, 1.04, 0.95, 0.89, 0.84, 0.76,
)  # fmt: skip
_WEEK: Final = (1.11, 1.41, 1.20, 1.20, 1.02, 0.55, 0.50)
"""Monday to Sunday."""


class Rhythm(msgspec.Struct, frozen=True):
    """`factors`: 168 figures, one for each hour of the week."""

    factors: tuple[float, ...]

    def at(self, hour_of_week: int) -> float:
        """How many times the usual is said in this hour; any whole number of hours after a Monday's midnight."""
        return self.factors[hour_of_week % HOURS_OF_WEEK]


def rhythm(day: tuple[float, ...] = _DAY, week: tuple[float, ...] = _WEEK, later: int = 0) -> Rhythm:
    """24 and 7 figures -> a Rhythm with the mean 1; `later`: everything happens so many hours later."""
    if len(day) != HOURS_OF_DAY or len(week) != HOURS_OF_WEEK // HOURS_OF_DAY:
        raise ValueError("a rhythm is made of 24 figures for the hours and 7 for the days")
    if min(*day, *week) < 0 or not sum(day) * sum(week) > 0:
        raise ValueError("the figures of a rhythm are not negative, and not all of them are 0")
    raw = [of_day * of_week for of_week in week for of_day in day]
    mean = sum(raw) / HOURS_OF_WEEK
    return Rhythm(tuple(raw[(hour - later) % HOURS_OF_WEEK] / mean for hour in range(HOURS_OF_WEEK)))


USUAL: Final = rhythm()
"""As fitted."""
