"""One play of histories in which nothing happens, with incidents planted into copies of the units that lived them.

In: a `Part`, which is some units of one kind. Out: a `Seen`: the alerts that were opened for nothing, and what became
of each incident; for the service's own engine at each budget, and for the rules of thumb at every threshold at once.

The one rule: nobody is shown anything that the service would not show. The engine is driven through its log, insight by
insight, with ticks; an incident is played on a copy of the unit's state, amid what its history goes on to bring.
"""

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from operator import attrgetter
from random import Random
from typing import Any, NamedTuple

import msgspec

from pipeline.engine import Engine
from pipeline.evaluation.rules import TUNABLE, Past, Reading, Watch
from pipeline.evaluation.scoring import RAISES
from pipeline.evaluation.world.arrivals import Arrival, arrivals
from pipeline.evaluation.world.rhythm import USUAL
from pipeline.log import Log
from pipeline.state import encode_state
from schemas.alert import Alert
from schemas.insight import Aspect, Insight, Routing, Sentiment
from schemas.record import Source
from schemas.tick import Tick
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, Millis

TICK_MS = 10 * MINUTE_MS
STARTS = 1_767_571_200_000
"""Monday, 2026-01-05T00:00:00Z."""
SIZES = (3, 4, 5, 6, 7, 8, 10, 12, 15, 20)
LEARNED_DAYS = 30
"""How long a unit was known at least when an incident comes."""
FOUND_WITHIN_MS = HOUR_MS
"""How long after its last post an incident may still be found."""
CALM_MS = 30 * MINUTE_MS

RULES = tuple(rule._replace(count_min=3) for rule in TUNABLE)
"""Each asks for three people, as the service does: without that they need higher thresholds and find less."""
FLOORS = (3.5, 4.0, 3.5, 2.5)
"""What stands lower is not kept: no threshold that is worth a thought is below."""

INPUTS = {"cem.posts": 1}
SENTIMENT = Sentiment(compound=-0.6, label="negative", confidence=0.9, model="evaluation")
ASPECTS = (Aspect(aspect="wait_time", department="operations", polarity=-0.6),)
ROUTING = Routing(rule="handle", confidence=0.95)
SOURCE = Source(topic="cem.posts", partition=0, offset=0)


_time = attrgetter("event_time")


class Part(NamedTuple):
    """`rate`: distinct authors an hour; `dispersion`: variance of an hour's count over its mean; `budgets`: false
    alerts a unit may have in 30 days, one engine for each; `plantings`: incidents of each size in each unit."""

    dispersion: float
    rate: float
    first_unit: int
    units: int
    days: int
    rhythm: bool
    budgets: tuple[float, ...]
    plantings: int
    seed: int


class Opened(NamedTuple):
    """An alert for nothing, or one that came `back`. `age_days`: since the unit's first complaint."""

    budget: float
    back: bool
    alertname: str
    window_s: int
    age_days: float


class Noticed(NamedTuple):
    """What made a difference: how many of the incident's posts were written by then, minutes since the first one."""

    posts: int
    minutes: float


class Planted(NamedTuple):
    """An incident: by budget when it was noticed, None if it was not; by rule each new height that it stood at."""

    size: int
    ours: tuple[Noticed | None, ...]
    rules: tuple[tuple[tuple[float, Noticed], ...], ...]


class Seen(msgspec.Struct, kw_only=True):
    """`unit_days`: how long all units lived together. `rises`: by rule, of each complaint that rose above the peak of
    the half hour before it, where the rule stood at that peak and where with it."""

    part: Part
    posts: int = 0
    unit_days: float = 0.0
    opened: list[Opened] = []
    rises: list[list[tuple[float, float]]] = []
    planted: list[Planted] = []


def play(part: Part) -> Seen:
    """Lets the units live, and plants incidents on the way."""
    lives = [_life(part, part.first_unit + number) for number in range(part.units)]
    runs = [_run(budget) for budget in part.budgets]
    watches = {life.unit_id: Watch() for life in lives}
    seen = Seen(part=part, rises=[[] for _ in RULES])
    seen.unit_days = float(part.units * part.days)
    born: dict[str, int] = {}
    ticked = STARTS
    for moment, life, place in _in_order(lives):
        while ticked + TICK_MS <= moment:
            ticked += TICK_MS
            tick = _tick(ticked)
            for run in runs:
                _note(seen, run.budget, run.log.apply(tick), born)
        if place is None:
            seen.planted += [_plant(life, moment, size, runs, watches[life.unit_id]) for size in SIZES]
            continue
        seen.posts += 1
        born.setdefault(life.unit_id, moment)
        author = life.arrivals[place].author
        insight = _insight(life.unit_id, f"{life.unit_id}:{place}", moment, author)
        for run in runs:
            _note(seen, run.budget, run.log.apply(insight), born)
        _note_rises(seen, watches[life.unit_id].observe(moment, author))
    return seen


class _Run(NamedTuple):
    budget: float
    engine: Engine
    log: Log

    def of_one(self, unit_id: str) -> Log:
        """A log with nothing but a copy of this unit in it, at the same time."""
        log = Log(self.engine)
        if unit_id in self.log.units:
            log.load(encode_state(self.log.units[unit_id]))
        log.load_clock(self.log.save_clock())
        return log


