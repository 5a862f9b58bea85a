"""Phrases in a text, all at once: patterns -> an automaton of words; a list of words -> which patterns stand where.

A pattern is made of words, with a space between them:

- `late` that word; `late|delayed` one of them; `wait*` any word that begins so (at least three letters);
- `0` a number in digits; `0th` an ordinal ("3rd");
- `(really|so)` in brackets: may be missing; `..` up to three other words; `{time}` any word of the set of that name.

The one rule: a word costs one look-up for each phrase that it may be in, however many patterns there are. The
automaton is made deterministic as texts come, and what was made is kept within a bound.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Generic, NamedTuple, TypeVar

GAP_MAX: Final = 3
"""Words that `..` stands for, at most."""
PATTERN_LENGTH_MAX: Final = 2_000
VARIANTS_MAX: Final = 64
"""Ways to leave parts of one pattern out."""
KEPT_MAX: Final = 100_000
"""Words, and states of the automaton, that are kept."""

_PART: Final = re.compile(r"[^\s()|*{}]+\*?(?:\|[^\s()|*{}]+\*?)*|\.\.")
_SET: Final = re.compile(r"\{([a-z_]*)\}")
_ORDINAL: Final = re.compile(r"\d+(?:st|nd|rd|th)\Z")
_GAP: Final = ".."

Value = TypeVar("Value")


class PatternError(ValueError):
    """A pattern that cannot be read; the message says which and why."""


class Found(NamedTuple, Generic[Value]):
    """A pattern that stands in the words from `start` up to `end` (not included)."""

    start: int
    end: int
    value: Value


class _Node(Generic[Value]):
    """A place in the patterns: which node follows on a part, which after a gap, which patterns end here, each with its
    place among all patterns."""

    __slots__ = ("children", "gap", "number", "values")

    def __init__(self, number: int) -> None:
        self.number = number
        self.children: dict[str, _Node[Value]] = {}
        self.gap: _Node[Value] | None = None
        self.values: dict[Value, int] = {}


class _State(Generic[Value]):
    """Several places at once, each with the number of words that may still be passed over; `next` by kind of word."""

    __slots__ = ("next", "places", "values")

    def __init__(self, places: "tuple[tuple[_Node[Value], int], ...]") -> None:
        self.places = places
        self.next: dict[int, _State[Value] | None] = {}
        values = {value: place for node, passed in places if passed < 0 for value, place in node.values.items()}
        self.values = tuple(sorted(values, key=values.__getitem__))
        """What ends here, in the order of the patterns."""


class Phrases(Generic[Value]):
    """`patterns`: pairs of a pattern and what it means (hashable). `sets`: names -> words, as in a pattern
    ("hour|day*"). Raises PatternError."""

    def __init__(self, patterns: Iterable[tuple[str, Value]], sets: Mapping[str, str] = MappingProxyType({})) -> None:
        self._nodes = 0
        self._root: _Node[Value] = self._node()
        self._parts_of: dict[str, set[str]] = defaultdict(set)
        self._kinds: dict[tuple[str, ...], int] = {(): 0}
        self._parts: list[tuple[str, ...]] = [()]
        for place, (pattern, value) in enumerate(patterns):
            for sequence in _sequences(pattern, sets):
                self._add(sequence, value, place)
        self._prefix_lengths = sorted({len(word) - 1 for word in self._parts_of if word[-1] == "*"})
        self._kind_of: dict[str, int] = {}
        self._states: dict[tuple[tuple[int, int], ...], _State[Value]] = {}
        self._start = _State(((self._root, -1),))

    @property
    def vocabulary(self) -> set[str]:
        """All whole words of the patterns."""
        return {word for word in self._parts_of if word.isalpha()}

    def find(self, words: Sequence[str]) -> list[Found[Value]]:
        """All patterns that stand in the words, those within others too; by start, then by end."""
        known = self._kind_of
        kinds = [known[word] if word in known else self._kind(word) for word in words]
        count = len(kinds)
        found: list[Found[Value]] = []
        first = self._start
        for start, kind in enumerate(kinds):
            if not kind:
                continue
            state = first.next[kind] if kind in first.next else self._follow(first, kind)
            place = start
            while state is not None:
                place += 1
                for value in state.values:
                    found.append(Found(start, place, value))
                if place == count:
                    break
                kind = kinds[place]
                state = state.next[kind] if kind in state.next else self._follow(state, kind)
        return found

    def _follow(self, state: _State[Value], kind: int) -> _State[Value] | None:
        """The state after a word of that kind; None if no pattern goes on."""
        places: dict[tuple[int, int], tuple[_Node[Value], int]] = {}

        def reach(node: _Node[Value], passed: int) -> None:
            places[node.number, passed] = (node, passed)

        parts = self._parts[kind]
        for node, passed in state.places:
            for part in parts:
                if (child := node.children.get(part)) is not None:
                    reach(child, -1)
                    if child.gap is not None:
                        reach(child.gap, GAP_MAX)
            if passed > 0:
                reach(node, passed - 1)
        following: _State[Value] | None = None
        if places:
            key = tuple(sorted(places))
            if len(self._states) >= KEPT_MAX:
                self._states.clear()
                self._start = _State(((self._root, -1),))
            if (following := self._states.get(key)) is None:
                following = self._states[key] = _State(tuple(places[one] for one in key))
        state.next[kind] = following
        return following

    def _node(self) -> _Node[Value]:
        self._nodes += 1
        return _Node(self._nodes)

    def _add(self, sequence: Sequence[str], value: Value, place: int) -> None:
        node = self._root
        for part in sequence:
            if part == _GAP:
                node.gap = node.gap or self._node()
                node = node.gap
                continue
            for word in part.split("|"):
                self._parts_of[word].add(part)
            if part not in node.children:
                node.children[part] = self._node()
            node = node.children[part]
        node.values.setdefault(value, place)

    def _kind(self, word: str) -> int:
        """Words that fit the same parts of patterns are of one kind; 0 fits none."""
        fitting: set[str] = set()
        if word[:1].isdigit():
            fitting |= self._parts_of.get("0th" if _ORDINAL.match(word) else "0", set())
        if word not in ("0", "0th"):
            fitting |= self._parts_of.get(word, set())
        for length in self._prefix_lengths:
            if len(word) < length:
                break
            fitting |= self._parts_of.get(word[:length] + "*", set())
        parts = tuple(sorted(fitting))
        kind = self._kinds.setdefault(parts, len(self._parts))
        if kind == len(self._parts):
            self._parts.append(parts)
        if len(self._kind_of) >= KEPT_MAX:
            self._kind_of.clear()
        self._kind_of[word] = kind
        return kind


def longest(found: Iterable[Found[Value]]) -> list[Found[Value]]:
    """Of those that overlap the longest, of equally long ones the first; by start."""
    chosen: list[Found[Value]] = []
    taken: set[int] = set()
    for one in sorted(found, key=lambda one: (one.start - one.end, one.start)):
        if taken.isdisjoint(range(one.start, one.end)):
            taken.update(range(one.start, one.end))
            chosen.append(one)
    return sorted(chosen, key=lambda one: one.start)


def _sequences(pattern: str, sets: Mapping[str, str]) -> list[tuple[str, ...]]:
    """A pattern -> the sequences of parts that it stands for: with and without those in brackets."""

    def words_of(name: re.Match[str]) -> str:
        if (words := sets.get(name[1])) is None:
            raise PatternError(f"the pattern {pattern!r} names a set {name[0]} that there is not")
        return words

    whole = _SET.sub(words_of, pattern)
    if len(whole) > PATTERN_LENGTH_MAX:
        raise PatternError(f"the pattern {pattern[:40]!r}… has more than {PATTERN_LENGTH_MAX} characters")
    sequences: list[tuple[str, ...]] = [()]
    for part in whole.split():
        optional = part.startswith("(") and part.endswith(")")
        inner = part[1:-1] if optional else part
        if not _PART.fullmatch(inner):
            raise PatternError(f"the pattern {pattern!r} has a part that cannot be read: {part!r}")
        if any(word.endswith("*") and len(word) < 4 for word in inner.split("|")):
            raise PatternError(f"the pattern {pattern!r}: `*` needs at least three letters before it, in {part!r}")
        longer = [(*sequence, inner) for sequence in sequences]
        sequences = sequences + longer if optional else longer
        if len(sequences) > VARIANTS_MAX:
            raise PatternError(f"the pattern {pattern!r} has too many parts in brackets")
    given = [sequence for sequence in sequences if sequence]
    if not given or any(sequence[0] == _GAP or sequence[-1] == _GAP for sequence in given):
        raise PatternError(f"the pattern {pattern!r} must begin and end with a word that cannot be missing")
    return given
