"""What `cem train` learns, on an airline that it has not seen: trained on two, tested on the third, each way round.

Beside it stand what has to be beaten: logistic regression on TF-IDF of one and two words, with and without balanced
classes, on the same split; and the scorers that nobody trained. Also the main aspect, the calibration, the size of the
file and the time of scoring.

    python -m tests.evaluation.learned [--json]

The data (`airline/tweets.csv`) is no part of the product; without it nothing is measured, and it says so.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from agents.models import aspect_source, sentiment_source
from agents.parts import default_scorer
from agents.training.fit import train
from agents.training.labelled import Example
from agents.training.quality import Figures, figures
from pipeline.aspects import find
from pipeline.learned.aspects import MainAspect
from pipeline.learned.file import Target
from pipeline.learned.model import Model
from pipeline.sentiment.learned import ModelScorer
from pipeline.sentiment.scorer import Scorer
from pipeline.sentiment.vader import VaderScorer
from pipeline.taxonomy import load
from pipeline.text.reading import Reader
from tests.evaluation.data import airline, complaints, missing

TIMED_TEXTS_MAX = 2_000
COMPLAINT = -0.5
"""As what a text is taken when the taxonomy alone is asked."""
Answers = list[tuple[str, float]]
"""For each text what is said, and how surely."""


def measure() -> dict[str, Any]:
    """The figures by target, unseen airline and scorer; `skipped` and why, where the data is absent."""
    if why := missing():
        return {"skipped": why}
    sentiment = [Example(one.text, one.label, one.group) for one in airline()]
    aspects = [Example(one.text, one.label, one.group) for one in complaints()]
    return {
        "sentiment": {group: _of_sentiment(*_split(sentiment, group)) for group in _groups(sentiment)},
        "aspect": {group: _of_aspects(*_split(aspects, group)) for group in _groups(aspects)},
    }


def _of_sentiment(seen: list[Example], unseen: list[Example]) -> dict[str, Any]:
    model, size = _trained(seen, "sentiment")
    scorer = ModelScorer(model, sentiment_source())
    scorers: list[tuple[str, Scorer]] = [("model", scorer), ("default", default_scorer()), ("vader", VaderScorer())]
    found: dict[str, Any] = {}
    for name, one in scorers:
        said = [one.score(example.text) for example in unseen]
        found[name] = _plain(_figures(unseen, [(sentiment.label, sentiment.confidence) for sentiment in said]))
    found |= _rivals(seen, unseen)
    texts = [example.text for example in unseen[:TIMED_TEXTS_MAX]]
    found["model"] |= {"bytes": size, "microseconds": _microseconds(scorer.score, texts)}
    return found


def _of_aspects(seen: list[Example], unseen: list[Example]) -> dict[str, Any]:
    model, size = _trained(seen, "aspect")
    main = MainAspect(model, aspect_source(model.content.taxonomy))
    taxonomy = load("airline")
    read = Reader(taxonomy.vocabulary).read
    by_phrases = [find(read(example.text), (), COMPLAINT, taxonomy) for example in unseen]
    found: dict[str, Any] = {
        "model": _plain(_figures(unseen, [main.of(example.text) for example in unseen])),
        "taxonomy": _plain(_figures(unseen, [(one[0].aspect if one else "", 1.0) for one in by_phrases])),
        **_rivals(seen, unseen),
    }
    texts = [example.text for example in unseen[:TIMED_TEXTS_MAX]]
    found["model"] |= {"bytes": size, "microseconds": _microseconds(main.of, texts)}
    return found


def _trained(seen: list[Example], target: Target) -> tuple[Model, int]:
    """A model as it is after it was written and read, and the size of its file."""
    taxonomy = "airline" if target == "aspect" else ""
    source = aspect_source(taxonomy) if target == "aspect" else sentiment_source()
    alike = [example._replace(group="") for example in seen]
    data = Model(train(alike, source, name="measured", target=target, language="en", taxonomy=taxonomy).content).dumps()
    return Model.load(data), len(data)


def _rivals(seen: list[Example], unseen: list[Example]) -> dict[str, Any]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    found: dict[str, Any] = {}
    for name, weights in (("tfidf", None), ("tfidf balanced", "balanced")):
        learner = LogisticRegression(max_iter=1000, class_weight=weights)
        rival = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), learner)
        rival.fit([example.text for example in seen], [example.label for example in seen])
        probabilities = rival.predict_proba([example.text for example in unseen])
        said = [(str(rival.classes_[row.argmax()]), float(row.max())) for row in probabilities]
        found[name] = _plain(_figures(unseen, said))
    return found


def _figures(unseen: list[Example], said: Sequence[tuple[str, float]]) -> Figures:
    return figures([example.label for example in unseen], [one for one, _ in said], [sure for _, sure in said])


def _plain(found: Figures) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ("texts", "accuracy", "macro_f1", "calibration_error")}


def _microseconds(score: Callable[[str], object], texts: list[str]) -> float:
    """Of the processor for a text, the words known already; the best of three rounds."""
    rounds = []
    for _ in range(4):
        started = time.process_time()
        for text in texts:
            score(text)
        rounds.append(time.process_time() - started)
    return round(min(rounds[1:]) / len(texts) * 1e6, 1)


def _groups(examples: list[Example]) -> list[str]:
    return sorted({example.group for example in examples})


def _split(examples: list[Example], group: str) -> tuple[list[Example], list[Example]]:
    """What is learned from, and the group that is not seen. A text that is in both is only asked for."""
    unseen = [example for example in examples if example.group == group]
    texts = {example.text for example in unseen}
    return [one for one in examples if one.group != group and one.text not in texts], unseen


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    found = measure()
    if as_json or "skipped" in found:
        print(orjson.dumps(found).decode() if as_json else f"skipped: {found['skipped']}")
        return
    for target, groups in found.items():
        for group, scorers in groups.items():
            print(f"\n{target}, {group} not seen")
            for name, values in scorers.items():
                print(f"  {name:15}", *(f"{key} {value}" for key, value in values.items()))


if __name__ == "__main__":
    main()
