"""The section "Size" of the runbook, from what was measured: `python -m tests.benchmarks.runbook [build/bench.json]`.

In: the file of `python -m tests.benchmarks sizing`. Out: deploy/README.md with new figures between two markers. The one
rule: no figure stands there that is not in the file, and what is calculated stands apart from what was measured.
"""

import argparse
import re
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from agents.settings import Settings
from pipeline.detectors.surge import MENTIONS_MAX
from pipeline.likeness import KEPT_MAX
from schemas.topics import Topics
from tests.benchmarks.needs import MEAN_SHARE, PLANNED_SHARE, kept_days
from tests.benchmarks.steady import MIB, title_of

RUNBOOK = Path("deploy") / "README.md"
RESULT = Path("build") / "bench.json"
BEGIN = "<!-- from here on written by python -m tests.benchmarks.runbook -->"
END = "<!-- to here -->"
COLUMNS = 120
SHARE_MIN = 0.01
_OUT = re.compile(r" --out[ =]\S+")
LOAD_MAX = 0.7
"""A machine that is busier than this before it begins has other things to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """See the module's docstring. Exit code 2 where the file holds no sizes or the runbook no place for them."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.runbook", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("result", nargs="?", type=Path, default=RESULT, help="(default: %(default)s)")
    parser.add_argument("--runbook", type=Path, default=RUNBOOK, help="(default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        result = orjson.loads(options.result.read_bytes())
        text = put(options.runbook.read_text("utf-8"), section(result))
    except OSError as error:
        parser.error(f"{error.filename}: {error.strerror}")
    except orjson.JSONDecodeError as error:
        parser.error(f"{options.result}: no JSON: {error}")
    except (LookupError, ValueError) as error:
        parser.error(f"{options.result} or {options.runbook} is not what is expected here: {error}")
    options.runbook.write_text(text, "utf-8")
    sys.stderr.write(f"{options.runbook}: written\n")
    return 0


def put(runbook: str, written: str) -> str:
    """The runbook with this between its markers. Raises ValueError where they are not there once, in order."""
    before, begins, rest = runbook.partition(BEGIN)
    _, ends, after = rest.partition(END)
    if not begins or not ends or BEGIN in rest or END in after:
        raise ValueError(f"the lines {BEGIN} and {END} are wanted once each")
    return f"{before}{BEGIN}\n\n{written}\n\n{END}{after}"


def section(result: dict[str, Any]) -> str:
    """What was measured, then what follows. Raises KeyError where sizes were not measured."""
    sizes = result["parts"]["sizing"]
    return "\n\n".join((_circumstances(result), _measured(sizes), _disk(sizes), _memory(sizes), *_planned(sizes)))


def _circumstances(result: dict[str, Any]) -> str:
    machine, sizes = result["machine"], result["parts"]["sizing"]
    text = (
        f"Measured {result['measured_at'][:10]} on {machine['cores']} cores, with Kafka and who sends on the "
        f"same machine, {sizes['units']} units, {sizes['seconds']:.0f} s at each rate "
        f"(`{_OUT.sub('', result['command'])}`):"
    )
    if machine["load_before"] > LOAD_MAX:
        text += (
            f" **the machine was busy with other things (load {machine['load_before']:g}): cores, rates and latencies "
            "are not final**; bytes and memory hardly depend on it."
        )
    return _wrapped(text)


def _measured(sizes: dict[str, Any]) -> str:
    first, *others = sizes["series"]
    rows = [(first, row) for row in first["rates"]]
    for one in others:
        kept = [row for row in one["rates"] if row["keeps_up"]]
        rows += [(one, max(kept, key=lambda row: row["posts_a_second"]))] if kept else []
    headings = ("", "posts/s", "cores, workers + Kafka", "MiB, workers + Kafka", "alert p50, p99")
    return _table(headings, (_measured_row(one, row) for one, row in rows))


def _measured_row(one: dict[str, Any], row: dict[str, Any]) -> tuple[str, ...]:
    rate, alerts = f"{row['posts_a_second']:,}", row["alerts"]
    if not row["keeps_up"]:
        rate += " (could not be sent)" if row["sender_late"] else " (not kept up with)"
    elif row["posts_a_second"] == one["posts_per_s_max"]:
        rate += ", the highest that was kept up with"
    return (
        title_of(one["partitions"], one["workers"]),
        rate,
        f"{row['worker_cores']:.2f} + {row['kafka_cores']:.2f}",
        f"{row['worker_mib']:,.0f} + {row['kafka_mib']:,.0f}",
        f"{alerts['p50_s']:.2f} s, {alerts['p99_s']:.2f} s" if alerts["number"] else "",
    )


def _disk(sizes: dict[str, Any]) -> str:
    """Of the first set-up, at the rate that the plan is made with, or the last one."""
    rates, topics = sizes["series"][0]["rates"], Topics()
    rates = [row for row in rates if row["keeps_up"]] or rates
    wanted = sizes["plan"]["one_worker"]["bytes_per_post_at"] if sizes["plan"] else rates[-1]["posts_a_second"]
    row = next(row for row in rates if row["posts_a_second"] == wanted)
    whole = sum(row["bytes_per_post"].values())
    shown = sorted(row["bytes_per_post"].items(), key=lambda item: -item[1])
    told = ", ".join(
        f"`{name}` {size:,.0f} ({size / whole:.0%}, {_kept(name, topics)})"
        for name, size in shown
        if size >= SHARE_MIN * whole
    )
    return _wrapped(
        f"Bytes written for each post at {wanted:,} posts/s, before replication: {whole:,.0f}, of them {told}."
    )


def _kept(name: str, topics: Topics) -> str:
    days = kept_days(name, topics)
    return "compacted" if days is None else "kept for ever" if name == "cases" else f"{days:.0f} days"


def _memory(sizes: dict[str, Any]) -> str:
    memory, limit = sizes["memory"], Settings().memory_entries_max
    empty, full = memory["fills"][0], memory["fills"][-1]
    each = memory["bytes_per_remembered"]
    return _wrapped(
        f"Memory of a worker: {empty['worker_bytes'] / MIB:,.0f} MiB before the first post, "
        f"{full['worker_bytes'] / MIB:,.0f} MiB when it remembers {full['posts']:,}, and "
        f"{full['worker_bytes_without'] / MIB:,.0f} MiB after as many when it remembers "
        f"{full['remembered_without']:,}. So {each:,.0f} bytes for a remembered post, {limit * each / MIB:,.0f} MiB "
        f"for the {limit:,} of `CEM_MEMORY_ENTRIES_MAX`, for each partition of the input. What else "
        f"grows is the process getting under way, and units that much is said about "
        f"({full['posts'] / sizes['units']:,.0f} posts each here): one remembers {KEPT_MAX} insights "
        f"and {MENTIONS_MAX:,} complaints of a day at most. "
        f"Started again with {full['posts']:,} posts remembered it is "
        f"ready after {memory['start_until_ready_s']:.1f} s."
    )


def _planned(sizes: dict[str, Any]) -> list[str]:
    plan = sizes["plan"]
    if not plan:
        return ["Nothing was kept up with: there is nothing to calculate from."]
    one, more = (PLANNED_SHARE * plan[name]["posts_per_s_max"] for name in ("one_worker", "more_workers"))
    text = (
        f"Calculated from this: a worker for each {one:,.0f} posts/s of the peak ({more:,.0f} where there are "
        f"several), which is {PLANNED_SHARE:.0%} of the highest rate of one; cores as measured at that rate, between "
        f"two rates in proportion; memory for the posts of two days at {MEAN_SHARE:.0%} of the peak, or as many as a "
        f"worker remembers at most; disk at {MEAN_SHARE:.0%} of the peak, each topic as long as it is kept (a year for "
        "what is kept for ever), before replication, without what is compacted."
    )
    rows = (
        (f"{row['peak']:,}", str(row["partitions"]), str(row["workers"]), f"{row['cores']:g}",
         f"{row['memory_gib']:g} GiB", f"{row['disk_gb']:,.0f} GB")
        for row in plan["rows"]
    )  # fmt: skip
    headings = ("peak, posts/s", "partitions", "workers", "cores, workers + Kafka", "memory of workers", "disk")
    return [_wrapped(text), _table(headings, rows)]


def _wrapped(text: str) -> str:
    return textwrap.fill(text, COLUMNS, break_long_words=False, break_on_hyphens=False)


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = [list(headings)]
    cells += [["---"] * len(cells[0]), *map(list, rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


if __name__ == "__main__":
    sys.exit(main())
