"""VADER and what customers say that it does not know: "on hold since nine", "third time", "thanks for nothing".

In: a Reading. Out: the hits (what moved the score, where, how much, why) and their sum as a compound in VADER's scale.
The rules: a phrase takes the place of the words and the shorter phrases within it; a question asks, it does not
complain; what is in the files of the language (`pipeline/lexicons/`) decides, and here are only the rules.

Source of the scale, of negation, degree and emphasis: VADER (`polarity.py`); the phrases are our own.
"""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from math import sqrt
from typing import Any, Final

import msgspec

from pipeline.sentiment.hit import Hit
from pipeline.sentiment.polarity import ALPHA, Vader, emphasis
from pipeline.text.phrases import Phrases, longest
from pipeline.text.reading import Reader, Reading

LEXICON: Final = "lexicon"
ASIDE: Final = 0.5
"""What a fact counts where a text does not speak of a service."""


class Scored(msgspec.Struct, frozen=True, gc=False):
    """`compound` -1 to 1; `hits` in the order of the text."""

    compound: float
    hits: list[Hit]


class Care:
    """The layer of one language."""

    def __init__(self, language: str = "en") -> None:
        content = _content(language)
        words = {**content["words"], **content["emoji"]}
        self._vader = Vader(more=words)
        sets = content["sets"]
        self._context = frozenset(content["context"]["words"].split())
        self._facts = frozenset(content["facts"])
        self._phrases = Phrases(
            (
                (pattern, (float(valence), section))
                for section, valences in {**content["facts"], **content["tone"]}.items()
                for valence, patterns in valences.items()
                for pattern in patterns.splitlines()
            ),
            sets,
        )
        self.reader = Reader({*self._vader.lexicon, *self._phrases.vocabulary}, language)

    def score(self, text: str, reading: Reading) -> Scored:
        """The text and its reading (by `reader`)."""
        hits = self._hits(reading)
        total = sum(hit.valence for hit in hits)
        if total:
            more = emphasis(text)
            total += more if total > 0 else -more
        return Scored(max(-1.0, min(1.0, round(total / sqrt(total * total + ALPHA), 4))), hits)

    def _hits(self, reading: Reading) -> list[Hit]:
        found = longest(self._phrases.find(reading.words))
        places, valences = self._vader.valences(reading.raw)
        if not found:
            return [Hit(place, place + 1, valence, LEXICON) for place, valence in zip(places, valences, strict=True)]
        aside = 1.0 if not self._context.isdisjoint(reading.words) else ASIDE
        covered: set[int] = set()
        hits: list[Hit] = []
        for start, end, (valence, section) in found:
            covered.update(range(start, end))
            if valence:
                hits.append(Hit(start, end, valence * aside if section in self._facts else valence, section))
        hits += [
            Hit(place, place + 1, valence, LEXICON)
            for place, valence in zip(places, valences, strict=True)
            if place not in covered
        ]
        hits.sort()
        return hits


@cache
def _content(language: str) -> dict[str, Any]:
    return tomllib.loads(files("pipeline.lexicons").joinpath(language, "care.toml").read_text("utf-8"))
