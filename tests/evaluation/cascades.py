"""How well it is foreseen how far a post spreads, on retweet cascades; beside plain SEISMIC and two simple guesses.

    python -m tests.evaluation.cascades [--json]

`unseen`: each cascade is forecast by a fit without it (5 folds, in ten random divisions): what to expect of others of
the same kind. `as_shipped`: by the fit in the package, which has seen them. `counted`: unseen, and only a counter is
polled, every five minutes. `any_post`: unseen, without the knowledge that these posts are among those that spread.
Errors are |forecast / final - 1|; `covered`: the share of final numbers within the 80 % interval.

SEISMIC is built from the paper (Zhao et al., KDD 2015), with its constants for Twitter, and without its correction
factors, which have to be learned for each age; where it expects infinitely many its error is taken as one.
"""

import math
import random
import sys
from collections.abc import Callable, Sequence
from statistics import fmean, median
from typing import Any

import numpy as np
import orjson

from pipeline.cascade import KERNEL_EXPONENT, KERNEL_RATE, KERNEL_SECONDS, Cascade
from pipeline.forecast import Fit, Forecast, forecast, shipped
from tests.evaluation.fit_cascade import DATA, Post, counted, fitted, posts, samples, seen

AGES = (600, 3600, 21600)
WANTED = {3600: 0.25, 21600: 0.15}
FOLDS = 5
DIVISIONS = 10
INFLUENCE = 100.0
"""The mean number of followers of resharers that SEISMIC assumes."""


def measure() -> dict[str, Any]:
    """All figures, by age in seconds; `skipped` and why, where the data is absent."""
    if not DATA.exists():
        return {"skipped": f"no {DATA.name} in {DATA.parent}: forecasts are not measured"}
    given = posts()
    standing = {age: [seen(post, age) for post in given] for age in AGES}
    polled = {age: [counted(post, age) for post in given] for age in AGES}
    fits = _unseen(given)
    return {
        "cascades": len(given),
        "ages": {
            str(age): {
                "unseen": _forecasts(given, standing[age], fits, age),
                "as_shipped": _forecasts(given, standing[age], [[shipped()] * len(given)], age),
                "counted": _forecasts(given, polled[age], fits, age),
                "any_post": _forecasts(
                    given, standing[age], [[fit.for_any_post() for fit in division] for division in fits], age
                ),
                "seismic": _errors(given, lambda post, age=age: seismic(post, age)),
                "no_further": _errors(given, lambda post, age=age: seen(post, age).reposts),
                "double": _errors(given, lambda post, age=age: 2.0 * seen(post, age).reposts),
            }
            for age in AGES
        },
    }


def _unseen(given: Sequence[Post]) -> list[list[Fit]]:
    """For each division the fit for each post, made without it."""
    known = [samples(post) for post in given]
    divisions = []
    for division in range(DIVISIONS):
        order = list(range(len(given)))
        random.Random(division).shuffle(order)
        fits: list[Fit] = [shipped()] * len(given)
        for fold in range(FOLDS):
            fit = fitted([known[one] for place, one in enumerate(order) if place % FOLDS != fold])
            for one in order[fold::FOLDS]:
                fits[one] = fit
        divisions.append(fits)
    return divisions


def _forecasts(
    given: Sequence[Post], standing: Sequence[Cascade], divisions: Sequence[Sequence[Fit]], age: float
) -> dict[str, float]:
    """Means over the divisions; `median_error_spread` is the standard deviation of the median error over them."""
    medians, means, covered, widths, critical = [], [], [], [], []
    for fits in divisions:
        found: list[Forecast] = [forecast(one, age, fit) for one, fit in zip(standing, fits, strict=True)]
        errors = [abs(one.forecast / post.final - 1.0) for one, post in zip(found, given, strict=True)]
        medians.append(median(errors))
        means.append(fmean(errors))
        covered.append(fmean(one.low <= post.final <= one.high for one, post in zip(found, given, strict=True)))
        widths.append(median(one.high / max(1, one.low) for one in found))
        critical.append(sum(one.supercritical for one in found))
    return {
        "median_error": round(fmean(medians), 4),
        "median_error_spread": round(float(np.std(medians)), 4),
        "mean_error": round(fmean(means), 4),
        "covered": round(fmean(covered), 4),
        "high_over_low": round(fmean(widths), 2),
        "supercritical": round(fmean(critical), 1),
    }


def _errors(given: Sequence[Post], guess: Callable[[Post], float]) -> dict[str, float]:
    guesses = [(guess(post), post.final) for post in given]
    errors = [1.0 if value == math.inf else abs(value / final - 1.0) for value, final in guesses]
    return {"median_error": round(median(errors), 4), "mean_error": round(fmean(errors), 4)}


def seismic(post: Post, at: float) -> float:
    """The final number of reposts, infinite where each brings more than one. Equations 5 to 7 of the paper: the
    infectiousness weighs the newest half of the age by a triangle; its integral over the kernel is in closed form."""
    place = np.searchsorted(post.ages, at, "right")
    ages = at - np.array([0.0, *post.ages[:place]])
    followers = np.array([post.followers, *post.reached[:place]], dtype=float)
    weights = np.maximum(1.0 - 2.0 * ages[1:] / at, 0.0)
    exposed = _reacted(ages) - 2.0 / at * (_reacted_sum(ages) - _reacted_sum(ages - at / 2.0))
    infectiousness = weights.sum() / max((followers * exposed).sum(), 1e-12)
    branching = infectiousness * INFLUENCE
    if branching >= 1.0:
        return math.inf
    return float(place + infectiousness * (followers * (1.0 - _reacted(ages))).sum() / (1.0 - branching))


def _reacted(seconds: Any) -> Any:
    """The integral of the kernel."""
    inside = KERNEL_RATE * np.clip(seconds, 0.0, KERNEL_SECONDS)
    tail = (np.maximum(seconds, KERNEL_SECONDS) / KERNEL_SECONDS) ** -KERNEL_EXPONENT
    return inside + KERNEL_RATE * KERNEL_SECONDS / KERNEL_EXPONENT * (1.0 - tail)


def _reacted_sum(seconds: Any) -> Any:
    """The integral of that."""
    inside = KERNEL_RATE * np.clip(seconds, 0.0, KERNEL_SECONDS) ** 2 / 2.0
    beyond = np.maximum(seconds, KERNEL_SECONDS)
    power = 1.0 - KERNEL_EXPONENT
    tail = KERNEL_SECONDS / power * ((beyond / KERNEL_SECONDS) ** power - 1.0)
    return inside + (beyond - KERNEL_SECONDS) - KERNEL_RATE * KERNEL_SECONDS / KERNEL_EXPONENT * tail


def main() -> None:
    """Prints the figures."""
    found = measure()
    if "--json" in sys.argv[1:] or "skipped" in found:
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    for age, by in found["ages"].items():
        wanted = f", wanted <= {WANTED[int(age)]:.2f}" if int(age) in WANTED else ""
        print(f"after {age} s{wanted}")
        for name, one in by.items():
            shown = f"  {name:11} median error {one['median_error']:.3f}  mean error {one['mean_error']:.3f}"
            if "covered" in one:
                shown += (
                    f"  covered {one['covered']:.2f}  high/low {one['high_over_low']:.2f}"
                    f"  supercritical {one['supercritical']:.0f} of {found['cascades']}"
                )
            print(shown)


if __name__ == "__main__":
    main()
