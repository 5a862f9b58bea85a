"""The count model: its memory fades, silence is learned at once as it is hour by hour, what is not known is wide."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.baseline import COLD_HOURS, GAP_HOURS, GROUP_SHAPE, HALF_LIFE_HOURS, PRIOR_RATE, RHYTHM, Baseline
from pipeline.dispersion import GRID, negative_binomial_tail
from schemas.time import HOUR_MS, TIME_MS_MAX

FOREVER = TIME_MS_MAX // HOUR_MS


def taught(counts: list[int], group_rate: float | None = None) -> Baseline:
    """What so many hours from the epoch on have taught."""
    baseline = Baseline(group_rate=group_rate)
    for hour, count in enumerate(counts):
        baseline.learn(hour, hour % 168, count)
    return baseline


@given(counts=st.lists(st.integers(0, 50), max_size=20), silent=st.integers(0, 2000))
def test_silence_is_learned_at_once_as_hour_by_hour(counts: list[int], silent: int) -> None:
    """The level after `learn_silence(n)` is that after `learn(0)`, n times."""
    at_once, by_hour = Baseline(), Baseline()
    for count in counts:
        at_once.pass_hour(count, 1.0)
        by_hour.pass_hour(count, 1.0)
    if silent:
        at_once.pass_silence(float(silent), silent)
    for _ in range(silent):
        by_hour.pass_hour(0, 1.0)
    assert math.isclose(by_hour.shape, at_once.shape, rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(by_hour.hours, at_once.hours, rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(by_hour.rate, at_once.rate, rel_tol=1e-9)


def test_no_hours_of_silence_teach_nothing() -> None:
    """Everything stays as it is, to the bit."""
    baseline = taught([3, 0, 1] * 20)
    before = msgspec.msgpack.encode(baseline)
    baseline.learn_silence(60, 60, 0)
    assert before == msgspec.msgpack.encode(baseline)


@given(count=st.integers(1, 1000))
def test_after_a_half_life_half_is_forgotten(count: int) -> None:
    """What was learned weighs half after 14 days, a quarter after 28."""
    baseline = Baseline(shape=float(count))
    for share in (2, 4):
        baseline.pass_silence(float(HALF_LIFE_HOURS), HALF_LIFE_HOURS)
        assert math.isclose(count / share, baseline.shape, rel_tol=1e-9)


def test_a_silence_of_weeks_is_a_gap() -> None:
    """A unit with a complaint an hour is not silent for a month: nobody listened. Four days of it are learned; of a
    unit with one a month all of it is."""
    busy, quiet = Baseline(), Baseline()
    for hour in range(1000):
        busy.learn(hour, hour % 168, 1)
    quiet.learn_silence(0, 0, 5000)
    for baseline, learned in ((busy, GAP_HOURS), (quiet, 720)):
        month, heard = baseline.copy(), baseline.copy()
        month.learn_silence(5000, 0, 720)
        heard.learn_silence(5000, 0, learned)
        assert heard == month


def test_no_memory_is_longer_than_the_half_life_allows() -> None:
    """After years of silence the weight of all hours is that of one and a half half-lives: a change is learned soon."""
    baseline = Baseline()
    baseline.learn_silence(0, 0, 24 * 365 * 10)
    assert math.isclose(HALF_LIFE_HOURS / math.log(2), baseline.hours, rel_tol=0.01)


def test_a_unit_of_which_nothing_is_known_expects_the_prior() -> None:
    """At the start one complaint an hour is expected, and the unit counts as cold for a day."""
    baseline = Baseline()
    assert math.isclose(PRIOR_RATE, baseline.rate)
    assert baseline.cold
    baseline.learn_silence(0, 0, math.ceil(COLD_HOURS) - 1)
    assert baseline.cold
    baseline.learn_silence(23, 23, 2)
    assert not baseline.cold


@pytest.mark.parametrize("rate", [0.006, 0.2, 3.0])
def test_a_unit_whose_like_are_known_expects_what_they_have(rate: float) -> None:
    """Their rate, known better than nothing is: the tail of a new unit is that much thinner."""
    like, unlike = Baseline(group_rate=rate), Baseline()
    assert math.isclose(rate, like.rate)
    known = like.usual(like.rate, 0.0)
    assert math.isclose(rate * rate * (1 / GROUP_SHAPE + RHYTHM), known.unknown)
    if rate < PRIOR_RATE:
        assert known.p_value(5) < unlike.usual(unlike.rate, 0.0).p_value(5)


def test_the_rhythm_of_a_day_that_nobody_knows_yet_is_no_surprise() -> None:
    """In its first day a unit's counts are taken to be wider than what its hours so far say; then no more."""
    cold, warm = taught([10] * 20), taught([10] * 30)
    assert cold.usual(10.0, 0.0).unknown > 100.0 * RHYTHM > warm.usual(10.0, 0.0).unknown


