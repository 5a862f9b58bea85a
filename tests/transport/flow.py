"""A consumer without Kafka, and its partitions: their names are aiokafka's and, in `TPS`, Faust's."""

import asyncio
from types import SimpleNamespace
from typing import NamedTuple

from aiokafka import TopicPartition
from faust.types import TP

from agents.kafka.transport import Consumer

PARTITION = TopicPartition("cem.events", 0)
OTHER = TopicPartition("cem.events", 1)
THIRD = TopicPartition("cem.events", 2)
TPS = TP(*PARTITION), TP(*OTHER)


class Record(NamedTuple):
    """What of a record matters here."""

    offset: int


class Flow(Consumer):
    """A consumer without Kafka: it has `TPS`."""

    def __init__(self) -> None:
        self._active_partitions, self._paused_partitions, self._buffered_partitions = set(), set(), set()
        self.can_resume_flow, self.suspend_flow = asyncio.Event(), asyncio.Event()
        self.flow_active = False
        self.app = SimpleNamespace(in_recovery=False)
        self.assigned = set(TPS)

    def assignment(self) -> set[TP]:
        return self.assigned
