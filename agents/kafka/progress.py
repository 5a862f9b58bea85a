"""How far the workers are: committed offsets against the ends of what they read.

In: nothing but the broker. Out: records that are left, by topic. All is done when everything is zero, looked at from
the input on: what an agent writes is there before it commits what it read.
"""

import time
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import RetriableError

from agents.kafka.client import kafka_python_options
from agents.settings import Settings
from schemas.topics import CONSUMED, Topics


class Progress:
    """A context manager around two clients of kafka-python."""

    def __init__(self, settings: Settings, topics: Topics) -> None:
        self._group = settings.group
        self._names = [topics(name) for name in CONSUMED]
        self._options = kafka_python_options(settings)
        self._admin: Any = None
        self._consumer: Any = None

    def __enter__(self) -> "Progress":
        self._admin = KafkaAdminClient(**self._options)
        self._consumer = KafkaConsumer(**self._options)
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.close()
        self._consumer.close()

    def left(self) -> dict[str, int]:
        """Records that are not yet worked on and committed, by topic."""
        try:
            committed = self._admin.list_group_offsets({self._group: None}).get(self._group, {})
        except RetriableError:  # the group's coordinator is not there yet
            committed = {}
        done = {partition: found.offset for partition, found in committed.items()}
        left: dict[str, int] = {}
        for name in self._names:
            numbers = self._consumer.partitions_for_topic(name) or ()
            ends = self._consumer.end_offsets([TopicPartition(name, number) for number in numbers])
            left[name] = sum(max(0, end - max(0, done.get(partition, 0))) for partition, end in ends.items())
        return left

    def wait(self, seconds_max: float) -> bool:
        """Waits until nothing is left, twice in a row. False if that takes too long."""
        deadline, quiet = time.monotonic() + seconds_max, 0
        while quiet < 2:
            if time.monotonic() > deadline:
                return False
            quiet = 0 if any(self.left().values()) else quiet + 1
            time.sleep(0.2)
        return True
