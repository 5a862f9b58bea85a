"""A real Kafka for the tests of a session, and a service of its own for each test."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.kafka.admin import Admin
from agents.kafka.embedded import EmbeddedKafka
from agents.kafka.progress import Progress
from agents.kafka.reader import read
from agents.kafka.units import publish
from agents.kafka.writer import Writer
from agents.settings import Settings, load
from agents.supervisor import Supervisor
from pipeline.control import Shape
from pipeline.emission import Emission
from pipeline.sources.timeline import Record, in_order, ticked
from schemas.alert import Alert
from schemas.codec import Codec
from schemas.event import Event
from schemas.topics import Topics
from schemas.unit import Unit

AIRLINE = Path(__file__).parents[2].parent / "shared" / "data" / "airline" / "tweets.csv"
DATA = Path(__file__).parents[1] / "data"
KEY = "a key for tests only"
DRAIN_SECONDS_MAX = 120.0

alert_codec = Codec[Alert](Alert)
event_codec: Codec[Event] = Codec(Event)


@pytest.fixture(scope="session")
def embedded() -> Iterator[EmbeddedKafka]:
    """The broker of the session where none is given."""
    with EmbeddedKafka() as broker:
        yield broker


@pytest.fixture
def kafka(request: pytest.FixtureRequest) -> Iterator[str]:
    """Bootstrap servers: CEM_KAFKA if set, else an embedded Kafka; if that ends, its last words are shown."""
    if configured := os.environ.get("CEM_KAFKA"):
        yield configured
        return
    broker: EmbeddedKafka = request.getfixturevalue("embedded")
    yield broker.bootstrap
    assert broker.alive, f"the embedded Kafka is gone; the end of its log:\n{broker.log_tail()}"


class Service:
    """The service under a prefix of its own; workers are started by the test and stopped after it."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self.settings = settings
        self.topics = Topics(settings.prefix)
        self._stack = stack
        with Admin(settings, self.topics) as admin:
            admin.apply()
            self.shape: Shape = admin.shape()

    def worker(self, *command: str, **overrides: Any) -> Supervisor:
        """One more worker; with a `command`, run by that; settings of its own as keywords."""
        more = (command,) if command else ()
        return self._stack.enter_context(Supervisor(msgspec.structs.replace(self.settings, **overrides), *more))

    def publish(self, units: list[Unit]) -> None:
        """Units into the directory."""
        publish(self.settings, self.topics, units)

    def send(self, *emissions: Emission) -> None:
        """Records as they are."""
        with Writer(self.settings) as writer:
            for emission in emissions:
                writer.send(emission)

    def ingest(self, records: list[Record]) -> None:
        """Records in order of event time with the ticks of the data clock."""
        self.send(*ticked(in_order(records), self.topics, self.shape, self.settings.tick_ms))

    def drain(self, *workers: Supervisor) -> None:
        """Waits until everything is worked on; workers that ended are started again meanwhile."""
        with Progress(self.settings, self.topics) as progress:
            for _ in range(int(DRAIN_SECONDS_MAX)):
                if progress.wait(1.0):
                    return
                for worker in workers:
                    worker.check()
            logs = "\n".join(worker.log_tail(60) for worker in workers)
            pytest.fail(f"not everything was worked on: {progress.left()}\n{logs}")

    def records(self, name: str) -> list[Any]:
        """All records of a topic."""
        return list(read(self.settings, self.topics(name)))

    def values(self, name: str, codec: Codec[Any]) -> list[Any]:
        """All records of a topic, decoded; tombstones and control records left out."""
        return [codec.decode(record.value) for record in self.records(name) if record.value is not None]

    def alerts(self) -> list[Alert]:
        """All alert records."""
        return self.values("alerts", alert_codec)


NewService = Callable[..., Service]


@pytest.fixture
def new_service(kafka: str) -> Iterator[NewService]:
    """Makes services; settings as keywords."""
    with ExitStack() as stack:

        def make(**overrides: Any) -> Service:
            prefix = f"t-{secrets.token_hex(4)}"
            given = {
                "kafka": kafka, "prefix": prefix, "group": prefix, "author_key": KEY, "clock": "data", "http_port": 0,
                "input_partitions": 1, "events_partitions": 2, "session_timeout_seconds": 6, **overrides,
            }  # fmt: skip
            return Service(load({}, None, **given).settings, stack)

        yield make
