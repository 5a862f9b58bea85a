"""One budget of false alerts, shared out: what the user sets is all that there is to set.

In: false alerts per unit and 30 days over everything statistical. Out: what each detector, and each window of the surge
detector, may spend of it; how many windows as unlikely as this one chance would bring in 30 days. Severe posts have no
share: they need no statistics.

The one rule: shares add up to the budget. Most of it goes to the hour, because a share costs little in long windows:
with a tenth of it a day needs one or two people more.

Source: a window that slides is many tests. For a Poisson count k of mean m, windows of so many or more begin (k - m)
times as often as a window has exactly k (Alm, On the distribution of the scan statistic of a Poisson process, 1983);
complaints that come in groups begin fewer. How much of that is left beside p-values that are rounded up to whole people
is measured (`python -m tests.evaluation.detection`): `OVERLAP`, `ALERTS_A_WINDOW`.
"""

from typing import Final

from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS

MONTH_MS: Final = 30 * DAY_MS
SHARES: Final = {"surge": 0.8, "cascade": 0.1, "influential": 0.1}
WINDOW_SHARES: Final = {15 * MINUTE_MS: 0.06, HOUR_MS: 0.8, 4 * HOUR_MS: 0.07, 24 * HOUR_MS: 0.07}
OVERLAP: Final = 0.3
ALERTS_A_WINDOW: Final = 0.55
"""Windows as unlikely as this come together, and make one alert."""


def share(detector: str, false_alerts_a_month: float) -> float:
    """What a detector may spend of the budget, in false alerts per unit and 30 days."""
    return SHARES[detector] * false_alerts_a_month


def rarity(window_ms: int, count: int, mean: float, dispersion: float, p_value: float) -> float:
    """How many windows of this length with so many or more chance would bring in 30 days, though they slide."""
    tests = max(1.0, OVERLAP * (count - mean) / dispersion)
    return ALERTS_A_WINDOW * p_value * tests * MONTH_MS / window_ms
