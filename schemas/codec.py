"""Bytes <-> records. In: the value of a Kafka record. Out: a record, or a RecordError that names the field.

The one rule: nothing but RecordError leaves `Codec.decode`, whatever the bytes are.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import inspect

from schemas.record import SCHEMA_VERSION
from schemas.time import Millis, format_time, parse_time

RECORD_BYTES_MAX = 2 * 1024 * 1024
"""What an input topic takes at most. A larger value is refused unread."""

T = TypeVar("T")


class RecordError(ValueError):
    """A value that is not the record it should be.

    `reason` is one of a few words for metrics and dead letters: `tombstone`, `too_large`, `not_utf8`, `not_json`,
    `unknown_version`, `missing_field`, `invalid_field`. `detail` is a sentence for a person.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def encode_hook(value: Any) -> Any:
    """For msgspec encoders: a time becomes RFC 3339."""
    if isinstance(value, Millis):
        return format_time(value)
    raise NotImplementedError(f"{type(value).__name__} has no form on the wire")


def decode_hook(kind: type, value: Any) -> Any:
    """For msgspec decoders: RFC 3339 becomes a time."""
    if kind is Millis:
        if not isinstance(value, str):
            raise ValueError("a time is RFC 3339 text such as 2026-01-31T12:00:00Z")
        return parse_time(value)
    raise NotImplementedError(kind.__name__)


class _Peek(msgspec.Struct):
    """What can be read of a record that is not one."""

    schema_version: Any = None
    type: Any = None


_encoder = msgspec.json.Encoder(enc_hook=encode_hook)
_peek = msgspec.json.Decoder(_Peek)


def encode(record: msgspec.Struct) -> bytes:
    """A record -> JSON in UTF-8. The same record gives the same bytes."""
    return _encoder.encode(record)


def encode_lines(records: Iterable[msgspec.Struct]) -> bytes:
    """Records -> JSON lines."""
    return b"".join(_encoder.encode(record) + b"\n" for record in records)


class Codec(Generic[T]):
    """Reads one kind of record, or a union of kinds that is tagged by `type`."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind, dec_hook=decode_hook)

    def decode(self, value: bytes | None) -> T:
        """JSON -> the record. Raises RecordError."""
        if value is None:
            raise RecordError("tombstone", "the record has no value; this topic takes no tombstones")
        if len(value) > RECORD_BYTES_MAX:
            raise RecordError("too_large", f"{len(value)} bytes; at most {RECORD_BYTES_MAX} are taken")
        try:
            record = self._decoder.decode(value)
        except msgspec.ValidationError as error:
            raise self._explain(value, error) from None
        except UnicodeDecodeError as error:
            raise _not_utf8(value, error) from None
        except msgspec.DecodeError as error:
            raise RecordError("not_json", _sentence(error) if value else "the value is empty") from None
        except RecursionError:
            raise RecordError("not_json", "the value is nested too deeply") from None
        version = getattr(record, "schema_version", SCHEMA_VERSION)
        if version != SCHEMA_VERSION and not _is_read_here(version):
            raise _unknown_version(version)
        return record

    def _explain(self, value: bytes, error: msgspec.ValidationError) -> RecordError:
        """A record of another major version may fail for its fields; the version is then what matters."""
        try:
            peek = _peek.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            peek = _Peek()
        version = peek.schema_version
        if isinstance(version, str) and not _is_read_here(version):
            return _unknown_version(version)
        text = _sentence(error)
        if text.startswith("Object missing required field"):
            return RecordError("missing_field", text)
        if text.startswith("Invalid ") and (path := re.search(r" - at `([^`]+)`$", text)):
            allowed = ", ".join(_vocabulary(self._shape, re.findall(r"[^.\[\]]+", path[1]), peek.type))
            text += f"; allowed: {allowed}" if allowed else ""
        return RecordError("invalid_field", text)

    @cached_property
    def _shape(self) -> inspect.Type:
        """The kind as data, made at the first record that misses a vocabulary: only errors pay for it."""
        return inspect.type_info(self._kind)


def _vocabulary(kind: inspect.Type, steps: list[str], tag: object) -> Iterator[str]:
    """The values that are allowed where `steps` lead to, for a record whose `type` is `tag`."""
    if isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from _vocabulary(one, steps, tag)
    elif isinstance(kind, inspect.VarTupleType) and steps:
        yield from _vocabulary(kind.item_type, steps[1:], tag)
    elif isinstance(kind, inspect.StructType) and steps:
        if kind.tag_field == steps[0]:
            yield str(kind.tag)
        elif kind.tag in (None, tag):
            for field in kind.fields:
                if field.encode_name == steps[0]:
                    yield from _vocabulary(field.type, steps[1:], tag)
    elif isinstance(kind, inspect.LiteralType):
        yield from map(str, kind.values)


def _sentence(error: Exception) -> str:
    """msgspec's own words, with the field's path as users write it: `author.id` instead of `$.author.id`. The path
    comes last, so a long text loses its middle."""
    text = str(error).replace("`$.", "`").replace("`$`", "the record")
    return text if len(text) <= 500 else f"{text[:300]} … {text[-200:]}"


def _not_utf8(value: bytes, error: UnicodeDecodeError) -> RecordError:
    """msgspec counts from the start of the string that it reads; a person looks for the place in the value."""
    try:
        value.decode()
    except UnicodeDecodeError as first:
        error = first
    return RecordError("not_utf8", f"byte {error.start} of the value is not UTF-8 ({error.reason})")


def _is_read_here(version: str) -> bool:
    """Any minor version of our own major one is."""
    return version.partition(".")[0] == SCHEMA_VERSION.partition(".")[0]


def _unknown_version(version: str) -> RecordError:
    return RecordError("unknown_version", f"schema_version {version[:20]!r} is not read here; {SCHEMA_VERSION} is")
