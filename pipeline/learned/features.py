"""What a model knows of a text beside its words: numbers that the lexicon, the rules and the taxonomy found.

In: a text and its reading. Out: as many numbers as there are names. The rule: these carry over where words do not. A
model that has learned from three brands has seen few words of a fourth, but waiting and promises are found there too.

A source of features is replaced as a whole: a model remembers its `identity` and its `names`, and works with no other.
"""

import hashlib
from collections.abc import Sequence
from math import log1p, sqrt
from typing import Final, Protocol

import orjson

from pipeline.aspects import find, matches
from pipeline.learned.grams import names_in
from pipeline.lexicon import DEFAULT, content
from pipeline.sentiment.care import LEXICON, QUOTED, Care
from pipeline.sentiment.hit import Hit
from pipeline.sentiment.polarity import ALPHA
from pipeline.taxonomy import Taxonomy
from pipeline.text.reading import HANDLE, Reader, Reading

VERSION: Final = 1
"""Of the sources in this file: another one where a value changes that the lexicon's checksum does not show."""
MARKS_MAX: Final = 4
"""More exclamation marks than four say no more; so it is in VADER."""
COMPLAINT: Final = -0.5
"""As what a text is taken when the taxonomy is asked for its main aspect."""


class FeatureSource(Protocol):
    """`reader` makes the readings; `identity` changes with whatever changes a value."""

    reader: Reader
    identity: str
    names: tuple[str, ...]

    def values(self, text: str, reading: Reading) -> Sequence[float]:
        """One number for each name, of about the size 0 to 10."""
        ...


class SentimentFeatures:
    """What the customer-care lexicon finds: how much, of which kind, where; and the text's length and marks."""

    def __init__(self, language: str = DEFAULT) -> None:
        care, lexicon = Care(language), content("care", language)
        reasons = sorted({LEXICON, QUOTED, *lexicon["facts"], *lexicon["tone"]})
        self.reader = care.reader
        self.identity = f"care-{language}/{VERSION}-{_checksum(lexicon)}"
        self.names = (*_FOUND, *_SHAPE, *(f"sum_{reason}" for reason in reasons))
        self.lexicons = (care.phrases,)
        self._hits = care.hits
        self._no_reasons = dict.fromkeys(reasons, 0.0)
        self._nothing = (0.0,) * len(reasons)

    def values(self, text: str, reading: Reading) -> Sequence[float]:
        """See `FeatureSource.values`."""
        return self.of_hits(text, reading, self.hits(reading))

    def hits(self, reading: Reading) -> list[Hit]:
        """What the lexicon finds, without names: "united" is a good word, but not where people write to @united."""
        hits = self._hits(reading)
        words = reading.words
        if hits and HANDLE in words:
            names = {HANDLE, *names_in(reading)}
            return [hit for hit in hits if hit.end - hit.start > 1 or words[hit.start] not in names]
        return hits

    def of_hits(self, text: str, reading: Reading, hits: Sequence[Hit]) -> Sequence[float]:
        """The values for hits that are found already. Valences are in VADER's scale, sums of clauses in that of its
        compound."""
        clauses = reading.clauses
        end = clauses[-1] if clauses else 0
        count = len(reading.words)
        capitals = sum(map(str.isupper, reading.raw))
        exclamations, questions = text.count("!"), text.count("?")
        shape = (
            log1p(count),
            log1p(end),
            min(exclamations, MARKS_MAX),
            min(questions, MARKS_MAX),
            exclamations > 0,
            questions > 0,
            "http" in text,
            capitals / count if count else 0.0,
        )
        if not hits:
            return (*_SILENT, *shape, *self._nothing)
        sums: dict[int, float] = {}
        reasons = self._no_reasons.copy()
        positive = negative = most = least = 0.0
        positives = 0
        for start, _, valence, reason in hits:
            clause = clauses[start]
            sums[clause] = sums.get(clause, 0.0) + valence
            reasons[reason] += valence
            if valence > 0:
                positives += 1
                positive += valence
                most = max(most, valence)
            else:
                negative += valence
                least = min(least, valence)
        parts = sums.values()
        found = (
            _bounded(positive + negative),
            positive,
            negative,
            most,
            least,
            positives,
            len(hits) - positives,
            False,
            hits[0].valence,
            hits[-1].valence,
            _bounded(min(0.0, *parts)),
            _bounded(max(0.0, *parts)),
            _bounded(sums.get(0, 0.0)),
            _bounded(sums.get(end, 0.0)),
        )
        return (*found, *shape, *reasons.values())


class AspectFeatures:
    """What the phrases of a taxonomy find: for each aspect the surest phrase, all together, and whether it is the
    main one."""

    def __init__(self, taxonomy: Taxonomy, reader: Reader) -> None:
        topics = sorted(taxonomy.aspects)
        self.reader = reader
        self.identity = f"taxonomy/{taxonomy.identity}"
        self.names = tuple(f"{kind}_{topic}" for kind in ("surest", "sum", "main") for topic in topics)
        self._taxonomy = taxonomy
        self._place = {topic: place for place, topic in enumerate(topics)}

    def values(self, text: str, reading: Reading) -> Sequence[float]:
        """See `FeatureSource.values`. Weights of phrases as in `taxonomy.WEIGHTS`; a phrase counts once."""
        values = [0.0] * len(self.names)
        size = len(self._place)
        weights = {(match.topic, match.pattern): match.weight for match in matches(reading, self._taxonomy)}
        for (topic, _), weight in weights.items():
            place = self._place[topic]
            values[place] = max(values[place], weight)
            values[size + place] += weight
        if main := find(reading, (), COMPLAINT, self._taxonomy):
            values[2 * size + self._place[main[0].aspect]] = 1.0
        return values


class NoFeatures:
    """Words alone, for a model of aspects without a taxonomy."""

    names: tuple[str, ...] = ()
    identity = "none/1"

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def values(self, text: str, reading: Reading) -> Sequence[float]:
        """Nothing."""
        return ()


_FOUND: Final = (
    "compound", "sum_positive", "sum_negative", "most_positive", "most_negative", "count_positive", "count_negative",
    "silent", "first", "last", "clause_least", "clause_most", "clause_first", "clause_last",
)  # fmt: skip
_SHAPE: Final = ("words", "clauses", "exclamations", "questions", "exclaims", "asks", "link", "capitals")
_SILENT: Final = (0.0,) * 7 + (True,) + (0.0,) * 6


def _bounded(total: float) -> float:
    return total / sqrt(total * total + ALPHA)


def _checksum(lexicon: object) -> str:
    return hashlib.sha256(orjson.dumps(lexicon, option=orjson.OPT_SORT_KEYS)).hexdigest()[:8]
