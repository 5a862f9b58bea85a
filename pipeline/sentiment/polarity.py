"""VADER's algorithm: text -> four numbers, equal to those of `vaderSentiment` 3.3.2 bit for bit, many times faster.

A text is a row of words (`words.py`). A scored word starts with its valence, and its neighbours (three before it, two
behind) change it; "but" shifts the weight of all; sums and the text's punctuation give the result. The one rule: the
floating point operations are those of the package, in its order, and also where what it does looks like a mistake;
such places say so.

What makes it fast: a word's meaning is looked up once, by its token; the rules run only around scored words; a text
without one is done at once. Time grows with the length of the text and no faster.

Source: Hutto and Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis", ICWSM 2014.
"""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from math import sqrt
from types import MappingProxyType

import msgspec
from vaderSentiment.vaderSentiment import C_INCR, N_SCALAR, SentimentIntensityAnalyzer

from pipeline.sentiment.words import DEGREE_PHRASES, IDIOMS, PLAIN, START, EmojiNames, Vocabulary, Word

SHOUT: float = C_INCR
NEGATED: float = N_SCALAR
NEVER_SO = 1.25
SECOND, THIRD = 0.95, 0.9
"""What is left of a booster's effect at a distance of two and three words."""
BEFORE_BUT, BEHIND_BUT = 0.5, 1.5
EXCLAMATION = tuple(count * 0.292 for count in range(5))
QUESTION = (0.0, 0.0, 2 * 0.18, 3 * 0.18, 0.96)
"""Emphasis by the number of marks in the text; more than four are like four."""
NO_FRACTION = 1.5 * 2**52
"""Added to a small number it leaves no bits for a fraction, so the sum is rounded to a whole number."""
ALPHA = 15
"""The authors' guess at the largest sum, which brings a sum into -1 to 1."""


class Polarity(msgspec.Struct, frozen=True, gc=False):
    """`compound` -1 to 1, to four places; the shares of the text that are positive, negative and neutral, to three."""

    compound: float
    pos: float
    neg: float
    neu: float


EMPTY = Polarity(0.0, 0.0, 0.0, 0.0)
NEUTRAL = Polarity(0.0, 0.0, 0.0, 1.0)


class Vader:
    """The package's lexicon and emoji, read once, and the algorithm.

    `more`: single words in small letters -> valences (-4 to 4) that are added to the lexicon, or take the place of its
    own, as if they stood in the package's file; 0 takes a word out. `own`: whether that file counts.
    """

    def __init__(self, more: Mapping[str, float] = MappingProxyType({}), *, own: bool = True) -> None:
        analyzer = SentimentIntensityAnalyzer()
        lexicon = {**analyzer.lexicon, **more} if own else dict(more)
        self.lexicon: Mapping[str, float] = {word: valence for word, valence in lexicon.items() if valence}
        self._words = Vocabulary(self.lexicon)
        self._emoji = EmojiNames(analyzer.emojis)

    def polarity(self, text: str) -> Polarity:
        """Any text, as people write it: capitals, punctuation and emoji count. What was scored before does not."""
        if not text.isascii():
            text = self._emoji.spelled_out(text)
        tokens = text.split()
        _, valences = self.valences(tokens)
        if not valences:
            return NEUTRAL if tokens else EMPTY
        return summed(valences, len(tokens), emphasis(text))

    def valences(self, tokens: Sequence[str]) -> tuple[list[int], list[float]]:
        """The places of the tokens that have a valence, and the valences as their neighbours leave them."""
        words = [START, START, START, *map(self._words.__getitem__, tokens), PLAIN, PLAIN]
        places: list[int] = []
        valences: list[float] = []
        but = 0
        shouting: bool | None = None
        for place, word in enumerate(words):
            if not word.notable:
                continue
            if word.turns and not but:
                but = place
            if word.scored:
                places.append(place - 3)
                if word.changeable or words[place - 1].changes or words[place - 2].changes or words[place - 3].changes:
                    if shouting is None:
                        # Capitals mean something only if not all words are in capitals.
                        shouting = not all(map(str.isupper, tokens))
                    valences.append(valence_at(words, place, shouting))
                else:
                    valences.append(word.valence)
        if but and valences:
            weigh_around_but(valences, places, but - 3)
        return places, valences


