"""`cem score`: texts -> JSON lines with all that the service understands of them, by the same parts."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import click
import msgspec
import orjson

from agents.cli.context import Mistake, config_option, load_settings
from agents.cli.explain import explained
from agents.cli.units import load_units
from agents.connectors.files import FIELD_CHARACTERS_MAX
from agents.models import read_model
from agents.parts import listener_of
from agents.taxonomies import named_or_read
from pipeline.directory import Directory
from pipeline.learned.file import ModelError
from pipeline.routing import NoUnit, route
from pipeline.saying import Listener, Said
from pipeline.taxonomy import Taxonomy
from pipeline.taxonomy_file import TaxonomyError
from pipeline.text.normalise import normalise
from pipeline.text.redaction import mask

TEXT_CHARACTERS_MAX = 50_000
"""As many as a post may have. What stands behind them is not read."""
RATING_MAX = 5.0
_SETTING_OF = {"sentiment": "model", "aspect": "aspect_model"}


@click.command()
@click.argument("file", type=click.File("r", encoding="utf-8-sig", errors="replace"), default="-")
@click.option("--column", help="The file is CSV; this column holds the text.")
@click.option("--taxonomy", default="other", show_default=True, help="An industry, or a file: what aspects there are.")
@click.option(
    "--model",
    "models",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of `cem train`; one for sentiment and one for aspects may be given.",
)
@click.option(
    "--units",
    "units_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A units file: shows which of its units each text is about, and why.",
)
@click.option("--explain", is_flag=True, help="Adds what moved the score, word by word, and what gave the rest.")
@config_option
def score(
    file: IO[str],
    column: str | None,
    taxonomy: str,
    models: tuple[Path, ...],
    units_file: Path | None,
    explain: bool,
    config: Path | None,
) -> None:
    """Score texts: lines of text, JSON lines with `text` (and maybe `language`, `rating`), or CSV with --column.

    One JSON object for each: compound (-1 to 1, in VADER's scale), label, confidence (how likely the label is), aspects
    (the main one first, with department and polarity), severe (causes of which one post is enough, with the words that
    told them), emotion, language, abstained, suspicion (0 to 1), taxonomy and model (as insights name them).

    \b
    Example:
      echo "Waited an hour and nobody came" | cem score --taxonomy restaurant
      cem score reviews.csv --column text --model stores.model
      echo "great food, rude waiter" | cem score --taxonomy restaurant --explain
    """
    listener = _listener(models, config)
    try:
        terms = named_or_read(taxonomy)
    except TaxonomyError as error:
        raise Mistake(str(error)) from None
    directory = Directory(load_units(units_file)) if units_file else None
    out = sys.stdout.buffer
    for values in _rows(file, column):
        said = listener.hear(
            mask(normalise(values["text"][:TEXT_CHARACTERS_MAX])).text,
            stated=_of_type(values, "language", str),
            rating=_rating(values),
        )
        scored = _scored(said, terms)
        if "id" in values:
            scored["id"] = values["id"]
        if directory is not None:
            scored["units"] = _units(said.text, directory)
        if explain:
            scored["explain"] = explained(said, terms, listener)
        out.write(orjson.dumps(scored, default=str) + b"\n")
    out.flush()


def _listener(models: tuple[Path, ...], config: Path | None) -> Listener:
    """The one that is set, but for the models that are given."""
    settings = load_settings(config)
    try:
        changes = {_SETTING_OF[read_model(path).content.target]: str(path) for path in models}
        if len(changes) < len(models):
            raise Mistake("two models for the same thing; give at most one for sentiment and one for aspects")
        return listener_of(msgspec.structs.replace(settings, **changes))
    except (ModelError, TaxonomyError) as error:
        raise Mistake(str(error)) from None


def _rows(file: IO[str], column: str | None) -> Iterator[dict[str, Any]]:
    if column is not None:
        csv.field_size_limit(FIELD_CHARACTERS_MAX)
        reader = csv.DictReader(line.replace("\0", "") for line in file)
        if column not in (reader.fieldnames or ()):
            raise Mistake(f"the file has no column {column!r}; it has {', '.join(reader.fieldnames or ['none'])}")
        try:
            for row in reader:
                yield {"text": row[column] or ""}
        except csv.Error as error:
            raise Mistake(f"line {reader.line_num} is no CSV: {error}") from None
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


def _of_type(values: dict[str, Any], key: str, wanted: type) -> Any:
    value = values.get(key)
    return value if isinstance(value, wanted) else None


def _rating(values: dict[str, Any]) -> float | None:
    """Stars from 0 to 5; what is none is left out."""
    value = values.get("rating")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= RATING_MAX else None


def _scored(said: Said, terms: Taxonomy) -> dict[str, Any]:
    sentiment = said.judgement.sentiment
    return {
        "compound": sentiment.compound,
        "label": sentiment.label,
        "confidence": sentiment.confidence,
        "aspects": [msgspec.structs.asdict(aspect) for aspect in said.aspects_in(terms, said.main)],
        "severe": [msgspec.structs.asdict(cause) for cause in said.severe_in(terms)],
        "emotion": said.felt.emotion,
        "journey_stage": said.met.stage,
        "touchpoint": said.met.touchpoint,
        "language": said.language.language,
        "abstained": sentiment.abstained,
        "suspicion": said.suspicion.score,
        "suspicion_reasons": said.suspicion.reasons,
        "taxonomy": terms.edition,
        "model": sentiment.model,
    }


def _units(text: str, directory: Directory) -> dict[str, Any]:
    """Which units, by which rule; or why none, and which it might be."""
    found = route(network="other", text=text, directory=directory)
    if isinstance(found, NoUnit):
        return {
            "found": [],
            "reason": str(found.reason),
            "candidates": [msgspec.to_builtins(c) for c in found.candidates],
        }
    return {"found": [{"unit_id": one.unit_id, **msgspec.structs.asdict(one.routing)} for one in found]}
