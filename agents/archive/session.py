"""PostgreSQL as the archive needs it: one leader at a time, and batches that are written whole or not at all.

In: batches. Out: rows, and the positions that they stand for, in one transaction. The one rule: who writes holds the
epoch of every partition that it writes for; whoever took a partition over since is ahead, and the older one is refused
(`Fenced`), however late its last transaction comes.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Self

import psycopg
from aiokafka import TopicPartition
from psycopg import sql

from agents.archive import statements as do
from agents.archive.batch import Batch
from agents.logs.outputs import shown
from pipeline import metrics
from schemas.time import HOUR_MS, format_time

log = logging.getLogger("cem.archive")

LEADER = 0x63656D02
MONTHS = 0x63656D03
"""Of PostgreSQL's advisory locks, ours: who is the leader, and who makes or drops months."""

WRITE_SECONDS_MAX = 180.0
PAST_DAYS = 62
"""How far back the row of a post is looked for that came again as if it were new."""
MONTHS_AHEAD = 2
LOCK_MS_MAX = 3000

_PASSES = ("08", "57", "53", "40", "55", "25")
"""Classes of errors that pass by themselves: connection, shutdown, resources, deadlock, locks, a replica for now."""
_CONTENT = ("22", "23", "54")
"""Classes of errors that are about what was written."""


class Fenced(RuntimeError):
    """Another archive has taken over."""


def passes(error: psycopg.Error) -> bool:
    """Whether to wait and try again helps."""
    return (error.sqlstate or "08")[:2] in _PASSES


def is_about_content(error: psycopg.Error) -> bool:
    """Whether it is a record that cannot be stored."""
    return (error.sqlstate or "")[:2] in _CONTENT


