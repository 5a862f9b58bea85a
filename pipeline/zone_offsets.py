"""How far the clocks of a zone are from UTC, as stretches of time. In: the name of a zone and a time. Out: the Piece
around it: from when to when no clock is put forward or back, and the offset until then.

The one rule: within a piece, the clock on the wall runs as time does; all that daylight saving, a missing day or a new
law does to it happens between two pieces. Found by asking `zoneinfo`, so its data and its rules for the far future
count. Nothing is raised: a zone that is not known is UTC, and outside the years 1970 to 9999 the nearest offset counts.
"""

from bisect import bisect_right
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

from pipeline.local_time import zone
from schemas.time import DAY_MS, SECOND_MS, TIME_MS_MAX

PROBE_MS: Final = 4 * DAY_MS
"""How far apart a zone is asked. No zone of the IANA database (2025) had or will have an offset for less than 167 hours
(Gaza's pause for Ramadan) and then the one before again: what lies between two equal answers is as they are."""
BLOCK_MS: Final = 100 * PROBE_MS
"""What is found and kept at once: 400 days, with two or three changes in most zones."""

_EPOCH = datetime(1970, 1, 1)
_LAST_MS = TIME_MS_MAX - 2 * DAY_MS  # later than this, the local time may be in the year 10,000, which is refused


class Piece(NamedTuple):
    """From `start_ms` until before `end_ms`, local time is UTC plus `offset_ms`."""

    start_ms: int
    end_ms: int
    offset_ms: int


def piece_at(name: str, at_ms: int) -> Piece:
    """The piece that holds a time in milliseconds. A block's end also ends a piece: the next may have the same
    offset."""
    starts, pieces = _block(name, at_ms // BLOCK_MS)
    return pieces[bisect_right(starts, at_ms) - 1]


@lru_cache(4096)
def _block(name: str, index: int) -> tuple[list[int], list[Piece]]:
    where, begin, end = zone(name), index * BLOCK_MS, (index + 1) * BLOCK_MS
    changes = [(begin, _offset_ms(where, begin))]
    for probe_ms in range(begin, end, PROBE_MS):
        _find(where, probe_ms, probe_ms + PROBE_MS, changes)
    starts = [start for start, _ in changes if start < end]
    ends = [*starts[1:], end]
    return starts, [Piece(*piece) for piece in zip(starts, ends, (offset for _, offset in changes), strict=False)]


def _find(where: tzinfo, low_ms: int, high_ms: int, changes: list[tuple[int, int]]) -> None:
    """Appends the changes after `low_ms` and up to `high_ms`. `changes` ends with what holds at `low_ms`."""
    offset_ms = _offset_ms(where, high_ms)
    if offset_ms == changes[-1][1]:
        return
    if high_ms - low_ms <= SECOND_MS:
        changes.append((high_ms, offset_ms))
        return
    middle_ms = (low_ms + high_ms) // 2 // SECOND_MS * SECOND_MS
    _find(where, low_ms, middle_ms, changes)
    _find(where, middle_ms, high_ms, changes)


def _offset_ms(where: tzinfo, at_ms: int) -> int:
    moment = _EPOCH + timedelta(milliseconds=min(max(at_ms, 0), _LAST_MS))
    local = moment.replace(tzinfo=where)
    return (where.fromutc(local).replace(tzinfo=None) - moment) // timedelta(milliseconds=1)
