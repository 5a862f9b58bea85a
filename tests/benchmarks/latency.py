"""From a post on `cem.posts` to the alert on the topic of its unit, at a steady rate.

In: a rate, a time. Out: percentiles of the latency of all alert records that a post has raised (opened, grown). The
one rule: both ends are looked at from outside and by one clock: the moment when the post that makes the difference is
handed to a producer, and the moment when a consumer of the units' topics, which reads what is committed, has the alert.
An alert says which post that was: the last in its evidence.

Most posts are harmless and about any unit. A few times a second one unit that was quiet so far gets a burst of
complaints, each by somebody else; nine of ten such units must raise a surge alert, or the measurement is an error (a
complaint that is not understood as one does not count). Alerts of other kinds are left out. Before that, one post per
unit from two days ago: nobody is alarmed about a unit of which nothing at all is known.
"""

import asyncio
import threading
import time
from random import Random
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from rich.table import Table

from agents.parts import default_scorer
from pipeline.detectors.surge import SurgeDetector
from pipeline.saying import Listener as Hearing
from schemas.alert import Alert
from schemas.codec import Codec
from schemas.time import DAY_MS
from schemas.unit import Unit
from tests.benchmarks.broker import Broker, batches, partition_of
from tests.benchmarks.cem import Service, free_port, wait_ready
from tests.benchmarks.figures import distribution, significant
from tests.benchmarks.plan import Plan
from tests.benchmarks.posts import Record, encoded, local_units, make_post, make_units, sure_texts
from tests.benchmarks.report import Report, Task
from tests.benchmarks.worker import BenchmarkError, Worker

PARTITIONS = 1
BURSTS_A_SECOND = 4
BURST_POSTS = 15
OPENED_SHARE_MIN = 0.9
BURST_SECONDS = 2.0
POOL = 20_000
GRID_SECONDS = 0.005
"""How often the sender sends what is due."""
BEHIND_SECONDS_MAX = 0.5
"""A sender that is later than this does not keep the rate, and measures itself."""
AFTER_SECONDS_MAX = 300.0
LAST_SECONDS_MAX = 30.0
KNOWN_SINCE_MS = 2 * DAY_MS

Said = tuple[Unit, str]
"""A unit and a text about it."""

_codec = Codec[Alert](Alert)


class Sent(NamedTuple):
    """Seconds since 1970 at which each post of a burst was handed over, by the post's id."""

    at: dict[str, float]
    posts: int
    behind_seconds_max: float


class Received(NamedTuple):
    """One alert record: what it says, when the worker wrote it, when we had it."""

    alert: Alert
    written_at: float
    received_at: float


def measure(broker: Broker, plan: Plan, report: Report) -> dict[str, Any]:
    """See the module's docstring."""
    random = Random(plan.seed)
    bursts = round(plan.latency_seconds * BURSTS_A_SECOND)
    units = make_units(plan.seed, bursts)
    service = Service(broker, "bench-latency", partitions=PARTITIONS)
    with report.task("latency: preparing") as task:
        sites, harmless, complaints = prepare(broker, service, units, random, bursts)
        port = free_port()
        with Worker(service.command(http_port=port)) as worker, Listener(service, sites) as listener:
            wait_ready(worker, port)
            sender = Sender(service, plan, random, harmless, complaints)
            asyncio.run(sender.run(plan.latency_warm_up_seconds, task, bursts=False))
            used, kafka = worker.usage(), broker.cpu_seconds()
            sent = asyncio.run(sender.run(plan.latency_seconds, task, bursts=True))
            ended = time.monotonic()
            usage, kafka = worker.usage().since(used), broker.cpu_seconds() - kafka
            _wait_for_all(listener, bursts, worker)
            caught_up = time.monotonic() - ended
    state_bytes = sum(service.state_bytes().values())
    raised = [one for one in listener.surges() if one.alert.change in ("opened", "grown")]
    causes = [(one, sent.at[post]) for one in raised if (post := cause_of(one.alert)) in sent.at]
    opened = [(one, at) for one, at in causes if one.alert.change == "opened"]
    if len(opened) < OPENED_SHARE_MIN * bursts:
        raise BenchmarkError(f"{len(opened)} of {bursts} bursts opened an alert")
    return {
        "posts_a_second": plan.latency_posts_a_second,
        "seconds": plan.latency_seconds,
        "partitions": PARTITIONS,
        "units": len(sites),
        "bursts": bursts,
        "bursts_alerted": len(opened),
        "alerts": _rounded([one.received_at - at for one, at in causes]),
        "opened": _rounded([one.received_at - at for one, at in opened]),
        "until_written": _rounded([one.written_at - at for one, at in causes]),
        "state_bytes_per_post": significant(state_bytes / sender.posts),
        "sender_behind_s_max": significant(sent.behind_seconds_max),
        "last_alert_after_s": significant(caught_up),
        "worker_cores": significant(usage.cpu_seconds / plan.latency_seconds),
        "kafka_cores": significant(kafka / plan.latency_seconds),
    }


