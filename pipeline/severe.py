"""Which severe causes a text tells: injury, illness, discrimination, threat, legal, data leak, minors. In: a Reading, a
taxonomy, the sentiment. Out: causes, each with the words that told it; and of phrases that are not meant so, why.

The one rule: what is denied, supposed, asked or told of others is not told. "Nobody was hurt" holds the words of an
injury and none of it; a false alarm gets somebody out of bed. That a text threatens is enough where the taxonomy says
`announced`: "if nobody answers I will sue" is a legal matter already.

How far a negation reaches is after NegEx (Chapman et al., 2001), which tells findings from denied findings in patients'
records: it stands before the phrase, with nothing between that could bear it instead.
"""

import re
from enum import StrEnum
from functools import cache
from typing import Any, Final, NamedTuple

from pipeline.aspects import Match, severe
from pipeline.lexicon import DEFAULT, content, covers
from pipeline.taxonomy import Taxonomy
from pipeline.text.phrases import Phrases
from pipeline.text.reading import HANDLE, Reading
from schemas.insight import Sentiment, SevereCause

CAUSES_MAX: Final = 5
"""Of one text, the most severe ones."""
REACH_WORDS: Final = 5
"""How far before a phrase a word may stand that takes it back."""
SENTENCE_WORDS_MAX: Final = 40
"""How far around a phrase its sentence is looked at."""
PRAISE_SURE: Final = 0.6
"""How sure it has to be that a text is positive: then somebody was helped, or nothing happened."""
WORDS_LENGTH_MAX: Final = 200
DIGITS_MAX: Final = 3
"""A longer number is somebody's."""
LEFT_OUT: Final = "…"

_BEGINNING: Final = re.compile(r"([a-z]+)\*")
_ENDS: Final = (".", "!", "?", "…")


class Doubt(StrEnum):
    """Why a severe phrase is not meant so."""

    DENIED = "denied"
    SUPPOSED = "supposed"
    ASKED = "asked"
    ELSEWHERE = "elsewhere"
    PRAISED = "praised"


class _Lexicon(NamedTuple):
    denying: frozenset[str]
    modal: frozenset[str]
    between: frozenset[str]
    supposing: frozenset[str]
    asking: frozenset[str]
    elsewhere: Phrases[bool]


def causes(
    reading: Reading, taxonomy: Taxonomy, sentiment: Sentiment, language: str | None = None
) -> tuple[SevereCause, ...]:
    """Each cause once, with the words of its first phrase; the most severe first, at most five."""
    found = judged(reading, taxonomy, sentiment, language)
    if not found:
        return ()
    told: dict[str, SevereCause] = {}
    for match, doubt in found:
        if doubt is None and match.topic not in told:
            topic = taxonomy.severe[match.topic]
            words = shown(match, reading, taxonomy)
            told[match.topic] = SevereCause(
                cause=topic.name, words=words, department=topic.department, severity=topic.severity
            )
    return tuple(sorted(told.values(), key=lambda cause: -cause.severity)[:CAUSES_MAX])


def judged(
    reading: Reading, taxonomy: Taxonomy, sentiment: Sentiment, language: str | None = None
) -> list[tuple[Match, Doubt | None]]:
    """All phrases that tell a severe cause, by start, and why one is not meant so. Nothing where the scorer
    abstained."""
    if sentiment.abstained:
        return []
    found = severe(reading, taxonomy)
    if not found:
        return []
    if not covers("severe", language):
        return [(match, None) for match in found]
    if sentiment.label == "positive" and sentiment.confidence >= PRAISE_SURE:
        return [(match, Doubt.PRAISED) for match in found]
    lexicon = _lexicon(language or DEFAULT)
    return [(match, _doubt(match, reading, lexicon, taxonomy.severe[match.topic].announced)) for match in found]


def shown(match: Match, reading: Reading, taxonomy: Taxonomy) -> str:
    """The words of a phrase as they stand in the text, but for those that the taxonomy does not know: they may be
    anybody's name, and text is kept in one place only."""
    vocabulary, beginnings = taxonomy.severe_phrases.vocabulary, tuple(_BEGINNING.findall(match.pattern))
    told: list[str] = []
    for word in reading.words[match.start : match.end]:
        known = (
            word.partition("'")[0] in vocabulary
            or word.startswith(beginnings)
            or (word.isdigit() and len(word) <= DIGITS_MAX)
        )
        if known or told[-1:] != [LEFT_OUT]:
            told.append(word if known else LEFT_OUT)
    return " ".join(told)[:WORDS_LENGTH_MAX]


def _doubt(match: Match, reading: Reading, lexicon: _Lexicon, announced: bool) -> Doubt | None:
    words, clauses = reading.words, reading.clauses
    place = match.start - 1
    first = max(0, match.start - REACH_WORDS)
    while place >= first and clauses[place] == clauses[match.start]:
        word = words[place]
        if word in lexicon.denying:
            return Doubt.DENIED
        if word in lexicon.modal and not announced:
            return Doubt.SUPPOSED
        if word not in lexicon.between:
            break
        place -= 1
    begin, end = _sentence(match, reading)
    if lexicon.elsewhere.find(words[begin:end]):
        return Doubt.ELSEWHERE
    if announced:
        return None
    if any(words[at] in lexicon.supposing and clauses[at] == clauses[match.start] for at in range(begin, match.start)):
        return Doubt.SUPPOSED
    if words[begin] in lexicon.asking and "?" in reading.raw[end - 1]:
        return Doubt.ASKED
    return None


def _sentence(match: Match, reading: Reading) -> tuple[int, int]:
    """Where the sentence around a phrase begins and ends (not included)."""
    raw = reading.raw
    begin, end = match.start, match.end
    first, last = max(0, begin - SENTENCE_WORDS_MAX), min(len(raw), end + SENTENCE_WORDS_MAX)
    while begin > first and not raw[begin - 1].endswith(_ENDS) and reading.words[begin - 1] != HANDLE:
        begin -= 1
    while end < last and not raw[end - 1].endswith(_ENDS):
        end += 1
    return begin, end


@cache
def _lexicon(language: str) -> _Lexicon:
    file: dict[str, Any] = content("severe", language)
    sets = {name: "|".join(words.split()) for name, words in file["sets"].items()}
    return _Lexicon(
        denying=frozenset(file["denying"].split()),
        modal=frozenset(file["modal"].split()),
        between=frozenset(file["between"].split()),
        supposing=frozenset(file["supposing"].split()),
        asking=frozenset(file["asking"].split()),
        elsewhere=Phrases([(pattern, True) for pattern in file["elsewhere"]], sets),
    )
