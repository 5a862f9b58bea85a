"""How often the main aspect is the right one. In: complaints to airlines with the reason that people gave them
(`shared/data`, not part of the project), and labelled sentences about other industries (`tests/data/aspects.jsonl`, our
own). Out: figures, beside the simplest rival (always the most frequent class) and a trained one (TF-IDF and logistic
regression, trained on two airlines and tested on the third).

The one rule: the taxonomy is not trained; it is asked as the product asks it, and no answer is a wrong one. Where
several people called a reason `Can't Tell` there is nothing to be right about, and the text is left out.

    python -m tests.evaluation.aspects [--json]
"""

import csv
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from pipeline import aspects
from pipeline.sentiment.care import Care
from pipeline.taxonomy import Taxonomy, load
from pipeline.text.normalise import normalise
from pipeline.text.redaction import mask
from schemas.insight import Aspect
from tests.evaluation.data import REASONS

TWEETS: Final = Path(__file__).parents[3] / "shared" / "data" / "airline" / "tweets.csv"
SENTENCES: Final = Path(__file__).parents[1] / "data" / "aspects.jsonl"
NONE: Final = "none"
"""In place of an aspect where none was found."""
WORST: Final = 10


class Complaint(msgspec.Struct, frozen=True):
    """A tweet to an airline and the aspect that people say it is about."""

    airline: str
    text: str
    aspect: str


class Sentence(msgspec.Struct, frozen=True):
    """A sentence of our own. `polarity`: the sign of those aspects that have a plain one."""

    industry: str
    text: str
    main: str
    others: tuple[str, ...]
    polarity: dict[str, int]


class Asked:
    """The product's way from a text to its aspects."""

    def __init__(self) -> None:
        self._care = Care()

    def find(self, text: str, taxonomy: Taxonomy) -> tuple[Aspect, ...]:
        """Any text -> its aspects, the main one first."""
        masked = mask(normalise(text)).text
        reading = self._care.reader.read(masked)
        scored = self._care.score(masked, reading)
        return aspects.find(reading, scored.hits, scored.compound, taxonomy)


def measure() -> dict[str, Any]:
    """All figures; those about airlines are missing, and it is said why, where the data is."""
    asked = Asked()
    figures: dict[str, Any] = {"sentences": measure_sentences(asked)}
    if TWEETS.exists():
        figures["airline"] = measure_airline(asked, complaints())
    else:
        figures["skipped"] = f"no {TWEETS.name} in {TWEETS.parent}: the airlines are not measured"
    return figures


def complaints() -> list[Complaint]:
    """Each tweet once, those with a reason."""
    found: dict[str, Complaint] = {}
    with TWEETS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["negativereason"] in REASONS:
                complaint = Complaint(row["airline"], row["text"], REASONS[row["negativereason"]])
                found.setdefault(row["tweet_id"], complaint)
    return list(found.values())


def measure_airline(asked: Asked, given: Sequence[Complaint]) -> dict[str, Any]:
    """The taxonomy's answers to the tweets, and those of its rivals."""
    taxonomy = load("airline")
    answers = [asked.find(one.text, taxonomy) for one in given]
    mains = [answer[0].aspect if answer else NONE for answer in answers]
    truth = [one.aspect for one in given]
    frequent, count = Counter(truth).most_common(1)[0]
    return {
        "taxonomy": taxonomy.identity,
        "texts": len(given),
        "accuracy": share(truth, mains),
        "among_first_two": sum(
            one in [aspect.aspect for aspect in answer[:2]] for one, answer in zip(truth, answers, strict=True)
        )
        / len(truth),
        "by_airline": {
            airline: share(
                [one.aspect for one in given if one.airline == airline],
                [main for one, main in zip(given, mains, strict=True) if one.airline == airline],
            )
            for airline in sorted({one.airline for one in given})
        },
        "macro_f1": sum(row["f1"] for row in classes(truth, mains).values()) / len(REASONS),
        "classes": classes(truth, mains),
        "confusion": confusion(truth, mains),
        "most_frequent": {"aspect": frequent, "accuracy": count / len(truth)},
        "trained": trained(given),
        "microseconds": microseconds(given, taxonomy),
        "worst": worst(given, answers),
    }


def measure_sentences(asked: Asked) -> dict[str, Any]:
    """Our own sentences by industry: main aspect, the others that were named too, signs of polarity."""
    given = [msgspec.json.decode(line, type=Sentence) for line in SENTENCES.read_text("utf-8").splitlines()]
    main: Counter[str] = Counter()
    others = signs = 0
    mistakes = []
    for one in given:
        answer = asked.find(one.text, load(one.industry))
        found = {aspect.aspect: aspect.polarity for aspect in answer}
        right = bool(answer) and answer[0].aspect == one.main
        main[one.industry] += right
        others += sum(other in found for other in one.others)
        signs += sum(found.get(aspect, 0.0) * sign > 0 for aspect, sign in one.polarity.items())
        if not right:
            mistakes.append({"text": one.text, "main": one.main, "found": list(found)})
    counts = Counter(one.industry for one in given)
    return {
        "texts": len(given),
        "accuracy": sum(main.values()) / len(given),
        "by_industry": {industry: main[industry] / count for industry, count in sorted(counts.items())},
        "others_found": others / sum(len(one.others) for one in given),
        "signs_right": signs / sum(len(one.polarity) for one in given),
        "mistakes": mistakes,
    }


