"""How a post is passed on: how often, when, and what a counter that is polled would have shown.

In: a random number generator. Out: how many reposts, their ages in milliseconds, polls of a counter. The one rule: the
number is decided first, so that it can be planted; the times are those of a branching process with that many.

Source: each repost follows the original (45 %) or a repost before it, after a delay by the kernel of SEISMIC (see
`pipeline.cascade`). The 45 % is fitted: it gives the pace of the 50 TiDeH cascades (median time until 10, 25, 50 and 75
% of the reposts are there: 3, 18, 142, 638 minutes; this gives 5, 17, 109 and 861). How often an ordinary post is
passed on is that of the 9,001 tweets to airlines: 6 % at all, 0.8 % more than once, with a tail of exponent 2.2. What
grows from person to person instead, slowly and then doubling, is that process with as many children for each as an
epidemic's final size needs (Kermack and McKendrick, 1927): those whom it can reach become fewer.
"""

import heapq
import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from pipeline.cascade import KERNEL_EXPONENT, KERNEL_RATE, KERNEL_SECONDS, SPAN_SECONDS, reacted
from schemas.time import HOUR_MS, MINUTE_MS, SECOND_MS

OF_THE_ORIGINAL: Final = 0.45
PASSED_ON: Final = 0.06
MORE_THAN_ONCE: Final = 0.13
"""Of those that are passed on at all."""
TAIL_EXPONENT: Final = 2.2
ORDINARY_MAX: Final = 50
"""An ordinary post is not passed on more often, so that all that spreads further is planted."""
CHILDREN: Final = (2.0, 4.0)
"""How many reposts one brings at first where it grows from person to person: it doubles every 40 to 4 minutes."""
FIRST_CHILDREN: Final = 20
SPARE: Final = 1.15
FOLLOWED_MS: Final = int(SPAN_SECONDS) * SECOND_MS
POLLS: Final = (
    (2 * HOUR_MS, 5 * MINUTE_MS), (12 * HOUR_MS, 15 * MINUTE_MS), (48 * HOUR_MS, HOUR_MS), (FOLLOWED_MS, 6 * HOUR_MS),
)  # fmt: skip
"""Up to which age a post's counter is polled how often."""

_UNIFORM: Final = KERNEL_RATE * KERNEL_SECONDS
_TAIL: Final = _UNIFORM / KERNEL_EXPONENT


def ordinary_reposts(random: Random) -> int:
    """How often an ordinary post is passed on; mostly never."""
    if random.random() >= PASSED_ON:
        return 0
    if random.random() >= MORE_THAN_ONCE:
        return 1
    return min(ORDINARY_MAX, int(2 * (1.0 - random.random()) ** (-1 / TAIL_EXPONENT)))


def repost_ages(random: Random, count: int, within_ms: int = FOLLOWED_MS) -> list[int]:
    """Ages of `count` reposts in order, all below `within_ms`."""
    limit = within_ms / SECOND_MS
    most = reacted(limit)
    ages = [0.0]
    while len(ages) <= count:
        of_original = len(ages) == 1 or random.random() < OF_THE_ORIGINAL
        age = (0.0 if of_original else ages[random.randrange(1, len(ages))]) + _delay(random.random() * most)
        if age < limit:
            ages.append(age)
    return sorted(max(1, int(age * SECOND_MS)) for age in ages[1:])


def growing_ages(random: Random, count: int, within_ms: int = FOLLOWED_MS) -> list[int]:
    """The same for a post that few follow at first: each repost brings two to four, until most have seen it."""
    limit = within_ms / SECOND_MS
    children = random.uniform(*CHILDREN)
    reachable = SPARE * count / _final_share(children)
    while len(found := _epidemic(random, children, reachable, limit)) < count:
        reachable *= SPARE
    return sorted(max(1, int(age * SECOND_MS)) for age in random.sample(found, count))


def polls(ages: Sequence[int], within_ms: int = FOLLOWED_MS) -> Iterator[tuple[int, int]]:
    """What a connector sees that polls a post's counter: (age, total) wherever the total has risen since the poll
    before. Ages below `within_ms`."""
    known = seen = age = 0
    for until, every in POLLS:
        while age < until:
            age += every
            if age >= within_ms:
                return
            while seen < len(ages) and ages[seen] <= age:
                seen += 1
            if seen > known:
                known = seen
                yield age, seen


def _epidemic(random: Random, children: float, reachable: float, limit: float) -> list[float]:
    """Ages in seconds, in order, below `limit`. Whoever would pass it on does so unless he is one who has."""
    most = reacted(limit)
    waiting = [_delay(random.random() * most) for _ in range(FIRST_CHILDREN)]
    heapq.heapify(waiting)
    ages: list[float] = []
    while waiting:
        age = heapq.heappop(waiting)
        if random.random() * reachable < len(ages):
            continue
        ages.append(age)
        for _ in range(int(children + random.random())):
            later = age + _delay(random.random() * most)
            if later < limit:
                heapq.heappush(waiting, later)
    return ages


def _final_share(children: float) -> float:
    """The share of those who can be reached that an epidemic reaches: where z = 1 - exp(-children z)."""
    share = 1.0
    for _ in range(100):
        share = 1.0 - math.exp(-children * share)
    return share


def _delay(share: float) -> float:
    """After how many seconds this share of those who will react has: the inverse of `pipeline.cascade.reacted`."""
    if share <= _UNIFORM:
        return share / KERNEL_RATE
    return float(KERNEL_SECONDS * ((1.0 - share) / _TAIL) ** (-1 / KERNEL_EXPONENT))
