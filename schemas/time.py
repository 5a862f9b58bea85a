"""Time on the wire and inside: RFC 3339 text outside, integer milliseconds since the epoch inside.

The one rule: a time without an offset from UTC is refused, because it would be read in the reader's own zone.
"""

from datetime import datetime, timedelta
from functools import lru_cache

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000

TIME_MS_MAX = 253_402_300_799_999
"""The last millisecond of the year 9999: what RFC 3339 can write."""

_EPOCH = datetime(1970, 1, 1)
_SECONDS = tuple(f":{second:02d}" for second in range(60))
_MILLISECONDS = tuple(f".{millisecond:03d}Z" for millisecond in range(1000))


class Millis(int):
    """Milliseconds since 1970-01-01T00:00:00Z. Its own type, so that the codec writes it as RFC 3339."""

    __slots__ = ()


def parse_time(text: str) -> Millis:
    """RFC 3339 text -> milliseconds. Raises ValueError that says what is wrong."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _parse_lower_case(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text[:40]!r} has no offset from UTC; write it like 2026-01-31T12:00:00Z")
    time_ms = round(moment.timestamp() * 1000)
    if not 0 <= time_ms <= TIME_MS_MAX:
        raise ValueError(f"{text[:40]!r} is outside the years 1970 to 9999")
    return Millis(time_ms)


def _parse_lower_case(text: str) -> datetime:
    """RFC 3339 allows `t` and `z`; what is still no time then is refused in words that a person understands."""
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a time; write it like 2026-01-31T12:00:00Z") from None


def format_time(time_ms: int) -> str:
    """Milliseconds -> RFC 3339 text in UTC, always with milliseconds: `2026-01-31T12:00:00.000Z`."""
    if not 0 <= time_ms <= TIME_MS_MAX:
        raise ValueError(f"{time_ms} ms is outside the years 1970 to 9999")
    minute, rest = divmod(time_ms, MINUTE_MS)
    return f"{_to_the_minute(minute)}{_SECONDS[rest // SECOND_MS]}{_MILLISECONDS[rest % SECOND_MS]}"


@lru_cache(4096)
def _to_the_minute(minutes: int) -> str:
    """`2026-01-31T12:00`. Most times of a stream share their minute with others, and a cached text costs a tenth."""
    return (_EPOCH + timedelta(minutes=minutes)).isoformat(timespec="minutes")
