"""The processors of all partitions, put together from settings; and what they share.

In: settings and the directory. Out: for any partition that our agents read, what works on it. Stages use them
(`agents/service.py`), and a restore (`agents/restore`).
"""

import tomllib

from aiokafka import TopicPartition

from agents.directory import DirectoryFollower
from agents.enrich import EnrichProcessor, EnsureTopics, UnitsProcessor
from agents.kafka.interfaces import Processor
from agents.meters import Meters
from agents.parts import engine_of, limits_of, understanding_of
from agents.rollup import RollupProcessor
from agents.settings import Settings
from agents.taxonomies import taxonomies_of
from agents.units import UnitsLogProcessor
from pipeline.control import Shape
from pipeline.enrich import Enricher
from pipeline.taxonomy_file import COMMON, shipped, shipped_text
from schemas.topics import Topics


class Processors:
    """`ensure_topics` makes the alert topics of a directory's units."""

    def __init__(
        self, settings: Settings, shape: Shape, follower: DirectoryFollower, ensure_topics: EnsureTopics
    ) -> None:
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

    def of(self, partition: TopicPartition) -> Processor:
        """A new processor for a partition."""
        if partition.topic == self._topics("rollup"):
            return RollupProcessor(self._topics, self._enricher)
        processor: EnrichProcessor | UnitsLogProcessor
        if partition.topic == self._topics("events"):
            processor = UnitsLogProcessor(partition.partition, self._topics, self._engine, self._enricher, self.meters)
        else:
            kind = UnitsProcessor if partition.topic == self._topics("units") else EnrichProcessor
            processor = kind(self._enricher, self._limits, self._follower, self._ensure_topics)
        self.meters.follow(partition, processor)
        return processor


def _departments(settings: Settings) -> set[str]:
    """All that a shipped taxonomy names, or one of the user's. The phrases are not looked at: it would take as long as
    all the rest of the start."""
    texts = [tomllib.loads(shipped_text(name) or "") for name in (*shipped(), COMMON)]
    names = [*(text.get("departments", {}) for text in texts)]
    names += [taxonomy.departments for taxonomy in taxonomies_of(settings.taxonomies).values()]
    return {name for known in names for name in known}
