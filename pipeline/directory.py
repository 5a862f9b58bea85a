"""The units and how they are found. In: Units. Out: a snapshot that knows who is above whom, and which unit a handle, a
hashtag, a place, a position or a name in a text means. What is wrong with a list of units is `directory_check.py`'s.

The one rule: a look-up costs the same for ten units as for ten thousand. Texts are compared folded: case and accents
do not count. A handle is `@name` for all networks, or `x:name` for one of them.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Final, get_args

from pipeline.positions import Positions
from pipeline.text.fold import fold, unaccented
from pipeline.text.staff import Staff
from schemas.event import Ancestor
from schemas.unit import Unit
from schemas.vocabulary import Network

ALIAS_UNITS_MAX: Final = 100
"""An alias that more units share says nothing, and would make a look-up cost more with every unit."""

NETWORKS: Final[tuple[str, ...]] = get_args(Network)
UNSAID: Final = "other"
"""The industry of a unit that says none."""

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

    def confidential(self, unit_id: str) -> tuple[str, ...]:
        """The causes that go to head office only: a unit's own, then those of the units above it, each once."""
        unit = self.units.get(unit_id)
        found = dict.fromkeys(unit.confidential if unit is not None else ())
        for above in self._above(unit_id):
            found.update(dict.fromkeys(above.confidential))
        return tuple(found)

    def complaints_a_week(self, unit_id: str) -> float | None:
        """What is usual at units like this one: what it says itself, or the nearest unit above that says so."""
        unit = self.units.get(unit_id)
        own = (unit,) if unit is not None else ()
        said = (one.complaints_a_week for one in (*own, *self._above(unit_id)))
        return next((one for one in said if one is not None), None)

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
    return (network, fold_handle(name)) if colon and network in NETWORKS else ("", fold_handle(handle))


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
