"""A rival: negative posts per unit, counted in a loop over confluent-kafka, with nothing between.

In: posts as JSON on `<name>.posts`; the unit is the first handle that a text names. Out: a count per unit in the
compacted topic `<name>.counts`, and a record on `<name>.alerts` at every tenth. The one rule: about once a second the
counts that changed are written, everything is flushed, then the offset is committed: nothing is lost, and what a crash
interrupts is counted again.

    LOOP_KAFKA=127.0.0.1:9092 LOOP_NAME=loop python -m tests.benchmarks.confluent_loop
"""

import os
import re
import signal
import time

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

KAFKA = os.environ.get("LOOP_KAFKA", "127.0.0.1:9092")
NAME = os.environ.get("LOOP_NAME", "loop")
COMMIT_SECONDS = float(os.environ.get("LOOP_COMMIT_SECONDS", "1"))
ALERT_EVERY = 10
NEGATIVE_MAX = -0.05
BATCH_MAX = 1000

analyzer = SentimentIntensityAnalyzer()
mention = re.compile(r"(?<!\w)@(\w+)")


class Loop:
    """Counts, and those that have changed since they were last written."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = read_counts()
        self.changed: set[str] = set()
        self.producer = Producer({"bootstrap.servers": KAFKA, "enable.idempotence": True, "linger.ms": 5})

    def work(self, value: bytes) -> None:
        """One post."""
        post = orjson.loads(value)
        if analyzer.polarity_scores(post["text"])["compound"] > NEGATIVE_MAX:
            return
        found = mention.search(post["text"])
        if found is None:
            return
        unit = found[1]
        total = self.counts[unit] = self.counts.get(unit, 0) + 1
        self.changed.add(unit)
        if total % ALERT_EVERY == 0:
            self.send(f"{NAME}.alerts", unit, orjson.dumps({"unit": unit, "count": total, "post_id": post["id"]}))

    def save(self) -> None:
        """Everything acknowledged when it returns."""
        for unit in self.changed:
            self.send(f"{NAME}.counts", unit, b"%d" % self.counts[unit])
        self.changed.clear()
        self.producer.flush()

    def send(self, topic: str, key: str, value: bytes) -> None:
        """Hands a record over; a failure ends the loop."""
        self.producer.produce(topic, value, key, on_delivery=raise_if_failed)
        self.producer.poll(0)


def raise_if_failed(error: object, _: object) -> None:
    """Called by `poll` and `flush`."""
    if error is not None:
        raise KafkaException(error)


def read_counts() -> dict[str, int]:
    """The counts as they were last written."""
    counts: dict[str, int] = {}
    consumer = Consumer({"bootstrap.servers": KAFKA, "group.id": f"{NAME}-restore", "enable.auto.commit": False})
    partition = TopicPartition(f"{NAME}.counts", 0, OFFSET_BEGINNING)
    _, end = consumer.get_watermark_offsets(partition, timeout=10)
    consumer.assign([partition])
    position = 0
    while position < end:
        for message in consumer.consume(BATCH_MAX, timeout=1.0):
            if message.error():
                raise KafkaException(message.error())
            counts[message.key().decode()] = int(message.value())
            position = message.offset() + 1
    consumer.close()
    return counts


def main() -> None:
    """Until SIGTERM."""
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    loop = Loop()
    consumer = Consumer(
        {
            "bootstrap.servers": KAFKA,
            "group.id": NAME,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([f"{NAME}.posts"])
    saved_at, pending = time.monotonic(), False
    while not stopped:
        for message in consumer.consume(BATCH_MAX, timeout=0.1):
            if message.error():
                raise KafkaException(message.error())
            loop.work(message.value())
            pending = True
        if pending and time.monotonic() - saved_at >= COMMIT_SECONDS:
            loop.save()
            consumer.commit(asynchronous=False)
            saved_at, pending = time.monotonic(), False
    consumer.close()


if __name__ == "__main__":
    main()
