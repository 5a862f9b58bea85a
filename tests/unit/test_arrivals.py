"""Who complains when, without texts: counts have the mean and the dispersion asked for."""

from collections import Counter
from itertools import pairwise
from random import Random
from statistics import fmean, pvariance

import pytest

from pipeline.evaluation.world.arrivals import arrivals, arrivals_of
from pipeline.evaluation.world.rhythm import USUAL, rhythm
from schemas.time import DAY_MS, HOUR_MS
from tests.evaluation.data import missing
from tests.evaluation.fit_rhythm import fitted

MONDAY = 1_767_571_200_000
"""2026-01-05T00:00:00Z."""


def hourly(found: list[int], hours: int) -> list[int]:
    counted = Counter((moment - MONDAY) // HOUR_MS for moment in found)
    return [counted[hour] for hour in range(hours)]


@pytest.mark.parametrize("dispersion", [1.0, 1.25, 1.5, 2.0, 5.0])
@pytest.mark.parametrize("rate", [0.05, 1.0, 12.0])
def test_the_hours_have_the_mean_and_the_dispersion_asked_for(rate: float, dispersion: float) -> None:
    """Each within five standard errors (those of the variance by the counts' own fourth moment)."""
    hours = 20_000
    found = arrivals(Random(7), rate=rate, dispersion=dispersion, starts=MONDAY, hours=hours)
    counts = hourly([one.event_time for one in found], hours)
    mean, variance = fmean(counts), pvariance(counts)
    fourth = fmean((count - mean) ** 4 for count in counts)
    assert mean == pytest.approx(rate, abs=5 * (rate * dispersion / hours) ** 0.5)
    assert variance == pytest.approx(rate * dispersion, abs=5 * ((fourth - variance**2) / hours) ** 0.5)


def test_counts_are_negative_binomial() -> None:
    """Not only their mean and variance: the share of hours with 0, 1, 2 and 3."""
    hours, rate, dispersion = 100_000, 0.8, 2.0
    found = arrivals(Random(11), rate=rate, dispersion=dispersion, starts=MONDAY, hours=hours)
    counted = Counter(hourly([one.event_time for one in found], hours))
    shape, missed = rate / (dispersion - 1), 1 / dispersion
    expected = [missed**shape]
    for count in range(1, 4):
        expected.append(expected[-1] * (shape + count - 1) / count * (1 - missed))
    assert expected == pytest.approx([counted[count] / hours for count in range(4)], abs=0.005)


def test_a_rhythm_moves_the_counts_with_the_local_clock() -> None:
    """The same shape, as many hours earlier in UTC as the unit's clock is ahead."""
    hours = 168 * 60
    found = arrivals(
        Random(3), rate=20.0, dispersion=1.5, starts=MONDAY, hours=hours, rhythm=USUAL, offset_ms=2 * HOUR_MS
    )
    counts = hourly([one.event_time for one in found], hours)
    for hour in (0, 12, 100, 167):
        assert USUAL.at(hour + 2) * 20 == pytest.approx(fmean(counts[hour::168]), rel=0.2)
    assert fmean(counts) == pytest.approx(20.0, rel=0.02)


def test_moments_come_in_order_and_within_the_time() -> None:
    """From the first millisecond until before the end."""
    found = [one.event_time for one in arrivals(Random(5), rate=3.0, dispersion=2.0, starts=MONDAY, hours=500)]
    assert all(before <= after for before, after in pairwise(found))
    assert found[0] >= MONDAY
    assert found[-1] < MONDAY + 500 * HOUR_MS


def test_nobody_writes_twice_within_a_day() -> None:
    """Regulars come back, later: the count of distinct authors of any day is the count."""
    found = list(arrivals(Random(5), rate=0.5, dispersion=2.0, starts=MONDAY, hours=2000, returning=0.3))
    latest: dict[str, int] = {}
    for one in found:
        assert one.event_time - latest.get(one.author, -DAY_MS) >= DAY_MS
        latest[one.author] = one.event_time
    assert 0.1 < sum(one.author.startswith("r") for one in found) / len(found) < 0.35


def test_the_same_seed_gives_the_same_arrivals() -> None:
    """And another one others."""

    def made(seed: int) -> list[tuple[int, str]]:
        return list(arrivals(Random(seed), rate=1.0, dispersion=1.5, starts=MONDAY, hours=100, rhythm=USUAL))

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_hours_in_which_nothing_is_expected_are_empty() -> None:
    """A closed unit."""
    means = [0.0, 5.0, 0.0, 0.0, 5.0, 0.0] * 50
    found = arrivals_of(Random(2), means, dispersion=1.5, starts=MONDAY)
    counts = hourly([one.event_time for one in found], len(means))
    assert [0, 0, 0, 0] == [sum(counts[place::6]) for place in (0, 2, 3, 5)]
    assert min(sum(counts[place::6]) for place in (1, 4)) > 0


@pytest.mark.parametrize("dispersion", [0.9, float("nan"), float("inf")])
def test_less_than_poisson_is_refused(dispersion: float) -> None:
    """A dispersion below 1 cannot be made of groups."""
    with pytest.raises(ValueError, match="dispersion"):
        arrivals(Random(1), rate=1.0, dispersion=dispersion, starts=MONDAY, hours=1)


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf")])
def test_a_rate_below_nothing_is_refused(rate: float) -> None:
    """And one that is no number."""
    with pytest.raises(ValueError, match="at least 0"):
        arrivals(Random(1), rate=rate, dispersion=1.0, starts=MONDAY, hours=2)


def test_the_rhythm_is_the_one_that_was_fitted() -> None:
    """To two decimals, where the data is at hand."""
    if missing():
        pytest.skip(missing() or "")
    assert USUAL == rhythm(*map(tuple, fitted()))


def test_a_rhythm_has_the_mean_one() -> None:
    """Over its week, however it is made, and is later by whole hours."""
    assert sum(USUAL.factors) == pytest.approx(168)
    assert rhythm(later=3).at(15) == USUAL.at(12)
    with pytest.raises(ValueError, match="24"):
        rhythm(day=(1.0,))
    with pytest.raises(ValueError, match="negative"):
        rhythm(week=(0.0,) * 7)
