"""Which Kafka development and tests run on.

In: a kind to insist on, or None, and the servers that the settings name, or None. Out: a context manager that
yields bootstrap servers, and stops on exit what it started.

The one rule is the order where no kind is given: servers that are named, else the embedded Kafka, which needs
nothing installed. Docker is used only where it is asked for, since an engine that happens to run says nothing
about whether its images are at hand.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from agents.kafka.embedded import EmbeddedKafka

KINDS = ("embedded", "docker")
START_SECONDS_MAX = 120


class BrokerError(Exception):
    """No broker of the wanted kind can be had; the message says why and what to do."""


@contextmanager
def choose(kind: str | None, configured: str | None) -> Iterator[str]:
    """Yield the bootstrap servers of the Kafka to use.

    `kind` is `embedded`, `docker` or None; `configured` is what the caller's settings say (`CEM_KAFKA`), and
    counts only where no kind is given. Raises BrokerError, or EmbeddedKafkaError from the embedded Kafka.
    """
    if kind is None and configured:
        yield configured
    elif kind is None or kind == "embedded":
        with EmbeddedKafka() as broker:
            yield broker.bootstrap
    elif kind == "docker":
        with _docker() as servers:
            yield servers
    else:
        raise BrokerError(f"no kind of broker is called {kind!r}: use one of {', '.join(KINDS)}")


@contextmanager
def _docker() -> Iterator[str]:
    """Yield the servers of a Kafka in a container, set up as the embedded one is."""
    # Here, because they are slow to import and most runs never ask for Docker.
    from docker.errors import DockerException  # type: ignore[import-untyped]
    from testcontainers.core.docker_client import DockerClient

    try:
        from testcontainers.community.kafka import KafkaContainer
    except ImportError:  # an older testcontainers
        from testcontainers.kafka import KafkaContainer

    try:
        DockerClient().client.ping()
    except (DockerException, OSError) as error:
        raise BrokerError(
            f"no Docker engine answers ({error}): start one, or name where it listens in DOCKER_HOST, or use "
            "the embedded Kafka, which needs none"
        ) from error

    # The image that testcontainers tests itself with: its start script does not fit Confluent's 8.0 images.
    container = (
        KafkaContainer()
        .with_kraft()
        .with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
        .with_env("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1")
        .with_env("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1")
    )
    try:
        try:
            container.start(timeout=START_SECONDS_MAX)
        except (DockerException, OSError, RuntimeError) as error:
            raise BrokerError(
                f"Kafka did not start in Docker ({error}): try `docker pull {container.image}`, or use the "
                "embedded Kafka"
            ) from error
        yield container.get_bootstrap_server()
    finally:
        container.stop()
