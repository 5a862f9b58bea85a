"""The hour of a unit's week is that of the clock on its wall, and nothing is raised, whatever is asked."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.local_time import HOURS_OF_WEEK, hour_of_week, hour_of_week_utc, zone
from schemas.time import HOUR_MS, TIME_MS_MAX, parse_time

ZONES = ("UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe")


def _hour(time: str) -> int:
    return parse_time(time) // HOUR_MS


def test_the_week_begins_on_monday() -> None:
    """Monday's first hour is 0, Sunday's last is 167."""
    assert 0 == hour_of_week(_hour("2026-01-05T00:00:00Z"), "UTC")
    assert 167 == hour_of_week(_hour("2026-01-11T23:00:00Z"), "UTC")


def test_a_zone_moves_the_week() -> None:
    """At Monday midnight in UTC it is one in the morning in Berlin and four on Sunday afternoon in Los Angeles."""
    hour = _hour("2026-01-05T00:00:00Z")
    assert 1 == hour_of_week(hour, "Europe/Berlin")
    assert 6 * 24 + 16 == hour_of_week(hour, "America/Los_Angeles")


def test_in_spring_an_hour_is_missing() -> None:
    """Berlin, 29 March 2026: after one o'clock comes three."""
    first = _hour("2026-03-29T00:00:00Z")
    assert [1, 3, 4] == [hour_of_week(first + hour, "Europe/Berlin") % 24 for hour in range(3)]


def test_in_autumn_an_hour_is_twice() -> None:
    """Berlin, 25 October 2026: two o'clock comes twice."""
    first = _hour("2026-10-24T23:00:00Z")
    assert [1, 2, 2, 3] == [hour_of_week(first + hour, "Europe/Berlin") % 24 for hour in range(4)]


def test_noon_is_noon_in_summer_and_winter() -> None:
    """A shop's rush at twelve stays at twelve, though it is another hour in UTC."""
    assert 12 == hour_of_week(_hour("2026-01-07T11:00:00Z"), "Europe/Berlin") % 24
    assert 12 == hour_of_week(_hour("2026-07-08T10:00:00Z"), "Europe/Berlin") % 24


@pytest.mark.parametrize(("name", "expected"), [("Asia/Kolkata", 6), ("Asia/Kathmandu", 6), ("Australia/Adelaide", 11)])
def test_of_half_hours_the_hour_that_most_of_it_lies_in(name: str, expected: int) -> None:
    """At midnight in UTC on a day in January: 5:30, 5:45 and 10:30; half past each hour is 6:00, 6:15, 11:00."""
    assert expected == hour_of_week(_hour("2026-01-07T00:00:00Z"), name) % 24


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "", "../../etc/passwd", "/etc/passwd", "a" * 300, "Europe/\x00", "\ud800"]
)
def test_a_zone_that_is_not_known_is_utc(name: str) -> None:
    """Also one that somebody made up to read files."""
    assert UTC == zone(name)
    assert hour_of_week(500_000, "UTC") == hour_of_week(500_000, name)


@given(hour=st.integers(0, TIME_MS_MAX // HOUR_MS), name=st.sampled_from(ZONES))
def test_every_hour_has_a_place_in_the_week(hour: int, name: str) -> None:
    """From 1970 to the end of the year 9999, in every zone."""
    assert 0 <= hour_of_week(hour, name) < HOURS_OF_WEEK


@pytest.mark.parametrize("name", [*ZONES, "Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("hour", [0, TIME_MS_MAX // HOUR_MS])
def test_the_ends_of_time(hour: int, name: str) -> None:
    """In some zones the first hour is in 1969, and the last in the year 10000."""
    assert 0 <= hour_of_week(hour, name) < HOURS_OF_WEEK


@given(time_ms=st.integers(0, 4_000_000_000_000))
def test_in_utc_it_can_be_reckoned(time_ms: int) -> None:
    """The short way and the long way agree."""
    assert hour_of_week(time_ms // HOUR_MS, "UTC") == hour_of_week_utc(time_ms)


@given(hour=st.integers(400_000, 600_000), name=st.sampled_from(ZONES))
def test_it_is_what_a_calendar_says(hour: int, name: str) -> None:
    """The local time half an hour into it, by the standard library."""
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour, minutes=30)).astimezone(ZoneInfo(name))
    assert local.weekday() * 24 + local.hour == hour_of_week(hour, name)
