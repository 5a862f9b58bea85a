"""Which units a post is about. In: what the post says and shows, the units of its thread, the directory. Out: the units
with the rule that found them, or why there is none and which it might have been.

The one rule: a clue that fits several units is never decided by chance. The rules are ranked; the first that finds
units decides. What it leaves open, a weaker one may settle, and only by choosing among what is left: a brand's handle
and the name of one of its stores mean the store. What stays open goes to a person.

Another clue is one more keyword of `route`, one more Rule, and one more thing that _Clues finds.
"""

import re
from enum import StrEnum
from typing import Final

import msgspec

from pipeline.directory import ALIAS_UNITS_MAX, Directory, Ids
from schemas.insight import Routing
from schemas.unrouted import Candidate

CONCERNED_MAX: Final = 20
"""Who mentions more units than this in one post speaks to none of them."""


class Rule(StrEnum):
    """What decided, from the strongest to the weakest."""

    HINT = "hint"
    PLACE = "place"
    HINT_NAME = "hint_name"
    HANDLE = "handle"
    THREAD = "thread"
    ALIAS = "alias"
    HASHTAG = "hashtag"
    POSITION = "position"


class UnroutedReason(StrEnum):
    """Why there is no unit. The last two are decided elsewhere: by feedback's own `unit_id`, and by deletes."""

    NO_CLUE = "no_clue"
    AMBIGUOUS = "ambiguous"
    UNKNOWN_HINT = "unknown_hint"
    TOO_MANY = "too_many"
    UNKNOWN_UNIT = "unknown_unit"
    UNKNOWN_POST = "unknown_post"


class Routed(msgspec.Struct, frozen=True):
    """One unit that is concerned, and why."""

    unit_id: str
    routing: Routing


class NoUnit(msgspec.Struct, frozen=True):
    """`reason` is a value of UnroutedReason. `candidates`: the most likely first, at most 20."""

    reason: str
    candidates: tuple[Candidate, ...] = ()


_ROUTINGS: Final = {
    Rule.HINT: Routing(rule="hint", confidence=0.99),
    Rule.PLACE: Routing(rule="place", confidence=0.97),
    Rule.HINT_NAME: Routing(rule="hint_name", confidence=0.95),
    Rule.HANDLE: Routing(rule="handle", confidence=0.93),
    Rule.THREAD: Routing(rule="thread", confidence=0.85),
    Rule.ALIAS: Routing(rule="alias", confidence=0.8),
    Rule.HASHTAG: Routing(rule="hashtag", confidence=0.7),
    Rule.POSITION: Routing(rule="position", confidence=0.65),
}

_WEAKER: Final = {
    rule: tuple(list(Rule)[max(list(Rule).index(rule) + 1, list(Rule).index(Rule.HANDLE)) :]) for rule in Rule
}
"""The rules that may settle what a stronger one leaves open."""

_MENTION: Final = re.compile(r"@(?<![\w@/]@)(\w{1,64}(?:[.-]\w{1,64}){0,4}(?:@\w{1,64}(?:[.-]\w{1,64}){0,4})?)")
"""`@name`, `@name.host`, `@name@host`; not the host of an e-mail address, not a part of a web address."""
_ADDRESS: Final = re.compile(r"://\S*|@[\w.@-]+")
_HASHTAG: Final = re.compile(r"#(?<![\w&/#]#)(\w{1,100})")


def route(
    *,
    network: str,
    text: str,
    hint: str | None = None,
    place_id: str | None = None,
    position: tuple[float, float] | None = None,
    thread_units: tuple[str, ...] = (),
    directory: Directory,
) -> list[Routed] | NoUnit:
    """The units that a post is about, sorted by id. `hint` is what the connector knows: a unit's id, or its name.
    `position` is where it was written, latitude and longitude in degrees. `thread_units` are the units that the post
    which this one answers is about."""
    if hint and (hint := hint.strip()) in directory.units:
        return [Routed(hint, _ROUTINGS[Rule.HINT])]
    clues = _Clues(network, text, position, thread_units, directory)
    if place_id and (found := directory.by_place_id(place_id)):
        return _one_of(Rule.PLACE, found, clues)
    if hint and (found := directory.by_alias(hint)):
        return _one_of(Rule.HINT_NAME, found, clues)
    if clues.handles:
        return _by_handles(clues)
    if clues.thread:
        concerned: dict[str, Rule] = {}
        for unit_id in clues.thread:
            concerned |= _at_or_below(unit_id, Rule.THREAD, clues)
        return _concerned(concerned, directory)
    for rule in (Rule.ALIAS, Rule.HASHTAG, Rule.POSITION):
        if found := clues.units(rule):
            return _one_of(rule, found, clues)
    return NoUnit(UnroutedReason.UNKNOWN_HINT if hint else UnroutedReason.NO_CLUE)


