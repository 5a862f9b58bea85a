"""`python -m tests.benchmarks.archive`: how many insights a second `cem archive` brings into PostgreSQL, beside the
obvious way, in one run, on one server that makes every commit durable.

`--views` also fills a month with two million insights and asks every view for it, as an analyst would.

In: numbers of rows. Out: tables, or JSON. The one rule: all ways decode the same records and leave the same rows and
the same position behind; what is measured ends with the last commit.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import orjson
import psycopg
from aiokafka import TopicPartition
from psycopg import sql
from rich.console import Console
from rich.table import Table

from agents.archive.batch import Batch
from agents.archive.copying import NULL
from agents.archive.export import VIEWS
from agents.archive.rows import INSIGHT_COLUMNS
from agents.archive.session import Session
from agents.kafka.admin import Admin
from agents.kafka.embedded import EmbeddedKafka
from agents.kafka.writer import Writer
from agents.settings import load
from agents.supervisor import Supervisor
from pipeline.emission import Emission
from schemas.codec import encode
from schemas.insight import Aspect, Insight, Reach, Routing, Scores, Sentiment
from schemas.record import Source
from schemas.tick import Tick
from schemas.time import DAY_MS, Millis, parse_time
from schemas.topics import Topics
from schemas.unit import Unit
from tests.archive.direct import Record, write
from tests.postgres import PostgresServer, folder_of_programs

UNITS = 300
BATCH = 5000
EDITS_EACH = 50
"""Every so many records an insight from before is edited."""
START_MS = int(parse_time("2026-01-01T00:00:00Z"))
TOPICS = Topics()
PARTITION = TopicPartition(TOPICS("events"), 0)
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "shared_buffers": "256MB"}
READING = {"work_mem": "64MB", "jit": "off"}
"""What a database that was set up, and not copied, has by itself."""

_INSERT = sql.SQL("INSERT INTO cem.insight ({}) VALUES ({}) ON CONFLICT (id, unit_id, hour) DO NOTHING").format(
    sql.SQL(INSIGHT_COLUMNS), sql.SQL(", ").join([sql.Placeholder()] * len(INSIGHT_COLUMNS.split(", ")))
)
ABOUT_MENTIONS = [
    name for name in VIEWS if not name.startswith(("alert", "open", "response", "deadlines", "reach", "case", "units"))
]
_FILL = """
INSERT INTO cem.insight (event_time, hour, day, log_partition, log_offset, compound, confidence, routing_confidence,
    nps, id, unit_id, kind, channel, label, model, language, emotion, journey_stage, author, thread, text_ref,
    fingerprint, routing_rule, aspects, departments, polarities, first_answer_ms)
SELECT at, date_trunc('hour', at, 'UTC'), (at AT TIME ZONE 'UTC')::date, 0, n, sin(n)::real, 0.8, 0.9,
    CASE n %% 10 WHEN 0 THEN n %% 11 END, 'x:' || n, 'store-' || n %% %(units)s,
    CASE n %% 20 WHEN 0 THEN 'answer' WHEN 1 THEN 'repost' ELSE 'post' END,
    (ARRAY['x', 'google', 'web', 'facebook'])[n %% 4 + 1], (ARRAY['negative', 'neutral', 'positive'])[n %% 3 + 1],
    'm/1', 'en', 'anger', (ARRAY['service', 'use', NULL])[n %% 3 + 1], 'hmac:' || md5((n %% 50000)::text), 'x:' || n,
    'x:' || n, 'a1b2c3d4', 'handle',
    CASE n %% 3 WHEN 0 THEN ARRAY['wait_time', 'price'] WHEN 1 THEN ARRAY['food'] ELSE '{}' END,
    CASE n %% 3 WHEN 0 THEN ARRAY['operations', 'management'] WHEN 1 THEN ARRAY['kitchen'] ELSE '{}' END,
    (CASE n %% 3 WHEN 0 THEN ARRAY[-0.5, 0.1] WHEN 1 THEN ARRAY[0.3] ELSE '{}' END)::real[],
    CASE n %% 20 WHEN 0 THEN n %% 86400000 END
FROM (SELECT n, '2026-01-01Z'::timestamptz + n * %(step)s * interval '1 second' AS at
      FROM generate_series(1, %(rows)s - 1) n) made
