"""Units in whose lives nothing happens: who complains about them when, as records of their log.

In: a `Part`, which is some units of one kind. Out: their lives, and all lives together in order of time. Everything
follows from the part's seed.
"""

import heapq
from collections.abc import Iterator, Sequence
from operator import attrgetter
from random import Random
from typing import NamedTuple

from pipeline.evaluation.world.arrivals import Arrival, arrivals
from pipeline.evaluation.world.rhythm import USUAL
from pipeline.local_time import HOURS_OF_WEEK
from schemas.event import UnitSettings
from schemas.insight import Aspect, Insight, Routing, Sentiment
from schemas.record import Source
from schemas.tick import Tick
from schemas.time import DAY_MS, HOUR_MS, Millis
from schemas.unit import Unit

STARTS = 1_767_571_200_000
"""Monday, 2026-01-05T00:00:00Z."""
LEARNED_DAYS = 30
"""How long a unit was known at least when an incident comes."""

_SENTIMENT = Sentiment(compound=-0.6, label="negative", confidence=0.9, model="evaluation")
_ASPECTS = (Aspect(aspect="wait_time", department="operations", polarity=-0.6),)
_ROUTING = Routing(rule="handle", confidence=0.95)
_SOURCE = Source(topic="cem.posts", partition=0, offset=0)
_INPUTS = {"cem.posts": 1}

time_of = attrgetter("event_time")


class Part(NamedTuple):
    """`rate`: distinct authors an hour; `dispersion`: variance of an hour's count over its mean; `grouped`: the
    directory says what is usual at such units; `budgets`: false alerts a unit may have in 30 days, one engine for each;
    `plantings`: incidents of each size in each unit."""

    dispersion: float
    rate: float
    first_unit: int
    units: int
    days: int
    rhythm: bool
    grouped: bool
    budgets: tuple[float, ...]
    plantings: int
    seed: int


class Life(NamedTuple):
    """All complaints about one unit, and the moments at which incidents are planted."""

    unit_id: str
    arrivals: Sequence[Arrival]
    plantings: Sequence[int]


def lives_of(part: Part) -> list[Life]:
    """The lives of a part's units."""
    return [_life(part, part.first_unit + number) for number in range(part.units)]


def _life(part: Part, number: int) -> Life:
    random = Random(f"{part.seed} {part.dispersion} {part.rate} {number}")
    lived = arrivals(
        random,
        rate=part.rate,
        dispersion=part.dispersion,
        starts=STARTS,
        hours=part.days * 24,
        rhythm=USUAL if part.rhythm else None,
    )
    first = min(LEARNED_DAYS, part.days // 2) * DAY_MS
    last = part.days * DAY_MS - 4 * HOUR_MS
    plantings = sorted(STARTS + random.randrange(first, last) for _ in range(part.plantings))
    return Life(f"unit-{number}", tuple(lived), plantings)


def in_order(lives: Sequence[Life]) -> Iterator[tuple[int, Life, int | None]]:
    """All that happens to all: the place of an arrival, or None where incidents are planted."""

    def of(order: int, life: Life) -> Iterator[tuple[int, int, int | None]]:
        coming = [(arrival.event_time, place) for place, arrival in enumerate(life.arrivals)]
        planted = [(moment, None) for moment in life.plantings]
        for moment, place in heapq.merge(coming, planted, key=lambda one: one[0]):
            yield moment, order, place

    streams = [of(order, life) for order, life in enumerate(lives)]
    for moment, order, place in heapq.merge(*streams, key=lambda one: one[0]):
        yield moment, lives[order], place


def complaint(unit_id: str, identity: str, moment: int, author: str) -> Insight:
    """A negative post."""
    return Insight(
        id=identity,
        kind="post",
        unit_id=unit_id,
        channel="x",
        author=author,
        event_time=Millis(moment),
        sentiment=_SENTIMENT,
        language="en",
        aspects=_ASPECTS,
        text_ref=identity,
        routing=_ROUTING,
        source=_SOURCE,
    )


def tick(moment: int) -> Tick:
    """Time has come so far."""
    return Tick(event_time=Millis(moment), source="cem.posts/0", inputs=_INPUTS)


def settings(unit_id: str, rate: float) -> UnitSettings:
    """What the directory says of a unit whose group is known."""
    unit = Unit(id=unit_id, name=unit_id, kind="store", time_zone="UTC", complaints_a_week=rate * HOURS_OF_WEEK)
    return UnitSettings(unit_id=unit_id, unit=unit, version=1, source=_SOURCE)
