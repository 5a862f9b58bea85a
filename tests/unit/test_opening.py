"""The classic cases of opening hours, by hand: weekends, holidays, nights, the missing and the doubled hour."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pipeline.opening import HORIZON_MS, Opening, Schedule, opening_of, schedule_of
from pipeline.zone_offsets import piece_at
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, TIME_MS_MAX, parse_time
from schemas.unit import Closure, Hours, Unit, Weekday

BERLIN = "Europe/Berlin"
WORKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
ALL_DAYS: tuple[Weekday, ...] = (*WORKDAYS, "sat", "sun")


def _opening(*hours: tuple[Weekday, str, str], zone: str = BERLIN, holidays: tuple[str, ...] = (),
             closures: tuple[tuple[str, str], ...] = ()) -> Opening:  # fmt: skip
    unit = Unit(
        id="store-17",
        name="Elm Street",
        kind="store",
        time_zone=zone,
        opening_hours=tuple(Hours(day=day, opens=opens, closes=closes) for day, opens, closes in hours),
        holidays=holidays,
        closures=tuple(Closure(first=first, last=last) for first, last in closures),
    )
    return opening_of(schedule_of(unit))


def _office(**more: tuple[str, ...]) -> Opening:
    """Monday to Friday, nine to five."""
    return _opening(*((day, "09:00", "17:00") for day in WORKDAYS), **more)  # type: ignore[arg-type]


def _at(wall: str, zone: str = BERLIN, fold: int = 0) -> int:
    """What the wall shows, the first time or the second (`fold` 1)."""
    return round(datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)


def test_friday_evening_goes_on_on_monday() -> None:
    """Half an hour before the weekend, half an hour after it."""
    assert _at("2026-06-08 09:30") == _office().add_open_minutes(_at("2026-06-05 16:30"), 60)


def test_what_ends_at_closing_time_is_due_then() -> None:
    """Not when it opens again."""
    assert _at("2026-06-05 17:00") == _office().add_open_minutes(_at("2026-06-05 16:00"), 60)


def test_a_night_does_not_count() -> None:
    """What comes after hours starts in the morning."""
    opening = _office()
    assert _at("2026-06-09 09:30") == opening.add_open_minutes(_at("2026-06-08 22:13"), 30)
    assert 0 == opening.open_minutes_between(_at("2026-06-08 17:00"), _at("2026-06-09 09:00"))


def test_a_holiday_on_monday_makes_it_tuesday() -> None:
    """Whit Monday, 25 May 2026."""
    opening = _office(holidays=("2026-05-25",))
    assert _at("2026-05-26 09:30") == opening.add_open_minutes(_at("2026-05-22 16:30"), 60)
    assert not opening.is_open(_at("2026-05-25 12:00"))


def test_a_closure_holds_on_its_first_and_its_last_day() -> None:
    """Closed from 3 to 14 August: the day before and the day after are as always."""
    opening = _office(closures=(("2026-08-03", "2026-08-14"),))
    days = [day for day in range(1, 32) if opening.is_open(_at(f"2026-08-{day:02d} 12:00"))]
    assert [17, 18, 19, 20, 21, 24, 25, 26, 27, 28, 31] == days
    assert _at("2026-08-17 09:10") == opening.add_open_minutes(_at("2026-07-31 16:50"), 20)


def test_closures_and_holidays_may_overlap_touch_and_repeat() -> None:
    """Three that make one week off, one in the list twice."""
    opening = _office(
        closures=(("2026-06-08", "2026-06-10"), ("2026-06-10", "2026-06-11")),
        holidays=("2026-06-12", "2026-06-12", "2026-06-09"),
    )
    assert 480 == opening.open_minutes_between(_at("2026-06-07 00:00"), _at("2026-06-16 00:00"))
    assert _at("2026-06-15 09:01") == opening.add_open_minutes(_at("2026-06-05 17:00"), 1)


def test_days_off_with_one_day_between() -> None:
    """Closed on Tuesday and Thursday: Wednesday is a day like any other, night before and after included."""
    bar = _opening(*((day, "18:00", "02:00") for day in ALL_DAYS), holidays=("2026-06-09", "2026-06-11"))
    seen = [(day, clock) for day in (9, 10, 11, 12) for clock in ("01:00", "20:00")
            if bar.is_open(_at(f"2026-06-{day:02d} {clock}"))]  # fmt: skip
    assert [(9, "01:00"), (10, "20:00"), (11, "01:00"), (12, "20:00")] == seen


def test_midnight_is_a_closing_time() -> None:
    """`24:00` and `00:00` are the end of the same day."""
    for closes in ("24:00", "00:00"):
        opening = _opening(("mon", "20:00", closes))
        assert opening.is_open(_at("2026-06-08 23:59"))
        assert not opening.is_open(_at("2026-06-09 00:00"))
        assert _at("2026-06-09 00:00") == opening.add_open_minutes(_at("2026-06-08 23:00"), 60)


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    """New Year's Eve ends at two on the holiday; on the evening of the holiday nobody comes, nor after midnight."""
    bar = _opening(*((day, "18:00", "02:00") for day in ALL_DAYS), holidays=("2027-01-01",))
    assert bar.is_open(_at("2027-01-01 01:59"))
    assert not bar.is_open(_at("2027-01-01 20:00"))
    assert not bar.is_open(_at("2027-01-02 01:00"))
    assert _at("2027-01-02 18:30") == bar.add_open_minutes(_at("2027-01-01 01:30"), 60)


