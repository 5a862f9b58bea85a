"""Rules of thumb: what is done without a model of the counts, to compare detectors with.

In: who complained about one unit, and when, in order of time. Out: how high each rule stands at each complaint, in its
own measure. A rule alerts where it stands at its threshold or above; one alert is open at a time, and it is closed
after 30 calm minutes, as in the engine. The one rule: whatever can be given to them is given to them. They see distinct
authors and not posts, the hour that ends at the complaint and not the clock's hour, and past hours only that ended
before that one began.

Sources. Mean + k sigma: Shewhart's chart with k = 3. Last hour against the mean of the past twelve: a commercial
tool's rule. EARS C2: Hutwagner et al., The bioterrorism preparedness and response Early Aberration Reporting System
(2003): a count against mean and standard deviation of a baseline of 7 units of time, with 2 left out between; alert at
3 deviations. The unit there is a day. A baseline of 7 hours holds nothing at such low counts, so here it is the hours
of 7 days, and the 2 that are left out are hours. Plain Poisson: the tail at the mean of all past hours.
"""

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import NamedTuple, Self

from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS

HOLD_MS = 30 * MINUTE_MS
DAY_HOURS = DAY_MS // HOUR_MS
C2_HOURS = 7 * DAY_HOURS
C2_LAG_HOURS = 2
PAST_HOURS = 12
NOTHING = -math.inf
"""Where a rule stands that knows too little, or sees too few."""


class Past(NamedTuple):
    """What is known of the hours that ended before the one that is judged began: how many, the sum of their counts and
    of the squares; the sum of the newest twelve; the same of the hours of EARS C2."""

    hours: int
    total: int
    squares: int
    twelve: int
    c2_hours: int
    c2_total: int
    c2_squares: int


class Rule(NamedTuple):
    """`level` says where a count stands against the past; it never falls as the count grows. It alerts at `threshold`
    or above. `count_min`: fewer people are no alert."""

    name: str
    threshold: float
    level: Callable[[Past, int], float]
    count_min: int = 1

    def stands(self, past: Past, count: int) -> float:
        """Its level, or NOTHING below its minimum."""
        return self.level(past, count) if count >= self.count_min else NOTHING


class Reading(NamedTuple):
    """One complaint: how many distinct people complained within the hour that ends with it, the most that there were
    at any time of the 30 minutes before it, and the past of both. An alert opens here at each threshold above
    `rule.stands(past, peak)`, up to `rule.stands(past, authors)`."""

    at_ms: int
    authors: int
    peak: int
    past: Past

    def opens(self, rule: Rule) -> bool:
        """Whether the rule alerts here, and no alert of it is open."""
        if self.authors <= self.peak:
            return False
        return rule.stands(self.past, self.peak) < rule.threshold <= rule.stands(self.past, self.authors)


