"""Social CEM beside a naive Faust app: how many posts a second go the whole way, on one Kafka, in one run.

In: a number of posts, made up with the phrases of `pipeline.evaluation` for 300 units; each text names its unit by a
handle. Out: a table, or one JSON object. The one rule: both get the same bytes in the same topic layout, and the clock
runs from the first visible effect of a record until the effects of the last one are durable: with the rival that is
the committed offset of its topic, with Social CEM those of `cem.posts` and of `cem.events` behind it. Consuming,
scoring, state, outputs and commits are all in it; the start of the process and the first join are told apart.

    python -m tests.benchmarks.naive_faust_compare --posts 30000
"""

import argparse
import contextlib
import math
import os
import platform
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import orjson
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from agents.kafka.admin import Admin
from agents.kafka.embedded import VERSION as KAFKA_VERSION
from agents.kafka.embedded import EmbeddedKafka, EmbeddedKafkaError
from agents.kafka.units import publish
from agents.settings import Settings
from pipeline.evaluation import phrases, scenario
from pipeline.sources.timeline import input_of
from schemas.post import Author, Post
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, Millis
from schemas.topics import Topics
from schemas.unit import Unit
from tests.benchmarks.naive_faust import ALERT_EVERY, NEGATIVE_MAX, TABLE

ROOT = Path(__file__).parents[2]
UNITS = 300
AUTHORS = 5_000
MOODS = (("negative", "neutral", "positive"), (14, 50, 36))
"""How many of a hundred posts are what, as in `pipeline.evaluation.scenario`."""
TROUBLED_UNITS = 15
TROUBLED_SHARE = 0.05
"""Of all posts, complaints about a few units: something for both to raise alerts about."""
POLL_SECONDS = 0.1
STOP_SECONDS_MAX = 30.0
LOG_LINES_SHOWN = 40
AUTHOR_KEY = "only-for-the-benchmark"
HEADINGS = (
    "partitions", "posts/s", "lowest – highest", "× naive", "% of VADER", "CPU µs", "Kafka µs", "% in line", "start s"
)  # fmt: skip
"""Processor time of the worker and of Kafka for each post; `% in line`: how much of the time the worker's main thread
stood in line for a core that others had."""
COLUMNS = 126
"""Where there is no terminal."""
CPU_TICKS = os.sysconf("SC_CLK_TCK")


class BenchmarkError(Exception):
    """A measurement did not come about. The message says why, with the end of the worker's log."""


class Record(NamedTuple):
    """A post as both get it."""

    key: bytes
    value: bytes


class Input(NamedTuple):
    """`vader_alerts`: how many alerts the rival must come to, by VADER and arithmetic."""

    units: tuple[Unit, ...]
    texts: list[str]
    records: list[Record]
    negatives: int
    vader_alerts: int


class Usage(NamedTuple):
    """What a process has used so far: `cpu` of all its threads, and how long its main thread stood in line for a core,
    which is what a machine that is busy with other things takes from it. In seconds; nan where the system has no
    `/proc`."""

    cpu: float
    waited: float


class Run(NamedTuple):
    """One measurement. `posts` went through in `seconds`; `usage` of the worker in that time."""

    posts: int
    seconds: float
    startup_seconds: float
    usage: Usage
    kafka_cpu_seconds: float
    alerts: int

    @property
    def rate(self) -> float:
        """Posts a second."""
        return self.posts / self.seconds


