"""Phrases in a text, all at once: patterns -> a trie of words; a list of words -> which patterns stand where.

A pattern is made of words, with a space between them:

- `late` that word; `late|delayed` one of them; `wait*` any word that begins so (at least three letters);
- `0` a number in digits; `0th` an ordinal ("3rd");
- `(really|so)` in brackets: may be missing; `..` up to three other words.

The one rule: time grows with the number of words that begin some pattern, not with the number of patterns.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

GAP_MAX: Final = 3
"""Words that `..` stands for, at most."""
PATTERN_LENGTH_MAX: Final = 200
VARIANTS_MAX: Final = 500
"""Word sequences that one pattern may stand for."""
KEPT_MAX: Final = 100_000

_ELEMENT: Final = re.compile(r"[^\s()|*]+\*?(?:\|[^\s()|*]+\*?)*|\.\.")
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
    __slots__ = ("children", "gap", "values")

    def __init__(self) -> None:
        self.children: dict[str, _Node[Value]] = {}
        self.gap: _Node[Value] | None = None
        self.values: list[Value] = []


class Phrases(Generic[Value]):
    """`patterns`: pairs of a pattern and what it means. Raises PatternError."""

    def __init__(self, patterns: Iterable[tuple[str, Value]]) -> None:
        self._root: _Node[Value] = _Node()
        self._symbols: set[str] = set()
        for pattern, value in patterns:
            for sequence in _sequences(pattern):
                self._add(sequence, value)
        self._prefix_lengths = sorted({len(symbol) - 1 for symbol in self._symbols if symbol[-1] == "*"})
        self._read = _Symbols(self._symbols_of)

    @property
    def vocabulary(self) -> set[str]:
        """All whole words of the patterns."""
        return {symbol for symbol in self._symbols if symbol[-1] != "*" and symbol.isalpha()}

    def find(self, words: Sequence[str]) -> list[Found[Value]]:
        """All patterns that stand in the words, those within others too; by start, then by end."""
        known = list(map(self._read.__getitem__, words))
        first = self._root.children
        found: list[Found[Value]] = []
        for start, symbols in enumerate(known):
            for symbol in symbols:
                node = first.get(symbol)
                if node is not None:
                    if node.children or node.gap is not None:
                        self._walk(node, known, start, start + 1, found)
                    else:
                        found += [Found(start, start + 1, value) for value in node.values]
        return found

    def _walk(
        self, node: _Node[Value], known: list[tuple[str, ...]], start: int, place: int, found: list[Found[Value]]
    ) -> None:
        for value in node.values:
            found.append(Found(start, place, value))
        if place < len(known):
            for symbol in known[place]:
                if (child := node.children.get(symbol)) is not None:
                    self._walk(child, known, start, place + 1, found)
        if node.gap is not None:
            for later in range(place, min(place + GAP_MAX + 1, len(known))):
                for symbol in known[later]:
                    if (child := node.gap.children.get(symbol)) is not None:
                        self._walk(child, known, start, later + 1, found)

    def _add(self, sequence: Sequence[str], value: Value) -> None:
        node = self._root
        for symbol in sequence:
            if symbol == _GAP:
                node.gap = node.gap or _Node()
                node = node.gap
            else:
                self._symbols.add(symbol)
                node = node.children.setdefault(symbol, _Node())
        if value not in node.values:
            node.values.append(value)

    def _symbols_of(self, word: str) -> tuple[str, ...]:
        """The elements of patterns that a word fits."""
        fitting = [word] if word in self._symbols and word != "0" and word != "0th" else []
        if word[:1].isdigit():
            number = "0th" if _ORDINAL.match(word) else "0"
            if number in self._symbols:
                fitting.append(number)
        for length in self._prefix_lengths:
            if len(word) < length:
                break
            if (prefix := word[:length] + "*") in self._symbols:
                fitting.append(prefix)
        return tuple(fitting)


class _Symbols(dict[str, tuple[str, ...]]):
    """A bounded memory of which elements a word fits."""

    def __init__(self, read: Callable[[str], tuple[str, ...]]) -> None:
        super().__init__()
        self._of = read

    def __missing__(self, word: str) -> tuple[str, ...]:
        if len(self) >= KEPT_MAX:
            self.clear()
        symbols = self[word] = self._of(word)
        return symbols


def longest(found: Iterable[Found[Value]]) -> list[Found[Value]]:
    """Of those that overlap the longest, of equally long ones the first; by start."""
    chosen: list[Found[Value]] = []
    taken: set[int] = set()
    for one in sorted(found, key=lambda one: (one.start - one.end, one.start)):
        if taken.isdisjoint(range(one.start, one.end)):
            taken.update(range(one.start, one.end))
            chosen.append(one)
    return sorted(chosen, key=lambda one: one.start)


def _sequences(pattern: str) -> list[tuple[str, ...]]:
    """A pattern -> all sequences of elements that it stands for."""
    if len(pattern) > PATTERN_LENGTH_MAX:
        raise PatternError(f"the pattern {pattern[:40]!r}… has more than {PATTERN_LENGTH_MAX} characters")
    sequences: list[tuple[str, ...]] = [()]
    for part in pattern.split():
        optional = part.startswith("(") and part.endswith(")")
        inner = part[1:-1] if optional else part
        if not _ELEMENT.fullmatch(inner):
            raise PatternError(f"the pattern {pattern!r} has a part that cannot be read: {part!r}")
        options = inner.split("|") if inner != _GAP else [_GAP]
        if any(option.endswith("*") and len(option) < 4 for option in options):
            raise PatternError(f"the pattern {pattern!r}: `*` needs at least three letters before it, in {part!r}")
        longer = [(*sequence, option) for sequence in sequences for option in options]
        sequences = sequences + longer if optional else longer
        if len(sequences) > VARIANTS_MAX:
            raise PatternError(
                f"the pattern {pattern!r} stands for more than {VARIANTS_MAX} phrases; write it as several"
            )
    whole = [sequence for sequence in sequences if sequence]
    if not whole or any(sequence[0] == _GAP or sequence[-1] == _GAP for sequence in whole):
        raise PatternError(f"the pattern {pattern!r} must begin and end with a word that cannot be missing")
    return whole
