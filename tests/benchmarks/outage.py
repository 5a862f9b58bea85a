"""`python -m tests.benchmarks.outage --minutes 10 --rate 200`: PostgreSQL is away under load, and comes back.

A real Kafka, a real PostgreSQL that makes every commit durable, and `cem archive` as a process, all started here.
Records are written all the time: insights, every tenth with a record of an alert. PostgreSQL is killed, stays away, is
started again; when what was written meanwhile is there, the load ends and everything is compared with the log.

In: minutes, records a second. Out: memory of the archive before, during and after; the lag that `/metrics` showed;
seconds to catch up; gaps and duplicates, which must be 0 (else the exit code is 1). The one rule: what counts as
written is what Kafka has, read again from the beginning, and not what the load remembers.
"""

import argparse
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import msgspec
import orjson
import psycopg
from kafka import KafkaConsumer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from agents.kafka.admin import Admin
from agents.kafka.embedded import EmbeddedKafka
from agents.kafka.writer import Writer
from agents.settings import Settings, load
from agents.supervisor import Supervisor
from pipeline.emission import Emission
from schemas.time import SECOND_MS
from schemas.topics import Topics
from tests.archive.world import START_MS, STORES, World, alert, insight
from tests.benchmarks.archive import DURABLE
from tests.postgres import PostgresServer, folder_of_programs

TOPICS = Topics()
ALERT_EACH = 10
BEFORE_SECONDS = 30.0
AFTER_SECONDS = 15.0
CATCH_UP_SECONDS_MAX = 600.0
COMMAND = (sys.executable, "-m", "agents.cli", "archive")
ARCHIVED = ("events", "alerts")


class Sample(msgspec.Struct):
    """One look at the archive. Memory in MiB; `lag` as /metrics says, None where it says nothing."""

    phase: str
    at_s: float
    rss_mib: float
    highest_mib: float
    lag: float | None
    ready: str


class Load:
    """Writes `rate` records a second from a thread of its own, until it is left."""

    def __init__(self, settings: Settings, rate: int) -> None:
        self._settings = settings
        self._rate = rate
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")
        self.sent = 0
        self.error: BaseException | None = None

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            world, began = World(TOPICS), time.monotonic()
            with Writer(self._settings) as writer:
                while not self._stopping.wait(0.05):
                    due = int((time.monotonic() - began) * self._rate)
                    for number in range(self.sent, due):
                        for emission in self._emissions(world, number):
                            writer.send(emission)
                    self.sent = max(self.sent, due)
        except BaseException as error:
            self.error = error

    def _emissions(self, world: World, number: int) -> Iterator[Emission]:
        """Of event times as they pass: one `number` after the other, `rate` a second."""
        at_ms = START_MS + number * SECOND_MS // self._rate
        unit_id = STORES[number % len(STORES)]
        yield world.event(insight(number, unit_id, at_ms))
        if number % ALERT_EACH == 0:
            yield world.alert(alert(0, unit_id=unit_id, alert_id=f"{unit_id}-{number}"))
        if number % self._rate == 0:
            yield from world.tick(at_ms)


