"""The file of a model. In: bytes that anybody may have made. Out: Content, or a ModelError with one sentence.

    8 bytes    b"CEMMODEL"
    2 bytes    version of the format, little-endian
    32 bytes   SHA-256 of what follows
    the rest   Content as MessagePack, packed with zlib

The rules: nothing in a file is ever run; everything is checked before it is used; and how much a file may unpack to is
known beforehand.
"""

import hashlib
import zlib
from math import isfinite
from typing import Annotated, Final, Literal

import msgspec

MAGIC: Final = b"CEMMODEL"
VERSION: Final = 1
FILE_BYTES_MAX: Final = 5_000_000
UNPACKED_BYTES_MAX: Final = 32_000_000
GRAMS_MAX: Final = 100_000
CLASSES_MAX: Final = 60
FEATURES_MAX: Final = 1_000
_HEADER: Final = len(MAGIC) + 2 + 32

Target = Literal["sentiment", "aspect"]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class ModelError(ValueError):
    """A file that is no usable model: what is wrong, and what to do."""


class Quality(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Measured when it was trained, on texts that the measured model had not seen. Shares from 0 to 1; `texts`
    without repeats; `calibration_error`: mean distance of confidence and accuracy, over ten bins."""

    texts: int
    accuracy: float
    macro_f1: float
    calibration_error: float


class Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`grams`: one a line, sorted. `weights`: for each of them and each class a signed number of 16 bits,
    little-endian, in units of `scale`. `feature_weights`: a row for each feature. `factors`: what the probability of
    each class is multiplied by before the greatest is taken. `reading`: version of the n-grams; `source`: identity of
    the source of the features; `taxonomy`: which one that source stands on, empty where it is none."""

    name: Name
    target: Target
    language: Annotated[str, msgspec.Meta(max_length=35)]
    classes: Annotated[tuple[Line, ...], msgspec.Meta(min_length=2, max_length=CLASSES_MAX)]
    reading: int
    source: Line
    taxonomy: Annotated[str, msgspec.Meta(max_length=64)] = ""
    features: Annotated[tuple[Line, ...], msgspec.Meta(max_length=FEATURES_MAX)]
    grams: str
    weights: bytes
    scale: Annotated[float, msgspec.Meta(gt=0.0)]
    feature_weights: Annotated[tuple[tuple[float, ...], ...], msgspec.Meta(max_length=FEATURES_MAX)]
    biases: tuple[float, ...]
    factors: tuple[Annotated[float, msgspec.Meta(gt=0.0)], ...]
    quality: Quality


_decoder = msgspec.msgpack.Decoder(Content)
_encoder = msgspec.msgpack.Encoder()


def encode(content: Content) -> bytes:
    """Content -> the bytes of a file; the same gives the same. Raises ModelError where it is too large."""
    _check(content)
    payload = zlib.compress(_encoder.encode(content), 9)
    data = MAGIC + VERSION.to_bytes(2, "little") + hashlib.sha256(payload).digest() + payload
    if len(data) > FILE_BYTES_MAX:
        raise ModelError(f"the model has {len(data)} bytes; {FILE_BYTES_MAX} are allowed")
    return data


def decode(data: bytes) -> Content:
    """The bytes of a file -> Content. Raises ModelError."""
    if len(data) > FILE_BYTES_MAX:
        raise ModelError(f"has more than {FILE_BYTES_MAX} bytes and is no model; give a file that `cem train` wrote")
    if not data.startswith(MAGIC):
        raise ModelError("is no model; give a file that `cem train` wrote")
    version = int.from_bytes(data[len(MAGIC) : len(MAGIC) + 2], "little")
    if version > VERSION:
        raise ModelError(
            f"was written by a newer Social CEM (format {version}, this one reads up to {VERSION}); update "
            "this one, or train again"
        )
    payload = data[_HEADER:]
    if hashlib.sha256(payload).digest() != data[_HEADER - 32 : _HEADER]:
        raise ModelError("is damaged: its checksum is another one; copy it once more, or train again")
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(payload, UNPACKED_BYTES_MAX)
        if not unpacker.eof:
            raise ModelError(f"unpacks to more than {UNPACKED_BYTES_MAX} bytes, or ends early; train again")
        content = _decoder.decode(unpacked)
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"is damaged: {error}; train again") from None
    _check(content)
    return content


def identity_of(content: Content) -> str:
    """Name and checksum: `stores/1f0c3a9e`. Of what the model is, not of how its file is packed."""
    return f"{content.name}/{hashlib.sha256(_encoder.encode(content)).hexdigest()[:8]}"


def grams_in(content: Content) -> list[str]:
    """The n-grams, in the order of their weights."""
    return content.grams.split("\n") if content.grams else []


def _check(content: Content) -> None:
    """That the parts fit each other, which their types do not say."""
    classes, grams = len(content.classes), grams_in(content)
    numbers = [content.scale, *content.biases, *content.factors]
    for row in content.feature_weights:
        numbers += row
    wrong = None
    if len(grams) > GRAMS_MAX:
        wrong = f"{len(grams)} n-grams; {GRAMS_MAX} are allowed"
    elif len(set(grams)) != len(grams):
        wrong = "an n-gram twice"
    elif len(set(content.classes)) != classes:
        wrong = "a class twice"
    elif len(content.weights) != 2 * classes * len(grams):
        wrong = "other n-grams than weights"
    elif len(content.feature_weights) != len(content.features):
        wrong = "other features than weights"
    elif any(len(row) != classes for row in (*content.feature_weights, content.biases, content.factors)):
        wrong = "other classes than weights"
    elif not all(map(isfinite, numbers)):
        wrong = "a weight that is no number"
    elif content.target == "sentiment" and not set(content.classes) <= {"negative", "neutral", "positive"}:
        wrong = "a class that is no sentiment"
    if wrong:
        raise ModelError(f"does not fit together: it has {wrong}; train again")
