"""What is normal for a unit: a gamma-Poisson model of counts per hour that forgets slowly, the hours of its week, and
how much its counts scatter.

In: counts of closed hours. Out: the expected count of a window, its variance, and how unlikely a count is. The one
rule: the tail is over-dispersed, because customers do not complain independently of each other; by how much is learned
for each unit, for its hours and for its days.

Source: the gamma is the conjugate prior of the Poisson rate, so the predictive distribution is negative binomial
(Gelman et al., Bayesian Data Analysis, 2.6); the power prior that forgets is West and Harrison, Bayesian Forecasting
and Dynamic Models, 6.3.
"""

import math

import msgspec

from pipeline.dispersion import GRID, PRIOR, Scatter, negative_binomial_tail
from pipeline.week import Week

PRIOR_RATE = 1.0
PRIOR_SHAPE = 0.3
"""A unit of which nothing is known: one complaint an hour, but it could as well be none or ten."""
GROUP_SHAPE = 2.0
"""A unit whose like are known: their rate, give or take seven tenths."""
HALF_LIFE_HOURS = 14 * 24
COLD_HOURS = 24.0
RHYTHM = 1.0
"""Before a day is known nobody knows what the hour of the day does: a standard deviation of the whole mean."""
GAP_HOURS = 4 * 24
GAP_COMPLAINTS = 20.0
"""No silence lasts for days so that twenty complaints are missing: then nobody was listening, and the rest of it is not
learned. (By chance it would come once in 500 million.)"""
DAY_HOURS = 24

_KEEP = 0.5 ** (1 / HALF_LIFE_HOURS)


class Usual(msgspec.Struct, frozen=True, gc=False):
    """What is to be expected of a window: the mean of its count, what is added to its variance because the rate is not
    known well, and how likely each dispersion of `dispersion.GRID` is."""

    mean: float
    unknown: float
    chances: tuple[float, ...]

    @property
    def dispersion(self) -> float:
        """Variance over mean at a known rate, in the mean."""
        return sum(chance * value for chance, value in zip(self.chances, GRID, strict=True))

    @property
    def variance(self) -> float:
        """Of the window's count."""
        return self.dispersion * self.mean + self.unknown

    def p_value(self, count: int) -> float:
        """P(a window has `count` or more), to three digits, as it is shown: over all dispersions, by how likely they
        are."""
        tails = (
            chance * negative_binomial_tail(count, self.mean, value * self.mean + self.unknown)
            for chance, value in zip(self.chances, GRID, strict=True)
            if chance
        )
        return float(f"{sum(tails):.3g}")


class Baseline(msgspec.Struct, array_like=True, gc=False):
    """`shape` and `hours` are what was learned above the prior: weighted counts, and weighted hours (each as much as
    its factor). `group_rate`: complaints an hour of units like this one, None where that is not known.

    `of_hours`, `of_days`: how they scatter; `day`, `day_count`, `day_expected`: of the day that is being learned."""

    shape: float = 0.0
    hours: float = 0.0
    group_rate: float | None = None
    of_hours: Scatter = msgspec.field(default_factory=Scatter)
    of_days: Scatter = msgspec.field(default_factory=Scatter)
    day: int = -1
    day_count: int = 0
    day_expected: float = 0.0
    week: Week = msgspec.field(default_factory=Week)

    def copy(self) -> "Baseline":
        """One that learns apart from this."""
        copied = msgspec.structs.replace(self)
        copied.of_hours = self.of_hours.copy()
        copied.of_days = self.of_days.copy()
        copied.week = self.week.copy()
        return copied

    @property
    def rate(self) -> float:
        """Mean count of an hour whose factor is one."""
        shape = self.prior_shape
        return (shape + self.shape) / (shape / (self.group_rate or PRIOR_RATE) + self.hours)

    @property
    def prior_shape(self) -> float:
        """What is known beforehand weighs as much as so many complaints."""
        return PRIOR_SHAPE if self.group_rate is None else GROUP_SHAPE

    @property
    def cold(self) -> bool:
        """Less than a day is known."""
        return self.hours < COLD_HOURS

    def learn(self, hour: int, hour_of_week: int, count: int) -> None:
        """Takes in the count of one closed hour. `hour`: hours since the epoch, always later than before."""
        exposure = self.week.factor(hour_of_week)
        self._learn_scatter(hour, 1, self.rate * exposure, count)
        self.pass_hour(count, exposure)
        self.week.learn(hour_of_week, 1, count)

    def learn_silence(self, hour: int, hour_of_week: int, hours: int) -> None:
        """`hours` closed hours with nothing in them, from there on."""
        hours = self.heard(hours)
        if hours <= 0:
            return
        exposure = self.week.exposure(hour_of_week, hours)
        self._learn_scatter(hour, hours, self.rate * exposure / hours, 0)
        self.pass_silence(exposure, hours)
        self.week.learn(hour_of_week, hours)

    def pass_hour(self, count: int, exposure: float) -> None:
        """`learn` for the level alone."""
        self.shape = self.shape * _KEEP + count
        self.hours = self.hours * _KEEP + exposure

    def pass_silence(self, exposure: float, hours: int) -> None:
        """`learn_silence` for the level alone."""
        kept = _KEEP**hours
        self.shape *= kept
        self.hours = self.hours * kept + exposure / hours * (1.0 - kept) / (1.0 - _KEEP)

    def heard(self, hours: int) -> int:
        """How much of a silence is learned: beyond that it is a gap."""
        return hours if self.cold else min(hours, max(GAP_HOURS, math.ceil(GAP_COMPLAINTS / self.rate)))

    def usual(self, mean: float, day_share: float) -> Usual:
        """What to expect of a window with this mean. `day_share`: 0 for windows that scatter as hours do, 1 for those
        that scatter as days do."""
        chances = self.of_hours.chances(PRIOR)
        if day_share:
            of_days = self.of_days.chances(chances)
            chances = tuple(
                (1.0 - day_share) * hour + day_share * day for hour, day in zip(chances, of_days, strict=True)
            )
        unknown = 1.0 / (self.prior_shape + self.shape) + (RHYTHM if self.cold else 0.0)
        return Usual(mean, mean * mean * unknown, chances)

    def _learn_scatter(self, hour: int, hours: int, expected: float, count: int) -> None:
        """How so many hours came out, of which `expected` was expected each: with `count` in the first. What is
        expected in the first day is a guess, and says nothing of scatter."""
        if self.cold:
            return
        self.of_hours.learn(expected, count)
        self.of_hours.learn_silence(expected * (hours - 1))
        while hours:
            day, begun = divmod(hour, DAY_HOURS)
            if day != self.day:
                if self.day >= 0:
                    self.of_days.learn(self.day_expected, self.day_count)
                whole = 0 if begun or count else (hours - 1) // DAY_HOURS
                if whole:  # days of silence with more behind them, however many, at once
                    self.of_days.learn_nones(expected * DAY_HOURS, whole)
                    day, hour, hours = day + whole, hour + whole * DAY_HOURS, hours - whole * DAY_HOURS
                self.day, self.day_count, self.day_expected = day, 0, 0.0
            taken = min(hours, DAY_HOURS - begun)
            self.day_count += count
            self.day_expected += expected * taken
            hour, hours, count = hour + taken, hours - taken, 0