@given(rate=st.integers(0, 30), hours=st.integers(24, 400), group_rate=st.none() | st.floats(0.01, 10))
def test_what_is_seen_every_hour_is_expected(rate: int, hours: int, group_rate: float | None) -> None:
    """A steady rate is learned: what is expected lies between what was believed and the rate, and near the rate."""
    baseline = taught([rate] * hours, group_rate)
    prior = group_rate or PRIOR_RATE
    weight = baseline.prior_shape / prior
    # Where factors of hours are worked out they are in steps of a thirty-second.
    assert min(prior, rate) * 0.96 <= baseline.rate <= max(prior, rate) * 1.04
    assert abs(baseline.rate - rate) <= abs(prior - rate) * weight / (baseline.hours + weight) + 0.04 * rate + 1e-9


@given(counts=st.lists(st.integers(0, 20), max_size=50))
def test_what_is_not_known_for_sure_is_less_surprising(counts: list[int]) -> None:
    """Far out the tail is thicker than that of the same mean known for sure, over the same dispersions."""
    baseline = taught(counts)
    usual = baseline.usual(baseline.rate, 0.0)
    far = math.ceil(usual.mean + 4 * math.sqrt(usual.variance))
    sure = sum(
        chance * negative_binomial_tail(far, usual.mean, value * usual.mean)
        for chance, value in zip(usual.chances, GRID, strict=True)
    )
    assert sure < usual.p_value(far) * 1.01


@given(
    counts=st.lists(st.integers(0, 20), max_size=50), count=st.integers(0, 60), mean=st.floats(0.001, 30),
    day_share=st.sampled_from([0.0, 0.4, 1.0]),
)  # fmt: skip
def test_a_p_value_is_a_probability_that_falls(counts: list[int], count: int, mean: float, day_share: float) -> None:
    """Whatever was learned and whatever window is asked about; to three digits."""
    usual = taught(counts).usual(mean, day_share)
    assert 0.0 <= usual.p_value(count + 1) <= usual.p_value(count) <= 1.001
    assert usual.p_value(count) == float(f"{usual.p_value(count):.3g}")
    assert GRID[0] <= usual.dispersion <= GRID[-1]
    assert usual.variance > usual.mean


def test_what_is_expected_in_the_first_day_says_nothing_of_scatter() -> None:
    """It is a guess: a quiet unit does not look scattered because one complaint an hour was guessed."""
    baseline = taught([0] * 20)
    assert Baseline().of_hours == baseline.of_hours
    assert Baseline().of_days == baseline.of_days


def test_days_scatter_apart_from_hours() -> None:
    """Days with forty and days with none, each even in itself: windows of a day are much wider than windows of an
    hour."""
    baseline = taught([2 if day % 3 == 0 else 0 for day in range(60) for _ in range(24)])
    assert baseline.usual(24.0, 1.0).dispersion >= baseline.usual(24.0, 0.0).dispersion
    assert baseline.usual(24.0, 1.0).dispersion > 2.0


def test_a_copy_learns_apart() -> None:
    """What a copy learns the original does not know."""
    baseline = taught([1, 0, 2] * 30)
    before = msgspec.msgpack.encode(baseline)
    baseline.copy().learn(90, 90, 50)
    assert before == msgspec.msgpack.encode(baseline)


def test_eight_thousand_years_are_learned_at_once() -> None:
    """Seventy million silent hours cost no more than a few: the work is counted, not the time."""
    baseline = taught([1] * 48)
    calls = 0

    class Counted(type(baseline.of_days)):  # type: ignore[misc]
        def learn(self, expected: float, count: int) -> None:
            nonlocal calls
            calls += 1
            super().learn(expected, count)

    baseline.of_days = Counted(baseline.of_days.weights)
    baseline.learn_silence(48, 48, min(FOREVER, 24 * 10_000))
    assert calls < 10
    assert math.isfinite(baseline.rate)


@given(hours=st.integers(1, 400))
def test_silent_days_are_learned_at_once_as_day_by_day(hours: int) -> None:
    """The scatter of days is the same, whether a silence is told in one piece or ends and goes on at midnights, as
    long as the same is expected of its hours."""
    at_once, by_day = taught([1] * 48), taught([1] * 48)
    at_once._learn_scatter(48, hours, 0.5, 0)
    for first in range(48, 48 + hours, 24):
        by_day._learn_scatter(first, min(24, 48 + hours - first), 0.5, 0)
    assert (by_day.day, by_day.day_count) == (at_once.day, at_once.day_count)
    assert math.isclose(by_day.day_expected, at_once.day_expected)
    for one, other in zip(by_day.of_days.weights, at_once.of_days.weights, strict=True):
        assert math.isclose(one, other, abs_tol=0.01)
