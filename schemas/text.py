"""The only home of text: masked, keyed by the reference that everything else carries. A tombstone erases it."""

from schemas.record import Record
from schemas.time import Millis


class StoredText(Record, frozen=True, kw_only=True):
    """`id` is the key: an insight's id, or `note:` / `we_did:` and an action's id. `masked` says what was replaced."""

    id: str
    text: str
    language: str | None = None
    author: str | None = None
    url: str | None = None
    masked: tuple[str, ...] = ()
    event_time: Millis
