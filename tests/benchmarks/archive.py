"""`python -m tests.benchmarks.archive`: how many insights a second `cem archive` brings into PostgreSQL, beside the
obvious way, in one run, on one server that makes every commit durable.

In: numbers of rows. Out: a table, or JSON. The one rule: all ways decode the same records and leave the same rows and
the same position behind; what is measured ends with the last commit.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator
from typing import Any

import orjson
import psycopg
from aiokafka import TopicPartition
from psycopg import sql
from rich.console import Console
from rich.table import Table

from agents.archive.batch import Batch
from agents.archive.copying import NULL
from agents.archive.rows import INSIGHT_COLUMNS
from agents.archive.session import Session
from schemas.codec import encode
from schemas.insight import Aspect, Insight, Reach, Routing, Scores, Sentiment
from schemas.record import Source
from schemas.time import DAY_MS, Millis, parse_time
from schemas.topics import Topics
from tests.archive.direct import Record
from tests.postgres import PostgresServer, folder_of_programs

UNITS = 300
BATCH = 5000
EDITS_EACH = 50
"""Every so many records an insight from before is edited."""
START_MS = int(parse_time("2026-01-01T00:00:00Z"))
TOPICS = Topics()
PARTITION = TopicPartition(TOPICS("events"), 0)
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "shared_buffers": "256MB"}

_INSERT = sql.SQL("INSERT INTO cem.insight ({}) VALUES ({}) ON CONFLICT (id, unit_id, hour) DO NOTHING").format(
    sql.SQL(INSIGHT_COLUMNS), sql.SQL(", ").join([sql.Placeholder()] * len(INSIGHT_COLUMNS.split(", ")))
)
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
            columns = line.rstrip("\n").split("\t")[:-2]
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
    given = parser.parse_args()
    results = measure(given.rows, given.rivals)
    if given.json:
        print(orjson.dumps(results).decode())
        return
    table = Table("way", "rows", "seconds", "rows/s", "times", title="Insights into PostgreSQL")
    slowest = min(one["rows_per_s"] for one in results.values())
    for name, one in results.items():
        times = f"{one['rows_per_s'] / slowest:.1f}"
        table.add_row(name, f"{one['rows']:,}", f"{one['seconds']:.2f}", f"{one['rows_per_s']:,}", times)
    Console().print(table)


if __name__ == "__main__":
    main()
