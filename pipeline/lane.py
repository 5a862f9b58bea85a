"""What is remembered of one input partition: its stream clock, the version in force, and the records seen.

The one rule: all of it follows from the partition's records alone, so that it can be had again.
"""

import msgspec

from pipeline.memory import Memo, Memory
from schemas.time import DAY_MS, HOUR_MS


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds. Event times farther from the stream clock than these are refused; memory is bounded in stream time and
    in entries per partition."""

    future_ms: int = HOUR_MS
    past_ms: int = 30 * DAY_MS
    memory_ms: int = 2 * DAY_MS
    memory_entries_max: int = 500_000


class LanePosition(msgspec.Struct, array_like=True):
    """What is saved of a lane beside its memory."""

    clock_ms: int = -1
    version: int = 0


class Lane:
    """What is remembered of one input partition. `announced`: the version of settings last sent to each unit's log
    from here; it needs no saving, because settings sent again change nothing."""

    def __init__(self, limits: Limits) -> None:
        self.position = LanePosition()
        self.memory = Memory(limits.memory_ms, limits.memory_entries_max)
        self.announced: dict[str, int] = {}

    def memo(self, offset: int, event_time: int, units: tuple[str, ...]) -> Memo:
        """What is remembered of a record that comes now, still to be put into the memory."""
        return Memo(offset=offset, seen_at=max(self.position.clock_ms, 0), event_time=int(event_time), units=units)

    def load_position(self, value: bytes) -> None:
        """Takes in what `save_position` gave."""
        self.position = msgspec.msgpack.decode(value, type=LanePosition)

    def save_position(self) -> bytes:
        """Stream clock and version, to be saved together with the memory."""
        return msgspec.msgpack.encode(self.position)