def prepare(
    broker: Broker, service: Service, units: tuple[Unit, ...], random: Random, bursts: int
) -> tuple[list[Unit], list[Said], list[Said]]:
    """Topics, units, and one post about each from two days ago. Gives the local units, harmless texts and complaints,
    each with the unit that it is about."""
    service.prepare(units)
    sites = local_units(units)
    hear = Hearing(default_scorer()).hear  # what the service takes for a complaint is not harmless
    harmless = [
        (unit, text)
        for unit, text in sure_texts(random, sites, "positive", POOL)
        if hear(text).judgement.sentiment.label == "positive"
    ]
    complaints = sure_texts(random, sites, "negative", bursts * BURST_POSTS)
    known = int(time.time() * 1000) - KNOWN_SINCE_MS
    first = [make_post(random, -1 - place, text, known) for place, (_, text) in enumerate(harmless[: len(sites)])]
    broker.preload(service.topics("posts"), [encoded(post) for post in first])
    return sites, harmless, complaints


def cause_of(alert: Alert) -> str:
    """The id of the post that made the difference: the last in the evidence."""
    return alert.evidence[-1].post_id.partition(":")[2]


def _rounded(seconds: list[float]) -> dict[str, float]:
    return {name: significant(value) for name, value in distribution(seconds).items()}


def _wait_for_all(listener: "Listener", bursts: int, worker: Worker) -> None:
    deadline = time.monotonic() + LAST_SECONDS_MAX
    while listener.opened() < bursts and time.monotonic() < deadline:
        worker.check()
        listener.check()
        time.sleep(0.05)
    time.sleep(1.0)  # the last ones may still grow


class Sender:
    """Sends at a rate that does not depend on how fast it is received. `behind_seconds_max`: more of it is an error."""

    def __init__(
        self,
        service: Service,
        plan: Plan,
        random: Random,
        harmless: list[Said],
        complaints: list[Said],
        *,
        title: str = "latency",
        partitions: int = PARTITIONS,
        bursts_a_second: float = BURSTS_A_SECOND,
        behind_seconds_max: float = BEHIND_SECONDS_MAX,
    ) -> None:
        self._title = title
        self._partitions = partitions
        self._behind_seconds_max = behind_seconds_max
        self._bootstrap = service.settings.kafka
        self._topic = service.topics("posts")
        self._rate = plan.latency_posts_a_second
        self._random = random
        self._harmless = harmless
        bursts = len(complaints) // BURST_POSTS
        # `sure_texts` goes round and round over the units: complaint i is about unit i modulo the number of units.
        self._due = sorted(
            (place / bursts_a_second + turn * BURST_SECONDS / BURST_POSTS, complaints[place + turn * bursts][1], turn)
            for place in range(bursts)
            for turn in range(BURST_POSTS)
        )
        self.posts = 0

    async def run(self, seconds: float, task: Task, *, bursts: bool) -> Sent:
        """For so long; with bursts, until the last of them is over."""
        due = list(reversed(self._due)) if bursts else []
        at: dict[str, float] = {}
        behind = 0.0
        posts = 0
        acknowledgements = set()
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all") as producer:
            started = time.monotonic()
            while (elapsed := time.monotonic() - started) < seconds or due:
                records = []
                wanted = int(elapsed * self._rate)
                behind = max(behind, (wanted - posts) / self._rate)
                while posts < wanted:
                    posts += 1
                    if due and due[-1][0] <= elapsed:
                        _, text, author = due.pop()
                        record, post_id = self._made(text, author)
                        at[post_id] = time.time()
                    else:
                        record, _ = self._made(self._random.choice(self._harmless)[1], None)
                    records.append(record)
                for partition, group in self._by_partition(records).items():
                    for batch in batches(producer, group):
                        future = await producer.send_batch(batch, self._topic, partition=partition)
                        acknowledgements.add(future)
                        future.add_done_callback(acknowledgements.discard)
                task.now(f"{self._title}: {self._rate:,} posts/s", total=seconds, done=elapsed)
                await asyncio.sleep(GRID_SECONDS)
            await asyncio.gather(*acknowledgements)
        if behind > self._behind_seconds_max:
            raise BenchmarkError(
                f"the sender was {behind:.1f} s behind: this machine is too busy for {self._rate} posts/s"
            )
        return Sent(at, posts, behind)

    def _by_partition(self, records: list[Record]) -> dict[int, list[Record]]:
        if self._partitions == 1:
            return {0: records}
        found: dict[int, list[Record]] = {}
        for record in records:
            found.setdefault(partition_of(record.key, self._partitions), []).append(record)
        return found

    def _made(self, text: str, author: int | None) -> tuple[Record, str]:
        post = make_post(self._random, self.posts, text, int(time.time() * 1000), author)
        self.posts += 1
        return encoded(post), post.id


