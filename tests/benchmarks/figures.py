"""The arithmetic of the figures: medians with their range, percentiles, ratios. Nothing is rounded here."""

import math
import statistics
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of all are not above (nearest rank). Raises ValueError if empty."""
    if not values:
        raise ValueError("no values, no percentile")
    return sorted(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, lowest and highest."""
    return {"median": statistics.median(values), "lowest": min(values), "highest": max(values)}


def distribution(seconds: Sequence[float]) -> dict[str, float]:
    """What is told of many latencies, in seconds; only their number where there are none."""
    if not seconds:
        return {"number": 0}
    return {
        "number": len(seconds),
        "p50_s": percentile(seconds, 50),
        "p99_s": percentile(seconds, 99),
        "max_s": max(seconds),
    }


def ratios(rates: dict[str, float], ours: str, rivals: Sequence[str]) -> dict[str, float]:
    """How many times faster `ours` is than each rival that was measured."""
    return {rival: rates[ours] / rates[rival] for rival in rivals if ours in rates and rival in rates}


def significant(value: float, digits: int = 4) -> float:
    """Rounded to so many digits that mean something: for files and tables."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))
