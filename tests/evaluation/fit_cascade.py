"""Fits the model of how far a post spreads (`pipeline/forecast.py`), and writes `pipeline/cascade_fit.toml`.

    python -m tests.evaluation.fit_cascade

Needs the retweet cascades; the fit is in the repository, so nobody else does. Four figures decide the forecast (typical
size, level, slope, weight of reach): they make the mean absolute error of its logarithm least over eleven ages from
five minutes to three and a half days, with a penalty on slope and weight. The interval's ends are quantiles of what the
forecast missed on cascades that were left out of it, as straight lines over the logarithm of the age. What comes of it
on cascades that the fit has not seen is measured by `python -m tests.evaluation.cascades`.
"""

import csv
import gzip
import math
import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from scipy.optimize import minimize
from sklearn.linear_model import QuantileRegressor

from pipeline.cascade import SPAN_SECONDS, Cascade
from pipeline.forecast import SHARPNESS, Evidence, Fit, Line, evidence, grown, interval, wider_by
from tests.evaluation.data import FOLDER

DATA = FOLDER / "cascades" / "events.csv.gz"
OUT = Path("pipeline/cascade_fit.toml")
AGES = tuple(300.0 * 2**place for place in range(11))
PENALTY = 0.01
SOFTNESS = 0.1
"""Errors of the logarithm well below this weigh by their square."""
MISSED = 0.1
"""The share of posts that are to be beyond each end of the interval."""
FEWER = 0.05
"""The share of samples that are below `least`."""
FOLDS = 10
START = (math.log(2000.0), -0.5, 0.0, 0.2)
BOUNDS = ((5.0, 10.0), (-6.0, 4.0), (-1.0, 1.0), (0.0, 0.6))
SLOPE_SCALE = 3.0
BLANK = Fit(
    typical=0.0,
    level=Line(0.0, 0.0),
    weight=0.0,
    least=Line(0.0, 0.0),
    audience=1.0,
    below=Line(0.0, 0.0),
    above=Line(0.0, 0.0),
)
"""What the model sees of a post whose author's followers are known does not depend on the fit."""
HEAD = """\
# How far a post spreads: see `pipeline/forecast.py`. Fitted on 50 retweet cascades of at least 2000 reposts each (the
# data of TiDeH, MIT license) by `python -m tests.evaluation.fit_cascade`; do not edit.
"""


class Post(NamedTuple):
    """One cascade: ages in seconds and followers of its reposts in order, followers of the author."""

    name: str
    followers: int
    ages: tuple[float, ...]
    reached: tuple[int, ...]

    @property
    def final(self) -> int:
        """How many reposts there were in the end."""
        return len(self.ages)


def posts(path: Path = DATA) -> list[Post]:
    """All cascades of a file; its first row for each is the original."""
    rows: dict[str, list[tuple[float, int]]] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            rows.setdefault(row["cascade"], []).append((float(row["t_seconds"]), int(row["followers"])))
    found = []
    for name, (first, *rest) in rows.items():
        rest.sort(key=lambda one: one[0])
        found.append(Post(name, first[1], tuple(age for age, _ in rest), tuple(reached for _, reached in rest)))
    return found


def seen(post: Post, at: float) -> Cascade:
    """The cascade as it stands at an age."""
    return next(_growing(post, [at]))


def counted(post: Post, at: float, every: float = 300.0) -> Cascade:
    """The same where a counter is polled and no repost is seen."""
    cascade = Cascade(followers=post.followers)
    for poll in np.arange(every, at + 1.0, every):
        cascade.observe_count(float(poll), bisect_right(post.ages, poll))
    return cascade


def _growing(post: Post, ages: Sequence[float]) -> Iterator[Cascade]:
    cascade, place = Cascade(followers=post.followers), 0
    for at in ages:
        upto = bisect_right(post.ages, at)
        for age, reached in zip(post.ages[place:upto], post.reached[place:upto], strict=True):
            cascade.observe(age, reached)
        place = upto
        yield cascade


class Sample(NamedTuple):
    """What the model sees of a post at some age, and how many reposts it had in the end."""

    seen: Evidence
    final: int


