"""The process of `cem notify`: joins the group, and notifies while it is the first of it. In: settings, rules, secrets.
Out: it runs until SIGTERM or Ctrl-C.

The one rule: what cannot be handled ends the process (exit code 70), and whoever started it starts it again. Any number
may run: one works, the others stand by and take over within a session time-out.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from random import SystemRandom
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from agents import logs
from agents.directory import DirectoryFollower
from agents.health import HealthServer, PortError
from agents.kafka.client import aiokafka_options
from agents.kafka.crash import die
from agents.notify.first import FirstOfAll
from agents.notify.memory import Memory
from agents.notify.sender import Sender
from agents.notify.tenure import LEAVE_SECONDS_MAX, Tenure
from agents.settings import Settings
from pipeline import metrics
from pipeline.notify.file import Secrets
from pipeline.notify.rules import Rules
from schemas.alert import Alert
from schemas.codec import Codec, RecordError
from schemas.time import HOUR_MS
from schemas.topics import Topics

LOOK_UPS_MAX = 64
FOREVER_MS = 2**31 - 1
WRITE_SECONDS = 2.0
LOOK_SECONDS = 1.0

_alert_codec = Codec[Alert](Alert)


class Process(ConsumerRebalanceListener):  # type: ignore[misc]
    """One process of `cem notify`."""

    def __init__(self, settings: Settings, rules: Rules, secrets: Mapping[str, Secrets], width: int) -> None:
        self._width = width
        self._settings = settings
        self._rules = rules
        self._topics = Topics(settings.prefix)
        self._group = self._topics.notify_group
        self._sender = Sender(rules, secrets, settings.web_url)
        for kind in {one.kind for one in rules.recipients}:  # a rule sees a counter grow, not that it appears
            metrics.NOTIFICATIONS.labels(kind, "given_up")
        self._follower = DirectoryFollower(settings, self._topics)
        self._tenure: Tenure | None = None
        self._joined = False
        self._assigned = asyncio.Event()
        self._stopping = asyncio.Event()
        self.health = HealthServer(settings.http_host, settings.http_port, self._why_not_ready)

    def stop(self) -> None:
        """Asks it to end in good order."""
        self._stopping.set()
        self._assigned.set()
        if self._tenure is not None:
            self._tenure.stop()

    async def run(self) -> None:
        """Until `stop`. Raises KafkaError, OSError or TimeoutError where it cannot be started."""
        await self.health.start()
        await self._follower.start()
        alerts = [TopicPartition(self._topics("alerts"), number) for number in range(self._width)]
        await first_positions(self._settings, alerts, self._group)
        await self._follower.reach(await self._end_of_units())
        session_ms = int(self._settings.session_timeout_seconds * 1000)
        self._consumer = AIOKafkaConsumer(
            **aiokafka_options(self._settings),
            group_id=self._group,
            group_instance_id=self._settings.instance or None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=session_ms // 5,
            rebalance_timeout_ms=session_ms * 3,
            max_poll_interval_ms=FOREVER_MS,  # who stands by polls nothing
            partition_assignment_strategy=(FirstOfAll,),
            fetch_max_wait_ms=100,
        )
        async with self._sender:
            self._consumer.subscribe([self._topics("alerts")], listener=self)
            await self._consumer.start()
            print(f"cem notify: {len(self._rules.recipients)} recipients, http port {self.health.port}", flush=True)
            while not self._stopping.is_set():
                await self._stand_by()
                self._assigned.clear()
                if not self._stopping.is_set() and self._consumer.assignment():
                    await self._work()
            await self._consumer.stop()
        await self._follower.stop()
        await self.health.stop()

    async def _stand_by(self) -> None:
        """Until there are partitions, or it is to stop. What the group's own task cannot go on after it tells to who
        reads, and waits until then; who stands by reads nothing, and would never take over."""
        while not self._assigned.is_set():
            try:
                self._consumer._coordinator.check_errors()
            except KafkaError as error:
                die("the group is lost", error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._assigned.wait(), LOOK_SECONDS)

    async def _work(self) -> None:
        self._tenure = Tenure(
            self._settings,
            self._rules,
            self._consumer,
            Memory(self._settings, self._topics),
            self._sender,
            self._follower,
            SystemRandom(),
        )
        await self._tenure.run()
        self._tenure = None

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Runs before the group is joined again."""
        self._joined = False
        self._assigned.clear()
        if (tenure := self._tenure) is not None:
            tenure.stop()
            try:
                await asyncio.wait_for(tenure.done.wait(), LEAVE_SECONDS_MAX + WRITE_SECONDS)
            except TimeoutError:
                die("partitions could not be given up in time")

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """The member that came first has all of them."""
        self._joined = True
        self._assigned.set()

    async def _end_of_units(self) -> int:
        partition = TopicPartition(self._topics("units"), 0)
        consumer = AIOKafkaConsumer(**aiokafka_options(self._settings))
        await consumer.start()
        try:
            return int((await consumer.end_offsets([partition]))[partition])
        finally:
            await consumer.stop()

    def _why_not_ready(self) -> str | None:
        if not self._joined:
            return "joining the group"
        if self._tenure is not None and not self._tenure.started:
            return "reading back what was told"
        return None


