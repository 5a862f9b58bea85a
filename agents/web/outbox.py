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
STOP_SECONDS_MAX = 5.0


class Outbox:
    """Connects when it is first needed; again, where Kafka was away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: Any = None
        self._starting = asyncio.Lock()
        self._ending: set[asyncio.Future[None]] = set()

    async def send(self, emission: Emission) -> None:
        """One record. Raises SendError."""
        producer: Any = None
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
            self._let_go(producer)
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

    def _let_go(self, producer: Any) -> None:
        """A producer that has failed once may fail for ever; the next record gets another. One that another record has
        got since then is left alone."""
        if producer is not None and producer is self._producer:
            ending = asyncio.ensure_future(producer.stop())
            self._ending.add(ending)
            ending.add_done_callback(self._ended)
            self._producer = None

    def _ended(self, ending: "asyncio.Future[None]") -> None:
        self._ending.discard(ending)
        if not ending.cancelled():
            ending.exception()

    async def stop(self) -> None:
        """Lets the connection go."""
        self._let_go(self._producer)
        if self._ending:
            await asyncio.wait(self._ending, timeout=STOP_SECONDS_MAX)
        for ending in self._ending:
            ending.cancel()
