"""The count model: its tail is exact, its memory fades, and silence is learned at once as it is hour by hour."""

import math
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.baseline import (
    COLD_HOURS,
    DISPERSION,
    HALF_LIFE_HOURS,
    PRIOR_HOURS,
    PRIOR_SHAPE,
    Baseline,
    negative_binomial_tail,
)

MEANS = st.floats(0.01, 2000)
OVER = st.floats(1.01, 20)
"""Variance over mean."""


def plain_tail(count: int, mean: float, variance: float) -> Decimal:
    """1 minus the sum of all smaller counts, with 80 digits: slow, and plainly right."""
    with localcontext() as context:
        context.prec = 80
        exact_mean, exact_variance = Decimal(mean), Decimal(variance)
        size = exact_mean * exact_mean / (exact_variance - exact_mean)
        odds = exact_mean / (size + exact_mean)
        term, below = (size / (size + exact_mean)) ** size, Decimal(0)
        for k in range(count):
            below += term
            term *= (k + size) / (k + 1) * odds
        return 1 - below


@given(count=st.integers(0, 60), mean=st.floats(0.01, 50), over=OVER)
def test_the_tail_is_the_plain_sum(count: int, mean: float, over: float) -> None:
    """P(X >= count) agrees with the sum of the probabilities of all smaller counts."""
    exact = plain_tail(count, mean, mean * over)
    assert math.isclose(float(exact), negative_binomial_tail(count, mean, mean * over), rel_tol=1e-6, abs_tol=1e-60)


@pytest.mark.parametrize("mean", [100.0, 700.0, 900.0, 2000.0])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 1.0, 1.1, 1.5])
def test_the_tail_of_a_busy_unit_is_the_plain_sum(mean: float, share: float) -> None:
    """Where thousands are usual, three are certain: a probability too small for a float must not look like none."""
    count, variance = int(mean * share), mean * 1.25
    exact = plain_tail(count, mean, variance)
    assert math.isclose(float(exact), negative_binomial_tail(count, mean, variance), rel_tol=1e-6, abs_tol=1e-60)


@pytest.mark.parametrize(("mean", "needed"), [(0.05, 11), (0.2, 13), (1.0, 17), (3.0, 23)])
def test_the_published_table(mean: float, needed: int) -> None:
    """The count needed for p <= 1e-5 at a variance of twice the mean is that of the table; one less is not enough."""
    assert negative_binomial_tail(needed, mean, 2 * mean) <= 1e-5
    assert negative_binomial_tail(needed - 1, mean, 2 * mean) > 1e-5


@given(mean=MEANS, over=OVER, count=st.integers(-3, 0))
def test_no_count_is_certain(mean: float, over: float, count: int) -> None:
    """There are always at least none."""
    assert negative_binomial_tail(count, mean, mean * over) == 1.0


@given(mean=MEANS, over=OVER, count=st.integers(0, 3000))
def test_the_tail_falls_with_the_count(mean: float, over: float, count: int) -> None:
    """More complaints are never more usual than fewer, and it is a probability whatever is asked."""
    variance = mean * over
    more, fewer = negative_binomial_tail(count + 1, mean, variance), negative_binomial_tail(count, mean, variance)
    assert 0.0 <= more <= fewer * (1 + 1e-9)
    assert fewer <= 1.0


@given(count=st.integers(1, 40), mean=st.floats(0.05, 30), more=st.floats(0.05, 30))
def test_the_tail_rises_with_the_mean(count: int, mean: float, more: float) -> None:
    """The same count is the less surprising the more is usual."""
    low = negative_binomial_tail(count, mean, mean * DISPERSION)
    high = negative_binomial_tail(count, mean + more, (mean + more) * DISPERSION)
    assert low <= high * (1 + 1e-9)


