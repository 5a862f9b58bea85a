"""The service as `cem run` starts it, in the benchmark's hands.

In: a broker, settings. Out: its topics and units in place, commands for workers, how far they are. The one rule: the
service is a black box, looked at from outside only: topics, committed offsets, `/metrics`.
"""

import socket
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from agents.kafka.admin import Admin
from agents.kafka.units import publish
from agents.settings import ENVIRONMENT_PREFIX, Settings
from schemas.topics import Topics
from schemas.unit import Unit
from tests.benchmarks.broker import Broker
from tests.benchmarks.contender import DURABLE_SECONDS, Contender, Look, Rival
from tests.benchmarks.posts import Input
from tests.benchmarks.worker import BenchmarkError, Command, Worker

AUTHOR_KEY = "only-for-the-benchmark"
READY_SECONDS_MAX = 120.0


class Service:
    """The service under a prefix of its own. Defaults are those of `Settings`, but for the partitions."""

    def __init__(self, broker: Broker, prefix: str, *, partitions: int, **overrides: Any) -> None:
        self.broker = broker
        self.settings = Settings(
            kafka=broker.bootstrap,
            prefix=prefix,
            group=prefix,
            author_key=AUTHOR_KEY,
            input_partitions=partitions,
            events_partitions=partitions,
            checkpoint_seconds=DURABLE_SECONDS,
            log_level="warning",
            **overrides,
        )
        self.topics = Topics(prefix)

    def prepare(self, units: Iterable[Unit] = ()) -> None:
        """Topics and directory. The units' own topics are made here too: that is the work of a deployment."""
        units = list(units)
        with Admin(self.settings, self.topics) as admin:
            admin.apply(unit.id for unit in units)
        if units:
            publish(self.settings, self.topics, units)

    def command(self, http_port: int = 0, **overrides: Any) -> Command:
        """What starts a worker: all settings that are not at their defaults."""
        default = Settings()
        values = {name: getattr(self.settings, name) for name in Settings.__struct_fields__}
        values |= {"http_port": http_port, **overrides}
        environment = {
            ENVIRONMENT_PREFIX + name.upper(): str(value)
            for name, value in values.items()
            if value != getattr(default, name)
        }
        return Command(["-m", "agents.cli", "run"], environment)

    def committed(self) -> Counter[str]:
        """How far its workers are: committed offsets by name of the topic, without the prefix."""
        found = self.broker.committed(self.settings.group)
        return Counter({name.removeprefix(f"{self.settings.prefix}."): offset for name, offset in found.items()})

    def state_bytes(self) -> dict[str, int]:
        """Sizes of the state topics on the broker's disk."""
        return dict(self.broker.sizes(f"{self.settings.prefix}.state."))


class SocialCem(Contender):
    """The whole way, from `cem.posts` through `cem.events` to alerts: check, mask, find the unit, score, keep the text,
    count, detect, alert. Durable: outputs, states and positions in transactions, before offsets are committed. Done
    when the offset behind the last post is committed, and the offset behind the last event that came of them."""

    key = "cem"
    title = "Social CEM"
    packages = ("faust-streaming", "aiokafka")

    def prepare(self, given: Input, advance: Callable[[int], None]) -> None:
        """See Contender."""
        self.service = Service(self.broker, self.run_id, partitions=self.partitions)
        self.service.prepare(given.units)
        self._last_post = self.broker.preload(self.service.topics("posts"), given.records, advance)
        self._before = sum(self._last_post.values()) + len(self._last_post) - len(given.records)
        self._last_event: dict[int, int] | None = None

    def commands(self) -> list[Command]:
        """See Contender."""
        return [self.service.command()]

    def durable(self, look: Look) -> int:
        """Versions of the directory lie before the posts."""
        committed = sum(offset for (topic, _), offset in look.items() if topic == self.service.topics("posts"))
        return max(0, committed - self._before)

    def finished(self, look: Look) -> bool:
        """Events are all written before the offset of the last post is committed: their end is asked for then."""
        if not is_behind(look, self.service.topics("posts"), self._last_post):
            return False
        if self._last_event is None:
            self._last_event = self.broker.last_offsets(self.service.topics("events"))
        return is_behind(look, self.service.topics("events"), self._last_event)

    def check(self, given: Input) -> None:
        """Every post has its text and one insight about its unit, none was refused, and there are alerts."""
        names = ("texts", "alerts", "deadletter", "unrouted")
        found = self.broker.count(self.service.topics(name) for name in names)
        counts = {name: found[self.service.topics(name)] for name in names}
        insights = 0

        def take(record: Any) -> None:
            nonlocal insights
            insights += b'"type":"insight"' in record.value

        self.broker.read(self.service.topics("events"), take)
        posts = len(given.records)
        if (counts["texts"], insights, counts["deadletter"], counts["unrouted"]) != (posts, posts, 0, 0):
            raise BenchmarkError(f"{self.title}: {posts} posts went in; {insights} insights and {counts} came out")
        if not counts["alerts"]:
            raise BenchmarkError(f"{self.title}: no alert came out")


