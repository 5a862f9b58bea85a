"""The way out: emissions -> Kafka, in order for each partition, with nothing left out.

In: emissions of a batch. Out: futures of their acknowledgements. The rule: a send that fails ends the process in the
callback of its future, before anything later can land behind the gap.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from agents.kafka.client import aiokafka_options
from agents.kafka.crash import die
from agents.settings import Settings
from pipeline import metrics
from pipeline.emission import Emission
from schemas.topics import Topics

BATCH_BYTES = 512 * 1024
PENDING_MAX = 64
SEND_SECONDS_MAX = 30.0

Acknowledgement = asyncio.Future[Any]


class Outbox:
    """One idempotent producer for the whole worker. `send` is sequential: two callers do not mix."""

    def __init__(self, settings: Settings, topics: Topics) -> None:
        self._settings = settings
        self._unit_topics = topics.unit_alerts("")
        self._producer: Any = None
        self._widths: dict[str, int] = {}
        self._lock = asyncio.Lock()
        self._pending: set[Acknowledgement] = set()

    async def start(self) -> None:
        """Connects. Raises KafkaError if no broker answers."""
        self._producer = AIOKafkaProducer(
            **aiokafka_options(self._settings), enable_idempotence=True, acks="all", max_batch_size=BATCH_BYTES
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Closes the connections; what is acknowledged is acknowledged."""
        if self._producer is not None:
            await asyncio.wait_for(self._producer.stop(), SEND_SECONDS_MAX)

    async def send(self, emissions: Iterable[Emission]) -> list[Acknowledgement]:
        """Hands everything over to the producer; waits only when too much is under way."""
        async with self._lock:
            groups: dict[tuple[str, int], list[Emission]] = {}
            for emission in emissions:
                partition = emission.partition
                if partition is None:
                    partition = self._partition(emission.key, await self._width(emission.topic))
                groups.setdefault((emission.topic, partition), []).append(emission)
            sent: list[Acknowledgement] = []
            for (topic, partition), group in groups.items():
                sent.extend(await self._send_to(topic, partition, group))
                shown = "unit" if topic.startswith(self._unit_topics) else topic
                metrics.RECORDS_OUT.labels(shown).inc(len(group))
            return sent

    async def _send_to(self, topic: str, partition: int, group: list[Emission]) -> list[Acknowledgement]:
        sent: list[Acknowledgement] = []
        builder = self._producer.create_batch()
        for emission in group:
            record = {
                "key": emission.key,
                "value": emission.value,
                "timestamp": None,
                "headers": list(emission.headers),
            }
            if builder.append(**record) is None:
                sent.append(await self._hand_over(builder, topic, partition))
                builder = self._producer.create_batch()
                builder.append(**record)
        sent.append(await self._hand_over(builder, topic, partition))
        return sent

    async def _hand_over(self, builder: Any, topic: str, partition: int) -> Acknowledgement:
        builder.close()
        while len(self._pending) >= PENDING_MAX:
            await asyncio.wait(self._pending, timeout=SEND_SECONDS_MAX, return_when=asyncio.FIRST_COMPLETED)
        handing = self._producer.send_batch(builder, topic, partition=partition)
        acknowledgement: Acknowledgement = await asyncio.wait_for(handing, SEND_SECONDS_MAX)
        self._pending.add(acknowledgement)
        acknowledgement.add_done_callback(self._settled)
        return acknowledgement

    def _settled(self, acknowledgement: Acknowledgement) -> None:
        self._pending.discard(acknowledgement)
        if acknowledgement.cancelled():
            die("a send was cancelled")
        if (error := acknowledgement.exception()) is not None:
            die(f"a send failed: {error!r}")

    async def _width(self, topic: str) -> int:
        width = self._widths.get(topic)
        if width is None:
            partitions = await asyncio.wait_for(self._producer.partitions_for(topic), SEND_SECONDS_MAX)
            width = self._widths[topic] = len(partitions)
        return width

    @staticmethod
    def _partition(key: bytes | None, width: int) -> int:
        """As Kafka's own clients do it, so that keys sent by others land in the same partition."""
        return 0 if key is None or width == 1 else (murmur2(key) & 0x7FFFFFFF) % width
