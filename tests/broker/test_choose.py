"""Which Kafka is used: one that is insisted on, else one that is named, else the embedded one."""

import pytest

from agents.kafka.broker import BrokerError, choose

pytestmark = pytest.mark.broker


def test_named_servers_come_first() -> None:
    """Servers that the settings name are used as they are."""
    with choose(None, "kafka.example:9092") as bootstrap:
        assert bootstrap == "kafka.example:9092"


def test_embedded_can_be_insisted_on() -> None:
    """A kind that is asked for counts more than the settings."""
    with choose("embedded", "kafka.example:9092") as bootstrap:
        assert bootstrap.startswith("127.0.0.1:")


def test_docker_without_an_engine_says_so() -> None:
    """Where no engine runs, asking for Docker ends at once with what to do."""
    if _engine_runs():
        pytest.skip("a Docker engine runs here")

    with pytest.raises(BrokerError, match=r"no Docker engine.*embedded"), choose("docker", None):
        pass


def test_unknown_kind_is_refused() -> None:
    """A misspelt kind names the ones there are."""
    with pytest.raises(BrokerError, match="embedded, docker"), choose("doker", None):
        pass


def _engine_runs() -> bool:
    from docker.errors import DockerException  # type: ignore[import-untyped]
    from testcontainers.core.docker_client import DockerClient

    try:
        return bool(DockerClient().client.ping())
    except DockerException:
        return False