class SocialCemWide(SocialCem):
    """The same with three partitions of input and log."""

    key = "cem_3_partitions"
    title = "Social CEM, 3 partitions"
    partitions = 3


class SocialCemTwice(SocialCemWide):
    """The same with two worker processes, that share the partitions."""

    key = "cem_2_workers"
    title = "Social CEM, 2 workers"

    def commands(self) -> list[Command]:
        """See Contender."""
        return 2 * super().commands()


class SocialCemApart(SocialCem):
    """The same with two processes of which one enriches and the other works on the units' log. Each has a consumer
    group of its own."""

    key = "cem_apart"
    title = "Social CEM, stages apart"
    stages = ("enrich", "units,rollup")

    def commands(self) -> list[Command]:
        """See Contender."""
        return [self.service.command(stages=stages, group=self._group(stages)) for stages in self.stages]

    def look(self) -> Look:
        """What both groups have committed."""
        looks = (self.broker.committed_by_partition(self._group(stages)) for stages in self.stages)
        return {partition: offset for look in looks for partition, offset in look.items()}

    def _group(self, stages: str) -> str:
        return f"{self.run_id}-{stages.partition(',')[0]}"


class DeliveryLayer(Rival):
    """The rivals' job on the service's delivery layer (`delivery_layer.py`). Durable as the service is: outputs, counts
    and position in one transaction."""

    key = "cem_small_job"
    title = "rivals' job on our layer"

    def prepare(self, given: Input, advance: Callable[[int], None]) -> None:
        """See Contender."""
        self.service = Service(self.broker, self.run_id, partitions=self.partitions)
        state = self.service.topics.state(self.service.topics("posts"))
        self.broker.create({state: self.partitions}, {"cleanup.policy": "compact"})
        super().prepare(given, advance)

    def commands(self) -> list[Command]:
        """See Contender."""
        return [self.service.command()._replace(arguments=["-m", "tests.benchmarks.delivery_layer"])]


def is_behind(look: Look, topic: str, last: dict[int, int]) -> bool:
    """Whether every partition is committed behind its last record."""
    return all(look.get((topic, partition), 0) > offset for partition, offset in last.items())


def free_port() -> int:
    """A port that nobody holds right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def metrics(port: int) -> dict[tuple[str, str], float]:
    """A worker's metrics: (name, `stage` or other only label, else "") -> value. Empty while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    except (OSError, urllib.error.URLError):
        return {}
    return {
        (sample.name, ",".join(value for name, value in sample.labels.items() if name != "le")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }


def wait_ready(worker: Worker, port: int) -> None:
    """Until the worker owns its partitions and has their states. Raises BenchmarkError."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while metrics(port).get(("cem_ready", "")) != 1.0:
        worker.check()
        if time.monotonic() > deadline:
            raise BenchmarkError(f"the worker was not ready after {READY_SECONDS_MAX:.0f} s:\n{worker.log_tail()}")
        time.sleep(0.05)
