"""What one recipient was told of one alert, and what it is still to be told, on `cem.notified` (key: recipient, alert
and unit).

It is the memory of `cem notify`: the last record of a key counts. `sequence` is the mark: what is at or below it was
taken in and is never told twice. A change waits first (`waiting`, where later ones join it); then it is a part of one
message with an id that stays (`sending`), until that was delivered or given up.
"""

import msgspec

from schemas.alert import Alert, AlertChange
from schemas.record import Record, Source
from schemas.time import Millis


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record of an alert, as a message lists it."""

    change: AlertChange
    sequence: int
    at: Millis
    actor: str | None = None


class Waiting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Changes that are in no message yet. `alert`: the last of them, without its evidence. `held`: until `due_at`
    because of quiet hours, and then told in one summary with others that were."""

    changes: tuple[Told, ...]
    changes_left_out: int = 0
    alert: Alert
    source: Source
    due_at: Millis
    held: bool = False


class Sending(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Its part of the message `id`, which other alerts of the recipient may share. It stays as it is until the end, so
    that a repeat is the same message. `place`: its place in the message. `next_at`: when it is tried again; `since`:
    from when on it is counted how long it has been tried (it was made, or quiet hours ended that held it)."""

    id: str
    place: int = 0
    changes: tuple[Told, ...]
    changes_left_out: int = 0
    alert: Alert
    source: Source
    due_at: Millis
    made_at: Millis
    since: Millis
    next_at: Millis
    tries: int = 0


class Notified(Record, frozen=True, kw_only=True):
    """`unit_id`: whose log the alert's records came from; after it was sent to another unit there is a memory for each,
    because only records of one log are in order. `delivered`: the last sequence that a message was delivered about, 0
    for none; `at`: when this was written."""

    recipient: str
    alert_id: str
    unit_id: str
    sequence: int
    delivered: int = 0
    waiting: Waiting | None = None
    sending: Sending | None = None
    at: Millis
