"""From Kafka into the model. In: the topics, read from their beginning, then as they grow. Out: a model that is
current, and news for the open consoles.

The one rule: nothing is kept but the model and positions in memory: started again, it reads all again. It reads what is
committed only, without a group, so that any number of consoles can do so. In turn: who may see what, the directory,
alerts; then histories, whose alerts are known by then; then texts, of which only those are decoded that something
refers to, or that are new.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.kafka.client import aiokafka_options
from agents.settings import Settings
from agents.web.live import Hub
from agents.web.model import Model
from pipeline import metrics
from schemas.action import Action
from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.codec import Codec, RecordError
from schemas.event import Between, UnitRollup
from schemas.text import StoredText
from schemas.tick import CONTROL_HEADER
from schemas.token import Token
from schemas.topics import Topics
from schemas.unit import Unit
from schemas.unrouted import Unrouted

logger = logging.getLogger("cem.web")

TEXTS_MAX: Final = 1_000_000
"""Records of each partition of texts that are looked at, at start."""
ACTIONS_MAX: Final = 1_000
BATCH_RECORDS: Final = 500
WAIT_MS: Final = 250
PROBE_SECONDS: Final = 2.0
PROBE_SECONDS_MAX: Final = 4.0
BACK_OFF_SECONDS: Final = (1.0, 2.0, 5.0, 10.0)
STOP_SECONDS_MAX: Final = 5.0
GIVE_UP_PROBES: Final = 8
"""After so many probes without an answer the consumer is made anew."""
FORGET_SECONDS: Final = 60.0

_ROUNDS: Final = (("units", "tokens", "unrouted", "alerts", "rollup", "actions"), ("cases",), ("texts",))
"""Which topics are read together; a round begins when the one before has reached what was the end."""
_TAILS: Final = {"texts": TEXTS_MAX, "actions": ACTIONS_MAX}


class NoTopicError(Exception):
    """A topic is not there. The message says what to do."""


class Feed:
    """Of one process. The hub is told of changes once all is read."""

    def __init__(
        self, settings: Settings, topics: Topics, model: Model, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._model = model
        self._clock = clock
        self._names = {topics(name): name for one in _ROUNDS for name in one}
        self._hub: Hub | None = None
        self._positions: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._unread: dict[str, int] = {}
        self._why_not = "not started"
        self._failed_probes = 0
        self._takers: dict[str, Callable[[Any], None]] = {
            "units": self._unit, "tokens": self._token, "unrouted": self._unrouted, "alerts": self._alert,
            "rollup": self._rollup, "actions": self._action, "cases": self._entry, "texts": self._text,
        }  # fmt: skip
        model.loading = True

    def tell(self, hub: Hub) -> None:
        """Who is told of changes."""
        self._hub = hub

    def why_not_ready(self) -> str | None:
        """One sentence, None when all is read and Kafka answers."""
        if self._model.loading:
            return self._why_not
        return None if self._model.connected else "cut off from Kafka"

    async def start(self) -> None:
        """Begins to read. Kafka need not be there yet."""
        self._passing()
        self._tasks = [asyncio.ensure_future(self._keep_reading()), asyncio.ensure_future(self._pass_time())]

    async def fail(self) -> None:
        """Returns never, raises what it cannot go on after: then the process has to end."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        raise AssertionError("the feed has ended")

    async def stop(self) -> None:
        """Stops reading."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _pass_time(self) -> None:
        """The wall clock, and what follows from it."""
        forgotten = time.monotonic()
        while True:
            self._passing()
            if time.monotonic() - forgotten > FORGET_SECONDS:
                forgotten = time.monotonic()
                self._model.forget()
            if self._hub is not None:
                self._hub.tokens_changed()
            await asyncio.sleep(1.0)

    def _passing(self) -> None:
        if self._settings.clock == "wall":
            self._model.wall_ms = int(self._clock() * 1000)

    # Connections

    async def _keep_reading(self) -> None:
        failures = 0
        while True:
            try:
                await self._read()
            except asyncio.CancelledError:  # aiokafka lets the end of its own tasks through
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
            except NoTopicError as error:
                self._why_not = str(error)
                logger.warning("%s", error)
            except (KafkaError, OSError, TimeoutError) as error:
                self._why_not = f"no Kafka answers at {self._settings.kafka}"
                logger.warning("%s: %s", self._why_not, error)
            except Exception:  # a mistake of ours is none of Kafka's
                self._why_not = "reading failed; the log of the console says why"
                logger.exception("reading failed")
            if self._model.connected:
                failures = 0
            self._connected(False)
            await asyncio.sleep(BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)])
            failures += 1

    async def _read(self) -> None:
        """With one consumer, until Kafka is away for long. Raises KafkaError and others."""
        consumer = AIOKafkaConsumer(
            **aiokafka_options(self._settings),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )
        probe: asyncio.Task[None] | None = None
        try:
            await consumer.start()
            await self._assign(consumer)
            if self._model.loading:
                await self._load(consumer)
            self._failed_probes = 0
            self._connected(True)
            probe = asyncio.ensure_future(self._probe(consumer))
            while self._failed_probes < GIVE_UP_PROBES:
                await self._take(consumer)
            self._why_not = "cut off from Kafka"
        finally:
            if probe is not None:
                probe.cancel()
            stopping = asyncio.ensure_future(consumer.stop())
            await asyncio.wait([stopping], timeout=STOP_SECONDS_MAX)
            stopping.add_done_callback(lambda done: done.cancelled() or done.exception())
            stopping.cancel()

    async def _assign(self, consumer: Any) -> None:
        partitions = []
        cluster = await consumer._client.fetch_all_metadata()  # of topics that are not assigned nothing else tells
        for topic in self._names:
            numbers = cluster.partitions_for_topic(topic)
            if not numbers:
                raise NoTopicError(f"there is no topic {topic}; make it with: cem topics apply")
            partitions += [TopicPartition(topic, number) for number in sorted(numbers)]
        consumer.assign(partitions)
        if not self._ends:
            begins, self._ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
            for one in partitions:
                tail = _TAILS.get(self._names[one.topic])
                begin = begins[one] if tail is None else max(begins[one], self._ends[one] - tail)
                self._positions[one] = begin
        for one in partitions:
            consumer.seek(one, self._positions.get(one, 0))

    async def _load(self, consumer: Any) -> None:
        """All that was there at the start, round by round."""
        began = time.monotonic()
        everything = consumer.assignment()
        for one in _ROUNDS:
            now = [partition for partition in everything if self._names[partition.topic] in one]
            others = everything.difference(now)
            if others:
                consumer.pause(*others)
            consumer.resume(*now)
            while not all(self._positions[partition] >= self._ends[partition] for partition in now):
                left = sum(max(self._ends[partition] - self._positions[partition], 0) for partition in now)
                self._why_not = f"reading {', '.join(one)}: {left:,} records left"
                await self._take(consumer)
                for partition in now:  # the last offsets may be of markers of transactions, which nobody is given
                    self._positions[partition] = await consumer.position(partition)
        consumer.resume(*everything)
        self._model.loading = False
        logger.info("all read in %.1f s", time.monotonic() - began)

    async def _take(self, consumer: Any) -> None:
        """What is there now, in steps that leave room for those who ask."""
        fetched = await consumer.getmany(timeout_ms=WAIT_MS, max_records=BATCH_RECORDS)
        self._passing()
        for partition, records in fetched.items():
            taker = self._takers[self._names[partition.topic]]
            for record in records:
                self._one(taker, partition.topic, record)
            self._positions[partition] = records[-1].offset + 1
        if fetched:
            await asyncio.sleep(0)

    def _one(self, taker: Callable[[Any], None], topic: str, record: Any) -> None:
        """What cannot be read, because somebody else wrote it or a newer version did, is left out, and told once."""
        if record.key is None or (record.headers and CONTROL_HEADER in dict(record.headers)):
            return
        try:
            taker(record)
        except RecordError as error:
            self._unread[topic] = self._unread.get(topic, 0) + 1
            if self._unread[topic] == 1:
                logger.warning("%s/%d at %d is left out: %s", topic, record.partition, record.offset, error.reason)

    async def _probe(self, consumer: Any) -> None:
        """Asks Kafka for something small, again and again: a consumer does not tell when nobody answers any more."""
        partition = min(consumer.assignment())
        while True:
            try:
                await asyncio.wait_for(consumer.end_offsets([partition]), PROBE_SECONDS_MAX)
                self._failed_probes = 0
            except Exception:  # whatever it is, it is no answer
                self._failed_probes += 1
            self._connected(self._failed_probes == 0)
            await asyncio.sleep(PROBE_SECONDS)

    def _connected(self, connected: bool) -> None:
        metrics.WEB_CONNECTED.set(connected)
        if self._model.set_connected(connected, int(self._clock() * 1000)) and self._hub is not None:
            self._hub.connection_changed()

    # Records

    @property
    def _live(self) -> Hub | None:
        return None if self._model.loading else self._hub

    def _unit(self, record: Any) -> None:
        key = _key(record)
        unit = None if record.value is None else _unit_codec.decode(record.value)
        if unit is None or unit.id == key:
            self._model.apply_unit(key, unit)

    def _token(self, record: Any) -> None:
        self._model.apply_token(_key(record), None if record.value is None else _token_codec.decode(record.value))
        if (hub := self._live) is not None:
            hub.tokens_changed()

    def _unrouted(self, record: Any) -> None:
        key = _key(record)
        changed = self._model.apply_unrouted(
            key, None if record.value is None else _unrouted_codec.decode(record.value)
        )
        if changed is not None and (hub := self._live) is not None:
            hub.unrouted_changed(key, changed)

    def _alert(self, record: Any) -> None:
        changed = self._model.apply_alert(_alert_codec.decode(record.value))
        if changed is not None and (hub := self._live) is not None:
            hub.alert_changed(changed)

    def _entry(self, record: Any) -> None:
        entry = _entry_codec.decode(record.value)
        if self._model.apply_entry(entry) and (hub := self._live) is not None:
            hub.entry_added(entry)

    def _text(self, record: Any) -> None:
        key = _key(record)
        if record.value is None:
            self._model.apply_text(key, None)
        elif (
            not self._model.loading
            or self._model.wants_text(key)
            or record.offset >= self._ends[TopicPartition(record.topic, record.partition)] - self._settings.web_texts
        ):
            self._model.apply_text(key, _text_codec.decode(record.value))

    def _rollup(self, record: Any) -> None:
        between = _between_codec.decode(record.value)
        if isinstance(between, UnitRollup):
            self._model.apply_rollup(between)

    def _action(self, record: Any) -> None:
        self._model.apply_action(_action_codec.decode(record.value))


def _key(record: Any) -> str:
    key: str = record.key.decode("utf-8", "replace")
    return key


_unit_codec = Codec[Unit](Unit)
_token_codec = Codec[Token](Token)
_unrouted_codec = Codec[Unrouted](Unrouted)
_alert_codec = Codec[Alert](Alert)
_entry_codec = Codec[CaseEntry](CaseEntry)
_text_codec = Codec[StoredText](StoredText)
_between_codec: Codec[Any] = Codec(Between)
_action_codec = Codec[Action](Action)