def share(truth: Sequence[str], answers: Sequence[str]) -> float:
    """Of all the answers those that are right."""
    return sum(one == other for one, other in zip(truth, answers, strict=True)) / len(truth)


def classes(truth: Sequence[str], answers: Sequence[str]) -> dict[str, dict[str, float]]:
    """Precision, recall and F1 of each class, and how many texts it has."""
    right = Counter(one for one, other in zip(truth, answers, strict=True) if one == other)
    asked, answered = Counter(truth), Counter(answers)
    return {
        name: {
            "texts": asked[name],
            "precision": right[name] / answered[name] if answered[name] else 0.0,
            "recall": right[name] / asked[name] if asked[name] else 0.0,
            "f1": 2 * right[name] / (asked[name] + answered[name]) if right[name] else 0.0,
        }
        for name in REASONS.values()
    }


def confusion(truth: Sequence[str], answers: Sequence[str]) -> dict[str, dict[str, int]]:
    """Of each class the answers that were given, the most frequent first."""
    return {
        name: dict(Counter(other for one, other in zip(truth, answers, strict=True) if one == name).most_common())
        for name in REASONS.values()
    }


def worst(given: Sequence[Complaint], answers: Sequence[tuple[Aspect, ...]]) -> list[dict[str, Any]]:
    """Mistakes that weigh most: the right aspect was not found at all, and the one that was is most negative."""
    mistakes = [
        (min(aspect.polarity for aspect in answer), one.text, one.aspect, [aspect.aspect for aspect in answer])
        for one, answer in zip(given, answers, strict=True)
        if answer and one.aspect not in [aspect.aspect for aspect in answer]
    ]
    return [{"text": text, "is": is_, "found": found} for _, text, is_, found in sorted(mistakes)[:WORST]]


def trained(given: Sequence[Complaint]) -> dict[str, Any] | str:
    """What a linear model learns from two airlines about the third."""
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        return "scikit-learn is not installed"
    by_airline = {}
    right = 0
    for airline in sorted({one.airline for one in given}):
        known = [one for one in given if one.airline != airline]
        asked = [one for one in given if one.airline == airline]
        vectors = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        model = LogisticRegression(C=3.0, max_iter=1000)
        model.fit(vectors.fit_transform([one.text for one in known]), [one.aspect for one in known])
        answers = list(model.predict(vectors.transform([one.text for one in asked])))
        by_airline[airline] = share([one.aspect for one in asked], answers)
        right += sum(one.aspect == answer for one, answer in zip(asked, answers, strict=True))
    return {"accuracy": right / len(given), "by_airline": by_airline}


def microseconds(given: Sequence[Complaint], taxonomy: Taxonomy) -> float:
    """Processor time of `find` for one text, the reading made before; the best of three rounds."""
    care = Care()
    readings = [care.reader.read(one.text) for one in given]
    scores = [care.score(one.text, reading) for one, reading in zip(given, readings, strict=True)]
    rounds = []
    for _ in range(3):
        begun = time.process_time()
        for reading, scored in zip(readings, scores, strict=True):
            aspects.find(reading, scored.hits, scored.compound, taxonomy)
        rounds.append(time.process_time() - begun)
    return min(rounds) / len(given) * 1e6


def main(arguments: Sequence[str]) -> None:
    """Prints the figures, as a table or as JSON."""
    figures = measure()
    if "--json" in arguments:
        print(json.dumps(figures, ensure_ascii=False, indent=2))
        return
    own = figures["sentences"]
    print(f"own sentences: {own['texts']}, main aspect right {own['accuracy']:.3f}, by industry:")
    print("  " + ", ".join(f"{name} {value:.2f}" for name, value in own["by_industry"].items()))
    print(f"  others found {own['others_found']:.2f}, signs right {own['signs_right']:.2f}")
    if "skipped" in figures:
        print(figures["skipped"])
        return
    airline = figures["airline"]
    print(f"{airline['taxonomy']}, {airline['texts']} complaints: accuracy {airline['accuracy']:.3f}")
    print(f"  among the first two {airline['among_first_two']:.3f}, macro F1 {airline['macro_f1']:.3f}")
    print("  " + ", ".join(f"{name} {value:.3f}" for name, value in airline["by_airline"].items()))
    print(f"  always {airline['most_frequent']['aspect']}: {airline['most_frequent']['accuracy']:.3f}")
    print(f"  trained: {airline['trained']}; {airline['microseconds']:.1f} µs a text")
    for name, row in airline["classes"].items():
        shares = "  ".join(f"{key} {row[key]:.2f}" for key in ("precision", "recall", "f1"))
        print(f"  {name:18} {row['texts']:5}  {shares}  {airline['confusion'][name]}")
    for mistake in airline["worst"]:
        print(f"  {mistake['is']} not in {mistake['found']}: {mistake['text']}")


if __name__ == "__main__":
    main(sys.argv[1:])
