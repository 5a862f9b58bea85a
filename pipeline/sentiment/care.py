"""VADER and what customers say that it does not know: "on hold since nine", "third time", "thanks for nothing".

In: a text and its reading. Out: the hits (what moved the score, where, how much, why) and their sum as a compound in
VADER's scale. The rules: a phrase takes the place of the words and the shorter phrases within it, and is as strong as
the strongest of these words; words that mean something else to a customer than to others count so only where a service
is spoken of; what is in the files of the language (`pipeline/lexicons/`) decides, and here are only the rules.

Source of the scale, of negation, degree and emphasis: VADER (`polarity.py`); the phrases are our own.
"""

from math import sqrt
from sys import intern
from typing import Final

import msgspec

from pipeline.lexicon import content
from pipeline.sentiment.hit import Hit
from pipeline.sentiment.polarity import ALPHA, NEGATED, Vader, emphasis, rounded
from pipeline.text.phrases import Phrases, longest
from pipeline.text.reading import HANDLE, Reader, Reading

LEXICON: Final = "lexicon"
QUOTED: Final = "quoted"
ASIDE: Final = 0.5
"""What a fact counts where a text does not speak of a service."""
IRONIC: Final = -0.6
"""What becomes of praise in quotation marks: the "service"."""
NEGATED_WITHIN: Final = 2
"""Words between a negation and the phrase that it turns, at most, and one more."""

_QUOTES: Final = "\"'"
_PUNCTUATION: Final = ".,!?;:…"


class Scored(msgspec.Struct, frozen=True, gc=False):
    """`compound` -1 to 1; `hits` in the order of the text; `topic`: whether it speaks of a service."""

    compound: float
    hits: list[Hit]
    topic: bool


class Care:
    """The layer of one language. Raises FileNotFoundError where there are no files for it."""

    def __init__(self, language: str = "en") -> None:
        files = content("care", language)
        phrases = {**files["facts"], **files["tone"]}
        self.facts: Final = frozenset(files["facts"])
        self._topics = frozenset(map(intern, files["context"]["words"].split()))
        self._negations = frozenset(files["context"]["negations"].split())
        self.persons: Final = frozenset(files["context"]["persons"].split())
        self.thanks: Final = frozenset(files["context"]["thanks"].split())
        own = files.get("vader", False)
        self._customers = Vader(more={**files["words"], **files["emoji"]}, own=own)
        self._others = Vader(more=files["emoji"], own=own)
        self.phrases: Final = Phrases(
            (
                (pattern, (float(valence), reason))
                for reason, valences in phrases.items()
                for valence, patterns in valences.items()
                for pattern in patterns.splitlines()
            ),
            files["sets"],
        )
        self.reader: Final = Reader({*self._customers.lexicon, *self.phrases.vocabulary}, language)

    def speaks_of_service(self, reading: Reading) -> bool:
        """Whether a word of the text belongs to a service: an order, a room, a flight."""
        return not self._topics.isdisjoint(reading.words)

    def score(self, text: str, reading: Reading) -> Scored:
        """The text, and its reading by `reader`."""
        topic = self.speaks_of_service(reading)
        hits = self.hits(reading, topic)
        total = sum([hit.valence for hit in hits])
        if total:
            more = emphasis(text)
            total += more if total > 0 else -more
        return Scored(rounded(total / sqrt(total * total + ALPHA), 4, 10_000.0), hits, topic)

    def hits(self, reading: Reading, topic: bool | None = None) -> list[Hit]:
        """What moves the score, in the order of the text. `topic`: whether it speaks of a service, if that is known."""
        words = reading.words
        service = words[:1] == [HANDLE] or (self.speaks_of_service(reading) if topic is None else topic)
        places, valences = (self._customers if service else self._others).valences(reading.raw)
        by_word = {
            place: valence
            for place, valence in zip(places, valences, strict=True)
            if words[place] != HANDLE and not words[place].isdecimal()
        }
        hits: list[Hit] = []
        for start, end, (valence, reason) in longest(self.phrases.find_in(reading)):
            within = [by_word.pop(place) for place in range(start, end) if place in by_word] if by_word else []
            if not valence:
                continue
            if not service and reason in self.facts:
                valence *= ASIDE
            if start and self._is_negated(reading, start):
                valence *= NEGATED
            elif within:
                valence = min(valence, *within) if valence < 0 else max(valence, *within)
            hits.append(Hit(start, end, valence, reason))
        for place, valence in by_word.items():
            if valence > 0 and _is_quoted(reading.raw[place]):
                hits.append(Hit(place, place + 1, valence * IRONIC, QUOTED))
            else:
                hits.append(Hit(place, place + 1, valence, LEXICON))
        hits.sort()
        return hits

    def _is_negated(self, reading: Reading, start: int) -> bool:
        """Whether a negation stands before a phrase, in the same clause."""
        first, clauses = max(0, start - NEGATED_WITHIN), reading.clauses
        before = reading.words[first:start]
        return not self._negations.isdisjoint(before) and any(
            word in self._negations and clauses[place] == clauses[start] for place, word in enumerate(before, first)
        )


def _is_quoted(raw: str) -> bool:
    return raw[0] in _QUOTES and raw.rstrip(_PUNCTUATION)[-1] in _QUOTES
