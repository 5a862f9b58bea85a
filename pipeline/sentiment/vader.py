"""VADER as its authors ship it, behind the interface of a scorer. The algorithm is in `polarity.py`.

Source: Hutto and Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis", ICWSM 2014.
"""

from pipeline.sentiment.polarity import Vader
from pipeline.sentiment.scorer import Judgement, Scorer, abstention, covers, label_of
from pipeline.text.reading import Reader, Reading
from schemas.insight import Sentiment


class VaderScorer(Scorer):
    """English only: a text in another language is scored neutral and `abstained`. Stars do not count."""

    model = "vader/3.3.2"

    def __init__(self) -> None:
        self.reader = Reader()
        self._polarity = Vader().polarity

    def judge(
        self, text: str, reading: Reading, *, language: str | None = None, rating: float | None = None
    ) -> Judgement:
        """See `Scorer.judge`. Confidence is the size of the compound, uncalibrated; no hits."""
        if not text or not covers(language, "en"):
            return abstention(self.model)
        compound = self._polarity(text).compound
        label = label_of(compound)
        return Judgement(Sentiment(compound=compound, label=label, confidence=abs(compound), model=self.model), [])
