"""What many patterns of words have in common, as an automaton: words -> which of them stand where, in one pass.

In: sequences of parts (`phrases.py` says what a part is), each with whose it is and what it means. Out: for each owner
what was found. The rules: what a word can be is looked up once, and the rest goes by that; the automaton is made
deterministic as texts come, and all that is remembered of them is kept within a bound.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

GAP: Final = ".."
"""The part that stands for up to GAP_MAX other words."""
GAP_MAX: Final = 3
KEPT_MAX: Final = 100_000
"""Words, and states, that are kept."""

SIGN_BITS: Final = 28
"""A part of a sequence is one of so many bits (an integer of one digit, as Python stores it) in the signs of words and
states. If a word's sign and a state's have no bit in common, nothing goes on there: that is how most phrases end, and
it neither costs a look-up nor is remembered."""
_ANY: Final = 1 << SIGN_BITS
"""In the sign of every word, and of each state that any word may follow."""

_ORDINAL: Final = re.compile(r"\d+(?:st|nd|rd|th)\Z")


class Automaton:
    """Add all sequences, then look for them. `vocabulary`: all whole words of the sequences."""

    def __init__(self) -> None:
        self._nodes = 0
        self._root = self._node()
        self._parts_of: dict[str, set[str]] = defaultdict(set)
        self._prefix_lengths: list[int] = []
        self._kinds: dict[tuple[str, ...], int] = {(): 0}
        self._parts: list[tuple[str, ...]] = [()]
        self._bits: dict[str, int] = {}
        self._signs = [_ANY]
        self._kind_of = _Kinds(self._kind)
        self._states: dict[tuple[tuple[int, int], ...], _State] = {}
        self._start = _State((), ((self._root, -1),), 0, self._follow)

    @property
    def vocabulary(self) -> set[str]:
        return {word for word in self._parts_of if word.isalpha()}

    def add(self, sequence: Sequence[str], owner: int, value: Any, place: int) -> None:
        """`place` among all sequences: the order of what is found in the same words."""
        node = self._root
        for part in sequence:
            if part == GAP:
                node.gap = node.gap or self._node()
                node = node.gap
                continue
            self._bits.setdefault(part, 1 << len(self._bits) % SIGN_BITS)
            for word in part.split("|"):
                self._parts_of[word].add(part)
                if word[-1] == "*" and len(word) - 1 not in self._prefix_lengths:
                    self._prefix_lengths = sorted([*self._prefix_lengths, len(word) - 1])
            if part not in node.children:
                node.children[part] = self._node()
            node = node.children[part]
        node.values.setdefault((owner, value), place)

    def find(self, words: Sequence[str], owners: int = 1) -> list[list[tuple[int, int, Any]]]:
        """For each owner: start, end (not included) and value of all that stands in the words; by start, then by
        end."""
        found: list[list[tuple[int, int, Any]]] = [[] for _ in range(owners)]
        kinds = list(map(self._kind_of.__getitem__, words))
        signs = list(map(self._signs.__getitem__, kinds))
        signs.append(0)  # behind the last word nothing goes on
        state: _State | None
        for start, state in enumerate(map(self._start.__getitem__, kinds)):
            if state is None:
                continue
            end = start + 1
            while True:
                for owner, value in state.ends:
                    found[owner].append((start, end, value))
                if not state.sign & signs[end] or (state := state[kinds[end]]) is None:
                    break
                end += 1
        return found

    def _follow(self, state: "_State", kind: int) -> "_State | None":
        """The state after a word of that kind; None if no pattern goes on."""
        places: dict[tuple[int, int], tuple[_Node, int]] = {}

        def reach(node: _Node, passed: int) -> None:
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
        if not places:
            return None
        key = tuple(sorted(places))
        if (following := self._states.get(key)) is None:
            if len(self._states) >= KEPT_MAX:
                self._states.clear()
                self._start.clear()
            following = self._states[key] = self._state([places[one] for one in key])
        return following

    def _state(self, places: "Sequence[tuple[_Node, int]]") -> "_State":
        sign = 0
        ends: dict[tuple[int, Any], int] = {}
        for node, passed in places:
            sign |= self._sign(node.children)
            if passed > 0:
                sign |= _ANY
            elif passed < 0:
                for end, place in node.values.items():
                    ends[end] = min(place, ends.get(end, place))
        return _State(tuple(sorted(ends, key=ends.__getitem__)), tuple(places), sign, self._follow)

    def _node(self) -> "_Node":
        self._nodes += 1
        return _Node(self._nodes)

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
            self._signs.append(self._sign(parts) | _ANY)
        return kind

    def _sign(self, parts: Iterable[str]) -> int:
        sign = 0
        for part in parts:
            sign |= self._bits[part]
        return sign


class _Kinds(dict[str, int]):
    """A bounded memory of which kind a word is of."""

    def __init__(self, ask: Callable[[str], int]) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, word: str) -> int:
        kind = self._ask(word)
        if len(self) >= KEPT_MAX:
            self.clear()
        self[word] = kind
        return kind


class _Node:
    """A place in the sequences: which node follows on a part, which after a gap, what ends here: owner and value, with
    the place of the first sequence that says so."""

    __slots__ = ("children", "gap", "number", "values")

    def __init__(self, number: int) -> None:
        self.number = number
        self.children: dict[str, _Node] = {}
        self.gap: _Node | None = None
        self.values: dict[tuple[int, Any], int] = {}


class _State(dict[int, "_State | None"]):
    """Several nodes at once, each with the number of words that may still be passed over (-1: none) -> by kind of word
    the state that follows. `ends`: owners and values of what ends here, in the order of the sequences. `sign`: of the
    words that something may go on with."""

    __slots__ = ("_follow", "ends", "places", "sign")

    def __init__(
        self,
        ends: tuple[tuple[int, Any], ...],
        places: tuple[tuple[_Node, int], ...],
        sign: int,
        follow: "Callable[[_State, int], _State | None]",
    ) -> None:
        super().__init__()
        self.ends = ends
        self.places = places
        self.sign = sign
        self._follow = follow

    def __missing__(self, kind: int) -> "_State | None":
        following = self[kind] = self._follow(self, kind)
        return following
