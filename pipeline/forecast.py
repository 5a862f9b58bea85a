"""How far a post will spread: reposts and reach after seven days, with an interval, from any age on.

In: a Cascade and its age. Out: a Forecast. The model, whose numbers are in `cascade_fit.toml`:

    growth   = observed + level * (age / 1 h) ** slope * recent ** (1 - weight) * reach ** weight * ln(7 days / age)
    forecast = (typical ** 8 + growth ** 8) ** (1 / 8)

`recent` is the present rate times the age, from the reposts of the last quarter of the age: with a rate that falls as
1 / age it is what the logarithm is to be multiplied by. `reach` is in followers. `typical` is what is known of how
large posts get that have come this far: near the larger of the two, the forecast is above both. Where growth
alone makes less of a post than of nearly all of those, it is hardly one of them: the less it makes of it, the less
`typical` says. All parts grow with every repost, so the one rule: more reposts at the same age never make a smaller
forecast. There is one exception: a supercritical post is on its way to be one of the large ones, and the low end of its
branching is multiplied to growth before `least` is asked; early reposts that are added show that it grows slower.
(Multiplying the forecast itself makes it worse: in the cascades of the fit growth hardly stays supercritical for long.)

The fit is of posts that reached 2000 reposts. `Fit.for_any_post` has no `typical`: growth alone; and `low` is a low end
of growth alone in any case, so that what rests on it does not rest on what other posts did.

Sources: the falling rate is TiDeH's (Kobayashi and Lambiotte, ICWSM 2016), infectiousness and kernel SEISMIC's (Zhao et
al., KDD 2015); the rest is our own, measured beside theirs by `python -m tests.evaluation.cascades`.
"""

import math
import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

import msgspec

from pipeline.cascade import FOLLOWERS_UNKNOWN, KERNEL_SECONDS, SPAN_SECONDS, Cascade, reacted

SHARPNESS: Final = 8
"""The exponent above: how close to the larger of the two the forecast is. All from 4 to 16 do about as well."""
FADING: Final = 4
"""How fast `typical` loses its say below `least`."""
RECENT_SHARE: Final = 0.25
RECENT_SCALE: Final = math.log(4 / 3)
"""With a rate that falls as 1 / age, the reposts of the last quarter of the age divided by this are what the age
times e would bring."""
FEW: Final = 50
"""With fewer reposts than this the interval is wider: there is little to go by."""
INTERVAL_LEAST: Final = 0.05
REACH_LEAST: Final = 1000
"""Followers that are added to the reach in the model: some find a post who follow nobody that posted it."""
SOME: Final = 10
"""So many resharers' worth is believed of `FOLLOWERS_UNKNOWN` before followers are seen."""
WAVERING: Final = 0.25
"""How far the rate of reposts is off for reasons that no kernel knows, most of all the time of day. In the cascades of
the fit, hours have 0.5 to 1.4 times the reposts of the mean hour (after a day): a standard deviation of 0.3."""
NORMAL_80: Final = 1.2816
"""80 % of a normal distribution are within so many standard deviations."""
_HOUR: Final = 3600.0


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A figure that changes with the age: `at_hour`, and so much more for each e times the age."""

    at_hour: float
    slope: float

    def at(self, seconds: float) -> float:
        """The figure at this age."""
        return self.at_hour + self.slope * math.log(seconds / _HOUR)


class Fit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`typical`: reposts. `level`: the logarithm of the level and its slope. `weight`: of reach, 0 to 1. `least`: the
    logarithm of what growth made of 19 in 20 posts of the fit, or more. `audience`: followers per repost, where those
    of the author are unknown. `below`, `above`: how far the 80 % interval reaches, as a power of forecast over
    observed."""

    typical: float
    level: Line
    weight: float
    least: Line
    audience: float
    below: Line
    above: Line

    def for_any_post(self) -> "Fit":
        """Without the knowledge that the post is one of those that spread."""
        return msgspec.structs.replace(self, typical=0.0)


class Forecast(NamedTuple):
    """Reposts and reach (followers of the author and all resharers, who may be the same people) by seven days of age;
    `low` and `high` are the ends of an 80 % interval, and so are those of the reach. `infectiousness`: reposts for each
    follower that has reacted so far, None where the author's followers are not known. `branching`: how many reposts
    each repost brings, by and by, with the ends of an 80 % interval; None where nothing can be said of it, as in the
    first five minutes. `supercritical`: it is above one, even at its low end: it grows by itself."""

    observed: int
    forecast: int
    low: int
    high: int
    reach: int
    reach_low: int
    reach_high: int
    infectiousness: float | None
    branching: float | None
    branching_low: float | None
    branching_high: float | None
    supercritical: bool


