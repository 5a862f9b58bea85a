"""Bytes <-> records. In: the value of a Kafka record. Out: a record, or a RecordError that names the field.

The one rule: nothing but RecordError leaves `Codec.decode`, whatever the bytes are.
"""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import msgspec

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


def _encode_hook(value: Any) -> Any:
    if isinstance(value, Millis):
        return format_time(value)
    raise NotImplementedError(f"{type(value).__name__} has no form on the wire")


def _decode_hook(kind: type, value: Any) -> Any:
    if kind is Millis:
        if not isinstance(value, str):
            raise ValueError("a time is RFC 3339 text such as 2026-01-31T12:00:00Z")
        return parse_time(value)
    raise NotImplementedError(kind.__name__)


_encoder = msgspec.json.Encoder(enc_hook=_encode_hook)
_peek = msgspec.json.Decoder(type=msgspec.defstruct("Peek", [("schema_version", str | None, None)]))


def encode(record: msgspec.Struct) -> bytes:
    """A record -> JSON in UTF-8. The same record gives the same bytes."""
    return _encoder.encode(record)


def encode_lines(records: Iterable[msgspec.Struct]) -> bytes:
    """Records -> JSON lines."""
    return b"".join(_encoder.encode(record) + b"\n" for record in records)


class Codec(Generic[T]):
    """Reads one kind of record, or a union of kinds that is tagged by `type`."""

    def __init__(self, kind: Any) -> None:
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind, dec_hook=_decode_hook)

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
            raise RecordError("not_utf8", f"byte {error.start} is not UTF-8 ({error.reason})") from None
        except (msgspec.DecodeError, RecursionError) as error:
            raise RecordError("not_json", _sentence(error)) from None
        version = getattr(record, "schema_version", SCHEMA_VERSION)
        if version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
            raise _unknown_version(version)
        return record

    def _explain(self, value: bytes, error: msgspec.ValidationError) -> RecordError:
        """A record of another major version may fail for its fields; the version is then what matters."""
        try:
            version = _peek.decode(value).schema_version
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            version = None
        if version is not None and version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
            return _unknown_version(version)
        text = _sentence(error)
        return RecordError("missing_field" if "missing required field" in text else "invalid_field", text)


def _sentence(error: Exception) -> str:
    """msgspec's own words, with the field's path as users write it: `author.id` instead of `$.author.id`."""
    text = str(error).replace("`$.", "`").replace("`$`", "the record")
    return text if len(text) <= 500 else text[:500] + "…"


def _unknown_version(version: str) -> RecordError:
    return RecordError("unknown_version", f"schema_version {version[:20]!r} is not read here; {SCHEMA_VERSION} is")
