"""Surge: which window counts, what it may look back to, whom it counts, what it learns, and that time costs nothing."""

import math
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.baseline import Baseline
from pipeline.budget import rarity
from pipeline.detectors.detector import Finding
from pipeline.detectors.surge import AUTHORS_MIN, MENTIONS_MAX, WINDOW_MS, SurgeDetector, severity_of
from pipeline.history import HOURS_MAX
from pipeline.local_time import HOURS_OF_WEEK
from schemas.insight import Insight
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, TIME_MS_MAX, Millis, parse_time
from schemas.unit import Unit
from tests.checks import STATE_BYTES_MAX
from tests.detector_run import Run
from tests.streams import START_MS, insight, streams

STRETCHES = st.lists(st.tuples(st.integers(-600, 6000), st.integers(0, 2000)), max_size=5)
"""Begin and length in minutes."""
BUSY = SurgeDetector(30.0)


def quiet(days: int = 30, **settings: Any) -> Run:
    """A unit that has been silent for so long."""
    run = Run(SurgeDetector())
    run.detector.configure(run.state, Unit(id="u", name="U", kind="store", **({"time_zone": "UTC"} | settings)))
    run.see(insight(10**6, START_MS - days * DAY_MS, mood="neutral"))
    return run


def people(run: Run, begin_ms: int, number: int, gap_ms: int, name: str = "p") -> Finding | None:
    """So many different people, one after the other. What is found at the first of them that raises an alert."""
    found = None
    for one in range(number):
        at_ms = begin_ms + one * gap_ms
        said = msgspec.structs.replace(insight(0, at_ms, author=f"{name}{one}"), id=f"{name}{one}-{at_ms}")
        seen = run.see(said)
        if found is None and seen is not None and seen.signals:
            found = run.at(at_ms)
    return found


def hourly(run: Run, begin_ms: int, hours: int, *, every: int = 1, ticks: bool = True) -> None:
    """Somebody else every so many hours."""
    for hour in range(0, hours, every):
        one = insight(hour, begin_ms + hour * HOUR_MS + 7 * MINUTE_MS, author=f"steady{hour}")
        if ticks:
            run.pass_time(int(one.event_time))
            run.detector.advance(run.state, run.watermark_ms)
        run.detector.observe(run.state, msgspec.structs.replace(one, id=f"steady:{begin_ms}:{hour}"))


# Which window


@pytest.mark.parametrize(
    ("gap_ms", "window_s"),
    [(20_000, 3600), (9 * MINUTE_MS, 3600), (50 * MINUTE_MS, 4 * 3600), (3 * HOUR_MS, 24 * 3600)],
    ids=["one in 20 s", "one in 9 minutes", "one in 50 minutes", "one in 3 hours"],
)
def test_the_window_counts_that_chance_would_bring_most_rarely(gap_ms: int, window_s: int) -> None:
    """People come faster or slower, to a unit that is silent: each pace is noticed, and by the window that it fits
    or a shorter one."""
    found = people(quiet(), START_MS, 40, gap_ms)
    assert found is not None
    assert found.detection.window_s <= window_s
    assert found.detection.distinct_authors <= 40


def test_a_quarter_of_an_hour_counts_where_many_are_usual() -> None:
    """Five people an hour are usual; twelve within two minutes are told by the shortest window."""
    run = quiet(20)
    for number in range(20 * 24 * 5):
        one = insight(number, START_MS - 20 * DAY_MS + number * 12 * MINUTE_MS, author=f"steady{number}")
        run.pass_time(int(one.event_time))
        run.detector.advance(run.state, run.watermark_ms)
        run.detector.observe(run.state, one)
    found = people(run, START_MS + 5 * MINUTE_MS, 20, 10_000)
    assert found is not None
    assert 900 == found.detection.window_s


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_all_can_be_reckoned_from_the_payload(data: Any) -> None:
    """`rarity` from the p-value, the people, what was expected and the dispersion; severity from rarity. An alert has a
    rarity up to its share."""
    run = Run(BUSY)
    for one in data.draw(streams("surge", min_size=5)):
        run.see(one)
        seen = run.at(int(one.event_time))
        found = seen.detection
        assert found.p_value is not None and found.expected is not None and found.dispersion is not None
        assert found.rarity is not None and found.rarity_max is not None
        reckoned = rarity(
            found.window_s * 1000, found.distinct_authors, found.expected, found.dispersion, found.p_value
        )
        assert math.isclose(reckoned, found.rarity, rel_tol=0.05)
        assert severity_of(found.rarity) == seen.severity
        if seen.active:
            assert found.rarity <= found.rarity_max
            assert found.distinct_authors >= AUTHORS_MIN


