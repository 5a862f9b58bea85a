"""What hours of the week make of a unit's usual rate: how many times the mean an hour has.

In: counts of closed hours with their hour of the week. Out: factors around 1. Two layers: the hour of the day, and on
it the day of the week in blocks of three hours. The one rule: a factor is 1 until counts say otherwise, whatever the
rate: it has a gamma prior of mean 1, worth a few complaints, so that a unit with one complaint a week has a flat
week and one with hundreds has its own.

All counts are whole numbers, halved after sixteen weeks: some 200 bytes, and 168 for the factors in use.

Source: the mean of a Poisson rate's factor under its conjugate gamma prior (Gelman et al., Bayesian Data Analysis,
2.6); from the same hour of earlier weeks and not from the hour before, after Gnip, "Trend detection in social data".
"""

import msgspec

from pipeline.local_time import HOURS_OF_WEEK

HOURS_OF_DAY = 24
BLOCK_HOURS = 3
BLOCKS = HOURS_OF_WEEK // BLOCK_HOURS
PRIOR_COMPLAINTS = 6.0
"""What the prior of a factor is worth: one standard deviation of it is 0.4."""
COMPLAINTS_MIN = 40
"""With fewer the week is flat, and nothing is worked out."""
HOURS_MAX = 16 * HOURS_OF_WEEK
NEWS_SHARE = 8
"""Factors are worked out anew once a day, and where much is known when there is an eighth more of it."""
SCALE = 32
"""Factors are kept in a byte, in steps of a thirty-second."""
FACTOR_MIN = 2
FACTOR_MAX = 255
FLAT = bytes([SCALE]) * HOURS_OF_WEEK


class Week(msgspec.Struct, array_like=True, gc=False):
    """`of_day`, `of_block`: complaints seen at each hour of the day and in each block of the week (0 is the first of
    Monday); `day_hours`, `block_hours`: hours seen there. `worked_out`: how many hours were seen when `factors` were
    worked out: a byte for each hour of the week, in thirty-seconds."""

    hours: int = 0
    complaints: int = 0
    of_day: list[int] = msgspec.field(default_factory=lambda: [0] * HOURS_OF_DAY)
    day_hours: list[int] = msgspec.field(default_factory=lambda: [0] * HOURS_OF_DAY)
    of_block: list[int] = msgspec.field(default_factory=lambda: [0] * BLOCKS)
    block_hours: list[int] = msgspec.field(default_factory=lambda: [0] * BLOCKS)
    worked_out: int = 0
    factors: bytes = FLAT

    def factor(self, hour_of_week: int) -> float:
        """How many times the mean this hour has, 1/16 to 8."""
        return self.factors[hour_of_week] / SCALE

    def exposure(self, hour_of_week: int, hours: int) -> float:
        """The sum of the factors of so many hours from there on."""
        if self.factors == FLAT:
            return float(hours)
        weeks, rest = divmod(hours, HOURS_OF_WEEK)
        end = hour_of_week + rest
        total = sum(self.factors[hour_of_week:end]) + (weeks * sum(self.factors) if weeks else 0)
        if end > HOURS_OF_WEEK:
            total += sum(self.factors[: end - HOURS_OF_WEEK])
        return total / SCALE

    def copy(self) -> "Week":
        """One that learns apart from this."""
        return Week(
            self.hours, self.complaints, self.of_day.copy(), self.day_hours.copy(),
            self.of_block.copy(), self.block_hours.copy(), self.worked_out, self.factors,
        )  # fmt: skip

    def learn(self, hour_of_week: int, hours: int, count: int = 0) -> None:
        """Takes in so many closed hours from there on; `count` complaints in the first of them."""
        if count:
            self.complaints += count
            self.of_day[hour_of_week % HOURS_OF_DAY] += count
            self.of_block[hour_of_week // BLOCK_HOURS] += count
        weeks, rest = divmod(hours, HOURS_OF_WEEK)
        for hour in range(hour_of_week, hour_of_week + rest):
            self.day_hours[hour % HOURS_OF_DAY] += 1
            self.block_hours[hour // BLOCK_HOURS % BLOCKS] += 1
        if weeks:
            self.day_hours = [seen + 7 * weeks for seen in self.day_hours]
            self.block_hours = [seen + BLOCK_HOURS * weeks for seen in self.block_hours]
        self.hours += hours
        while self.hours >= HOURS_MAX:
            self._halve()
        if self.hours >= self.worked_out + max(HOURS_OF_DAY, self.worked_out // NEWS_SHARE):
            self.worked_out = self.hours
            self.factors = self._work_out() if self.complaints >= COMPLAINTS_MIN else FLAT

    def _halve(self) -> None:
        self.hours //= 2
        self.complaints //= 2
        self.worked_out = min(self.worked_out, self.hours)
        self.of_day = [count // 2 for count in self.of_day]
        self.day_hours = [hours // 2 for hours in self.day_hours]
        self.of_block = [count // 2 for count in self.of_block]
        self.block_hours = [hours // 2 for hours in self.block_hours]

    def _work_out(self) -> bytes:
        rate = self.complaints / self.hours
        of_day = [_factor(seen, rate * hours) for seen, hours in zip(self.of_day, self.day_hours, strict=True)]
        factors = []
        for block, (seen, hours) in enumerate(zip(self.of_block, self.block_hours, strict=True)):
            first = block * BLOCK_HOURS % HOURS_OF_DAY
            days = of_day[first : first + BLOCK_HOURS]
            of_block = _factor(seen, rate * hours * sum(days) / BLOCK_HOURS)
            factors += [of_block * day for day in days]
        return bytes(min(FACTOR_MAX, max(FACTOR_MIN, round(SCALE * factor))) for factor in factors)


def _factor(seen: int, expected: float) -> float:
    return (PRIOR_COMPLAINTS + seen) / (PRIOR_COMPLAINTS + expected)
