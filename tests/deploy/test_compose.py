"""The compose file starts what the service is: a Kafka that takes its settings, topics, and workers with few rights.

In: `docker-compose.kafka.yml`. Out: verdicts. The one rule: what Docker would do is done without it as far as that
goes: the Kafka of the file is started from its settings, and the one-shot run against it.
"""

import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from agents.cli import main
from agents.kafka.embedded import PORTS, VERSION, distribution
from agents.service import BARRIER_SHARE
from agents.settings import Settings, load
from schemas.topics import Topics

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.kafka.yml"
TEXT = FILE.read_text()
COMPOSE = yaml.safe_load(TEXT)
KAFKA, TOPICS, WORKER = (COMPOSE["services"][name] for name in ("kafka", "topics", "worker"))
KEY = "a-key-of-sixteen-or-more"
CONTAINER_PORTS = ("9092", "19092", "29093")
READY = "Kafka Server started"
READY_SECONDS_MAX = 60.0


def interpolated(value: str) -> str:
    """A value as compose sets it where no variable is set but the key."""
    return re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda m: KEY if m[1] == "CEM_AUTHOR_KEY" else m[2], value)


def environment(service: dict[str, Any]) -> dict[str, str]:
    return {name: interpolated(value) for name, value in service["environment"].items() if value is not None}


def seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


def free_port() -> int:
    """A port that nobody holds now; below those of outgoing connections, as for the embedded Kafka."""
    for port in random.sample(PORTS, 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError(f"no free port found in {PORTS}")


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


class TestSettings:
    def test_every_variable_is_a_setting(self) -> None:
        """No CEM_ variable in the file, set, passed on or mentioned, is one that the service does not know."""
        known = {f"CEM_{name.upper()}" for name in Settings.__struct_fields__} | {"CEM_CONFIG"}
        assert set(re.findall(r"\bCEM_[A-Z_]+", TEXT)) <= known

    @pytest.mark.parametrize("service", [TOPICS, WORKER])
    def test_the_settings_are_valid(self, service: dict[str, Any]) -> None:
        """`cem` takes the values, and finds Kafka where the file puts it."""
        settings = load(environment(service)).settings
        listeners = environment(KAFKA)["KAFKA_ADVERTISED_LISTENERS"].split(",")
        assert settings.kafka in [listener.partition("://")[2] for listener in listeners]

    def test_the_topics_are_those_of_the_workers(self) -> None:
        """What decides how topics are called and shaped is the same for who creates and who uses them."""
        shaping = {f"CEM_{name}" for name in ("KAFKA", "PREFIX", "INPUT_PARTITIONS", "EVENTS_PARTITIONS")}
        shaping.add("CEM_REPLICATION_FACTOR")
        assert shaping <= TOPICS["environment"].keys()
        assert {name: WORKER["environment"][name] for name in shaping} == {
            name: TOPICS["environment"][name] for name in shaping
        }

    def test_a_key_must_be_given(self) -> None:
        """Without a secret key nothing starts, and compose says what to do; there is no default to forget about."""
        assert re.fullmatch(r"\$\{CEM_AUTHOR_KEY:\?set CEM_AUTHOR_KEY .+\}", WORKER["environment"]["CEM_AUTHOR_KEY"])

    @pytest.mark.parametrize("service", [TOPICS, WORKER])
    def test_the_commands_are_there(self, service: dict[str, Any]) -> None:
        """What the containers run is a command of `cem`."""
        assert CliRunner().invoke(main, [*service["command"], "--help"]).exit_code == 0


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


class TestRights:
    @pytest.mark.parametrize("service", [TOPICS, WORKER])
    def test_few_rights(self, service: dict[str, Any]) -> None:
        """A container of ours is not root (the image's user holds), gains no rights and writes nothing but /tmp."""
        assert service["build"] == {"context": ".", "dockerfile": "deploy/Dockerfile"}
        assert (ROOT / service["build"]["dockerfile"]).exists()
        assert service.keys().isdisjoint({"user", "privileged", "cap_add", "volumes", "network_mode", "pid"})
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["read_only"] is True
        assert [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"]

    def test_nothing_is_published_beyond_this_machine(self) -> None:
        """Whoever wants to reach it from elsewhere must say so."""
        ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
        assert len(ports) == 2
        assert all(port.startswith("127.0.0.1:") for port in ports)


class TestWorkers:
    def test_many_do_not_collide(self) -> None:
        """`--scale worker=3` works: no fixed name, and each worker gets a free port of the host."""
        assert "container_name" not in WORKER
        assert WORKER["ports"] == [f"127.0.0.1::{Settings().http_port}"]

    def test_they_start_when_they_can_work(self) -> None:
        """Kafka answers, then the topics are there, then the workers start."""
        assert TOPICS["depends_on"] == {"kafka": {"condition": "service_healthy"}}
        assert WORKER["depends_on"]["topics"] == {"condition": "service_completed_successfully"}
        assert "test" in KAFKA["healthcheck"]

    def test_they_are_started_again(self) -> None:
        """A worker that ends itself comes back; the one-shot that has ended does not."""
        assert WORKER["restart"] == "unless-stopped"
        assert "restart" not in TOPICS

    def test_they_have_time_to_give_up_their_partitions(self) -> None:
        """Stopping waits longer than the barrier may take, so that no alert is sent twice for it."""
        barrier_seconds = Settings().session_timeout_seconds * BARRIER_SHARE
        assert seconds(WORKER["stop_grace_period"]) >= barrier_seconds * 1.5

    def test_they_answer_outside_their_container(self) -> None:
        """/metrics, /live and /ready listen where the published port leads."""
        assert WORKER["environment"]["CEM_HTTP_HOST"] == "0.0.0.0"


class TestClient:
    @pytest.fixture(scope="class")
    def client(self) -> list[str]:
        """The client's command that checks and prints the file; it needs no engine."""
        compose = ["docker", "compose"]
        if shutil.which("docker") is None or subprocess.run([*compose, "version"], capture_output=True).returncode:
            pytest.skip("no docker compose client is installed; the file's structure is checked by the other tests")
        return [*compose, "-f", str(FILE), "config"]

    def test_the_client_takes_the_file(self, client: list[str]) -> None:
        """docker compose itself finds nothing wrong in it."""
        done = subprocess.run(client, env=os.environ | {"CEM_AUTHOR_KEY": KEY}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def test_the_client_asks_for_the_key(self, client: list[str]) -> None:
        """docker compose refuses to start without the key and says what to set."""
        without = {name: value for name, value in os.environ.items() if name != "CEM_AUTHOR_KEY"}
        done = subprocess.run(client, env=without, capture_output=True, text=True)
        assert done.returncode != 0
        assert "set CEM_AUTHOR_KEY to at least 16 secret characters" in done.stderr