def test_sunday_night_ends_on_monday() -> None:
    """The end of the week is no end."""
    bar = _opening(("sun", "22:00", "03:00"))
    assert bar.is_open(_at("2026-06-08 02:59"))
    assert 300 == bar.open_minutes_between(_at("2026-06-07 00:00"), _at("2026-06-09 00:00"))


def test_the_same_time_twice_is_a_whole_day() -> None:
    """From six to six: 24 hours that begin at six."""
    opening = _opening(("wed", "06:00", "06:00"))
    assert 1440 == opening.open_minutes_between(_at("2026-06-08 00:00"), _at("2026-06-14 00:00"))
    assert opening.is_open(_at("2026-06-11 05:59"))


def test_overlapping_hours_count_once() -> None:
    """Also those of the night before, and duplicates."""
    opening = _opening(
        ("mon", "22:00", "10:00"), ("tue", "09:00", "12:00"), ("tue", "11:00", "13:00"), ("tue", "11:00", "13:00")
    )
    assert 15 * 60 == opening.open_minutes_between(_at("2026-06-08 12:00"), _at("2026-06-09 18:00"))


def test_opening_at_24_is_opening_at_midnight_of_the_next_day() -> None:
    """A strange way to write it, which `cem units check` refuses, and a holiday is that of the day that it names."""
    opening = _opening(("mon", "24:00", "06:00"), holidays=("2026-06-15",))
    assert 360 == opening.open_minutes_between(_at("2026-06-09 00:00"), _at("2026-06-20 00:00"))
    assert opening.is_open(_at("2026-06-09 05:59"))
    assert 1440 == _opening(("mon", "24:00", "24:00")).open_minutes_between(
        _at("2026-06-08 00:00"), _at("2026-06-14 00:00")
    )


def test_from_midnight_to_the_same_midnight_is_nothing() -> None:
    """24:00 to 00:00, refused by `cem units check`: as if it were not written, and alone as if no hours were."""
    opening = _opening(("mon", "24:00", "00:00"), ("wed", "09:00", "10:00"))
    assert _at("2026-06-10 09:01") == opening.add_open_minutes(_at("2026-06-08 12:00"), 1)
    assert _opening(("mon", "24:00", "00:00")).is_open(_at("2026-06-11 04:00"))


@pytest.mark.parametrize(
    ("hours", "closed", "expected"),
    [
        ([("tue", "08:00", "20:00"), ("tue", "09:00", "10:00")], [], 720),
        ([("mon", "20:00", "10:00"), ("tue", "08:00", "09:00")], [], 600),
        ([("tue", "08:00", "20:00")], [("2026-06-01", "2026-06-30"), ("2026-06-03", "2026-06-04")], 0),
        ([("tue", "08:00", "20:00")], [("2026-06-01", "2026-06-08"), ("2026-06-10", "2026-06-30")], 720),
    ],
)
def test_what_lies_within_something_else_changes_nothing(
    hours: list[tuple[Weekday, str, str]], closed: list[tuple[str, str]], expected: int
) -> None:
    """A stretch within a longer one, a closure within a longer one, a day between two closures."""
    opening = _opening(*hours, closures=tuple(closed))
    assert expected == opening.open_minutes_between(_at("2026-06-09 00:00"), _at("2026-06-10 00:00"))


def test_a_closing_time_at_the_change_of_clocks_is_due_then() -> None:
    """Closing at two on the night on which two o'clock is three: the deadline is that moment, not the next evening."""
    bar = _opening(("sat", "20:00", "02:00"))
    assert parse_time("2026-03-29T01:00:00Z") == bar.add_open_minutes(_at("2026-03-28 23:00"), 180)


def test_hours_that_come_twice_may_be_the_last() -> None:
    """A store that opens for one last night, on which an hour comes twice, has seven hours more, not six."""
    night = _opening(("sun", "00:00", "06:00"), closures=(("2026-10-26", "9999-12-31"),))
    assert _at("2026-10-25 06:00") == night.add_open_minutes(_at("2026-10-25 00:00"), 420)
    assert night.add_open_minutes(_at("2026-10-25 00:00"), 421) is None


