"""How well the language of short texts is told, and how often the library has to be asked.

    python -m tests.evaluation.language [--json]

On our own sentences of customers in 13 languages, texts that are in none, and the airlines' tweets, which are English.
"""

import csv
import json
import sys
from pathlib import Path
from typing import Any

from agents.parts import default_scorer
from pipeline.text.language import Detected, detect
from pipeline.text.normalise import normalise
from tests.evaluation.data import FOLDER

SENTENCES = Path(__file__).parent.parent / "data" / "languages.tsv"
TWEETS = FOLDER / "airline" / "tweets.csv"
AT_ONCE = Detected("en", 1.0)
READER = default_scorer().reader


def told(text: str) -> Detected:
    """As the enrich agent sees it, where the network states nothing."""
    normal = normalise(text)
    return detect(normal, READER.read(normal).words, None, READER.vocabulary)


def measure() -> dict[str, Any]:
    """Figures by name; those on tweets only where the data is there."""
    lines = [line.split("\t") for line in SENTENCES.read_text("utf-8").splitlines()]
    found = [(language, told(text).language) for language, text in lines]
    spoken = [(language, answer) for language, answer in found if language]
    silent = [answer for language, answer in found if not language]
    figures: dict[str, Any] = {
        "sentences": len(spoken),
        "right": round(sum(language == answer for language, answer in spoken) / len(spoken), 4),
        "wrong": round(sum(answer not in (None, language) for language, answer in spoken) / len(spoken), 4),
        "none_where_there_is_none": round(silent.count(None) / len(silent), 4),
    }
    if TWEETS.exists():
        with TWEETS.open(encoding="utf-8", newline="") as rows:
            answers = [told(row["text"]) for row in csv.DictReader(rows)]
        figures["tweets"] = len(answers)
        figures["tweets_english_at_once"] = round(answers.count(AT_ONCE) / len(answers), 4)
        figures["tweets_scored"] = round(sum(answer.language in ("en", None) for answer in answers) / len(answers), 4)
    return figures


def main() -> None:
    """Prints the figures."""
    found = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:26} {value}")


if __name__ == "__main__":
    main()
