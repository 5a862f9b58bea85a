"""VADER as its authors ship it, behind the interface of a scorer. The algorithm is in `polarity.py`.

Source: Hutto and Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis", ICWSM 2014.
"""

from pipeline.sentiment.polarity import Vader
from pipeline.sentiment.scorer import label_of
from schemas.insight import Sentiment

_COVERED = ("en", "und")


class VaderScorer:
    """English only: a text in another language is scored neutral and `abstained`. Without a language it is taken
    as English, because most networks do not say."""

    model = "vader/3.3.2"

    def __init__(self) -> None:
        self._polarity = Vader().polarity

    def score(self, text: str, *, language: str | None = None, rating: float | None = None) -> Sentiment:
        """See `Scorer.score`. Confidence is the size of the compound, until a later model calibrates it."""
        if language is not None and language.lower().partition("-")[0] not in _COVERED:
            return Sentiment(compound=0.0, label="neutral", confidence=0.0, abstained=True, model=self.model)
        compound = self._polarity(text).compound
        return Sentiment(
            compound=compound,
            label=label_of(compound),
            confidence=abs(compound),
            abstained=not text,
            model=self.model,
        )
