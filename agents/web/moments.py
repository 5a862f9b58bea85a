"""Times as a person at the unit reads them. In: milliseconds, the unit's time zone, the stream's now. Out: words and
what a `<time>` element needs.

The one rule: a time is never shown without its zone at hand: it is in the title.
"""

from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from agents.web.words import lasting
from pipeline.local_time import zone
from schemas.time import DAY_MS, SECOND_MS, TIME_MS_MAX, format_time

JUST_NOW_MS: Final = 10 * SECOND_MS

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Moment(NamedTuple):
    """A time. `iso`: for the machine; `clock`: as short as today allows; `title`: complete, with the zone's name."""

    ms: int
    iso: str
    clock: str
    title: str


def moment(time_ms: int, zone_name: str, now_ms: int) -> Moment:
    """`14:05` today, `Tue 14:05` within six days, `12 Mar 14:05` within the year, else with the year."""
    time_ms = min(max(int(time_ms), 0), TIME_MS_MAX)
    local, today = _local(time_ms, zone_name), _local(min(max(now_ms, 0), TIME_MS_MAX), zone_name)
    clock = f"{local.hour:02d}:{local.minute:02d}"
    away = abs(local.date().toordinal() - today.date().toordinal())
    if 0 < away < 7:
        clock = f"{_DAYS[local.weekday()]} {clock}"
    elif away:
        year = "" if local.year == today.year else f" {local.year}"
        clock = f"{local.day} {_MONTHS[local.month - 1]}{year} {clock}"
    title = (
        f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year}, "
        f"{local:%H:%M:%S} {local.tzname() or ''} ({zone_name})"
    )
    return Moment(time_ms, format_time(time_ms), clock, title)


def ago(time_ms: int, now_ms: int) -> str:
    """`12 min ago`, `just now`; of what is to come, `in 12 min`."""
    span_ms = now_ms - time_ms
    if abs(span_ms) < JUST_NOW_MS:
        return "just now"
    return f"{lasting(span_ms)} ago" if span_ms > 0 else f"in {lasting(span_ms)}"


def day_of(time_ms: int, zone_name: str) -> int:
    """The day on the unit's calendar, as an ordinal."""
    return _local(time_ms, zone_name).date().toordinal()


def weekday(day: int) -> str:
    """`Mon` of a day's ordinal."""
    return _DAYS[(day + 6) % 7]


@lru_cache(4096)
def _local(time_ms: int, zone_name: str) -> datetime:
    try:
        return datetime.fromtimestamp(time_ms / 1000, zone(zone_name))
    except OverflowError:  # the last hours of the year 9999, east of Greenwich
        return datetime.fromtimestamp((time_ms - DAY_MS) / 1000, zone(zone_name))
