"""How often what cannot wait is found, and what is called severe and is not. In: sentences of our own with the severe
causes that they tell (`tests/data/severe.tsv`, `severe_second.tsv`), and tweets that nobody labelled so
(`shared/data`, not part of the project). Out: precision and recall, of posts and by cause, beside those of the words
alone (nothing denied, supposed, asked or told of others is taken back); and how many of the tweets are called severe,
all of them shown.

The one rule: a taxonomy is asked as the product asks it. Phrases were written with an eye on the first set and on the
tweets. The second was written after them, by the same hand, and nothing was mended after it was looked at. At first
sight the three parts of the first set had a recall of 0.65, 0.30 and 0.30 (the last in words that are nobody's first
choice), and a precision of 0.77, 0.83 and 0.87.

    python -m tests.evaluation.severe [--json]
"""

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from pipeline import aspects
from pipeline.saying import Listener, Said
from pipeline.sentiment.customer import CustomerScorer
from pipeline.taxonomy import load
from pipeline.text.normalise import normalise
from pipeline.text.redaction import mask
from tests.evaluation import data

FILES: Final = {name: Path(__file__).parents[1] / "data" / f"{name}.tsv" for name in ("severe", "severe_second")}
NONE: Final = "-"


class Sentence(NamedTuple):
    """A sentence of our own: the causes that it tells, and where it tells none what makes it look as if it did."""

    industry: str
    causes: frozenset[str]
    why: str
    text: str


def sentences(file: Path) -> list[Sentence]:
    """A test set."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            Sentence(row["industry"], frozenset(set(row["causes"].split(",")) - {NONE}), row["why"], row["text"])
            for row in rows
        ]


@cache
def _listener() -> Listener:
    return Listener(CustomerScorer())


def heard(text: str, industry: str) -> Said:
    """The product's way from a text to what it says."""
    return _listener().hear(mask(normalise(text)).text, industry=industry)


def measure() -> dict[str, Any]:
    """All figures; those about tweets are missing, and it is said why, where the data is."""
    figures: dict[str, Any] = {name: measure_sentences(sentences(file)) for name, file in FILES.items()}
    if (missing := data.missing()) is not None:
        figures["skipped"] = missing
    else:
        figures["tweets"] = {
            "airline": called((one.text for one in data.airline()), "airline"),
            "tweeteval": called((one.text for one in data.tweeteval()), "other"),
        }
    return figures


def measure_sentences(given: Sequence[Sentence]) -> dict[str, Any]:
    """A post is called rightly if one of its causes is found."""
    said = [heard(one.text, one.industry) for one in given]
    answers = [
        frozenset(cause.cause for cause in what.severe(one.industry)) for one, what in zip(given, said, strict=True)
    ]
    words = [
        frozenset(match.topic for match in aspects.severe(what.reading, load(one.industry)))
        for one, what in zip(given, said, strict=True)
    ]
    pairs = list(zip(given, answers, strict=True))
    told = Counter(cause for one in given for cause in one.causes)
    found = Counter(cause for one, answer in pairs for cause in one.causes & answer)
    called = Counter(cause for answer in answers for cause in answer)
    return {
        "sentences": len(given),
        "severe": sum(bool(one.causes) for one in given),
        **posts(given, answers),
        "words_alone": posts(given, words),
        "causes": {
            cause: {"told": told[cause], "recall": found[cause] / told[cause], "false": called[cause] - found[cause]}
            for cause in sorted(told)
        },
        "false_by_kind": dict(Counter(one.why for one, answer in pairs if answer and not one.causes)),
        "missed": [one.text for one, answer in pairs if one.causes and not one.causes & answer],
        "false": [one.text for one, answer in pairs if answer and not one.causes],
    }


def posts(given: Sequence[Sentence], answers: Sequence[frozenset[str]]) -> dict[str, float]:
    """Of all posts that are called severe those that are for the right cause, and of all that are those found."""
    right = sum(bool(one.causes & answer) for one, answer in zip(given, answers, strict=True))
    return {
        "precision": right / max(1, sum(map(bool, answers))),
        "recall": right / sum(bool(one.causes) for one in given),
    }


def called(texts: Iterable[str], industry: str) -> dict[str, Any]:
    """What is called severe among texts that nobody labelled so: for the eye."""
    given = list(texts)
    found = [(text, causes) for text in given if (causes := heard(text, industry).severe(industry))]
    return {
        "texts": len(given),
        "called": len(found),
        "causes": dict(Counter(cause.cause for _, causes in found for cause in causes)),
        "shown": [{"text": text, "causes": {cause.cause: cause.words for cause in causes}} for text, causes in found],
    }


def main(arguments: Sequence[str]) -> None:
    """Prints the figures, as a table or as JSON."""
    figures = measure()
    if "--json" in arguments:
        print(json.dumps(figures, ensure_ascii=False, indent=2))
        return
    for name in FILES:
        one = figures[name]
        print(f"{name}: {one['severe']} severe of {one['sentences']}: ", end="")
        print(f"precision {one['precision']:.3f}, recall {one['recall']:.3f}; false by kind {one['false_by_kind']}")
        for cause, row in one["causes"].items():
            print(f"  {cause:15} {row['told']:3} told, recall {row['recall']:.2f}, {row['false']} false")
        for text in one["false"]:
            print(f"  false: {text}")
        for text in one["missed"]:
            print(f"  missed: {text}")
    for name, one in figures.get("tweets", {}).items():
        print(f"{name}: {one['called']} of {one['texts']} called severe, {one['causes']}")
        for row in one["shown"]:
            print(f"  {row['causes']}: {row['text']}")
    if "skipped" in figures:
        print(figures["skipped"])


if __name__ == "__main__":
    main(sys.argv[1:])
