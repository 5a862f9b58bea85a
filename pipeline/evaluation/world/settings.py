"""What a labelled world is like: everything that can be chosen about it, with what is usual."""

import math
from typing import Final

import msgspec

from pipeline.evaluation.incident import INCIDENT_KINDS, IncidentKind
from schemas.time import DAY_MS, HOUR_MS, TIME_MS_MAX, Millis

STARTS: Final = Millis(1_767_571_200_000)
"""Monday, 2026-01-05T00:00:00Z."""
UNITS_MAX: Final = 100_000
DAYS_MAX: Final = 3_660
RATE_MAX: Final = 10_000.0
DISPERSION_MAX: Final = 100.0
INCIDENTS_MAX: Final = 100_000
WARM_UP_MS: Final = 14 * DAY_MS


class WorldSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Raises ValueError, in a sentence, where it is no world.

    - `rates`: the lowest and the highest number of mentions of a unit an hour, log-uniform between.
    - `dispersion`: variance over mean of the hourly counts around what the hour expects.
    - `negative`: the share of complaints. Of tweets to airlines 64 % are; people who speak about a local unit complain
      less, and praise more.
    - `counters`: reposts are not seen, only the totals that a connector polls.
    - `incidents`: how many of each kind.
    - `surge_authors`, `cascade_reposts`, `followers`: the smallest and the largest size, log-uniform between.
    """

    seed: int
    units: int = 100
    days: int = 30
    starts: Millis = STARTS
    rates: tuple[float, float] = (0.05, 30.0)
    dispersion: float = 1.5
    negative: float = 0.35
    counters: bool = False
    incidents: dict[IncidentKind, int] = msgspec.field(default_factory=lambda: dict.fromkeys(INCIDENT_KINDS, 10))
    surge_authors: tuple[int, int] = (5, 40)
    cascade_reposts: tuple[int, int] = (200, 20_000)
    followers: tuple[int, int] = (100_000, 5_000_000)

    def __post_init__(self) -> None:
        low, high = self.rates
        for right, sentence in (
            (1 <= self.units <= UNITS_MAX, f"a world has 1 to {UNITS_MAX} units, not {self.units}"),
            (2 <= self.days <= DAYS_MAX, f"a world lasts 2 to {DAYS_MAX} days, not {self.days}"),
            (0 < low <= high <= RATE_MAX, f"rates are above 0, at most {RATE_MAX:g}, the lower first"),
            (1 <= self.dispersion <= DISPERSION_MAX, f"the dispersion is 1 (Poisson) to {DISPERSION_MAX:g}"),
            (0 <= self.negative <= 1, "the share of complaints is between 0 and 1"),
            (self.starts % HOUR_MS == 0 and self.starts >= 0, "a world starts on a full hour, from 1970 on"),
            (self.starts + (self.days + 30) * DAY_MS < TIME_MS_MAX, "a world ends before the year 9999 does"),
            (all(0 <= count <= INCIDENTS_MAX for count in self.incidents.values()),
             f"of each kind there are 0 to {INCIDENTS_MAX} incidents"),
            (2 <= self.surge_authors[0] <= self.surge_authors[1] <= 10_000, "a surge has 2 to 10,000 authors"),
            (1 <= self.cascade_reposts[0] <= self.cascade_reposts[1] <= 10**6, "a cascade has 1 to 1,000,000 reposts"),
            (0 < self.followers[0] <= self.followers[1] <= 10**9, "followers are above 0, at most 1,000,000,000"),
        ):  # fmt: skip
            if not right:
                raise ValueError(sentence)

    @property
    def ends(self) -> int:
        """The first moment after it, in milliseconds."""
        return self.starts + self.days * DAY_MS

    @property
    def hours(self) -> int:
        """How many whole hours it lasts."""
        return self.days * 24

    @property
    def warm_up_ms(self) -> int:
        """Nothing is planted before: a quarter of the time, at most two weeks, from which baselines can be learned."""
        return min(WARM_UP_MS, self.days * DAY_MS // 4)


def log_uniform(share: float, bounds: tuple[float, float]) -> float:
    """The value at this share of the way between the bounds, in logarithms."""
    low, high = bounds
    return low * math.exp(share * math.log(high / low))
