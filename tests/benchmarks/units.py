"""What a post costs when there are few units, and when there are many: it should be the same.

In: numbers of units. Out, for each: posts a second, processor time, bytes of state, the time that checkpoints take.
The one rule: more units make a log busier, never a unit (see `insights.py`, which also says why the way begins at
`cem.events`). That finding the unit of a post does not depend on their number either is measured beside it, in one
process without Kafka.
"""

from typing import Any

from rich.table import Table

from tests.benchmarks.broker import Broker
from tests.benchmarks.cem import free_port, metrics
from tests.benchmarks.figures import significant
from tests.benchmarks.insights import MENTIONS_AN_HOUR, UnitsLog
from tests.benchmarks.plan import Plan
from tests.benchmarks.posts import Input
from tests.benchmarks.report import Report
from tests.benchmarks.steps import enrich_us_per_post
from tests.benchmarks.throughput import run_one

MENTIONS_MIN = 4
"""Per unit: else most posts would be the first about their unit."""
_NOTHING = Input((), [], [], set())


class _WithMetrics(UnitsLog):
    """Also asks the worker for its metrics before it is stopped."""

    metrics: dict[tuple[str, str], float]

    def check(self, given: Input | None) -> None:
        """See Contender."""
        super().check(given)
        self.metrics = metrics(self._http_port)


def measure(broker: Broker, plan: Plan, report: Report) -> dict[str, Any]:
    """See the module's docstring."""
    runs = []
    for units in plan.unit_counts:
        number = max(plan.unit_events, MENTIONS_MIN * units)
        runs.append(_run(broker, plan, report, units, number))
        report.line(f"units: {units:,}: {runs[-1]['posts_per_s']:,.0f} posts/s")
    return {"mentions_an_hour": MENTIONS_AN_HOUR, "runs": runs}


def _run(broker: Broker, plan: Plan, report: Report, units: int, number: int) -> dict[str, Any]:
    log = _WithMetrics(broker, f"bench-units-{units}", units=units, number=number, http_port=free_port())
    with report.task(log.title, total=number) as task:
        run = run_one(log, _NOTHING, plan, task, number)
        task.now(f"finding the unit among {units:,}")
        enriching = enrich_us_per_post(plan.seed, units, plan.profile_posts)
    seen = log.metrics
    checkpoints = seen.get(("cem_checkpoint_seconds_count", "units"), 0.0)
    checkpoint_seconds = seen.get(("cem_checkpoint_seconds_sum", "units"), 0.0)
    found = {
        "posts_per_s": run.rate,
        "worker_cpu_us_per_post": run.usage.cpu_seconds / run.posts * 1e6,
        "enrich_us_per_post": enriching,
        "state_bytes_per_post": run.written_bytes["state.events"] / number,
        "checkpoint_s_mean": checkpoint_seconds / checkpoints if checkpoints else float("nan"),
        "checkpoints": checkpoints,
        "memory_mib_max": run.usage.memory_bytes_max / 2**20,
    }
    return {"units": units, "posts": number, **{name: significant(value) for name, value in found.items()}}


def tables(result: dict[str, Any]) -> list[Table]:
    """A row for each number of units."""
    table = Table(
        title="Cost of a post by the number of units (log and states)",
        caption=f"{result['mentions_an_hour']} posts an hour about each unit. Worker µs: from cem.events on; "
        "enrich µs: in one process, without Kafka.",
    )
    headings = ("units", "posts", "posts/s", "worker µs", "enrich µs", "state bytes/post", "checkpoint ms", "MiB")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for run in result["runs"]:
        table.add_row(
            f"{run['units']:,}",
            f"{run['posts']:,}",
            f"{run['posts_per_s']:,.0f}",
            f"{run['worker_cpu_us_per_post']:.1f}",
            f"{run['enrich_us_per_post']:.1f}",
            f"{run['state_bytes_per_post']:.0f}",
            f"{1000 * run['checkpoint_s_mean']:.0f}",
            f"{run['memory_mib_max']:.0f}",
        )
    return [table]
