"""What can be seen of a broker from outside: its topics and records as any client sees them, and its process.

In: an address, a process id. Out: what is there. Every wait is bounded by `PATIENCE_SECONDS`.
"""

import os
import time
from collections.abc import Callable

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

PATIENCE_SECONDS = 60.0


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it becomes so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_gone(pid: int) -> bool:
    """Whether no process has this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def create_topic(bootstrap: str, topic: str) -> None:
    """One with a single partition."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}})
    admin.close()


def topics(bootstrap: str) -> set[str]:
    """The names of all topics."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    names = set(admin.list_topics())
    admin.close()
    return names


def send(bootstrap: str, topic: str, value: bytes) -> None:
    """One record; it is acknowledged."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    producer.send(topic, value).get(timeout=PATIENCE_SECONDS)
    producer.close()


def receive(bootstrap: str, topic: str) -> list[bytes]:
    """Everything in the topic up to a second of silence, read by a new consumer group."""
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=f"reader-{time.time_ns()}",
        auto_offset_reset="earliest",
    )
    values: list[bytes] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not values and time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=1000).values():
            values.extend(record.value for record in records)
    consumer.close()
    return values
