"""Records as bytes, on their way in and out: what the core takes and gives, whoever moves it."""

from typing import NamedTuple


class Incoming(NamedTuple):
    """One record as it was read. `append_ms`: when the broker took it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    append_ms: int


class Emission(NamedTuple):
    """One record to be written. `partition` None: by the key."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
