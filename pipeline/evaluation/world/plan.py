"""What is planted where and when. In: the settings and the units. Out: Planned, one for each incident.

The one rule: the plan has a random stream of its own, so that what else happens at a unit is the same with and without
incidents; and what is planted at one unit keeps apart in time.
"""

from random import Random
from typing import Final

import msgspec

from pipeline.evaluation import phrases
from pipeline.evaluation.incident import INCIDENT_KINDS, IncidentKind
from pipeline.evaluation.world.locals import Local
from pipeline.evaluation.world.sentences import SEVERE_OF
from pipeline.evaluation.world.settings import WorldSettings, log_uniform
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS

SPANS: Final = ((15 * MINUTE_MS, 0.2), (HOUR_MS, 0.5), (4 * HOUR_MS, 0.2), (24 * HOUR_MS, 0.1))
"""How long surges last, and how often."""
ROOM_MS: Final = 25 * HOUR_MS
"""Before the end of the world nothing new starts within this."""
APART_MS: Final = 3 * DAY_MS
AWAKE_FACTOR: Final = 0.7
"""Incidents start in hours in which at least this much of the usual is said."""
TRIES: Final = 200
_DISTRACTION_AUTHORS: Final = {"praise": (30, 200), "spam": (20, 80)}
_DISTRACTION_HOURS: Final = (1.0, 6.0)


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """`number` among all; `unit`: the unit's number; `size` as `Incident` has it; `span_ms`: between the first and the
    last original."""

    number: int
    kind: IncidentKind
    unit: int
    cause: str
    starts: int
    span_ms: int
    size: int


def plan(settings: WorldSettings, locals_: list[Local]) -> list[Planned]:
    """All incidents, by kind. Raises ValueError where there is no room for them."""
    random = Random(f"{settings.seed}/plan")  # noqa: S311 - a repeatable world, nothing secret
    taken: dict[int, list[int]] = {}
    found: list[Planned] = []
    for kind in INCIDENT_KINDS:
        for _ in range(settings.incidents.get(kind, 0)):
            local, starts = _moment(random, settings, locals_, taken)
            taken.setdefault(local.number, []).append(starts)
            cause, size, span_ms = _what(random, settings, kind, local)
            found.append(
                Planned(
                    number=len(found), kind=kind, unit=local.number, cause=cause, starts=starts, span_ms=span_ms,
                    size=size,
                )
            )  # fmt: skip
    return found


def _moment(
    random: Random, settings: WorldSettings, locals_: list[Local], taken: dict[int, list[int]]
) -> tuple[Local, int]:
    """A unit and a moment in one of its busier hours, apart from what is planted there already."""
    first, last = settings.starts + settings.warm_up_ms, settings.ends - ROOM_MS
    if last <= first:
        raise ValueError("there is no room for incidents: use more days")
    apart = min(APART_MS, settings.days * DAY_MS // 10)
    for _ in range(TRIES):
        local, at = random.choice(locals_), random.randrange(first, last)
        busy = local.means(at // HOUR_MS * HOUR_MS, 1)[0] >= AWAKE_FACTOR * local.rate
        if busy and all(abs(at - other) >= apart for other in taken.get(local.number, ())):
            return local, at
    count = sum(settings.incidents.values())
    raise ValueError(f"{count} incidents do not fit into {settings.units} units and {settings.days} days")


def _what(random: Random, settings: WorldSettings, kind: IncidentKind, local: Local) -> tuple[str, int, int]:
    """Cause, size and span."""
    industry = local.unit.industry
    aspect, share = random.choice(phrases.ASPECTS[industry]), random.random()
    if kind == "surge":
        spans, weights = zip(*SPANS, strict=True)
        return aspect, round(log_uniform(share, settings.surge_authors)), int(random.choices(spans, weights)[0])
    if kind == "cascade":
        return aspect, round(log_uniform(share, settings.cascade_reposts)), 0
    if kind == "influential":
        return aspect, round(log_uniform(share, settings.followers)), 0
    if kind == "severe":
        return random.choice(SEVERE_OF[industry]), 1, 0
    campaign = random.choice(list(_DISTRACTION_AUTHORS))
    size = round(log_uniform(share, _DISTRACTION_AUTHORS[campaign]))
    return campaign, size, int(random.uniform(*_DISTRACTION_HOURS) * HOUR_MS)
