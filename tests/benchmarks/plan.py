"""How much of everything: the full run, and a quick one that only shows that all of it works."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Sizes of all measurements. Times in seconds."""

    seed: int = 1
    posts: int = 120_000
    rounds: int = 3
    step_seconds_max: float = 300.0
    """What a contender may take for its start, and for its work."""

    latency_posts_a_second: int = 5_000
    latency_seconds: float = 300.0
    latency_warm_up_seconds: float = 10.0

    unit_counts: tuple[int, ...] = (100, 10_000, 100_000)
    unit_events: int = 200_000
    recovery_units: int = 100_000

    scaling_workers: tuple[int, ...] = (1, 2, 3)
    scaling_seconds: float = 15.0
    scaling_posts: int = 900_000

    profile_posts: int = 30_000

    sizing_rates: tuple[int, ...] = (10, 100, 500, 1_000, 2_000)
    """Posts a second, ascending."""
    sizing_partitions: tuple[int, ...] = (1, 3)
    sizing_seconds: float = 120.0
    sizing_warm_up_seconds: float = 3.0
    sizing_fills: tuple[int, ...] = (100_000, 300_000)
    """Numbers of posts that are remembered when memory is looked at, ascending."""


QUICK = Plan(
    posts=40_000,
    rounds=1,
    latency_posts_a_second=1_000,
    latency_seconds=15.0,
    latency_warm_up_seconds=5.0,
    unit_counts=(100, 2_000),
    unit_events=60_000,
    recovery_units=20_000,
    scaling_workers=(1, 2),
    scaling_seconds=8.0,
    scaling_posts=200_000,
    profile_posts=5_000,
    sizing_rates=(10, 500),
    sizing_partitions=(1, 2),
    sizing_seconds=10.0,
    sizing_fills=(10_000, 20_000),
)
