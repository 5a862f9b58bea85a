"""Who works: the members of the consumer group, as Kafka knows them."""

import time
from typing import Any

from kafka.errors import CoordinatorNotAvailableError, RetriableError

ANSWER_SECONDS_MAX = 10.0
AGAIN_SECONDS = 0.2


def described(admin: Any, group: str) -> dict[str, Any]:
    """The group as kafka-python's client describes it; empty where nobody has ever worked: groups have no coordinator
    then. A coordinator that is just beginning is waited for: that it says nothing does not mean that nobody works.
    Raises KafkaError."""
    until = time.monotonic() + ANSWER_SECONDS_MAX
    while True:
        try:
            found: dict[str, Any] = admin.describe_groups([group]).get(group, {})
            return found
        except CoordinatorNotAvailableError:
            return {}
        except RetriableError:
            if time.monotonic() > until:
                raise
        time.sleep(AGAIN_SECONDS)
