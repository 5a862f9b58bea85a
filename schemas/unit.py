"""A local unit (store, restaurant, branch, dealership), or a region or brand above it. Key of `cem.units`: its id.

A tombstone removes the unit. Weekdays are `mon` … `sun`, times of day `HH:MM` in the unit's own time zone, days
`YYYY-MM-DD`.
"""

from typing import Annotated, Literal

import msgspec

from schemas.record import Record
from schemas.vocabulary import Identifier, ShortText, UnitId

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock = Annotated[str, msgspec.Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)\Z")]
Day = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\Z")]
Minutes = Annotated[int, msgspec.Meta(ge=1, le=525_600)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Degrees (WGS 84) and the radius around them, in metres, that counts as the unit."""

    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    radius_m: Annotated[float, msgspec.Meta(gt=0, le=50_000)] = 150.0


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of opening hours; `closes` at or before `opens` means on the next day."""

    day: Weekday
    opens: Clock
    closes: Clock


class Closure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A planned closure: first and last day, both included."""

    first: Day
    last: Day
    reason: ShortText | None = None


class Department(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who owns what in the unit, and how long they have, in opening minutes."""

    name: Name
    owner: ShortText | None = None
    acknowledge_within: Minutes | None = None
    answer_within: Minutes | None = None
    resolve_within: Minutes | None = None


class Unit(Record, frozen=True, kw_only=True):
    """`parent` is the region or brand above. `confidential` lists the causes that go to head office only.
    `staff` are names of people that are masked in texts about the unit; they stay between `cem.units` and the enrich
    agent. `complaints_a_week`: how many people usually complain in a week about a unit like this: what a new one starts
    from. What a region or brand says of it, and of causes that are confidential, holds for the units below."""

    id: UnitId
    name: Name
    kind: Literal["store", "restaurant", "branch", "dealership", "hotel", "station", "region", "brand", "other"]
    industry: Literal["restaurant", "retail", "bank", "dealership", "airline", "hotel", "other"] = "other"
    parent: UnitId | None = None
    aliases: Annotated[tuple[Name, ...], msgspec.Meta(max_length=200)] = ()
    handles: Annotated[tuple[Name, ...], msgspec.Meta(max_length=200)] = ()
    hashtags: Annotated[tuple[Name, ...], msgspec.Meta(max_length=200)] = ()
    place_ids: Annotated[tuple[Identifier, ...], msgspec.Meta(max_length=200)] = ()
    position: Position | None = None
    time_zone: Name
    opening_hours: Annotated[tuple[Hours, ...], msgspec.Meta(max_length=50)] = ()
    holidays: Annotated[tuple[Day, ...], msgspec.Meta(max_length=500)] = ()
    closures: Annotated[tuple[Closure, ...], msgspec.Meta(max_length=100)] = ()
    languages: Annotated[tuple[Name, ...], msgspec.Meta(max_length=50)] = ()
    departments: Annotated[tuple[Department, ...], msgspec.Meta(max_length=50)] = ()
    escalation: Annotated[tuple[Name, ...], msgspec.Meta(max_length=20)] = ()
    complaints_a_week: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] | None = None
    confidential: Annotated[tuple[Name, ...], msgspec.Meta(max_length=50)] = ()
    staff: Annotated[tuple[Name, ...], msgspec.Meta(max_length=500)] = ()
