"""The units and how they are found. In: Units. Out: a snapshot that knows who is above whom, and which unit a handle, a
hashtag, a place, a position or a name in a text means; and what is wrong with a list of units, in sentences.

The one rule: a look-up costs the same for ten units as for ten thousand. Texts are compared folded: case and accents
do not count. A handle is `@name` for all networks, or `x:name` for one of them.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import Final, get_args
from zoneinfo import available_timezones

import msgspec

from pipeline.positions import CELL_UNITS_MAX, Positions
from pipeline.text.fold import fold, unaccented
from pipeline.text.staff import Staff
from schemas.event import Ancestor
from schemas.unit import Unit
from schemas.vocabulary import Network

ALIAS_UNITS_MAX: Final = 100
"""An alias that more units share says nothing, and would make a look-up cost more with every unit."""

UNSAID: Final = "other"
"""The industry of a unit that says none."""

_NETWORKS: Final[tuple[str, ...]] = get_args(Network)

_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
"""Scripts without spaces between words, or with endings glued to names: each character counts as a word."""
_WORD: Final = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_ASCII_WORD: Final = re.compile(r"\w+", re.ASCII)
_APOSTROPHE: Final = re.compile(r"(?<=\w)['’](?=\w)")

Ids = tuple[str, ...]
"""Ids of units, sorted."""


class Directory:
    """An immutable snapshot. Of units with the same id the last one counts, as in `cem.units`."""

    def __init__(self, units: Iterable[Unit], version: int = 0) -> None:
        self.version: Final = version
        self.units: Final[Mapping[str, Unit]] = MappingProxyType({unit.id: unit for unit in units})

    # Above and below

    def ancestors(self, unit_id: str) -> tuple[Ancestor, ...]:
        """The units above, from the nearest up. Ends at a parent that is unknown or has been met before."""
        return tuple(Ancestor(id=unit.id, kind=unit.kind, name=unit.name) for unit in self._above(unit_id))

    def descendants(self, unit_id: str) -> set[str]:
        """All units below, without itself. Also of a unit that is not there, but that others name as their parent."""
        found: set[str] = set()
        waiting = [unit_id]
        while waiting:
            for child in self._children.get(waiting.pop(), ()):
                if child != unit_id and child not in found:
                    found.add(child)
                    waiting.append(child)
        return found

    def is_above(self, above: str, below: str) -> bool:
        """Whether one unit is the region or brand of the other. Nothing is above itself."""
        return above != below and self.is_below(below, (above,))

    def is_below(self, unit_id: str, others: Collection[str]) -> bool:
        """Whether one of the others is its region or brand. Costs the same for any number in a set."""
        return any(unit.id in others for unit in self._above(unit_id))

    def industry_of(self, unit_id: str) -> str:
        """A unit's industry: its own, or that of the nearest above it that says one; "other" if none does."""
        unit = self.units.get(unit_id)
        if unit is None or unit.industry != UNSAID:
            return UNSAID if unit is None else unit.industry
        return next((above.industry for above in self._above(unit_id) if above.industry != UNSAID), UNSAID)

    def has_below(self, unit_id: str) -> bool:
        """Whether any unit names this one as its parent."""
        return unit_id in self._children

    def lowest(self, unit_ids: Collection[str]) -> Ids:
        """Those that are above none of the others, sorted: a store rather than its brand."""
        if len(unit_ids) < 2:
            return tuple(unit_ids)
        above = {unit.id for unit_id in unit_ids for unit in self._above(unit_id)}
        return _sorted(set(unit_ids) - above or set(unit_ids))  # in a circle all are above each other

    def _above(self, unit_id: str) -> Iterator[Unit]:
        seen = {unit_id}
        unit = self.units.get(unit_id)
        while unit is not None and unit.parent is not None and unit.parent not in seen:
            seen.add(unit.parent)
            unit = self.units.get(unit.parent)
            if unit is not None:
                yield unit

    # What means a unit

    def by_handle(self, network: str, handle: str) -> Ids:
        """The units with that handle on that network, or on all. With or without `@`, in any case."""
        name = fold_handle(handle)
        everywhere, here = self._with_handle("", name), self._with_handle(network, name)
        return _sorted({*everywhere, *here}) if here and everywhere else here or everywhere

    def _with_handle(self, network: str, name: str) -> Ids:
        handles = self._handles.get(network)
        return handles.get(name, ()) if handles else ()

    def by_hashtag(self, hashtag: str) -> Ids:
        """The units with that hashtag, with or without `#`."""
        return self._hashtags.get(fold(hashtag.strip().lstrip("#")), ())

    def by_place_id(self, place_id: str) -> Ids:
        """The units at a network's place."""
        return self._places.get(place_id, ())

    def around(self, latitude: float, longitude: float) -> Ids:
        """The units that have a position within their radius, the nearest first."""
        return self._positions.around(latitude, longitude)

    def by_alias(self, alias: str) -> Ids:
        """The units with exactly this alias or name. In texts, names are looked for only where they are a brand's."""
        said = " ".join(words(alias))
        return _sorted({*self._aliases.get(said, ()), *self._names.get(said, ())})

    def names_in(self, text: str) -> list[Ids]:
        """What stands in a text as whole words, in its order: for each alias the units that have it, for each brand's
        name the brand. A name inside of a longer one that stands there too ("Fern Hill" in "Fern Hill North") does not
        count, nor one that too many units share. A brand's name counts with a capital or as the brand writes it only:
        "Gap", and not a gap."""
        said = words(text)
        lengths = self._lengths
        if lengths.keys().isdisjoint(said):
            return []
        found: list[Ids] = []
        reached = 0
        for start, word in enumerate(said):
            for length in lengths.get(word, ()):
                end = start + length
                if end <= reached:
                    break
                units = self._named(" ".join(said[start:end]), text) if end <= len(said) else ()
                if units:
                    if len(units) <= ALIAS_UNITS_MAX:
                        found.append(units)
                    reached = end
                    break
        return found

    def _named(self, phrase: str, text: str) -> Ids:
        units = self._aliases.get(phrase, ())
        brands = self._brands.get(phrase)
        if brands is None:
            return units
        plain = _as_written(text)
        written = [unit_id for name, unit_id in brands if any(form in plain for form in _forms(name))]
        return _sorted({*units, *written})

    def owner_of(self, network: str, handle: str | None, author_id: str | None) -> str | None:
        """The unit whose own account wrote something, else None. An author's id counts where the unit names it for
        that network (`facebook:1234567`); a handle without a network counts on all of them."""
        owners = self.by_handle(network, handle) if handle else ()
        if not owners and author_id and network in self._handles:
            owners = self._with_handle(network, fold_handle(author_id))
        return owners[0] if owners else None

    # Indexes. Made when first asked for, because a snapshot between two changes may never be asked.

    @cached_property
    def _children(self) -> dict[str, Ids]:
        return _index((unit.parent, unit.id) for unit in self.units.values() if unit.parent is not None)

    @cached_property
    def _handles(self) -> dict[str, dict[str, Ids]]:
        """Network ("" for all of them) -> folded name -> the units."""
        pairs = [(split_handle(handle), unit.id) for unit in self.units.values() for handle in unit.handles]
        return {
            network: _index((name, unit_id) for (where, name), unit_id in pairs if where == network)
            for network in {where for (where, _), _ in pairs}
        }

    @cached_property
    def _hashtags(self) -> dict[str, Ids]:
        return _index((fold(tag.strip().lstrip("#")), unit.id) for unit in self.units.values() for tag in unit.hashtags)

    @cached_property
    def _places(self) -> dict[str, Ids]:
        return _index((place, unit.id) for unit in self.units.values() for place in unit.place_ids)

    @cached_property
    def _names(self) -> dict[str, Ids]:
        return _index((" ".join(words(unit.name)), unit.id) for unit in self.units.values())

    @cached_property
    def _aliases(self) -> dict[str, Ids]:
        return _index(
            (" ".join(spelled), unit.id)
            for unit in self.units.values()
            for alias in unit.aliases
            for spelled in _spellings(alias)
        )

    @cached_property
    def _brands(self) -> dict[str, list[tuple[str, str]]]:
        """Folded name of a brand -> the name as it is written, without accents, and the brand."""
        brands: dict[str, list[tuple[str, str]]] = {}
        for unit in self.units.values():
            if unit.kind == "brand":
                for name in (unit.name, _APOSTROPHE.sub("", unit.name)):
                    if is_telling(said := words(name)):
                        brands.setdefault(" ".join(said), []).append((_as_written(name), unit.id))
        return brands

    @cached_property
    def staff(self) -> Staff:
        """The names of people that units list."""
        return Staff((unit.id, unit.staff) for unit in self.units.values() if unit.staff)

    @cached_property
    def _positions(self) -> Positions:
        return Positions((unit.id, unit.position) for unit in self.units.values() if unit.position is not None)

    @cached_property
    def _lengths(self) -> dict[str, tuple[int, ...]]:
        """First word of an alias or brand's name -> how many words such names have, the longest first."""
        lengths: dict[str, set[int]] = {}
        for alias in (*self._aliases, *self._brands):
            lengths.setdefault(alias.partition(" ")[0], set()).add(alias.count(" ") + 1)
        return {word: tuple(sorted(found, reverse=True)) for word, found in lengths.items()}


