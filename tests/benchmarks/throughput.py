"""How many posts a second go the whole way, by system.

In: contenders, the same input for all. Out: posts a second, processor time and bytes written per post. The one rule:
the clock runs from the first moment when a part of the work is seen to be durable until all effects of the last post
are; the posts of that first part are not counted. So starts and first joins are left out; consuming, scoring, states,
outputs and commits are all in it. Rounds, every other one in reverse order; medians.
"""

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, NamedTuple

from rich.table import Table
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from tests.benchmarks.broker import Broker
from tests.benchmarks.cem import DeliveryLayer, SocialCem, SocialCemApart, SocialCemTwice, SocialCemWide
from tests.benchmarks.contender import Contender, Look
from tests.benchmarks.figures import ratios, significant, spread
from tests.benchmarks.plan import Plan
from tests.benchmarks.posts import UNITS, Input, make_input
from tests.benchmarks.report import Report, Task
from tests.benchmarks.rivals import Bytewax, ConfluentLoop, NaiveFaust, Quix
from tests.benchmarks.worker import BenchmarkError, Usage, Worker

CONTENDERS: tuple[type[Contender], ...] = (
    SocialCem,
    NaiveFaust,
    Quix,
    Bytewax,
    ConfluentLoop,
    DeliveryLayer,
    SocialCemApart,
    SocialCemWide,
    SocialCemTwice,
)
RIVALS = ("naive_faust", "quix", "bytewax", "confluent")
LOOK_SECONDS = 0.05
FIRST_SHARE_MAX = 0.6
"""If more than this share of the posts is durable when the first are seen to be, there is nothing left to measure."""


class Run(NamedTuple):
    """One measurement: `posts` went through in `seconds`. `usage` of all workers and `kafka_cpu_seconds` in that
    time; `written_bytes` by topic for all posts of the input."""

    posts: int
    seconds: float
    startup_seconds: float
    usage: Usage
    kafka_cpu_seconds: float
    written_bytes: dict[str, int]

    @property
    def rate(self) -> float:
        """Posts a second."""
        return self.posts / self.seconds


def measure(broker: Broker, plan: Plan, report: Report, only: tuple[str, ...] = ()) -> dict[str, Any]:
    """All contenders (or those whose keys are given) in turn; VADER alone before, between and after."""
    with report.task("making posts", total=plan.posts) as task:
        given = make_input(plan.seed, plan.posts, task.advance)
    kinds = [kind for kind in CONTENDERS if not only or kind.key in only]
    missing = {kind.key: package for kind in kinds if (package := kind.missing())}
    for name, package in missing.items():
        report.line(f"{name} is left out: {package} is not there for this Python")
    kinds = [kind for kind in kinds if kind.key not in missing]
    runs: dict[str, list[Run]] = {kind.key: [] for kind in kinds}
    alone = []
    for number in range(plan.rounds):
        alone.append(vader_alone(given.texts))
        for kind in kinds if number % 2 == 0 else reversed(kinds):
            with report.task(kind.title, total=plan.posts) as task:
                contender = kind(broker, f"bench-{number}-{kind.key.replace('_', '-')}")
                run = run_one(contender, given, plan, task, plan.posts)
            report.line(f"round {number + 1} of {plan.rounds}, {kind.title}: {run.rate:,.0f} posts/s")
            runs[kind.key].append(run)
    alone.append(vader_alone(given.texts))
    rates = {key: statistics.median(run.rate for run in measured) for key, measured in runs.items()}
    return {
        "posts": plan.posts,
        "units": UNITS,
        "text_chars_mean": significant(statistics.mean(map(len, given.texts))),
        "record_bytes_mean": significant(statistics.mean(len(record.value) for record in given.records)),
        "vader_alone_texts_per_s": {name: significant(value) for name, value in spread(alone).items()},
        "posts_per_s": {key: significant(rate) for key, rate in rates.items()},
        "ratio": {key: significant(ratio) for key, ratio in ratios(rates, "cem", RIVALS).items()},
        "ratio_like_for_like": {
            key: significant(ratio) for key, ratio in ratios(rates, "cem_small_job", RIVALS).items()
        },
        "left_out": missing,
        "systems": {kind.key: _as_data(kind, runs[kind.key], len(given.records)) for kind in kinds},
    }


def run_one(contender: Contender, given: Input, plan: Plan, task: Task, number: int) -> Run:
    """One contender over `number` posts, from its topics to their deletion."""
    task.now(f"{contender.title}: preloading", total=number, done=0)
    try:
        contender.prepare(given, task.advance)
        return work_through(contender, given, plan, task, number)
    finally:
        contender.broker.delete(contender.run_id)


def work_through(contender: Contender, given: Input, plan: Plan, task: Task, number: int) -> Run:
    """Starts the workers, looks at how far they are until all is durable, and checks what came out."""
    task.now(f"{contender.title}: starting", done=0)
    started = time.monotonic()
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(command)) for command in contender.commands()]
        contender.started([worker.pid for worker in workers])
        try:
            run = _watch(contender, workers, started, number, plan.step_seconds_max, task)
            contender.check(given)
        except BenchmarkError as error:
            raise BenchmarkError(f"{contender.title}: {error}") from None
        return run._replace(written_bytes=contender.written_bytes())


