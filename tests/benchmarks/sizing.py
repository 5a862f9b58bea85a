"""What to plan for how many posts a second: partitions, workers, cores, memory, disk.

In: rates, numbers of partitions, a time for each; numbers of posts that are remembered. Out: for each rate whether it
is kept up with, cores of workers and of Kafka, memory, bytes on disk for each post by topic, latency from a post to
its alert; the highest rate that is kept up with; the memory of a remembered post; and, by arithmetic from all this
(`needs.py`), a row for each rate of what to plan. The one rule: what is measured and what is calculated are in tables
of their own.

Each number of partitions is played with one worker, and the highest of them also with two. A rate that is not kept up
with ends a series: the rates above it are left out. One that could not be sent, because the machine was too busy, says
nothing and is not counted. The highest rate: a backlog is worked off, and nine tenths of that speed
are played like any other rate, then less, until a rate is kept up with. On a machine of two cores, two workers, Kafka
and who sends share the two.

The memory of a remembered post: the same posts go through two workers, of which one is told to remember as few as it
can be told; the difference is that of the posts that the other remembers. All else that grows is in both.
"""

import time
from typing import Any

from rich.table import Table

from agents.settings import Settings
from schemas.topics import Topics
from tests.benchmarks.broker import Broker
from tests.benchmarks.figures import significant
from tests.benchmarks.needs import (
    FOR_EVER_DAYS,
    MEAN_SHARE,
    PLANNED_SHARE,
    TRIED_SHARES,
    bytes_per_remembered,
    kept_days,
    plan_row,
    rates_to_try,
)
from tests.benchmarks.plan import Plan
from tests.benchmarks.posts import UNITS
from tests.benchmarks.report import Report, Task
from tests.benchmarks.steady import MIB, Steady, bursts_of, title_of

REMEMBERED_MIN = 1_000
"""The least that `CEM_MEMORY_ENTRIES_MAX` may be."""
BACKLOG_SECONDS = 8.0
"""At the highest rate that is asked for: what is worked off to see how fast it can go."""
SETTLE_SECONDS = 2.0
PLANNED_PEAKS = (10, 100, 1_000, 5_000)
BYTES_AT = 500
BYTES_SHOWN_MIN = 1.0


def measure(broker: Broker, plan: Plan, report: Report) -> dict[str, Any]:
    """See the module's docstring."""
    setups = setups_of(plan.sizing_partitions)
    with report.task("sizing", total=2 + len(setups) * (len(plan.sizing_rates) + 1)) as whole:
        series = [_series(broker, plan, report, whole, partitions, workers) for partitions, workers in setups]
        memory = _memory(broker, plan, report, whole)
    return {"units": UNITS, "seconds": plan.sizing_seconds, "series": series, "memory": memory,
            "plan": planned(series, memory)}  # fmt: skip


def setups_of(partitions: tuple[int, ...]) -> list[tuple[int, int]]:
    """Partitions and workers: each with one, and the most partitions also with two, if there are two to share."""
    most = max(partitions)
    return [*((number, 1) for number in partitions), *([(most, 2)] if most > 1 else [])]


def _series(broker: Broker, plan: Plan, report: Report, whole: Task, partitions: int, workers: int) -> dict[str, Any]:
    top = max(plan.sizing_rates)
    bursts = sum(bursts_of(plan, rate) for rate in plan.sizing_rates) + len(TRIED_SHARES) * bursts_of(plan, top)
    rows: list[dict[str, Any]] = []
    with report.task("starting") as task, Steady(
        broker, plan, partitions=partitions, workers=workers, bursts=bursts
    ) as steady:  # fmt: skip
        steady.until_done(task)

        def play(rate: int) -> bool:
            rows.append(steady.play(rate, task))
            report.line(f"sizing: {steady.title}, {_told(rows[-1])}")
            return bool(rows[-1]["keeps_up"])

        for rate in plan.sizing_rates:
            kept = play(rate)
            whole.advance()
            if not kept and not rows[-1]["sender_late"]:
                break
        capacity = steady.drain(int(top * BACKLOG_SECONDS), task)
        kept_already = max((row["posts_a_second"] for row in rows if row["keeps_up"]), default=0)
        any(rate <= kept_already or play(rate) for rate in rates_to_try(capacity))
        whole.advance()
    highest = max((row["posts_a_second"] for row in rows if row["keeps_up"]), default=0)
    return {
        "partitions": partitions,
        "workers": workers,
        "rates": rows,
        "posts_per_s_with_backlog": significant(capacity),
        "posts_per_s_max": highest,
    }


