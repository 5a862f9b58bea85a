"""When a message is tried again. In: how often it was tried, a random number, what the recipient asked for. Out: a
time, or that it is given up.

The one rule: many messages that failed together do not come back together. Method: exponential back-off with full
jitter (Brooker, "Exponential Backoff and Jitter", 2015): a random share of a time that doubles. The random number comes
from outside, so that the same numbers give the same times.
"""

from typing import Final

from pipeline.notify.rules import Recipient
from schemas.time import HOUR_MS, SECOND_MS, Millis

DELAY_S_MAX: Final = 1800.0


def delay_s(tries: int, base_s: float, random: float, after_s: float = 0.0) -> float:
    """Seconds until the next try after `tries` that failed; `random`: 0 to 1. Never sooner than `after_s`."""
    longest = min(base_s * 2.0 ** min(max(tries - 1, 0), 60), DELAY_S_MAX)
    return max(longest * random, after_s)


def next_try(
    recipient: Recipient, since: Millis, tries: int, now_ms: int, random: float, after_s: float
) -> Millis | None:
    """When it is tried again after `tries` that failed; None: never, because it was tried often enough, or for long
    enough since `since`. Quiet hours are no time in which it was tried."""
    if tries >= recipient.tries_max:
        return None
    at_ms = now_ms + int(delay_s(tries, recipient.retry_seconds, random, after_s) * SECOND_MS)
    return Millis(at_ms) if at_ms - since <= recipient.give_up_hours * HOUR_MS else None
