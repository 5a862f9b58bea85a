"""How early a complaint that spreads is told, and how often one that does not is told of.

    python -m tests.evaluation.spreads [--json]

`real`: the 50 retweet cascades of more than 2000 reposts as if each were a complaint about a unit, by the detector of
the stream, reposts one by one: how many are alerted, at which repost, how many minutes after the post; at two budgets
(the detector's tenth of them), for a unit that is new and for one in which nothing has spread for half a year.
`polled`: the same where only a counter is polled, every five minutes at first. `small`: months of units with five
cascades each, most of a single repost, by the tail of their sizes: alerts per unit and 30 days beside the share, and
how many of them were of posts that got no further than 50 reposts or did not get as far as was promised.
"""

import sys
from collections.abc import Iterator, Sequence
from random import Random
from statistics import median
from typing import Any

import orjson

from pipeline.budget import share
from pipeline.detectors.cascade import CascadeDetector, CascadeState
from pipeline.detectors.detector import Finding
from pipeline.evaluation.world.spreading import polls, repost_ages
from schemas.insight import Insight, Reach, Root, Routing
from schemas.record import Source
from schemas.time import DAY_MS, MINUTE_MS, SECOND_MS, Millis
from tests.evaluation.fit_cascade import DATA, Post, posts

BUDGETS = (0.1, 0.0075)
START_MS = 20_000 * DAY_MS
MONTH_MS = 30 * DAY_MS
UNITS, MONTHS, A_MONTH, SIZE_MAX = 100, 12, 5.0, 20_000
TAILS = (1.2, 2.2)
"""The exponent that is assumed, and one nearer to that of tweets to airlines (2.6)."""
SMALL = 50


def measure() -> dict[str, Any]:
    """All figures; `skipped` and why, where the cascades are absent."""
    small = {str(tail): {str(budget): _small(tail, budget) for budget in BUDGETS} for tail in TAILS}
    if not DATA.exists():
        return {"skipped": f"no {DATA.name} in {DATA.parent}: real cascades are not measured", "small": small}
    given = posts()
    return {
        "small": small,
        **{
            name: {
                f"{budget}, {unit}": _real(given, budget, months, counted=name == "polled")
                for budget in BUDGETS
                for unit, months in (("new", 0), ("known", 6))
            }
            for name in ("real", "polled")
        },
    }


class _Unit:
    """One unit and the detector."""

    def __init__(self, budget: float, watched_months: int) -> None:
        self._detector = CascadeDetector(share("cascade", budget))
        self._state = CascadeState()
        if watched_months:
            self._state.sizes.watch(START_MS - watched_months * MONTH_MS)
        self._told: set[str] = set()

    def see(self, insight: Insight) -> Finding | None:
        """The first alert of a post."""
        detector, state = self._detector, self._state
        detector.advance(state, int(insight.event_time))
        if not detector.observe(state, insight):
            return None
        for signal in detector.judge(state, insight):
            if signal.cause not in self._told:
                self._told.add(signal.cause)
                detector.freeze(state, signal.cause, signal.at_ms, signal.at_ms)
                return detector.evaluate(state, signal.cause, signal.at_ms)
        return None


def _real(given: Sequence[Post], budget: float, watched_months: int, *, counted: bool) -> dict[str, Any]:
    found: list[tuple[int, float, int, int]] = []
    for post in given:
        unit = _Unit(budget, watched_months)
        ages = [int(age * SECOND_MS) for age in post.ages]
        seen = _polled if counted else _reposts
        for one in seen(post.name, START_MS, ages, post.followers, post.reached):
            if (alert := unit.see(one)) is not None:
                minutes = (alert.at_ms - START_MS) / MINUTE_MS
                found.append((alert.detection.observed, minutes, alert.amplification.low or 0, post.final))
                break
    shares = [observed / final for observed, _, _, final in found]
    return {
        "cascades": len(given),
        "alerted": len(found),
        "median_repost": median(observed for observed, *_ in found),
        "worst_repost": max(observed for observed, *_ in found),
        "median_share_of_final": round(median(shares), 4),
        "median_minutes": round(median(minutes for _, minutes, *_ in found), 1),
        "worst_minutes": round(max(minutes for _, minutes, *_ in found), 1),
        "low_not_reached": sum(low > final for *_, low, final in found),
    }