class Watch:
    """Complaints about one unit, in order of time. What is known begins with the hour of the first."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}  # by author, the earliest first: whoever wrote again went to the end
        self._peaks: deque[tuple[int, int]] = deque()  # when a count ended, and the count: ever later, ever lower
        self._open: dict[int, set[str]] = {}  # hours that are not past yet
        self._next = -1
        self._past = Past(0, 0, 0, 0, 0, 0, 0)
        self._newest: deque[int] = deque()
        self._c2: deque[int] = deque()

    def observe(self, at_ms: int, author: str) -> Reading:
        """The next complaint. Raises ValueError for one that is earlier than the last."""
        if self._last and at_ms < next(reversed(self._last.values())):
            raise ValueError("complaints come in order of time")
        hour = at_ms // HOUR_MS
        if self._next < 0:
            self._next = hour
        self._leave(at_ms)
        past = self._learned((at_ms - HOUR_MS) // HOUR_MS)
        before = len(self._last)
        while self._peaks and self._peaks[0][0] <= at_ms - HOLD_MS:
            self._peaks.popleft()
        peak = max(before, self._peaks[0][1] if self._peaks else 0)
        if self._last.pop(author, None) is None:
            self._ended(at_ms, before)
        self._last[author] = at_ms
        self._open.setdefault(hour, set()).add(author)
        return Reading(at_ms, len(self._last), peak, past)

    def copy(self) -> Self:
        """Another one that knows the same."""
        other = type(self)()
        other._last, other._peaks = dict(self._last), self._peaks.copy()
        other._open = {hour: set(authors) for hour, authors in self._open.items()}
        other._next, other._past = self._next, self._past
        other._newest, other._c2 = self._newest.copy(), self._c2.copy()
        return other

    def _leave(self, at_ms: int) -> None:
        """An hour after his last word an author is no longer counted."""
        while self._last:
            author, last = next(iter(self._last.items()))
            if last + HOUR_MS > at_ms:
                return
            self._ended(last + HOUR_MS, len(self._last))
            del self._last[author]

    def _ended(self, at_ms: int, count: int) -> None:
        while self._peaks and self._peaks[-1][1] <= count:
            self._peaks.pop()
        self._peaks.append((at_ms, count))

    def _learned(self, end: int) -> Past:
        """The hours before `end`, those without a complaint too."""
        if end > self._next:
            for hour in sorted(hour for hour in self._open if hour < end):
                self._silence(hour - self._next)
                self._learn(len(self._open.pop(hour)))
            self._silence(end - self._next)
        return self._past

    def _silence(self, hours: int) -> None:
        """A gap of months is not gone through hour by hour: what is left of the newest hours is silent then."""
        for _ in range(min(hours, C2_HOURS + PAST_HOURS)):
            self._learn(0)
        beyond = max(0, hours - C2_HOURS - PAST_HOURS)
        self._next += beyond
        self._past = self._past._replace(hours=self._past.hours + beyond)

    def _learn(self, count: int) -> None:
        hours, total, squares, twelve, c2_hours, c2_total, c2_squares = self._past
        self._next += 1
        self._newest.append(count)
        twelve += count
        if len(self._newest) > PAST_HOURS:
            twelve -= self._newest.popleft()
        if len(self._newest) > C2_LAG_HOURS:
            entering = self._newest[-1 - C2_LAG_HOURS]
            self._c2.append(entering)
            c2_hours, c2_total, c2_squares = c2_hours + 1, c2_total + entering, c2_squares + entering * entering
        if c2_hours > C2_HOURS:
            leaving = self._c2.popleft()
            c2_hours, c2_total, c2_squares = c2_hours - 1, c2_total - leaving, c2_squares - leaving * leaving
        self._past = Past(hours + 1, total + count, squares + count * count, twelve, c2_hours, c2_total, c2_squares)


def deviations(hours: int, total: int, squares: int, count: int) -> float:
    """How many standard deviations a count is above the mean of past hours. The deviation is at least that of a single
    complaint in as many hours, so that it is never 0."""
    mean = max(total, 1) / hours
    variance = max(squares / hours - (total / hours) ** 2, (1.0 - 1.0 / hours) / hours)
    return (count - mean) / math.sqrt(variance)


def sigmas(past: Past, count: int) -> float:
    """Against all past hours, once a day of them is known."""
    return deviations(past.hours, past.total, past.squares, count) if past.hours >= DAY_HOURS else NOTHING


def times_past_twelve(past: Past, count: int) -> float:
    """Times the mean of the past twelve hours, which is taken for one complaint at least."""
    if past.hours < PAST_HOURS:
        return NOTHING
    return count * PAST_HOURS / max(1, past.twelve)


def ears_c2(past: Past, count: int) -> float:
    """Against the hours of 7 days, the newest 2 left out; once there are as many."""
    if past.c2_hours < C2_HOURS:
        return NOTHING
    return deviations(past.c2_hours, past.c2_total, past.c2_squares, count)


def poisson(past: Past, count: int) -> float:
    """The number of zeros of P(X >= count) at the mean of all past hours, once a day of them is known."""
    return _poisson_zeros(max(past.total, 1) / past.hours, count) if past.hours >= DAY_HOURS else NOTHING


def _poisson_zeros(mean: float, count: int) -> float:
    """-log10 of the tail: summed from its largest term on above the mean, and below it from the other end."""
    if count <= 0:
        return 0.0
    if count > mean:
        total, term, k = 0.0, 1.0, count
        while term > total * 1e-15:
            total += term
            k += 1
            term *= mean / k
        log_first = count * math.log(mean) - mean - math.lgamma(count + 1)
        return -(log_first + math.log(total)) / math.log(10)
    below = math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count))
    return -math.log10(max(1.0 - below, 1e-300))


ALWAYS = Rule("alarm always", 0.0, lambda past, count: math.inf)
NEVER = Rule("alarm never", math.inf, lambda past, count: NOTHING)
TUNABLE = (
    Rule("mean + k sigma", 3.0, sigmas),
    Rule("last hour / past 12", 3.0, times_past_twelve, count_min=3),
    Rule("EARS C2", 3.0, ears_c2),
    Rule("plain Poisson", 5.0, poisson),
)
"""With the thresholds that are usual; the tail of 1e-5 is what a thousand units tested hourly need."""
RULES = (ALWAYS, NEVER, *TUNABLE)


def tuned(opened: Iterable[tuple[float, float]], alerts_max: int) -> float:
    """The lowest threshold, 0 at least, from which on no more than so many alerts open. `opened`: for each complaint
    where the rule stood at the peak before it and where with it (`Reading`)."""
    changes: Counter[float] = Counter()
    for peak, level in opened:
        if peak < level:
            changes[level] += 1
            changes[peak] -= 1
    alerts = 0
    for level in sorted(changes, reverse=True):
        alerts += changes[level]  # what opens at this threshold, and at each down to the next level
        if alerts > alerts_max:
            return max(0.0, math.nextafter(level, math.inf))
    return 0.0