def _watch(
    contender: Contender, workers: list[Worker], started: float, posts: int, seconds_max: float, task: Task
) -> Run:
    looks: list[tuple[float, Look]] = []

    def look() -> Look:
        for worker in workers:
            worker.check()
        looks.append((time.monotonic(), contender.look()))
        return looks[-1][1]

    _until(lambda: contender.durable(look()) > 0, seconds_max, workers)
    begun_at, begun = looks[-1]
    if contender.durable(begun) > posts * FIRST_SHARE_MAX:
        raise BenchmarkError(f"{contender.durable(begun):,} of {posts:,} posts were durable at once: use more posts")
    used, kafka = [worker.usage() for worker in workers], contender.broker.cpu_seconds()
    task.now(f"{contender.title}: working")

    def all_durable() -> bool:
        seen = look()
        task.now(f"{contender.title}: working", done=min(contender.durable(seen), posts))
        return contender.finished(seen)

    _until(all_durable, seconds_max, workers)
    usages = [worker.usage().since(before) for worker, before in zip(workers, used, strict=True)]
    kafka = contender.broker.cpu_seconds() - kafka
    # Some can say only afterwards what the last effect was; then it is looked up when it was there.
    ended_at = next(at for at, seen in looks if contender.finished(seen))
    return Run(
        posts=posts - contender.durable(begun),
        seconds=ended_at - begun_at,
        startup_seconds=begun_at - started,
        usage=Usage(*(sum(values) for values in zip(*usages, strict=True))),
        kafka_cpu_seconds=kafka,
        written_bytes={},
    )


def _until(reached: Callable[[], bool], seconds_max: float, workers: list[Worker]) -> None:
    deadline = time.monotonic() + seconds_max
    while not reached():
        if time.monotonic() > deadline:
            logs = "\n".join(worker.log_tail() for worker in workers)
            raise BenchmarkError(f"not there after {seconds_max:.0f} s; the end of its log:\n{logs}")
        time.sleep(LOOK_SECONDS)


def vader_alone(texts: list[str]) -> float:
    """Texts a second in one thread with nothing else: what nobody with plain VADER in one thread can pass."""
    score = SentimentIntensityAnalyzer().polarity_scores
    sample = texts[:20_000]
    started = time.perf_counter()
    for text in sample:
        score(text)
    return len(sample) / (time.perf_counter() - started)


def _as_data(kind: type[Contender], runs: list[Run], posts: int) -> dict[str, Any]:
    def median(value: Callable[[Run], float]) -> float:
        return significant(statistics.median(map(value, runs)))

    return {
        "title": kind.title,
        "about": " ".join((kind.__doc__ or "").split()),
        "partitions": kind.partitions,
        "posts_per_s": {name: significant(value) for name, value in spread([run.rate for run in runs]).items()},
        "worker_cpu_us_per_post": median(lambda run: run.usage.cpu_seconds / run.posts * 1e6),
        "kafka_cpu_us_per_post": median(lambda run: run.kafka_cpu_seconds / run.posts * 1e6),
        "worker_cpu_s": median(lambda run: run.usage.cpu_seconds),
        "written_bytes_per_post": median(lambda run: sum(run.written_bytes.values()) / posts),
        "written_bytes_per_post_by_topic": {
            name: significant(size / posts) for name, size in sorted(runs[-1].written_bytes.items()) if size
        },
        "memory_mib_max": median(lambda run: run.usage.memory_bytes_max / 2**20),
        "in_line_for_a_core_share": median(lambda run: run.usage.waited_seconds / run.seconds),
        "startup_s": median(lambda run: run.startup_seconds),
    }


def tables(result: dict[str, Any]) -> list[Table]:
    """Posts a second, and what each of them cost."""
    table = Table(
        title=f"{result['posts']:,} posts about {result['units']} units, {result['text_chars_mean']:.0f} characters "
        "each; one worker process",
        caption="µs of the processor and bytes written: per post; in line: the share of the time in which the worker's "
        "main thread waited for a core",
    )
    table.add_column("", no_wrap=True)
    for heading in ("posts/s", "lowest – highest", "cem is", "worker µs", "Kafka µs", "bytes", "MiB", "in line"):
        table.add_column(heading, justify="right", no_wrap=True)
    ours = result["posts_per_s"].get("cem")
    for system in result["systems"].values():
        rate = system["posts_per_s"]
        table.add_row(
            system["title"],
            f"{rate['median']:,.0f}",
            f"{rate['lowest']:,.0f} – {rate['highest']:,.0f}",
            f"{ours / rate['median']:.1f} ×" if ours else "",
            f"{system['worker_cpu_us_per_post']:.0f}",
            f"{system['kafka_cpu_us_per_post']:.0f}",
            f"{system['written_bytes_per_post']:,.0f}",
            f"{system['memory_mib_max']:.0f}",
            f"{100 * system['in_line_for_a_core_share']:.0f} %",
        )
    alone = result["vader_alone_texts_per_s"]
    table.add_row(
        "vaderSentiment alone",
        f"{alone['median']:,.0f}",
        f"{alone['lowest']:,.0f} – {alone['highest']:,.0f}",
        f"{ours / alone['median']:.1f} ×" if ours else "",
        f"{1e6 / alone['median']:.0f}",
    )
    return [table]
