"""When somebody wants no messages. In: stretches of the week on a wall clock. Out: until when it is quiet.

The one rule: *quiet is what the clock on the recipient's wall says*, also across daylight saving: an hour that is
missing in spring is not waited for, one that comes twice in autumn is quiet twice. What is not quiet is worked out as
opening hours are (`pipeline/opening.py`).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, get_args

import msgspec

from pipeline.opening import Opening, Schedule
from schemas.unit import Clock, Name, Weekday

_DAY: Final = 24 * 60
_WEEK: Final = 7 * _DAY
_DAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)


class Quiet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stretch of each of its days. `until` at or before `since` is on the next day; `days` are those on which it
    begins."""

    time_zone: Name
    since: Clock = msgspec.field(name="from")
    until: Clock = msgspec.field(name="to")
    days: tuple[Weekday, ...] = _DAYS


def never_ends(stretches: Sequence[Quiet]) -> bool:
    """Whether the stretches of one zone leave no minute of the week."""
    return bool(stretches) and not _loud(tuple(stretches))


def quiet_until(stretches: Sequence[Quiet], at_ms: int) -> int | None:
    """When quiet hours end that hold in this millisecond; None if none do. All stretches are of the first one's zone.
    Of stretches that never end, which the check of the file refuses, None."""
    if not stretches or never_ends(stretches):
        return None
    opening = _opening(tuple(stretches))
    if opening.is_open(at_ms):
        return None
    first_ms = opening.add_open_ms(at_ms, 1)  # when the first millisecond that is not quiet is over
    return None if first_ms is None else first_ms - 1


@lru_cache(1024)
def _opening(stretches: tuple[Quiet, ...]) -> Opening:
    return Opening(Schedule(stretches[0].time_zone, _loud(stretches)))


@lru_cache(1024)
def _loud(stretches: tuple[Quiet, ...]) -> tuple[tuple[int, int, int], ...]:
    """What of the week is not quiet: weekday, from, until, in minutes of the day."""
    quiet = bytearray(_WEEK)
    for one in stretches:
        since, until = _minutes(one.since), _minutes(one.until)
        length = until - since if until > since else until - since + _DAY
        for name in one.days:
            begin = _DAYS.index(name) * _DAY + since
            for minute in range(begin, begin + length):
                quiet[minute % _WEEK] = 1
    found = []
    for day in range(7):
        minutes = quiet[day * _DAY : (day + 1) * _DAY] + b"\x01"
        end = 0
        while (begin := minutes.find(0, end)) >= 0:
            end = minutes.find(1, begin)
            found.append((day, begin, end))
    return tuple(found)


def _minutes(clock: str) -> int:
    return 60 * int(clock[:2]) + int(clock[3:])