def valence_at(words: Sequence[Word], place: int, shouting: bool) -> float:
    """The valence of the scored word at `place`, as its neighbours leave it. Around `words` are three START and two
    PLAIN."""
    word, first, second, third = words[place], words[place - 1], words[place - 2], words[place - 3]
    after = words[place + 1]
    valence = word.valence
    if word.text == "kind" and after.text == "of":
        return 0.0
    if word.text == "no" and after.listed:
        valence = 0.0
    if first.text == "no" or second.text == "no" or (third.text == "no" and first.text in ("or", "nor")):
        valence = word.valence * NEGATED
    if shouting and word.shouted:
        valence += SHOUT if valence > 0 else -SHOUT

    if not first.listed:
        if first.boost:
            valence += boost(first, valence, shouting)
        if first.negates:
            valence *= NEGATED
    if not second.listed:
        if second.boost:
            valence += boost(second, valence, shouting) * SECOND
        if second.negates:
            if second.text == "never" and first.text in ("so", "this"):
                valence *= NEVER_SO
            elif second.text != "without" or first.text != "doubt":
                valence *= NEGATED
    if not third.listed:
        if third.boost:
            valence += boost(third, valence, shouting) * THIRD
        # "so" and "this" right before the word strengthen it here, whatever the third word is: in the package "never"
        # binds to one half of the condition only.
        if first.text in ("so", "this") or (third.text == "never" and second.text in ("so", "this")):
            valence *= NEVER_SO
        elif third.negates and (third.text != "without" or "doubt" not in (first.text, second.text)):
            valence *= NEGATED
        if word.idiomatic or first.ends_phrase or second.ends_phrase:
            valence = with_idioms(valence, words, place)
    if first.text == "least" and not first.listed and second.text not in ("at", "very"):
        valence *= NEGATED
    return valence


def boost(word: Word, valence: float, shouting: bool) -> float:
    """What a degree word adds to a valence; it makes a negative one more negative."""
    scalar = -word.boost if valence < 0 else word.boost
    if shouting and word.shouted:
        scalar += SHOUT if valence > 0 else -SHOUT
    return scalar


def with_idioms(valence: float, words: Sequence[Word], place: int) -> float:
    """An idiom that touches the word replaces its valence; degree phrases ("sort of") before it add to it as they
    are, whatever its sign. The package asks only where three words stand before the word."""
    word, first, second, third = words[place], words[place - 1], words[place - 2], words[place - 3]
    a, b, c, d = third.text, second.text, first.text, word.text
    for idiom in ((c, d), (b, c, d), (b, c), (a, b, c), (a, b)):
        if idiom in IDIOMS:
            valence = IDIOMS[idiom]
            break
    e, f = words[place + 1].text, words[place + 2].text
    valence = IDIOMS.get((d, e), valence)
    valence = IDIOMS.get((d, e, f), valence)
    for phrase in ((a, b, c), (a, b), (b, c)):
        if phrase in DEGREE_PHRASES:
            valence += DEGREE_PHRASES[phrase]
    return valence


def weigh_around_but(valences: list[float], places: Sequence[int], but: int) -> None:
    """Halves the valences before the first "but", and adds a half to those behind it, in place.

    The package goes through the valences and each time changes the first of its list that is equal, so of two equal
    ones the first may change twice and the second not at all. Here the places seen so far are kept by their value, in
    heaps, which finds that first one without a search through all.
    """
    seen: dict[float, list[int]] = {}
    for index, valence in enumerate(valences):
        equal = seen.setdefault(valence, [])
        if equal:
            changed = heappop(equal)
            heappush(equal, index)
        else:
            changed = index
        place = places[changed]
        if place != but:
            valences[changed] = valence * (BEFORE_BUT if place < but else BEHIND_BUT)
        heappush(seen.setdefault(valences[changed], []), changed)


def emphasis(text: str) -> float:
    """What exclamation marks and question marks add to the size of the sum."""
    exclamations, questions = text.count("!"), text.count("?")
    return EXCLAMATION[exclamations if exclamations < 4 else 4] + QUESTION[questions if questions < 4 else 4]


def summed(valences: Sequence[float], words: int, added: float) -> Polarity:
    """The valences of a text with that many words (at least one), and what its punctuation adds -> the result."""
    total = sum(valences)  # of a list like the package's: newer Pythons add up in another way than `+` does
    if total > 0:
        total += added
    elif total < 0:
        total -= added
    compound = total / sqrt(total * total + ALPHA)

    positive = negative = 0.0
    neutral = words
    for valence in valences:
        # A neutral word counts as one, so each valence gets one on top.
        if valence > 0:
            positive += valence + 1
            neutral -= 1
        elif valence < 0:
            negative += 1 - valence
            neutral -= 1
    if positive > negative:
        positive += added
    elif positive < negative:
        negative += added
    whole = positive + negative + neutral
    return Polarity(
        compound=rounded(compound, 4, 10_000.0),
        pos=rounded(positive / whole, 3, 1_000.0),
        neg=rounded(negative / whole, 3, 1_000.0),
        neu=rounded(neutral / whole, 3, 1_000.0),
    )


def rounded(number: float, places: int, scale: float) -> float:
    """round(number, places) for -1 <= number <= 1 and three or four places, to the same bits in a third of the time.
    `scale` is 10 ** places.

    `round` writes the number as decimal digits and reads them again, to be right about halves. Away from a half the
    nearest whole number of thousandths is no question, and dividing it is right to the last bit. Zero keeps its sign.
    """
    scaled = number * scale
    nearest = scaled + NO_FRACTION - NO_FRACTION
    if nearest and -0.4999 < scaled - nearest < 0.4999:
        return nearest / scale
    return round(number, places) if number else number