class Watched:
    """The archive, looked at once a second by a thread."""

    def __init__(self, archive: Supervisor) -> None:
        self._archive = archive
        self._port = _port_of(archive)
        self._began = time.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")
        self.phase = "before"
        self.samples: list[Sample] = []

    def __enter__(self) -> "Watched":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(1.0):
            with suppress(OSError):
                self.samples.append(self._look())

    def _look(self) -> Sample:
        status = Path(f"/proc/{self._archive.pid}/status").read_text()
        memory = {name: int(kib) / 1024 for name, kib in re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", status)}
        found = [
            sample.value
            for family in text_string_to_metric_families(self._get("metrics"))
            if family.name == "cem_archive_lag_records"
            for sample in family.samples
        ]
        at_s = time.monotonic() - self._began
        lag = sum(found) if found else None
        return Sample(self.phase, at_s, memory["VmRSS"], memory["VmHWM"], lag, self._get("ready").strip())

    def _get(self, path: str) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return error.read().decode()

    def of(self, phase: str) -> list[Sample]:
        """The samples of a phase."""
        return [sample for sample in self.samples if sample.phase == phase]


def _port_of(archive: Supervisor) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := re.search(r'"http_port":(\d+)', archive.log_tail(1000)):
            return int(found[1])
        time.sleep(0.1)
    raise SystemExit(f"the archive does not start:\n{archive.log_tail()}")


def measure(outage_s: float, rate: int, before_s: float = BEFORE_SECONDS) -> dict[str, Any]:
    """See the module's docstring."""
    programs = folder_of_programs()
    if programs is None:
        raise SystemExit("PostgreSQL is not installed (apt-get install postgresql)")
    with EmbeddedKafka() as broker, PostgresServer(programs, **DURABLE) as server, ExitStack() as stack:
        dsn = server.database()
        settings = load({}, None, kafka=broker.bootstrap, postgres=dsn, events_partitions=2, http_port=0).settings
        with Admin(settings, TOPICS) as admin:
            admin.apply()
        archive = stack.enter_context(Supervisor(settings, COMMAND))
        watched = stack.enter_context(Watched(archive))
        with Load(settings, rate) as load_:
            time.sleep(before_s)
            server.kill()
            watched.phase, ends_before = "away", _ends(settings)
            time.sleep(outage_s)
            server.revive()
            watched.phase, ends = "catching up", _ends(settings)
            seconds = _seconds_until(dsn, ends)
            watched.phase = "after"
            time.sleep(min(AFTER_SECONDS, before_s))
        if load_.error is not None:
            raise SystemExit(f"the load failed: {load_.error}")
        _seconds_until(dsn, _ends(settings))
        archive.check()
        gaps, duplicates, records = _compare(settings, dsn)
        return {
            "outage_s": outage_s,
            "rate_per_s": rate,
            "records": records,
            "records_meanwhile": sum(ends.values()) - sum(ends_before.values()),
            "rss_before_mib": round(watched.of("before")[-1].rss_mib, 1),
            "rss_away_max_mib": _highest(watched.of("away")),
            "rss_catching_up_max_mib": _highest(watched.of("catching up")),
            "rss_after_mib": round(watched.of("after")[-1].rss_mib, 1),
            "rss_highest_mib": round(watched.samples[-1].highest_mib, 1),
            "lag_before": watched.of("before")[-1].lag,
            "lag_shown_max": max((one.lag or 0 for one in watched.samples), default=None),
            "lag_after": watched.of("after")[-1].lag,
            "ready_while_away": Counter(one.ready for one in watched.of("away")).most_common(1)[0][0],
            "catch_up_s": round(seconds, 1),
            "gaps": gaps,
            "duplicates": duplicates,
            "restarts": archive.restarts,
        }


def _highest(samples: list[Sample]) -> float | None:
    return round(max(one.rss_mib for one in samples), 1) if samples else None


def _ends(settings: Settings) -> dict[tuple[str, int], int]:
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka)
    try:
        partitions = [
            TopicPartition(name, one) for name in map(TOPICS, ARCHIVED) for one in consumer.partitions_for_topic(name)
        ]
        return {(one.topic, one.partition): end for one, end in consumer.end_offsets(partitions).items()}
    finally:
        consumer.close()


def _seconds_until(dsn: str, ends: dict[tuple[str, int], int]) -> float:
    """How long until the database has these positions."""
    began = time.monotonic()
    while time.monotonic() - began < CATCH_UP_SECONDS_MAX:
        with suppress(psycopg.OperationalError), psycopg.connect(dsn) as connection:
            found = connection.execute("SELECT topic, partition, next_offset FROM cem.position").fetchall()
            there = {(topic, number): offset for topic, number, offset in found}
            if all(there.get(one, 0) >= end for one, end in ends.items()):
                return time.monotonic() - began
        time.sleep(0.1)
    raise SystemExit(f"it did not catch up within {CATCH_UP_SECONDS_MAX:.0f} s")


def _compare(settings: Settings, dsn: str) -> tuple[int, int, int]:
    """Gaps: what the log has and no row. Duplicates: rows that are one too many. And how much the log has."""
    said: Counter[tuple[str, str]] = Counter()
    for topic in map(TOPICS, ARCHIVED):
        for value in _values(settings, topic):
            record = orjson.loads(value)
            if record.get("type") == "insight":
                said["insight", record["id"]] += 1
            elif "alert_id" in record:
                said["alert", record["alert_id"]] += 1
    with psycopg.connect(dsn) as connection:
        rows: Counter[tuple[str, str]] = Counter()
        for table, column in (("insight", "id"), ("alert", "alert_id")):
            found = connection.execute(f"SELECT '{table}', {column} FROM cem.{table}".encode()).fetchall()
            rows.update((name, one) for name, one in found)
    return (said - rows).total(), (rows - said).total(), said.total()


def _values(settings: Settings, topic: str) -> Iterator[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka, auto_offset_reset="earliest")
    partitions = [TopicPartition(topic, one) for one in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    try:
        while any(consumer.position(one) < end for one, end in ends.items()):
            for records in consumer.poll(timeout_ms=1000).values():
                yield from (record.value for record in records)
    finally:
        consumer.close()


def main() -> int:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="how long PostgreSQL is away (default: 10)")
    parser.add_argument("--rate", type=int, default=200, help="insights a second (default: 200)")
    parser.add_argument("--before", type=float, default=BEFORE_SECONDS, help="seconds of load before (default: 30)")
    parser.add_argument("--json", action="store_true", help="figures only, one JSON object")
    given = parser.parse_args()
    result = measure(given.minutes * 60, given.rate, given.before)
    if given.json:
        print(orjson.dumps(result).decode())
    else:
        table = Table("what", "figure", title=f"PostgreSQL away for {given.minutes:g} minutes")
        for name, value in result.items():
            table.add_row(name, str(value))
        Console().print(table)
    return int(bool(result["gaps"] or result["duplicates"] or result["restarts"]))


if __name__ == "__main__":
    sys.exit(main())
