"""PostgreSQL and Kafka for the tests of the archive, and an archive of its own for each test."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import msgspec
import psycopg
import pytest
from kafka import KafkaConsumer, TopicPartition

from agents.archive.batch import ARCHIVED
from agents.supervisor import Supervisor
from pipeline.emission import Emission
from tests.archive.world import World
from tests.broker.conftest import Service, embedded, kafka, new_service
from tests.postgres import postgres, postgres_server

__all__ = ["embedded", "kafka", "new_service", "postgres", "postgres_server"]

COMMAND = (sys.executable, "-m", "agents.cli", "archive")
CAUGHT_UP_SECONDS_MAX = 60.0


class Archived:
    """A world on Kafka, a database, and archives between them."""

    def __init__(self, service: Service, dsn: str, stack: ExitStack) -> None:
        self.service = service
        self.dsn = dsn
        self.world = World(service.topics)
        self._stack = stack

    def start(self, **overrides: Any) -> Supervisor:
        """One more archive."""
        settings = msgspec.structs.replace(self.service.settings, **overrides)
        return self._stack.enter_context(Supervisor(settings, COMMAND))

    def send(self, emissions: Iterable[Emission]) -> None:
        """Onto the topics."""
        self.service.send(*emissions)

    def rows(self, query: str, *parameters: object) -> list[Any]:
        """What the database answers."""
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def ends(self) -> dict[tuple[str, int], int]:
        """Where the topics end."""
        consumer = KafkaConsumer(bootstrap_servers=self.service.settings.kafka)
        try:
            names = map(self.service.topics, ARCHIVED)
            partitions = [TopicPartition(name, one) for name in names for one in consumer.partitions_for_topic(name)]
            return {(one.topic, one.partition): end for one, end in consumer.end_offsets(partitions).items()}
        finally:
            consumer.close()

    def catch_up(self, *archives: Supervisor) -> None:
        """Waits until everything that is on the topics now is written; archives that ended are started again."""
        ends, deadline = self.ends(), time.monotonic() + CAUGHT_UP_SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                there = {(topic, number): n for topic, number, n in self.rows(
                    "SELECT topic, partition, next_offset FROM cem.position")}  # fmt: skip
            except psycopg.OperationalError:
                there = {}
            if all(there.get(one, 0) >= end for one, end in ends.items()):
                return
            for archive in archives:
                archive.check()
            time.sleep(0.05)
        logs = "\n".join(archive.log_tail() for archive in archives)
        pytest.fail(f"not everything was written: {there} of {ends}\n{logs}")


NewArchived = Callable[..., Archived]


@pytest.fixture
def new_archived(new_service: Callable[..., Service], postgres_server: Any) -> Iterator[NewArchived]:
    """Makes worlds; `server` where it is not the session's PostgreSQL."""
    with ExitStack() as stack:

        def make(server: Any = None, **overrides: Any) -> Archived:
            dsn = (server or postgres_server).database()
            service = new_service(postgres=dsn, archive_batch_seconds=0.1, **overrides)
            return Archived(service, dsn, stack)

        yield make