@pytest.mark.parametrize(
    ("rare", "severity"), [(1000.0, 1), (1.0, 3), (0.1, 4), (0.01, 5), (1e-5, 8), (1e-7, 10), (0.0, 10)]
)
def test_severity_is_a_step_for_each_zero(rare: float, severity: int) -> None:
    """One in ten months is a four."""
    assert severity == severity_of(rare)


def test_longer_windows_wait_until_as_much_is_known() -> None:
    """In its first hours a unit is judged by an hour and less; by four hours once four are known."""
    run = Run(SurgeDetector())
    run.see(insight(0, START_MS, mood="neutral"))
    for minutes in range(0, 4 * 60, 20):
        at_ms = START_MS + minutes * MINUTE_MS
        run.see(insight(minutes + 1, at_ms, author=str(minutes)))
        assert run.at(at_ms).detection.window_s <= 3600
    assert 4 * 3600 == run.at(START_MS + 20 * HOUR_MS).detection.window_s
    assert 24 * 3600 == run.at(START_MS + 4 * DAY_MS).detection.window_s


# What is told already


def test_no_window_reaches_back_behind_what_was_told() -> None:
    """After an alert has ended its people count no more: those who come count from there on."""
    run = quiet()
    assert people(run, START_MS, 12, MINUTE_MS) is not None
    told_ms = START_MS + 3 * HOUR_MS
    run.detector.end(run.state, "surge", told_ms)
    assert [] == run.signals(START_MS + 10 * MINUTE_MS)
    run.see(insight(1, told_ms + HOUR_MS, author="new"))
    found = run.at(told_ms + HOUR_MS)
    assert (1, 1) == (found.detection.distinct_authors, found.detection.observed)
    assert ["x:1"] == [evidence.post_id for evidence in found.evidence]
    again = people(run, told_ms + 2 * HOUR_MS, 12, MINUTE_MS, name="q")
    assert again is not None
    assert not any(evidence.post_id.startswith("p") for evidence in again.evidence)


def test_what_was_told_never_goes_back() -> None:
    """The end of an earlier alert does not give back what a later one has told."""
    run = quiet()
    run.detector.end(run.state, "surge", START_MS + HOUR_MS)
    run.detector.end(run.state, "surge", START_MS)
    assert START_MS + HOUR_MS == run.state.told


# Whom it counts