def _memory(broker: Broker, plan: Plan, report: Report, whole: Task) -> dict[str, Any]:
    """A worker and Kafka before any post, and at each fill; and the same of one that remembers hardly any."""
    found: dict[int, list[tuple[float, float]]] = {}
    most: dict[int, float] = {}
    enough = max(Settings().memory_entries_max, *plan.sizing_fills)
    for limit in (REMEMBERED_MIN, enough):
        report.line(f"sizing: memory, {limit:,} posts are remembered at most")
        with report.task("memory") as task, Steady(broker, plan, partitions=1, memory_entries_max=limit) as steady:
            looks = found.setdefault(limit, [])
            for fill in (0, *plan.sizing_fills):
                if fill:
                    steady.drain(fill - steady.posts, task)
                steady.until_done(task)
                time.sleep(SETTLE_SECONDS)
                looks.append((steady.worker_bytes(), broker.resident_bytes()))
            most[limit] = steady.worker_bytes_max()
            ready = steady.restart()
            restarted, restarted_max = steady.worker_bytes(), steady.worker_bytes_max()
        whole.advance()
    fills = [
        {"posts": posts, "remembered_without": min(posts, REMEMBERED_MIN), "worker_bytes": full[0],
         "worker_bytes_without": few[0], "kafka_bytes": full[1]}
        for posts, full, few in zip((0, *plan.sizing_fills), found[enough], found[REMEMBERED_MIN], strict=True)
    ]  # fmt: skip
    return {
        "fills": fills,
        "bytes_per_remembered": significant(bytes_per_remembered(fills)),
        "worker_bytes_max": most[enough],
        "worker_bytes_max_without": most[REMEMBERED_MIN],
        "start_until_ready_s": significant(ready),
        "restarted_bytes": restarted,
        "restarted_bytes_max": restarted_max,
    }


def planned(series: list[dict[str, Any]], memory: dict[str, Any]) -> dict[str, Any]:
    """What follows: for one worker from the first series (fewest partitions), for more from the last one (all
    partitions, most workers), but for what each can do: so much as one did alone, with however many partitions. Empty
    where nothing was kept up with."""
    alone = [one["posts_per_s_max"] for one in series if one["workers"] == 1]
    if not all(one["posts_per_s_max"] for one in series):
        return {}
    common = {
        "worker_bytes": memory["worker_bytes_max_without"],
        "bytes_per_remembered": memory["bytes_per_remembered"],
    }
    narrow = {**common, **costs(series[0]), "posts_per_s_max": alone[0]}
    wide = {**common, **costs(series[-1]), "posts_per_s_max": min(alone)}
    settings, topics = Settings(), Topics()
    rows = [plan_row(peak, narrow, settings, topics) for peak in PLANNED_PEAKS]
    rows = [row if row["workers"] == 1 else plan_row(row["peak"], wide, settings, topics) for row in rows]
    shares = {"planned_share": PLANNED_SHARE, "mean_share": MEAN_SHARE, "for_ever_days": FOR_EVER_DAYS}
    return {"one_worker": narrow, "more_workers": wide, **shares, "rows": rows}


def costs(one: dict[str, Any]) -> dict[str, Any]:
    """Of one set-up, by the rates that were kept up with: cores of workers and Kafka together, and bytes on disk as at
    the rate nearest to five hundred posts a second: at low rates the markers of transactions and the bursts weigh
    more."""
    kept = [row for row in one["rates"] if row["keeps_up"]]
    usual = min(kept, key=lambda row: abs(row["posts_a_second"] - BYTES_AT))
    return {
        "workers": one["workers"],
        "cores": [(row["posts_a_second"], row["worker_cores"] + row["kafka_cores"]) for row in kept],
        "bytes_per_post": usual["bytes_per_post"],
        "bytes_per_post_at": usual["posts_a_second"],
    }


def _told(row: dict[str, Any]) -> str:
    cores = f"{row['worker_cores']:.2f} + {row['kafka_cores']:.2f} cores"
    return f"{row['posts_a_second']:,} posts/s: {_verdict(row)}, lag {row['lag']:,}, {cores}"


def _verdict(row: dict[str, Any]) -> str:
    if row["keeps_up"]:
        return "kept up"
    return "sender late" if row["sender_late"] else "not kept up"


def tables(result: dict[str, Any]) -> list[Table]:
    """Measured rates, bytes by topic, measured memory; then what follows."""
    return [_rates(result), _topics(result["series"]), _fills(result["memory"]), *_plan(result["plan"])]


