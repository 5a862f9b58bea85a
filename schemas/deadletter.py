"""What was refused: where it came from, why, and the original bytes. Key of `cem.deadletter`: the source."""

from schemas.record import Record, Source
from schemas.time import Millis

DEAD_LETTER_BYTES_MAX = 1024 * 1024


class DeadLetter(Record, frozen=True, kw_only=True):
    """`bytes` is the value as it came (base64 on the wire), None for a tombstone; of more than 1 MiB only the first,
    `bytes_total` is the whole length, and `source` says where the rest is while the input is kept. `control` is what
    its header `cem_control` said. `ingest_time` is the time that the refused record was appended, so that a repeat
    makes the same letter."""

    source: Source
    key: bytes | None = None
    control: str | None = None
    reason: str
    detail: str
    bytes: bytes | None
    bytes_total: int
    tries: int = 1
    ingest_time: Millis
