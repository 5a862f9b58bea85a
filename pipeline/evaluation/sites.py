"""The units of a scenario: brands, regions, and local units of five trades with their rates and daily rhythms.

In: a random number generator and how many. Out: the units above, and Sites. The one rule: everything follows from the
generator that is given.
"""

import math
from collections.abc import Iterable
from random import Random
from typing import Any, get_args

import msgspec

from schemas.time import HOUR_MS
from schemas.unit import Department, Hours, Position, Unit, Weekday

QUIET = 0.5
_RATES = ((0.05, QUIET), (0.8, 4.0), (4.0, 10.0))
"""Mentions an hour. A third of the units each."""


class Site(msgspec.Struct, frozen=True):
    """A local unit, how much is said about it, and the hours between UTC and its own winter time."""

    unit: Unit
    rate: float
    utc_offset: int

    def mentions(self, at: int) -> float:
        """Expected mentions an hour at a time of the day: two peaks, a quiet night, the daily mean is `rate`."""
        hour = (at // HOUR_MS + self.utc_offset) % 24
        return self.rate * _RHYTHM[self.unit.industry][hour]


class Format(msgspec.Struct, frozen=True):
    """One kind of local unit of a brand, open on the first `days` of the week, with most mentions at two peaks."""

    brand: str
    trade: str
    kind: Any
    industry: Any
    days: int
    opens: str
    closes: str
    peaks: tuple[int, int]
    departments: tuple[str, ...]


FORMATS = (
    Format("Pellamoor", "Kitchen", "restaurant", "restaurant", 7, "11:00", "23:00", (13, 20),
           ("kitchen", "service", "operations", "billing")),
    Format("Brindlemark", "Market", "store", "retail", 6, "09:00", "20:00", (12, 18),
           ("products", "service", "operations", "billing")),
    Format("Brindlemark", "Bank", "branch", "bank", 5, "09:00", "17:00", (10, 16),
           ("accounts", "service", "digital", "billing")),
    Format("Quennex", "Motors", "dealership", "dealership", 6, "08:00", "18:00", (9, 17),
           ("workshop", "sales", "service", "billing")),
    Format("Pellamoor", "House", "hotel", "hotel", 7, "00:00", "24:00", (8, 21),
           ("rooms", "service", "operations", "billing")),
)  # fmt: skip
_REGIONS = (("north", "Europe/Dublin", 0), ("south", "Europe/Lisbon", 0), ("east", "Europe/Athens", 2))
_MINUTES = {"service": (30, 60, 480), "operations": (20, 60, 240), "billing": (60, 240, 1440)}
_PLACES = (
    "Fern Hill", "Tolver Cross", "Mallow Street", "Old Wharf", "Gildern Park", "Sennet Lane", "Harbour Steps",
    "Corvin Square", "Lantern Row", "Bexel Gate", "Orchard End", "Pinder Mill", "Station Yard", "Wickering", "Dunmere",
    "Castle Moat", "Rosevale", "Thornby", "Quarry Road", "Larkfield", "Marrow Bridge", "Osier Bend", "Saltern Quay",
    "Yarrow Green", "Hollin Court", "Kestrel Way", "Mottram Dell", "Nettle Corner", "Upper Vane", "Velley Heath",
    "Birch Arcade", "Crane Dock", "Estler Plaza", "Foundry Hall", "Glass Lane", "Juniper Rise", "Ivel Crossing",
    "Monk's Ferry", "Penny Meadow", "Raven Hythe",
)  # fmt: skip
_OWNERS = ("t.alder", "m.voss", "r.okafor", "l.santos", "k.lind", "p.moreau", "d.nowak", "s.hale", "a.rossi", "j.iyer")
_STAFF = (
    "Tessa Alder", "Milan Voss", "Rosa Okafor", "Luis Santos", "Karin Lind", "Paul Moreau", "Dana Nowak", "Sam Hale",
    "Anna Rossi", "Jaya Iyer",
)  # fmt: skip


def _rhythm(peaks: tuple[int, int]) -> tuple[float, ...]:
    def hill(hour: int, peak: int) -> float:
        return math.exp(-((((hour - peak + 12) % 24 - 12) / 3.0) ** 2))

    day = [0.12 + sum(hill(hour, peak) for peak in peaks) for hour in range(24)]
    return tuple(24 * value / sum(day) for value in day)


_RHYTHM = {form.industry: _rhythm(form.peaks) for form in FORMATS}


def directory(random: Random, count: int) -> tuple[list[Unit], list[Site]]:
    """Brands and regions; and local units, their rates spread evenly over the three classes in random order."""
    rates = [_RATES[place % len(_RATES)] for place in range(count)]
    random.shuffle(rates)
    sites = []
    for number, (low, high) in enumerate(rates):
        form, (region, zone, utc_offset) = FORMATS[number % len(FORMATS)], random.choice(_REGIONS)
        unit = local_unit(random, form, number, region, zone)
        sites.append(Site(unit, math.exp(random.uniform(math.log(low), math.log(high))), utc_offset))
    return parents((region, zone) for region, zone, _ in _REGIONS), sites


def parents(regions: Iterable[tuple[str, str]]) -> list[Unit]:
    """The brands, and in each the regions (name, time zone)."""
    brands, named = sorted({form.brand for form in FORMATS}), list(regions)
    found = [
        Unit(id=name.lower(), name=f"{name} Group", kind="brand", handles=(name.lower(),), hashtags=(name,),
             time_zone="Europe/Dublin", languages=("en",))
        for name in brands
    ]  # fmt: skip
    found += [
        Unit(id=f"{name.lower()}-{region}", name=f"{name} {region.title()}", kind="region", parent=name.lower(),
             time_zone=zone, languages=("en",), escalation=(name.lower(),))
        for name in brands for region, zone in named
    ]  # fmt: skip
    return found


def local_unit(random: Random, form: Format, number: int, region: str, zone: str) -> Unit:
    """The unit with this number; nothing that names it names another."""
    lap, at = divmod(number, len(_PLACES))
    place = _PLACES[at] if lap == 0 else f"{_PLACES[at]} {lap + 1}"
    joined = place.replace(" ", "").replace("'", "")
    days: tuple[Weekday, ...] = get_args(Weekday)[: form.days]
    return Unit(
        id=f"{form.trade}-{place}".lower().replace(" ", "-").replace("'", ""),
        name=f"{form.brand} {form.trade} {place}",
        kind=form.kind,
        industry=form.industry,
        parent=f"{form.brand.lower()}-{region}",
        aliases=(f"{form.brand} {place}", f"{place} {form.trade}"),
        handles=(f"{form.brand.lower()}_{joined.lower()}",),
        hashtags=(f"{form.brand}{joined}",),
        place_ids=(f"place-{random.getrandbits(40):010x}",),
        position=Position(latitude=round(random.uniform(38, 54), 5), longitude=round(random.uniform(-9, 23), 5)),
        time_zone=zone,
        opening_hours=tuple(Hours(day=day, opens=form.opens, closes=form.closes) for day in days),
        languages=("en",),
        departments=tuple(_department(random, name) for name in form.departments),
        escalation=(f"{form.brand.lower()}-{region}", form.brand.lower()),
        staff=(_STAFF[number % len(_STAFF)], _STAFF[(number + 3) % len(_STAFF)]),
    )


def _department(random: Random, name: str) -> Department:
    acknowledge, answer, resolve = _MINUTES.get(name, (30, 120, 720))
    return Department(name=name, owner=random.choice(_OWNERS), acknowledge_within=acknowledge, answer_within=answer,
                      resolve_within=resolve)  # fmt: skip
