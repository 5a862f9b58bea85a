"""The time in which this process is the one that notifies. In: records of `cem.alerts`. Out: messages, `cem.notified`,
dead letters, positions in the group.

The one rule is an order: what a stretch of alerts means is planned, and the messages that are due are made; all of that
is kept in one transaction; then the position is committed, and only then is anything sent. What came of a try is kept
too. So after a crash nothing is lost, and nothing is sent twice but what was on its way in that moment (sent, and not
yet kept that it was): it comes again as the same message, under the same id.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from agents.directory import DirectoryFollower
from agents.kafka.crash import die
from agents.notify.memory import Memory
from agents.notify.sender import Sender
from agents.settings import Settings
from pipeline import metrics
from pipeline.emission import Emission, Incoming
from pipeline.notify.answer import Answer, Outcome
from pipeline.notify.letters import NOT_DELIVERED, letters_of
from pipeline.notify.plan import Delivery, Plan
from pipeline.notify.retry import next_try
from pipeline.notify.rules import Rules
from pipeline.refusal import letter_of, source_of
from schemas.alert import Alert
from schemas.codec import Codec, RecordError
from schemas.time import HOUR_MS, SECOND_MS
from schemas.topics import Topics

RECORDS_MAX = 500
TRIES_AT_ONCE = 4
"""For each recipient. One that hangs keeps so many connections waiting, and nobody else."""
IDLE_SECONDS_MAX = 1.0
LEAVE_SECONDS_MAX = 4.0
"""How long messages on their way are waited for before partitions are given up; less than a session."""
FORGET_EVERY_MS = HOUR_MS

_codec = Codec[Alert](Alert)
log = logging.getLogger("cem.notify")


class _Batch(msgspec.Struct, frozen=True):
    """Records as they were read, by partition."""

    records: dict[TopicPartition, list[Any]]


class _Tried(msgspec.Struct, frozen=True):
    """What a try came to."""

    delivery: Delivery
    answer: Answer


class Tenure:
    """`consumer` has the partitions; `random`: for the times of retries; `now_ms`: the clock on the wall."""

    def __init__(
        self,
        settings: Settings,
        rules: Rules,
        consumer: Any,
        memory: Memory,
        sender: Sender,
        follower: DirectoryFollower,
        random: Random,
        now_ms: Callable[[], int] = lambda: int(time.time() * 1000),
    ) -> None:
        self._topics = Topics(settings.prefix)
        self._settings = settings
        self._recipients = rules.recipients
        self._consumer = consumer
        self._sender = sender
        self._follower = follower
        self._random = random
        self._now_ms = now_ms
        self._memory = memory
        self._inbox: asyncio.Queue[_Batch | _Tried] = asyncio.Queue()
        self._taken = asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._busy: Counter[str] = Counter()
        self._stopping = asyncio.Event()
        self._beat = time.monotonic()
        self._forgot_ms = 0
        self.started = False
        self.done = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`. Ends the process where something cannot be handled."""
        reading = beating = None
        try:
            self._plan = Plan(self._recipients, await self._memory.start())
            if self._plan.dropped:
                log.warning("alerts for recipients that the file has no more", extra={"dropped": self._plan.dropped})
            self._beat = time.monotonic()
            reading = asyncio.create_task(self._read())
            beating = asyncio.create_task(self._watch())
            self.started = True
            while not self._stopping.is_set():
                await self._round(*await self._next())
            await self._leave(reading)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            die("notifying", error)
        finally:
            for task in (reading, beating):
                if task is not None:
                    task.cancel()
            for gauge in (metrics.LAG_RECORDS, metrics.NOTIFICATIONS_OPEN):
                gauge.clear()  # what is true of them is for whoever comes to say
            self.done.set()
        await self._memory.stop()

    def stop(self) -> None:
        """Asks it to end in good order; `done` says when it has."""
        self._stopping.set()
        self._inbox.put_nowait(_Batch({}))

    # A round

    async def _next(self) -> tuple[list[_Batch], list[_Tried]]:
        """What has come, after waiting for it no longer than until something is due."""
        found: list[_Batch | _Tried] = []
        with contextlib.suppress(TimeoutError):
            found.append(await asyncio.wait_for(self._inbox.get(), self._idle_seconds()))
        while not self._inbox.empty():
            found.append(self._inbox.get_nowait())
        return [one for one in found if isinstance(one, _Batch)], [one for one in found if isinstance(one, _Tried)]

    def _idle_seconds(self) -> float:
        next_ms = self._plan.next_at(self._is_busy)
        if next_ms is None:
            return IDLE_SECONDS_MAX
        return min(max((next_ms - self._now_ms()) / SECOND_MS, 0.0), IDLE_SECONDS_MAX)

    def _is_busy(self, delivery: Delivery) -> bool:
        return delivery.message.id in self._under_way or self._busy[delivery.recipient.id] >= TRIES_AT_ONCE

    async def _round(self, batches: list[_Batch], tried: list[_Tried]) -> None:
        now_ms = self._now_ms()
        letters: list[Emission] = []
        for one in tried:
            letters += self._settle(one, now_ms)
        positions: dict[TopicPartition, int] = {}
        directory = self._follower.newest()
        for batch in batches:
            for partition, records in batch.records.items():
                metrics.RECORDS_IN.labels(partition.topic).inc(len(records))
                for record in records:
                    letters += self._take(record, directory, now_ms)
                positions[partition] = position = records[-1].offset + 1
                left = max((self._consumer.highwater(partition) or position) - position, 0)
                metrics.LAG_RECORDS.labels(partition.topic, partition.partition).set(left)
        if not self._stopping.is_set():
            self._plan.make(now_ms)
        changed = self._plan.changed()
        if changed or letters:
            await self._memory.write(changed, letters)
        if positions:
            await self._commit(positions)
        if batches:
            self._taken.set()
        if not self._stopping.is_set():
            self._try_what_is_due(now_ms)
        self._housekeeping(now_ms)

    def _take(self, record: Any, directory: Any, now_ms: int) -> list[Emission]:
        incoming = _incoming(record)
        try:
            alert = _codec.decode(record.value)
        except RecordError as error:
            metrics.DEAD_LETTERS.labels(error.reason).inc()
            return [letter_of(incoming, error.reason, error.detail, 1, self._topics("deadletter"))]
        self._plan.take(alert, source_of(incoming), directory, now_ms)
        return []

    def _settle(self, tried: _Tried, now_ms: int) -> list[Emission]:
        """Takes down what a try came to."""
        delivery, answer = tried.delivery, tried.answer
        made, recipient = delivery.message.id, delivery.recipient
        del self._under_way[made]  # not sooner: until it is settled, it is not to be tried again
        self._busy[recipient.id] -= 1
        outcome, letters = "delivered", []
        if answer.outcome is Outcome.DELIVERED:
            self._plan.delivered(made, now_ms)
            metrics.NOTIFICATION_DELAY_SECONDS.labels(recipient.kind).observe(
                max(now_ms - delivery.due_at, 0) / SECOND_MS
            )
        else:
            tries = delivery.tries + 1
            said = {"recipient": recipient.name, "message_id": made, "why": answer.why, "tries": tries}
            next_at = None
            if answer.outcome is Outcome.AGAIN:
                random = self._random.random()
                next_at = next_try(recipient, delivery.since, tries, now_ms, random, answer.after_s)
            if next_at is not None:
                outcome = "again"
                self._plan.again(made, next_at, now_ms)
                log.info("not taken, to be tried again", extra=said)
            else:
                outcome = "given_up"
                self._plan.given_up(made, now_ms)
                letters = letters_of(delivery, answer, tries, now_ms, self._topics("deadletter"))
                metrics.DEAD_LETTERS.labels(NOT_DELIVERED).inc(len(letters))
                log.error("given up", extra=said)
        metrics.NOTIFICATIONS.labels(recipient.kind, outcome).inc()
        return letters

    async def _commit(self, positions: dict[TopicPartition, int]) -> None:
        """Where it is refused, somebody else has the partitions by now, or will; the marks tell them what was taken."""
        try:
            await self._consumer.commit(positions)
        except (CommitFailedError, IllegalStateError) as error:
            log.info("a position was not committed", extra={"why": str(error)})

    def _housekeeping(self, now_ms: int) -> None:
        for name, count in self._plan.open_messages().items():
            metrics.NOTIFICATIONS_OPEN.labels(name).set(count)
        if now_ms - self._forgot_ms > FORGET_EVERY_MS:
            self._forgot_ms = now_ms
            self._plan.forget(now_ms)

    # Beside the rounds

    def _try_what_is_due(self, now_ms: int) -> None:
        for delivery in self._plan.ready(now_ms):
            if not self._is_busy(delivery):
                self._busy[delivery.recipient.id] += 1
                self._under_way[delivery.message.id] = asyncio.create_task(self._try(delivery))

    async def _try(self, delivery: Delivery) -> None:
        try:
            self._check_pulse()
            answer = await self._sender.send(delivery.message, delivery.recipient)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            die("sending", error)
        self._inbox.put_nowait(_Tried(delivery, answer))

    async def _read(self) -> None:
        """Reads the next batch when the last one is kept: what is not taken in is not held in memory."""
        try:
            while True:
                records = await self._consumer.getmany(timeout_ms=500, max_records=RECORDS_MAX)
                if records:
                    self._taken.clear()
                    self._inbox.put_nowait(_Batch(records))
                    await self._taken.wait()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            die("reading alerts", error)

    async def _watch(self) -> None:
        while True:
            self._check_pulse()
            self._beat = time.monotonic()
            await asyncio.sleep(0.2)

    def _check_pulse(self) -> None:
        """A process that was stopped and goes on must not send: somebody else has taken over."""
        silent_seconds = time.monotonic() - self._beat
        if silent_seconds > self._settings.session_timeout_seconds:
            die(f"stopped or starved for {silent_seconds:.0f} s, longer than a session")

    async def _leave(self, reading: asyncio.Task[None]) -> None:
        """What is on its way may arrive; what is not through then is tried again by whoever comes."""
        reading.cancel()
        under_way = list(self._under_way.values())
        if under_way:
            await asyncio.wait(under_way, timeout=LEAVE_SECONDS_MAX)
        for task in under_way:
            task.cancel()
        tried = []
        while not self._inbox.empty():
            one = self._inbox.get_nowait()
            if isinstance(one, _Tried):
                tried.append(one)
        await self._round([], tried)


def _incoming(record: Any) -> Incoming:
    headers = tuple(record.headers)
    return Incoming(record.topic, record.partition, record.offset, record.key, record.value, headers, record.timestamp)
