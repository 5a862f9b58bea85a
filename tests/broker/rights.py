"""Who there is on a Kafka that checks, and trying what one of them may do.

In: `SecuredKafka`, the name of somebody in the matrix. Out: his settings; whether he may read, write or join a group.
The one rule: the matrix is written down here by hand, not taken from the code that makes the rights.
"""

from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import (
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.errors import AuthorizationError

from agents.kafka.client import kafka_python_options
from agents.settings import Settings, load
from schemas.topics import INPUTS, TOPIC_NAMES, Topics
from tests.broker.conftest import KEY
from tests.broker.secured import SecuredKafka

UNITS = ("store-17", "store-1")
UNIT_TOPICS = tuple(f"alerts.unit.{unit_id}" for unit_id in UNITS)
TOPICS = Topics("cem")
TRIED = (*(name for name in TOPIC_NAMES if not name.startswith("state.")), "state.events", *UNIT_TOPICS)

WRITTEN = {*INPUTS, "deadletter", "unrouted", "labels", "texts", "events", "alerts", "cases", "rollup"}
MATRIX: dict[str, tuple[set[str], set[str]]] = {
    "worker": ({*INPUTS, "events", "rollup", "state.events"}, {*WRITTEN, "state.events", *UNIT_TOPICS}),
    "web": (
        {"alerts", "cases", "texts", "unrouted", "units", "rollup", "tokens", "actions"},
        {"actions", "posts", "feedback"},
    ),
    "notify": ({"alerts", "units", "notified"}, {"notified", "deadletter"}),
    "archive": ({"events", "alerts", "cases", "units"}, {"deadletter"}),
    "connector-posts": (set(), {"posts"}),
    "connector-feedback": (set(), {"feedback"}),
    "operator": ({*TRIED}, {*TRIED}),
    "unit:store-17": ({"alerts.unit.store-17"}, set()),
    "unit:store-1": ({"alerts.unit.store-1"}, set()),
}
"""Who reads what, and who writes what; everything else is refused."""


def user_of(who: str) -> str:
    """As the default principals are called."""
    return f"unit-{who.removeprefix('unit:')}" if who.startswith("unit:") else f"cem-{who}"


def settings(**overrides: Any) -> Settings:
    """Of a service under the default names."""
    given = {
        "author_key": KEY, "clock": "data", "http_port": 0, "input_partitions": 1, "events_partitions": 1,
        "session_timeout_seconds": 6, **overrides,
    }  # fmt: skip
    return load({}, None, **given).settings


def as_user(secured: SecuredKafka, who: str, protocol: str = "SASL_PLAINTEXT") -> Settings:
    """Settings of somebody in the matrix."""
    return settings(**secured.settings_of(user_of(who), protocol))


def readable(consumer: Any, topic: str) -> bool:
    """Whether a fetch is allowed."""
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek(partition, 0)
    try:
        for _ in range(100):
            if consumer.poll(timeout_ms=200):
                return True
    except AuthorizationError:
        return False
    raise AssertionError(f"{topic}: neither allowed nor refused")


def writable(producer: Any, topic: str) -> bool:
    """Whether a record is taken."""
    try:
        producer.send(topic, key=b"tried", value=b"{}").get(timeout=20)
    except AuthorizationError:
        return False
    return True


def join(options: dict[str, Any], topic: str, group: str) -> list[Any]:
    """What a consumer of this group sees. Raises AuthorizationError."""
    consumer = KafkaConsumer(topic, **options, group_id=group, auto_offset_reset="earliest", session_timeout_ms=6000)
    try:
        for _ in range(60):
            if found := consumer.poll(timeout_ms=250):
                return [record for records in found.values() for record in records]
        return []
    finally:
        consumer.close(autocommit=False)


class KafkaProducerOf:
    """A producer for a `with` block."""

    def __init__(self, settings: Settings) -> None:
        self._producer = KafkaProducer(**kafka_python_options(settings))

    def __enter__(self) -> Any:
        return self._producer

    def __exit__(self, *_: object) -> None:
        self._producer.close()


def principals(secured: SecuredKafka) -> set[str]:
    """Who has an ACL for a topic under the default prefix."""
    every = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    found, _ = secured.admin.describe_acls(ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, every))
    return {acl.principal for acl in found if acl.resource_pattern.resource_name.startswith("cem.")}


def environment(given: dict[str, str]) -> dict[str, str]:
    """Settings as variables."""
    return {f"CEM_{name.upper()}": value for name, value in given.items()}
