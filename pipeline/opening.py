"""When a unit is open. In: its weekly hours, holidays and planned closures, and its time zone. Out: whether it is open,
when so many opening minutes will have passed, how many passed between two times.

The one rule: *open is what the clock and the calendar on the unit's wall say*. An hour that is missing in spring is no
opening time, one that comes twice in autumn counts twice, a day that a zone leaves out (Samoa, 2011) never was.

- A stretch belongs to the day on which it opens. Friday 18:00 to 02:00 ends on Saturday, also if Saturday is a
  holiday; and if Friday is one, Saturday's first two hours are closed too.
- Stretches that overlap count once. `closes` at or before `opens` is on the next day, `24:00` is the next midnight.
- A unit without opening hours is open day and night, but for its holidays and closures: its deadlines are then plain
  time. Early is safer than never: nobody would notice a deadline that does not pass because a list was left empty.
- A holiday that the calendar does not have, or a closure that ends before it begins, closes nothing, and from 24:00 to
  00:00 is no stretch (`cem units check` refuses all three).

How: on the axis of local time a week repeats itself, but for the days about a closure, so how much was open before a
local time is a division and a look into a sorted list. Between local and real time stand the pieces of
`zone_offsets`. Work is bounded by their number in `HORIZON_MS`, whatever the minutes, the hours and the closures.
"""

from bisect import bisect_left, bisect_right
from datetime import date
from functools import lru_cache
from itertools import accumulate
from typing import Final, get_args

import msgspec

from pipeline.zone_offsets import piece_at
from schemas.time import DAY_MS, MINUTE_MS, TIME_MS_MAX
from schemas.unit import Unit, Weekday

HORIZON_MS: Final = 100 * 366 * DAY_MS
"""How far ahead is looked. What is not over in a hundred years has no deadline; a unit that opens for 101 minutes a
week is through with the 525,600 minutes that a department may have."""

Stretches = tuple[tuple[int, int], ...]
"""From and until, in milliseconds since a local midnight; in order, apart from each other."""

_WEEKDAYS: Final[dict[str, int]] = {day: number for number, day in enumerate(get_args(Weekday))}
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday
_BEGINNING = -1_000_000  # a day before all that a date can be


