"""One budget of false alerts, shared out: what the user sets is all that there is to set.

In: false alerts per unit and 30 days over everything statistical. Out: what each detector, and each window of the surge
detector, may spend of it; how rare a window is. Severe posts have no share: they need no statistics.

The one rule: shares add up to the budget over all units together. Most of it goes to the hour, because a share costs
little in long windows: with a fifteenth of it a day needs one or two people more. And more of it goes to units of which
few complain, because what happens there is small too: where ten people more than usual are needed, chance has to be
four times as rare as where five are.

Source: a window that slides is many tests. For a Poisson count k of mean m, windows of so many or more begin (k - m)
times as often as a window has exactly k (Alm, On the distribution of the scan statistic of a Poisson process, 1983);
complaints that come in groups begin fewer. What is left of that beside p-values that are rounded up to whole people,
and windows that come together and make one alert, is measured, and `CROWD` chosen so that the budget holds
(`python -m tests.evaluation.detection`).
"""

from typing import Final

from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS

MONTH_MS: Final = 30 * DAY_MS
SHARES: Final = {"surge": 0.8, "cascade": 0.1, "influential": 0.1}
WINDOW_SHARES: Final = {15 * MINUTE_MS: 0.06, HOUR_MS: 0.8, 4 * HOUR_MS: 0.07, 24 * HOUR_MS: 0.07}
CROWD: Final = 6.4
"""So many groups of people above the mean are worth one test a window."""
TESTS_MIN: Final = 0.5
"""Windows as unlikely as this come together, and make one alert."""


def share(detector: str, false_alerts_a_month: float) -> float:
    """What a detector may spend of the budget, in false alerts per unit and 30 days."""
    return SHARES[detector] * false_alerts_a_month


def rarity(window_ms: int, count: int, mean: float, dispersion: float, p_value: float) -> float:
    """How many alerts for windows of this length with so many people or more chance would bring in 30 days."""
    groups = max(0.0, (count - mean) / dispersion)
    return p_value * max(TESTS_MIN, (groups / CROWD) ** 2) * MONTH_MS / window_ms
