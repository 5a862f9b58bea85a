"""One budget, shared out so that nothing is left over and nothing is spent twice."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.budget import MONTH_MS, SHARES, WINDOW_SHARES, rarity, share
from pipeline.detectors.surge import SurgeDetector
from pipeline.engine import Engine
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS


def test_shares_add_up_to_the_budget() -> None:
    """Over detectors, and within the surge detector over its windows."""
    assert math.isclose(1.0, sum(SHARES.values()))
    assert math.isclose(1.0, sum(WINDOW_SHARES.values()))


@pytest.mark.parametrize("budget", [0.0075, 0.1, 30.0])
def test_the_engine_spends_its_budget(budget: float) -> None:
    """What its statistical detectors may raise is what the user set; severe posts have no share."""
    spent = 0.0
    for detector in Engine(false_alerts_a_month=budget).detectors:
        if isinstance(detector, SurgeDetector):
            spent += sum(detector.limits.values())
        elif detector.name in SHARES:
            spent += detector.false_alerts_a_month  # type: ignore[attr-defined]
    assert math.isclose(budget, spent)
    assert "severe" not in SHARES


def test_there_are_four_windows_and_the_hour_has_most() -> None:
    """From a quarter of an hour to a day."""
    assert [15 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS, DAY_MS] == sorted(WINDOW_SHARES)
    assert HOUR_MS == max(WINDOW_SHARES, key=WINDOW_SHARES.__getitem__)


def test_share_of_a_detector() -> None:
    """A tenth of a tenth."""
    assert math.isclose(0.01, share("cascade", 0.1))


@given(p_value=st.floats(1e-9, 1.0), count=st.integers(3, 50))
def test_a_day_has_as_many_hours_as_it_has(p_value: float, count: int) -> None:
    """What is as unlikely in a shorter window comes the more often: there are more of these."""
    hour, day = (rarity(window_ms, count, 1.0, 1.5, p_value) for window_ms in (HOUR_MS, DAY_MS))
    assert math.isclose(24 * day, hour)
    assert hour <= count * p_value * MONTH_MS / HOUR_MS


@given(
    count=st.integers(0, 200), mean=st.floats(0.001, 100), dispersion=st.floats(1.0, 4.0), p_value=st.floats(0.0, 1.0)
)
def test_sliding_makes_more_windows_never_fewer(count: int, mean: float, dispersion: float, p_value: float) -> None:
    """A window that slides is at least as many tests as windows side by side, and more the further out a count is."""
    found = rarity(HOUR_MS, count, mean, dispersion, p_value)
    assert found >= rarity(HOUR_MS, 0, mean, dispersion, p_value)
    assert found <= rarity(HOUR_MS, count + 1, mean, dispersion, p_value)