class Listener:
    """A consumer of the topics of all units, in a thread of its own. A context manager: when it is entered, the
    consumer is there."""

    def __init__(self, service: Service, sites: list[Unit]) -> None:
        self.received: dict[tuple[str, int], Received] = {}
        self._service = service
        self._topics = [service.topics.unit_alerts(unit.id) for unit in sites]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._stopped = threading.Event()
        self._there = threading.Event()
        self._failed: list[BaseException] = []

    def __enter__(self) -> "Listener":
        self._thread.start()
        if not self._there.wait(AFTER_SECONDS_MAX):
            raise BenchmarkError("the consumer of the units' topics did not come up")
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(AFTER_SECONDS_MAX)

    def opened(self) -> int:
        """How many surge alerts have been opened."""
        return sum(one.alert.change == "opened" for one in self.surges())

    def surges(self) -> list[Received]:
        """All that was told of surges."""
        return [one for one in list(self.received.values()) if one.alert.labels.alertname == SurgeDetector.alertname]

    def check(self) -> None:
        """Raises BenchmarkError if the consumer failed."""
        if self._failed:
            raise BenchmarkError(f"the consumer of the units' topics failed: {self._failed[0]}")

    def _listen(self) -> None:
        from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition  # not in .venv, where tests run

        options = {"group.id": "bench-listener", "enable.auto.commit": False, "isolation.level": "read_committed"}
        consumer = Consumer({"bootstrap.servers": self._service.settings.kafka, "fetch.wait.max.ms": 100, **options})
        try:
            consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING) for topic in self._topics])
            consumer.poll(1.0)
            self._there.set()
            while not self._stopped.is_set():
                for message in consumer.consume(100, timeout=0.1):
                    now = time.time()
                    if message.error():
                        raise BenchmarkError(str(message.error()))
                    alert = _codec.decode(message.value())
                    written = message.timestamp()[1] / 1000
                    self.received.setdefault((alert.alert_id, alert.sequence), Received(alert, written, now))
        except BaseException as error:
            self._failed.append(error)
        finally:
            consumer.close()


def tables(result: dict[str, Any]) -> list[Table]:
    """Percentiles."""
    table = Table(
        title=f"From a post to its alert at {result['posts_a_second']:,} posts/s for {result['seconds']:.0f} s, "
        f"{result['units']:,} units",
        caption=f"The worker used {result['worker_cores']:.2f} cores, Kafka {result['kafka_cores']:.2f}.",
    )
    for heading in ("", "alerts", "p50 s", "p99 s", "max s"):
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    rows = {
        "alerts": "post sent → alert received on the unit's topic",
        "opened": "those that opened an alert",
        "until_written": "post sent → alert written (not yet committed)",
    }
    for name, shown in rows.items():
        found = result[name]
        table.add_row(shown, f"{found['number']:,}", *(f"{found[key]:.3f}" for key in ("p50_s", "p99_s", "max_s")))
    return [table]
