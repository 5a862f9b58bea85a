"""What is wrong with a list of units. In: Units that belong together. Out: Problems, each a sentence of its own.

The one rule: whoever wrote the list learns all of its mistakes at once: which unit, what, and what to do.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from itertools import islice

import msgspec

from pipeline.directory import ALIAS_UNITS_MAX, NETWORKS, Directory, Ids, is_telling, split_handle, words
from pipeline.local_time import known_zones
from pipeline.positions import CELL_UNITS_MAX
from pipeline.taxonomy_file import shipped_causes
from schemas.unit import Unit


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
    UNKNOWN_CAUSE = "unknown_cause"
    NO_HEAD_OFFICE = "no_head_office"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong. `detail` is a sentence of its own: which unit, what, and what to do."""

    unit_id: str
    field: str
    reason: ProblemReason
    detail: str


def check(units: Sequence[Unit], causes: Collection[str] = ()) -> list[Problem]:
    """What is wrong with units that belong together, in their order. `causes`: severe ones that are known beside the
    shipped ones. Reads the names of the time zones, once a call."""
    directory = Directory(units)
    zones = known_zones()
    seen: dict[str, str] = {}
    problems: list[Problem] = []
    for unit in units:
        if (other := seen.setdefault(unit.id.lower(), unit.id)) != unit.id:
            reason, what = ProblemReason.ID_DIFFERS_BY_CASE, f"differs from {other!r} only by upper and lower case"
            problems.append(_problem(unit, "id", reason, f"{what}, which metrics and people take for one; rename one"))
        problems += (_problem(unit, *found) for found in _check_unit(unit, directory, zones))
        problems += (_problem(unit, *found) for found in _check_confidential(unit, directory, causes))
    for unit_id, count in Counter(unit.id for unit in units).items():
        if count > 1:
            why = f"stands there {count} times; give each unit an id of its own"
            problems.append(_problem(directory.units[unit_id], "id", ProblemReason.DUPLICATE_ID, why))
    return problems


Found = tuple[str, ProblemReason, str]


def _check_unit(unit: Unit, directory: Directory, zones: frozenset[str]) -> Iterator[Found]:
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
            unit, *(directory.by_handle(where, name) for where in ([network] if network else NETWORKS))
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


def _check_confidential(unit: Unit, directory: Directory, causes: Collection[str]) -> Iterator[Found]:
    known = {*shipped_causes(), *causes}
    for cause in unit.confidential:
        if cause not in known:
            near = get_close_matches(cause, known, 1)
            write = f"did you mean {near[0]!r}?" if near else f"write one of {', '.join(sorted(known)[:30])}"
            yield "confidential", ProblemReason.UNKNOWN_CAUSE, f"{cause!r} is no severe cause; {write}"
    if unit.confidential and unit.parent is None and not directory.has_below(unit.id):
        why = "there is no unit above it that could be told instead; give it a `parent`, or take the causes out"
        yield "confidential", ProblemReason.NO_HEAD_OFFICE, why


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
