"""Two, then three workers on the same group: what they do together, and for how long work stands still when one joins.

In: numbers of workers, a time for each. Out: posts a second with each number, and the pause at each join. The one rule:
a pause is what an onlooker sees: for each partition of the input and of the log the longest time without a commit, from
the start of the new worker on; told is that of the slowest partition, and beside it the longest time without a commit
anywhere. Commits come at intervals even where nothing pauses; what is usual is told too.

On a machine with two cores, of which Kafka needs a part, more workers cannot be much faster; what is shown is that the
work moves.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random
from typing import Any

from rich.table import Table

from tests.benchmarks.broker import Broker
from tests.benchmarks.cem import Service
from tests.benchmarks.contender import Look
from tests.benchmarks.figures import significant
from tests.benchmarks.plan import Plan
from tests.benchmarks.posts import UNITS, Record, encoded, local_units, make_post, make_units, pick, write
from tests.benchmarks.report import Report, Task
from tests.benchmarks.worker import BenchmarkError, Worker

PARTITIONS = 3
POOL = 20_000
LOOK_SECONDS = 0.02
JOIN_SECONDS = 15.0
"""From the start of a worker until the others have surely made room for it."""

Timeline = list[tuple[float, Look]]


def measure(broker: Broker, plan: Plan, report: Report) -> dict[str, Any]:
    """See the module's docstring."""
    service = Service(broker, "bench-scaling", partitions=PARTITIONS)
    units = make_units(plan.seed, UNITS)
    with report.task("workers: preloading", total=plan.scaling_posts) as task, ExitStack() as stack:
        service.prepare(units)
        broker.preload(service.topics("posts"), _posts(plan, units), task.advance)
        watch = _Watch(service, task, plan)
        watch.until_working(stack)
        steps = []
        for number in plan.scaling_workers:
            pause = watch.join(stack) if number > 1 else {}
            steps.append({"workers": number, **watch.steady(plan.scaling_seconds), **pause})
            report.line(f"scaling: {number} workers: {steps[-1]['posts_per_s']:,.0f} posts/s")
    return {"partitions": PARTITIONS, "steps": steps}


def _posts(plan: Plan, units: Any) -> Iterator[Record]:
    """Texts out of a pool; every post has an id of its own."""
    random = Random(plan.seed)
    sites = local_units(units)
    texts = [write(random, *pick(random, sites)) for _ in range(POOL)]
    begins = int(time.time() * 1000) - 3_600_000
    for number in range(plan.scaling_posts):
        at = begins + number * 3_000_000 // plan.scaling_posts
        yield encoded(make_post(random, number, random.choice(texts), at))


class _Watch:
    """Starts workers and looks at their commits."""

    def __init__(self, service: Service, task: Task, plan: Plan) -> None:
        self._service = service
        self._task = task
        self._plan = plan
        self._topics = (service.topics("posts"), service.topics("events"))
        self._workers: list[Worker] = []

    def until_working(self, stack: ExitStack) -> None:
        """Starts the first worker, and waits until all partitions move."""
        self._start(stack)
        deadline = time.monotonic() + self._plan.step_seconds_max
        while len(self._look()) < len(self._topics) * PARTITIONS:
            if time.monotonic() > deadline:
                raise BenchmarkError(f"scaling: the first worker does nothing:\n{self._workers[0].log_tail()}")

    def steady(self, seconds: float) -> dict[str, float]:
        """Posts a second over so long a time, and the longest time that a partition usually goes without a commit."""
        seen = self._watch(seconds)
        (begun_at, begun), (ended_at, ended) = seen[0], seen[-1]
        posts = self._total(ended) - self._total(begun)
        if self._total(ended) >= self._plan.scaling_posts:
            raise BenchmarkError("scaling: the posts ran out; plan more of them")
        return {
            "posts_per_s": significant(posts / (ended_at - begun_at)),
            "usual_gap_s": significant(longest_gap(seen)),
        }

    def join(self, stack: ExitStack) -> dict[str, float]:
        """Starts one more worker, and gives the pause that it brings."""
        self._start(stack)
        seen = self._watch(JOIN_SECONDS)
        return {"pause_s": significant(longest_gap(seen)), "all_paused_s": significant(longest_gap(_as_one(seen)))}

    def _start(self, stack: ExitStack) -> None:
        self._workers.append(stack.enter_context(Worker(self._service.command())))

    def _watch(self, seconds: float) -> Timeline:
        seen: Timeline = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            seen.append((time.monotonic(), self._look()))
        return seen

    def _look(self) -> Look:
        time.sleep(LOOK_SECONDS)
        for worker in self._workers:
            worker.check()
        found = self._service.broker.committed_by_partition(self._service.settings.group)
        look = {partition: offset for partition, offset in found.items() if partition[0] in self._topics and offset}
        done = self._total(look)
        self._task.now(f"workers: {len(self._workers)}", done=done)
        return look

    def _total(self, look: Look) -> int:
        return sum(offset for (topic, _), offset in look.items() if topic == self._topics[0])


def longest_gap(seen: Timeline) -> float:
    """The longest time in which a partition's commit stays where it is; of the partition where that is longest. What is
    going on at the end counts too."""
    moved = dict.fromkeys(seen[0][1], seen[0][0])
    longest = 0.0
    last = dict(seen[0][1])
    for at, look in seen:
        for partition, since in moved.items():
            longest = max(longest, at - since)
            if look.get(partition, -1) > last[partition]:
                moved[partition], last[partition] = at, look[partition]
    return longest


def _as_one(seen: Timeline) -> Timeline:
    """All partitions together."""
    return [(at, {("all", 0): sum(look.values())}) for at, look in seen]


def tables(result: dict[str, Any]) -> list[Table]:
    """A row for each number of workers."""
    table = Table(
        title=f"Workers on the same group, {result['partitions']} + {result['partitions']} partitions",
        caption="pause: the longest time that some partition went without a commit after the worker was started; all "
        "paused: the longest without any commit at all; usual: as pause, in the time after it",
    )
    for heading in ("workers", "posts/s", "pause s", "all paused s", "usual s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for step in result["steps"]:
        pauses = [f"{step[name]:.1f}" if name in step else "" for name in ("pause_s", "all_paused_s")]
        table.add_row(str(step["workers"]), f"{step['posts_per_s']:,.0f}", *pauses, f"{step['usual_gap_s']:.1f}")
    return [table]
