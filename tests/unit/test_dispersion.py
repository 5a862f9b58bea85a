"""The tail of a count is exact, and how much counts scatter is weighed as the evidence says."""

import math
from decimal import Decimal, localcontext
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dispersion import GRID, KEEP, PRIOR, Scatter, log_probability, negative_binomial_tail

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


@given(count=st.integers(1, 40), mean=st.floats(0.05, 30), more=st.floats(0.05, 30), over=OVER)
def test_the_tail_rises_with_the_mean(count: int, mean: float, more: float, over: float) -> None:
    """The same count is the less surprising the more is usual."""
    low, high = (negative_binomial_tail(count, one, one * over) for one in (mean, mean + more))
    assert low <= high * (1 + 1e-9)


@given(mean=st.floats(0.01, 30), over=OVER)
def test_the_probabilities_add_up(mean: float, over: float) -> None:
    """What is not in the tail is in the counts below it."""
    below = sum(math.exp(log_probability(count, mean, mean * over)) for count in range(12))
    assert math.isclose(1.0 - below, negative_binomial_tail(12, mean, mean * over), rel_tol=1e-6, abs_tol=1e-9)


def test_what_is_believed_beforehand_is_whole() -> None:
    """The prior is a distribution over the grid, and the grid has only what is over-dispersed."""
    assert math.isclose(1.0, sum(PRIOR))
    assert len(PRIOR) == len(GRID)
    assert min(GRID) > 1.0
    assert list(GRID) == sorted(GRID)


@given(counts=st.lists(st.tuples(st.floats(0.01, 30), st.integers(0, 200)), max_size=30))
def test_how_likely_each_value_is_adds_up_to_one(counts: list[tuple[float, int]]) -> None:
    """Whatever was counted; only what is next to impossible is left out."""
    scatter = Scatter()
    for expected, count in counts:
        scatter.learn(expected, count)
    chances = scatter.chances(PRIOR)
    assert math.isclose(1.0, sum(chances), abs_tol=1e-3)
    assert all(chance >= 0.0 for chance in chances)


def test_without_counts_the_prior_stands() -> None:
    """Nothing is known: everything is as likely as it was."""
    assert all(math.isclose(*pair) for pair in zip(PRIOR, Scatter().chances(PRIOR), strict=True))


def _drawn(over: float, mean: float, hours: int) -> Scatter:
    """Hours of negative binomial counts with this variance over mean."""
    random, scatter = Random(f"{over}-{mean}"), Scatter()
    for _ in range(hours):
        rate = random.gammavariate(mean / (over - 1.0), over - 1.0)
        count, passed = 0, random.expovariate(1.0)
        while passed < rate:
            count, passed = count + 1, passed + random.expovariate(1.0)
        scatter.learn(mean, count)
    return scatter


@pytest.mark.parametrize("over", [1.2, 2.0, 3.3])
def test_the_value_that_counts_were_drawn_with_is_found(over: float) -> None:
    """After two thousand hours of three an hour most of the belief is at it or next to it."""
    chances = _drawn(over, 3.0, 2000).chances(PRIOR)
    place = GRID.index(over)
    assert sum(chances[max(0, place - 1) : place + 2]) > 0.9


def test_of_a_quiet_unit_little_is_learned() -> None:
    """A month with a complaint a week leaves all values possible."""
    scatter = Scatter()
    for _ in range(4):
        scatter.learn_silence(167 / 168)
        scatter.learn(1 / 168, 1)
    chances = scatter.chances(PRIOR)
    assert min(chances) > 0.0
    assert max(chances) < 0.5


@given(expected=st.floats(0.001, 5), hours=st.integers(1, 50))
def test_silence_is_learned_at_once_as_hour_by_hour(expected: float, hours: int) -> None:
    """So many hours with none, together or one by one, but for what each of them fades."""
    at_once, by_hour = Scatter(), Scatter()
    at_once.learn_silence(expected * hours)
    for _ in range(hours):
        by_hour.learn_silence(expected)
    for together, apart in zip(at_once.weights, by_hour.weights, strict=True):
        assert math.isclose(together, apart, abs_tol=1e-4 * hours)


@given(expected=st.floats(0.001, 50), times=st.integers(1, 60))
def test_nones_are_learned_at_once_as_one_by_one(expected: float, times: int) -> None:
    """The same fades, the same is weighed; what is rounded away stays small."""
    at_once, one_by_one = Scatter(), Scatter()
    for scatter in (at_once, one_by_one):
        scatter.learn(2.0, 9)
    at_once.learn_nones(expected, times)
    for _ in range(times):
        one_by_one.learn(expected, 0)
    for together, apart in zip(at_once.weights, one_by_one.weights, strict=True):
        assert math.isclose(together, apart, rel_tol=1e-6, abs_tol=1e-4 * times)


@given(expected=st.floats(0.001, 30))
def test_silence_is_a_count_of_none(expected: float) -> None:
    """`learn_silence` weighs as `learn` of none does."""
    silence, none = Scatter(), Scatter()
    silence.learn_silence(expected)
    none.learn(expected, 0)
    assert all(math.isclose(one, other, abs_tol=2e-4) for one, other in zip(silence.weights, none.weights, strict=True))


def test_what_was_long_ago_weighs_less() -> None:
    """Two thousand busy hours leave a third of it, as the source says of a power prior."""
    scatter = Scatter()
    scatter.learn(0.1, 12)
    before = max(scatter.weights) - min(scatter.weights)
    for _ in range(2000):
        scatter.learn(1e-9, 0)
    after = max(scatter.weights) - min(scatter.weights)
    assert math.isclose(KEEP**2000, after / before, rel_tol=0.02)


def test_a_copy_learns_apart() -> None:
    """What a copy learns the original does not know."""
    scatter = Scatter()
    scatter.copy().learn(1.0, 9)
    assert scatter == Scatter()
