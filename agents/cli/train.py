"""`cem train`: labelled texts -> a model file, and how good it is beside the scorers that nobody trained."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from agents.cli.context import Mistake
from agents.models import aspect_source, sentiment_source, taxonomy_of
from agents.parts import default_scorer
from agents.training.fit import Trained, TrainingError
from agents.training.fit import train as fit
from agents.training.labelled import SCALES, Labelled, LabelledError, Scale, read_labelled
from agents.training.quality import Figures, figures
from pipeline.learned.file import ModelError, Target
from pipeline.learned.model import Model
from pipeline.sentiment.scorer import Scorer
from pipeline.sentiment.vader import VaderScorer
from pipeline.taxonomy_file import TaxonomyError

NAME_LENGTH_MAX = 64


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--text", required=True, help="The column that holds the text.")
@click.option("--label", required=True, help="The column that holds the label: sentiment, stars, scores, or an aspect.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Where the model goes.")
@click.option("--target", type=click.Choice(get_args(Target)), default="sentiment", show_default=True)
@click.option("--labels", type=click.Choice(list(SCALES)), help="What the labels are; by their looks if not given.")
@click.option("--without", multiple=True, help="A label whose rows are left out; may be given several times.")
@click.option("--group", help="A column (brand, store): quality is then measured on groups that were not learned from.")
@click.option(
    "--language", default="en", show_default=True, help="What the texts are written in; others are abstained."
)
@click.option("--taxonomy", help="For aspects: one of the shipped taxonomies; the one that finds most if not given.")
@click.option("--name", help="What insights call the model; the name of --out if not given.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: model, bytes, labels, quality of each scorer.")
def train(
    file: Path,
    text: str,
    label: str,
    out: Path,
    target: Target,
    labels: Scale | None,
    without: tuple[str, ...],
    group: str | None,
    language: str,
    taxonomy: str | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Learn from texts with labels (CSV, TSV or JSON lines, also .gz), and write a model that needs nothing to be used.

    Labels of sentiment are negative, neutral and positive; stars from 1 to 5; or scores from 0 to 10. The figures are
    cross-validated: each text is judged by a model that has not seen it. Learning needs scikit-learn
    (the extra `train`, or pip install 'scikit-learn>=1.4').

    \b
    Example:
      cem train reviews.csv --text review --label stars --out stores.model
      CEM_MODEL=stores.model cem run
      cem train complaints.csv --text text --label reason --target aspect --out reasons.model
    """
    _check_out(out)
    try:
        labelled = read_labelled(
            file, text, label, group=group, aspects=target == "aspect", scale=labels, without=without
        )
        texts = [example.text for example in labelled.examples]
        chosen = (taxonomy_of(texts) if taxonomy is None else taxonomy) if target == "aspect" else ""
        source = aspect_source(chosen) if target == "aspect" else sentiment_source()
        with _Told(as_json) as told:
            trained = fit(
                labelled.examples,
                source,
                name=_name(name or out.stem),
                target=target,
                language=language.lower().partition("-")[0],
                taxonomy=chosen,
                told=told,
            )
        model = Model(trained.content)
        data = model.dumps()
        out.write_bytes(data)
    except (LabelledError, TrainingError) as error:
        raise Mistake(str(error)) from None
    except (ModelError, TaxonomyError) as error:
        raise Mistake(f"{file}: {error}") from None
    except OSError as error:
        raise Mistake(f"{out}: cannot be written: {error.strerror}") from None
    beside = {"model": trained.quality}
    if target == "sentiment":
        beside |= {scorer.model: _untrained(scorer, trained) for scorer in (default_scorer(), VaderScorer())}
    if as_json:
        click.echo(orjson.dumps(_summary(model, len(data), out, labelled, trained, beside)).decode())
    else:
        _print(model, len(data), out, labelled, trained, beside)


def _check_out(out: Path) -> None:
    """Before an hour is spent on it."""
    if not out.resolve().parent.is_dir():
        raise Mistake(f"{out}: there is no folder {out.resolve().parent}; make it, or give another --out")


def _name(wanted: str) -> str:
    kept = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "-" for char in wanted)
    return kept.lstrip("._-")[:NAME_LENGTH_MAX] or "model"


def _untrained(scorer: Scorer, trained: Trained) -> Figures:
    """Another scorer on the same texts."""
    found = [scorer.score(text) for text in trained.texts]
    return figures(trained.truth, [one.label for one in found], [one.confidence for one in found])


class _Told:
    """A bar on standard error, where that is a terminal."""

    def __init__(self, silent: bool) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
        self._progress = Progress(*columns, console=console, transient=True, disable=silent or not console.is_terminal)
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> "_Told":
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def __call__(self, doing: str, done: int, of: int) -> None:
        if doing not in self._tasks:
            self._tasks[doing] = self._progress.add_task(doing, total=of)
        self._progress.update(self._tasks[doing], completed=done)


def _summary(
    model: Model, size: int, out: Path, labelled: Labelled, trained: Trained, beside: dict[str, Figures]
) -> dict[str, Any]:
    content = model.content
    return {
        "model": model.identity,
        "file": str(out),
        "bytes": size,
        "target": content.target,
        "labels": labelled.scale,
        "classes": list(content.classes),
        "taxonomy": content.taxonomy or None,
        "texts": trained.quality.texts,
        "unlabelled": labelled.unlabelled,
        "repeated": labelled.repeated,
        "left_out": trained.left_out,
        "quality": {name: _plain(found) for name, found in beside.items()},
    }


def _plain(found: Figures) -> dict[str, Any]:
    return {name: getattr(found, name) for name in Figures.__struct_fields__}


def _print(
    model: Model, size: int, out: Path, labelled: Labelled, trained: Trained, beside: dict[str, Figures]
) -> None:
    click.echo(f"{model.identity} written to {out}, {size / 1000:.0f} kB")
    if labelled.scale:
        click.echo(f"labels read as {SCALES[labelled.scale]}")
    if model.content.taxonomy:
        click.echo(f"with the phrases of the taxonomy {model.content.taxonomy}")
    click.echo(
        f"{trained.quality.texts} texts learned from; not counted: {labelled.unlabelled} without a label or a text, "
        f"{labelled.repeated} repeats"
    )
    for name, count in trained.left_out.items():
        click.secho(f"class {name!r} left out: {count} texts are too few", fg="yellow", err=True)
    classes = model.content.classes
    table = Table(title="on texts that were not learned from; F1 of each class, mean error of the confidence")
    table.add_column("scorer", no_wrap=True)
    for heading in ("accuracy", "macro F1", *_shown(classes), "error"):
        table.add_column(heading, justify="right")
    for name, found in beside.items():
        ones = [f"{found.class_f1.get(one, 0.0):.3f}" for one in _shown(classes)]
        shown = [f"{found.accuracy:.3f}", f"{found.macro_f1:.3f}", *ones, f"{found.calibration_error:.3f}"]
        table.add_row(model.identity if name == "model" else name, *shown)
    Console().print(table)
    if len(classes) > len(_shown(classes)):
        for name, value in trained.quality.class_f1.items():
            click.echo(f"  F1 {value:.3f}  {name}")


def _shown(classes: Sequence[str]) -> Sequence[str]:
    return classes if len(classes) <= 3 else ()
