"""What a recipient's answer means. In: an HTTP status, a few headers, the beginning of the body. Out: an Answer.

The one rule: only what says so clearly is delivered, and only what can never succeed is given up: any other 4xx than
408, 425 and 429 (RFC 9110, 8470, 6585), and redirects, which are not followed because a signed message would go to
somebody who was never named.
"""

from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

import msgspec

_AGAIN: Final = frozenset((408, 425, 429))
RETRY_AFTER_S_MAX: Final = 6 * 3600.0


class Outcome(StrEnum):
    """What comes next."""

    DELIVERED = "delivered"
    AGAIN = "again"
    NEVER = "never"


class Answer(msgspec.Struct, frozen=True):
    """`why`: in words that a person understands. `after_s`: not sooner, the recipient said."""

    outcome: Outcome
    why: str = ""
    after_s: float = 0.0


DELIVERED: Final = Answer(Outcome.DELIVERED)


def of_http(status: int, retry_after: str | None, now_s: float) -> Answer:
    """What a status means by itself. `retry_after`: the header, seconds or a date."""
    if 200 <= status < 300:
        return DELIVERED
    if 300 <= status < 400:
        return Answer(Outcome.NEVER, f"it answered {status}, a redirect; write the address that it leads to")
    if 400 <= status < 500 and status not in _AGAIN:
        return Answer(Outcome.NEVER, f"it refused the message with {status}")
    return Answer(Outcome.AGAIN, f"it answered {status}", after_s(retry_after, now_s))


def after_s(retry_after: str | None, now_s: float) -> float:
    """Seconds from a `Retry-After` header, 0 where it says nothing that can be read, six hours at most."""
    text = (retry_after or "").strip()[:100]
    if text.isascii() and text.isdigit():
        return min(float(text), RETRY_AFTER_S_MAX)
    try:
        seconds = parsedate_to_datetime(text).timestamp() - now_s
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), RETRY_AFTER_S_MAX)
