"""The one place where settings meet Faust: the app, its agents, and what runs beside them.

Faust hosts agents, assignment and the event loop. What must not be lost goes through our own delivery layer
(`agents/kafka`): batches come in through its transport, everything goes out in transactions of its stages.
"""

import asyncio
import logging
import os
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any

import faust
from aiokafka import TopicPartition
from mode.utils.logging import level_number

from agents import logs
from agents.directory import DirectoryFollower
from agents.health import HealthServer, PortError
from agents.kafka.client import faust_credentials
from agents.kafka.cluster import Cluster
from agents.kafka.crash import die
from agents.kafka.stage import Stage, is_cancelled
from agents.kafka.transport import BatchTopic, Consumer, ConsumerThread, Transport
from agents.parts import listener_of
from agents.service import Service
from agents.settings import Settings
from agents.unit_topics import UnitTopics
from pipeline import metrics
from pipeline.control import Shape
from schemas.topics import Topics

CHORES_SECONDS = 0.02

log = logging.getLogger("cem.worker")


class App(faust.App):
    """Faust with our transport. A crash of the app is a crash of the process."""

    def _new_transport(self) -> Any:
        return Transport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Any:
        return Transport(self.conf.broker_producer, self)

    async def crash(self, reason: BaseException) -> None:
        """Faust would shut down in good order, commits included."""
        die("Faust gave up", reason)


class Worker:
    """One worker process: the service, hosted by Faust, and its web server for health and metrics."""

    def __init__(self, settings: Settings, shape: Shape) -> None:
        self.settings = settings
        topics = Topics(settings.prefix)
        self._follower = DirectoryFollower(settings, topics)
        kafka, unit_topics = Cluster(settings, self._thread), UnitTopics(settings, topics)
        self.service = Service(settings, shape, kafka, self._follower, unit_topics.ensure)
        self.health = HealthServer(settings.http_host, settings.http_port, self._why_not_ready, self.service.publish)
        self.app = _new_app(settings)
        self._left = False
        self._connect()

    def _thread(self) -> ConsumerThread:
        thread: ConsumerThread = self.app.consumer._thread
        return thread

    def _connect(self) -> None:
        app = self.app
        for stage in self.service.stages:
            channel = BatchTopic(
                app,
                topics=list(stage.inputs),
                value_type=bytes,
                value_serializer="raw",
                key_serializer="raw",
                acks=False,
            )
            app.agent(channel, name=stage.name)(_agent(stage))
        Consumer.on_assigned = staticmethod(self._assigned)
        app.on_partitions_revoked.connect(self._revoked)
        app.on_before_shutdown.connect(self._before_shutdown)
        app.task(self._start)
        app.task(self._chores)

    async def start(self) -> None:
        """Connects what runs beside Faust. Before Faust, so that it is there when partitions come."""
        await self._follower.start()

    async def _start(self) -> None:
        try:
            await self.health.start()
        except PortError as error:
            die(str(error))

    async def _assigned(self, generation: int, partitions: set[TopicPartition]) -> None:
        metrics.REBALANCES.inc()
        self.service.take_over(generation, partitions)

    async def _revoked(self, *_: Any, **__: Any) -> None:
        """Runs before the group is joined again."""
        try:
            await self.service.give_up()
        except BaseException as error:  # Faust would log it and go on
            die("partitions could not be given up in good order", error)

    async def _before_shutdown(self, *_: Any, **__: Any) -> None:
        """Leaving on SIGTERM sends no revocation."""
        if not self._left:
            self._left = True
            await self._revoked()

    async def _chores(self) -> None:
        """What is to be done many times a second: checkpoints, ticks."""
        try:
            while not self.app.should_stop:
                await self.service.tick()
                await asyncio.sleep(CHORES_SECONDS)
        except BaseException as error:
            if is_cancelled(error):
                raise
            die("chores", error)

    def _why_not_ready(self) -> str | None:
        if self.app.rebalancing:
            return "rebalancing"
        if not self.service.ready:
            return "reading states back"
        if self._thread().lease_seconds() <= 0:
            return "cut off from Kafka"
        return None


def _agent(stage: Stage) -> Callable[[Any], Awaitable[None]]:
    async def work(stream: Any) -> None:
        async for batch in stream:
            await stage.handle(batch)

    return work


def _new_app(settings: Settings) -> App:
    session = settings.session_timeout_seconds
    return App(
        settings.group,
        broker=[f"kafka://{server.strip()}" for server in settings.kafka.split(",")],
        broker_credentials=faust_credentials(settings),
        broker_session_timeout=session,
        broker_heartbeat_interval=session / 5,
        broker_request_timeout=session * 3,
        broker_rebalance_timeout=session * 3,
        broker_max_poll_records=settings.batch_records_max,
        broker_commit_every=10**9,
        consumer_group_instance_id=settings.instance or None,
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=8,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        producer_request_timeout=30.0,
        table_standby_replicas=0,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        store="memory://",
        datadir=f"{tempfile.gettempdir()}/cem-faust-{os.getuid()}",  # Faust wants one; nothing is ever in it
    )


def run(settings: Settings, shape: Shape) -> None:
    """A worker until SIGTERM or Ctrl-C. Ends the process."""
    logs.configure(settings)
    worker = Worker(settings, shape)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(worker.start())
    who = {"group": settings.group, "instance": settings.instance, "stages": settings.stages}
    listener = listener_of(settings)
    log.info("worker starts", extra={**who, "model": listener.model, "taxonomies": ",".join(listener.names)})
    host = worker.app.Worker(
        loglevel=level_number(settings.log_level),
        loop=loop,
        console_port=0,
        quiet=True,  # no banner
        override_logging=False,
        redirect_stdouts=False,
    )
    host.spinner = None  # it would write escape sequences between the lines of the log
    host.execute_from_commandline()
