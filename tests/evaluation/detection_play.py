"""One play of histories in which nothing happens, with incidents planted into copies of the units that lived them.

In: a `Part`. Out: a `Seen`: the alerts that were opened for nothing, and what became of each incident; for the
service's own engine at each budget, and for the rules of thumb at every threshold at once.

The one rule: nobody is shown anything that the service would not show. The engine is driven through its log, insight by
insight, with ticks; an incident is played on a copy of the unit's state, amid what its history goes on to bring.

A budget changes nothing in a unit before its first alert, and a smaller one raises nothing that a larger one would not.
So all live with the largest budget, and those that had an alert there once more with each smaller one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

import msgspec

from pipeline.engine import Engine
from pipeline.evaluation.rules import TUNABLE, Past, Reading, Watch
from pipeline.evaluation.scoring import RAISES
from pipeline.log import Log
from pipeline.state import encode_state
from schemas.alert import Alert
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS
from tests.evaluation.detection_life import STARTS, Life, Part, complaint, in_order, lives_of, settings, tick, time_of

TICK_MS = 10 * MINUTE_MS
SIZES = (3, 4, 5, 6, 7, 8, 10, 12, 15, 20)
FOUND_WITHIN_MS = HOUR_MS
"""How long after its last post an incident may still be found."""

RULES = tuple(rule._replace(count_min=3) for rule in TUNABLE)
"""Each asks for three people, as the service does: without that they need higher thresholds and find less."""
FLOORS = (3.5, 4.0, 3.5, 2.5)
"""What stands lower is not kept: no threshold that is worth a thought is below."""


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


Heights = tuple[tuple[float, Noticed], ...]


class Planted(msgspec.Struct):
    """An incident: by budget when it was noticed, None if it was not; by rule each new height that it stood at."""

    size: int
    ours: dict[float, Noticed | None]
    rules: tuple[Heights, ...]


class Seen(msgspec.Struct, kw_only=True):
    """`unit_days`: how long all units lived together. `rises`: by rule, of each complaint that rose above the peak of
    the half hour before it, where the rule stood at that peak and where with it."""

    part: Part
    posts: int
    unit_days: float
    opened: list[Opened]
    rises: list[list[tuple[float, float]]]
    planted: list[Planted]


def play(part: Part) -> Seen:
    """Lets the units live, and plants incidents on the way."""
    lives = lives_of(part)
    largest, *smaller = sorted(part.budgets, reverse=True)
    rises: list[list[tuple[float, float]]] = [[] for _ in RULES]
    watches = {life.unit_id: Watch() for life in lives}
    first = _Run(part, lives, largest, smaller)
    for moment, life, place in in_order(lives):
        watch = watches[life.unit_id]
        if place is None:
            first.plant(life, moment, watch)
        else:
            first.live(life, place)
            _note_rises(rises, watch.observe(moment, life.arrivals[place].author))
    opened, planted = first.opened, first.planted
    for budget in smaller:
        noisy = [life for life in lives if life.unit_id in first.noisy]
        again = _Run(part, noisy, budget, ())
        for moment, life, place in in_order(noisy):
            if place is None:
                again.plant(life, moment, None)
            else:
                again.live(life, place)
        opened += again.opened
        for key, one in again.planted.items():
            planted[key].ours |= one.ours
    return Seen(
        part=part,
        posts=sum(len(life.arrivals) for life in lives),
        unit_days=float(part.units * part.days),
        opened=opened,
        rises=rises,
        planted=list(planted.values()),
    )


class _Run:
    """Lives with one budget. `smaller`: budgets for which incidents are planted too, while a unit had no alert."""

    def __init__(self, part: Part, lives: Sequence[Life], budget: float, smaller: Sequence[float]) -> None:
        self.opened: list[Opened] = []
        self.noisy: set[str] = set()
        self.planted: dict[tuple[str, int, int], Planted] = {}
        self._part = part
        self._budget = budget
        self._engines = {one: Engine(false_alerts_a_month=one) for one in (budget, *smaller)}
        self._log = Log(self._engines[budget])
        self._ticked = STARTS
        self._born = {life.unit_id: life.arrivals[0].event_time for life in lives if life.arrivals}
        if part.grouped:
            for life in lives:
                self._log.apply(settings(life.unit_id, part.rate))

    def live(self, life: Life, place: int) -> None:
        """The next complaint about a unit."""
        moment, author = life.arrivals[place]
        self._pass(moment)
        self._note(self._log.apply(complaint(life.unit_id, f"{life.unit_id}:{place}", moment, author)))

    def plant(self, life: Life, at_ms: int, watch: Watch | None) -> None:
        """An incident of each size, each on a copy. So many distinct people within an hour, at random moments."""
        self._pass(at_ms)
        unit_id = life.unit_id
        state = encode_state(self._log.units[unit_id]) if unit_id in self._log.units else None
        budgets = [self._budget] if unit_id in self.noisy else list(self._engines)
        for size in SIZES:
            random = Random(f"{self._part.seed} {unit_id} {at_ms} {size}")
            moments = sorted(at_ms + random.randrange(HOUR_MS) for _ in range(size))
            until = moments[-1] + FOUND_WITHIN_MS
            first, last = (
                bisect_left(life.arrivals, at_ms, key=time_of),
                bisect_right(life.arrivals, until, key=time_of),
            )
            said = [_Word(moment, f"incident-{number}", number + 1) for number, moment in enumerate(moments)]
            said += [_Word(moment, author, 0) for moment, author in life.arrivals[first:last]]
            said.sort()
            ours = {one: _noticed(unit_id, said, until, self._copy(one, state)) for one in budgets}
            rules = () if watch is None else _heights(said, watch.copy())
            self.planted[unit_id, at_ms, size] = Planted(size, ours, rules)

    def _pass(self, moment: int) -> None:
        while self._ticked + TICK_MS <= moment:
            self._ticked += TICK_MS
            self._note(self._log.apply(tick(self._ticked)))

    def _note(self, outputs: Sequence[Any]) -> None:
        for output in outputs:
            if isinstance(output, Alert) and output.change in ("opened", "reopened"):
                unit_id = output.labels.unit_id
                self.noisy.add(unit_id)
                age_days = (output.detected_at - self._born[unit_id]) / DAY_MS
                back, seconds = output.change == "reopened", output.detection.window_s
                self.opened.append(Opened(self._budget, back, output.labels.alertname, seconds, age_days))

    def _copy(self, budget: float, state: bytes | None) -> Log:
        """A log with nothing but this unit in it, at the same time."""
        log = Log(self._engines[budget])
        if state is not None:
            log.load(state)
        log.load_clock(self._log.save_clock())
        return log


class _Word(NamedTuple):
    """`number`: which post of the incident it is, 0 for what is none of it."""

    moment: int
    author: str
    number: int


def _noticed(unit_id: str, said: Sequence[_Word], until: int, log: Log) -> Noticed | None:
    """When an alert opened, grew or came back, from the first post of the incident on."""
    starts = next(word.moment for word in said if word.number)
    posts = 0
    ticked = log.clock.watermark_ms
    for moment, author, number in said:
        while ticked + TICK_MS <= moment:
            ticked += TICK_MS
            if _raises(log.apply(tick(ticked))) and posts:
                return Noticed(posts, (ticked - starts) / MINUTE_MS)
        posts = max(posts, number)
        if _raises(log.apply(complaint(unit_id, f"planted:{author}:{moment}", moment, author))) and posts:
            return Noticed(posts, (moment - starts) / MINUTE_MS)
    while ticked + TICK_MS <= until:
        ticked += TICK_MS
        if _raises(log.apply(tick(ticked))):
            return Noticed(posts, (ticked - starts) / MINUTE_MS)
    return None


def _raises(outputs: Sequence[Any]) -> bool:
    return any(isinstance(output, Alert) and output.change in RAISES for output in outputs)


def _heights(said: Sequence[_Word], watch: Watch) -> tuple[Heights, ...]:
    """By rule: where it stood from the first post of the incident on, each time that it stood higher than before."""
    starts = next(word.moment for word in said if word.number)
    found: list[list[tuple[float, Noticed]]] = [[] for _ in RULES]
    posts = most = 0
    before: Past | None = None
    for moment, author, number in said:
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


def _note_rises(found: Sequence[list[tuple[float, float]]], reading: Reading) -> None:
    if reading.authors <= reading.peak:
        return
    for rule, floor, rises in zip(RULES, FLOORS, found, strict=True):
        level = rule.stands(reading.past, reading.authors)
        if level >= floor:
            rises.append((rule.stands(reading.past, reading.peak), level))
