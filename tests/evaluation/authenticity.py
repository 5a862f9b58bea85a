"""How well `suspicion` tells advertising from comments, and how rarely it suspects a customer.

    python -m tests.evaluation.authenticity [--json]

The figure for telling is the AUC: how often a spam comment is more suspected than an honest one (a tie counts half);
one half is chance. Beside it two baselines: the same for every text, and "it has a link". Nothing is trained.
"""

import ast
import csv
import json
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pipeline.authenticity import suspicion_of
from pipeline.text.normalise import normalise
from pipeline.text.reading import Reader
from pipeline.text.redaction import mask
from tests.evaluation.data import FOLDER

SUSPECTED_MIN = 0.5
READER = Reader()

Comment = tuple[str, bool]
"""A text, and whether it is spam."""


def suspicion(text: str) -> float:
    """As the enrich agent sees it, with nothing known of the author."""
    masked = mask(normalise(text)).text
    return suspicion_of(masked, READER.read(masked), None, 0).score


def comments(path: Path) -> list[Comment]:
    """A file of comments with the columns CONTENT and CLASS; one file has its rows as lists in one column."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.reader(lines) if any(row)]
    if all(len(row) == 1 for row in rows):
        rows = [ast.literal_eval(row[0]) for row in rows]
    content, kind = rows[0].index("CONTENT"), rows[0].index("CLASS")
    return [(row[content], row[kind] == "1") for row in rows[1:]]


def auc(rate: Callable[[str], float], texts: Iterable[Comment]) -> float:
    """How often a spam comment is rated above an honest one."""
    judged = [(rate(text), spam) for text, spam in texts]
    honest = sorted(rating for rating, spam in judged if not spam)
    spam = [rating for rating, spam in judged if spam]
    above = sum(bisect_left(honest, rating) + bisect_right(honest, rating) for rating in spam)
    return above / (2 * len(honest) * len(spam))


def suspected(texts: Iterable[str]) -> float:
    """The share of texts that are suspected rather than not."""
    found = [suspicion(text) > SUSPECTED_MIN for text in texts]
    return sum(found) / len(found)


def measure(data: Path = FOLDER) -> dict[str, Any]:
    """Figures by name; `skipped` and why, where the data is absent."""
    files = sorted((data / "comment_spam").glob("*.csv"))
    if not files:
        return {"skipped": f"there is no comment_spam in {data}: suspicion is not measured on real comments"}
    by_file = {path.stem: comments(path) for path in files}
    together = [comment for texts in by_file.values() for comment in texts]
    return {
        "comments": len(together),
        "auc": {name: round(auc(suspicion, texts), 4) for name, texts in by_file.items()},
        "auc_together": round(auc(suspicion, together), 4),
        "auc_same_for_all": round(auc(lambda _: 0.0, together), 4),
        "auc_has_a_link": round(auc(lambda text: float("http" in text or "www." in text), together), 4),
        "suspected_spam": round(suspected(text for text, spam in together if spam), 4),
        "suspected_honest": round(suspected(text for text, spam in together if not spam), 4),
        "suspected_customers": {
            "airline": round(suspected(_column(data / "airline" / "tweets.csv", "text")), 4),
            "care": round(suspected(_column(data / "care" / "conversations.csv", "text", role="client")), 4),
        },
    }


def _column(path: Path, column: str, **wanted: str) -> list[str]:
    with path.open(encoding="utf-8", newline="") as lines:
        return [row[column] for row in csv.DictReader(lines) if all(row[key] == value for key, value in wanted.items())]


def main() -> None:
    """Prints the figures."""
    found = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:24} {value}")


if __name__ == "__main__":
    main()
