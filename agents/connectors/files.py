"""Files -> rows: CSV with a mapping, or JSON lines. Compressed with gzip where the name ends in `.gz`.

In: a path. Out: Row by Row, each a record or what is wrong with it. The rule: a bad row never stops the file.
"""

import codecs
import csv
import gzip
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import orjson

from pipeline.sources.mapping import Mapping, MappingError
from schemas.codec import Codec, RecordError
from schemas.feedback import Feedback
from schemas.post import Post

FIELD_CHARACTERS_MAX = 64 * 1024 * 1024

_post = Codec[Post](Post)
_feedback = Codec[Feedback](Feedback)


class Row(NamedTuple):
    """A row of a file, counted from 1: `record`, or `error` and the row as it stands."""

    number: int
    record: Post | Feedback | None
    error: RecordError | None
    raw: bytes


def open_bytes(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked."""
    if path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    return path.open("rb")


def read_rows(path: Path, mapping: Mapping | None) -> Iterator[Row]:
    """Rows of a CSV file (a mapping is needed) or of JSON lines. Raises MappingError, OSError, and EOFError where a
    packed file is cut off."""
    name = path.name.removesuffix(".gz")
    if name.endswith((".csv", ".tsv")):
        if mapping is None:
            raise MappingError("a CSV file needs --map MAP.toml, which says what each column is")
        return _csv_rows(path, mapping, "\t" if name.endswith(".tsv") else ",")
    return _json_rows(path, mapping)


def _csv_rows(path: Path, mapping: Mapping, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(FIELD_CHARACTERS_MAX)
    with open_bytes(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
        reader = csv.DictReader((line.replace("\0", "\ufffd") for line in text), delimiter=delimiter)
        mapping.check_columns(list(reader.fieldnames or ()))
        for number in itertools.count(1):
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(number, None, RecordError("invalid_field", f"the row cannot be read: {error}"), b"")
                continue
            row = {column: value for column, value in values.items() if column is not None}
            yield _mapped(number, row, mapping)


def _mapped(number: int, row: dict[str, Any], mapping: Mapping) -> Row:
    try:
        return Row(number, mapping.apply(row), None, b"")
    except RecordError as error:
        return Row(number, None, error, orjson.dumps(row, default=str))


def _json_rows(path: Path, mapping: Mapping | None) -> Iterator[Row]:
    with open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if line.strip():
                yield _json_row(number, line.rstrip(b"\r\n"), mapping)


def _json_row(number: int, line: bytes, mapping: Mapping | None) -> Row:
    """Without a mapping a line is a Feedback if it has a `channel`, else a Post."""
    try:
        values = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Row(number, None, RecordError("not_json", str(error)), line)
    if not isinstance(values, dict):
        return Row(number, None, RecordError("invalid_field", "a line must be a JSON object"), line)
    if mapping is not None:
        return _mapped(number, values, mapping)
    codec: Codec[Post] | Codec[Feedback] = _feedback if "channel" in values else _post
    try:
        return Row(number, codec.decode(line), None, line)
    except RecordError as error:
        return Row(number, None, error, line)