"""
_ADVANCE = "UPDATE cem.position SET next_offset = %s WHERE topic = %s AND partition = 0"


def insight(number: int) -> Insight:
    """Over a month, in turn about all units; some are edits of earlier ones."""
    edit = number % EDITS_EACH == EDITS_EACH - 1
    subject = number // 2 if edit else number
    label = ("negative", "neutral", "positive")[subject % 3]
    return Insight(
        id=f"x:{subject}", kind="edit" if edit else "post", unit_id=f"store-{subject % UNITS}", channel="x",
        author=f"hmac:{subject % 50_000:032x}", event_time=Millis(START_MS + number * 97 % (30 * DAY_MS)),
        sentiment=Sentiment(compound=-0.6, label=label, confidence=0.8, model="vader+care/1"), language="en",
        aspects=(Aspect(aspect="wait_time", department="operations", polarity=-0.5),), emotion="anger",
        journey_stage="service", scores=Scores(rating=2.0), reach=Reach(followers=120), thread=f"x:{subject}",
        text_ref=f"x:{subject}", fingerprint="a1b2c3d4a1b2c3d4", routing=Routing(rule="handle", confidence=0.9),
        source=Source(topic="cem.posts", partition=0, offset=number, index=1),
    )  # fmt: skip


def records(count: int) -> list[Record]:
    """As they stand on one partition of the log."""
    return [
        Record(PARTITION.topic, 0, number, None, encode(insight(number)), timestamp=START_MS) for number in range(count)
    ]


async def by_batches(dsn: str, given: list[Record]) -> float:
    """As `cem archive` does: the next batch is made ready while the last one is written. Gives seconds."""
    session = await Session.connect(dsn, "benchmark", 24)
    await session.take_over([PARTITION])
    started, writing, at = time.perf_counter(), None, 0
    for stretch in _batched(given):
        batch = Batch(TOPICS)
        batch.add(PARTITION, stretch, at)
        at += len(stretch)
        _ = batch.insights
        if writing is not None:
            await writing
        writing = asyncio.ensure_future(session.write(batch))
        await asyncio.sleep(0)
    if writing is not None:
        await writing
    seconds = time.perf_counter() - started
    await session.close()
    return seconds


def from_kafka(dsn: str, given: list[Record]) -> float:
    """The process as it runs, from an embedded Kafka that holds all records before it starts. Seconds from the first
    commit to the last; the rows of the first are not counted, so it is a little too long."""
    with EmbeddedKafka() as broker, ExitStack() as stack:
        given_to = {"kafka": broker.bootstrap, "postgres": dsn, "events_partitions": 1, "http_port": 0}
        settings = load({}, None, **given_to).settings
        with Admin(settings, TOPICS) as admin:
            admin.apply()
        with Writer(settings) as writer:
            for record in given:
                writer.send(Emission(record.topic, None, record.value, 0))
        with psycopg.connect(dsn, autocommit=True) as connection:
            stack.enter_context(Supervisor(settings, (sys.executable, "-m", "agents.cli", "archive")))
            began, position, deadline = 0.0, 0, time.monotonic() + 300
            while position < len(given) and time.monotonic() < deadline:
                time.sleep(0.02)
                found = connection.execute("SELECT next_offset FROM cem.position WHERE topic = %s", (PARTITION.topic,))
                [position] = found.fetchone() or [0]
                began = began or (time.perf_counter() if position else 0.0)
            if position < len(given):
                raise SystemExit("the archive did not finish within 300 s")
            return time.perf_counter() - began


def _batched(given: list[Record]) -> Iterator[list[Record]]:
    for start in range(0, len(given), BATCH):
        yield given[start : start + BATCH]


def row_by_row(dsn: str, given: list[Record], rows_a_commit: int) -> float:
    """One INSERT for each record, with the position beside it. Edits are left out of it, which is easier. Seconds."""
    with psycopg.connect(dsn) as connection:
        connection.execute("INSERT INTO cem.position (topic, partition) VALUES (%s, 0)", (PARTITION.topic,))
        connection.commit()
        started = time.perf_counter()
        for number, record in enumerate(given, 1):
            batch = Batch(TOPICS)
            batch.add(PARTITION, [record], record.offset)
            [line] = batch.insights
            columns = line.rstrip("\n").split("\t")[:-4]
            connection.execute(_INSERT, [None if one == NULL else one for one in columns])
            if number % rows_a_commit == 0 or number == len(given):
                connection.execute(_ADVANCE, (record.offset + 1, PARTITION.topic))
                connection.commit()
        return time.perf_counter() - started


def measure(rows: int, rows_of_rivals: int) -> dict[str, Any]:
    """Rows a second of each way."""
    programs = folder_of_programs()
    if programs is None:
        raise SystemExit("PostgreSQL is not installed (apt-get install postgresql)")
    given = records(max(rows, rows_of_rivals))
    few = rows_of_rivals
    with PostgresServer(programs, **DURABLE) as server:
        ways = {
            "cem archive, batches of 5000": (rows, lambda dsn: asyncio.run(by_batches(dsn, given[:rows]))),
            "the same, from Kafka": (rows, lambda dsn: from_kafka(dsn, given[:rows])),
            "INSERT row by row, 5000 a commit": (few, lambda dsn: row_by_row(dsn, given[:few], BATCH)),
            "INSERT row by row, each committed": (few // 5, lambda dsn: row_by_row(dsn, given[: few // 5], 1)),
        }
        results = {}
        for name, (count, way) in ways.items():
            dsn = server.database()
            _months(dsn)
            seconds = way(dsn)
            results[name] = {"rows": count, "seconds": round(seconds, 2), "rows_per_s": round(count / seconds)}
    return results


def measure_views(rows: int) -> dict[str, Any]:
    """Seconds that each view takes for the month, with all its columns."""
    programs = folder_of_programs()
    if programs is None:
        raise SystemExit("PostgreSQL is not installed (apt-get install postgresql)")
    with PostgresServer(programs, **DURABLE, **READING) as server:
        dsn = server.database()
        _months(dsn)
        write(dsn, _directory(), TOPICS)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(_FILL, {"rows": rows, "step": 30 * DAY_MS / 1000 / rows, "units": UNITS})
            connection.execute("VACUUM ANALYZE")
            connection.execute("SET ROLE cem_analyst")
            return {
                view.name: round(_seconds(connection, view.name, view.time), 2)
                for view in VIEWS.values()
                if view.name in ABOUT_MENTIONS
            }


def _directory() -> Iterator[Emission]:
    """Ten regions, the stores below them, and the time at the end of the month."""
    brand = Unit(id="acme", name="Acme", kind="brand", time_zone="UTC")
    regions = [Unit(id=f"r-{n}", name=f"R{n}", kind="region", parent="acme", time_zone="UTC") for n in range(10)]
    zone = "Europe/Berlin"
    stores = [
        Unit(id=f"store-{n}", name=f"Store {n}", kind="store", parent=f"r-{n % 10}", time_zone=zone)
        for n in range(UNITS)
    ]
    for unit in (brand, *regions, *stores):
        yield Emission(TOPICS("units"), unit.id.encode(), encode(unit), 0)
    tick = Tick(event_time=Millis(START_MS + 31 * DAY_MS), source="cem.posts/0", inputs={"cem.posts": 1})
    yield Emission(PARTITION.topic, None, encode(tick), 0)


def _seconds(connection: psycopg.Connection[Any], view: str, column: str | None) -> float:
    period = f"WHERE {column} >= '2026-01-01' AND {column} < '2026-02-01'" if column else ""
    query = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) SELECT * FROM history.{view} {period}"
    [[plan]] = connection.execute(query.encode()).fetchone() or [[{}]]
    return float(plan["Execution Time"]) / 1000


def _months(dsn: str) -> None:
    """The month is there before, for all of them."""
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT cem.make_month('insight', '2026-01-01')")


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--rows", type=int, default=200_000, help="how many records the archive gets")
    parser.add_argument("--rivals", type=int, default=20_000, help="how many the others get")
    parser.add_argument("--json", action="store_true", help="figures only")
    parser.add_argument("--views", type=int, nargs="?", const=2_000_000, help="also ask views; of so many insights")
    given = parser.parse_args()
    results = measure(given.rows, given.rivals)
    views = measure_views(given.views) if given.views else {}
    if given.json:
        print(orjson.dumps({"writing": results, "views_s": views}).decode())
        return
    table = Table("way", "rows", "seconds", "rows/s", "times", title="Insights into PostgreSQL")
    slowest = min(one["rows_per_s"] for one in results.values())
    for name, one in results.items():
        times = f"{one['rows_per_s'] / slowest:.1f}"
        table.add_row(name, f"{one['rows']:,}", f"{one['seconds']:.2f}", f"{one['rows_per_s']:,}", times)
    Console().print(table)
    if views:
        table = Table("view", "seconds", title=f"One month, {given.views:,} insights, {UNITS} units")
        for name, seconds in views.items():
            table.add_row(name, f"{seconds:.2f}")
        Console().print(table)


if __name__ == "__main__":
    main()
