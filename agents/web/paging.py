"""Long lists in pages. In: a sorted list, a key for each item, where the last page ended. Out: a page, and a cursor.

The one rule: as long as nothing changes, the pages are the list: nothing is missing, nothing comes twice. A cursor is
the key of the last item and the time that the order is of; it is opaque to clients, and nothing secret is in it.
Method: keyset pagination.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from agents.web.problem import Problem

LIMIT: Final = 50
LIMIT_MAX: Final = 200
_CURSOR_LENGTH_MAX: Final = 1_000

Item = TypeVar("Item")
Key = tuple[Any, ...]


class Wanted(NamedTuple):
    """How many items at most, behind which key; `now_ms` is the time that the keys are of."""

    limit: int
    after: list[Any] | None
    now_ms: int


def wanted(query: Mapping[str, str], now_ms: int) -> Wanted:
    """A query's `limit` and `cursor`. Raises Problem."""
    limit = query.get("limit", str(LIMIT))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 4 and 1 <= int(limit) <= LIMIT_MAX):
        raise Problem(422, "invalid", f"`limit` is a number from 1 to {LIMIT_MAX}")
    cursor = query.get("cursor")
    if cursor is None:
        return Wanted(int(limit), None, now_ms)
    try:
        if len(cursor) > _CURSOR_LENGTH_MAX:
            raise ValueError
        now, after = msgspec.json.decode(base64.b64decode(cursor, b"-_", validate=True), type=tuple[int, list[Any]])
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise Problem(422, "invalid", "`cursor` is none of ours; take `next_cursor` of the page before") from None
    return Wanted(int(limit), after, now)


def page_of(items: Sequence[Item], key: Callable[[Item], Key], asked: Wanted) -> tuple[list[Item], str | None]:
    """The items behind the cursor, in the order of their keys, and the next cursor; None on the last page. Raises
    Problem."""
    keyed = sorted(((key(item), item) for item in items), key=lambda one: one[0])
    if asked.after is not None:
        after = tuple(asked.after)
        try:
            keyed = [one for one in keyed if one[0] > after]
        except TypeError:
            raise Problem(
                422, "invalid", "`cursor` is of another list; take `next_cursor` of the page before"
            ) from None
    page = keyed[: asked.limit]
    if len(keyed) <= asked.limit:
        return [item for _, item in page], None
    said = msgspec.json.encode((asked.now_ms, page[-1][0]), enc_hook=int)  # times are numbers here
    return [item for _, item in page], base64.urlsafe_b64encode(said).decode()
