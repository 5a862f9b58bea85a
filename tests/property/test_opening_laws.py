"""Opening hours are what a slow look at the clock on the wall says, in every zone, whatever its clocks do."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import get_args

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.local_time import zone
from pipeline.opening import HORIZON_MS, Schedule, opening_of, schedule_of
from pipeline.zone_offsets import piece_at
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, TIME_MS_MAX, parse_time
from schemas.unit import Closure, Hours, Unit, Weekday
from tests import opening_reference as reference
from tests.strategies import CLOCKS, Strategy, units

CHANGES = (
    ("Europe/Berlin", "2026-03-29"), ("Europe/Berlin", "2026-10-25"), ("America/New_York", "2026-11-01"),
    ("America/Sao_Paulo", "2017-10-15"), ("America/Sao_Paulo", "2018-02-18"),  # midnight is missing, 23:00 is twice
    ("America/Havana", "2026-03-08"), ("America/Havana", "2026-11-01"), ("Asia/Beirut", "2026-10-25"),
    ("Africa/Cairo", "2026-04-24"), ("Africa/Cairo", "2026-10-30"), ("Asia/Tehran", "2022-03-22"),
    ("America/St_Johns", "2010-03-14"), ("America/St_Johns", "2010-11-07"),  # a minute after midnight
    ("Australia/Lord_Howe", "2026-04-05"), ("Australia/Lord_Howe", "2026-10-04"),  # half an hour
    ("Antarctica/Troll", "2026-03-29"), ("Antarctica/Troll", "2026-10-25"),  # two hours
    ("Asia/Pyongyang", "2015-08-15"), ("Asia/Pyongyang", "2018-05-05"), ("Asia/Kathmandu", "1986-01-01"),
    ("Pacific/Apia", "2011-12-30"), ("Pacific/Kwajalein", "1993-08-21"),  # days that never were
    ("Africa/Casablanca", "2026-02-15"), ("Asia/Gaza", "2040-10-20"), ("America/Caracas", "2016-05-01"),
    ("Asia/Kolkata", "2026-01-01"), ("UTC", "2024-02-29"),
)  # fmt: skip
"""Zones and days about which their clocks do something strange, or nothing."""
LAW = settings(max_examples=60, deadline=None)
ROUND = st.sampled_from(["00:00", "01:00", "02:00", "02:30", "03:00", "23:00", "23:30", "00:30", "00:01", "24:00"])
times = CLOCKS | ROUND


@st.composite
def strange_units(draw: st.DrawFn) -> tuple[Unit, int]:
    """A unit, and midnight in UTC of a day near which its clocks change: its holidays and closures are near it too."""
    name, text = draw(st.sampled_from(CHANGES))
    first = date.fromisoformat(text)
    days: Strategy = st.integers(-4, 4).map(lambda number: (first + timedelta(days=number)).isoformat())
    unit = draw(
        units(
            time_zone=st.just(name),
            opening_hours=st.lists(
                st.builds(Hours, day=st.sampled_from(get_args(Weekday)), opens=times, closes=times), max_size=8
            ).map(tuple),
            holidays=st.lists(days, max_size=3).map(tuple),
            closures=st.lists(st.builds(Closure, first=days, last=days), max_size=2).map(tuple),
        )
    )
    return unit, parse_time(f"{text}T00:00:00Z")


minutes_about = st.integers(-2 * 1440, 2 * 1440)


@LAW
@given(one=strange_units(), start=minutes_about, length=st.integers(0, 3 * 1440))
def test_open_minutes_are_those_of_the_wall(one: tuple[Unit, int], start: int, length: int) -> None:
    """Every minute by itself, and their number."""
    unit, middle = one
    from_ms = middle + start * MINUTE_MS
    until_ms = from_ms + length * MINUTE_MS
    opening = opening_of(schedule_of(unit))
    expected = reference.open_minutes(unit, from_ms, until_ms)
    assert expected == [at_ms for at_ms in range(from_ms, until_ms, MINUTE_MS) if opening.is_open(at_ms)]
    assert len(expected) == opening.open_minutes_between(from_ms, until_ms)


@LAW
@given(one=strange_units(), start=minutes_about, minutes=st.integers(1, 600) | st.integers(1, 3 * 1440))
def test_open_minutes_have_passed_when_the_wall_says_so(one: tuple[Unit, int], start: int, minutes: int) -> None:
    """A deadline within four days is at the end of exactly that minute; a later one is later here too."""
    unit, middle = one
    from_ms = middle + start * MINUTE_MS
    until_ms = from_ms + 4 * DAY_MS
    found = opening_of(schedule_of(unit)).add_open_minutes(from_ms, minutes)
    expected = reference.add_open_minutes(unit, from_ms, minutes, until_ms)
    assert expected == (found if found is not None and found <= until_ms else None)


@LAW
@given(
    unit=units(),
    from_ms=st.integers(0, TIME_MS_MAX),
    cuts=st.lists(st.integers(0, 800 * DAY_MS), min_size=2, max_size=4),
)
def test_time_can_be_cut_anywhere(unit: Unit, from_ms: int, cuts: list[int]) -> None:
    """What is open in two stretches of time is open in both together, to the millisecond, in any year."""
    opening = opening_of(schedule_of(unit))
    at = [from_ms + cut for cut in sorted(cuts)]
    parts = [opening.open_ms_between(*pair) for pair in pairwise(at)]
    assert opening.open_ms_between(at[0], at[-1]) == sum(parts)


@LAW
@given(unit=units(), from_ms=st.integers(0, TIME_MS_MAX), minutes=st.integers(1, 525_600))
def test_a_deadline_is_the_first_time_at_which_they_have_passed(unit: Unit, from_ms: int, minutes: int) -> None:
    """So many opening minutes lie before it, and a millisecond earlier one less. Where there is none, fewer are left
    until the horizon, or the year 9999 ends."""
    opening = opening_of(schedule_of(unit))
    found = opening.add_open_minutes(from_ms, minutes)
    if found is None:
        last_ms = min(from_ms + HORIZON_MS, TIME_MS_MAX)
        assert opening.open_minutes_between(from_ms, last_ms) < minutes
    else:
        assert minutes * MINUTE_MS == opening.open_ms_between(from_ms, found)
        assert minutes * MINUTE_MS - 1 == opening.open_ms_between(from_ms, found - 1)
        assert opening.is_open(found - 1)


@LAW
@given(unit=units())
def test_a_schedule_survives_its_state(unit: Unit) -> None:
    """It is written into a unit's state and read back the same."""
    schedule = schedule_of(unit)
    assert schedule == msgspec.json.decode(msgspec.json.encode(schedule), type=Schedule)


@LAW
@given(name=st.sampled_from([name for name, _ in CHANGES]), at_ms=st.integers(0, parse_time("2100-01-01T00:00:00Z")))
def test_a_piece_has_one_offset(name: str, at_ms: int) -> None:
    """It holds the time that was asked for, and at each hour of it and at both ends the zone has that offset."""
    piece = piece_at(name, at_ms)
    assert piece.start_ms <= at_ms < piece.end_ms
    within = [*range(max(piece.start_ms, 0), piece.end_ms, 7 * HOUR_MS), at_ms, piece.end_ms - 1]
    offsets = {datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(zone(name)).utcoffset() for time_ms in within}
    assert {timedelta(milliseconds=piece.offset_ms)} == offsets
