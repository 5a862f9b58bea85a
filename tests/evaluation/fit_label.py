"""Fits what each sign (`pipeline/sentiment/signs.py`) is worth, and writes `pipeline/lexicons/en/label.toml`.

python -m tests.evaluation.fit_label

A multinomial logistic regression on the airline tweets and the tweets of TweetEval, the classes of the latter balanced
and weighed three times, because the service is to be right about texts that are not about airlines. Needs the data; the
weights are in the repository, so nobody else does. What comes of it on brands that were left out of the fit is printed
by `python -m tests.evaluation.sentiment`.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.sentiment.care import Care
from pipeline.sentiment.label import LABELS
from pipeline.sentiment.signs import NAMES, signs
from tests.evaluation.data import Labelled, airline, tweeteval

OUT = Path("pipeline/lexicons/en/label.toml")
STRENGTH = 0.3
"""The inverse of the L2 penalty."""
OTHERS = 3.0
"""What a tweet that is not about airlines weighs."""
HEAD = """\
# English: what each sign of `pipeline/sentiment/signs.py` adds to the logarithm of the odds of a label. Made by
# `python -m tests.evaluation.fit_label`; do not edit.
"""


def fitted(care: Care, customers: Sequence[Labelled], others: Sequence[Labelled]) -> Any:
    """The fitted classifier; its classes are in the order of LABELS."""
    from sklearn.linear_model import LogisticRegression

    values = [values_of(care, one.text) for one in (*customers, *others)]
    counts = Counter(one.label for one in others)
    weights = [1.0] * len(customers)
    weights += [OTHERS * len(others) / len(counts) / counts[one.label] for one in others]
    learner = LogisticRegression(C=STRENGTH, max_iter=5_000)
    learner.fit(values, [one.label for one in (*customers, *others)], sample_weight=weights)
    assert tuple(learner.classes_) == LABELS
    return learner


def values_of(care: Care, text: str) -> list[float]:
    """The signs of a text as numbers."""
    reading = care.reader.read(text)
    return [float(value) for value in signs(text, reading, care.score(text, reading), care)]


def written(learner: Any) -> str:
    """The file."""
    lines = [HEAD, f"labels = [{', '.join(repr(label).replace(chr(39), chr(34)) for label in LABELS)}]"]
    lines.append(f"biases = {[round(float(value), 3) for value in learner.intercept_]}\n\n[weights]")
    for place, name in enumerate(NAMES):
        lines.append(f"{name} = {[round(float(row[place]), 3) for row in learner.coef_]}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    OUT.write_text(written(fitted(Care(), airline(), tweeteval())), encoding="utf-8")
    print(f"{OUT} written")
