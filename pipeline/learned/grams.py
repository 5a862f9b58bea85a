"""A reading as n-grams: its words, and the pairs of words that stand beside each other, each once.

The rules: a number is any number; a word that the same text has as a handle ("@united … flying united") is a name, and
a name says nothing; the ends of a text count as words. Training and scoring both read texts by this file, and a model
says by which VERSION of it.
"""

from collections.abc import Sequence
from typing import Final

from pipeline.text.reading import HANDLE, Reading

VERSION: Final = 1
NUMBER: Final = "0"
FIRST, LAST = "^", "$"

_AROUND: Final = "@.,:;!?()\"'"


def words_of(reading: Reading) -> list[str]:
    """The words of a text, with names and numbers made alike."""
    words = reading.words
    if any(map(str.isdigit, words)):
        words = [NUMBER if word.isdigit() else word for word in words]
    if HANDLE in words:
        names = names_in(reading)
        if not names.isdisjoint(words):
            words = [HANDLE if word in names else word for word in words]
    return words


def grams_of(words: Sequence[str]) -> set[str]:
    """The n-grams of such words: each of them, and the pairs, with a space in the middle."""
    return {*words, *map(" ".join, zip([FIRST, *words], [*words, LAST], strict=True))}


def names_in(reading: Reading) -> set[str]:
    """The handles of a text as words, without the sign, in small letters."""
    words, raw = reading.words, reading.raw
    names = set()
    place = -1
    for _ in range(words.count(HANDLE)):
        place = words.index(HANDLE, place + 1)
        names.add(raw[place].strip(_AROUND).lower())
    return names
