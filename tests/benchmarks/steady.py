"""The service under a steady rate of posts, looked at from outside.

In: a number of partitions, a number of workers, rates. Out, for each rate: whether it is kept up with, cores, memory,
bytes on disk by topic, latency of alerts. The one rule: sent is what `posts.py` makes (300 units, of every mood, some
of them troubled) with event times of now, and beside it bursts of complaints, each about a unit that was quiet so far:
the latency is that of the alerts that they raise, as in `latency.py`. With several partitions the last post in an
alert's evidence may be one that came a moment after the one that made the difference.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from random import Random
from typing import Any

from tests.benchmarks.broker import Broker
from tests.benchmarks.cem import Service, free_port, wait_ready
from tests.benchmarks.contender import by_topic
from tests.benchmarks.figures import distribution, significant
from tests.benchmarks.insights import KEPT_WHOLE
from tests.benchmarks.latency import (
    BEHIND_SECONDS_MAX,
    BURST_POSTS,
    BURST_SECONDS,
    KNOWN_SINCE_MS,
    Listener,
    Said,
    Sender,
    cause_of,
)
from tests.benchmarks.needs import bursts_a_second, keeps_up
from tests.benchmarks.plan import Plan
from tests.benchmarks.posts import UNITS, Record, encoded, local_units, make_post, make_units, pick, sure_texts, write
from tests.benchmarks.report import Task
from tests.benchmarks.worker import BenchmarkError, Usage, Worker

POOL = 20_000
LOOK_SECONDS = 0.05
AT_REST_RECORDS = 5
"""Per partition of both topics: markers of transactions lie behind the last record."""
LAST_ALERTS_SECONDS = 1.0
MIB = 2**20


class Steady:
    """A context manager: on entry the service is there and all its workers are ready. `bursts`: how many it can have
    in all; `overrides` are settings."""

    def __init__(
        self, broker: Broker, plan: Plan, *, partitions: int, workers: int = 1, bursts: int = 0, **overrides: Any
    ) -> None:
        name = "-".join(("bench-sizing", str(partitions), str(workers), *map(str, overrides.values())))
        self.broker, self.partitions, self.worker_count = broker, partitions, workers
        self.service = Service(broker, name, partitions=partitions, **overrides)
        self.title = title_of(partitions, workers)
        self.posts = 0
        self._plan = plan
        self._random = Random(plan.seed)
        self._units = make_units(plan.seed, UNITS + bursts)
        sites = local_units(self._units)
        self._usual, self._quiet = sites[:UNITS], sites[UNITS:]
        self._said: list[Said] = []
        self._made = 0
        self._stack = ExitStack()
        self._workers: list[Worker] = []
        self._listener: Listener | None = None

    def __enter__(self) -> "Steady":
        self._said = [self._say() for _ in range(POOL)]
        if self._quiet:  # of rates it matters how much was written, not how much compaction has left
            states = (self.service.topics.state(self.service.topics(name)) for name in ("posts", "events"))
            self.broker.create(dict.fromkeys(states, self.partitions), KEPT_WHOLE)
        self.service.prepare(self._units)
        known = int(time.time() * 1000) - KNOWN_SINCE_MS
        sites = [*self._usual, *self._quiet]
        first = [make_post(self._random, -1 - place, write(self._random, unit, "neutral"), known)
                 for place, unit in enumerate(sites)]  # fmt: skip
        self.broker.preload(self.service.topics("posts"), [encoded(post) for post in first])
        if self._quiet:
            self._listener = self._stack.enter_context(Listener(self.service, self._quiet))
        try:
            self.start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self.broker.delete(self.service.settings.prefix)

    # Workers

    def start(self) -> float:
        """Starts the workers; gives the seconds until all were ready."""
        started = time.monotonic()
        ports = [free_port() for _ in range(self.worker_count)]
        self._workers = [self._stack.enter_context(Worker(self.service.command(http_port=port))) for port in ports]
        for _ in range(2):  # the first may be ready, and again not when the second joins
            for worker, port in zip(self._workers, ports, strict=True):
                wait_ready(worker, port)
        return time.monotonic() - started

    def restart(self) -> float:
        """Stops the workers and starts new ones; gives the seconds until those were ready."""
        self._stack.close()
        return self.start()

    def worker_bytes(self) -> float:
        """What all workers hold in memory now."""
        return sum(worker.resident_bytes() for worker in self._workers)

    def worker_bytes_max(self) -> float:
        """The most that they held at once, each for itself."""
        return sum(worker.usage().memory_bytes_max for worker in self._workers)

    # Work

    def play(self, rate: int, task: Task) -> dict[str, Any]:
        """One steady rate for the planned time, and what it took."""
        plan, often = self._plan, bursts_a_second(rate, BURST_POSTS)
        bursts = bursts_of(plan, rate)
        quiet, self._quiet = self._quiet[:bursts], self._quiet[bursts:]
        complaints = sure_texts(self._random, quiet, "negative", len(quiet) * BURST_POSTS)
        sender = Sender(self.service, replace(plan, latency_posts_a_second=rate), self._random, self._said, complaints,
                        title=self.title, partitions=self.partitions, bursts_a_second=often,
                        behind_seconds_max=float("inf"))  # fmt: skip
        asyncio.run(sender.run(plan.sizing_warm_up_seconds, task, bursts=False))
        used, kafka, sizes, began = self._usages(), self.broker.cpu_seconds(), self._sizes(), time.monotonic()
        before = sender.posts
        sent = asyncio.run(sender.run(plan.sizing_seconds, task, bursts=True))
        lag = sum(self.lag().values())
        seconds, posts = time.monotonic() - began, sender.posts - before
        usages = [now.since(then) for now, then in zip(self._usages(), used, strict=True)]
        kafka, after = self.broker.cpu_seconds() - kafka, self._sizes()
        self.posts += sender.posts
        caught_up = self.until_done(task)
        time.sleep(LAST_ALERTS_SECONDS)
        return {
            "posts_a_second": rate,
            "sent_a_second": significant(posts / seconds),
            "posts": posts,
            "lag": lag,
            "sender_late": sent.behind_seconds_max > BEHIND_SECONDS_MAX,
            "keeps_up": keeps_up(lag, rate) and sent.behind_seconds_max <= BEHIND_SECONDS_MAX,
            "caught_up_after_s": significant(caught_up),
            "sender_behind_s_max": significant(sent.behind_seconds_max),
            "worker_cores": significant(sum(one.cpu_seconds for one in usages) / seconds),
            "worker_cores_each": [significant(one.cpu_seconds / seconds) for one in usages],
            "in_line_for_a_core_share": significant(max(one.waited_seconds for one in usages) / seconds),
            "kafka_cores": significant(kafka / seconds),
            "worker_mib": significant(self.worker_bytes() / MIB),
            "kafka_mib": significant(self.broker.resident_bytes() / MIB),
            "posts_so_far": self.posts,
            "bytes_per_post": {
                name: significant((after[name] - sizes.get(name, 0)) / posts)
                for name in sorted(after)
                if after[name] > sizes.get(name, 0)
            },
            "alerts": self._latency(sent.at),
        }

    def drain(self, number: int, task: Task) -> float:
        """Sends so many posts at once, and gives how many a second the workers do while they wait for nothing."""
        self.broker.preload(self.service.topics("posts"), self._records(number))
        self.posts += number
        began, waiting = time.monotonic(), self.lag()["posts"]
        self.until_done(task)
        return waiting / (time.monotonic() - began)

    def until_done(self, task: Task) -> float:
        """Waits until nothing waits, in the input and in the units' log; gives the seconds that it took. Raises
        BenchmarkError where it does not become less for the longest time that a step may take."""
        began = moved_at = time.monotonic()
        most = least = sum(self.lag().values())
        while (waiting := sum(self.lag().values())) > 2 * AT_REST_RECORDS * self.partitions:
            for worker in self._workers:
                worker.check()
            if waiting < least:
                least, moved_at = waiting, time.monotonic()
            elif time.monotonic() - moved_at > self._plan.step_seconds_max:
                raise BenchmarkError(
                    f"{waiting:,} records wait still; the end of a log:\n{self._workers[0].log_tail()}"
                )
            most = max(most, waiting)
            task.now(f"{self.title}: {waiting:,} records wait", total=most, done=most - waiting)
            time.sleep(LOOK_SECONDS)
        return time.monotonic() - began

    def lag(self) -> dict[str, int]:
        """Records that are written and not committed, of the input and of the units' log."""
        ends = {name: self.broker.ends(self.service.topics(name)) for name in ("posts", "events")}
        committed = self.broker.committed_by_partition(self.service.settings.group)
        return {
            name: sum(max(0, end - committed.get(place, 0)) for place, end in found.items())
            for name, found in ends.items()
        }

    def _say(self) -> Said:
        unit, mood = pick(self._random, self._usual)
        return unit, write(self._random, unit, mood)

    def _records(self, number: int) -> Iterator[Record]:
        for _ in range(number):
            self._made += 1
            _, text = self._random.choice(self._said)
            yield encoded(make_post(self._random, self._made, text, int(time.time() * 1000)))

    def _usages(self) -> list[Usage]:
        return [worker.usage() for worker in self._workers]

    def _sizes(self) -> dict[str, int]:
        prefix = self.service.settings.prefix
        return by_topic(self.broker.sizes(prefix), prefix)

    def _latency(self, sent_at: dict[str, float]) -> dict[str, float]:
        if self._listener is None:
            return distribution(())
        self._listener.check()
        causes = [(one, cause_of(one.alert)) for one in self._listener.surges()
                  if one.alert.change in ("opened", "grown")]  # fmt: skip
        found = [one.received_at - sent_at[cause] for one, cause in causes if cause in sent_at]
        return {name: significant(value) for name, value in distribution(found).items()}


def title_of(partitions: int, workers: int) -> str:
    """How a set-up is called in tables."""
    return f"{workers} worker{'s' * (workers > 1)}, {partitions} partition{'s' * (partitions > 1)}"


def bursts_of(plan: Plan, rate: int) -> int:
    """How many bursts one play at a rate has; the last is over when it ends."""
    return int(max(0.0, plan.sizing_seconds - BURST_SECONDS) * bursts_a_second(rate, BURST_POSTS))
