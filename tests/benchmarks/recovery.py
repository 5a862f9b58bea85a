"""How long a fresh worker takes until it has the states of all units back.

In: a number of units. Out: seconds, peak of memory, size of the changelog. The one rule: the states were written by the
service itself, with all their versions still in the changelog: nothing has been compacted for the occasion. Both the
worker's own time is told (`cem_recovery_seconds`) and that of whoever waits, from its start until it is ready.
"""

import time
from typing import Any

from rich.table import Table

from tests.benchmarks.broker import Broker
from tests.benchmarks.cem import free_port, metrics, wait_ready
from tests.benchmarks.figures import significant
from tests.benchmarks.insights import UnitsLog
from tests.benchmarks.plan import Plan
from tests.benchmarks.posts import Input
from tests.benchmarks.report import Report
from tests.benchmarks.throughput import work_through
from tests.benchmarks.worker import BenchmarkError, Worker

MENTIONS_EACH = 3
_NOTHING = Input((), [], [], set())


def measure(broker: Broker, plan: Plan, report: Report) -> dict[str, Any]:
    """See the module's docstring."""
    units, port = plan.recovery_units, free_port()
    number = MENTIONS_EACH * units
    log = UnitsLog(broker, "bench-recovery", units=units, number=number, http_port=port)
    with report.task("recovery", total=number) as task:
        log.prepare(_NOTHING, task.advance)
        work_through(log, _NOTHING, plan, task, number)
        task.now(f"recovery: {units:,} units")
        started = time.monotonic()
        with Worker(*log.commands()) as worker:
            wait_ready(worker, port)
            ready = time.monotonic() - started
            seen, usage = metrics(port), worker.usage()
    sizes = log.service.state_bytes()
    recovered = seen.get(("cem_recovered_states_total", "units"), 0.0)
    if recovered < units:
        raise BenchmarkError(f"recovery: {recovered:.0f} of {units} states came back")
    return {
        "units": units,
        "recovery_s": significant(seen[("cem_recovery_seconds_sum", "units")]),
        "start_until_ready_s": significant(ready),
        "memory_mib_max": significant(usage.memory_bytes_max / 2**20),
        "changelog_mib": significant(sizes[log.state] / 2**20),
        "cpu_s": significant(usage.cpu_seconds),
    }


def tables(result: dict[str, Any]) -> list[Table]:
    """One row."""
    table = Table(title=f"{result['units']:,} units recovered from the changelog")
    row = {
        "recovery s": f"{result['recovery_s']:.2f}",
        "start until ready s": f"{result['start_until_ready_s']:.2f}",
        "memory MiB": f"{result['memory_mib_max']:,.0f}",
        "changelog MiB": f"{result['changelog_mib']:,.0f}",
    }
    for heading in row:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_row(*row.values())
    return [table]