def make_input(seed: int, posts: int, span_minutes: float) -> Input:
    """Posts whose event times spread evenly over the span that ended with the last full hour: within what a worker on
    the wall clock takes, and always at the same place within the hours that detectors learn from."""
    random = Random(seed)
    units = scenario.generate(seed, units=UNITS, hours=1, incidents=0).units
    local = [unit for unit in units if unit.kind not in ("region", "brand")]
    analyzer = SentimentIntensityAnalyzer()
    ends = int(time.time() * 1000) // HOUR_MS * HOUR_MS
    texts, records, negatives = [], [], Counter[str]()
    for number in range(posts):
        troubled = random.random() < TROUBLED_SHARE
        unit = random.choice(local[:TROUBLED_UNITS] if troubled else local)
        texts.append(_text(random, unit, "negative" if troubled else random.choices(*MOODS)[0]))
        after = int((number + 1) / posts * span_minutes * MINUTE_MS)
        post = _post(random, number, texts[-1], int(ends - span_minutes * MINUTE_MS + after))
        emission = input_of(post, Topics())
        assert emission.key is not None
        assert emission.value is not None
        records.append(Record(emission.key, emission.value))
        negatives[unit.id] += analyzer.polarity_scores(texts[-1])["compound"] <= NEGATIVE_MAX
    alerts = sum(count // ALERT_EVERY for count in negatives.values())
    return Input(units, texts, records, negatives.total(), alerts)


def _text(random: Random, unit: Unit, mood: str) -> str:
    if mood == "negative":
        aspect = random.choice(phrases.ASPECTS[unit.industry])
        cores = phrases.HARD if random.random() < 0.3 else phrases.COMPLAINTS[aspect]
    else:
        cores = phrases.PRAISE if mood == "positive" else phrases.SMALL_TALK
    text = phrases.remark(random, mood, cores, unit.industry, long=random.random() < 0.2)
    if random.random() < 0.02:
        text += " " + phrases.say(random, random.choice(phrases.PERSONAL), unit.industry)
    return phrases.named(random, text, f"@{unit.handles[0]}")


def _post(random: Random, number: int, text: str, at: int) -> Post:
    author = random.randrange(AUTHORS)
    return Post(
        id=f"{number:09d}{random.getrandbits(32):08x}",
        network="x",
        author=Author(
            id=f"u-{author:08d}",
            handle=f"customer_{author}",
            followers=author * 7 % 3000,
            verified=False,
            created=Millis(at - (40 + author % 3000) * DAY_MS),
        ),
        text=text,
        language="en",
        url=f"https://x.example.com/customer_{author}/status/{number}",
        event_time=Millis(at),
    )


class Broker:
    """What the measurements ask of Kafka, and nothing of it is asked of the workers."""

    def __init__(self, bootstrap: str, pid: int) -> None:
        self.bootstrap = bootstrap
        self._pid = pid
        self._admin = KafkaAdminClient(bootstrap_servers=bootstrap, client_id="bench")

    def cpu_seconds(self) -> float:
        """What the broker has used of the processor so far."""
        return _usage(self._pid).cpu

    def close(self) -> None:
        """Closes the connection."""
        self._admin.close()

    def create(self, topics: dict[str, int], configs: dict[str, str] | None = None) -> None:
        """Topics with their partitions."""
        wanted = {
            name: {"num_partitions": width, "replication_factor": 1, "configs": configs or {}}
            for name, width in topics.items()
        }
        self._admin.create_topics(wanted)
        self._admin.wait_for_topics(list(topics), timeout_ms=30_000)

    def delete(self, prefix: str) -> None:
        """All topics that begin so: one contender's topics must not slow the next one down."""
        names = [name for name in self._admin.list_topics() if name.startswith(prefix)]
        if names:
            self._admin.delete_topics(names)

    def preload(self, topic: str, records: Sequence[Record], advance: Callable[[], None]) -> None:
        """Records into a topic, by their keys, as any producer does it."""
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, acks="all", linger_ms=5, batch_size=64 * 1024)
        try:
            sent = []
            for record in records:
                sent.append(producer.send(topic, key=record.key, value=record.value))
                advance()
            producer.flush(timeout=60)
            for future in sent:
                future.get(timeout=1)
        finally:
            producer.close(timeout=5)

    def ends(self, topic: str, partitions: int) -> int:
        """End offsets of all partitions, added up."""
        wanted = {TopicPartition(topic, number): OffsetSpec.LATEST for number in range(partitions)}
        return sum(found.offset for found in self._admin.list_partition_offsets(wanted).values())

    def committed(self, group: str) -> Counter[str]:
        """Committed offsets of a group by topic, added up over partitions."""
        found: Counter[str] = Counter()
        for partition, committed in self._admin.list_group_offsets([group]).get(group, {}).items():
            found[partition.topic] += max(committed.offset, 0)
        return found


