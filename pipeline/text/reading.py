"""A text as words: what every reader of meaning (sentiment, aspects, journey, emotion) goes over.

In: a normalised text. Out: a Reading: words in small letters, the clause that each stands in, the words as they were
written. The rules: a handle is nobody's word; a hashtag, a run-together word, a drawn-out one and a shorthand become
the words that a person reads; a number and its unit are two words. What a token becomes depends on the token alone, so
it is remembered.
"""

import re
from collections.abc import Collection, Mapping
from functools import cache
from html import unescape
from sys import intern
from typing import Any, Final

import msgspec

from pipeline.lexicon import content

TOKEN_LENGTH_MAX: Final = 64
"""A longer token is no word; only its beginning is read."""
WORDS_MAX: Final = 4_000
"""What stands behind so many words is not read: texts are written by strangers."""
WORDS_PER_CHARACTER_MAX: Final = 2
"""No shorthand stands for more."""
KEPT_MAX: Final = 100_000
HANDLE: Final = "@"
"""The word in place of a handle."""

_EMOJI: Final = "\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_EMOTICON: Final = (
    r"[:;=][-'^o]?[)(\]\[/|\\*]+|(?<!\w)[:;=][-'^]?[DPpOo3]+\b|<3+|[)(][-'^]?[:;=]|\b[xX]D+\b|\^_+\^|-_+-"
)
_PART: Final = re.compile(
    rf"(?P<face>{_EMOTICON})|[#@]?[^\W_]+(?:['’´`_][^\W_]+)*|[$£€%]|[{_EMOJI}]|[.!?,;:…()\"“”—–]+|[-/+]"
)
_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
"""What a program left of a character that it wrote down as JSON twice."""
_STRAIGHT: Final = str.maketrans(dict.fromkeys("“”„‟", '"') | dict.fromkeys("‘’‚‛´`", "'"))
"""Phones bend quotation marks and apostrophes; lexicons know them straight."""
_EMOJIS: Final = re.compile(rf"[{_EMOJI}][\ufe0f\U0001f3fb-\U0001f3ff]?")
_CAMEL: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NUMBERED: Final = re.compile(r"(\d+)([a-z]+)\Z")
_ORDINAL: Final = re.compile(r"\d+(?:st|nd|rd|th)\Z")
_DRAWN_OUT: Final = re.compile(r"(\w)\1{2,}")
_ENDING: Final = frozenset(".!?,;:…—–")
_NEITHER: Final = re.compile(r"\d[.,:]\d")


class Reading(msgspec.Struct, frozen=True, gc=False):
    """Three lists of one length. `words` in small letters, a handle is `@`; `clauses`: number of the clause, from 0;
    `raw`: the word as it was written, with its capitals and the punctuation around it. `found`: by what looked for it,
    what was found in the words already."""

    words: list[str]
    clauses: list[int]
    raw: list[str]
    found: Mapping[Any, list[Any]] = {}


class Token(msgspec.Struct, frozen=True, gc=False):
    """What stands between two spaces: its words, the same as they were written, whether a clause ends before its first,
    and behind its last."""

    words: tuple[str, ...]
    raw: tuple[str, ...]
    begins: bool
    ends: bool


