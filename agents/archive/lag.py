"""How far the archive is behind: records that are on the topics and not in PostgreSQL yet.

In: how far each partition is read and written. Out: the gauge `cem_archive_lag_records`. The one rule: it is told as
long as Kafka answers, most of all while PostgreSQL is away: then nothing else shows that history stands still.
"""

import asyncio
import contextlib
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.kafka.client import aiokafka_options
from agents.settings import Settings
from pipeline import metrics

PROBE_SECONDS = 2.0
PROBES_MAX = 3
STOP_SECONDS_MAX = 3.0


class Lag:
    """`read` and `written` are told by who does it: the offset that is next. Of one process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._task: asyncio.Task[None] | None = None
        self._failed = 0
        self.read: dict[TopicPartition, int] = {}
        self.written: dict[TopicPartition, int] = {}

    @property
    def kafka_is_silent(self) -> bool:
        """Whether Kafka has not answered for a while, which a consumer bears in silence."""
        return self._failed >= PROBES_MAX

    def follow(self, consumer: Any) -> None:
        """Measures with the consumer that reads, until `stop`."""
        self._begin(self._probe(consumer, reads=True))

    def watch(self) -> None:
        """Measures with a connection of its own, while nothing is read, until `stop`. Without records in memory: it is
        given no partitions."""
        if self.written and (self._task is None or self._task.done()):
            self._begin(self._watch())

    async def stop(self, *, forget: bool = False) -> None:
        """`forget`: what was measured is no longer this process's affair, another archive works."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        if forget:
            for one in self.written:
                with contextlib.suppress(KeyError):
                    metrics.ARCHIVE_LAG_RECORDS.remove(one.topic, str(one.partition))
            self.read, self.written = {}, {}

    def _begin(self, coroutine: Any) -> None:
        self._failed = 0
        self._task = asyncio.ensure_future(coroutine)

    async def _watch(self) -> None:
        while True:
            consumer = AIOKafkaConsumer(**aiokafka_options(self._settings), enable_auto_commit=False)
            try:
                await consumer.start()
                await self._probe(consumer, reads=False)
            except Exception:  # whatever it is: no answer
                await asyncio.sleep(PROBE_SECONDS)
            finally:
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(consumer.stop(), STOP_SECONDS_MAX)

    async def _probe(self, consumer: Any, *, reads: bool) -> None:
        while True:
            try:
                ends = await asyncio.wait_for(consumer.end_offsets(list(self.written)), PROBE_SECONDS)
                for one, end in ends.items():
                    after = self.written[one]
                    if reads and after >= self.read[one]:  # there may be control records behind, which nobody gets
                        after = max(after, await consumer.position(one))
                    metrics.ARCHIVE_LAG_RECORDS.labels(one.topic, str(one.partition)).set(max(0, end - after))
                self._failed = 0
                await asyncio.sleep(PROBE_SECONDS)
            except Exception:  # whatever it is: no answer
                self._failed += 1
                if not reads and self.kafka_is_silent:
                    raise
                await asyncio.sleep(PROBE_SECONDS / 4)