class Contender(ABC):
    """One of those compared, in one run of its own under names of its own."""

    name: str
    shape: str

    def __init__(self, broker: Broker, run_id: str, partitions: int) -> None:
        self.broker = broker
        self.run_id = run_id
        self.partitions = partitions

    @abstractmethod
    def prepare(self, given: Input, advance: Callable[[], None]) -> None:
        """Topics, and the input in them."""

    @abstractmethod
    def command(self) -> tuple[list[str], dict[str, str]]:
        """What starts a worker, and its environment."""

    @abstractmethod
    def begun(self) -> tuple[bool, int]:
        """Whether anything has come out, and how many posts of it."""

    @abstractmethod
    def progress(self) -> tuple[bool, int]:
        """Whether everything is durable, and how many posts are."""

    @abstractmethod
    def check(self, given: Input) -> int:
        """Raises BenchmarkError unless all that should have come out did; gives the number of alerts."""


class NaiveFaust(Contender):
    """`naive_faust.py`. Its first effect is the first record of its table's changelog."""

    name = "naive Faust"

    @property
    def shape(self) -> str:  # type: ignore[override]
        """How many partitions."""
        return f"{self.partitions}"

    def prepare(self, given: Input, advance: Callable[[], None]) -> None:
        """See Contender."""
        width = self.partitions
        self._posts, self._alerts = f"{self.run_id}.posts", f"{self.run_id}.alerts"
        self._changelog = f"{self.run_id}-{TABLE}-changelog"
        self.broker.create({self._posts: width, self._alerts: width})
        self.broker.create({self._changelog: width}, {"cleanup.policy": "compact"})  # as Faust itself would
        self.broker.preload(self._posts, given.records, advance)
        self._target = len(given.records)

    def command(self) -> tuple[list[str], dict[str, str]]:
        """See Contender."""
        argv = [sys.executable, "-m", "tests.benchmarks.naive_faust", "worker", "--without-web", "-l", "warn"]
        return argv, {
            "NAIVE_KAFKA": self.broker.bootstrap,
            "NAIVE_APP": self.run_id,
            "NAIVE_PARTITIONS": str(self.partitions),
        }

    def begun(self) -> tuple[bool, int]:
        """The posts before the first negative one are not counted as done: that is for the rival."""
        return self.broker.ends(self._changelog, self.partitions) > 0, 0

    def progress(self) -> tuple[bool, int]:
        """See Contender."""
        done = self.broker.committed(self.run_id)[self._posts]
        return done >= self._target, done

    def check(self, given: Input) -> int:
        """Every negative post in the table, every alert written."""
        counted = self.broker.ends(self._changelog, self.partitions)
        alerts = self.broker.ends(self._alerts, self.partitions)
        if (counted, alerts) != (given.negatives, given.vader_alerts):
            raise BenchmarkError(
                f"{self.name}: {counted} negative posts and {alerts} alerts, but {given.negatives} and "
                f"{given.vader_alerts} were to be expected"
            )
        return alerts