def fold_handle(handle: str) -> str:
    """A handle without its first `@`, in lower case. Accents count: `@café` and `@cafe` are two accounts."""
    return handle.strip().removeprefix("@").casefold()


def split_handle(handle: str) -> tuple[str, str]:
    """A handle as the units file has it -> network ("" for all of them) and folded name."""
    network, colon, name = handle.strip().partition(":")
    return (network, fold_handle(name)) if colon and network in _NETWORKS else ("", fold_handle(handle))


def words(text: str) -> list[str]:
    """The words of a text, folded."""
    folded = fold(text)
    return (_ASCII_WORD if folded.isascii() else _WORD).findall(folded)


def is_telling(said: list[str]) -> bool:
    """Whether these words are long enough to be looked for in texts: three letters, or two signs of scripts in which
    each says more."""
    joined = "".join(said)
    return len(joined) >= (3 if joined.isascii() else 2)


def _as_written(text: str) -> str:
    return _APOSTROPHE.sub("'", unaccented(text))


def _forms(name: str) -> tuple[str, ...]:
    return name, name[:1].upper() + name[1:], name.upper()


def _spellings(alias: str) -> Iterator[list[str]]:
    """ "Joe's Diner" is also written "Joes Diner"."""
    if spelled := words(alias):
        yield spelled
    if _APOSTROPHE.search(alias):
        yield words(_APOSTROPHE.sub("", alias))


