"""A surge in any series of counts: each row gets a score from 0 to 1 and the count that was expected.

In: rows of (time, count) in order of time. Out: a Reading for each, from that row and earlier ones only. Three windows
end at every row: the row itself, the last hour, the last day. The one rule: a surge is news. It is above what the hour
of the week explains, it is large beside the largest that the series has seen (which fades), and it was not said before:
while it lasts, only two fifths on top of it are news again. All other rows score 0, so that one event is a few rows
above a threshold and not hundreds.

The score is r / (1 + r) / (1 + n p). r is the ratio to the largest window before the event: 0.5 is as large as the
largest so far, 0.6 half as large again, 0.75 three times. p is the chance of such a count under an over-dispersed model
of the window's usual count, n how many such windows ten days have: what chance brings every ten days counts half.

Source: the negative-binomial tail as in `pipeline.baseline`; the cut of past outbreaks at 2.58 standard deviations is
the limit of Noufaily et al. (Stat Med 32, 2013), who weight them down where we cut, because under weights a new level
would take months to be learned; that what matters is whether a value is a new record, after the theory of records
(Arnold, Balakrishnan and Nagaraja, Records, 1998), which needs no shape of the tail: the tails of posts are too heavy
for any that was tried. The constants are round figures; how little hangs on each is measured in
`tests/evaluation/nab.py`.
"""

import math
from typing import NamedTuple

import msgspec

from pipeline.dispersion import negative_binomial_tail
from pipeline.local_time import hour_of_week_utc
from pipeline.seasonal import SeasonalBaseline
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS

SPANS_MINUTES = (60, 24 * 60)
"""The windows beside the row itself."""
FADE_HALF_LIFE_HOURS = 10 * 24
"""What was the largest counts half after ten days."""
OPEN = 0.5
"""An event opens at half of the largest."""
GROWTH = 1.4
"""It is news again where it is larger by so much than what was said."""
CALM_MS = 12 * HOUR_MS
"""After this long without news it is over."""
CROWD = 3.0
"""Fewer are never many: after a year of silence one is no surge."""
LEARN_HOURS = 24
"""Of the first day only what is usual is learned; of the second also what is large; then rows are scored."""
OUTBREAK_SIGMAS = 2.58
COUNT_MAX = 1e12
"""Larger ones could not be added up exactly."""


class SeriesError(ValueError):
    """A row that cannot be taken, in one sentence."""


class Reading(NamedTuple):
    """`score`: 0 to 1, 0 where there is no news. `expected`: the count to expect of this row. `window_minutes`: the
    window that the score is of, 0 for the row itself. `p_value`: of its count; 1 where the score is 0."""

    score: float
    expected: float
    window_minutes: int = 0
    p_value: float = 1.0


class Window(msgspec.Struct, gc=False):
    """A window's sums, its over-dispersion, and what is large in it. `first`: the place of its oldest minute.
    `excess` / `weight` is the variance over the mean; `largest` fades; `before`: the largest when the event opened."""

    minutes: int
    first: int = 0
    count: float = 0.0
    expected: float = 0.0
    excess: float = 0.0
    weight: float = 0.0
    largest: float = 0.0
    before: float = 0.0

    @property
    def dispersion(self) -> float:
        """Variance over mean; that of a Poisson count at least, and a little more for the tail to exist."""
        return max(1.05, (1.0 + self.excess) / (1.0 + self.weight))


class Minute(msgspec.Struct, array_like=True, gc=False):
    """What the rows of one minute add up to."""

    minute: int
    count: float
    expected: float


