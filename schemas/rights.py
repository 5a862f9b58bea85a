"""Who may do what on Kafka: the least rights of each service, of each connector, and of each unit's consumers.

In: the names of the topics, the consumer group of the workers, the ids of units. Out: rights, as Kafka's ACLs know
them. The one rule: everybody has what the tests show that they need, and nothing else; a unit's consumer has its own
topic and its own groups. `agents/kafka/acls.py` brings them to a broker.

A right to read or write implies Kafka's right to see that the topic is there. A service that follows topics without a
consumer group needs no right to one. An idempotent producer needs none but the one to write.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from schemas.topics import INPUTS, Topics

Resource = Literal["topic", "group", "transactional-id", "cluster"]
Operation = Literal["Read", "Write", "Create", "Describe", "DescribeConfigs", "Delete"]

CLUSTER = "kafka-cluster"
"""Kafka's own name for the one cluster there is."""

SERVICES: dict[str, str] = {
    "worker": "`cem run`",
    "web": "`cem web`",
    "notify": "`cem notify`",
    "archive": "`cem archive`",
    "connector-posts": "whatever writes posts",
    "connector-feedback": "whatever writes feedback",
    "operator": "who types `cem topics apply`, `cem units push`, `cem ingest`, `cem doctor` and so on; not `cem acls "
    "apply`, which needs a super user",
}
"""Each has a principal of its own."""


class Right(msgspec.Struct, frozen=True, order=True):
    """`who` is a service, or `unit:<id>`. `prefixed`: whatever begins with `name`."""

    who: str
    resource: Resource
    name: str
    operation: Operation
    prefixed: bool = False


def rights(topics: Topics, group: str, unit_ids: Iterable[str] = ()) -> list[Right]:
    """All rights, those of the services first. `group` is the consumer group of the workers."""
    return [*_services(topics, group), *(right for unit_id in unit_ids for right in unit_rights(topics, unit_id))]


def unit_rights(topics: Topics, unit_id: str) -> Iterator[Right]:
    """A unit's consumers read its topic, in the group `cem.unit.<id>` or in groups whose names begin so and a dot.
    The dot keeps `store-1` out of the groups of `store-17`: no id has one."""
    who, group = f"unit:{unit_id}", f"{topics.prefix}.unit.{unit_id}"
    yield Right(who, "topic", topics.unit_alerts(unit_id), "Read")
    yield Right(who, "group", group, "Read")
    yield Right(who, "group", f"{group}.", "Read", prefixed=True)


def _services(topics: Topics, group: str) -> Iterator[Right]:
    yield from _worker(topics, group)
    followed = ("units", "tokens", "unrouted", "alerts", "rollup", "actions", "cases", "texts")
    yield from _topics("web", "Read", topics, *followed)
    # Actions; and decisions about what found no unit, which go to where the post came from.
    yield from _topics("web", "Write", topics, "actions", "posts", "feedback")
    yield from _notify(topics, group)
    yield from _topics("archive", "Read", topics, "events", "alerts", "cases", "units")
    yield from _topics("archive", "Write", topics, "deadletter")
    yield from _topics("connector-posts", "Write", topics, "posts")
    yield from _topics("connector-feedback", "Write", topics, "feedback")
    yield from _operator(topics, group)


def _worker(topics: Topics, group: str) -> Iterator[Right]:
    """It writes ticks and versions into the inputs, too, and makes the topics of units' alerts."""
    everything, unit_topics = f"{topics.prefix}.", topics.unit_alerts("")
    states = f"{topics.prefix}.state."
    yield Right(
        "worker", "topic", everything, "Describe", prefixed=True
    )  # it looks whether all topics are as they must
    yield from _topics("worker", "Read", topics, *INPUTS, "events", "rollup")
    yield Right("worker", "topic", states, "Read", prefixed=True)
    written = ("deadletter", "unrouted", "labels", "texts", "events", "alerts", "cases", "rollup")
    yield from _topics("worker", "Write", topics, *INPUTS, *written)
    yield Right("worker", "topic", states, "Write", prefixed=True)
    yield Right("worker", "topic", unit_topics, "Write", prefixed=True)
    yield Right("worker", "topic", unit_topics, "Create", prefixed=True)
    yield Right("worker", "group", group, "Read")
    yield Right("worker", "transactional-id", f"{group}-{states}", "Write", prefixed=True)


def _notify(topics: Topics, group: str) -> Iterator[Right]:
    """What it told goes into a transaction of its own; its group has a name of its own."""
    yield from _topics("notify", "Read", topics, "alerts", "units", "notified")
    yield from _topics("notify", "Write", topics, "notified", "deadletter")
    yield Right("notify", "group", topics.notify_group, "Read")
    yield Right("notify", "transactional-id", f"{group}-{topics('notified')}-", "Write", prefixed=True)


def _operator(topics: Topics, group: str) -> Iterator[Right]:
    everything = f"{topics.prefix}."
    operations: tuple[Operation, ...] = ("Read", "Write", "Create", "DescribeConfigs")
    for operation in operations:
        yield Right("operator", "topic", everything, operation, prefixed=True)
    yield Right("operator", "group", group, "Describe")
    yield Right("operator", "group", topics.notify_group, "Describe")
    yield Right("operator", "cluster", CLUSTER, "Describe")


def _topics(who: str, operation: Operation, topics: Topics, *names: str) -> Iterator[Right]:
    for name in names:
        yield Right(who, "topic", topics(name), operation)
