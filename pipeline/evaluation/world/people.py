"""Who writes about a unit: strangers, regulars, accounts made for advertising.

In: a random number generator of the unit's own. Out: Authors. The one rule: an author's id holds the unit's number, so
that units do not share anybody and one unit's people do not depend on the others.

Source: followers are log-normal with the median 186 and the deviation 1.65 of the logarithm: quantiles of 200,805
resharers of the TiDeH cascades (25 %: 61, 75 %: 599, 95 %: 2,269, 99 %: 6,755; this gives 61, 566, 2,806, 8,639).
"""

import math
from random import Random
from typing import Final

from schemas.post import Author
from schemas.time import DAY_MS, Millis
from schemas.vocabulary import Network

SOCIAL: Final[tuple[Network, ...]] = (
    "x", "x", "x", "facebook", "facebook", "instagram", "bluesky", "mastodon", "reddit",
)  # fmt: skip
REVIEWS: Final[tuple[Network, ...]] = ("google", "google", "google", "yelp", "tripadvisor", "trustpilot", "facebook")

FOLLOWERS_LOG_MEDIAN: Final = math.log(186)
FOLLOWERS_LOG_DEVIATION: Final = 1.65
FOLLOWERS_MODEST: Final = 20_000
"""The most that anybody has who writes or passes on without being planted."""
VERIFIED_FOLLOWERS: Final = 50_000
ACCOUNT_DAYS: Final = (40, 4000)
ADVERTISER_DAYS: Final = (0, 5)

_STARTS: Final = ("al", "bre", "ca", "dor", "el", "fin", "gre", "hal", "is", "jo", "ka", "lu", "mi", "no", "ol", "pe")
_ENDS: Final = ("bert", "cara", "dine", "fred", "gina", "lano", "mira", "na", "rik", "sen", "tje", "vin", "wen", "xa")


def followers(random: Random, most: int = FOLLOWERS_MODEST) -> int:
    """How many follow somebody, at most `most`."""
    return min(most, int(random.lognormvariate(FOLLOWERS_LOG_MEDIAN, FOLLOWERS_LOG_DEVIATION)))


def person(
    random: Random, name: str, at: int, *, followed: int | None = None, days: tuple[int, int] = ACCOUNT_DAYS
) -> Author:
    """Somebody with the id `u-<name>`, `name` being `<unit's number>-<…>`. `at`: now; the account is `days` old."""
    count = followers(random) if followed is None else followed
    handle = f"{random.choice(_STARTS)}{random.choice(_ENDS)}{random.randrange(10_000)}"
    created = Millis(max(0, at - int(random.uniform(*days) * DAY_MS)))
    return Author(id=f"u-{name}", handle=handle, followers=count, verified=count > VERIFIED_FOLLOWERS, created=created)


def advertiser(random: Random, name: str, at: int) -> Author:
    """An account that is a few days old and has hardly anybody who follows it."""
    return person(random, name, at, followed=random.randrange(12), days=ADVERTISER_DAYS)
