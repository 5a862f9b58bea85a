"""The slow, obvious reference of `pipeline/opening.py`: it looks at the clock and the calendar on the wall, minute by
minute. In: a Unit as its owner wrote it. Out: the same answers, for whole minutes. Shares no code with what it checks.
"""

from datetime import UTC, date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from schemas.time import MINUTE_MS
from schemas.unit import Hours, Unit, Weekday

ALWAYS = tuple(Hours(day=day, opens="00:00", closes="24:00") for day in get_args(Weekday))
NOTHING = ("24:00", "00:00")
WEEKDAYS = get_args(Weekday)


def is_open(unit: Unit, at_ms: int) -> bool:
    """Whether the clock on the wall is within a stretch that began today or yesterday, on a day that was not closed."""
    wall = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(ZoneInfo(unit.time_zone))
    for days_ago in (0, 1):
        day = wall.date() - timedelta(days=days_ago)
        minute = days_ago * 24 * 60 + wall.hour * 60 + wall.minute
        for hours in [one for one in unit.opening_hours if (one.opens, one.closes) != NOTHING] or ALWAYS:
            if hours.day == WEEKDAYS[day.weekday()] and _within(hours, minute) and not _closed(unit, day):
                return True
    return False


def open_minutes(unit: Unit, from_ms: int, until_ms: int) -> list[int]:
    """When its open minutes between two whole minutes begin."""
    return [at_ms for at_ms in range(from_ms, until_ms, MINUTE_MS) if is_open(unit, at_ms)]


def add_open_minutes(unit: Unit, from_ms: int, minutes: int, until_ms: int) -> int | None:
    """When so many have passed; None if that is not before `until_ms`."""
    found = open_minutes(unit, from_ms, until_ms)
    return None if len(found) < minutes else found[minutes - 1] + MINUTE_MS


def _within(hours: Hours, minute: int) -> bool:
    """`minute` since the midnight of the day on which the stretch began."""
    opens, closes = _minutes(hours.opens), _minutes(hours.closes)
    return opens <= minute < (closes if closes > opens else closes + 24 * 60)


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def _closed(unit: Unit, day: date) -> bool:
    text = day.isoformat()
    return text in unit.holidays or any(closure.first <= text <= closure.last for closure in unit.closures)
