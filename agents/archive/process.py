"""The process of `cem archive`: from Kafka into PostgreSQL, until SIGTERM or Ctrl-C.

In: settings. Out: rows. The rules: where it goes on stands in the database, in the transaction of the rows, and nowhere
else; what was read and is not written is read again; while Kafka or PostgreSQL is away it asks again, ever more rarely,
and holds no batch. Of several, one works and the others stand by.

What somebody has to put right (a wrong password, a right that is missing) ends it at the start. Once it has been let in
it waits for that, too: a password is changed by people, and history is not lost meanwhile.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from agents.archive.batch import ARCHIVED, Batch
from agents.archive.lag import STOP_SECONDS_MAX, Lag
from agents.archive.migrations import MigrationError, migrate
from agents.archive.reach import refusal
from agents.archive.session import Fenced, Session, is_about_content, passes
from agents.health import HealthServer
from agents.kafka.admin import Admin, AdminError
from agents.kafka.client import aiokafka_options
from agents.logs.outputs import Outputs
from agents.settings import Settings
from pipeline import metrics
from schemas.topics import Topics

log = logging.getLogger("cem.archive")

BACK_OFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
HOUSE_SECONDS = 60.0
STAND_BY_SECONDS = 1.0


class ArchiveError(RuntimeError):
    """It cannot go on, and waiting does not help. The message says what to do."""


class _Away(RuntimeError):
    """Kafka is there in part: a topic is missing, or it does not answer."""


class Archive:
    """`from_start`: forget the positions, once."""

    def __init__(self, settings: Settings, *, from_start: bool = False) -> None:
        self._settings = settings
        self._from_start = from_start
        self._topics = Topics(settings.prefix)
        self._owner = f"{socket.gethostname()}/{os.getpid()}"
        self._stopping = asyncio.Event()
        self._why_not: str | None = "starting"
        self._let_in = False
        self._away_since: float | None = None
        self._lag = Lag(settings)
        self._outputs = Outputs(self._topics)
        self.health = HealthServer(settings.http_host, settings.http_port, lambda: self._why_not)

    def stop(self) -> None:
        """Asks it to end in good order: what is being written is finished."""
        self._stopping.set()

    async def run(self) -> None:
        """Until `stop`. Raises ArchiveError, MigrationError, Fenced, OSError if the port is taken."""
        await self.health.start()
        log.info("archive starts", extra={"owner": self._owner, "http_port": self.health.port})
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                await self._tenure()
            except psycopg.Error as error:
                self._wait_for("postgres", self._why_to_wait(error))
                self._lag.watch()
            except MigrationError as error:
                if not self._let_in or error.__cause__ is None:  # what has a cause is a right that was taken away
                    raise
                self._wait_for("postgres", str(error))
                self._lag.watch()
            except (KafkaError, OSError, TimeoutError, _Away) as error:
                self._wait_for("kafka", f"Kafka does not answer: {_first_line(error)}")
            failures = 0 if time.monotonic() - began > BACK_OFF_SECONDS[-1] else failures + 1
            await self._pause(BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS)) - 1] if failures else 0.2)
        await self._lag.stop()
        await self.health.stop()
        log.info("archive stops", extra={"owner": self._owner})

    def _why_to_wait(self, error: psycopg.Error) -> str:
        """Raises ArchiveError where waiting does not help, or the error itself if it is none of PostgreSQL's moods."""
        refused = refusal(self._settings.postgres, error)
        if refused is not None:
            if not self._let_in:
                raise ArchiveError(refused) from None
            return f"{refused}. It was let in before and tries on; what it is started with (CEM_POSTGRES) it keeps"
        if not passes(error):
            raise error
        return f"PostgreSQL does not answer: {_first_line(error)}"

    def _wait_for(self, what: str, why: str) -> None:
        if self._why_not != why:
            log.warning("waiting, and trying again", extra={"what": what, "why": why})
        if self._away_since is None:
            self._away_since = time.monotonic()
        self._why_not = why
        metrics.ARCHIVE_WAITS.labels(what).inc()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _tenure(self) -> None:
        """With one connection to each side, until `stop` or until one of them is lost."""
        settings = self._settings
        for name in await asyncio.to_thread(migrate, settings.postgres):
            log.info("migration applied", extra={"migration": name})
        session = await Session.connect(settings.postgres, self._owner, settings.archive_retention_months)
        try:
            while not await session.leads():
                await self._stand_by()
                await self._pause(STAND_BY_SECONDS)
                if self._stopping.is_set():
                    return
            async with self._kafka() as (consumer, producer):
                await self._begin(session, consumer)
                self._works()
                self._lag.follow(consumer)
                try:
                    await self._work(session, consumer, producer)
                finally:
                    self._why_not = "connecting again"
                    await self._lag.stop()
        finally:
            await session.close()

    async def _stand_by(self) -> None:
        why = "another archive works; standing by"
        if self._why_not != why:
            log.info("stands by", extra={"why": "another archive works"})
            await self._lag.stop(forget=True)
        self._why_not, self._let_in, self._away_since = why, True, None

    def _works(self) -> None:
        away, self._away_since = self._away_since, None
        said = {} if away is None else {"waited_seconds": round(time.monotonic() - away, 1)}
        log.info("archive works", extra={"partitions": len(self._lag.written), **said})
        self._why_not, self._let_in = None, True

    @contextlib.asynccontextmanager
    async def _kafka(self) -> AsyncIterator[tuple[Any, Any]]:
        consumer = AIOKafkaConsumer(
            **aiokafka_options(self._settings),
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_wait_ms=100,
        )
        producer = AIOKafkaProducer(**aiokafka_options(self._settings), enable_idempotence=True, acks="all")
        try:
            await consumer.start()
            await producer.start()
            yield consumer, producer
        finally:
            stops = asyncio.gather(consumer.stop(), producer.stop(), return_exceptions=True)
            with contextlib.suppress(TimeoutError):  # to a Kafka that is away they would say goodbye for long
                await asyncio.wait_for(stops, STOP_SECONDS_MAX)

    async def _begin(self, session: Session, consumer: Any) -> None:
        """Takes all partitions over and goes on where the database says."""
        cluster = await consumer._client.fetch_all_metadata()  # of topics that are not assigned nothing else tells
        partitions = []
        for topic in map(self._topics, ARCHIVED):
            numbers = cluster.partitions_for_topic(topic)
            if not numbers:
                raise _Away(f"there is no topic {topic}; make it with: cem topics apply")
            partitions += [TopicPartition(topic, number) for number in sorted(numbers)]
        consumer.assign(partitions)
        begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        await self._lag.stop()
        positions = await session.take_over(partitions, await asyncio.to_thread(self._topic_ids))
        for one, taken in positions.items():
            offset = taken
            if self._from_start:
                offset = begins[one]
            elif offset > ends[one]:
                raise ArchiveError(
                    f"the database is at offset {offset} of {one.topic}/{one.partition}, which ends at {ends[one]}. "
                    "Was Kafka replaced? `cem archive --from-start` reads what the new one has; what is there stays"
                )
            elif offset < begins[one]:
                if offset:
                    log.error(
                        "records are missing: Kafka's retention has passed",
                        extra={"topic": one.topic, "partition": one.partition, "first": offset, "next": begins[one]},
                    )
                offset = begins[one]
            if offset != taken:
                await session.set_position(one, offset)
                moved = {"topic": one.topic, "partition": one.partition, "offset": taken, "next": offset}
                log.info("position moved", extra=moved)
                positions[one] = offset
            consumer.seek(one, offset)
        self._from_start = False
        self._lag.read, self._lag.written = positions, dict(positions)

    def _topic_ids(self) -> dict[str, str]:
        try:
            with Admin(self._settings, self._topics) as admin:
                return admin.ids(map(self._topics, ARCHIVED))
        except AdminError as error:
            raise _Away(str(error)) from None

    async def _work(self, session: Session, consumer: Any, producer: Any) -> None:
        """Reads the next batch while the last one is written."""
        house_at, writing = 0.0, None
        try:
            while not self._stopping.is_set():
                batch = await self._gather(consumer)
                if writing is not None:
                    await writing
                    writing = None
                if self._lag.kafka_is_silent:
                    raise _Away("no answer to the last requests")
                if time.monotonic() >= house_at:
                    for name in await session.keep_house():
                        log.info("month dropped, older than the retention", extra={"partition": name})
                    house_at = time.monotonic() + HOUSE_SECONDS
                if batch is not None:
                    writing = asyncio.ensure_future(self._write(session, producer, batch))
            if writing is not None:
                await writing
                writing = None
        finally:
            if writing is not None:
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)  # why it ended is told already

    async def _gather(self, consumer: Any) -> Batch | None:
        """What comes within `archive_batch_seconds`, or as much as a batch takes; None if nothing comes."""
        found: dict[TopicPartition, list[Any]] = {}
        count, most = 0, self._settings.archive_batch_records_max
        until = time.monotonic() + self._settings.archive_batch_seconds
        while count < most and (left := until - time.monotonic()) > 0 and not self._stopping.is_set():
            fetched = await consumer.getmany(timeout_ms=int(left * 1000) + 1, max_records=most - count)
            for partition, records in fetched.items():
                found.setdefault(partition, []).extend(records)
                count += len(records)
        if not found:
            return None
        batch = Batch(self._topics)
        for partition, records in found.items():
            batch.add(partition, records, self._lag.read[partition])
            self._lag.read[partition] = records[-1].offset + 1
            await asyncio.sleep(0)  # the batch before is being written meanwhile
        _ = batch.insights  # made now, for the same reason
        return batch

    async def _write(self, session: Session, producer: Any, batch: Batch) -> None:
        """Dead letters first: if the rest fails they are written again, as the same bytes under the same key."""
        await self._send(producer, batch)
        try:
            await session.write(batch)
        except psycopg.Error as error:
            if not is_about_content(error):
                raise
            await self._narrow(session, producer, batch, _first_line(error))
        self._lag.written.update({partition: position.after for partition, position in batch.positions.items()})

    async def _narrow(self, session: Session, producer: Any, batch: Batch, why: str) -> None:
        """One of these records cannot be stored: the others are, and for that one there is a dead letter."""
        if batch.count == 1:
            rest = batch.without_record("not_storable", why)
            await self._send(producer, rest)
            await session.write(rest)
            return
        for half in batch.halves():
            try:
                await session.write(half)
            except psycopg.Error as error:
                if not is_about_content(error):
                    raise
                await self._narrow(session, producer, half, _first_line(error))

    async def _send(self, producer: Any, batch: Batch) -> None:
        for reason, letter in batch.letters:
            await producer.send_and_wait(letter.topic, letter.value, letter.key)
            metrics.DEAD_LETTERS.labels(reason).inc()
        self._outputs.tell(letter for _, letter in batch.letters)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


async def run(settings: Settings, *, from_start: bool) -> None:
    """Archives until SIGTERM or Ctrl-C."""
    archive = Archive(settings, from_start=from_start)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, archive.stop)
    await archive.run()


__all__ = ["Archive", "ArchiveError", "Fenced", "run"]
