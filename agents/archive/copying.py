"""Values as PostgreSQL's COPY reads them: text format, one line for each row, columns apart by tabs.

In: what a record holds. Out: text. The one rule: whatever a value holds, it stays in its column: what means something
to COPY is escaped. PostgreSQL cannot store the character U+0000 in a text; U+FFFD stands in for it.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from schemas.time import HOUR_MS, format_time

NULL = "\\N"

_special = re.compile(r"[\\\t\n\r\x00]")
_escapes = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\x00": "\ufffd"}
_plain_word = re.compile(r"[a-z][a-z0-9_]*\Z")


def text(value: str | None) -> str:
    """Any text, or null."""
    if value is None:
        return NULL
    return _special.sub(_escape, value) if _special.search(value) else value


def _escape(found: re.Match[str]) -> str:
    return _escapes[found[0]]


def number(value: float | int | None) -> str:
    """A number, or null."""
    return NULL if value is None else repr(value)


def flag(value: bool | None) -> str:
    """True or false, or null."""
    return NULL if value is None else "t" if value else "f"


def time(time_ms: int | None) -> str:
    """Milliseconds since the epoch as a time in UTC, or null."""
    return NULL if time_ms is None else format_time(time_ms)


@lru_cache(4096)
def _hour(hour: int) -> str:
    """Hours since the epoch -> the columns `hour` and `day`. Most rows share theirs with others."""
    start = format_time(hour * HOUR_MS)
    return f"{start}\t{start[:10]}"


def hour_and_day(time_ms: int) -> str:
    """The columns `hour` and `day` that a time falls into."""
    return _hour(time_ms // HOUR_MS)


@lru_cache(8192)
def texts(values: tuple[str, ...]) -> str:
    """An array of texts. The same few come again and again."""
    return text("{" + ",".join(map(_element, values)) + "}") if values else "{}"


def _element(value: str) -> str:
    if _plain_word.match(value) and value != "null":
        return value
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'


def numbers(values: Iterable[float]) -> str:
    """An array of numbers."""
    return "{" + ",".join(map(repr, values)) + "}"


def line(*columns: str) -> str:
    """One row."""
    return "\t".join(columns) + "\n"