class SocialCem(Contender):
    """The service as `cem run` starts it. Its first effect is the first masked text: there is one for each post."""

    name = "Social CEM"

    @property
    def shape(self) -> str:  # type: ignore[override]
        """How many partitions."""
        return f"{self.partitions} + {self.partitions}"

    def prepare(self, given: Input, advance: Callable[[], None]) -> None:
        """The units' own topics are made here too: that is the work of a deployment, not of a post."""
        self._settings = Settings(
            kafka=self.broker.bootstrap,
            prefix=self.run_id,
            group=self.run_id,
            author_key=AUTHOR_KEY,
            input_partitions=self.partitions,
            events_partitions=self.partitions,
        )
        self._topics = Topics(self.run_id)
        with Admin(self._settings, self._topics) as admin:
            admin.apply(unit.id for unit in given.units)
        publish(self._settings, self._topics, given.units)
        self.broker.preload(self._topics("posts"), given.records, advance)
        self._target = self.broker.ends(self._topics("posts"), self.partitions)
        self._events_target: int | None = None

    def command(self) -> tuple[list[str], dict[str, str]]:
        """See Contender."""
        given = self._settings
        return [sys.executable, "-m", "agents.cli", "run"], {
            "CEM_KAFKA": given.kafka,
            "CEM_PREFIX": given.prefix,
            "CEM_GROUP": given.group,
            "CEM_AUTHOR_KEY": given.author_key,
            "CEM_CLOCK": "wall",
            "CEM_HTTP_PORT": "0",
            "CEM_LOG_LEVEL": "warning",
        }

    def begun(self) -> tuple[bool, int]:
        """See Contender."""
        texts = self.broker.ends(self._topics("texts"), self.partitions)
        return texts > 0, texts

    def progress(self) -> tuple[bool, int]:
        """Events are all written before the offset of the last post is committed: their end is asked for then."""
        done = self.broker.committed(self.run_id)
        posts, events = done[self._topics("posts")], done[self._topics("events")]
        if posts < self._target:
            return False, posts
        if self._events_target is None:
            self._events_target = self.broker.ends(self._topics("events"), self.partitions)
        return events >= self._events_target, posts

    def check(self, given: Input) -> int:
        """Every post has its text and its unit, none was refused."""
        ends = {name: self.broker.ends(self._topics(name), 1) for name in ("deadletter", "unrouted")}
        texts = self.broker.ends(self._topics("texts"), self.partitions)
        if any(ends.values()) or texts != len(given.records):
            raise BenchmarkError(f"{self.name}: {texts} of {len(given.records)} posts came through; {ends}")
        return self.broker.ends(self._topics("alerts"), self.partitions)


@contextlib.contextmanager
def worker(contender: Contender, folder: Path) -> Iterator[Callable[[], Usage]]:
    """One worker process; gives what it has used so far, or raises if it is gone. Ends only what it started."""
    argv, environment = contender.command()
    log_path = folder / "worker.log"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CEM_", "NAIVE_"))}
    environment = {**inherited, **environment, "TMPDIR": str(folder)}
    with log_path.open("wb") as log:
        process = subprocess.Popen(argv, env=environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)

    def usage() -> Usage:
        if (code := process.poll()) is not None:
            raise BenchmarkError(f"{contender.name}: the worker ended by itself (exit code {code})")
        return _usage(process.pid)

    try:
        yield usage
    except BenchmarkError as error:
        lines = log_path.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        shown = ("".join(filter(str.isprintable, line)) for line in lines)  # Faust moves the cursor
        raise BenchmarkError("\n".join([f"{error}; the end of its log:", *shown])) from None
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _usage(pid: int) -> Usage:
    process = Path("/proc") / str(pid)
    try:
        ticks = process.joinpath("stat").read_text().rpartition(")")[2].split()[11:13]
        waited_ns = process.joinpath("schedstat").read_text().split()[1]
    except FileNotFoundError:
        return Usage(math.nan, math.nan)
    return Usage(sum(map(int, ticks)) / CPU_TICKS, int(waited_ns) / 1e9)