def _run(budget: float) -> _Run:
    engine = Engine(false_alerts_a_month=budget)
    return _Run(budget, engine, Log(engine))


class _Life(NamedTuple):
    unit_id: str
    arrivals: list[Arrival]
    plantings: list[int]
    random: Random


def _life(part: Part, number: int) -> _Life:
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
    return _Life(f"unit-{number}", list(lived), plantings, random)


def _in_order(lives: list[_Life]) -> Iterator[tuple[int, _Life, int | None]]:
    """All that happens to all: the place of an arrival, or None where incidents are planted."""

    def of(order: int, life: _Life) -> Iterator[tuple[int, int, int | None]]:
        coming = [(arrival.event_time, place) for place, arrival in enumerate(life.arrivals)]
        planted = [(moment, None) for moment in life.plantings]
        for moment, place in heapq.merge(coming, planted, key=lambda one: one[0]):
            yield moment, order, place

    streams = [of(order, life) for order, life in enumerate(lives)]
    for moment, order, place in heapq.merge(*streams, key=lambda one: one[0]):
        yield moment, lives[order], place


def _note(seen: Seen, budget: float, outputs: list[Any], born: dict[str, int]) -> None:
    for output in outputs:
        if isinstance(output, Alert) and output.change in ("opened", "reopened"):
            age_days = (output.detected_at - born[output.labels.unit_id]) / DAY_MS
            back, seconds = output.change == "reopened", output.detection.window_s
            seen.opened.append(Opened(budget, back, output.labels.alertname, seconds, age_days))


def _note_rises(seen: Seen, reading: Reading) -> None:
    if reading.authors <= reading.peak:
        return
    for rule, floor, rises in zip(RULES, FLOORS, seen.rises, strict=True):
        level = rule.stands(reading.past, reading.authors)
        if level >= floor:
            rises.append((rule.stands(reading.past, reading.peak), level))


def _plant(life: _Life, at_ms: int, size: int, runs: list[_Run], watch: Watch) -> Planted:
    """So many distinct people within an hour, at random moments."""
    moments = sorted(at_ms + life.random.randrange(HOUR_MS) for _ in range(size))
    events = [(moment, f"incident-{number}", number + 1) for number, moment in enumerate(moments)]
    until = moments[-1] + FOUND_WITHIN_MS
    first = bisect_left(life.arrivals, at_ms, key=_time)
    events += [
        (moment, author, 0) for moment, author in life.arrivals[first : bisect_right(life.arrivals, until, key=_time)]
    ]
    events.sort()
    return Planted(
        size,
        tuple(_noticed(life.unit_id, events, moments[0], until, run) for run in runs),
        _heights(events, moments[0], watch.copy()),
    )


def _noticed(unit_id: str, events: list[tuple[int, str, int]], starts: int, until: int, run: _Run) -> Noticed | None:
    """When an alert opened or grew, from the first post of the incident on."""
    log = run.of_one(unit_id)
    posts = 0
    ticked = log.clock.watermark_ms
    for moment, author, number in events:
        while ticked + TICK_MS <= moment:
            ticked += TICK_MS
            if _raised(log.apply(_tick(ticked))) and posts:
                return Noticed(posts, (ticked - starts) / MINUTE_MS)
        posts = max(posts, number)
        if _raised(log.apply(_insight(unit_id, f"planted:{author}:{moment}", moment, author))) and posts:
            return Noticed(posts, (moment - starts) / MINUTE_MS)
    while ticked + TICK_MS <= until:
        ticked += TICK_MS
        if _raised(log.apply(_tick(ticked))):
            return Noticed(posts, (ticked - starts) / MINUTE_MS)
    return None


def _raised(outputs: list[Any]) -> bool:
    return any(isinstance(output, Alert) and output.change in RAISES for output in outputs)


def _heights(
    events: list[tuple[int, str, int]], starts: int, watch: Watch
) -> tuple[tuple[tuple[float, Noticed], ...], ...]:
    """By rule: where it stood, each time that it stood higher than before."""
    found: list[list[tuple[float, Noticed]]] = [[] for _ in RULES]
    posts = most = 0
    before: Past | None = None
    for moment, author, number in events:
        reading = watch.observe(moment, author)
        posts = max(posts, number)
        if not posts or (reading.past is before and reading.authors <= most):
            continue
        before, most = reading.past, reading.authors
        for rule, heights in zip(RULES, found, strict=True):
            level = rule.stands(reading.past, reading.authors)
            if level > (heights[-1][0] if heights else 0.0):
                heights.append((level, Noticed(posts, (moment - starts) / MINUTE_MS)))
    return tuple(tuple(heights) for heights in found)


def _insight(unit_id: str, identity: str, moment: int, author: str) -> Insight:
    return Insight(
        id=identity,
        kind="post",
        unit_id=unit_id,
        channel="x",
        author=author,
        event_time=Millis(moment),
        sentiment=SENTIMENT,
        language="en",
        aspects=ASPECTS,
        text_ref=identity,
        routing=ROUTING,
        source=SOURCE,
    )


def _tick(moment: int) -> Tick:
    return Tick(event_time=Millis(moment), source="cem.posts/0", inputs=INPUTS)