class _Clues:
    """What the weaker rules find. Names, hashtags and positions are looked for once, and only if somebody asks."""

    def __init__(
        self,
        network: str,
        text: str,
        position: tuple[float, float] | None,
        thread_units: tuple[str, ...],
        directory: Directory,
    ) -> None:
        self.directory = directory
        self._text = text
        self._position = position
        self._found: dict[Rule, Ids] = {}
        known = [unit_id for unit_id in thread_units if unit_id in directory.units] if thread_units else []
        self.thread = directory.lowest(known)
        self.handles: list[Ids] = []
        """The units of each handle in the text that is a unit's."""
        if "@" in text:
            for name in dict.fromkeys(_MENTION.findall(text)):
                if ids := _by_mention(network, name, directory):
                    self.handles.append(ids)

    def units(self, rule: Rule) -> Ids:
        """All that one of the weaker rules finds; without units that stand above others of them, but for handles."""
        if rule is Rule.HANDLE:
            return tuple(unit_id for ids in self.handles for unit_id in ids)
        if rule is Rule.THREAD:
            return self.thread
        found = self._found.get(rule)
        if found is None:
            find = {Rule.ALIAS: self._by_name, Rule.HASHTAG: self._by_hashtag, Rule.POSITION: self._by_position}[rule]
            found = self._found[rule] = find()
        return found

    def _by_name(self) -> Ids:
        """A name that several units share means those whose brand or region is named too: "Acme in Kiel"."""
        directory = self.directory
        names = dict.fromkeys(directory.names_in(_spoken(self._text)))
        said = {unit_id for ids in names for unit_id in ids}
        meant: set[str] = set()
        for ids in names:
            called = [one for one in ids if directory.is_below(one, said)] if len(ids) > 1 and len(names) > 1 else ()
            meant.update(called or ids)
        return directory.lowest(meant)

    def _by_hashtag(self) -> Ids:
        found = [self.directory.by_hashtag(tag) for tag in _HASHTAG.findall(self._text)]
        return self.directory.lowest({one for ids in found if len(ids) <= ALIAS_UNITS_MAX for one in ids})

    def _by_position(self) -> Ids:
        """The nearest first: within one circle that is how likely they are."""
        found = self.directory.around(*self._position) if self._position is not None else ()
        lowest = self.directory.lowest(found)
        return tuple([unit_id for unit_id in found if unit_id in lowest])


def _by_mention(network: str, name: str, directory: Directory) -> Ids:
    """`@united.Thanks` is `@united` and the next sentence, if it is nothing longer."""
    while not (ids := directory.by_handle(network, name)):
        end = max(name.rfind("."), name.rfind("-"), name.rfind("@"))
        if end < 1:
            break
        name = name[:end]
    return ids


def _spoken(text: str) -> str:
    """A text without mentions and addresses: `@kiel` is somebody, and not the town. The word in their place keeps apart
    what stood before and behind them."""
    return _ADDRESS.sub(" _ ", text) if "@" in text or "://" in text else text


def _by_handles(clues: _Clues) -> list[Routed] | NoUnit:
    """Each unit whose own handle is mentioned is concerned. A handle that several share is settled by weaker rules."""
    directory = clues.directory
    own = directory.lowest({ids[0] for ids in clues.handles if len(ids) == 1})
    if not own:
        return _one_of(Rule.HANDLE, clues.units(Rule.HANDLE), clues)
    if len(own) > CONCERNED_MAX:
        return _open(UnroutedReason.TOO_MANY, Rule.HANDLE, own)
    concerned: dict[str, Rule] = {}
    for unit_id in own:
        concerned |= _at_or_below(unit_id, Rule.HANDLE, clues)
    return _concerned(concerned, directory)


def _at_or_below(unit_id: str, rule: Rule, clues: _Clues) -> dict[str, Rule]:
    """The unit that a rule found, or the one below it that a weaker rule names."""
    if not clues.directory.has_below(unit_id):
        return {unit_id: rule}
    return _choose((unit_id,), rule, clues) or {unit_id: rule}


def _one_of(rule: Rule, found: Ids, clues: _Clues) -> list[Routed] | NoUnit:
    """The only unit that a rule found or one below it, or the one of several that a weaker rule chooses."""
    if len(found) > ALIAS_UNITS_MAX:
        return _open(UnroutedReason.TOO_MANY, rule, found)
    group = clues.directory.lowest(set(found))
    if len(group) == 1:
        return _concerned(_at_or_below(group[0], rule, clues), clues.directory)
    chosen = _choose(group, rule, clues)
    if chosen:
        return _concerned(chosen, clues.directory)
    return _open(UnroutedReason.AMBIGUOUS, rule, found if rule is Rule.POSITION else group)


def _choose(group: Ids, above: Rule, clues: _Clues) -> dict[str, Rule]:
    """What the first weaker rule that is sure chooses among a group and the units below it; of a single unit only
    those below. A brand chooses its own among the group. Nothing if none is sure. A thread may be about several units,
    and then its answers are too."""
    directory = clues.directory
    for rule in _WEAKER[above]:
        found = set(clues.units(rule))
        fits = {one for one in found if directory.is_below(one, group)}
        if len(group) > 1:
            fits |= {one for one in group if one in found or directory.is_below(one, found)}
        fitting = directory.lowest(fits)
        if len(fitting) == 1 or (fitting and rule is Rule.THREAD):
            return dict.fromkeys(fitting, rule)
    return {}


def _concerned(units: dict[str, Rule], directory: Directory) -> list[Routed] | NoUnit:
    ids = directory.lowest(units)
    if len(ids) > CONCERNED_MAX:
        return _open(UnroutedReason.TOO_MANY, units[ids[0]], ids)
    return [Routed(unit_id, _ROUTINGS[units[unit_id]]) for unit_id in ids]


def _open(reason: UnroutedReason, rule: Rule, ids: Ids) -> NoUnit:
    """Nobody can say; each of the units is about as likely as the others."""
    confidence = round(_ROUTINGS[rule].confidence / len(ids), 4)
    listed = (ids if rule is Rule.POSITION else sorted(ids))[:CONCERNED_MAX]
    return NoUnit(reason, tuple(Candidate(unit_id=one, rule=rule.value, confidence=confidence) for one in listed))