async def first_positions(settings: Settings, partitions: list[TopicPartition], group: str) -> None:
    """Where a group begins that has never read: at what was written in the last `notify_past_hours`, and is not older
    by its own time either: after a restore, what is a week old was written just now. Raises KafkaError."""
    consumer = AIOKafkaConsumer(**aiokafka_options(settings), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(partitions)
        new = [partition for partition in partitions if await consumer.committed(partition) is None]
        if not new:
            return
        since_ms = max(0, int(time.time() * 1000 - settings.notify_past_hours * HOUR_MS))
        found = await consumer.offsets_for_times(dict.fromkeys(new, since_ms))
        ends = await consumer.end_offsets(new)
        positions = {one: found[one].offset if found.get(one) is not None else ends[one] for one in new}
        if settings.clock == "wall":
            await _skip_what_is_old(consumer, positions, ends, since_ms)
        with contextlib.suppress(KafkaError):  # somebody has joined the group meanwhile, and has done this before
            await consumer.commit(positions)
    finally:
        await consumer.stop()


async def _skip_what_is_old(
    consumer: Any, positions: dict[TopicPartition, int], ends: Mapping[TopicPartition, int], since_ms: int
) -> None:
    """Moves each position on to the first alert that was detected since then, or to the end."""
    for partition, position in positions.items():
        await consumer.position(partition)  # once it is known, nothing else will set it
        consumer.seek(partition, position)
    left = {partition for partition, position in positions.items() if position < ends[partition]}
    while left:
        for partition, records in (await consumer.getmany(*left, timeout_ms=200)).items():
            for record in records:
                if _detected_ms(record) >= since_ms:
                    left.discard(partition)
                    break
                positions[partition] = record.offset + 1
        left = {partition for partition in left if await consumer.position(partition) < ends[partition]}


def _detected_ms(record: Any) -> int:
    """0 for what cannot be read: nobody is told of it anyway."""
    try:
        return int(_alert_codec.decode(record.value).detected_at)
    except RecordError:
        return 0


def run(settings: Settings, rules: Rules, secrets: Mapping[str, Secrets], width: int) -> None:
    """`width`: how many partitions `cem.alerts` has. Notifies until SIGTERM or Ctrl-C. Ends the process;
    raises PortError."""
    hidden = [word for one in secrets.values() for word in (one.url, one.routing_key, one.password)]
    logs.configure(settings, quiet=("aiokafka",), secrets=hidden)
    try:
        asyncio.run(_run(settings, rules, secrets, width))
    except PortError:
        raise  # the command says it
    except (KafkaError, OSError, TimeoutError) as error:
        die("cannot start", error)
    sys.stdout.flush()
    os._exit(0)  # threads that talk to a mail server are not waited for


async def _run(settings: Settings, rules: Rules, secrets: Mapping[str, Secrets], width: int) -> None:
    process = Process(settings, rules, secrets, width)
    loop = asyncio.get_running_loop()
    # Names are looked up in threads: one recipient's name server that hangs must not keep all of them.
    loop.set_default_executor(ThreadPoolExecutor(LOOK_UPS_MAX, thread_name_prefix="name"))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.stop)
    await process.run()