class Reader(dict[str, str | Token]):
    """`reader.read(text)`. `vocabulary`: the words that run-together hashtags and drawn-out words are looked up in, in
    small letters, beside the everyday ones of the language. Of a token that is one word within a clause, as most are,
    it remembers that word only."""

    def __init__(self, vocabulary: Collection[str] = (), language: str = "en") -> None:
        super().__init__()
        common, self._shorthand = everyday(language)
        self._clause_words = frozenset(content("words", language)["clauses"].split())
        self.vocabulary = frozenset(vocabulary) | common

    def read(self, text: str) -> Reading:
        """Any text -> its words."""
        if "&" in text:
            text = unescape(text)
        if "\\u" in text:
            text = _ESCAPED.sub(_unescaped, text)
        if not text.isascii():
            text = _EMOJIS.sub(r" \g<0> ", text.translate(_STRAIGHT))
        parts = text.split()
        if len(text) * WORDS_PER_CHARACTER_MAX > WORDS_MAX:
            parts = self._bounded(parts)
        words: list[Any] = list(map(self.__getitem__, parts))
        before: list[str] = []  # of the tokens up to `begin`, where one of them is not one word
        raw_before: list[str] = []
        clauses: list[int] = []
        clause = begin = 0
        for place, token in [one for one in enumerate(words) if one[1].__class__ is Token]:
            if token.begins:
                clauses += [clause] * (len(before) + place - begin - len(clauses))
                clause += 1
            spoken = token.words
            if len(spoken) == 1:
                words[place], parts[place] = spoken[0], token.raw[0]
            else:
                before += words[begin:place]
                before += spoken
                raw_before += parts[begin:place]
                raw_before += token.raw
                begin = place + 1
            if token.ends:
                clauses += [clause] * (len(before) + place + 1 - begin - len(clauses))
                clause += 1
        if begin:
            words, parts = before + words[begin:], raw_before + parts[begin:]
        clauses += [clause] * (len(words) - len(clauses))
        return Reading(words, clauses, parts)

    def _bounded(self, parts: list[str]) -> list[str]:
        """What stands before the word behind which nothing is read."""
        count = 0
        for place, written in enumerate(parts, start=1):
            token = self[written]
            count += 1 if isinstance(token, str) else len(token.words)
            if count > WORDS_MAX:
                return parts[:place]
        return parts

    def __missing__(self, written: str) -> str | Token:
        token = self._token(written[:TOKEN_LENGTH_MAX])
        if len(written) <= TOKEN_LENGTH_MAX:
            if len(self) >= KEPT_MAX:
                self.clear()
            self[written] = token
        return token

    def _token(self, written: str) -> str | Token:
        if "://" in written or written.startswith("www."):
            return Token((), (), False, False)
        words: list[str] = []
        ends = False
        for found in _PART.finditer(written):
            part = found[0]
            first = part[0]
            if found["face"] or first in "$£€%":
                words.append(part)
            elif first.isalnum():
                words += self._plain(part)
            elif first == "@":
                words.append(HANDLE)
            elif first == "#" and len(part) > 1:
                words += self._hashtag(part[1:])
            elif first >= "\u2190":
                words.append(part)
            ends = first in _ENDING and not (first in ".,:" and _NEITHER.search(written))
        begins = bool(words) and words[0] in self._clause_words
        spoken = tuple(map(intern, words))  # looked up by everybody, so one object for each word
        raw = (intern(self._as_written(written, words[0])),) if len(words) == 1 else spoken
        if raw == (written,) and not begins and not ends:
            return spoken[0]
        return Token(spoken, raw, begins, ends)

    def _as_written(self, written: str, word: str) -> str:
        if _DRAWN_OUT.search(written) and word.isalpha():
            return word.upper() if written.isupper() else word
        return written

    def _plain(self, part: str) -> list[str]:
        word = part.replace("`", "'").lower()
        if (full := self._shorthand.get(word)) is not None:
            return full.split()
        if word.isalpha():
            return [self._drawn_in(word)]
        if (numbered := _NUMBERED.match(word)) and not _ORDINAL.match(word):
            unit = numbered[2]
            return [numbered[1], self._shorthand.get(unit, unit)]
        return word.split("_") if "_" in word else [word]

    def _drawn_in(self, word: str) -> str:
        """ "sooooo" -> "so", "coooool" -> "cool": the first of both spellings that is known, else twice the letter."""
        if not _DRAWN_OUT.search(word):
            return word
        twice, once = _DRAWN_OUT.sub(r"\1\1", word), _DRAWN_OUT.sub(r"\1", word)
        return once if once in self.vocabulary and twice not in self.vocabulary else twice

    def _hashtag(self, tag: str) -> list[str]:
        """ "WorstAirlineEver", "worst_airline_ever" or "worstairlineever" -> three words, or one that is not known."""
        parts = [part for piece in tag.split("_") for part in _CAMEL.findall(piece) or [piece] if part]
        if len(parts) > 1 and max(map(len, parts)) > 1:
            return [part.lower() for part in parts]
        word = tag.lower()
        return [word] if word in self.vocabulary else segmented(word, self.vocabulary) or [word]


def _unescaped(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return " " if 0xD800 <= code < 0xE000 else chr(code)


def segmented(word: str, vocabulary: Collection[str]) -> list[str]:
    """Letters run together -> the fewest known words that they are made of, the longest first; empty if there are none.
    A word of one letter counts only as "a" or "i"."""
    best: list[list[str] | None] = [[]]
    for end in range(1, len(word) + 1):
        found: list[str] | None = None
        for start in range(max(0, end - 20), end):
            before, part = best[start], word[start:end]
            if before is None or part not in vocabulary or (len(part) == 1 and part not in "ai"):
                continue
            if found is None or len(before) + 1 < len(found):
                found = [*before, part]
        best.append(found)
    return best[-1] or []


@cache
def everyday(language: str) -> tuple[frozenset[str], dict[str, str]]:
    """Everyday words that the lexicons do not list, for taking hashtags apart; and shorthands with what they mean."""
    file = content("words", language)
    return frozenset(map(intern, file["common"].split())), file["shorthand"]
