"""A reading as n-grams: its words, and the pairs of words that stand beside each other, each once.

The rules: a number is any number; a word that the same text has as a handle ("@united … flying united") is a name, and
a name says nothing; the ends of a text count as words. Training and scoring both read texts by this file, and a model
says by which VERSION of it.
"""

from typing import Final

from pipeline.text.reading import HANDLE, Reading

VERSION: Final = 1
NUMBER: Final = "0"
FIRST, LAST = "^", "$"


def grams_of(reading: Reading) -> set[str]:
    """The n-grams of a text; a pair has a space in the middle."""
    words = [NUMBER if word.isdigit() else word for word in reading.words]
    if HANDLE in words and (names := names_in(reading)):
        words = [HANDLE if word in names else word for word in words]
    return {*words, *map(" ".join, zip([FIRST, *words], [*words, LAST], strict=True))}


def names_in(reading: Reading) -> set[str]:
    """The handles of a text as words, without the sign, in small letters."""
    return {
        raw.strip("@.,:;!?").lower() for word, raw in zip(reading.words, reading.raw, strict=True) if word == HANDLE
    }
