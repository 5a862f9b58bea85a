"""What is to be expected of a post that spreads, and whether that is rare enough to tell of it.

In: a Spread, what is known of the sizes of a unit's cascades, a share of the budget of false alerts. Out: an Outlook.
The one rule: even the low end of the forecast has to be rare for this unit; of what grows by itself, less so, because
not all that is as rare looks like that. Either way it must still be on its way.

Measured: where sizes have the tail that is assumed, a share of 0.01 alerts in 30 days brings 0.012, one of 0.00075
brings 0.0008, over 2,400 simulated months of units with five cascades a month; none where the tail is that of the
tweets below.
"""

import math
from typing import Final, NamedTuple

from pipeline.cascade import SPAN_SECONDS, Cascade
from pipeline.forecast import Fit, Forecast, evidence, forecast, grown
from pipeline.rarity import Rarity, Scale, half_tens
from pipeline.spread import Spread
from schemas.time import HOUR_MS, SECOND_MS

SIZES: Final = Scale(least=1.0, exponent=1.2, a_month=5.0, weight=0.5)
"""Of complaints that are passed on at all, how often, and how many. Of 9,001 tweets to airlines 541 had a retweet, 71
two, 15 four and one eight: one in seventeen, with an exponent of 2.6. What is assumed is one in seventeen of 85
complaints a month; and a heavier tail, because what gets far is not just more of what does not."""
LOW_MIN: Final = 50
"""No alert where the low end is below this, however rare that is."""
SUPERCRITICAL_MIN: Final = 20
"""The same, in reposts that are there, of what grows by itself."""
SUPERCRITICAL_WRONG: Final = 0.1
"""So often a post with 20 reposts and more looks as if it grew by itself, and does not. Of 400 simulated ones 29 did,
at some time."""
REPOSTS_MIN: Final = 10
AGE_SECONDS_MIN: Final = 60.0
"""Before this no rate is a rate."""
MOVING: Final = 2.0
MOVING_SHARE: Final = 0.1
"""It is on its way where so many more reposts are to be expected within the hour, of those that are there."""
CALM: Final = 1.0
CALM_SHARE: Final = 0.05
CALM_MS: Final = 6 * HOUR_MS
"""It is calm where fewer are, or after so long without any."""
_HOUR_SECONDS: Final = 3600.0


class Outlook(NamedTuple):
    """What is to be seen of a post at some time. `rarity`: how many posts get as far as the low end in 30 days;
    `rarity_max`: of how many an alert may be raised; `further`: reposts to be expected within the hour; `alarming`: an
    alert is raised; `calm`: an alert may end."""

    cascade: Cascade
    found: Forecast
    age_seconds: float
    rarity: float
    rarity_max: float
    further: float
    alarming: bool
    calm: bool


def look(spread: Spread, sizes: Rarity, at_ms: int, share: float, fit: Fit) -> Outlook:
    """What is known of the post at this time. `share`: alerts in 30 days."""
    cascade = spread.cascade(at_ms)
    age_ms = at_ms - spread.began_ms
    age_seconds = max(AGE_SECONDS_MIN, age_ms / SECOND_MS)
    found = forecast(cascade, age_seconds, fit)
    rarity = sizes.expected(SIZES, max(1, found.low), at_ms)
    grows = found.supercritical and found.observed >= SUPERCRITICAL_MIN
    rarity_max = float(f"{share / SUPERCRITICAL_WRONG if grows else share:.3g}")
    further = _further(cascade, age_seconds, fit)
    quiet = at_ms - spread.last_ms >= CALM_MS or not spread.alive
    far = found.observed >= REPOSTS_MIN and rarity <= rarity_max and (grows or found.low >= LOW_MIN)
    moving = age_ms >= AGE_SECONDS_MIN * SECOND_MS and further >= max(MOVING, MOVING_SHARE * found.observed)
    alarming = far and moving and not quiet
    calm = quiet or (not alarming and further < max(CALM, CALM_SHARE * found.observed))
    return Outlook(cascade, found, age_seconds, rarity, rarity_max, further, alarming, calm)


def severity_of(low: int) -> int:
    """Severity 1 to 10, from the payload's `low` alone: 4 at 100 reposts, 5 at 300, 6 at 1,000 and so on."""
    return min(10, max(1, half_tens(low)))


def grown_past(low: int) -> int:
    """The last of 100, 300, 1,000, 3,000 and so on that the low end has passed; 0 if none."""
    halves = half_tens(low)
    return int((1, 3)[halves % 2] * 10 ** (halves // 2)) if low >= 100 else 0


def _further(cascade: Cascade, age_seconds: float, fit: Fit) -> float:
    """Reposts to be expected within the hour: what growth alone says of the time until then."""
    at = min(max(age_seconds, cascade.latest_seconds), SPAN_SECONDS - 1.0)
    seen = evidence(cascade, at, fit)
    ahead = math.log((at + _HOUR_SECONDS) / at) / math.log(SPAN_SECONDS / at)
    return (grown(seen, fit) - seen.observed) * min(1.0, ahead)
