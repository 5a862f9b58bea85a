"""What was said about each unit, hour by hour, over the last week. In: roll-ups. Out: hours, oldest first.

The one rule: a unit costs two kilobytes, however much is said about it: a ring of 168 hours, of which the newest take
the place of the oldest. An hour that is told again takes the place of what was told before.
"""

from array import array
from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.event import UnitRollup
from schemas.time import HOUR_MS

HOURS: Final = 7 * 24


class Hour(NamedTuple):
    """One hour: when it began, in milliseconds, and how many posts and pieces of feedback were about the unit."""

    at_ms: int
    mentions: int
    negative: int
    positive: int


class Week:
    """The last hours of one unit. An hour's place in the ring follows from the hour alone, so that rings add up."""

    __slots__ = ("counts", "newest")

    def __init__(self) -> None:
        self.newest = -1
        self.counts = array("I", bytes(4 * 3 * HOURS))

    def put(self, rollup: UnitRollup) -> bool:
        """One hour, in any order. Says whether it changed anything; what is older than the ring does not."""
        hour = rollup.hour // HOUR_MS
        self.advance(hour)
        if hour <= self.newest - HOURS:
            return False
        start = hour % HOURS * 3
        told = array("I", (min(count, 2**32 - 1) for count in (rollup.mentions, rollup.negative, rollup.positive)))
        if self.counts[start : start + 3] == told:
            return False
        self.counts[start : start + 3] = told
        return True

    def advance(self, hour: int) -> None:
        """Makes room up to this hour (counted since 1970)."""
        for empty in range(max(self.newest, hour - HOURS) + 1, hour + 1):
            start = empty % HOURS * 3
            self.counts[start : start + 3] = _EMPTY
        self.newest = max(self.newest, hour)


_EMPTY: Final = array("I", (0, 0, 0))


def total(weeks: Sequence[Week], until_ms: int) -> list[Hour]:
    """The sum over units, for the last hours up to the one of `until_ms` or a newer one of which something is known;
    zeros included, empty if nothing is known at all."""
    if not weeks:
        return []
    last = max(until_ms // HOUR_MS, *(week.newest for week in weeks))
    for week in weeks:
        week.advance(last)
    sums = list(map(sum, zip(*(week.counts for week in weeks), strict=True)))
    return [
        Hour(hour * HOUR_MS, *sums[(start := hour % HOURS * 3) : start + 3])
        for hour in range(max(last - HOURS + 1, 0), last + 1)
    ]
