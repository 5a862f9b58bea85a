"""Records as bytes, on their way in and out: what the core takes and gives, whoever moves it.

Structs and not named tuples, which take five times as long to make: each post becomes several of these.
"""

import msgspec


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """One record as it was read. `append_ms`: when the broker took it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    append_ms: int


class Emission(msgspec.Struct, frozen=True, gc=False):
    """One record to be written. `partition` None: by the key."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