def test_ten_thousand_posts_of_one_author_are_one_person() -> None:
    """He raises nothing, and does not push out others."""
    run = quiet()
    others = [insight(number, START_MS + number * MINUTE_MS, author=f"o{number}") for number in range(3)]
    for one in others:
        run.see(one)
    for number in range(10_000):
        at_ms = START_MS + 10 * MINUTE_MS + number * 100
        run.detector.observe(run.state, insight(100 + number, at_ms, author="loud"))
    assert MENTIONS_MAX == len(run.state.mentions)
    assert all(run.detector.holds(run.state, one.id) for one in others)
    assert 4 == run.at(START_MS + 30 * MINUTE_MS).detection.distinct_authors
    assert {START_MS // HOUR_MS: 4} == run.state.history.hours


def test_of_one_author_the_newest_posts_are_kept_in_whatever_order_they_come() -> None:
    """What is forgotten of him does not depend on which was read first."""
    posts = [insight(number, START_MS + number * 1000, author="loud") for number in range(MENTIONS_MAX + 50)]
    expected = [one.id for one in posts[50:]]
    Random(1).shuffle(posts)
    run = quiet()
    for one in posts:
        run.detector.observe(run.state, one)
    assert expected == [mention.insight_id for mention in run.state.mentions]


# What is usual


def test_where_no_tick_comes_the_oldest_hours_are_learned_all_the_same() -> None:
    """After 90 days without a tick three days wait to be learned, and as much is known as if time had passed."""
    without, ticked = Run(SurgeDetector()), Run(SurgeDetector())
    hourly(without, START_MS, 90 * 24, ticks=False)
    hourly(ticked, START_MS, 90 * 24)
    assert HOURS_MAX == len(without.state.history.hours)
    end = START_MS + 90 * DAY_MS
    assert ticked.seen(end) == without.seen(end)


def test_what_the_watermark_leaves_open_is_not_learned_early() -> None:
    """Three days may wait: a watermark that lags by less decides nothing."""
    run = Run(SurgeDetector())
    hourly(run, START_MS, HOURS_MAX, ticks=False)
    assert HOURS_MAX == len(run.state.history.hours)
    assert run.state.history.baseline is None


def frozen(stretches: list[tuple[int, int]]) -> Run:
    """A silent unit with these open alerts, in minutes from the start."""
    run = Run(SurgeDetector())
    run.see(insight(0, START_MS, mood="neutral"))
    for begin, length in stretches:
        begin_ms = START_MS + begin * MINUTE_MS
        run.detector.freeze(run.state, "surge", begin_ms, begin_ms + length * MINUTE_MS)
    return run


@given(stretches=STRETCHES, hours=st.integers(1, 150))
def test_frozen_hours_are_no_silence(stretches: list[tuple[int, int]], hours: int) -> None:
    """Of the hours before a window those are learned as silence that no open alert touches, each once."""
    run = frozen(stretches)
    at_ms = START_MS + hours * HOUR_MS + WINDOW_MS
    silent = [
        hour
        for hour in range(START_MS, at_ms - WINDOW_MS, HOUR_MS)
        if not any(one.start < hour + HOUR_MS and hour < one.end for one in run.state.history.frozen)
    ]
    expected = Baseline()
    expected.learn_silence(0, 0, len(silent))
    found = run.at(at_ms).detection
    if found.window_s == WINDOW_MS // 1000:
        assert math.isclose(expected.rate * 24, found.expected or 0.0, abs_tol=1e-4)


def test_the_baseline_does_not_learn_from_an_open_alert() -> None:
    """Sixty people in two hours: a day after an alert was told of them as little is expected as if nobody had come;
    without an alert much more."""
    expected = {}
    for kind in ("silent", "alert", "none"):
        run = quiet()
        hourly(run, START_MS - 20 * DAY_MS, 20 * 24, every=5)
        if kind != "silent":
            people(run, START_MS, 60, 2 * MINUTE_MS)
        if kind == "alert":
            run.detector.freeze(run.state, "surge", START_MS, START_MS + 3 * HOUR_MS)
        run.pass_time(START_MS + 3 * DAY_MS)
        run.see(insight(7, START_MS + 3 * DAY_MS))
        expected[kind] = run.at(START_MS + 3 * DAY_MS + 2 * DAY_MS).detection.expected or 0.0
    assert math.isclose(expected["silent"], expected["alert"], rel_tol=0.03)
    assert expected["none"] > 1.5 * expected["silent"]


def test_the_week_is_that_of_the_units_own_clock_also_across_daylight_saving() -> None:
    """A shop in Berlin has its rush at twelve. Ten weeks are winter, the last two are summer: much is expected of noon
    on its own clock, and little an hour before, on the last day too."""
    weeks, begin_ms = 12, int(parse_time("2026-01-19T00:00:00+01:00"))
    run = Run(SurgeDetector())
    run.detector.configure(run.state, Unit(id="u", name="U", kind="store", time_zone="Europe/Berlin"))
    run.see(insight(0, begin_ms, mood="neutral"))
    change_ms = int(parse_time("2026-03-29T01:00:00Z"))
    for day in range(weeks * 7):
        noon_ms = begin_ms + day * DAY_MS + 12 * HOUR_MS
        if noon_ms > change_ms:
            noon_ms -= HOUR_MS
        run.pass_time(noon_ms)
        for number in range(5):
            said = insight(0, noon_ms + number * 11 * MINUTE_MS, author=f"{day}-{number}")
            run.detector.advance(run.state, run.watermark_ms)
            run.detector.observe(run.state, msgspec.structs.replace(said, id=f"{day}-{number}"))
    midnight_ms = begin_ms + (weeks * 7 - 1) * DAY_MS - HOUR_MS
    by_clock = {clock: _expected_of_the_hour(run, midnight_ms + clock * HOUR_MS) for clock in range(9, 16)}
    assert 12 == max(by_clock, key=by_clock.__getitem__)
    assert by_clock[12] > 3 * by_clock[11]


def _expected_of_the_hour(run: Run, begin_ms: int) -> float:
    """What is expected of the hour that begins then."""
    history = run.state.history
    baseline, _ = history.as_of(begin_ms // HOUR_MS)
    return float(baseline.rate * history.exposure(baseline, begin_ms, begin_ms + HOUR_MS - 1))


# Long and strange times


def test_a_year_of_zero_counts() -> None:
    """Nobody complains for a year, then four do in an hour: that is an alert; three in a day are none."""
    assert people(quiet(365), START_MS, 4, 10 * MINUTE_MS) is not None
    assert people(quiet(365), START_MS, 2, 8 * HOUR_MS) is None


def test_a_gap_of_a_month_hides_no_crowd() -> None:
    """A unit with one complaint an hour of which nothing is read for a month: a crowd is found as soon as anything is
    read again, and also when it has gone on as before for two days."""
    for days in (0, 2):
        run = Run(SurgeDetector())
        hourly(run, START_MS - 90 * DAY_MS, 60 * 24)
        hourly(run, START_MS, days * 24)
        found = people(run, START_MS + days * DAY_MS, 25, 2 * MINUTE_MS)
        assert found is not None


def test_eight_thousand_years_are_counted_at_once() -> None:
    """A time that a sender made up costs no more than any other, though an alert is open: seventy million hours."""
    run = frozen([(60, 24 * 60)])
    forever = Baseline()
    forever.learn_silence(0, 0, TIME_MS_MAX // HOUR_MS)
    assert math.isclose(forever.rate * 24, run.at(TIME_MS_MAX).detection.expected or 0.0, abs_tol=1e-4)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Kiritimati"])
def test_an_insight_of_the_far_future_is_bounded(zone: str) -> None:
    """Its hour is learned like any other when time gets there, and what comes before it is counted as before."""
    run = quiet(60, time_zone=zone)
    hourly(run, START_MS - 50 * DAY_MS, 40 * 24, every=3)
    run.see(insight(1, TIME_MS_MAX, author="future"))
    assert people(run, START_MS, 25, MINUTE_MS) is not None
    run.pass_time(TIME_MS_MAX)
    run.see(insight(2, TIME_MS_MAX, author="future 2"))
    assert len(run.saved()) < STATE_BYTES_MAX
    assert run.at(TIME_MS_MAX).detection.distinct_authors >= 1


def test_clock_jumps_are_bounded() -> None:
    """Times that jump back and forth over centuries leave a bounded state."""
    run = Run(SurgeDetector())
    for number in range(600):
        at_ms = (START_MS, 0, TIME_MS_MAX, START_MS + number * HOUR_MS)[number % 4]
        run.see(insight(number, at_ms, author=f"{number:032x}"))
    assert len(run.state.mentions) <= MENTIONS_MAX
    assert len(run.state.history.hours) <= HOURS_MAX
    assert len(run.saved()) < STATE_BYTES_MAX


# New units


def test_a_unit_whose_like_are_known_is_heard_in_its_first_hours() -> None:
    """Six people in its first hour are an alert where units like it have one a week, and none where nothing is
    known."""
    known, unknown = (
        people(quiet(0, complaints_a_week=rate), START_MS + HOUR_MS, 6, 5 * MINUTE_MS) for rate in (1.0, None)
    )
    assert unknown is None
    assert known is not None
    assert ("group", True) == (known.detection.baseline, known.detection.cold_start)


def test_what_is_usual_for_its_like_can_change() -> None:
    """New settings hold for what was learned already."""
    run = quiet()
    hourly(run, START_MS, 24 * 3)
    rate = (run.at(START_MS + 3 * DAY_MS).detection.expected or 0.0) / 24
    like = Unit(id="u", name="U", kind="store", time_zone="UTC", complaints_a_week=HOURS_OF_WEEK * 500.0)
    run.detector.configure(run.state, like)
    assert (run.at(START_MS + 3 * DAY_MS).detection.expected or 0.0) / 24 > rate


def test_a_state_that_was_read_back_goes_on() -> None:
    """With all that it can hold: week, scatter, frozen stretches, a group."""
    run = quiet(60, complaints_a_week=3.0, time_zone="Asia/Kathmandu")
    hourly(run, START_MS - 50 * DAY_MS, 50 * 24)
    run.detector.freeze(run.state, "surge", START_MS, START_MS + HOUR_MS)
    run.detector.end(run.state, "surge", START_MS + HOUR_MS)
    moved = run.restored()
    assert run.state == moved.state
    for number in range(30):
        one: Insight = insight(number, START_MS + DAY_MS + number * MINUTE_MS, author=str(number))
        assert run.see(one) == moved.see(msgspec.structs.replace(one, event_time=Millis(int(one.event_time))))
    assert run.saved() == moved.saved()
