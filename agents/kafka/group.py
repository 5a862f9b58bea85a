"""Who works: the members of the consumer group, as Kafka knows them."""

from typing import Any

from kafka.errors import RetriableError


def described(admin: Any, group: str) -> dict[str, Any]:
    """The group as kafka-python's client describes it; empty where nobody has ever worked: groups have no coordinator
    then. Raises KafkaError."""
    try:
        found: dict[str, Any] = admin.describe_groups([group]).get(group, {})
    except RetriableError:
        return {}
    return found