class CountSeries(msgspec.Struct):
    """All that is remembered of a series: at most a day of minutes, 193 cells, three windows. `hours`: how much time
    the rows stand for; what is not there (a gap) does not fade anything. `news_ms`, `said`: when the last news was, and
    its ratio."""

    newest_ms: int | None = None
    hours: float = 0.0
    said: float = 0.0
    news_ms: int | None = None
    baseline: SeasonalBaseline = msgspec.field(default_factory=SeasonalBaseline)
    minutes: list[Minute] = []
    windows: list[Window] = msgspec.field(default_factory=lambda: [Window(minutes) for minutes in (0, *SPANS_MINUTES)])

    def observe(self, time_ms: int, count: float, hour_of_week: int | None = None) -> Reading:
        """Takes in a row that is later than all before it. `hour_of_week`: on the clock that people there live by;
        that of UTC if not given. Raises SeriesError for a count or a time that cannot be."""
        self.check(count)
        if self.newest_ms is not None and time_ms <= self.newest_ms:
            raise SeriesError("the row is not later than the one before it")
        elapsed = MINUTE_MS if self.newest_ms is None else min(time_ms - self.newest_ms, DAY_MS)
        self.newest_ms = time_ms
        self.hours += elapsed / HOUR_MS
        hour = hour_of_week_utc(time_ms) if hour_of_week is None else hour_of_week
        expected = self.baseline.expected(hour)
        self._slide(time_ms // MINUTE_MS, count, expected)
        best = self._news(time_ms, elapsed, expected)
        usual = expected + OUTBREAK_SIGMAS * math.sqrt(self._variance(self.windows[0]))
        taken = count if self.hours < LEARN_HOURS else min(count, usual)
        self.baseline.learn(hour, taken, min(elapsed / HOUR_MS, 1.0), self.hours)
        for window in self.windows:
            _learn_dispersion(window, _kept(elapsed))
        return best

    @staticmethod
    def check(count: float) -> None:
        """Raises SeriesError for what is no count."""
        if not 0.0 <= count <= COUNT_MAX:
            raise SeriesError(f"{count:g} is no count between 0 and {COUNT_MAX:.0e}")

    def _slide(self, minute: int, count: float, expected: float) -> None:
        """Moves all windows to where they end in this row."""
        if self.minutes and self.minutes[-1].minute == minute:
            last = self.minutes[-1]
            last.count += count
            last.expected += expected
        else:
            self.minutes.append(Minute(minute, count, expected))
        row = self.windows[0]
        row.count, row.expected = count, expected
        for window in self.windows[1:]:
            window.count += count
            window.expected += expected
            while self.minutes[window.first].minute <= minute - window.minutes:
                gone = self.minutes[window.first]
                window.count -= gone.count
                window.expected -= gone.expected
                window.first += 1
        spare = self.windows[-1].first
        if spare > SPANS_MINUTES[-1]:
            del self.minutes[:spare]
            for window in self.windows[1:]:
                window.first -= spare

    def _news(self, time_ms: int, elapsed_ms: int, expected: float) -> Reading:
        """Whether a window has news, and which of them the most. One event for all windows: that the day is large
        because this hour is was said already."""
        nothing = best = Reading(0.0, expected)
        if self.hours < LEARN_HOURS:
            return nothing
        over = self.news_ms is None or time_ms - self.news_ms >= CALM_MS
        for window in self.windows:
            window.largest *= _kept(elapsed_ms)
            if over:
                window.before = max(window.largest, CROWD)
            window.largest = max(window.largest, window.count)
        ratio_min = OPEN if over else GROWTH * self.said
        ratios = [window.count / window.before for window in self.windows]
        if max(ratios) < ratio_min or self.hours < 2 * LEARN_HOURS:
            return nothing
        self.news_ms, self.said = time_ms, max(ratios)
        for window, ratio in zip(self.windows, ratios, strict=True):
            if ratio >= ratio_min:
                reading = self._scored(window, ratio, elapsed_ms, expected)
                best = max(best, reading)
        return best

    def _scored(self, window: Window, ratio: float, elapsed_ms: int, expected: float) -> Reading:
        """How large it is, and how unlikely."""
        p_value = negative_binomial_tail(math.ceil(window.count), _mean(window), self._variance(window))
        windows = FADE_HALF_LIFE_HOURS * HOUR_MS / max(window.minutes * MINUTE_MS, elapsed_ms)
        return Reading(ratio / (1.0 + ratio) / (1.0 + windows * p_value), expected, window.minutes, p_value)

    def _variance(self, window: Window) -> float:
        """Of the window's count: over-dispersed, and more so while the level is not known well."""
        mean = _mean(window)
        return window.dispersion * mean + mean * mean / (1.0 + self.baseline.level.shape)


def _mean(window: Window) -> float:
    """The expected count; never nothing, whatever adding and taking away has left."""
    return max(window.expected, 1e-9)


def _kept(elapsed_ms: int) -> float:
    """What is left after this time of what fades."""
    return float(0.5 ** (elapsed_ms / (FADE_HALF_LIFE_HOURS * HOUR_MS)))


def _learn_dispersion(window: Window, kept: float) -> None:
    """How much the count is off, cut where an outbreak begins."""
    off = (window.count - window.expected) ** 2 / _mean(window)
    window.excess = window.excess * kept + min(off, OUTBREAK_SIGMAS**2 * window.dispersion)
    window.weight = window.weight * kept + 1.0
