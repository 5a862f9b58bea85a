"""All partitions to one member of the group, the one that came first; the others stand by.

In: the members of a consumer group. Out: an assignment. The one rule: who comes later takes nothing away. One process
is enough, because alerts are rare, and with one a recipient gets one summary of its quiet hours, whatever partitions
the alerts came from.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

VERSION = 0
_BORN = time.time_ns()


class FirstOfAll(AbstractPartitionAssignor):  # type: ignore[misc]
    """See the module's docstring. Each member says when it was started."""

    name = "cem-first"

    @classmethod
    def assign(cls, cluster: Any, members: Mapping[str, Any]) -> dict[str, Any]:
        """Member -> its partitions."""
        first = min(members, key=lambda member: (_born(members[member].user_data), member))
        topics = {topic for member in members.values() for topic in member.subscription}
        everything = [(topic, sorted(cluster.partitions_for_topic(topic) or ())) for topic in sorted(topics)]
        return {
            member: ConsumerProtocolMemberAssignment(VERSION, everything if member == first else [], b"")
            for member in members
        }

    @classmethod
    def metadata(cls, topics: Iterable[str]) -> Any:
        """What a member says of itself."""
        return ConsumerProtocolMemberMetadata(VERSION, list(topics), str(_BORN).encode())

    @classmethod
    def on_assignment(cls, assignment: Any) -> None:
        """Nothing is remembered."""


def _born(user_data: bytes | None) -> int:
    """Who does not say it comes last."""
    return int(user_data) if user_data and user_data.isdigit() else 1 << 63
