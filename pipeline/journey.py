"""Where customers are on their way, and where they met the company. In: a Reading, the kind of record. Out: Met.

The rules: the stage with the most to say for it wins, and of two that have as much the later one, because whoever asks
for a refund has also bought; a stage is said only where words say it (a review without any is about the use). The
touchpoint is the one that is named most specifically: the longest phrase, then the first. What a survey states itself
goes before all of this, and is not decided here.

The stages are those of `schemas.vocabulary.JourneyStage`; touchpoints are a closed list, so that they can be counted.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple, get_args

from pipeline.lexicon import DEFAULT, content, covers
from pipeline.text.phrases import Found, Phrases, longest
from pipeline.text.reading import Reading
from schemas.insight import InsightKind
from schemas.vocabulary import JourneyStage

WORDS_MAX: Final = 600
"""Words of a text that are looked at."""
DECIDING_MAX: Final = 5
STAGE_MIN: Final = 2.0
"""Below this weight nothing is said about the stage."""
_LATER_FIRST: Final[tuple[JourneyStage, ...]] = ("leave", "refer", "service", "use", "purchase", "interest")


class Touchpoint(StrEnum):
    """Where customer and company meet."""

    PHONE = "phone"
    APP = "app"
    WEBSITE = "website"
    EMAIL = "email"
    CHAT = "chat"
    SOCIAL = "social"
    SMS = "sms"
    LETTER = "letter"
    COUNTER = "counter"
    KIOSK = "kiosk"
    IN_PERSON = "in_person"
    PREMISES = "premises"
    ON_BOARD = "on_board"
    DELIVERY = "delivery"
    DRIVE_THROUGH = "drive_through"


class Met(NamedTuple):
    """Stage and touchpoint, None where nothing says; the words that decided, at most five."""

    stage: JourneyStage | None
    touchpoint: Touchpoint | None
    words: tuple[str, ...]


class _Sign(NamedTuple):
    """What a phrase says: of one of the two, with a weight."""

    about: JourneyStage | Touchpoint
    weight: float


class _Lexicon(NamedTuple):
    phrases: Phrases[_Sign]
    kinds: Mapping[str, JourneyStage]


def of(reading: Reading, kind: InsightKind, language: str | None = None) -> Met:
    """A language without a lexicon says nothing; None reads as the default."""
    if not covers("journey", language):
        return Met(None, None, ())
    lexicon = _lexicon(language or DEFAULT)
    words = reading.words[:WORDS_MAX]
    found = lexicon.phrases.find(words)
    stages = [one for one in found if not isinstance(one.value.about, Touchpoint)]
    touchpoints = [one for one in found if isinstance(one.value.about, Touchpoint)]
    stage, deciding = _stage(stages, lexicon.kinds.get(kind))
    touchpoint = min(touchpoints, key=_specific, default=None)
    if touchpoint is not None:
        deciding = [*deciding, touchpoint]
    where = touchpoint.value.about if touchpoint is not None else None
    assert where is None or isinstance(where, Touchpoint)
    return Met(stage, where, _said(deciding, words))


def _stage(
    found: Sequence[Found[_Sign]], by_kind: JourneyStage | None
) -> tuple[JourneyStage | None, list[Found[_Sign]]]:
    """The stage that most speaks for; of phrases within each other only the longest of each stage counts."""
    weights: dict[JourneyStage | Touchpoint, float] = {}
    counted: list[Found[_Sign]] = []
    for stage in {one.value.about: None for one in found}:
        whole = longest(sorted((one for one in found if one.value.about == stage), reverse=True))
        weights[stage] = sum(one.value.weight for one in whole)
        counted += whole
    best = max(_LATER_FIRST, key=lambda stage: weights.get(stage, 0.0))
    if weights.get(best, 0.0) < STAGE_MIN:
        return by_kind, []
    return best, [one for one in counted if one.value.about == best]


def _specific(one: Found[_Sign]) -> tuple[int, int, str]:
    return (one.start - one.end, one.start, one.value.about)


def _said(deciding: Sequence[Found[_Sign]], words: Sequence[str]) -> tuple[str, ...]:
    """The words of the phrases, each once, the weightiest first."""
    by_weight = sorted(deciding, key=lambda one: (-one.value.weight, one.start))
    return tuple(dict.fromkeys(" ".join(words[one.start : one.end]) for one in by_weight))[:DECIDING_MAX]


@cache
def _lexicon(language: str) -> _Lexicon:
    sections = content("journey", language)
    patterns: list[tuple[str, _Sign]] = []
    for stage in get_args(JourneyStage):
        for weight, phrases in sections["stage"].get(stage, {}).items():
            patterns += [(phrase, _Sign(stage, float(weight))) for phrase in phrases]
    for touchpoint, phrases in sections["touchpoint"].items():
        patterns += [(phrase, _Sign(Touchpoint(touchpoint), 1.0)) for phrase in phrases]
    return _Lexicon(Phrases(patterns), sections["kind"])
