"""One form for every text. In: text as a network sent it. Out: the same words, in NFC, on one line, nothing hidden.

The one rule: what a person cannot see must not decide anything. Characters without a width can split a card number or
turn the order of letters round; they go, so that what is masked, matched and scored later is what people read.
"""

import re
import unicodedata
from typing import Final

_CONTROLS: Final = dict.fromkeys((*range(0x09), *range(0x0E, 0x1C), 0x7F))
"""ASCII controls that are removed. The others (tab, line ends, separators) are white space to `str.split`."""

_HIDDEN_RANGES: Final = (
    (0x0000, 0x0008),  # controls
    (0x000E, 0x001B),
    (0x007F, 0x0084),
    (0x0086, 0x009F),
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers: letters that show nothing
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200B),  # zero-width space
    (0x200E, 0x200F),  # marks of direction
    (0x202A, 0x202E),  # embeddings and overrides of direction
    (0x2060, 0x206F),  # word joiner, invisible operators, isolates
    (0x3164, 0x3164),
    (0xD800, 0xDFFF),  # lone surrogates, which no encoder takes
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFA0, 0xFFA0),
    (0xFFF9, 0xFFFB),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),  # tags: a whole message can be written in them unseen
)

_HIDDEN: Final = re.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _HIDDEN_RANGES) + "]")

_PICTURE: Final = "\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_JOINING: Final = [chr(code) for code in range(0x0600, 0x0E00) if unicodedata.category(chr(code))[0] in "LM"]
"""Letters and signs of the scripts (Arabic to Sinhala) whose spelling needs joiners. Digits are not among them."""


def _of_class(combining: int) -> str:
    return "[" + "".join(char for char in _JOINING if unicodedata.combining(char) == combining) + "]"


_LETTER: Final = _of_class(0)
_VIRAMA: Final = _of_class(9)
_NUKTA: Final = _of_class(7)

_JOINER: Final = re.compile(
    rf"((?<=[{_PICTURE}\ufe0f])\u200d(?=[{_PICTURE}])"
    rf"|(?:(?<={_LETTER})|(?<={_LETTER}{_VIRAMA})|(?<={_LETTER}{_NUKTA}{_VIRAMA}))[\u200c\u200d](?={_LETTER}))"
    r"|[\u200c\u200d]"
)
"""A joiner. It is in the group if it makes one emoji of two or is a part of a word's spelling, and only then stays.
What stands before it is looked at back to the letter: marks without a letter could move past it in NFC."""


def normalise(text: str) -> str:
    """Any text -> NFC, without control and hidden characters, runs of white space one space, none at the ends.

    Idempotent, and never raises. Joiners stay inside emoji and inside words of the scripts that need them. HTML
    entities are left as they are: undoing them twice would change what was written.
    """
    printable = text.isprintable()
    if not text.isascii():
        text = unicodedata.normalize("NFC", _HIDDEN.sub("", text))
        if "\u200d" in text or "\u200c" in text:  # judged by the neighbours that stay, so after NFC, and NFC once more
            text = unicodedata.normalize("NFC", _JOINER.sub(r"\1", text))
    elif not printable:
        text = text.translate(_CONTROLS)
    if printable and "  " not in text and text[:1] != " " and text[-1:] != " ":
        return text  # nine of ten posts end here: the plain space is the only white space that is printable
    return " ".join(text.split())