def measure(contender: Contender, given: Input, progress: Progress, label: str, seconds_max: float) -> Run:
    """Prepares, starts one worker, and looks at Kafka until all is durable."""
    task = progress.add_task(f"{label}: preloading", total=len(given.records))
    contender.prepare(given, lambda: progress.advance(task))
    progress.update(task, description=f"{label}: starting", completed=0)
    with tempfile.TemporaryDirectory(prefix="cem-bench-") as folder:
        started = time.monotonic()
        with worker(contender, Path(folder)) as usage:
            begun, before = _poll(contender.begun, usage, seconds_max, contender.name)
            first, kafka = usage(), contender.broker.cpu_seconds()
            progress.update(task, description=f"{label}: working")

            def look() -> tuple[bool, int]:
                durable, done = contender.progress()
                progress.update(task, completed=min(done, len(given.records)))
                return durable, done

            ended, _ = _poll(look, usage, seconds_max, contender.name)
            last, kafka = usage(), contender.broker.cpu_seconds() - kafka
            alerts = contender.check(given)
    contender.broker.delete(contender.run_id)
    used = Usage(last.cpu - first.cpu, last.waited - first.waited)
    run = Run(len(given.records) - before, ended - begun, begun - started, used, kafka, alerts)
    progress.update(task, description=f"{label}: {run.rate:,.0f} posts/s", completed=len(given.records))
    return run


def _poll(
    look: Callable[[], tuple[bool, int]], alive: Callable[[], Usage], seconds_max: float, name: str
) -> tuple[float, int]:
    """Looks until it is so; gives when it was seen, and the number seen with it."""
    deadline = time.monotonic() + seconds_max
    while True:
        alive()
        reached, number = look()
        if reached:
            return time.monotonic(), number
        if time.monotonic() > deadline:
            raise BenchmarkError(f"{name}: not there after {seconds_max:.0f} s ({number} seen)")
        time.sleep(POLL_SECONDS)


def vader_alone(texts: Sequence[str]) -> float:
    """Texts a second in one thread with nothing else: what no service with plain VADER in one thread can pass."""
    score = SentimentIntensityAnalyzer().polarity_scores
    started = time.perf_counter()
    for text in texts:
        score(text)
    return len(texts) / (time.perf_counter() - started)


CONTENDERS: tuple[tuple[type[Contender], int], ...] = ((NaiveFaust, 1), (SocialCem, 1), (SocialCem, 3), (NaiveFaust, 3))


def compare(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    """All contenders in turn, every other round in reverse, VADER alone before, between and after."""
    command = shlex.join(["python", "-m", "tests.benchmarks.naive_faust_compare", *sys.argv[1:]])
    load_before = os.getloadavg()
    console.print(f"making {arguments.posts:,} posts …")
    given = make_input(arguments.seed, arguments.posts, arguments.span_minutes)
    runs: dict[str, list[Run]] = {}
    shapes: dict[str, tuple[str, str]] = {}
    alone = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with EmbeddedKafka() as kafka, Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        broker = Broker(kafka.bootstrap, kafka.pid)
        for round_number in range(arguments.rounds):
            alone.append(vader_alone(given.texts))
            for kind, partitions in CONTENDERS if round_number % 2 == 0 else reversed(CONTENDERS):
                contender = kind(broker, f"bench-{round_number}-{kind.__name__.lower()}-{partitions}", partitions)
                label = f"round {round_number + 1}, {contender.name} ({contender.shape})"
                run = measure(contender, given, progress, label, arguments.timeout)
                runs.setdefault(label.partition(", ")[2], []).append(run)
                shapes[label.partition(", ")[2]] = (contender.name, contender.shape)
                if not console.is_terminal:
                    console.print(f"{label}: {run.rate:,.0f} posts/s", highlight=False)
        alone.append(vader_alone(given.texts))
        broker.close()
    return {
        "command": command,
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "kafka": KAFKA_VERSION,
            "faust_streaming": version("faust-streaming"),
            "load_before": round(load_before[0], 2),
        },
        "input": {
            "posts": len(given.records),
            "units": UNITS,
            "span_minutes": arguments.span_minutes,
            "seed": arguments.seed,
            "text_chars_mean": round(statistics.mean(map(len, given.texts)), 1),
            "record_bytes_mean": round(statistics.mean(len(record.value) for record in given.records), 1),
            "negative": given.negatives,
            "clock": "wall",
        },
        "vader_alone_texts_per_second": [round(rate) for rate in alone],
        "contenders": [
            {
                "name": shapes[label][0],
                "partitions": shapes[label][1],
                "posts_per_second": round(statistics.median(run.rate for run in measured)),
                "runs": [_as_dict(run) for run in measured],
            }
            for label, measured in runs.items()
        ],
    }