class Schedule(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What counts of a unit's settings, for its state. `hours`: weekday (0 is Monday), opens, closes, in minutes since
    that day's midnight, `closes` up to 2,880. `closed`: first and last day, since 1970-01-01; in order, never next to
    each other."""

    time_zone: str = "UTC"
    hours: tuple[tuple[int, int, int], ...] = ()
    closed: tuple[tuple[int, int], ...] = ()


def schedule_of(unit: Unit) -> Schedule:
    """Also of settings that `cem units check` would refuse: nothing is raised."""
    hours = set()
    for one in unit.opening_hours:
        opens, closes = _minutes(one.opens), _minutes(one.closes)
        closes = closes if closes > opens else closes + 24 * 60
        if closes > opens:  # but for 24:00 to 00:00, which is the same midnight
            hours.add((_WEEKDAYS[one.day], opens, closes))
    spans = [(day, day) for day in unit.holidays]
    spans += [(closure.first, closure.last) for closure in unit.closures]
    return Schedule(unit.time_zone, tuple(sorted(hours)), _merged([(_day(first), _day(last)) for first, last in spans]))


@lru_cache(4096)
def opening_of(schedule: Schedule) -> "Opening":
    """The same Opening for all units of the same schedule."""
    return Opening(schedule)


class Opening:
    """When units of one schedule are open. All times in milliseconds since the epoch; nothing is raised."""

    def __init__(self, schedule: Schedule) -> None:
        self._zone = schedule.time_zone
        own: list[list[tuple[int, int]]] = [[] for _ in range(7)]
        carried: list[list[tuple[int, int]]] = [[] for _ in range(7)]
        for weekday, opens, closes in schedule.hours or [(weekday, 0, 24 * 60) for weekday in range(7)]:
            own[weekday].append((opens * MINUTE_MS, min(closes * MINUTE_MS, DAY_MS)))
            next_day = (weekday + 1) % 7
            carried[next_day].append((0, closes * MINUTE_MS - DAY_MS))
        self._week = [_joined(own[weekday] + carried[weekday]) for weekday in range(7)]
        self._week_before = [0, *accumulate(_total(stretches) for stretches in self._week)]
        self._starts = [_BEGINNING]
        """Local days from which on another rule holds …"""
        self._before = [0]
        """… how many milliseconds were open before that day …"""
        self._kinds: list[Stretches | None] = [None]
        """… and when it is open on each: None for as usual in the week."""
        self._closed_days(schedule.closed, [_joined(one) for one in own], [_joined(one) for one in carried])

    def is_open(self, at_ms: int) -> bool:
        """Whether it is open in this millisecond. It is when it opens, and no more when it closes."""
        day, rest = divmod(at_ms + piece_at(self._zone, at_ms).offset_ms, DAY_MS)
        return any(begin <= rest < end for begin, end in self._on(day))

    def add_open_minutes(self, from_ms: int, minutes: int) -> int | None:
        """The first time at which so many opening minutes have passed since `from_ms`: where the last of them ends at
        closing time, that is closing time. None if they have not passed after `HORIZON_MS`, or in the year 9999."""
        return self.add_open_ms(from_ms, minutes * MINUTE_MS)

    def add_open_ms(self, from_ms: int, open_ms: int) -> int | None:
        """The same of opening milliseconds. None or less of them have passed at `from_ms`."""
        at_ms, last_ms = from_ms, min(from_ms + HORIZON_MS, TIME_MS_MAX)
        if open_ms <= 0:
            return from_ms
        while at_ms <= last_ms:
            piece = piece_at(self._zone, at_ms)
            passed_ms = self._passed(at_ms + piece.offset_ms)
            found_ms = self._when(passed_ms + open_ms) - piece.offset_ms
            if found_ms <= piece.end_ms:
                return found_ms if found_ms <= last_ms else None
            open_ms -= self._passed(piece.end_ms + piece.offset_ms) - passed_ms
            at_ms = piece.end_ms
            left_ms = self._passed(last_ms + 2 * DAY_MS) - self._passed(at_ms - 2 * DAY_MS)
            if 2 * left_ms < open_ms:  # a local time comes twice at most: it cannot be enough any more
                return None
        return None

    def open_minutes_between(self, from_ms: int, until_ms: int) -> int:
        """Whole opening minutes; 0 if `until_ms` is not after `from_ms`. Later than `HORIZON_MS` nothing is counted."""
        return self.open_ms_between(from_ms, until_ms) // MINUTE_MS

    def open_ms_between(self, from_ms: int, until_ms: int) -> int:
        """The same in milliseconds."""
        at_ms, open_ms, until_ms = from_ms, 0, min(until_ms, from_ms + HORIZON_MS)
        while at_ms < until_ms:
            piece = piece_at(self._zone, at_ms)
            end_ms = min(piece.end_ms, until_ms)
            open_ms += self._passed(end_ms + piece.offset_ms) - self._passed(at_ms + piece.offset_ms)
            at_ms = end_ms
        return open_ms

    def _closed_days(self, closed: tuple[tuple[int, int], ...], own: list[Stretches], carried: list[Stretches]) -> None:
        """Around a closure four rules follow each other: what began the day before ends; nothing; the first day that
        begins anew; the week."""
        for first, last in closed:
            after = last + 1
            self._from(first, carried[_weekday(first)])
            self._from(first + 1, ())
            self._from(after, own[_weekday(after)])
            self._from(after + 1, None)

    def _from(self, day: int, kind: Stretches | None) -> None:
        self._before.append(self._passed_days(day))
        self._starts.append(day)
        self._kinds.append(kind)

    def _on(self, day: int) -> Stretches:
        kind = self._kinds[bisect_right(self._starts, day) - 1]
        return self._week[_weekday(day)] if kind is None else kind

    def _passed_days(self, day: int) -> int:
        """Open milliseconds of local time before a day, since the beginning."""
        place = bisect_right(self._starts, day) - 1
        start, before, kind = self._starts[place], self._before[place], self._kinds[place]
        if kind is None:
            return before + self._passed_weeks(day) - self._passed_weeks(start)
        return before + _total(kind) if day > start else before

    def _passed_weeks(self, day: int) -> int:
        weeks, weekday = divmod(day + _EPOCH_WEEKDAY, 7)
        return weeks * self._week_before[7] + self._week_before[weekday]

    def _passed(self, local_ms: int) -> int:
        """Open milliseconds of local time before a local time."""
        day, rest = divmod(local_ms, DAY_MS)
        open_ms = self._passed_days(day)
        for begin, end in self._on(day):
            if begin < rest:
                open_ms += (end if end < rest else rest) - begin
        return open_ms

    def _when(self, open_ms: int) -> int:
        """The first local time before which so much was open."""
        place = bisect_left(self._before, open_ms) - 1
        day, rest, kind = self._starts[place], open_ms - self._before[place], self._kinds[place]
        if kind is None:  # `number`: of the last of them among the week's, the first is 0
            weeks, number = divmod(rest + self._passed_weeks(day) - 1, self._week_before[7])
            weekday = bisect_right(self._week_before, number) - 1
            day, kind = 7 * weeks + weekday - _EPOCH_WEEKDAY, self._week[weekday]
            rest = number + 1 - self._week_before[weekday]
        for begin, end in kind:
            if rest <= end - begin:
                return day * DAY_MS + begin + rest
            rest -= end - begin
        raise AssertionError("more was open on this day than on this day")


def _weekday(day: int) -> int:
    return (day + _EPOCH_WEEKDAY) % 7


def _minutes(clock: str) -> int:
    return 60 * int(clock[:2]) + int(clock[3:])


def _day(day: str) -> int | None:
    """Days since 1970-01-01; None if the calendar does not have it."""
    try:
        return date.fromisoformat(day).toordinal() - _EPOCH_DAY
    except ValueError:
        return None


def _merged(spans: list[tuple[int | None, int | None]]) -> tuple[tuple[int, int], ...]:
    """First and last days in order, those that overlap or follow each other made one."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted((first, last) for first, last in spans if first is not None and last is not None):
        if last < first:
            continue
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def _joined(stretches: list[tuple[int, int]]) -> Stretches:
    """In order, those that overlap or touch made one, empty ones left out."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(stretches):
        if end <= begin:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return tuple(joined)


def _total(stretches: Stretches) -> int:
    return sum(end - begin for begin, end in stretches)
