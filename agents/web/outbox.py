"""The way from the console to Kafka: one record at a time, acknowledged, or an error.

In: emissions. Out: nothing, once a record is there. The one rule: idempotent and `acks=all`; what is not acknowledged
in time is told as not sent for sure, and may be sent again, because ids make a repeat harmless.
"""

import asyncio
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from agents.kafka.client import aiokafka_options
from agents.settings import Settings
from agents.web.context import SendError
from pipeline.emission import Emission

SEND_SECONDS_MAX = 10.0


class Outbox:
    """Connects when it is first needed; again, where Kafka was away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: Any = None
        self._starting = asyncio.Lock()

    async def send(self, emission: Emission) -> None:
        """One record. Raises SendError."""
        try:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                producer = await self._connected()
                await producer.send_and_wait(
                    emission.topic,
                    key=emission.key,
                    value=emission.value,
                    partition=emission.partition,
                    headers=list(emission.headers),
                )
        except (KafkaError, OSError, TimeoutError) as error:
            raise SendError(f"{emission.topic}: {error}") from None

    async def _connected(self) -> Any:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(**aiokafka_options(self._settings), enable_idempotence=True, acks="all")
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
        return self._producer

    async def stop(self) -> None:
        """Lets the connection go."""
        if self._producer is not None:
            await self._producer.stop()
