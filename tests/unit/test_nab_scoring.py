"""NAB's scoring: the ends of its scale are where the paper puts them, and each kind of mistake costs what it should."""

import pytest

from tests.evaluation.nab_scoring import Labelled, Scorer

FILE = Labelled(2000, ((1000, 1099), (1500, 1599)))
STANDARD = Scorer({"one": FILE}, "standard")


def scores(*rows: int) -> dict[str, list[float]]:
    return {"one": [1.0 if row in rows else 0.0 for row in range(FILE.rows)]}


def test_nothing_detected_is_zero() -> None:
    """The lower end of the scale."""
    assert 0.0 == STANDARD.best(scores()).score


def test_the_first_row_of_each_window_is_a_hundred() -> None:
    """The upper end; later rows of a window add nothing."""
    assert 100.0 == pytest.approx(STANDARD.best(scores(1000, 1500)).score)
    assert 100.0 == pytest.approx(STANDARD.best(scores(*range(1000, 1100), 1500)).score)


def test_later_is_worth_less() -> None:
    """A window that is hit in its last row is worth little more than half of one that is hit in its first."""
    early, middle, late = (STANDARD.at(1.0, scores(row)).score for row in (1000, 1050, 1099))
    assert 50.0 == pytest.approx(early)
    assert early > middle > late > 25.0


def test_a_false_alarm_costs_its_weight() -> None:
    """Far from any window 0.11 of a window's hit; twice that where few false alarms are wanted; none in probation."""
    alarm = scores(900)
    assert -100 * 0.11 / 4 == pytest.approx(STANDARD.at(1.0, alarm).score)
    assert -100 * 0.22 / 4 == pytest.approx(Scorer({"one": FILE}, "reward_low_FP_rate").at(1.0, alarm).score)
    assert 0.0 == STANDARD.at(1.0, scores(299)).score
    assert 0.0 == STANDARD.best(alarm).score


def test_the_best_threshold_is_found() -> None:
    """Hits above, false alarms below: the threshold is between them."""
    given = {"one": [0.0] * FILE.rows}
    given["one"][1000], given["one"][1500], given["one"][900] = 0.9, 0.8, 0.7
    best = STANDARD.best(given)
    assert (0.8, 2, 0) == (best.threshold, best.windows_hit, best.false_rows)
