"""How right the scorer that needs no training is: label, compound, confidence; beside plain VADER, in one run.

    python -m tests.evaluation.sentiment [--json]

`as_shipped`: with the weights of `label.toml`, which were fitted on the same tweets. `unseen`: the weights fitted again
without the airline, or the fold, that is judged: what to expect of texts that nobody has seen. The phrases are the same
in both; they were written and checked on these tweets.
"""

import sys
from collections.abc import Sequence
from itertools import islice
from statistics import correlation
from typing import Any

import msgspec
import orjson

from agents.training.quality import figures
from pipeline.sentiment.customer import CustomerScorer
from pipeline.sentiment.scorer import Scorer
from pipeline.sentiment.vader import VaderScorer
from tests.evaluation.data import Labelled, Rated, airline, missing, rated, tweeteval
from tests.evaluation.fit_label import fitted, values_of

FOLDS = 5
MISTAKES_MAX = 10


def measure() -> dict[str, Any]:
    """All figures; `skipped` and why, where the data is absent."""
    if why := missing():
        return {"skipped": why}
    scorer, vader = CustomerScorer(), VaderScorer()
    customers, others, ratings = airline(), tweeteval(), rated()
    unseen_customers, unseen_others = _unseen(scorer, customers, others)
    return {
        "airline": {
            "as_shipped": _by(scorer, customers),
            "unseen": unseen_customers,
            "vader": _by(vader, customers),
        },
        "tweeteval": {
            "as_shipped": _by(scorer, others),
            "unseen": unseen_others,
            "vader": _by(vader, others),
        },
        "rated": {"care": round(_correlation(scorer, ratings), 4), "vader": round(_correlation(vader, ratings), 4)},
        "mistakes": mistakes(scorer, customers),
    }


def mistakes(scorer: Scorer, given: Sequence[Labelled]) -> dict[str, list[str]]:
    """For each kind of mistake the texts about which the scorer was surest."""
    found: dict[str, list[tuple[float, str]]] = {}
    for one in given:
        said = scorer.score(one.text)
        if said.label != one.label:
            found.setdefault(f"{one.label} called {said.label}", []).append((said.confidence, one.text))
    return {
        kind: [text for _, text in islice(sorted(texts, reverse=True), MISTAKES_MAX)] for kind, texts in found.items()
    }


def _by(scorer: Scorer, given: Sequence[Labelled]) -> dict[str, Any]:
    said = [scorer.score(one.text) for one in given]
    return _figures([one.label for one in given], [(one.label, one.confidence) for one in said])


def _unseen(
    scorer: CustomerScorer, customers: Sequence[Labelled], others: Sequence[Labelled]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Each airline by weights that were fitted without it; of the other tweets each fold."""
    care = scorer.care
    truth: list[str] = []
    said: list[tuple[str, float]] = []
    for group in sorted({one.group for one in customers}):
        here = [one for one in customers if one.group == group]
        learner = fitted(care, [one for one in customers if one.group != group], others)
        said += _predicted(learner, [values_of(care, one.text) for one in here])
        truth += [one.label for one in here]
    of_customers = _figures(truth, said)
    truth, said = [], []
    for fold in range(FOLDS):
        here = others[fold::FOLDS]
        learner = fitted(care, customers, [one for place, one in enumerate(others) if place % FOLDS != fold])
        said += _predicted(learner, [values_of(care, one.text) for one in here])
        truth += [one.label for one in here]
    return of_customers, _figures(truth, said)


def _predicted(learner: Any, values: list[list[float]]) -> list[tuple[str, float]]:
    probabilities = learner.predict_proba(values)
    return [(str(learner.classes_[row.argmax()]), float(row.max())) for row in probabilities]


def _correlation(scorer: Scorer, ratings: Sequence[Rated]) -> float:
    """Pearson's, of compound and rating."""
    return correlation([scorer.score(one.text).compound for one in ratings], [one.rating for one in ratings])


def _figures(truth: Sequence[str], said: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """`average_recall`: mean over the classes, the measure of TweetEval (Barbieri et al., 2020)."""
    labels = [label for label, _ in said]
    recalls = [
        sum(true == name == one for true, one in zip(truth, labels, strict=True)) / truth.count(name)
        for name in sorted(set(truth))
    ]
    found = msgspec.structs.asdict(figures(truth, labels, [confidence for _, confidence in said]))
    return {**found, "average_recall": round(sum(recalls) / len(recalls), 4)}


def main() -> None:
    """Prints the figures."""
    found = measure()
    if "--json" in sys.argv[1:] or "skipped" in found:
        print(orjson.dumps(found).decode())
        return
    for data in ("airline", "tweeteval"):
        for name, one in found[data].items():
            of_class = "  ".join(f"{label} {f1:.3f}" for label, f1 in one["class_f1"].items())
            print(
                f"{data:10} {name:11} macro F1 {one['macro_f1']:.3f}  average recall {one['average_recall']:.3f}  "
                f"F1: {of_class}  calibration error {one['calibration_error']:.3f}"
            )
    print(f"rated      correlation {found['rated']['care']:.3f}, VADER {found['rated']['vader']:.3f}")
    for kind, texts in found["mistakes"].items():
        print(f"\n{kind}:", *(f"  {text[:200]}" for text in texts), sep="\n")


if __name__ == "__main__":
    main()