def _rates(result: dict[str, Any]) -> Table:
    highest = "; ".join(
        f"{title_of(one['partitions'], one['workers'])}: {one['posts_per_s_max']:,} posts/s "
        f"({one['posts_per_s_with_backlog']:,.0f} with a backlog)"
        for one in result["series"]
    )
    table = _table(
        f"Measured: each rate for {result['seconds']:.0f} s, {result['units']} units and quiet ones",
        f"Highest that was kept up with: {highest}",
        ("partitions", "workers", "posts/s", "", "lag", "worker cores", "Kafka cores", "worker MiB", "Kafka MiB",
         "bytes per post", "alerts", "p50 s", "p99 s"),
    )  # fmt: skip
    for one in result["series"]:
        for row in one["rates"]:
            alerts = row["alerts"]
            latency = [f"{alerts[key]:.2f}" if key in alerts else "" for key in ("p50_s", "p99_s")]
            table.add_row(
                str(one["partitions"]), str(one["workers"]), f"{row['posts_a_second']:,}",
                _verdict(row), f"{row['lag']:,}", f"{row['worker_cores']:.2f}",
                f"{row['kafka_cores']:.2f}", f"{row['worker_mib']:,.0f}", f"{row['kafka_mib']:,.0f}",
                f"{sum(row['bytes_per_post'].values()):,.0f}", str(alerts["number"]), *latency,
            )  # fmt: skip
    return table


def _topics(series: list[dict[str, Any]]) -> Table:
    """Of the rates that were kept up with. Topics of which next to nothing is written for a post are taken together."""
    rows = [row for row in series[0]["rates"] if row["keeps_up"]] or series[0]["rates"]
    usual = min(rows, key=lambda row: abs(row["posts_a_second"] - BYTES_AT))
    whole, topics = sum(usual["bytes_per_post"].values()), Topics()
    headings = ("topic", *(f"{row['posts_a_second']:,}/s" for row in rows), "share", "kept, days")
    table = _table(
        "Measured: bytes on disk for each post, by rate",
        f"Share at {usual['posts_a_second']:,} posts/s. Topics that keep the latest only are compacted: what is "
        "written there does not stay",
        headings,
    )
    largest = sorted(usual["bytes_per_post"].items(), key=lambda item: -item[1])
    shown = [name for name, size in largest if size >= BYTES_SHOWN_MIN]
    for name in shown:
        days = kept_days(name, topics)
        kept = "the latest" if days is None else f"{days:.0f}"
        sizes = (f"{row['bytes_per_post'].get(name, 0.0):,.0f}" for row in rows)
        table.add_row(name, *sizes, f"{usual['bytes_per_post'].get(name, 0.0) / whole:.1%}", kept)
    others = (sum(size for name, size in row["bytes_per_post"].items() if name not in shown) for row in rows)
    table.add_row("others", *(f"{size:,.1f}" for size in others))
    return table


def _fills(memory: dict[str, Any]) -> Table:
    table = _table(
        f"Measured: memory, {memory['bytes_per_remembered']:,.0f} bytes for each post that is remembered",
        f"Started again with all of them: ready after {memory['start_until_ready_s']:.1f} s, "
        f"{memory['restarted_bytes'] / MIB:,.0f} MiB. The most that was held at once: "
        f"{memory['worker_bytes_max'] / MIB:,.0f} MiB, remembering {REMEMBERED_MIN:,} "
        f"{memory['worker_bytes_max_without'] / MIB:,.0f} MiB",
        ("posts", "worker MiB, remembering all", f"remembering {REMEMBERED_MIN:,}", "Kafka MiB"),
    )
    for fill in memory["fills"]:
        sizes = (fill["worker_bytes"], fill["worker_bytes_without"], fill["kafka_bytes"])
        table.add_row(f"{fill['posts']:,}", *(f"{size / MIB:,.0f}" for size in sizes))
    return table


def _plan(plan: dict[str, Any]) -> list[Table]:
    if not plan:
        return []
    one, more = plan["one_worker"], plan["more_workers"]
    table = _table(
        "Calculated from it: what to plan",
        f"A worker for each {PLANNED_SHARE * one['posts_per_s_max']:,.0f} posts/s of the peak "
        f"({PLANNED_SHARE * more['posts_per_s_max']:,.0f} where there are several). Disk at "
        f"{MEAN_SHARE:.0%} of the peak, before replication, bytes as at "
        f"{one['bytes_per_post_at']:,} posts/s; "
        f"what is kept for ever counts {FOR_EVER_DAYS} days",
        ("peak posts/s", "workers", "partitions", "cores", "posts remembered", "memory GiB", "disk GB"),
    )
    for row in plan["rows"]:
        table.add_row(
            f"{row['peak']:,}", str(row["workers"]), str(row["partitions"]), f"{row['cores']:g}",
            f"{row['remembered']:,}", f"{row['memory_gib']:g}", f"{row['disk_gb']:,.0f}",
        )  # fmt: skip
    return [table]


def _table(title: str, caption: str | None, headings: tuple[str, ...]) -> Table:
    table = Table(title=title, caption=caption)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if heading == "topic" else "right", no_wrap=place == 0)
    return table
