"""What the enrich agent remembers of one input partition: which records it has seen, whose they were.

In: ids as they come. Out: what is known of an id. The rules: an entry is forgotten when the stream clock has passed
its time by the retention, or when there are too many, oldest first; both follow from the order of the records alone,
so a repeat decides as the first time did.
"""

from collections import OrderedDict

import msgspec


class Memo(msgspec.Struct, array_like=True, omit_defaults=True, gc=False):
    """One record seen. `offset` of the record that made it; `seen_at`: the stream clock then; `event_time`: its own;
    `units` that it concerned; `answered`: the company has replied; `deleted`: taken back, maybe before it came; `own`:
    the company wrote it."""

    offset: int
    seen_at: int
    event_time: int
    units: tuple[str, ...] = ()
    answered: bool = False
    deleted: bool = False
    own: bool = False


class Memory:
    """`retention_ms` in stream time, `entries_max` at most."""

    def __init__(self, retention_ms: int, entries_max: int) -> None:
        self._retention_ms = retention_ms
        self._entries_max = entries_max
        self._memos: OrderedDict[str, Memo] = OrderedDict()
        self._dirty: set[str] = set()

    def __len__(self) -> int:
        return len(self._memos)

    def get(self, key: str | None) -> Memo | None:
        """What is known of an id, None if nothing is."""
        return None if key is None else self._memos.get(key)

    def put(self, key: str, memo: Memo) -> None:
        """Remembers a new id, or what has changed about a known one (which keeps its place)."""
        self._memos[key] = memo
        self._dirty.add(key)
        while len(self._memos) > self._entries_max:
            self._drop_oldest()

    def expire(self, clock_ms: int) -> None:
        """Forgets what is older than the retention."""
        limit = clock_ms - self._retention_ms
        while self._memos and next(iter(self._memos.values())).seen_at < limit:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        key, _ = self._memos.popitem(last=False)
        self._dirty.add(key)

    def load(self, saved: list[tuple[str, bytes]]) -> None:
        """Takes in what was saved, in the order of the records that made the entries."""
        memos = [(key, msgspec.msgpack.decode(value, type=Memo)) for key, value in saved]
        self._memos = OrderedDict(sorted(memos, key=lambda entry: (entry[1].offset, entry[0])))

    def take_dirty(self) -> list[tuple[bytes, bytes | None]]:
        """What has changed since the last call; None where it was forgotten."""
        dirty, self._dirty = self._dirty, set()
        return [(key.encode(), self._encoded(key)) for key in sorted(dirty)]

    def _encoded(self, key: str) -> bytes | None:
        memo = self._memos.get(key)
        return None if memo is None else msgspec.msgpack.encode(memo)
