"""The clock that people at a unit live by. In: a time and the name of a zone. Out: the hour of their week.

The one rule: nothing is raised. A zone that is not known is UTC; `cem units check` refuses it. What is known of zones
is that of the package `tzdata`, whose version the lock file names, and not that of the machine: a replay elsewhere
gives the same times.
"""

from datetime import UTC, datetime, tzinfo
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from schemas.time import HOUR_MS

HOURS_OF_WEEK = 168
_EPOCH_HOUR_OF_WEEK = 3 * 24  # 1970-01-01 was a Thursday


@cache
def known_zones() -> frozenset[str]:
    """The names of all zones."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


@lru_cache(1024)
def zone(name: str) -> tzinfo:
    """The zone of an IANA name."""
    if name not in known_zones():
        return UTC
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@lru_cache(65_536)
def hour_of_week(hour: int, name: str) -> int:
    """0 to 167, 0 is Monday's first. `hour`: hours since the epoch. Of zones with half hours, the hour that most of it
    lies in."""
    try:
        local = datetime.fromtimestamp((hour * HOUR_MS + HOUR_MS // 2) / 1000, zone(name))
    except OverflowError:  # the last hours of the year 9999, where that of the zone is the next
        return hour_of_week_utc(hour * HOUR_MS)
    return local.weekday() * 24 + local.hour


def hour_of_week_utc(time_ms: int) -> int:
    """The same in UTC, from a time in milliseconds."""
    return (time_ms // HOUR_MS + _EPOCH_HOUR_OF_WEEK) % HOURS_OF_WEEK