class Session:
    """One connection. Made by `connect`; may write once it leads and has taken partitions over."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], owner: str, retention_months: int) -> None:
        self._connection = connection
        self._owner = owner
        self._retention_months = retention_months
        self._epochs: dict[TopicPartition, int] = {}
        self._months: set[tuple[str, int]] = set()
        self._bounds = (0, 0)
        self._busy = False

    @classmethod
    async def connect(cls, dsn: str, owner: str, retention_months: int) -> Self:
        """Raises psycopg.OperationalError where no database answers."""
        connection = await psycopg.AsyncConnection.connect(
            dsn,
            autocommit=True,
            prepare_threshold=None,
            application_name="cem archive",
            connect_timeout=10,
            keepalives_idle=10,  # a server that vanished without a word is noticed within half a minute
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=20_000,
        )
        try:
            await connection.execute(sql.SQL(do.SESSION))
        except BaseException:
            await connection.close()
            raise
        return cls(connection, owner, retention_months)

    async def close(self) -> None:
        """Gives up the lead, if it has it."""
        with contextlib.suppress(psycopg.Error):
            await self._connection.close()

    async def leads(self) -> bool:
        """Whether this session is the one that writes. It stays so until it is closed or lost."""
        found = await self._connection.execute("SELECT pg_try_advisory_lock(%s)", (LEADER,))
        return bool((await found.fetchone() or (False,))[0])

    async def take_over(
        self, partitions: Iterable[TopicPartition], topic_ids: Mapping[str, str] = MappingProxyType({})
    ) -> dict[TopicPartition, int]:
        """Refuses every earlier writer of these partitions, and gives where each goes on: at the beginning, where
        Kafka's `topic_ids` say that the topic was deleted and made anew since."""
        positions: dict[TopicPartition, int] = {}
        async with self._connection.transaction():
            for partition in sorted(partitions):
                values = (*partition, self._owner, topic_ids.get(partition.topic))
                found = await self._connection.execute(do.TAKE_OVER, values)
                positions[partition], self._epochs[partition] = await found.fetchone() or (0, 0)
        for partition, offset in positions.items():
            log.info("partition taken over", extra={**_where(partition), "offset": offset,
                                                    "epoch": self._epochs[partition]})  # fmt: skip
        return positions

    async def set_position(self, partition: TopicPartition, offset: int) -> None:
        """Goes on elsewhere, because Kafka has nothing at the position any more."""
        async with self._connection.transaction():
            await self._advance({partition: (offset, None)})

    # Months

    async def keep_house(self) -> list[str]:
        """Makes the months that are needed soon, moves what waited for one, drops those that are too old. Gives the
        names of what was dropped. What an analyst's long query is in the way of is done another time."""
        found = await self._connection.execute(do.CLOCK)
        clock = (await found.fetchone() or (None,))[0]
        if clock is None:
            return []
        now = clock.year * 12 + clock.month - 1
        self._bounds, self._busy = (now - self._retention_months, now + MONTHS_AHEAD), False
        waiting = await (await self._connection.execute(do.WAITING_MONTHS)).fetchall()
        needed = {(table, _month(day)) for table, day in waiting}
        needed |= {(table, now + n) for table in ("insight", "alert", "case_entry") for n in range(MONTHS_AHEAD + 1)}
        await self._make_months(needed)
        names: list[str] = []
        with contextlib.suppress(psycopg.errors.LockNotAvailable):
            async with self._changing_months():
                dropped = await self._connection.execute("SELECT cem.drop_before(%s)", (_first_day(self._bounds[0]),))
                names = [name for (name,) in await dropped.fetchall()]
                self._months = {one for one in self._months if one[1] >= self._bounds[0]}
        async with self._connection.transaction():
            await self._connection.execute("SELECT cem.place_units()")
        return names

    async def _make_months(self, needed: Iterable[tuple[str, int]]) -> None:
        """What is outside the bounds, or cannot have its month now, stays in the default partition."""
        first, last = self._bounds
        for table, month in sorted(set(needed) - self._months):
            if first <= month <= last and not self._busy:
                try:
                    async with self._changing_months():
                        found = await self._connection.execute(
                            "SELECT cem.make_month(%s, %s)", (table, _first_day(month))
                        )
                        made = await found.fetchone() == (True,)
                except psycopg.errors.LockNotAvailable:
                    self._busy = True  # until the house is kept again
                else:
                    self._months.add((table, month))
                    if made:
                        log.info("month made", extra={"table": table, "month": f"{_first_day(month):%Y-%m}"})

    @contextlib.asynccontextmanager
    async def _changing_months(self) -> AsyncIterator[None]:
        """A transaction that waits for nobody for long, because who reads waits behind it. One archive at a time."""
        async with self._connection.transaction():
            await self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (MONTHS,))
            await self._connection.execute(f"SET LOCAL lock_timeout = '{LOCK_MS_MAX}ms'".encode())
            yield

    # Batches

    async def write(self, batch: Batch) -> None:
        """Raises Fenced, or psycopg.Error: then nothing of it is written, or (the connection was lost) perhaps all of
        it; the positions tell which."""
        try:
            async with asyncio.timeout(WRITE_SECONDS_MAX):
                await self._write(batch)
        except TimeoutError:
            raise psycopg.OperationalError(f"no answer within {WRITE_SECONDS_MAX:.0f} s") from None

    async def _write(self, batch: Batch) -> None:
        started = time.perf_counter()
        needed = {(table, _month_of(hour)) for table, hours in batch.months.items() for hour in hours}
        if needed - self._months:
            await self._make_months(needed)
        async with self._connection.transaction():
            await self._check_fence(batch)
            await self._write_units(batch)
            erased = [await self._erase(erasure.insight_ids) for erasure, _ in batch.erasures]
            counts = {"insight": await self._write_insights(batch)}
            counts["alert"] = await self._copy(do.COPY_ALERTS, batch.alerts, do.ALERTS, do.ERASED_EVIDENCE)
            counts["case_entry"] = await self._copy(do.COPY_CASES, batch.cases, do.CASES)
            await self._advance({
                partition: (found.after, format_time(found.clock_ms) if found.clock_ms >= 0 else None)
                for partition, found in batch.positions.items()
            })  # fmt: skip
        seconds = time.perf_counter() - started
        metrics.ARCHIVE_BATCH_SECONDS.observe(seconds)
        for table, count in counts.items():
            metrics.ARCHIVE_ROWS.labels(table).inc(count)
        for (erasure, place), rows in zip(batch.erasures, erased, strict=True):
            said = {"erasure": shown(erasure.id), "insights": len(erasure.insight_ids), "rows": rows}
            log.info("erased", extra={**said, "partition": place.partition, "offset": place.offset})
        log.debug("batch written", extra={"records": batch.count, "seconds": round(seconds, 4), **counts})

    async def _erase(self, insight_ids: Iterable[str]) -> int:
        """How many rows went. Before any row of the batch is written, so that none of it stays."""
        found = await self._connection.execute(do.ERASE, (list(insight_ids),))
        return int((await found.fetchone() or (0,))[0])

    async def _check_fence(self, batch: Batch) -> None:
        partitions = sorted(batch.positions)
        topics, numbers = [one.topic for one in partitions], [one.partition for one in partitions]
        found = await self._connection.execute(do.FENCE, (topics, numbers))
        there = {TopicPartition(topic, number): rest for topic, number, *rest in await found.fetchall()}
        for partition in partitions:
            ours = [self._epochs.get(partition), batch.positions[partition].first]
            if there.get(partition) != ours:
                raise Fenced(
                    f"{partition.topic}/{partition.partition}: another archive has taken over (epoch and offset are "
                    f"{there.get(partition)}, ours {ours})"
                )

    async def _advance(self, positions: dict[TopicPartition, tuple[int, str | None]]) -> None:
        await self._connection.execute(
            do.ADVANCE,
            (
                [one.topic for one in positions],
                [one.partition for one in positions],
                [offset for offset, _ in positions.values()],
                [clock for _, clock in positions.values()],
            ),
        )

    async def _write_insights(self, batch: Batch) -> int:
        if not batch.insights:
            return 0
        since = format_time(max(0, (min(batch.months["insight"], default=0) - PAST_DAYS * 24) * HOUR_MS))
        late = sql.SQL(do.FIND_LATE).format(since=sql.Literal(since))
        steps = (do.ERASED, do.ERASED_THREADS, do.CONFIDENTIAL, do.FIND_KNOWN, late, do.REPLACE, do.ADD)
        await self._copy(do.COPY_INSIGHTS, batch.insights, *steps)
        return (await self._connection.execute(sql.SQL(do.INSERT))).rowcount

    async def _write_units(self, batch: Batch) -> None:
        if units := batch.units():
            await self._copy(do.COPY_UNITS, units, do.UNITS, "SELECT cem.place_units()")

    async def _copy(self, copy: str, lines: list[str], *then: str | sql.Composed) -> int:
        """Lines into a temporary table, then what is to be done with them. Gives the rows of the first statement."""
        if not lines:
            return 0
        async with self._connection.cursor() as cursor:
            async with cursor.copy(sql.SQL(copy)) as target:
                await target.write("".join(lines).encode("utf-8", "replace"))
            counts = [(await cursor.execute(sql.SQL(one) if isinstance(one, str) else one)).rowcount for one in then]
        return counts[0]


def _where(partition: TopicPartition) -> dict[str, Any]:
    return {"topic": partition.topic, "partition": partition.partition}


def _first_day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def _month(day: date) -> int:
    """Months since the year 0."""
    return day.year * 12 + day.month - 1


def _month_of(hour: int) -> int:
    text = format_time(hour * HOUR_MS)
    return int(text[:4]) * 12 + int(text[5:7]) - 1
