"""What decides a label beside the compound: how much praise and blame, of which kind, in what kind of text.

In: a text, its reading, what the care layer found. Out: one number for each name in NAMES, of about the size 0 to 1.
The rule: no sign is a word of its own. What a sign is worth is learned once, and carries over to texts about other
companies; words are for `cem train`.
"""

import re
from itertools import compress
from math import log1p
from typing import Final

from pipeline.sentiment.care import Care, Scored
from pipeline.text.reading import HANDLE, Reading

NAMES: Final = (
    "compound", "praise", "blame", "facts", "hits", "silent", "asks", "ends_asking", "exclaims", "length", "service",
    "topic", "person", "persons", "link", "thanks_said", "request", "last", "asks_praise", "asks_blame", "number",
    "capitals", "dots", "hashtag", "mixed", "topic_compound", "begins_thanking", "handles", "clearly_good",
    "clearly_bad", "silent_short", "other_compound", "other_praise", "other_blame", "other_asks", "other_exclaims",
    "other_length", "other_thanks_said", "other_silent",
)  # fmt: skip

_NO_OTHER: Final = (0.0,) * 8
"""The last eight, which say again what they are called after where a text is not known to speak to or of a service."""
_DIGIT: Final = re.compile(r"\d").search


def signs(text: str, reading: Reading, scored: Scored, care: Care) -> tuple[float, ...]:
    """`text` normalised, `reading` by the layer's reader. Never raises."""
    words, hits = reading.words, scored.hits
    compound, count = scored.compound, len(words)
    praise = blame = facts = 0.0
    reasons = set()
    for _, _, valence, reason in hits:
        reasons.add(reason)
        if valence > 0:
            praise += valence
        else:
            blame -= valence
            if reason in care.facts:
                facts -= valence
    praise, blame, facts = praise / (praise + 4.0), blame / (blame + 4.0), facts / (facts + 3.0)
    asks = "?" in text
    exclaims = min(3, text.count("!")) / 3
    topic = scored.topic
    persons = sum(map(care.persons.__contains__, words))
    length = log1p(count) / 4
    handles = words.count(HANDLE)
    called = handles > 0 and words[0] == HANDLE
    first = words[1:2] if called else words[:1]
    thanks_said = "praise" in reasons
    silent = not hits
    shouted = [raw for raw in compress(reading.raw, map(str.isupper, reading.raw)) if len(raw) > 2]
    other: tuple[float, ...] = _NO_OTHER
    if not (called or topic):
        other = (compound, praise, blame, asks, exclaims, length, thanks_said, silent)
    return (
        compound, praise, blame, facts, min(3, len(hits)) / 3, silent, asks, asks and text[-1] == "?", exclaims, length,
        called or topic, topic, min(4, persons) / 4, persons > 0, "://" in text, thanks_said, "request" in reasons,
        hits[-1].valence / 4 if hits else 0.0, praise if asks else 0.0, blame if asks else 0.0,
        _DIGIT(text) is not None, len(shouted) / count if shouted else 0.0, "…" in text or "..." in text, "#" in text,
        praise > 0 and blame > 0, compound if topic else 0.0, bool(first) and first[0] in care.thanks, handles > 1,
        compound > 0.3, compound < -0.3, silent and count < 7, *other,
    )  # fmt: skip
