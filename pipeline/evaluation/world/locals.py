"""The units of a world: who they are, how much is said about them, and how that changes over days, weeks and holidays.

In: the settings and a unit's number. Out: Local. The one rule: all that a unit is follows from the seed and its own
number, so that it is the same in a world of ten and of ten thousand.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Final

import msgspec

from pipeline.evaluation.sites import FORMATS, local_unit, parents
from pipeline.evaluation.world.rhythm import Rhythm, rhythm
from pipeline.evaluation.world.settings import WorldSettings, log_uniform
from pipeline.local_time import zone as zone_of
from schemas.time import HOUR_MS
from schemas.unit import Closure, Position, Unit

REGIONS: Final = (
    ("north", "Europe/Dublin", (52.0, 54.5), (-9.0, -6.2)),
    ("south", "Europe/Lisbon", (37.2, 41.5), (-9.0, -7.2)),
    ("east", "Europe/Athens", (37.5, 41.0), (21.0, 26.0)),
    ("west", "America/New_York", (36.0, 43.0), (-83.0, -74.0)),
)
"""Name, time zone (each with daylight saving), latitudes, longitudes."""
HOLIDAYS_A_DAY: Final = 1 / 28
CLOSED_FOR_REPAIRS: Final = 0.02
"""The share of units that are closed for some days."""
CLOSED: Final = 0.1
"""How much of the usual is still said about a unit that is closed."""
QUIETER: Final = 0.5
"""… on the holidays of a unit that stays open."""
_RHYTHMS: Final = {later: rhythm(later=later) for later in (-1, 0, 1)}


class Local(msgspec.Struct, frozen=True, kw_only=True):
    """A local unit. `rate`: mentions an hour on average, without holidays. `later`: by how many hours its day is. `on`:
    how much of the usual is said on days (ordinals) that are not like others."""

    number: int
    unit: Unit
    rate: float
    later: int
    on: dict[int, float]

    @property
    def rhythm(self) -> Rhythm:
        """The shape of its week."""
        return _RHYTHMS[self.later]

    def means(self, starts: int, hours: int) -> list[float]:
        """Expected mentions in each of `hours` hours from `starts` (a full hour, milliseconds)."""
        rhythm, on, rate = self.rhythm, self.on, self.rate
        return [rate * rhythm.at(hour) * on.get(day, 1.0) for hour, day in _clock(self.unit.time_zone, starts, hours)]


def locals_of(settings: WorldSettings) -> list[Local]:
    """All local units of a world."""
    return [local(settings, number) for number in range(settings.units)]


def above() -> list[Unit]:
    """The brands and regions above them."""
    return parents((name, zone) for name, zone, _, _ in REGIONS)


def local(settings: WorldSettings, number: int) -> Local:
    """The local unit with this number."""
    random = Random(f"{settings.seed}/unit/{number}")  # noqa: S311 - a repeatable world, nothing secret
    name, zone, latitudes, longitudes = random.choice(REGIONS)
    unit = local_unit(random, FORMATS[number % len(FORMATS)], number, name, zone)
    rate = log_uniform(random.random(), settings.rates)
    later = random.choice((-1, 0, 0, 1))
    first = datetime.fromtimestamp(settings.starts / 1000, UTC).date()
    days = [first + timedelta(days=day) for day in range(settings.days + 1)]
    holidays = _holidays(settings.seed, name, days)
    on = dict.fromkeys((day.toordinal() for day in holidays), CLOSED if random.random() < 0.5 else QUIETER)
    closed = _repairs(random, days) if random.random() < CLOSED_FOR_REPAIRS else []
    on.update(dict.fromkeys((day.toordinal() for day in closed), CLOSED))
    position = Position(latitude=round(random.uniform(*latitudes), 5), longitude=round(random.uniform(*longitudes), 5))
    unit = msgspec.structs.replace(
        unit,
        position=position,
        holidays=tuple(day.isoformat() for day in holidays),
        closures=(Closure(first=closed[0].isoformat(), last=closed[-1].isoformat(), reason="repairs"),)
        if closed
        else (),
        confidential=("discrimination", "legal", "data_leak") if random.random() < 0.3 else (),
    )
    return Local(number=number, unit=unit, rate=rate, later=later, on=on)


def _holidays(seed: int, region: str, days: Sequence[date]) -> list[date]:
    """The same for all units of a region."""
    random = Random(f"{seed}/holidays/{region}")  # noqa: S311 - as above
    return [day for day in days if random.random() < HOLIDAYS_A_DAY]


def _repairs(random: Random, days: Sequence[date]) -> Sequence[date]:
    """A few days in a row."""
    first = random.randrange(len(days))
    return days[first : first + random.randint(2, 7)]


@lru_cache(16)
def _clock(zone: str, starts: int, hours: int) -> tuple[tuple[int, int], ...]:
    """The local hour of the week (0 is Monday's first) and day (ordinal) of each hour."""
    local = zone_of(zone)
    moments = (datetime.fromtimestamp((starts + hour * HOUR_MS) // 1000, local) for hour in range(hours))
    return tuple((moment.weekday() * 24 + moment.hour, moment.toordinal()) for moment in moments)
