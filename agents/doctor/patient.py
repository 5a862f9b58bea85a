"""What is looked at: settings, topics, a clock, and clients of Kafka that are made when they are first needed.

The clock is passed in, so that a test can be an hour off.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property
from typing import Any, Self

from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient

from agents.kafka.reach import connect
from agents.kafka.units import read_units
from agents.settings import Settings
from pipeline.directory import Directory
from schemas.topics import Topics

ANSWER_MS_MAX = 10_000

Clock = Callable[[], int]
"""Gives milliseconds since 1970."""


class Patient:
    """A context manager. `workers` are addresses whose `/ready` is asked."""

    def __init__(self, settings: Settings, clock_ms: Clock, workers: Sequence[str] = ()) -> None:
        self.settings = settings
        self.topics = Topics(settings.prefix)
        self.clock_ms = clock_ms
        self.workers = tuple(workers)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def admin(self) -> Any:
        """kafka-python's client. Raises UnreachableError."""
        client = connect(self.settings, KafkaAdminClient, client_id="cem-doctor", request_timeout_ms=ANSWER_MS_MAX)
        self._stack.callback(client.close)
        return client

    @cached_property
    def consumer(self) -> Any:
        """kafka-python's consumer, without a group. Raises UnreachableError."""
        client: Any = connect(self.settings, KafkaConsumer, enable_auto_commit=False, request_timeout_ms=ANSWER_MS_MAX)
        self._stack.callback(client.close)
        return client

    @cached_property
    def described(self) -> dict[str, dict[str, Any]]:
        """Every topic under the prefix that may be seen, as Kafka describes it. Raises KafkaError."""
        names = [name for name in self.admin.list_topics() if name.startswith(f"{self.topics.prefix}.")]
        return {topic["name"]: topic for topic in self.admin.describe_topics(names)} if names else {}

    @cached_property
    def directory(self) -> Directory:
        """The units as they are on Kafka. Raises ReadError."""
        return read_units(self.settings, self.topics)