def _as_dict(run: Run) -> dict[str, Any]:
    return {
        "posts_per_second": round(run.rate),
        "posts": run.posts,
        "seconds": round(run.seconds, 2),
        "startup_seconds": round(run.startup_seconds, 2),
        "worker_cpu_seconds": round(run.usage.cpu, 2),
        "kafka_cpu_seconds": round(run.kafka_cpu_seconds, 2),
        "waited_for_a_core_seconds": round(run.usage.waited, 2),
        "alert_records": run.alerts,
    }


def as_table(result: dict[str, Any]) -> Table:
    """The result as a person reads it: medians of the rounds, lowest and highest beside them."""
    given, alone = result["input"], statistics.median(result["vader_alone_texts_per_second"])
    rival = next(entry for entry in result["contenders"] if entry["name"] == NaiveFaust.name)["posts_per_second"]
    table = Table(
        title=f"{given['posts']:,} posts about {given['units']} units, {given['text_chars_mean']:.0f} characters each, "
        f"{given['span_minutes']:g} minutes of event time, {given['clock']} clock; one worker process",
        caption=f"{result['command']}\n{result['machine']['cores']} cores, Kafka on the same machine; partitions of "
        "the input (+ of the log); from the first effect until the last one is committed.",
    )
    table.add_column("", no_wrap=True)
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for entry in result["contenders"]:
        runs = entry["runs"]
        rates = [run["posts_per_second"] for run in runs]
        table.add_row(
            entry["name"],
            entry["partitions"],
            f"{entry['posts_per_second']:,}",
            f"{min(rates):,} – {max(rates):,}",
            f"{entry['posts_per_second'] / rival:.1f}",
            f"{100 * entry['posts_per_second'] / alone:.0f}",
            f"{statistics.median(run['worker_cpu_seconds'] / run['posts'] * 1e6 for run in runs):.0f}",
            f"{statistics.median(run['kafka_cpu_seconds'] / run['posts'] * 1e6 for run in runs):.0f}",
            f"{statistics.median(100 * run['waited_for_a_core_seconds'] / run['seconds'] for run in runs):.0f}",
            f"{statistics.median(run['startup_seconds'] for run in runs):.1f}",
        )
    low, high = min(result["vader_alone_texts_per_second"]), max(result["vader_alone_texts_per_second"])
    table.add_row(
        "VADER alone",
        "–",
        f"{alone:,.0f}",
        f"{low:,} – {high:,}",
        f"{alone / rival:.1f}",
        "100",
        f"{1e6 / alone:.0f}",
        "",
        "",
        "",
    )
    return table


def main() -> int:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.naive_faust_compare", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--posts", type=int, default=30_000, help="posts of each run (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each contender (default: %(default)s)")
    parser.add_argument("--span-minutes", type=float, default=60.0,
                        help="event time that the posts spread over (default: %(default)g)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, help="of the posts (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for one step (default: %(default)g)")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output, the table beside it")
    arguments = parser.parse_args()
    if arguments.posts < 1000 or arguments.rounds < 1:
        parser.error("at least 1000 posts and one round are needed")
    width = None if sys.stdout.isatty() else COLUMNS
    console = Console(stderr=True, width=width)
    try:
        result = compare(arguments, console)
    except (BenchmarkError, EmbeddedKafkaError, KafkaError) as error:
        console.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130
    (console if arguments.json else Console(width=width)).print(as_table(result))
    if arguments.json:
        sys.stdout.write(orjson.dumps(result).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