def samples(post: Post, ages: Sequence[float] = AGES) -> list[Sample]:
    """The post at each age."""
    return [
        Sample(evidence(cascade, age, BLANK), post.final)
        for age, cascade in zip(ages, _growing(post, ages), strict=True)
    ]


def fitted(given: Sequence[Sequence[Sample]], folds: int = FOLDS) -> Fit:
    """The fit of posts, each at several ages."""
    missed: list[tuple[float, float, float]] = []
    for fold in range(folds):
        without = _central([one for place, one in enumerate(given) if place % folds != fold])
        missed += [_missed(one, without) for post in given[fold::folds] for one in post]
    ages, below, above = zip(*missed, strict=True)
    return msgspec.structs.replace(
        _central(given), below=_quantile(ages, below, 1.0 - MISSED), above=_quantile(ages, above, 1.0 - MISSED)
    )


def _central(given: Sequence[Sequence[Sample]]) -> Fit:
    """Everything but the interval."""
    table = np.array([[*one.seen, one.final] for post in given for one in post])
    found = minimize(_loss, START, args=(table,), method="L-BFGS-B", bounds=BOUNDS)
    typical, level, slope, weight = (float(value) for value in found.x)
    fit = msgspec.structs.replace(
        BLANK,
        typical=math.exp(typical),
        level=Line(level, slope),
        weight=weight,
        audience=float(np.exp(np.median(np.log(table[:, 2] / table[:, 0])))),
    )
    log_sizes = [math.log(grown(one.seen, fit)) for post in given for one in post]
    return msgspec.structs.replace(fit, least=_quantile(np.log(table[:, 3] / 3600.0), log_sizes, FEWER))


def _loss(values: Any, table: Any) -> float:
    """Mean error of the logarithm, and the penalty: the forecast of `pipeline.forecast`, for all samples at once."""
    typical, level, slope, weight = values
    observed, recent, reach, age, final = table.T
    more = (
        np.exp(level + slope * np.log(age / 3600.0) + weight * np.log(reach / recent))
        * recent
        * np.log(SPAN_SECONDS / age)
    )
    log_size = np.logaddexp(SHARPNESS * typical, SHARPNESS * np.log(observed + more)) / SHARPNESS
    error = log_size - np.log(final + 1.0)
    return float(np.mean(np.sqrt(error**2 + SOFTNESS**2)) + PENALTY * ((SLOPE_SCALE * slope) ** 2 + weight**2))


def _missed(one: Sample, fit: Fit) -> tuple[float, float, float]:
    """The logarithm of the age; how far down from growth and up from the forecast the interval must reach to have the
    final number in it, in the powers of `pipeline.forecast.interval`."""
    unit = msgspec.structs.replace(fit, below=Line(1.0, 0.0), above=Line(1.0, 0.0))
    growth = grown(one.seen, unit)
    final = interval(one.seen, unit)[1] + 1.0
    observed, true = one.seen.observed, one.final + 1.0
    wider = wider_by(observed)
    below = math.log(growth / true) / math.log(growth / observed)
    above = math.log(true / final) / math.log(final / observed)
    return math.log(one.seen.age / 3600.0), below / wider, above / wider


def _quantile(log_ages: Sequence[float], values: Sequence[float], share: float) -> Line:
    """The line that this share of the values are below."""
    learner = QuantileRegressor(quantile=share, alpha=0.0, solver="highs")
    learner.fit(np.array(log_ages)[:, None], np.array(values))
    return Line(float(learner.intercept_), float(learner.coef_[0]))


def written(fit: Fit) -> str:
    """The file."""
    lines = [HEAD]
    for name in Fit.__struct_fields__:
        value = getattr(fit, name)
        if isinstance(value, Line):
            lines.append(f"{name} = {{ at_hour = {value.at_hour:.4f}, slope = {value.slope:.4f} }}")
        else:
            lines.append(f"{name} = {value:.4g}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if not DATA.exists():
        sys.exit(f"no {DATA.name} in {DATA.parent}: nothing is fitted")
    OUT.write_text(written(fitted([samples(post) for post in posts()])), encoding="utf-8")
    print(f"{OUT} written")
