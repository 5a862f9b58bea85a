"""Where the microseconds of a post go.

In: made-up posts. Out: two tables. One: the steps of the core (`steps.py`), which cost the same in a worker; what a
worker costs beyond their sum is delivery. The other: a real worker under load, by the module that was at work
(`sampler.py`).
"""

from typing import Any

from rich.table import Table

from tests.benchmarks.broker import Broker
from tests.benchmarks.cem import SocialCem
from tests.benchmarks.contender import Look
from tests.benchmarks.figures import significant
from tests.benchmarks.plan import Plan
from tests.benchmarks.posts import Input, make_input
from tests.benchmarks.report import Report
from tests.benchmarks.sampler import Sampler
from tests.benchmarks.steps import core_steps
from tests.benchmarks.throughput import run_one


class _Sampled(SocialCem):
    """The service, with a sampling profiler at its process while it works."""

    shares: dict[str, float]
    _pid = 0
    _sampler: Sampler | None = None

    def started(self, pids: list[int]) -> None:
        """See Contender."""
        (self._pid,) = pids

    def finished(self, look: Look) -> bool:
        """Asked for the first time when the work has begun."""
        if self._sampler is None:
            self._sampler = Sampler(self._pid)
        return super().finished(look)

    def check(self, given: Input) -> None:
        """The work is done, and the worker is still there."""
        assert self._sampler is not None
        self.shares = self._sampler.stop()
        super().check(given)


def measure(broker: Broker, plan: Plan, report: Report) -> dict[str, Any]:
    """See the module's docstring."""
    with report.task("profile: the core", total=None):
        given = make_input(plan.seed, plan.profile_posts)
        steps = core_steps(given)
    with report.task("profile: a worker", total=None) as task:
        given = make_input(plan.seed, plan.posts)
        worker = _Sampled(broker, "bench-profile")
        run = run_one(worker, given, plan, task, plan.posts)
    core = sum(step.us for step in steps if step.part_of is None)
    spent = run.usage.cpu_seconds / run.posts * 1e6
    return {
        "posts": plan.profile_posts,
        "core": [step._asdict() | {"us": significant(step.us)} for step in steps],
        "core_us_per_post": significant(core),
        "worker_us_per_post": significant(spent),
        "delivery_us_per_post": significant(spent - core),
        "core_limit_posts_per_s": significant(1e6 / core),
        "sampled": {name: significant(share) for name, share in worker.shares.items()},
    }


def tables(result: dict[str, Any]) -> list[Table]:
    """The core's steps, and what the worker was seen at."""
    core = Table(
        title="Where a post's microseconds go: the core, step by step",
        caption=f"Together {result['core_us_per_post']:.1f} µs; a worker uses {result['worker_us_per_post']:.1f} µs of "
        f"processor time per post, so {result['delivery_us_per_post']:.1f} µs are delivery: Faust, aiokafka, "
        f"transactions, the event loop. The core alone could do {result['core_limit_posts_per_s']:,.0f} posts/s.",
    )
    core.add_column("step")
    core.add_column("µs per post", justify="right")
    core.add_column("share", justify="right")
    for step in result["core"]:
        indent = "" if step["part_of"] is None else "   of which: "
        core.add_row(
            indent + step["name"], f"{step['us']:.1f}", f"{100 * step['us'] / result['core_us_per_post']:.0f} %"
        )
    sampled = Table(
        title="A worker under load: which module held Python's lock",
        caption="µs: the share of the worker's processor time",
    )
    sampled.add_column("module")
    sampled.add_column("share", justify="right")
    sampled.add_column("µs per post", justify="right")
    for name, share in result["sampled"].items():
        sampled.add_row(name, f"{100 * share:.1f} %", f"{share * result['worker_us_per_post']:.1f}")
    return [core, sampled]
