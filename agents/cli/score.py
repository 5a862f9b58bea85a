"""`cem score`: texts -> JSON lines, by the scorer that the service uses."""

import csv
import sys
from collections.abc import Iterator
from typing import IO, Any

import click
import orjson

from agents.cli.context import Mistake
from agents.connectors.files import FIELD_CHARACTERS_MAX
from pipeline.sentiment.scorer import Scorer
from pipeline.sentiment.vader import VaderScorer
from pipeline.text.normalise import normalise


@click.command()
@click.argument("file", type=click.File("r", encoding="utf-8", errors="replace"), default="-")
@click.option("--column", help="The file is CSV; this column holds the text.")
def score(file: IO[str], column: str | None) -> None:
    """Score texts: lines of text, JSON lines with `text` (and maybe `language`, `rating`), or CSV with --column.

    One JSON object for each: compound (-1 to 1), label, confidence, aspects, emotion, language, abstained, suspicion.

    \b
    Example:
      echo "Waited an hour and nobody came" | cem score
      cem score reviews.csv --column text
    """
    scorer = VaderScorer()
    out = sys.stdout.buffer
    for values in _rows(file, column):
        out.write(orjson.dumps(_scored(scorer, values)) + b"\n")
    out.flush()


def _rows(file: IO[str], column: str | None) -> Iterator[dict[str, Any]]:
    if column is not None:
        csv.field_size_limit(FIELD_CHARACTERS_MAX)
        reader = csv.DictReader(file)
        if column not in (reader.fieldnames or ()):
            raise Mistake(f"the file has no column {column!r}; it has {', '.join(reader.fieldnames or ['none'])}")
        for row in reader:
            yield {"text": row[column] or ""}
        return
    for line in file:
        text = line.rstrip("\r\n")
        if text.startswith("{"):
            try:
                values = orjson.loads(text)
            except orjson.JSONDecodeError:
                values = None
            if isinstance(values, dict) and isinstance(values.get("text"), str):
                yield values
                continue
        yield {"text": text}


def _scored(scorer: Scorer, values: dict[str, Any]) -> dict[str, Any]:
    language = values.get("language")
    language = language if isinstance(language, str) else None
    sentiment = scorer.score(normalise(values["text"]), language=language)
    return {
        "compound": sentiment.compound,
        "label": sentiment.label,
        "confidence": round(sentiment.confidence, 4),
        "aspects": [],
        "emotion": "none",
        "language": language,
        "abstained": sentiment.abstained,
        "suspicion": 0.0,
        "model": sentiment.model,
    }
