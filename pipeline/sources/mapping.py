"""Rows of somebody's file -> Post or Feedback, as a mapping says.

In: a row as a dictionary of texts, and a Mapping (from a TOML file). Out: a record, or a RecordError that names the
field and its column. A mapping file:

    record = "post"                       # or "feedback"

    [columns]                             # field of the record = column of the file
    id = "tweet_id"
    text = "text"
    event_time = "tweet_created"
    author.id = "author"

    [constants]
    network = "x"

    [formats]
    event_time = "%Y-%m-%d %H:%M:%S %z"   # without one: RFC 3339
"""

import tomllib
from datetime import datetime
from typing import Any, Literal

import msgspec

from schemas.codec import RecordError, decode_hook
from schemas.feedback import Feedback
from schemas.post import Post
from schemas.time import TIME_MS_MAX, Millis


class MappingError(ValueError):
    """A mapping file that cannot be used. The message says what is wrong."""


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`columns` and `constants` may nest as the record does."""

    record: Literal["post", "feedback"]
    columns: dict[str, Any]
    constants: dict[str, Any] = {}
    formats: dict[str, str] = {}

    @property
    def kind(self) -> type[Post] | type[Feedback]:
        """The record that it makes."""
        return Post if self.record == "post" else Feedback

    def column_names(self) -> set[str]:
        """The columns that it needs."""
        return set(_leaves(self.columns))

    def check_columns(self, present: list[str]) -> None:
        """Raises MappingError that names the columns that are not there."""
        missing = sorted(self.column_names() - set(present))
        if missing:
            raise MappingError(
                f"the file has no column {', '.join(map(repr, missing))}; it has {', '.join(map(repr, present[:50]))}"
            )

    def apply(self, row: dict[str, Any]) -> Post | Feedback:
        """A row -> the record. Empty texts are left out. Raises RecordError."""
        values = _fill(self.columns, row)
        _merge(values, self.constants)
        layout = self.formats.get("event_time")
        if layout is not None and "event_time" in values:
            values["event_time"] = _time(str(values["event_time"]), layout)
        try:
            return msgspec.convert(values, self.kind, strict=False, dec_hook=_hook)
        except msgspec.ValidationError as error:
            text = str(error).replace("`$.", "`").replace("`$`", "the row")
            raise RecordError("missing_field" if "missing required" in text else "invalid_field", text) from None


def parse_mapping(text: str) -> Mapping:
    """TOML -> Mapping. Raises MappingError."""
    try:
        mapping = msgspec.convert(tomllib.loads(text), Mapping)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise MappingError(f"the mapping cannot be read: {error}") from None
    _check_names(mapping.columns, mapping.constants, "")
    return mapping


def _check_names(columns: dict[str, Any], constants: dict[str, Any], above: str) -> None:
    for field, column in columns.items():
        constant = constants.get(field, {})
        if isinstance(column, dict) and isinstance(constant, dict):
            _check_names(column, constant, f"{above}{field}.")
        elif isinstance(column, dict) or (isinstance(constant, dict) and constant):
            raise MappingError(f"`{above}{field}` is a table in one place and a value in the other")
        elif not isinstance(column, str):
            raise MappingError(f"columns: `{above}{field}` must be the name of a column, not {column!r}")


def _leaves(columns: dict[str, Any]) -> list[str]:
    return [leaf for value in columns.values() for leaf in (_leaves(value) if isinstance(value, dict) else [value])]


def _fill(columns: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    for field, column in columns.items():
        if isinstance(column, dict):
            inner = _fill(column, row)
            if inner:
                filled[field] = inner
        elif (value := row.get(column)) not in (None, ""):
            filled[field] = value
    return filled


def _merge(values: dict[str, Any], constants: dict[str, Any]) -> None:
    for field, constant in constants.items():
        if isinstance(constant, dict):
            _merge(values.setdefault(field, {}), constant)
        else:
            values.setdefault(field, constant)


def _time(text: str, layout: str) -> Millis:
    try:
        moment = datetime.strptime(text, layout)
    except ValueError as error:
        raise RecordError("invalid_field", f"{error} - at `event_time`") from None
    if moment.tzinfo is None:
        raise RecordError("invalid_field", f"{text!r} has no offset from UTC - at `event_time`")
    time_ms = round(moment.timestamp() * 1000)
    if not 0 <= time_ms <= TIME_MS_MAX:
        raise RecordError("invalid_field", f"{text!r} is outside the years 1970 to 9999 - at `event_time`")
    return Millis(time_ms)


def _hook(kind: type, value: Any) -> Any:
    return value if isinstance(value, Millis) else decode_hook(kind, value)
