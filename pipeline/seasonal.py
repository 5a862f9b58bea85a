"""What is usual at each hour of the week, learned from rows of counts: a level, what each hour of the day makes of it,
and what each hour of the week makes of that.

In: the count of a row, the hour of the week it belongs to, how many hours it stands for. Out: the count to expect of a
row at an hour of the week. The one rule: an hour is shrunk towards what stands above it while little is known of it, so
that the first Monday is expected to be like the days before it, and the tenth like Mondays.

Source: the mean of a Poisson rate under its conjugate gamma prior, the prior being the estimate above (Gelman et al.,
Bayesian Data Analysis, 2.6 and 5.5); from the same hour of earlier weeks and not from the hour before, after Gnip,
"Trend detection in social data"; slow forgetting by a power prior (West and Harrison, Bayesian Forecasting and Dynamic
Models, 6.3).
"""

import msgspec

from pipeline.local_time import HOURS_OF_WEEK

HOURS_OF_DAY = 24

PRIOR_COUNT = 1.0
PRIOR_HOURS = 0.05
"""Of a series of which nothing is known one is expected in a row, and the first rows say much more than this."""
TRUST_HOURS = 2.0
"""What stands above an hour weighs as much as two hours of its own."""
LEVEL_HALF_LIFE_HOURS = 14 * 24
"""As that of `pipeline.baseline`."""
SEASON_HALF_LIFE_HOURS = 8 * 7 * 24
"""An hour of the week is seen once a week: half of eight Mondays counts."""


class Cell(msgspec.Struct, array_like=True, gc=False):
    """Weighted counts times hours, weighted hours, and the time when they were last faded, in hours of the series."""

    shape: float = 0.0
    hours: float = 0.0
    at: float = 0.0

    def learn(self, count: float, hours: float, at: float, half_life: float) -> None:
        """Takes in a row that stands for `hours`, at `at`."""
        kept = 0.5 ** ((at - self.at) / half_life)
        self.shape = self.shape * kept + count * hours
        self.hours = self.hours * kept + hours
        self.at = at

    def expected(self, above: float, trust: float) -> float:
        """The count of a row, between what was seen here and the estimate above."""
        return (trust * above + self.shape) / (trust + self.hours)


def _cells(number: int) -> list[Cell]:
    return [Cell() for _ in range(number)]


class SeasonalBaseline(msgspec.Struct):
    """193 cells: the level, 24 hours of the day, 168 hours of the week (0 is Monday's first)."""

    level: Cell = msgspec.field(default_factory=Cell)
    of_day: list[Cell] = msgspec.field(default_factory=lambda: _cells(HOURS_OF_DAY))
    of_week: list[Cell] = msgspec.field(default_factory=lambda: _cells(HOURS_OF_WEEK))

    def expected(self, hour_of_week: int) -> float:
        """The count to expect of a row at this hour; above 0."""
        level = self.level.expected(PRIOR_COUNT, PRIOR_HOURS)
        of_day = self.of_day[hour_of_week % HOURS_OF_DAY].expected(level, TRUST_HOURS)
        return self.of_week[hour_of_week].expected(of_day, TRUST_HOURS)

    def learn(self, hour_of_week: int, count: float, hours: float, at: float) -> None:
        """Takes in a row that stands for `hours`. `at`: hours of the series so far, never less than before."""
        self.level.learn(count, hours, at, LEVEL_HALF_LIFE_HOURS)
        self.of_day[hour_of_week % HOURS_OF_DAY].learn(count, hours, at, LEVEL_HALF_LIFE_HOURS)
        self.of_week[hour_of_week].learn(count, hours, at, SEASON_HALF_LIFE_HOURS)
