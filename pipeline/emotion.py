"""Which feeling speaks from a text. In: its Reading, what moved its sentiment (hits, compound). Out: Felt.

The rules: words that name a feeling decide, then emoji, then what the sentiment's hits are about; "not happy" is
disappointment; and nobody is glad or grateful in a text that complains ("thanks for nothing"): there the thanks are
mockery or manners. A text that says nothing of a feeling has none, however good or bad its news.

The six are those that ask for different answers of a company: anger and worry at once, disappointment with an
explanation, joy, gratitude and surprise with a thank-you. After the basic emotions of Ekman (1992) and Plutchik (1980).
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple, get_args

from pipeline.lexicon import DEFAULT, content, covers
from pipeline.sentiment.hit import Hit
from pipeline.sentiment.scorer import NEGATIVE_MAX, POSITIVE_MIN
from pipeline.text.phrases import Found, Phrases, apart, longest
from pipeline.text.reading import Reading
from schemas.vocabulary import Emotion

WORDS_MAX: Final = 600
"""Words of a text that are looked at."""
DECIDING_MAX: Final = 5
SPANS_MAX: Final = 30
FELT_MIN: Final = 2.0
"""Below this weight nothing is said about a feeling."""
EMOJI_WEIGHT: Final = 3.0
TURNING_WORDS: Final = 2
"""How far a "not" reaches."""
AGAINST_THE_TONE: Final = 0.7
"""What a bad feeling counts in a text that is friendly, and the other way round."""

_GLAD: Final = frozenset[Emotion](("joy", "gratitude"))
_BAD: Final = frozenset[Emotion](("anger", "disappointment", "worry"))
_ORDER: Final[tuple[Emotion, ...]] = ("anger", "worry", "disappointment", "gratitude", "joy", "surprise")
"""Of two that are as strong the first: the one that can wait less."""
_REASONS: Final[Mapping[str, tuple[Emotion, float]]] = {
    "outrage": ("anger", 2.0),
    "sarcasm": ("anger", 1.0),
    "leaving": ("disappointment", 2.0),
    "promise": ("disappointment", 1.0),
    "unanswered": ("disappointment", 1.0),
    "refusal": ("disappointment", 1.0),
    "failure": ("disappointment", 1.0),
    "waiting": ("disappointment", 1.0),
    "money": ("disappointment", 1.0),
    "praise": ("joy", 1.0),
}
"""What the sentiment's hits say of a feeling, by their reason."""


class Felt(NamedTuple):
    """A feeling, and the words that decided, as they stand in the Reading: at most five of them."""

    emotion: Emotion
    words: tuple[str, ...]


NOTHING: Final = Felt("none", ())


class _Lexicon(NamedTuple):
    phrases: Phrases[tuple[Emotion, float]]
    emoji: Mapping[str, Emotion]
    signs: frozenset[str]
    turned: frozenset[str]
    turned_by: frozenset[str]


def of(reading: Reading, hits: Sequence[Hit], compound: float, language: str | None = None) -> Felt:
    """`hits` of the same Reading. A language without a lexicon says nothing; None reads as the default."""
    if not covers("emotion", language):
        return NOTHING
    lexicon = _lexicon(language or DEFAULT)
    words = reading.words[:WORDS_MAX]
    found = lexicon.phrases.find_in(reading, WORDS_MAX)
    said: list[tuple[Emotion, float, int, int]] = []
    for one in found if apart(found) else longest(sorted(found, reverse=True)):
        emotion, weight = _meant(one, words, lexicon, compound)
        if weight:
            said.append((emotion, weight, one[0], one[1]))
    if not lexicon.signs.isdisjoint(words):
        signs = [(lexicon.emoji.get(word), place) for place, word in enumerate(words)]
        said += [(emotion, EMOJI_WEIGHT, place, place + 1) for emotion, place in signs if emotion is not None]
    for start, end, valence, reason in hits:
        if reason in _REASONS:
            about, weight = _REASONS[reason]
            if (valence > 0) == (about == "joy"):
                said.append((about, weight, start, end))
    return _strongest(said, words, compound) if said else NOTHING


def phrases(language: str = DEFAULT) -> Phrases[Any]:
    """What is looked for in a text. Raises FileNotFoundError where the language has no lexicon."""
    return _lexicon(language).phrases


def _meant(
    one: Found[tuple[Emotion, float]], words: Sequence[str], lexicon: _Lexicon, compound: float
) -> tuple[Emotion, float]:
    """What a phrase says where it stands: negated it is no feeling, or the opposite."""
    start, end, (emotion, weight) = one
    if start and not lexicon.turned.isdisjoint(words[max(0, start - TURNING_WORDS) : start]):
        return ("disappointment", weight) if emotion in _GLAD and compound < POSITIVE_MIN else (emotion, 0.0)
    if emotion in _GLAD and compound <= NEGATIVE_MAX:
        mocking = emotion == "gratitude" and not lexicon.turned_by.isdisjoint(words[end : end + 3])
        return ("anger", weight - 1.0) if mocking else (emotion, 0.0)
    return emotion, weight


def _strongest(said: Sequence[tuple[Emotion, float, int, int]], words: Sequence[str], compound: float) -> Felt:
    against = _BAD if compound >= POSITIVE_MIN else _GLAD if compound <= NEGATIVE_MAX else ()
    if len(said) == 1:
        best, weight, start, end = said[0]
        told = weight * AGAINST_THE_TONE if best in against else weight
        return Felt(best, (" ".join(words[start:end]),)) if told >= FELT_MIN else NOTHING
    weights = dict.fromkeys(_ORDER, 0.0)
    for emotion, weight, _, _ in said:
        weights[emotion] += weight * AGAINST_THE_TONE if emotion in against else weight
    best = max(weights, key=weights.__getitem__)
    if weights[best] < FELT_MIN:
        return NOTHING
    spans = sorted({(start, end) for emotion, _, start, end in said if emotion == best})
    whole = spans
    if len(spans) > 1:
        around = spans[:SPANS_MAX]
        whole = [one for one in spans if not any(o != one and o[0] <= one[0] and one[1] <= o[1] for o in around)]
    return Felt(best, tuple(dict.fromkeys(" ".join(words[start:end]) for start, end in whole))[:DECIDING_MAX])


@cache
def _lexicon(language: str) -> _Lexicon:
    sections = content("emotion", language)
    patterns: list[tuple[str, tuple[Emotion, float]]] = []
    for emotion in get_args(Emotion):
        for weight, some in sections.get(emotion, {}).items():
            patterns += [(phrase, (emotion, float(weight))) for phrase in some]
    emoji = {sign.rstrip("\ufe0f"): emotion for emotion, some in sections["emoji"].items() for sign in some.split()}
    turned, turned_by = (frozenset(sections[name]["words"].split()) for name in ("turned", "turned_by"))
    return _Lexicon(Phrases(patterns), emoji, frozenset(emoji), turned, turned_by)
