"""Why a text is understood as it is: what `cem score --explain` adds.

In: Said, a taxonomy. Out: plain dicts. The one rule: what is shown is what decided, not a story made up afterwards.
"""

from functools import cache
from typing import Any

from pipeline import severe
from pipeline.aspects import matches
from pipeline.saying import Listener, Said
from pipeline.sentiment.polarity import Vader
from pipeline.taxonomy import Taxonomy

SIGNS_MAX = 6


def explained(said: Said, terms: Taxonomy, listener: Listener) -> dict[str, Any]:
    """`words`: each phrase that moved the compound, its valence (-4 to 4) and what found it. `signs`: what the label
    was decided by, the weightiest first, as log-odds for it; empty for a learned model. `vader`: the compound of plain
    VADER. `aspects`, `severe`: the phrase and the pattern that gave each; `not_meant`: why a severe one does not
    count."""
    words = said.reading.words
    return {
        "words": [
            {"words": " ".join(words[hit.start : hit.end]), "valence": round(hit.valence, 3), "reason": hit.reason}
            for hit in said.judgement.hits
        ],
        "signs": [{"sign": name, "adds": round(adds, 3)} for name, adds in listener.signs(said)[:SIGNS_MAX]],
        "vader": _vader().polarity(said.text).compound,
        "aspects": [
            {"aspect": one.topic, "words": " ".join(words[one.start : one.end]), "pattern": one.pattern}
            for one in matches(said.reading, terms)
        ],
        "severe": [
            {
                "cause": one.topic,
                "words": " ".join(words[one.start : one.end]),
                "pattern": one.pattern,
                "not_meant": doubt.value if doubt else None,
            }
            for one, doubt in severe.judged(said.reading, terms, said.judgement.sentiment, said.language.language)
        ],
        "emotion": said.felt.words,
        "journey": said.met.words,
        "language": {"language": said.language.language, "confidence": round(said.language.confidence, 3)},
    }


@cache
def _vader() -> Vader:
    return Vader()
