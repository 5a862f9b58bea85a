"""Guessing is made slow. In: addresses, failures, the time. Out: how long somebody has to wait.

The one rule: memory is bounded, and who has shown a good token of late is not held up by others who guess. Method: a
token bucket for each address, and one for all of them together.
"""

import math
from collections import OrderedDict
from typing import NamedTuple

ADDRESSES_MAX = 10_000
KNOWN_SECONDS = 3600.0


class Rate(NamedTuple):
    """So many failures at once; then one in so many seconds."""

    failures: int
    seconds: float


ONE = Rate(10, 6.0)
ALL = Rate(300, 0.2)


class _Bucket:
    __slots__ = ("_at", "_left", "_rate")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._left = float(rate.failures)
        self._at = now

    def wait(self, now: float) -> float:
        """Seconds until one more failure is allowed, 0 if it is now."""
        self._left = min(self._rate.failures, self._left + max(now - self._at, 0.0) / self._rate.seconds)
        self._at = now
        return max(0.0, (1.0 - self._left) * self._rate.seconds)

    def take(self, now: float) -> None:
        """One failure."""
        self.wait(now)
        self._left = max(self._left - 1.0, 0.0)


class Throttle:
    """Of one process. `now` is in seconds of any clock that only grows."""

    def __init__(self) -> None:
        self._all: _Bucket | None = None
        self._one: OrderedDict[str, _Bucket] = OrderedDict()
        self._known: OrderedDict[str, float] = OrderedDict()

    def wait(self, address: str, now: float) -> int:
        """Whole seconds that this address has to wait before it may try a token, 0 if it need not."""
        bucket = self._one.get(address)
        seconds = bucket.wait(now) if bucket is not None else 0.0
        if self._all is not None and now - self._known.get(address, -KNOWN_SECONDS) >= KNOWN_SECONDS:
            seconds = max(seconds, self._all.wait(now))
        return math.ceil(seconds)

    def failed(self, address: str, now: float) -> None:
        """A token that is none."""
        bucket = self._one.pop(address, None) or _Bucket(ONE, now)
        self._one[address] = bucket
        if len(self._one) > ADDRESSES_MAX:
            self._one.popitem(last=False)
        self._all = self._all or _Bucket(ALL, now)
        for one in (bucket, self._all):
            one.take(now)

    def succeeded(self, address: str, now: float) -> None:
        """A good token."""
        self._known.pop(address, None)
        self._known[address] = now
        if len(self._known) > ADDRESSES_MAX:
            self._known.popitem(last=False)