@lru_cache(1)
def shipped() -> Fit:
    """The fit that is in the package."""
    text = files("pipeline").joinpath("cascade_fit.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Fit)


class _Branching(NamedTuple):
    low: float
    middle: float
    high: float


class Evidence(NamedTuple):
    """What the model sees of a post: reposts so far, the present rate times the age, reach in followers, and the
    age in seconds."""

    observed: float
    recent: float
    reach: float
    age: float


def forecast(cascade: Cascade, at_seconds: float, fit: Fit | None = None) -> Forecast:
    """What is to be expected at this age of the post, or at that of the latest that is known of it, if that is later.
    Raises ValueError where the age is no positive number."""
    if not (math.isfinite(at_seconds) and at_seconds > 0):
        raise ValueError(f"an age must be a positive number of seconds, not {at_seconds}")
    fit = fit or shipped()
    at = min(max(at_seconds, cascade.latest_seconds, 1.0), SPAN_SECONDS)
    observed = cascade.reposts
    branching = _branching(cascade, at)
    seen = evidence(cascade, at, fit)
    faster = max(1.0, branching.low) if branching else 1.0
    ends = (observed, observed, observed) if at >= SPAN_SECONDS else interval(seen, fit, faster)
    low, middle, high = (max(observed, round(end)) for end in ends)
    reach = (cascade.followers or 0) + cascade.reach
    each = (cascade.reach + SOME * FOLLOWERS_UNKNOWN) / (observed + SOME)
    exposure = cascade.exposure(at)
    return Forecast(
        observed=observed,
        forecast=middle,
        low=low,
        high=high,
        reach=reach + round((middle - observed) * each),
        reach_low=reach + round((low - observed) * each),
        reach_high=reach + round((high - observed) * each),
        infectiousness=observed / exposure if exposure > 0 and cascade.followers is not None else None,
        branching=branching and branching.middle,
        branching_low=branching and branching.low,
        branching_high=branching and branching.high,
        supercritical=branching is not None and branching.low > 1.0,
    )


def evidence(cascade: Cascade, at: float, fit: Fit) -> Evidence:
    """What the model sees at this age. One repost is always added, so that there are logarithms."""
    observed = cascade.reposts + 1.0
    recent = (cascade.recent((1.0 - RECENT_SHARE) * at, at) + RECENT_SHARE) / RECENT_SCALE
    if cascade.followers is None:
        return Evidence(observed, recent, fit.audience * observed, at)
    return Evidence(observed, recent, cascade.followers + cascade.reach + REACH_LEAST, at)


def interval(seen: Evidence, fit: Fit, faster: float = 1.0) -> tuple[float, float, float]:
    """Low end, forecast and high end, in reposts. Observed and forecast are the two ends of a scale in logarithms: the
    interval reaches a part of it down from growth and up from the forecast, a greater part with few reposts (all
    of it down where there is none), and the chance of a Poisson count beyond. `faster`: the low end of the branching,
    at least one."""
    growth = grown(seen, fit)
    enough = min(1.0, faster * growth * math.exp(-fit.least.at(seen.age)))
    final = _larger(fit.typical * enough**FADING, growth)
    wider = wider_by(seen.observed)
    below = min(1.0, max(INTERVAL_LEAST, fit.below.at(seen.age), 1.0 / math.sqrt(seen.observed)) * wider)
    above = max(INTERVAL_LEAST, fit.above.at(seen.age)) * wider
    low = growth * (seen.observed / growth) ** below
    high = final * (final / seen.observed) ** above
    low -= NORMAL_80 * math.sqrt(max(0.0, low - seen.observed))
    high += NORMAL_80 * math.sqrt(max(0.0, final - seen.observed))
    return low - 1.0, final - 1.0, high - 1.0


def grown(seen: Evidence, fit: Fit) -> float:
    """What growth alone makes of it in the end, and one more."""
    log_more = fit.level.at(seen.age) + fit.weight * math.log(seen.reach / seen.recent)
    return seen.observed + math.exp(log_more) * seen.recent * math.log(SPAN_SECONDS / seen.age)


def wider_by(observed: float) -> float:
    """How much wider the interval is than with many reposts."""
    return max(1.0, math.sqrt(math.sqrt(FEW / observed)))


def _larger(typical: float, growth: float) -> float:
    larger = max(typical, growth)
    return larger * math.pow((typical / larger) ** SHARPNESS + (growth / larger) ** SHARPNESS, 1.0 / SHARPNESS)


def _branching(cascade: Cascade, at: float) -> _Branching | None:
    """The reposts of each half of the age are those that the post itself brought and those that reposts brought, both
    by the kernel of SEISMIC: two equations with two unknowns. So no followers are needed, and a post with a large
    audience of its own is not taken for one that grows by itself. The error is that of Poisson counts whose
    rate wavers. None while the kernel is flat, and where reposts have not been there for long enough."""
    half = at / 2
    own_early, own_late = reacted(half), reacted(at) - reacted(half)
    work_early = cascade.work(half)
    scale = own_early * (cascade.work(at) - work_early) - own_late * work_early
    if at < KERNEL_SECONDS or scale <= 0.0:
        return None
    late = cascade.recent(half, at)
    early = cascade.reposts - late
    found = (own_early * late - own_late * early) / scale
    error = math.hypot(own_early * _error(late), own_late * _error(early)) / scale
    low, middle, high = (max(0.0, found + NORMAL_80 * part * error) for part in (-1.0, 0.0, 1.0))
    return _Branching(low, middle, high)


def _error(count: float) -> float:
    return math.sqrt(count + 1.0 + (WAVERING * count) ** 2)
