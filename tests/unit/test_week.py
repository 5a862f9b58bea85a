"""Hours of the week: flat until counts say otherwise, then what they say; bounded and cheap however long time is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.local_time import HOURS_OF_WEEK
from pipeline.week import COMPLAINTS_MIN, FLAT, HOURS_MAX, Week

NOON_OF_THURSDAY = 3 * 24 + 12


def _weeks(number: int, busy: dict[int, int], every: int = 0) -> Week:
    """So many weeks with so many complaints at these hours, and `every` at all others."""
    week = Week()
    for _ in range(number):
        for hour in range(HOURS_OF_WEEK):
            week.learn(hour, 1, busy.get(hour, every))
    return week


def test_at_first_all_hours_are_alike() -> None:
    """Nothing is known: every factor is one."""
    assert {1.0} == {Week().factor(hour) for hour in range(HOURS_OF_WEEK)}


def test_a_unit_with_one_complaint_a_week_has_a_flat_week() -> None:
    """Though it always comes at the same hour: twenty of them are too few to tell."""
    assert FLAT == _weeks(20, {NOON_OF_THURSDAY: 1}).factors


def test_hours_of_the_day_are_learned_first() -> None:
    """Four weeks in which noon has ten and other hours one: noon stands out on every day, not only where it was."""
    week = _weeks(4, {day * 24 + 12: 10 for day in range(7)}, every=1)
    noons = [week.factor(day * 24 + 12) for day in range(7)]
    assert min(noons) > 4.0
    assert max(noons) - min(noons) < 0.5
    assert 0.5 < week.factor(8) < 1.0


def test_days_of_the_week_are_learned_on_it() -> None:
    """Only Saturdays are busy: after twelve weeks a Saturday's hour has several times what a Tuesday's has."""
    week = _weeks(12, {5 * 24 + hour: 6 for hour in range(24)}, every=1)
    assert week.factor(5 * 24 + 15) > 2.5 * week.factor(24 + 15)


@given(counts=st.dictionaries(st.integers(0, HOURS_OF_WEEK - 1), st.integers(0, 60), max_size=30))
def test_factors_stay_around_one(counts: dict[int, int]) -> None:
    """Whatever is counted: factors are between a sixteenth and eight, and never nothing."""
    week = _weeks(3, counts)
    assert all(1 / 16 <= week.factor(hour) <= 8.0 for hour in range(HOURS_OF_WEEK))


def _taught() -> Week:
    return _weeks(3, {day * 24 + hour: 1 + day + hour % 5 for day in range(7) for hour in range(8, 20)})


@given(begin=st.integers(0, HOURS_OF_WEEK - 1), hours=st.integers(0, 1000))
def test_exposure_is_the_sum_of_the_factors(begin: int, hours: int) -> None:
    """Also across the end of the week and over several weeks."""
    week = _taught()
    expected = sum(week.factor((begin + hour) % HOURS_OF_WEEK) for hour in range(hours))
    assert math.isclose(expected, week.exposure(begin, hours), abs_tol=1e-9)


@given(begin=st.integers(0, HOURS_OF_WEEK - 1), hours=st.integers(1, HOURS_MAX - 1))
def test_silence_is_learned_at_once_as_hour_by_hour(begin: int, hours: int) -> None:
    """The same numbers of hours are seen, to the hour. (The factors are worked out once a day of learning.)"""
    at_once, by_hour = Week(), Week()
    at_once.learn(begin, hours)
    for hour in range(hours):
        by_hour.learn((begin + hour) % HOURS_OF_WEEK, 1)
    assert (by_hour.hours, by_hour.day_hours, by_hour.block_hours) == (
        at_once.hours, at_once.day_hours, at_once.block_hours
    )  # fmt: skip


def test_what_was_seen_is_halved_after_sixteen_weeks() -> None:
    """The shape stays, what is new weighs more; hours and complaints stay bounded."""
    week = _weeks(60, {NOON_OF_THURSDAY: 9})
    assert week.hours < HOURS_MAX
    assert week.complaints < 16 * 9
    assert week.factor(NOON_OF_THURSDAY) > 2.0


@pytest.mark.parametrize("hours", [1, HOURS_MAX, 70_000_000, 10**12])
def test_any_silence_is_learned_in_bounded_numbers(hours: int) -> None:
    """Also a time that a sender made up."""
    week = _taught()
    week.learn(5, hours)
    assert week.hours < HOURS_MAX
    assert max(*week.day_hours, *week.block_hours) < HOURS_MAX
    assert all(math.isfinite(week.factor(hour)) for hour in range(HOURS_OF_WEEK))


def test_a_change_of_hours_is_learned() -> None:
    """A shop that was busy at noon and is busy in the evening now: after half a year evening stands out."""
    week = _weeks(16, {day * 24 + 12: 6 for day in range(7)})
    for _ in range(26):
        for hour in range(HOURS_OF_WEEK):
            week.learn(hour, 1, 6 if hour % 24 == 20 else 0)
    assert week.factor(20) > 2 * week.factor(12)


def test_a_copy_learns_apart() -> None:
    """What a copy learns the original does not know."""
    week = _taught()
    before = week.copy()
    week.copy().learn(0, 500, 77)
    assert before == week


def test_forty_complaints_make_a_week() -> None:
    """With one less it is flat."""
    for complaints in (COMPLAINTS_MIN - 1, COMPLAINTS_MIN):
        week = Week()
        week.learn(12, 1, complaints)
        week.learn(13, HOURS_OF_WEEK)
        assert (week.factors == FLAT) == (complaints < COMPLAINTS_MIN)
