"""Whether a text may come from somebody else than a customer: advertising, begging, blackmail, accounts made for it.

In: a masked text, its Reading, the author as the network shows him. Out: a Suspicion, 0 to 1, with its reasons. The
rules: a suspicion says how sure it is, it drops nothing and hides nothing; and one sign that customers give too (a
link, "follow me", a new account) stays below one half by itself. What compares across authors is in
`pipeline.likeness`.

The signs are independent evidence: two of weights a and b make 1 - (1 - a)(1 - b). The phrases and their weights are in
`pipeline/lexicons/`, the signs that are in no language are here.
"""

import re
from enum import StrEnum
from functools import cache
from typing import Any, Final

from pipeline.lexicon import DEFAULT, content, covers
from pipeline.text.phrases import Phrases, apart, longest
from pipeline.text.reading import HANDLE, Reading
from schemas.insight import Suspicion
from schemas.post import Author
from schemas.time import DAY_MS, HOUR_MS

NEW_ACCOUNT_MS: Final = 7 * DAY_MS
VERY_NEW_ACCOUNT_MS: Final = 24 * HOUR_MS
EMPTY_FOLLOWERS_MAX: Final = 2
READ_MAX: Final = 2_000
"""Characters and words that are looked at."""
HASHTAGS_MANY: Final = 6
HASHTAGS_LIST: Final = 12
SHOUTED_LETTERS_MIN: Final = 20


class Reason(StrEnum):
    """Why a text is suspected, in the insight, in the alert and in metrics."""

    PROMOTION = "promotion"
    OFFER = "offer"
    BEGGING = "begging"
    CONTACT = "contact"
    EXTORTION = "extortion"
    LINK = "link"
    HASHTAGS = "hashtags"
    SHOUTING = "shouting"
    REPETITION = "repetition"
    NEW_ACCOUNT = "new_account"
    EMPTY_ACCOUNT = "empty_account"
    NEAR_DUPLICATE = "near_duplicate"
    BURST = "burst"


Sign = tuple[Reason, float]
"""A reason and its weight, 0 to 1."""

_NONE: Final = Suspicion()
_DOMAIN: Final = re.compile(r"\.(?:com|net|org|info|biz|tv|ly|pl|ru|xyz)\b")
_OWN_LINK: Final = re.compile(r"(?:https?://)?(?:t\.co|pic\.twitter\.com|pbs\.twimg\.com)/\S*")
"""What the network itself makes of a photo or a quoted post."""
_EARNING_LINK: Final = re.compile(
    r"(?i)adf\.ly|linkbucks|bit\.ly|goo\.gl|tinyurl|ow\.ly/|\bref=|/refer|referral|invite=|/join/|affiliate|gofundme|"
    r"indiegogo|kickstarter|patreon|vakinha|youcaring|change\.org|play\.google\.com/store|itunes\.apple|ebay\.|"
    r"amazon\.\w+/(?:dp|gp)|etsy\.com|facebook\.com/(?:pages|groups|events|photo)|soundcloud|spotify\.com|twitch\.tv|"
    r"bandcamp|reverbnation|wa\.me|t\.me/|chat\.whatsapp|onlyfans|blogspot|wordpress|fiverr|casino|vote|contest|giveaway"
)


def suspicion_of(
    text: str, reading: Reading, author: Author | None, event_time: int, language: str | None = None
) -> Suspicion:
    """`event_time` in milliseconds: an account's age is counted up to it. `language`: a folder of lexicons; one that
    has none reads the default's, because advertising is in English everywhere."""
    signs: list[Sign] = []
    _said(reading, language, signs)
    _written(text, reading, signs)
    if author is not None and not author.verified:
        _account(author, event_time, signs)
    return together(signs) if signs else _NONE


def phrases(language: str = DEFAULT) -> Phrases[Any]:
    """What is looked for in a text. Raises FileNotFoundError where the language has no lexicon."""
    return _phrases(language)


def together(signs: list[Sign]) -> Suspicion:
    """Independent signs as one suspicion; its reasons by their weight."""
    weights: dict[Reason, float] = {}
    doubt = 1.0
    for reason, weight in signs:
        doubt *= 1.0 - weight
        weights[reason] = max(weight, weights.get(reason, 0.0))
    reasons = sorted(weights, key=lambda reason: (-weights[reason], reason))
    return Suspicion(score=round(1.0 - doubt, 2), reasons=tuple(reasons))


def _said(reading: Reading, language: str | None, signs: list[Sign]) -> None:
    """What is said: of phrases within each other the longest, and each counts once, however often it is said."""
    lexicon = _phrases(language if language is not None and covers("authenticity", language) else DEFAULT)
    found = lexicon.find_in(reading, READ_MAX)
    if found:
        alone = found if apart(found) else longest(sorted(found, reverse=True))
        signs += [(reason, weight) for weight, reason, _ in sorted({value for _, _, value in alone})]


def _written(text: str, reading: Reading, signs: list[Sign]) -> None:
    """How it is written, in any language."""
    text = text[:READ_MAX]
    words = reading.words[:READ_MAX]
    if "." in text and _has_link(text):
        signs.append((Reason.LINK, 0.45 if _EARNING_LINK.search(text) else 0.3))
        if len(words) - words.count(HANDLE) <= 2:
            signs.append((Reason.PROMOTION, 0.2))
    if "[" in text and ("[phone]" in text or "[email]" in text):
        signs.append((Reason.CONTACT, 0.15))
    if text.count("#") >= HASHTAGS_MANY and (tags := sum(word[0] == "#" and len(word) > 1 for word in text.split())):
        if tags >= HASHTAGS_LIST:
            signs.append((Reason.HASHTAGS, 0.45))
        elif tags >= HASHTAGS_MANY:
            signs.append((Reason.HASHTAGS, 0.3))
    if text.isupper() and sum(map(str.isalpha, text)) >= SHOUTED_LETTERS_MIN:
        signs.append((Reason.SHOUTING, 0.1))
    if len(words) >= 8 and len(set(words)) * 3 <= len(words):
        signs.append((Reason.REPETITION, 0.2))


def _has_link(text: str) -> bool:
    """Whether it leads away, but for the network's own short links."""
    if "t.co/" in text or "twi" in text:
        text = _OWN_LINK.sub("", text)
    return "://" in text or "www." in text or _DOMAIN.search(text) is not None


def _account(author: Author, event_time: int, signs: list[Sign]) -> None:
    """What the network shows of an account that it has not verified: that may be somebody's throw-away."""
    if author.created is not None:
        age_ms = max(0, event_time - author.created)
        if age_ms < VERY_NEW_ACCOUNT_MS:
            signs.append((Reason.NEW_ACCOUNT, 0.4))
        elif age_ms < NEW_ACCOUNT_MS:
            signs.append((Reason.NEW_ACCOUNT, 0.3))
    if author.followers is not None and author.followers <= EMPTY_FOLLOWERS_MAX:
        signs.append((Reason.EMPTY_ACCOUNT, 0.2))


@cache
def _phrases(language: str) -> Phrases[tuple[float, Reason, int]]:
    sections = content("authenticity", language)
    return Phrases(
        (pattern, (float(weight), Reason(section), number))
        for section, weights in sections.items()
        for weight, patterns in weights.items()
        for number, pattern in enumerate(patterns)
    )
