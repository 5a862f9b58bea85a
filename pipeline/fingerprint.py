"""A text as 64 bits that stay nearly the same when the text does: near copies are found without the texts.

In: the words of a text (`Reading.words`: no handles, links or capitals in them). Out: 16 hex digits, or None for a text
that is too short to be anybody's own. The one rule: of two texts the more bits are equal, the more words and pairs of
neighbours they share; `distance` counts those that are not.

Source: SimHash, Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002; for near copies among
web pages Manku, Jain and Das Sarma, WWW 2007. Here over words and pairs of words. The counts of all 64 bits are one
long integer with a byte for each, so that adding up takes one addition a word.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import repeat
from operator import rshift, xor
from typing import Final

NEAR_MAX: Final = 12
"""Bits in which near copies may differ: two texts of strangers differ in 32, give or take 4."""
WORDS_MIN: Final = 6
"""With fewer words two people write the same by chance: "thanks for the quick reply"."""
WORDS_READ_MAX: Final = 120
"""The beginning of a text is as good as all of it; with its pairs it still fits into a byte for each bit."""
KEPT_MAX: Final = 50_000

_BITS: Final = 64
_ONES: Final = int.from_bytes(b"\x01" * _BITS, "big")
_LANES: Final = [bytes(int(bit) for bit in f"{value:08b}") for value in range(256)]
_TO_DIGIT: Final = bytes(48 + (value >> 7) for value in range(256))
_UNSPACED: Final = "\u0e00"
"""From here on (Thai to Chinese) are the scripts without spaces between words: what looks like a word is a sentence."""
_NUMBER: Final = "0"
_PIECE: Final = 2


def fingerprint(words: Sequence[str]) -> str | None:
    """Words -> 16 hex digits. All numbers count as one: order numbers and prices do not make a copy another text."""
    read = words[:WORDS_READ_MAX]
    if not "".join(read).isascii() and any(word[:1] >= _UNSPACED for word in read):
        read = list(_pieces(read))[:WORDS_READ_MAX]
    lanes = list(filter(None, map(_hashed.__getitem__, read)))
    if len(lanes) < WORDS_MIN:
        return None
    total = sum(lanes) + sum(map(xor, map(rshift, lanes, repeat(8)), lanes[1:]))
    # A bit is set where more than half of the features have it: there the sum passes 127.
    features = 2 * len(lanes) - 1
    digits = (total + (127 - features // 2) * _ONES).to_bytes(_BITS, "big").translate(_TO_DIGIT)
    return f"{int(digits, 2):016x}"


def distance(first: str, second: str) -> int:
    """In how many of the 64 bits two fingerprints differ."""
    return (int(first, 16) ^ int(second, 16)).bit_count()


def near(first: str, second: str) -> bool:
    """Whether one text is as good as a copy of the other."""
    return distance(first, second) <= NEAR_MAX


def _pieces(words: Iterable[str]) -> Iterable[str]:
    """Words without spaces between them -> overlapping pieces of two letters."""
    for word in words:
        if word[:1] < _UNSPACED or len(word) <= _PIECE:
            yield word
        else:
            yield from (word[place : place + _PIECE] for place in range(len(word) - 1))


class _Hashed(dict[str, int]):
    """A word -> its hash, each bit in a byte of its own: the same in every process. 0 for what is no word. A bounded
    memory."""

    def __missing__(self, word: str) -> int:
        if len(self) >= KEPT_MAX:
            self.clear()
        counts = _NUMBER if word[:1].isdigit() else word
        if not (word.isalnum() or len(word) > _PIECE):
            lanes = 0
        else:
            digest = blake2b(counts.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            lanes = int.from_bytes(b"".join(map(_LANES.__getitem__, digest)), "big")
        self[word] = lanes
        return lanes


_hashed: Final = _Hashed()
