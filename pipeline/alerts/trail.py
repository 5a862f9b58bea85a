"""The audit trail of a case: its entries as a chain in which no change goes unnoticed.

In: entries as the desk makes them, or their bytes as they are on `cem.cases`. Out: sealed entries, or the first flaw of
a chain. The one rule: the hash is over the bytes that travel, so that a reader needs no knowledge of the fields, and an
entry of an older or newer version is checked all the same.

Source: Haber and Stornetta, How to Time-Stamp a Digital Document (1991): each record holds the hash of the one before.
Whoever can rewrite all entries of a case from one on can rewrite the chain too: compare the last hash with one that was
kept elsewhere (each alert consumer may keep them).
"""

from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from schemas.case import CaseEntry
from schemas.codec import Codec, RecordError, encode

_SEAL: Final = b',"hash":"'
_codec = Codec[CaseEntry](CaseEntry)


class Damage(StrEnum):
    """What can be wrong with a chain."""

    UNREADABLE = "unreadable"
    UNSEALED = "unsealed"
    CHANGED = "changed"
    MISSING = "missing"
    TWO_CONTENTS = "two_contents"
    OUT_OF_ORDER = "out_of_order"
    BROKEN = "broken"


class Flaw(NamedTuple):
    """`number`: of the entry where it shows. `detail`: one sentence."""

    damage: Damage
    number: int
    detail: str


def seal(entry: CaseEntry, number: int, previous: str) -> CaseEntry:
    """The entry as a link of its chain, behind the one whose hash is `previous`; the first has none before it."""
    link = msgspec.structs.replace(entry, number=number, previous=previous, hash="")
    return msgspec.structs.replace(link, hash=sha256(encode(link)).hexdigest())


def verify(values: Iterable[bytes]) -> Flaw | None:
    """The first flaw of the entries of one alert, in order of their numbers, None where there is none. Entries that
    were told again byte for byte count once; answers to refused actions (number 0) are no links, and are not looked
    at."""
    number, previous, last = 0, "", b""
    for value in values:
        if value == last:
            continue
        found = follow(value, number, previous)
        if isinstance(found, Flaw):
            return found
        if found:
            number, previous, last = number + 1, found, value
    return None


def follow(value: bytes, number: int, previous: str) -> str | Flaw:
    """The hash of the entry that comes behind entry `number`, whose hash is `previous`: empty where it is no link of
    the chain. Or what is wrong with it."""
    body, found = _split(value)
    try:
        entry = _codec.decode(value)
    except RecordError as error:
        return Flaw(Damage.UNREADABLE, number + 1, f"the entry cannot be read: {error.detail}")
    if entry.number == 0:
        return ""
    if not found:
        return Flaw(Damage.UNSEALED, entry.number, "the entry has no hash")
    if sha256(body).hexdigest() != found:
        return Flaw(Damage.CHANGED, entry.number, "the entry is not what was written: its hash is another")
    if entry.number == number:
        return Flaw(Damage.TWO_CONTENTS, entry.number, "there are two different entries of this number")
    if entry.number != number + 1:
        return Flaw(Damage.MISSING, number + 1, f"after entry {number} comes entry {entry.number}")
    if entry.previous != previous:
        return Flaw(Damage.BROKEN, entry.number, "the entry before it was another one")
    return found


def _split(value: bytes) -> tuple[bytes, str]:
    """What was hashed, and the hash; empty where there is none. It is the last field, so it can be cut off."""
    body, seal_, rest = value.rpartition(_SEAL)
    return (body + b"}", rest.removesuffix(b'"}').decode("ascii", "replace")) if seal_ else (value, "")
