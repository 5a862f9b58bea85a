"""Writes records for the command line, with kafka-python: in order, acknowledged, or an error.

In: emissions. Out: nothing; `flush` raises WriteError if one of them is not on the broker.
"""

from contextlib import suppress
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from agents.kafka.reach import UnreachableError, connect, sentence
from agents.settings import Settings
from pipeline.emission import Emission

FLUSH_SECONDS_MAX = 60.0


class WriteError(RuntimeError):
    """Something could not be written. The message says what Kafka said."""


class Writer:
    """A context manager; leaving it without an error flushes."""

    def __init__(self, settings: Settings) -> None:
        try:
            self._producer = connect(
                settings,
                KafkaProducer,
                acks="all",
                enable_idempotence=True,
                linger_ms=5,
                max_request_size=8 * 1024 * 1024,
            )
        except UnreachableError as error:
            raise WriteError(str(error)) from None
        self._settings = settings
        self._failed: list[BaseException] = []

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            with suppress(KafkaError):  # it flushes once more; what was not taken was told by `flush`
                self._producer.close(timeout=5)

    def send(self, emission: Emission) -> Any:
        """Hands a record over; gives its future."""
        try:
            future = self._producer.send(
                emission.topic,
                key=emission.key,
                value=emission.value,
                partition=emission.partition,
                headers=list(emission.headers),
            )
        except KafkaError as error:
            raise WriteError(f"{emission.topic}: {sentence(self._settings, error)}") from None
        future.add_errback(self._failed.append)
        return future

    def flush(self) -> None:
        """Waits until everything is on the broker. Raises WriteError."""
        try:
            self._producer.flush(timeout=FLUSH_SECONDS_MAX)
        except KafkaError as error:
            raise WriteError(str(error)) from None
        if self._failed:
            first = sentence(self._settings, self._failed[0])
            raise WriteError(f"{len(self._failed)} records were not taken; the first: {first}")
