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
from typing import Any, Final, NamedTuple, get_args

from pipeline.lexicon import DEFAULT, content, covers
from pipeline.text.phrases import Found, Phrases, apart, longest
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
    """What a phrase says: a stage with a weight, or a touchpoint."""

    stage: JourneyStage | None
    weight: float
    touchpoint: Touchpoint | None


class _Lexicon(NamedTuple):
    phrases: Phrases[_Sign]
    kinds: Mapping[str, JourneyStage]


def of(reading: Reading, kind: InsightKind, language: str | None = None) -> Met:
    """A language without a lexicon says nothing; None reads as the default."""
    if not covers("journey", language):
        return Met(None, None, ())
    lexicon = _lexicon(language or DEFAULT)
    words = reading.words[:WORDS_MAX]
    found = lexicon.phrases.find_in(reading, WORDS_MAX)
    if not found:
        return Met(lexicon.kinds.get(kind), None, ())
    by_stage: dict[JourneyStage, list[Found[_Sign]]] = {}
    touchpoints: list[Found[_Sign]] = []
    for one in found:
        stage = one[2].stage
        if stage is None:
            touchpoints.append(one)
        elif stage in by_stage:
            by_stage[stage].append(one)
        else:
            by_stage[stage] = [one]
    best, deciding = _best(by_stage)
    touchpoint = None
    if touchpoints:
        named = touchpoints[0] if len(touchpoints) == 1 else min(touchpoints, key=_specific)
        touchpoint = named[2].touchpoint
        deciding = [*deciding, named]
    return Met(best or lexicon.kinds.get(kind), touchpoint, _said(deciding, words) if deciding else ())


def phrases(language: str = DEFAULT) -> Phrases[Any]:
    """What is looked for in a text. Raises FileNotFoundError where the language has no lexicon."""
    return _lexicon(language).phrases


def _best(by_stage: Mapping[JourneyStage, list[Found[_Sign]]]) -> tuple[JourneyStage | None, Sequence[Found[_Sign]]]:
    """The stage that most speaks for, and what does; of phrases within each other only the longest counts."""
    best, most = None, 0.0
    deciding: Sequence[Found[_Sign]] = ()
    for stage in _LATER_FIRST if by_stage else ():
        found = by_stage.get(stage)
        if found is None:
            continue
        whole = found if apart(found) else longest(sorted(found, key=_order))
        if (weight := sum([sign.weight for _, _, sign in whole])) > most:
            best, most, deciding = stage, weight, whole
    return (best, deciding) if most >= STAGE_MIN else (None, ())


def _order(one: Found[_Sign]) -> tuple[int, int, float]:
    """Of phrases in the same place the weightiest first."""
    return (one[0], one[1], -one[2].weight)


def _specific(one: Found[_Sign]) -> tuple[int, int, str]:
    return (one[0] - one[1], one[0], one[2].touchpoint or "")


def _said(deciding: Sequence[Found[_Sign]], words: Sequence[str]) -> tuple[str, ...]:
    """The words of the phrases, each once, the weightiest first."""
    by_weight = sorted(deciding, key=lambda one: (-one[2].weight, one[0])) if len(deciding) > 1 else deciding
    return tuple(dict.fromkeys([" ".join(words[start:end]) for start, end, _ in by_weight]))[:DECIDING_MAX]


@cache
def _lexicon(language: str) -> _Lexicon:
    sections = content("journey", language)
    patterns: list[tuple[str, _Sign]] = []
    for stage in get_args(JourneyStage):
        for weight, some in sections["stage"].get(stage, {}).items():
            patterns += [(phrase, _Sign(stage, float(weight), None)) for phrase in some]
    for touchpoint, some in sections["touchpoint"].items():
        patterns += [(phrase, _Sign(None, 0.0, Touchpoint(touchpoint))) for phrase in some]
    return _Lexicon(Phrases(patterns), sections["kind"])
