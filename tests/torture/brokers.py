"""Brokers that can be killed and come back: one, or three with all replicas in step.

In: how many. Out: bootstrap servers, and the means to hurt them. The rule: what is started here ends with us.
"""

import shutil
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, Self

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from agents.kafka.embedded import EmbeddedKafka
from agents.kafka.guard import Guard
from agents.kafka.jars import Distribution, distribution
from agents.kafka.node import BROKER, HOST, free_port, new_id, node_settings, write_properties

CLEANER = {"log.cleaner.backoff.ms": "500", "log.retention.check.interval.ms": "1000"}
"""So that compaction happens while we look."""
START_SECONDS_MAX = 90.0
HEAP_MIB = 512


class Brokers(Protocol):
    """What the wreckers need."""

    @property
    def bootstrap(self) -> str:
        """Servers for clients."""
        ...

    def kill(self) -> None:
        """SIGKILL to the only broker, or to the one that leads most."""
        ...

    def revive(self) -> None:
        """Starts again what was killed; with the same data, at the same port."""
        ...

    def whole(self) -> bool:
        """Whether everything is there again, so that the next may die."""
        ...


class One(EmbeddedKafka):
    """A single broker."""

    def __init__(self, data: Path | None = None) -> None:
        super().__init__(data=data, properties=CLEANER)

    def revive(self) -> None:
        """See `Brokers`."""
        self.start(START_SECONDS_MAX)

    def whole(self) -> bool:
        """See `Brokers`."""
        return self.alive


class Three:
    """Three brokers, each a controller too; topics have three replicas, two of which must be in step. A context
    manager."""

    def __init__(self) -> None:
        self._folders: list[Path] = []
        self._ports: list[int] = []
        while len(self._ports) < 6:
            port = free_port()
            if port not in self._ports:
                self._ports.append(port)
        self._guards: list[Guard] = []
        self._down: list[int] = []

    @property
    def bootstrap(self) -> str:
        """See `Brokers`."""
        return ",".join(f"{HOST}:{port}" for port in self._ports[:3])

    def __enter__(self) -> Self:
        try:
            kafka, cluster = distribution(), new_id()
            for number in range(3):
                self._guards.append(self._node(kafka, cluster, number))
            for number in range(3):
                self._guards[number].ask("start")
            self._wait_for(3)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for guard in self._guards:
            with suppress(Exception):
                guard.ask("kill")
            guard.stop()

    def kill(self) -> None:
        """See `Brokers`."""
        node = self.leader()
        self._guards[node].ask("kill")
        self._down.append(node)

    def revive(self) -> None:
        """See `Brokers`."""
        for node in self._down:
            self._guards[node].ask("start")
        self._down.clear()

    def whole(self) -> bool:
        """See `Brokers`: all replicas are in step."""
        try:
            topics = self._topics()
        except (KafkaError, OSError):
            return False
        return all(len(part["isr_nodes"]) == 3 for topic in topics for part in topic["partitions"])

    def leader(self) -> int:
        """The node that leads most partitions. One that has just come back may refuse to say."""
        led: Counter[int] = Counter()
        deadline = time.monotonic() + START_SECONDS_MAX
        while not led:
            try:
                for topic in self._topics():
                    led.update(partition["leader_id"] for partition in topic["partitions"])
            except (KafkaError, OSError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)
        return led.most_common(1)[0][0] - 1

    def _topics(self) -> list[dict[str, Any]]:
        client = KafkaAdminClient(bootstrap_servers=self.bootstrap.split(","))
        try:
            described: list[dict[str, Any]] = client.describe_topics(client.list_topics())
            return described
        finally:
            client.close()

    def _wait_for(self, count: int) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            with suppress(KafkaError, OSError):
                client = KafkaAdminClient(bootstrap_servers=self.bootstrap.split(","))
                try:
                    if len(client.describe_cluster()["brokers"]) >= count:
                        return
                finally:
                    client.close()
            time.sleep(0.3)
        logs = "\n".join((folder / "server.log").read_text()[-2000:] for folder in self._folders)
        raise TimeoutError(f"the three brokers did not start:\n{logs}")

    def _node(self, kafka: Distribution, cluster: str, number: int) -> Guard:
        """A formatted folder and the guard over it."""
        folder = Path(tempfile.mkdtemp(prefix=f"cem-kafka-{number}-"))
        self._folders.append(folder)
        topics, scratch = folder / "topics", folder / "tmp"
        topics.mkdir(parents=True)
        scratch.mkdir()
        shutil.copyfile(kafka.checkpoint, topics / kafka.checkpoint.name)
        marker = {"version": "1", "cluster.id": cluster, "node.id": str(number + 1), "directory.id": new_id()}
        write_properties(topics / "meta.properties", marker)
        write_properties(folder / "server.properties", self._settings(folder, number))
        java = kafka.java(
            f"-Xmx{HEAP_MIB}m", f"-Djava.io.tmpdir={scratch}", "kafka.Kafka", str(folder / "server.properties")
        )
        return Guard(java, folder / "server.log", folder)

    def _settings(self, folder: Path, number: int) -> dict[str, str]:
        voters = ",".join(f"{node + 1}@{HOST}:{self._ports[3 + node]}" for node in range(3))
        port, controller = self._ports[number], self._ports[3 + number]
        return {
            **BROKER,
            **node_settings(folder, port, controller),
            **CLEANER,
            "node.id": str(number + 1),
            "controller.quorum.voters": voters,
            "min.insync.replicas": "2",
            "offsets.topic.replication.factor": "3",
            "transaction.state.log.replication.factor": "3",
            "transaction.state.log.min.isr": "2",
            "share.coordinator.state.topic.replication.factor": "3",
            "share.coordinator.state.topic.min.isr": "2",
        }
