"""The service without its host: stages and what they share, put together from settings.

In: settings, and Kafka as the stages need it. Out: three stages that take partitions over and give them up together.
Faust hosts it (`agents/app.py`), and so does the simulation.
"""

import asyncio
from collections.abc import Collection

from aiokafka import TopicPartition

from agents.directory import DirectoryFollower
from agents.enrich import EnsureTopics
from agents.kafka.interfaces import Kafka
from agents.kafka.stage import Stage
from agents.processors import Processors
from agents.settings import Settings
from agents.ticks import Ticker
from pipeline.control import Shape
from schemas.topics import Topics

BARRIER_SHARE = 2.0
"""Giving partitions up may take this many session time-outs; the group waits three."""

LAG_SECONDS = 2.0
"""How often lag is measured."""


class Service:
    """`ensure_topics` makes the alert topics of a directory's units."""

    def __init__(
        self,
        settings: Settings,
        shape: Shape,
        kafka: Kafka,
        follower: DirectoryFollower,
        ensure_topics: EnsureTopics,
    ) -> None:
        self._settings = settings
        self._topics = topics = Topics(settings.prefix)
        processors = Processors(settings, shape, follower, ensure_topics)
        self.meters = processors.meters
        self._measured_at = 0.0
        self._measuring: asyncio.Task[None] | None = None
        self._ticker = Ticker(settings.tick_ms, shape)
        stages = {"enrich": topics.inputs, "units": (topics("events"),), "rollup": (topics("rollup"),)}
        self.stages = tuple(
            Stage(name, settings, topics, inputs, kafka, processors.of)
            for name, inputs in stages.items()
            if name in settings.stages.split(",")
        )

    @property
    def ready(self) -> bool:
        """All partitions that it owns have their states."""
        return all(stage.ready for stage in self.stages)

    def take_over(self, generation: int, partitions: Collection[TopicPartition]) -> None:
        """Partitions of a new generation of the group."""
        for stage in self.stages:
            stage.take_over(generation, partitions)

    async def give_up(self) -> None:
        """The barrier: finishes, checkpoints and forgets everything, while this worker may still write and commit.
        Raises TimeoutError."""
        async with asyncio.timeout(self._settings.session_timeout_seconds * BARRIER_SHARE):
            await asyncio.gather(*(stage.give_up() for stage in self.stages))
        self.meters.given_up()

    async def _measure_lag(self) -> None:
        for stage in self.stages:
            await stage.measure_lag()

    def publish(self) -> None:
        """What is true now -> metrics."""
        self.meters.publish()
        for stage in self.stages:
            stage.publish()

    async def tick(self) -> None:
        """What is to be done many times a second: checkpoints, and the ticks of the wall clock, which the owner of
        `cem.units` writes."""
        now = asyncio.get_running_loop().time()
        if now - self._measured_at >= LAG_SECONDS and (self._measuring is None or self._measuring.done()):
            self._measured_at = now
            self.publish()
            self._measuring = asyncio.ensure_future(self._measure_lag())
        units = self._topics("units")
        for stage in self.stages:
            if self._settings.clock == "wall" and stage.owns(units, 0):
                stage.emit(units, 0, self._ticker.due())
            await stage.tick()
