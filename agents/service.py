"""The service without its host: stages and what they share, put together from settings.

In: settings, and Kafka as the stages need it. Out: three stages that take partitions over and give them up together.
Faust hosts it (`agents/app.py`), and so does the simulation.
"""

import asyncio
import tomllib
from collections.abc import Callable, Collection

from aiokafka import TopicPartition

from agents.directory import DirectoryFollower
from agents.enrich import EnrichProcessor, EnsureTopics, UnitsProcessor
from agents.kafka.interfaces import Kafka, Processor
from agents.kafka.stage import Stage
from agents.meters import Meters
from agents.parts import engine_of, limits_of, understanding_of
from agents.rollup import RollupProcessor
from agents.settings import Settings
from agents.taxonomies import taxonomies_of
from agents.ticks import Ticker
from agents.units import UnitsLogProcessor
from pipeline.control import Shape
from pipeline.enrich import Enricher
from pipeline.taxonomy_file import COMMON, shipped, shipped_text
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
        self._follower = follower
        self._ensure_topics = ensure_topics
        self._topics = topics = Topics(settings.prefix)
        self._limits = limits_of(settings)
        self._engine = engine_of(settings)
        self._enricher = Enricher(
            topics=topics,
            shape=shape,
            understanding=understanding_of(settings),
            directories=follower.at,
            limits=self._limits,
        )
        self.meters = Meters(
            units_max=settings.metrics_units_max, departments=_departments(settings), wall=settings.clock == "wall"
        )
        self._measured_at = 0.0
        self._measuring: asyncio.Task[None] | None = None
        self._ticker = Ticker(settings.tick_ms, shape)
        stages: dict[str, tuple[tuple[str, ...], Callable[[TopicPartition], Processor]]] = {
            "enrich": (topics.inputs, self._enrich_processor),
            "units": ((topics("events"),), self._units_processor),
            "rollup": ((topics("rollup"),), self._rollup_processor),
        }
        self.stages = tuple(
            Stage(name, settings, topics, inputs, kafka, new_processor)
            for name, (inputs, new_processor) in stages.items()
            if name in settings.stages.split(",")
        )

    def _enrich_processor(self, partition: TopicPartition) -> Processor:
        kind = UnitsProcessor if partition.topic == self._topics("units") else EnrichProcessor
        processor = kind(self._enricher, self._limits, self._follower, self._ensure_topics)
        self.meters.follow(partition, processor)
        return processor

    def _units_processor(self, partition: TopicPartition) -> Processor:
        processor = UnitsLogProcessor(partition.partition, self._topics, self._engine, self._enricher, self.meters)
        self.meters.follow(partition, processor)
        return processor

    def _rollup_processor(self, partition: TopicPartition) -> Processor:
        return RollupProcessor(self._topics, self._enricher)

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


def _departments(settings: Settings) -> set[str]:
    """All that a shipped taxonomy names, or one of the user's. The phrases are not looked at: it would take as long as
    all the rest of the start."""
    texts = [tomllib.loads(shipped_text(name) or "") for name in (*shipped(), COMMON)]
    names = [*(text.get("departments", {}) for text in texts)]
    names += [taxonomy.departments for taxonomy in taxonomies_of(settings.taxonomies).values()]
    return {name for known in names for name in known}