def _index(pairs: Iterable[tuple[str, str]]) -> dict[str, Ids]:
    """(key, unit) pairs -> the units of each key. An empty key means nothing."""
    index: dict[str, list[str]] = {}
    for key, unit_id in pairs:
        index.setdefault(key, []).append(unit_id)
    index.pop("", None)
    return {key: _sorted(set(ids)) if len(ids) > 1 else (ids[0],) for key, ids in index.items()}


def _sorted(ids: Iterable[str]) -> Ids:
    return tuple(sorted(ids))


# What is wrong with a list of units


class ProblemReason(StrEnum):
    """Why a list of units cannot be used as it is."""

    DUPLICATE_ID = "duplicate_id"
    ID_DIFFERS_BY_CASE = "id_differs_by_case"
    DUPLICATE_HANDLE = "duplicate_handle"
    DUPLICATE_PLACE_ID = "duplicate_place_id"
    UNKNOWN_PARENT = "unknown_parent"
    PARENT_CYCLE = "parent_cycle"
    UNKNOWN_TIME_ZONE = "unknown_time_zone"
    ALIAS_TOO_SHORT = "alias_too_short"
    ALIAS_TOO_COMMON = "alias_too_common"
    BAD_HANDLE = "bad_handle"
    BAD_HASHTAG = "bad_hashtag"
    POSITION_TOO_COMMON = "position_too_common"
    BAD_STAFF = "bad_staff"
    BAD_DAY = "bad_day"
    BAD_HOURS = "bad_hours"
    CLOSURE_REVERSED = "closure_reversed"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong. `detail` is a sentence of its own: which unit, what, and what to do."""

    unit_id: str
    field: str
    reason: ProblemReason
    detail: str


def check(units: Sequence[Unit]) -> list[Problem]:
    """What is wrong with units that belong together, in their order. Reads the names of the time zones, once a call."""
    directory = Directory(units)
    zones = available_timezones()
    seen: dict[str, str] = {}
    problems: list[Problem] = []
    for unit in units:
        if (other := seen.setdefault(unit.id.lower(), unit.id)) != unit.id:
            reason, what = ProblemReason.ID_DIFFERS_BY_CASE, f"differs from {other!r} only by upper and lower case"
            problems.append(_problem(unit, "id", reason, f"{what}, which metrics and people take for one; rename one"))
        problems += (_problem(unit, *found) for found in _check_unit(unit, directory, zones))
    for unit_id, count in Counter(unit.id for unit in units).items():
        if count > 1:
            why = f"stands there {count} times; give each unit an id of its own"
            problems.append(_problem(directory.units[unit_id], "id", ProblemReason.DUPLICATE_ID, why))
    return problems


Found = tuple[str, ProblemReason, str]


def _check_unit(unit: Unit, directory: Directory, zones: set[str]) -> Iterator[Found]:
    if unit.time_zone not in zones:
        near = get_close_matches(unit.time_zone, zones, 1) or ["Europe/Berlin"]
        what = f"{unit.time_zone!r} is no time zone; write a name of the IANA database such as {near[0]!r}"
        if not zones:
            what = "cannot be checked, because this machine has no time zones; install the package tzdata"
        yield "time_zone", ProblemReason.UNKNOWN_TIME_ZONE, what
    yield from _check_parent(unit, directory)
    yield from _check_clues(unit, directory)
    yield from _check_days(unit)


def _check_parent(unit: Unit, directory: Directory) -> Iterator[Found]:
    if unit.parent is None:
        return
    if unit.parent not in directory.units:
        yield (
            "parent",
            ProblemReason.UNKNOWN_PARENT,
            f"{unit.parent!r} is not among the units; add it or correct the id",
        )
        return
    line = [unit.id, *(above.id for above in directory.ancestors(unit.id))]
    if directory.units[line[-1]].parent == unit.id and unit.id == min(line):  # once for each cycle
        way = " -> ".join((*line, unit.id))
        yield "parent", ProblemReason.PARENT_CYCLE, f"leads back to itself ({way}); take one of these parents out"


def _check_clues(unit: Unit, directory: Directory) -> Iterator[Found]:
    for handle in unit.handles:
        network, name = split_handle(handle)
        if not name or re.search(r"\s|:", name.removeprefix("did:").removeprefix("plc:")):
            yield "handles", ProblemReason.BAD_HANDLE, f"{handle!r} is no handle; write it like '@name' or 'x:name'"
        elif others := _others(
            unit, *(directory.by_handle(where, name) for where in ([network] if network else _NETWORKS))
        ):
            why = f"{handle!r} is also a handle of {others}; leave it with the one whose account it is"
            yield "handles", ProblemReason.DUPLICATE_HANDLE, why
    for place in unit.place_ids:
        if others := _others(unit, directory.by_place_id(place)):
            why = f"{place!r} is also a place of {others}; leave it with one of them"
            yield "place_ids", ProblemReason.DUPLICATE_PLACE_ID, why
    for tag in unit.hashtags:
        if not re.fullmatch(r"#?\w+", tag.strip()):
            yield "hashtags", ProblemReason.BAD_HASHTAG, f"{tag!r} is no hashtag; write letters, digits and '_' only"
    for alias in unit.aliases:
        if not is_telling(words(alias)):
            why = f"{alias!r} is too short and would be found in many texts; use at least three letters"
            yield "aliases", ProblemReason.ALIAS_TOO_SHORT, why
        elif len(directory._aliases.get(" ".join(words(alias)), ())) > ALIAS_UNITS_MAX:
            why = f"{alias!r} is an alias of more than {ALIAS_UNITS_MAX} units and says nothing; give it to their brand"
            yield "aliases", ProblemReason.ALIAS_TOO_COMMON, why
    for name in unit.staff:
        if not any(len(word) > 1 for word in words(name)):
            why = f"{name!r} is no name; write it like 'Maria Gonzalez' or 'Maria', so that it is hidden in texts"
            yield "staff", ProblemReason.BAD_STAFF, why
    if (at := unit.position) is not None and unit.id not in directory.around(at.latitude, at.longitude):
        why = f"shares its surroundings with more than {CELL_UNITS_MAX} units and says nothing; make `radius_m` smaller"
        yield "position", ProblemReason.POSITION_TOO_COMMON, why


def _check_days(unit: Unit) -> Iterator[Found]:
    days = [("holidays", day) for day in unit.holidays]
    days += [("closures", day) for closure in unit.closures for day in (closure.first, closure.last)]
    bad = {day for _, day in days if not _is_day(day)}
    for field, day in days:
        if day in bad:
            yield field, ProblemReason.BAD_DAY, f"{day!r} is not in the calendar; write YYYY-MM-DD"
    for closure in unit.closures:
        if closure.last < closure.first and not {closure.first, closure.last} & bad:
            why = f"ends on {closure.last} before it begins on {closure.first}; exchange the two"
            yield "closures", ProblemReason.CLOSURE_REVERSED, why
    for hours in unit.opening_hours:
        if hours.opens >= "24:00" or hours.closes > "24:00":
            why = f"{hours.day} {hours.opens} to {hours.closes} is past midnight; a day goes from 00:00 to 24:00"
            yield "opening_hours", ProblemReason.BAD_HOURS, why


def _is_day(day: str) -> bool:
    try:
        return bool(date.fromisoformat(day))
    except ValueError:
        return False


def _others(unit: Unit, *found: Ids) -> str:
    """The first few other units, for a sentence; empty if there is none."""
    others = dict.fromkeys(islice((other for ids in found for other in ids if other != unit.id), 20))
    return ", ".join(map(repr, list(others)[:3])) + (" and others" if len(others) > 3 else "")


def _problem(unit: Unit, field: str, reason: ProblemReason, why: str) -> Problem:
    return Problem(unit_id=unit.id, field=field, reason=reason, detail=f"unit {unit.id!r}: `{field}`: {why}")
