"""The units and how they are found. In: Units. Out: a snapshot that knows who is above whom, and which unit a handle, a
hashtag, a place or a name in a text means; and what is wrong with a list of units, in sentences.

The one rule: a look-up costs the same for ten units as for ten thousand. Texts are compared folded: case and accents
do not count. A handle is `@name` for all networks, or `x:name` for one of them.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Final, get_args

from schemas.event import Ancestor
from schemas.unit import Unit
from schemas.vocabulary import Network

_NETWORKS: Final = frozenset(get_args(Network))

_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
"""Scripts without spaces between words, or with endings glued to names: each character counts as a word."""
_WORD: Final = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
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
        return above != below and any(unit.id == above for unit in self._above(below))

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
        everywhere, here = self._handles.get(name, ()), self._handles.get(f"{network}:{name}", ())
        return _sorted({*everywhere, *here}) if here and everywhere else here or everywhere

    def by_hashtag(self, hashtag: str) -> Ids:
        """The units with that hashtag, with or without `#`."""
        return self._hashtags.get(fold(hashtag.strip().lstrip("#")), ())

    def by_place_id(self, place_id: str) -> Ids:
        """The units at a network's place."""
        return self._places.get(place_id, ())

    def by_alias(self, alias: str) -> Ids:
        """The units with exactly this alias."""
        return self._aliases.get(" ".join(words(alias)), ())

    def by_name(self, name: str) -> Ids:
        """The units with exactly this name. Names are not looked for in texts; aliases are."""
        return self._names.get(" ".join(words(name)), ())

    def aliases_in(self, text: str) -> list[str]:
        """The units whose alias stands in a text as whole words, sorted. An alias inside of a longer one that stands
        there too ("Fern Hill" in "Fern Hill North") does not count."""
        said = words(text)
        found: set[str] = set()
        reached = 0
        for start, word in enumerate(said):
            for length in self._lengths.get(word, ()):
                end = start + length
                if end <= reached:
                    break
                units = self._aliases.get(" ".join(said[start:end])) if end <= len(said) else None
                if units is not None:
                    found.update(units)
                    reached = end
                    break
        return sorted(found)

    def owner_of(self, network: str, handle: str | None, author_id: str | None) -> str | None:
        """The unit whose own account wrote something, else None. An author's id counts where the unit names it for
        that network (`facebook:1234567`); a handle without a network counts on all of them."""
        owners = self.by_handle(network, handle) if handle else ()
        if not owners and author_id:
            owners = self._handles.get(f"{network}:{fold_handle(author_id)}", ())
        return owners[0] if owners else None

    # Indexes. Made when first asked for, because a snapshot between two changes may never be asked.

    @cached_property
    def _children(self) -> dict[str, Ids]:
        return _index((unit.parent, unit.id) for unit in self.units.values() if unit.parent is not None)

    @cached_property
    def _handles(self) -> dict[str, Ids]:
        return _index((handle_key(handle), unit.id) for unit in self.units.values() for handle in unit.handles)

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
    def _lengths(self) -> dict[str, tuple[int, ...]]:
        """First word of an alias -> how many words such aliases have, the longest first."""
        lengths: dict[str, set[int]] = {}
        for alias in self._aliases:
            lengths.setdefault(alias.partition(" ")[0], set()).add(alias.count(" ") + 1)
        return {word: tuple(sorted(found, reverse=True)) for word, found in lengths.items()}


def fold(text: str) -> str:
    """What two spellings of a word have in common: no case, no accents, no compatibility forms."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(char for char in apart if not unicodedata.combining(char)))


def fold_handle(handle: str) -> str:
    """A handle without its first `@`, in lower case. Accents count: `@café` and `@cafe` are two accounts."""
    return handle.strip().removeprefix("@").casefold()


def handle_key(handle: str) -> str:
    """A handle as the units file has it -> `name`, or `network:name` where it holds for one network only."""
    network, colon, name = handle.strip().partition(":")
    return f"{network}:{fold_handle(name)}" if colon and network in _NETWORKS else fold_handle(handle)


def words(text: str) -> list[str]:
    """The words of a text, folded."""
    return _WORD.findall(fold(text))


def _spellings(alias: str) -> Iterator[list[str]]:
    """"Joe's Diner" is also written "Joes Diner"."""
    if spelled := words(alias):
        yield spelled
    if _APOSTROPHE.search(alias):
        yield words(_APOSTROPHE.sub("", alias))


def _index(pairs: Iterable[tuple[str, str]]) -> dict[str, Ids]:
    """(key, unit) pairs -> the units of each key. An empty key means nothing."""
    index: dict[str, Ids] = {}
    for key, unit_id in pairs:
        known = index.get(key)
        if known is None:
            index[key] = (unit_id,)
        elif unit_id not in known:
            index[key] = _sorted({*known, unit_id})
    index.pop("", None)
    return index


def _sorted(ids: Iterable[str]) -> Ids:
    return tuple(sorted(ids))