def test_hours_that_come_twice_again_and_again() -> None:
    """Open for nothing but the hour that comes twice, in three years: six hours, though the wall shows three."""
    closed = (("2026-10-26", "2027-10-30"), ("2027-11-01", "2028-10-28"), ("2028-10-30", "9999-12-31"))
    opening = _opening(("sun", "02:00", "03:00"), closures=closed)
    assert _at("2028-10-29 03:00") == opening.add_open_minutes(_at("2026-10-25 00:00"), 360)
    assert opening.add_open_minutes(_at("2026-10-25 00:00"), 361) is None


def test_the_missing_hour_does_not_count() -> None:
    """Berlin, 29 March 2026: of the night from midnight to six, five hours are left; what opens at half past two opens
    at three."""
    night = _opening(("sun", "00:00", "06:00"))
    assert 300 == night.open_minutes_between(_at("2026-03-29 00:00"), _at("2026-03-29 12:00"))
    assert _at("2026-03-29 03:30") == night.add_open_minutes(_at("2026-03-29 01:30"), 60)
    early = _opening(("sun", "02:30", "06:00"))
    assert not early.is_open(_at("2026-03-29 01:59"))
    assert early.is_open(_at("2026-03-29 03:00"))


def test_the_doubled_hour_counts_twice() -> None:
    """Berlin, 25 October 2026: the night from midnight to six has seven hours."""
    night = _opening(("sun", "00:00", "06:00"))
    assert 420 == night.open_minutes_between(_at("2026-10-25 00:00"), _at("2026-10-25 12:00"))
    assert _at("2026-10-25 02:30", fold=1) == night.add_open_minutes(_at("2026-10-25 01:30"), 120)


def test_closing_within_the_doubled_hour_happens_twice() -> None:
    """The wall says so: closed at half past two, then it is two again, and half past two once more."""
    bar = _opening(("sat", "20:00", "02:30"))
    wall = [("02:15", 0), ("02:45", 0), ("02:15", 1), ("02:45", 1)]
    assert [True, False, True, False] == [bar.is_open(_at(f"2026-10-25 {clock}", fold=fold)) for clock, fold in wall]


def test_where_midnight_is_missing_the_day_begins_at_one() -> None:
    """Sao Paulo, 15 October 2017: Saturday's 23:59 is followed by Sunday's 01:00."""
    zone = "America/Sao_Paulo"
    opening = _opening(("sun", "00:00", "24:00"), zone=zone)
    assert 23 * 60 == opening.open_minutes_between(_at("2017-10-14 00:00", zone), _at("2017-10-17 00:00", zone))
    assert _at("2017-10-15 01:10", zone) == opening.add_open_minutes(_at("2017-10-14 12:00", zone), 10)


def test_where_the_last_hour_of_a_day_comes_twice() -> None:
    """Sao Paulo, 17 February 2018: at the midnight after Saturday it is 23:00 on Saturday again, and still open."""
    zone = "America/Sao_Paulo"
    opening = _opening(("sat", "22:00", "24:00"), zone=zone)
    assert 180 == opening.open_minutes_between(_at("2018-02-17 12:00", zone), _at("2018-02-18 12:00", zone))


def test_a_day_that_never_was_has_no_opening_hours() -> None:
    """Samoa went from Thursday, 29 December 2011 to Saturday: a shop that opens on Fridays waits for the next."""
    zone = "Pacific/Apia"
    opening = _opening(("fri", "09:00", "17:00"), zone=zone)
    assert _at("2012-01-06 09:01", zone) == opening.add_open_minutes(_at("2011-12-29 12:00", zone), 1)


def test_a_zone_of_three_quarters_of_an_hour() -> None:
    """Kathmandu is 5:45 before UTC."""
    opening = _opening(("mon", "09:00", "17:00"), zone="Asia/Kathmandu")
    assert parse_time("2026-06-08T03:15:00Z") + 1 == opening.add_open_ms(parse_time("2026-06-07T00:00:00Z"), 1)


def test_without_opening_hours_it_is_always_open() -> None:
    """Deadlines are plain time then …"""
    at_ms = _at("2026-06-05 23:59") + 1234
    assert at_ms + 90 * MINUTE_MS == _opening().add_open_minutes(at_ms, 90)


def test_without_opening_hours_holidays_still_hold() -> None:
    """… but for the days on which it says itself that it is closed."""
    opening = _opening(holidays=("2026-12-25",), closures=(("2026-12-26", "2026-12-26"),))
    assert _at("2026-12-27 00:30") == opening.add_open_minutes(_at("2026-12-24 23:30"), 60)


