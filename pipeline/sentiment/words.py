"""What a token means to VADER: a token as it stands in a text -> a `Word`, by one look-up.

The lexicon, the emoji and the tables of boosters, negations and idioms are those of the installed `vaderSentiment`;
only the few words that its code names, and no table holds, are written here. The one rule: a word's record depends on
its token alone, so it can be kept; what depends on its neighbours is in `polarity.py`.

Source: Hutto and Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis", ICWSM 2014.
"""

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass

from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE, SPECIAL_CASES

Phrase = tuple[str, ...]

BOOSTERS: Mapping[str, float] = BOOSTER_DICT
"""Degree words -> what they add to the size of a valence; some are phrases of two words."""
NEGATIONS = frozenset(NEGATE)
NEGATING_PART = "n't"
BUT = "but"
NAMED_FIRST = frozenset({"kind", "no"})
"""Words that are read differently for what stands behind them."""
NAMED_BEFORE = frozenset({"least", "no", "so", "this"})
"""Words that change one behind them, though they are no boosters and no negations."""
NAMED = NAMED_FIRST | NAMED_BEFORE | {"at", BUT, "doubt", "never", "nor", "of", "or", "very", "without"}
"""All words that the rules name, apart from the tables."""

IDIOMS: Mapping[Phrase, float] = {
    tuple(key.split()): float(value) for key, value in SPECIAL_CASES.items() if " " in key
}
"""Idioms -> the valence of the whole. The package never looks up one of a single word, so those are not here; and it
writes some as whole numbers, which a compiled form would not."""
DEGREE_PHRASES: Mapping[Phrase, float] = {tuple(key.split()): value for key, value in BOOSTERS.items() if " " in key}
PHRASES = (*IDIOMS, *DEGREE_PHRASES)
IDIOM_PARTS = frozenset(part for idiom in IDIOMS for part in idiom)
PHRASE_PARTS = frozenset(part for phrase in PHRASES for part in phrase)
PHRASE_ENDS = frozenset(phrase[-1] for phrase in PHRASES)

EMOTICON_LENGTH_MAX = 2
"""What is no longer than this without its punctuation is taken for an emoticon, and keeps it."""
KEPT_LENGTH_MAX = 32
KEPT_MAX = 50_000
"""Tokens that are kept, some 20 MB at the worst: texts are hostile. The longest of the lexicon has 19 characters."""


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """What the rules ask about a word.

    `text` is in small letters, and empty where no rule reads it. `listed`: is in the lexicon, and so changes most words
    behind it not. `valence` -4 to 4 if it is `scored`: listed, and no booster. `boost` +-0.293. `idiomatic`: part of an
    idiom. `ends_phrase`: last of an idiom or of a degree phrase. `shouted`: all in capitals. `turns`: is "but".

    Three sum up, so that most words need one question. `notable`: is scored, or turns. `changes`: can change one of the
    three words behind it. `changeable`: may have another valence than the lexicon's whatever stands before it.
    """

    text: str = ""
    listed: bool = False
    scored: bool = False
    valence: float = 0.0
    boost: float = 0.0
    negates: bool = False
    idiomatic: bool = False
    ends_phrase: bool = False
    shouted: bool = False
    turns: bool = False
    notable: bool = False
    changes: bool = False
    changeable: bool = False


PLAIN = Word()
"""Any word that no rule knows, and the place behind the last word."""
NEGATION = Word(negates=True, changes=True)
"""A word with "n't" in it that no table holds."""
START = Word(listed=True)
"""The place before the first word: like a listed word, it changes no other."""


class Vocabulary(dict[str, Word]):
    """Tokens -> words; `vocabulary[token]` is there for any token.

    A bounded memory of what `read` gives, which is emptied when it is full. It does not change what comes out.
    """

    def __init__(self, lexicon: Mapping[str, float]) -> None:
        super().__init__()
        self._lexicon = lexicon

    def __missing__(self, token: str) -> Word:
        word = self.read(token)
        if len(token) <= KEPT_LENGTH_MAX:
            if len(self) >= KEPT_MAX:
                self.clear()
            self[token] = word
        return word

    def read(self, token: str) -> Word:
        """A token (without white space) -> its word, by the tables."""
        inner = token.strip(string.punctuation)
        if len(inner) <= EMOTICON_LENGTH_MAX:
            inner = token
        text = inner.lower()
        valence = self._lexicon.get(text)
        boost = BOOSTERS.get(text)
        named = text in NAMED or text in PHRASE_PARTS or text in NEGATIONS
        negates = text in NEGATIONS or NEGATING_PART in text
        if valence is None and boost is None and not named:
            return NEGATION if negates else PLAIN
        scored = valence is not None and boost is None
        idiomatic, ends_phrase = text in IDIOM_PARTS, text in PHRASE_ENDS
        shouted = inner.isupper()
        return Word(
            text=text,
            listed=valence is not None,
            scored=scored,
            valence=valence or 0.0,
            boost=boost or 0.0,
            negates=negates,
            idiomatic=idiomatic,
            ends_phrase=ends_phrase,
            shouted=shouted,
            turns=text == BUT,
            notable=scored or text == BUT,
            changes=boost is not None or negates or text in NAMED_BEFORE or ends_phrase,
            changeable=shouted or text in NAMED_FIRST or idiomatic,
        )


class EmojiNames:
    """Replaces each emoji by its name in words, which are then scored like any others.

    Emoji of several code points (flags, families, skin tones) are read one code point at a time, as the package does.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        # A space stands before each name, also where there is one: how many spaces there are changes nothing. What
        # follows an emoji without a space grows together with the last word of its name; so it is in the package.
        self._names = {emoji: f" {name}" for emoji, name in names.items() if len(emoji) == 1}
        # `re` is quick with any set of characters below U+10000, and slow with one above; those are one range to it.
        low = "".join(re.escape(emoji) for emoji in self._names if emoji <= "\uffff")
        high = sorted(emoji for emoji in self._names if emoji > "\uffff")
        self._replace = re.compile(f"[{low}{high[0]}-{high[-1]}]").sub

    def spelled_out(self, text: str) -> str:
        """Any text -> the same text without emoji."""
        return self._replace(self._name, text)

    def _name(self, found: re.Match[str]) -> str:
        return self._names.get(found[0], found[0])