@given(
    shape=st.floats(0, 5) | st.floats(0, 200_000),
    hours=st.floats(0, 486),
    p_value_max=st.sampled_from([1e-6, 0.1 / 720, 3 / 720, 0.1, 1.0, 2.0]),
    counts=st.lists(st.integers(0, 500), min_size=1),
)
def test_the_least_count_decides_as_the_p_value_does(
    shape: float, hours: float, p_value_max: float, counts: list[int]
) -> None:
    """Whether a count is unlikely enough can be asked of the count alone: at the limit and anywhere else."""
    baseline = Baseline(shape, hours)
    least = baseline.least(p_value_max, 500)
    for count in (*counts, max(0, least - 1), min(500, least)):
        assert (baseline.p_value(count) <= p_value_max) == (count >= least)
    assert 0 <= least <= 501


@given(counts=st.lists(st.integers(0, 50), max_size=20), silent=st.integers(0, 2000))
def test_silence_is_learned_at_once_as_hour_by_hour(counts: list[int], silent: int) -> None:
    """`learn_silence(n)` is `learn(0)`, n times."""
    at_once, by_hour = Baseline(), Baseline()
    for count in counts:
        at_once.learn(count)
        by_hour.learn(count)
    at_once.learn_silence(silent)
    for _ in range(silent):
        by_hour.learn(0)
    assert math.isclose(by_hour.shape, at_once.shape, rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(by_hour.hours, at_once.hours, rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(by_hour.expected, at_once.expected, rel_tol=1e-9)


def test_no_hours_of_silence_teach_nothing() -> None:
    """`learn_silence(0)` leaves everything as it is, to the bit."""
    baseline = Baseline(shape=3.7, hours=11.3)
    baseline.learn_silence(0)
    assert Baseline(shape=3.7, hours=11.3) == baseline


@given(count=st.integers(1, 1000), hours=st.floats(0, 100))
def test_after_a_half_life_half_is_forgotten(count: int, hours: float) -> None:
    """What was learned weighs half after 14 days, a quarter after 28."""
    baseline = Baseline(shape=float(count), hours=hours)
    baseline.learn_silence(HALF_LIFE_HOURS)
    assert math.isclose(count / 2, baseline.shape, rel_tol=1e-9)
    baseline.learn_silence(HALF_LIFE_HOURS)
    assert math.isclose(count / 4, baseline.shape, rel_tol=1e-9)


def test_no_memory_is_longer_than_the_half_life_allows() -> None:
    """After years of silence the weight of all hours is that of one and a half half-lives: a change is learned soon."""
    baseline = Baseline()
    baseline.learn_silence(24 * 365 * 10)
    assert math.isclose(HALF_LIFE_HOURS / math.log(2), baseline.hours, rel_tol=0.01)


def test_a_unit_of_which_nothing_is_known_expects_the_prior() -> None:
    """At the start one complaint an hour is expected, and the unit counts as cold for a day."""
    baseline = Baseline()
    assert baseline.expected == PRIOR_SHAPE / PRIOR_HOURS
    assert baseline.cold
    baseline.learn_silence(math.ceil(COLD_HOURS) - 1)
    assert baseline.cold
    baseline.learn_silence(2)
    assert not baseline.cold


@given(rate=st.integers(0, 30), hours=st.integers(24, 500))
def test_what_is_seen_every_hour_is_expected(rate: int, hours: int) -> None:
    """A steady rate is learned: the expected count lies between the prior and the rate, and near the rate."""
    baseline = Baseline()
    for _ in range(hours):
        baseline.learn(rate)
    prior = PRIOR_SHAPE / PRIOR_HOURS
    assert min(prior, rate) <= baseline.expected <= max(prior, rate)
    assert abs(baseline.expected - rate) <= abs(prior - rate) * PRIOR_HOURS / (baseline.hours + PRIOR_HOURS) + 1e-9


@given(counts=st.lists(st.integers(0, 20), max_size=50))
def test_what_is_not_known_for_sure_is_less_surprising(counts: list[int]) -> None:
    """Far out the tail is thicker than that of the same mean known for sure."""
    baseline = Baseline()
    for one in counts:
        baseline.learn(one)
    mean = baseline.expected
    far = math.ceil(mean + 4 * math.sqrt(DISPERSION * mean + mean * mean / (PRIOR_SHAPE + baseline.shape)))
    assert negative_binomial_tail(far, mean, mean * DISPERSION) < baseline.tail(far)
