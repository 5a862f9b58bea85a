"""What the plays of one dispersion come to at one budget: false alerts by kind, recall and delay by cell, and the rules
of thumb tuned to as many false alerts.

In: `Seen`, one for each part. Out: figures that can be written as JSON.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import sqrt
from statistics import median
from typing import Any

from pipeline.evaluation.rules import tuned
from tests.evaluation.detection_play import RULES, SIZES, Noticed, Planted, Seen

RATES = (0.05, 0.2, 1.0, 3.0)
MONTH_DAYS = 30
YOUNG_DAYS = 7


def tuned_across(seen: list[Seen], budget: float) -> list[float]:
    """The thresholds at which the rules have as many false alerts as we have, over all dispersions together."""
    return _tuned(seen, sum(alert.budget == budget and not alert.back for one in seen for alert in one.opened))


def figures(seen: list[Seen], budget: float, across: Sequence[float]) -> dict[str, Any]:
    """Of one dispersion at one budget. `across`: the rules' thresholds that do not know the dispersion."""
    raised = [(one.part, alert) for one in seen for alert in one.opened if alert.budget == budget]
    false = [(part, alert) for part, alert in raised if not alert.back]
    months = sum(one.unit_days for one in seen) / MONTH_DAYS
    of_rate = {rate: sum(one.unit_days for one in seen if one.part.rate == rate) / MONTH_DAYS for rate in RATES}
    young = sum(one.part.units for one in seen) * min(YOUNG_DAYS, seen[0].part.days) / MONTH_DAYS
    thresholds = _tuned(seen, len(false))
    here = {
        rate: _tuned([one for one in seen if one.part.rate == rate], sum(part.rate == rate for part, _ in false))
        for rate in RATES
    }
    return {
        "false_alerts": len(false),
        "came_back": len(raised) - len(false),
        "a_month": round(len(false) / months, 5),
        "first_week_a_month": round(sum(alert.age_days < YOUNG_DAYS for _, alert in false) / young, 5),
        "by_rate": _a_month((f"{part.rate:g}" for part, _ in false), {f"{rate:g}": of_rate[rate] for rate in RATES}),
        "by_rhythm": _a_month(
            ("rhythm" if part.rhythm else "flat" for part, _ in false),
            {
                name: sum(one.unit_days for one in seen if one.part.rhythm == rhythm) / MONTH_DAYS
                for name, rhythm in (("flat", False), ("rhythm", True))
            },
        ),
        "by_detector": dict(Counter(alert.alertname for _, alert in false)),
        "by_window_s": {
            str(window_s): {
                "all": sum(alert.window_s == window_s for _, alert in false),
                **{
                    f"{rate:g}": sum(alert.window_s == window_s and part.rate == rate for part, alert in false)
                    for rate in RATES
                },
            }
            for window_s in sorted({alert.window_s for _, alert in false})
        },
        "rules": {
            rule.name: {
                "threshold": round(threshold, 4),
                "across": round(across[number], 4),
                "across_false": sum(
                    peak < across[number] <= level for one in seen for peak, level in one.rises[number]
                ),
                "by_rate": {
                    f"{rate:g}": sum(
                        peak < threshold <= level
                        for one in seen
                        if one.part.rate == rate
                        for peak, level in one.rises[number]
                    )
                    for rate in RATES
                },
            }
            for number, (rule, threshold) in enumerate(zip(RULES, thresholds, strict=True))
        },
        "cells": [
            _cell(
                rate,
                size,
                [one for part in seen if part.part.rate == rate for one in part.planted if one.size == size],
                budget,
                thresholds,
                here[rate],
                across,
            )
            for rate in RATES
            for size in SIZES
        ],
    }


def _tuned(seen: list[Seen], alerts_max: int) -> list[float]:
    """The thresholds of the rules at which they have as many false alerts."""
    return [tuned((rise for one in seen for rise in one.rises[number]), alerts_max) for number in range(len(RULES))]


def _a_month(kinds: Iterable[str], months: dict[str, float]) -> dict[str, float]:
    counts = Counter(kinds)
    return {kind: round(counts[kind] / months[kind], 5) for kind in months if months[kind]}


def _cell(
    rate: float,
    size: int,
    planted: list[Planted],
    budget: float,
    thresholds: Sequence[float],
    here: Sequence[float],
    across: Sequence[float],
) -> dict[str, Any]:
    """Incidents of one size in units with one mean."""
    ours = [one.ours[budget] for one in planted]
    rules: dict[str, Any] = {}
    for number, (rule, threshold) in enumerate(zip(RULES, thresholds, strict=True)):
        theirs = [_reached(one.rules[number], threshold) for one in planted]
        pairs = Counter((our is not None, their is not None) for our, their in zip(ours, theirs, strict=True))
        alone = [_reached(one.rules[number], here[number]) for one in planted]
        blind = [_reached(one.rules[number], across[number]) for one in planted]
        rules[rule.name] = {
            **_noticed(theirs),
            "won": pairs[True, False],
            "lost": pairs[False, True],
            "here": _noticed(alone)["recall"],
            "across": _noticed(blind)["recall"],
        }
    return {"rate": rate, "size": size, "incidents": len(planted), **_noticed(ours), "rules": rules}


def _reached(heights: Sequence[tuple[float, Noticed]], threshold: float) -> Noticed | None:
    return next((noticed for level, noticed in heights if level >= threshold), None)


def _noticed(all_of: Sequence[Noticed | None]) -> dict[str, Any]:
    noticed = [one for one in all_of if one is not None]
    return {
        "recall": round(len(noticed) / max(1, len(all_of)), 4),
        "posts": _spread([one.posts for one in noticed]),
        "minutes": _spread([one.minutes for one in noticed]),
    }


def _spread(values: Sequence[float]) -> list[float] | None:
    """Median and 90th percentile."""
    if not values:
        return None
    return [round(median(values), 1), round(sorted(values)[-(-len(values) * 9 // 10) - 1], 1)]


def worse(found: dict[str, Any]) -> list[tuple[str, str, float, int, str, float, float, bool]]:
    """Cells in which a rule of thumb finds more: dispersion, budget, rate, size, rule, our recall and its; and whether
    that is more than chance (two standard deviations of the incidents that only one of them found)."""
    return [
        (dispersion, budget, cell["rate"], cell["size"], name, cell["recall"], rule["recall"],
         rule["lost"] - rule["won"] > 2.0 * sqrt(rule["lost"] + rule["won"]))
        for dispersion, by_budget in found["dispersions"].items()
        for budget, figures in by_budget.items()
        for cell in figures["cells"]
        for name, rule in cell["rules"].items()
        if rule["recall"] > cell["recall"]
    ]  # fmt: skip