def _small(tail: float, budget: float) -> dict[str, Any]:
    random, found = Random(7), []
    for _ in range(UNITS):
        unit, events, finals = _Unit(budget, 0), list[Insight](), dict[str, int]()
        at_ms = START_MS + random.expovariate(A_MONTH) * MONTH_MS
        while at_ms < START_MS + MONTHS * MONTH_MS:
            name = f"c{len(finals)}"
            ages = repost_ages(random, min(SIZE_MAX, int(random.paretovariate(tail))))
            reached = [int(40 * random.paretovariate(0.85)) - 40 for _ in ages]
            finals[f"x:{name}"] = len(ages)
            events += _reposts(name, int(at_ms), ages, int(40 * random.paretovariate(0.85)) - 40, reached)
            at_ms += random.expovariate(A_MONTH) * MONTH_MS
        for one in sorted(events, key=lambda one: int(one.event_time)):
            if (alert := unit.see(one)) is not None:
                found.append((alert.amplification.low or 0, finals[one.thread or ""]))
    return {
        "unit_months": UNITS * MONTHS,
        "share": share("cascade", budget),
        "alerts_a_month": round(len(found) / (UNITS * MONTHS), 5),
        "alerts": len(found),
        "stayed_small": sum(final < SMALL for _, final in found),
        "low_not_reached": sum(low > final for low, final in found),
    }


def _reposts(
    name: str, began_ms: int, ages: Sequence[int], followers: int, reached: Sequence[int]
) -> Iterator[Insight]:
    root = Root(event_time=Millis(began_ms), label="negative", followers=followers)
    for number, (age, of) in enumerate(zip(ages, reached, strict=True)):
        yield _insight(f"{name}-{number}", name, began_ms + age, root, reach=Reach(followers=of), kind="repost")


def _polled(name: str, began_ms: int, ages: Sequence[int], followers: int, reached: Sequence[int]) -> Iterator[Insight]:
    root = Root(event_time=Millis(began_ms), label="negative", followers=followers)
    for age, total in polls(ages):
        yield _insight(name, name, began_ms + age, root, reach=Reach(reposts=total), kind="edit")


def _insight(post: str, thread: str, at_ms: int, root: Root, **fields: Any) -> Insight:
    return Insight(
        id=f"x:{post}",
        unit_id="store-17",
        channel="x",
        author=f"hmac:{post}",
        event_time=Millis(at_ms),
        thread=f"x:{thread}",
        root=root,
        routing=Routing(rule="thread", confidence=0.9),
        source=Source(topic="cem.posts", partition=0, offset=0),
        **fields,
    )


def main() -> None:
    """Prints the figures."""
    found = measure()
    if "--json" in sys.argv[1:]:
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    for name in ("real", "polled"):
        for unit, one in found.get(name, {}).items():
            print(
                f"{name:6} budget {unit:14} alerted {one['alerted']} of {one['cascades']}, at repost "
                f"{one['median_repost']:.0f} (median, {one['median_share_of_final']:.1%} of the final) to "
                f"{one['worst_repost']}, after {one['median_minutes']} to {one['worst_minutes']} min; low end not "
                f"reached by {one['low_not_reached']}"
            )
    for tail, by in found["small"].items():
        for budget, one in by.items():
            print(
                f"small  budget {budget}, tail {tail}: {one['alerts_a_month']} alerts per unit and 30 days, share "
                f"{one['share']:.3g}; of {one['alerts']} {one['stayed_small']} stayed below {SMALL} reposts, "
                f"{one['low_not_reached']} below the low end ({one['unit_months']} months of units)"
            )
    if "skipped" in found:
        print(found["skipped"])


if __name__ == "__main__":
    main()
