"""What a rate of posts needs, by arithmetic from what was measured.

In: rates, bytes, lags, as measured. Out: whether a rate was kept up with, bytes of memory for a remembered post, disk
for all that is kept. The one rule: how long a topic is kept is read from `schemas/topics.py`, and how many posts are
remembered from the settings: nothing of it is said here a second time.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from agents.settings import Settings
from schemas.time import DAY_MS
from schemas.topics import Topic, Topics
from tests.benchmarks.figures import significant

LAG_SECONDS_MAX = 1.0
"""Of posts may wait at the end of a rate that is kept up with: positions are committed about once a second."""
LAG_RECORDS = 50
"""That many more: ticks, and markers of transactions, count as records."""
TRIED_SHARES = (0.9, 0.8, 0.7, 0.6, 0.5)
"""Of what a worker does where a backlog waits: at these rates it is tried whether it keeps up."""
PLANNED_SHARE = 0.5
"""Of the highest rate that was kept up with: so much is planned for one worker. Posts come in waves, and what has
waited is to be caught up with."""
MEAN_SHARE = 0.1
"""Of the peak: so much is the mean, by which disk is filled."""
FOR_EVER_DAYS = 365
"""What is kept for ever is counted for so long."""
BURST_SHARE_MAX = 0.3
BURSTS_A_SECOND_MAX = 2.0


def keeps_up(lag: int, rate: float) -> bool:
    """Whether so many records that wait at the end are no more than what is always under way."""
    return lag <= LAG_SECONDS_MAX * rate + LAG_RECORDS


def rates_to_try(capacity: float) -> Iterator[int]:
    """Descending, in round numbers, below what was done with a backlog."""
    step = 10 if capacity < 1000 else 50
    for share in TRIED_SHARES:
        if rate := int(share * capacity / step) * step:
            yield rate


def bursts_a_second(rate: float, burst_posts: int) -> float:
    """As many bursts of complaints as make up no more than a part of the posts, two a second at most."""
    return min(BURSTS_A_SECOND_MAX, BURST_SHARE_MAX * rate / burst_posts)


def bytes_per_remembered(fills: Sequence[Mapping[str, float]]) -> float:
    """By the fullest: what a worker holds that remembers all posts, above what one holds that has worked on the same
    posts and remembers only a few; for each that it remembers more."""
    fullest = max(fills, key=lambda fill: fill["posts"])
    more = fullest["posts"] - fullest["remembered_without"]
    return (fullest["worker_bytes"] - fullest["worker_bytes_without"]) / more


def kept_days(name: str, topics: Topics) -> float | None:
    """How long a topic (without the prefix; `alerts.unit` for those of all units) keeps what is written; None for one
    that keeps the latest only."""
    spec: Topic = topics.unit_alerts_spec() if name == "alerts.unit" else topics.specs[topics(name)]
    if spec.cleanup == "compact":
        return None
    return FOR_EVER_DAYS if spec.retention_ms is None else spec.retention_ms / DAY_MS


def kept_bytes(bytes_per_post: Mapping[str, float], posts_a_second: float, topics: Topics) -> dict[str, float]:
    """What the topics hold once they are full, before replication, at a mean rate; of those that keep what was
    written."""
    posts_a_day = posts_a_second * 86_400
    return {
        name: size * posts_a_day * days
        for name, size in bytes_per_post.items()
        if (days := kept_days(name, topics)) is not None
    }


def at_rate(points: Sequence[tuple[float, float]], rate: float) -> float:
    """Between two measured rates on the line that joins them; below the lowest as there, above the highest in
    proportion. `points`: rate and what was measured."""
    points = sorted(points)
    if rate <= points[0][0]:
        return points[0][1]
    for (low, below), (high, above) in pairwise(points):
        if rate <= high:
            return below + (above - below) * (rate - low) / (high - low)
    return points[-1][1] * rate / points[-1][0]


def plan_row(peak: int, found: Mapping[str, Any], settings: Settings, topics: Topics) -> dict[str, Any]:
    """What to plan for a peak. `found`: `posts_per_s_max` of one worker, `cores` of `workers` and Kafka by rate,
    `worker_bytes` of one that remembers little, `bytes_per_remembered`, `bytes_per_post` by topic. Cores: as measured
    at the rate that so many workers get, times how often they are there."""
    workers = max(1, math.ceil(peak / (PLANNED_SHARE * found["posts_per_s_max"])))
    often = max(1.0, workers / found["workers"])
    remembered = min(settings.memory_entries_max * workers, peak * MEAN_SHARE * settings.memory_hours * 3600)
    memory = workers * found["worker_bytes"] + remembered * found["bytes_per_remembered"]
    disk = sum(kept_bytes(found["bytes_per_post"], peak * MEAN_SHARE, topics).values())
    return {
        "peak": peak,
        "workers": workers,
        "partitions": workers,
        "cores": significant(often * at_rate(found["cores"], peak / often), 2),
        "remembered": round(remembered),
        "memory_gib": significant(memory / 2**30, 2),
        "disk_gb": significant(disk / 1e9, 2),
    }
