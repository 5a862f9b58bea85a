"""Labelled texts of a file (CSV, TSV or JSON lines, maybe with `.gz`): rows -> examples, each text once.

The rules: what a label is read as is decided for the whole file, and said; a label that cannot be read is a mistake
with its line; the same words twice count once, because a text that is learned and then asked for would be known.
"""

import csv
import io
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import orjson

from agents.connectors.files import FIELD_CHARACTERS_MAX, open_bytes
from pipeline.text.normalise import normalise
from pipeline.text.redaction import mask

Scale = Literal["words", "stars", "scores"]
SCALES: Final[dict[Scale, str]] = {
    "words": "negative, neutral, positive",
    "stars": "stars from 1 to 5: 1 and 2 negative, 3 neutral, 4 and 5 positive",
    "scores": "scores from 0 to 10: 0 to 6 negative, 7 and 8 neutral, 9 and 10 positive",
}
SENTIMENTS: Final = ("negative", "neutral", "positive")
STARS: Final = (1.0, 5.0)
SCORES: Final = (0.0, 10.0)
LABEL_LENGTH_MAX: Final = 200


class LabelledError(ValueError):
    """A file that cannot be learned from: what, where, and what to do."""


class Row(NamedTuple):
    """`line`: where it ends in the file, from 1; text, label and group as they stand there."""

    line: int
    text: str
    label: str
    group: str


class Example(NamedTuple):
    """A text as the scorers see it, its class, and the group it belongs to (empty without groups)."""

    text: str
    label: str
    group: str


class Labelled(NamedTuple):
    """`scale`: what the labels were read as, None for aspects; counts of rows that were left out."""

    examples: list[Example]
    scale: Scale | None
    unlabelled: int
    repeated: int


def read_labelled(
    path: Path,
    text: str,
    label: str,
    *,
    group: str | None = None,
    aspects: bool = False,
    scale: Scale | None = None,
    without: Collection[str] = (),
) -> Labelled:
    """`text`, `label`, `group`: names of columns. `scale` None: by what the labels look like. Rows with a label of
    `without` count as if they had none. Raises LabelledError."""
    try:
        rows = list(_rows(path, text, label, group))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise LabelledError(f"{path}: cannot be read: {error}") from None
    told = [row for row in rows if row.label.strip() and row.label not in without and row.text.strip()]
    if not told:
        raise LabelledError(
            f"{path}: no row has both a text in {text!r} and a label in {label!r}; nothing to learn from"
        )
    if aspects:
        scale = None
        named = [(row, _aspect(path, row)) for row in told]
    else:
        scale = scale or _scale_of(path, told)
        named = [(row, _sentiment(path, row, scale)) for row in told]
    examples = _each_once(named)
    return Labelled(examples, scale, len(rows) - len(told), len(told) - len(examples))


def _rows(path: Path, text: str, label: str, group: str | None) -> Iterator[Row]:
    columns = [text, label, *([group] if group else [])]
    name = path.name.removesuffix(".gz")
    with open_bytes(path) as file:
        stream = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
        found = _json_lines(path, stream) if name.endswith((".jsonl", ".ndjson", ".json")) else _csv(stream, name)
        first = True
        for line, values in found:
            if first and (missing := [column for column in columns if column not in values]):
                there = ", ".join(str(key) for key in values if key) or "none"
                raise LabelledError(f"{path}: there is no column {missing[0]!r}; it has {there}")
            first = False
            if values[""] is None:  # the header alone
                continue
            yield Row(line, *(_plain(values.get(column)) for column in columns), *([] if group else [""]))
        if first:
            raise LabelledError(f"{path}: the file is empty; give one with a text and a label in each row")


def _csv(stream: io.TextIOWrapper, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The header first, with a "" that is None; then the rows."""
    csv.field_size_limit(FIELD_CHARACTERS_MAX)
    lines = (line.replace("\0", "\ufffd") for line in stream)
    reader = csv.DictReader(lines, delimiter="\t" if name.endswith(".tsv") else ",")
    if reader.fieldnames:
        yield 1, {**dict.fromkeys(reader.fieldnames, ""), "": None}
    for values in reader:
        yield reader.line_num, {**values, "": ""}


def _json_lines(path: Path, stream: io.TextIOWrapper) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            values = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise LabelledError(f"{path}, line {number}: is not JSON ({error}); give one object a line") from None
        if not isinstance(values, dict):
            raise LabelledError(f"{path}, line {number}: is no JSON object; give one object a line")
        yield number, {key: "" if value is None else value for key, value in values.items()} | {"": ""}


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def _scale_of(path: Path, rows: Sequence[Row]) -> Scale:
    """What the labels look like. The first that fits none of it is told with its line."""
    if rows[0].label.strip().lower() in SENTIMENTS:
        return "words"
    numbers = [_number(path, row, None) for row in rows]
    return "stars" if min(numbers) >= STARS[0] and max(numbers) <= STARS[1] else "scores"


def _sentiment(path: Path, row: Row, scale: Scale) -> str:
    if scale == "words":
        word = row.label.strip().lower()
        if word not in SENTIMENTS:
            raise _unknown(path, row, scale)
        return word
    number = _number(path, row, scale)
    low, high = (2.5, 3.5) if scale == "stars" else (6.5, 8.5)
    return SENTIMENTS[0] if number < low else SENTIMENTS[1] if number < high else SENTIMENTS[2]


def _number(path: Path, row: Row, scale: Scale | None) -> float:
    low, high = STARS if scale == "stars" else SCORES
    try:
        number = float(row.label.strip().replace(",", "."))
    except ValueError:
        raise _unknown(path, row, scale) from None
    if not low <= number <= high:
        raise _unknown(path, row, scale)
    return number


def _unknown(path: Path, row: Row, scale: Scale | None) -> LabelledError:
    expected = (
        SCALES[scale] if scale else "one of negative, neutral, positive; stars from 1 to 5; or scores from 0 to 10"
    )
    return LabelledError(f"{path}, line {row.line}: the label {row.label[:40]!r} is not {expected}")


def _aspect(path: Path, row: Row) -> str:
    label = " ".join(row.label.split())
    if len(label) > LABEL_LENGTH_MAX:
        raise LabelledError(f"{path}, line {row.line}: the label has more than {LABEL_LENGTH_MAX} characters")
    return label


def _each_once(named: Sequence[tuple[Row, str]]) -> list[Example]:
    """The same text (and group) once, with the label that most of its rows have; of equally many the first."""
    labels: dict[str, Counter[str]] = {}
    groups: dict[str, str] = {}
    for row, label in named:
        text = mask(normalise(row.text)).text
        labels.setdefault(text, Counter())[label] += 1
        groups.setdefault(text, row.group)
    return [Example(text, counted.most_common(1)[0][0], groups[text]) for text, counted in labels.items() if text]
