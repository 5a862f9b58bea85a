"""Phrases in a text, all at once: patterns -> an automaton of words; a list of words -> which patterns stand where.

A pattern is made of words, with a space between them:

- `late` that word; `late|delayed` one of them; `wait*` any word that begins so (at least three letters);
- `0` a number in digits; `0th` an ordinal ("3rd");
- `(really|so)` in brackets: may be missing; `..` up to three other words; `{time}` any word of the set of that name.

The one rule: however many patterns there are, and however many lexicons they are from (`Joined`), a text is gone over
once.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from pipeline.text.automaton import GAP, Automaton
from pipeline.text.reading import Reading

PATTERN_LENGTH_MAX: Final = 2_000
VARIANTS_MAX: Final = 64
"""Ways to leave parts of one pattern out."""

_PART: Final = re.compile(r"[^\s()|*{}]+\*?(?:\|[^\s()|*{}]+\*?)*|\.\.")
_SET: Final = re.compile(r"\{([a-z_]*)\}")

Value = TypeVar("Value")
Found = tuple[int, int, Value]
"""A pattern that stands in the words from a start up to an end (not included), and what it means."""


class PatternError(ValueError):
    """A pattern that cannot be read; the message says which and why."""


class Phrases(Generic[Value]):
    """`patterns`: pairs of a pattern and what it means (hashable). `sets`: names -> words, as in a pattern
    ("hour|day*"). Raises PatternError."""

    def __init__(self, patterns: Iterable[tuple[str, Value]], sets: Mapping[str, str] = MappingProxyType({})) -> None:
        self.sequences: Final = [
            (sequence, value) for pattern, value in patterns for sequence in _sequences(pattern, sets)
        ]
        self._automaton = Automaton()
        for place, (sequence, value) in enumerate(self.sequences):
            self._automaton.add(sequence, 0, value, place)

    @property
    def vocabulary(self) -> set[str]:
        """All whole words of the patterns."""
        return self._automaton.vocabulary

    def find(self, words: Sequence[str]) -> list[Found[Value]]:
        """All patterns that stand in the words, those within others too; by start, then by end."""
        return self._automaton.find(words)[0]

    def find_in(self, reading: Reading, words_max: int | None = None) -> list[Found[Value]]:
        """The same in the words of a reading, in the first `words_max` of them. Where they are `Joined` it is there
        already."""
        if words_max is not None and len(reading.words) > words_max:
            return self.find(reading.words[:words_max])
        found = reading.found.get(self)
        return self.find(reading.words) if found is None else found


class Joined:
    """Several Phrases as one: for those who look for all of them in the same text."""

    def __init__(self, members: Sequence[Phrases[Any]]) -> None:
        self._members = tuple(members)
        self._automaton = Automaton()
        all_of_them = ((owner, *one) for owner, member in enumerate(members) for one in member.sequences)
        for place, (owner, sequence, value) in enumerate(all_of_them):
            self._automaton.add(sequence, owner, value, place)

    def look(self, reading: Reading) -> Reading:
        """The same reading, with what each member finds in it."""
        found = self._automaton.find(reading.words, len(self._members))
        return Reading(reading.words, reading.clauses, reading.raw, dict(zip(self._members, found, strict=True)))


def apart(found: Sequence[Found[Value]]) -> bool:
    """Whether what was found, by start, does not overlap."""
    reach = 0
    for start, end, _ in found:
        if start < reach:
            return False
        reach = end
    return True


def longest(found: Sequence[Found[Value]]) -> Sequence[Found[Value]]:
    """Of those that overlap the longest, of equally long ones the first; by start."""
    if apart(found):
        return found
    chosen: list[Found[Value]] = []
    taken = 0
    for one in sorted(found, key=_length):
        places = (1 << one[1]) - (1 << one[0])
        if not taken & places:
            taken |= places
            chosen.append(one)
    chosen.sort(key=_start)
    return chosen


def _length(one: Found[Value]) -> tuple[int, int]:
    return one[0] - one[1], one[0]


def _start(one: Found[Value]) -> int:
    return one[0]


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
    if not given or any(sequence[0] == GAP or sequence[-1] == GAP for sequence in given):
        raise PatternError(f"the pattern {pattern!r} must begin and end with a word that cannot be missing")
    return given