def test_closed_for_good_has_no_deadline() -> None:
    """Until then it does; and what was open before is known."""
    opening = _office(closures=(("2026-06-09", "9999-12-31"),))
    assert _at("2026-06-08 17:00") == opening.add_open_minutes(_at("2026-06-08 16:00"), 60)
    assert opening.add_open_minutes(_at("2026-06-08 16:00"), 61) is None
    assert 60 == opening.open_minutes_between(_at("2026-06-08 16:00"), TIME_MS_MAX)


def test_years_of_closure_are_waited_for() -> None:
    """Closed for twelve years: due on the first day after."""
    opening = _office(closures=(("2026-06-01", "2038-05-31"),))
    assert _at("2038-06-01 10:00") == opening.add_open_minutes(_at("2026-05-29 17:00"), 60)


def test_a_hundred_years_are_enough() -> None:
    """Later there is no deadline, before there is: of 525,600 opening minutes, 100 a week are not enough, 102 are."""
    start = _at("2026-06-01 00:00")
    assert _opening(("mon", "09:00", "10:40")).add_open_minutes(start, 525_600) is None
    found = _opening(("mon", "09:00", "10:42")).add_open_minutes(start, 525_600)
    assert found is not None
    assert 98 * 365 * DAY_MS < found - start < HORIZON_MS


def test_what_is_counted_ends_after_a_hundred_years_too() -> None:
    """So that a time far off costs no more than a near one."""
    assert HORIZON_MS // MINUTE_MS == _opening(zone="UTC").open_minutes_between(0, TIME_MS_MAX)


def test_time_ends_with_the_year_9999() -> None:
    """A deadline after it could not be written."""
    assert TIME_MS_MAX == _opening(zone="UTC").add_open_ms(TIME_MS_MAX - 5, 5)
    assert _opening(zone="UTC").add_open_ms(TIME_MS_MAX - 5, 6) is None
    assert _opening(zone="Pacific/Kiritimati").add_open_minutes(TIME_MS_MAX, 525_600) is None


def test_what_is_no_day_closes_nothing() -> None:
    """Settings that `cem units check` refuses are used as well as they can be."""
    opening = _office(holidays=("2026-02-30", "0000-01-01"), closures=(("2026-06-10", "2026-06-08"),))
    assert opening.is_open(_at("2026-06-09 12:00"))


def test_an_unknown_zone_is_utc() -> None:
    """As everywhere in the service."""
    assert _opening(("mon", "09:00", "17:00"), zone="Mars/Olympus").is_open(parse_time("2026-06-08T09:00:00Z"))


def test_no_minutes_have_passed_at_once() -> None:
    """Also while it is closed; and backwards nothing is counted."""
    at_ms = _at("2026-06-07 12:00")
    assert at_ms == _office().add_open_minutes(at_ms, 0)
    assert 0 == _office().open_minutes_between(at_ms + 9 * DAY_MS, at_ms)


def test_units_of_one_schedule_share_one_opening() -> None:
    """However their hours are ordered: a chain of thousands of stores keeps one."""
    hours = [Hours(day=day, opens="09:00", closes="17:00") for day in WORKDAYS]
    one, two = (
        Unit(id=name, name=name, kind="store", time_zone=BERLIN, opening_hours=tuple(order))
        for name, order in (("a", hours), ("b", [*reversed(hours), hours[0]]))
    )
    assert schedule_of(one) == schedule_of(two)
    assert opening_of(schedule_of(one)) is opening_of(schedule_of(two))


def test_a_schedule_that_nobody_set_is_always_open() -> None:
    """The default of a state that was written before there were schedules."""
    assert Opening(Schedule()).is_open(0)


@pytest.mark.parametrize(
    ("name", "wall", "before", "after"),
    [
        (BERLIN, "2026-03-29T01:00:00Z", 1, 2),
        (BERLIN, "2026-10-25T01:00:00Z", 2, 1),
        ("Australia/Lord_Howe", "2026-10-03T15:30:00Z", 10.5, 11),
        ("Pacific/Apia", "2011-12-30T10:00:00Z", -10, 14),
        ("America/Recife", "2000-10-15T02:00:00Z", -2, -3),  # summer time that was given up after a week …
        ("America/Recife", "2000-10-08T03:00:00Z", -3, -2),
        ("America/Argentina/Tucuman", "2004-06-01T03:00:00Z", -3, -4),
        ("Africa/Monrovia", "1972-01-07T00:44:30Z", -0.741666666, 0),  # … and an offset with seconds
    ],
)  # fmt: skip
def test_an_offset_changes_to_the_second(name: str, wall: str, before: float, after: float) -> None:
    """Hours before and after the moment at which clocks were put forward or back."""
    at_ms = parse_time(wall)
    assert [before, after] == pytest.approx([piece_at(name, at).offset_ms / HOUR_MS for at in (at_ms - 1, at_ms)])
