"""The Kafka of the compose file is started from its settings, without Docker, and the one-shot run against it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.kafka.jars import VERSION, distribution
from agents.kafka.node import free_port
from schemas.topics import Topics
from tests.deploy.compose import COMPOSE, KAFKA, ROOT, TOPICS, environment, interpolated

CONTAINER_PORTS = ("9092", "19092", "29093")
READY = "Kafka Server started"
READY_SECONDS_MAX = 60.0


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address and log of a Kafka with the file's settings; other are only its folder, ports, and the name `kafka`."""
    folder = tmp_path_factory.mktemp("kafka")
    own = environment(KAFKA) | {"KAFKA_LOG_DIRS": str(folder / "data")}
    cluster = own.pop("CLUSTER_ID")
    ports = {port: str(free_port()) for port in CONTAINER_PORTS}
    moved = re.compile(r"\b(" + "|".join(ports) + r")\b")
    with (folder / "server.properties").open("w") as properties:
        for name, value in own.items():  # as the image's own script does it
            here = moved.sub(lambda match: ports[match[1]], value.replace("//kafka:", "//localhost:"))
            properties.write(f"{name.removeprefix('KAFKA_').lower().replace('_', '.')}={here}\n")
    log = folder / "log"
    java, config = distribution().java, str(folder / "server.properties")
    with log.open("wb") as out:
        tool = java("kafka.tools.StorageTool", "format", "--cluster-id", cluster, "--config", config)
        subprocess.run(tool, stdout=out, stderr=out, check=True, timeout=READY_SECONDS_MAX)
        server = subprocess.Popen(java("-Xmx512m", "kafka.Kafka", config), stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while READY not in log.read_text(errors="replace"):
            assert server.poll() is None and time.monotonic() < deadline, log.read_text(errors="replace")[-5000:]
            time.sleep(0.1)
        yield f"localhost:{ports['19092']}", log.read_text(errors="replace")
    finally:
        server.kill()
        server.wait()


class TestKafka:
    def test_the_version_that_was_tested(self) -> None:
        """The image's version is that of the Kafka that development and tests run on."""
        assert KAFKA["image"] == f"apache/kafka:{VERSION}"

    def test_the_host_reaches_it_where_it_says(self) -> None:
        """The published port is the one that Kafka tells programs on the host, and only this machine's."""
        [published] = [interpolated(port) for port in KAFKA["ports"]]
        address, host_port, container_port = published.split(":")
        settings = environment(KAFKA)
        assert address == "127.0.0.1"
        assert f"HOST://localhost:{host_port}" in settings["KAFKA_ADVERTISED_LISTENERS"].split(",")
        assert f"HOST://:{container_port}" in settings["KAFKA_LISTENERS"].split(",")

    def test_one_broker_keeps_one_copy(self) -> None:
        """Nothing asks for more copies than there are brokers."""
        copies = {name: value for name, value in environment(KAFKA).items() if "REPLICATION" in name or "ISR" in name}
        assert len(copies) == 6
        assert set(copies.values()) == {"1"} == {TOPICS["environment"]["CEM_REPLICATION_FACTOR"]}

    def test_data_outlive_the_container(self) -> None:
        """Kafka's data lie in a named volume, under a cluster id that a new container has, too."""
        [mount] = KAFKA["volumes"]
        volume, path = mount.split(":")
        assert volume in COMPOSE["volumes"]
        assert environment(KAFKA)["KAFKA_LOG_DIRS"] == path
        assert len(environment(KAFKA)["CLUSTER_ID"]) == 22

    @pytest.mark.broker
    def test_kafka_takes_the_settings(self, kafka: tuple[str, str]) -> None:
        """The Kafka of this version starts with them."""
        assert READY in kafka[1]

    @pytest.mark.broker
    def test_the_one_shot_creates_the_topics(self, kafka: tuple[str, str], tmp_path: Path) -> None:
        """What the one-shot runs, with its settings, in an empty folder, creates all topics; the second time none."""
        own = environment(TOPICS) | {"CEM_KAFKA": kafka[0], "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", "from agents.cli import main; main()", *TOPICS["command"]]
        first, second = (
            subprocess.run(command, cwd=tmp_path, env=own, capture_output=True, text=True) for _ in range(2)
        )
        assert first.stdout.count("created ") == len(Topics().specs), first.stderr
        assert (second.returncode, second.stdout) == (0, "all topics are there\n")
