"""How few false alerts there are and how much is found, small enough for CI; all of it is `python -m
tests.evaluation.detection`."""

from functools import cache
from typing import Any

import pytest

from pipeline.evaluation.rules import TUNABLE
from tests.evaluation.detection import QUICK, measure, rows, show
from tests.evaluation.detection_figures import RATES, worse
from tests.evaluation.detection_life import Part
from tests.evaluation.detection_play import SIZES, play


@cache
def measured() -> dict[str, Any]:
    return measure(**QUICK)


def figures() -> dict[str, Any]:
    found: dict[str, Any] = measured()["dispersions"]["1.5"]["0.1"]
    return found


def test_false_alerts_keep_near_the_budget() -> None:
    """With much room, because 60 unit-months may bring 6 of them: four times the budget is what is caught."""
    assert figures()["a_month"] <= 0.4


@pytest.mark.parametrize(("rate", "size", "least"), [(0.05, 10, 0.9), (0.2, 10, 0.9), (1.0, 20, 0.9), (3.0, 20, 0.7)])
def test_what_is_large_is_found(rate: float, size: int, least: float) -> None:
    """Ten people where nobody writes, twenty where some do."""
    cell = next(one for one in figures()["cells"] if (one["rate"], one["size"]) == (rate, size))
    assert least <= cell["recall"]
    assert 1 <= cell["posts"][0] <= size
    assert 0.0 <= cell["minutes"][0] <= 120.0


def test_every_cell_is_measured_beside_every_rule() -> None:
    """Sizes by means, each with as many incidents and all rules; what rules raise for nothing is no more than ours."""
    one = figures()
    assert [(rate, size) for rate in RATES for size in SIZES] == [(cell["rate"], cell["size"]) for cell in one["cells"]]
    assert {60 // 4 * QUICK["plantings"]} == {cell["incidents"] for cell in one["cells"]}
    assert {rule.name for rule in TUNABLE} == one["rules"].keys()
    assert all(sum(rule["by_rate"].values()) <= one["false_alerts"] for rule in one["rules"].values())
    assert one["false_alerts"] == sum(window["all"] for window in one["by_window_s"].values())


def test_won_and_lost_are_the_difference() -> None:
    """What only one of two found, in incidents."""
    for cell in figures()["cells"]:
        for rule in cell["rules"].values():
            ahead = (cell["recall"] - rule["recall"]) * cell["incidents"]
            assert pytest.approx(ahead, abs=0.02) == rule["won"] - rule["lost"]


PART = Part(
    dispersion=2.0, rate=0.2, first_unit=0, units=8, days=24, rhythm=True, grouped=False, budgets=(2.0, 0.05),
    plantings=1, seed=7,
)  # fmt: skip


def test_a_play_can_be_played_again() -> None:
    """Everything follows from the seed, so that figures can be compared."""
    part = PART._replace(units=2)
    assert play(part) == play(part)
    assert play(part) != play(part._replace(seed=8))


def test_budgets_played_together_see_what_each_sees_alone() -> None:
    """A smaller budget is played in full only for units that had an alert with the larger one; nothing else changes."""
    together = play(PART)
    assert any(alert.budget == 2.0 for alert in together.opened), "nothing to compare"
    for budget in PART.budgets:
        alone = play(PART._replace(budgets=(budget,)))
        assert alone.opened == [alert for alert in together.opened if alert.budget == budget]
        assert [one.ours[budget] for one in alone.planted] == [one.ours[budget] for one in together.planted]


def test_what_the_directory_says_of_a_group_is_used() -> None:
    """A unit whose usual is known from its group is judged by that from its first day on."""
    rare = PART._replace(rate=0.05, units=2, days=4)
    known = [one.ours[2.0] is not None for one in play(rare._replace(grouped=True)).planted]
    assert sum(one.ours[2.0] is not None for one in play(rare).planted) < sum(known)


def test_what_is_printed_is_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """Each rate and size has its line, and `make evaluate` its three rows."""
    from rich.console import Console

    show(measured(), Console(width=200))
    printed = capsys.readouterr().out
    assert f"{figures()['a_month']:.4f} per unit and 30 days" in printed
    assert len(worse(measured())) == printed.count("chance")
    assert ["<= 0.1", ">= 0.95", "0"] == [least for _, least, _, _ in rows(measured())]
