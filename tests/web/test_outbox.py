"""Records on their way from the console: one that fails takes no other with it."""

import asyncio
from typing import Any

import pytest

from agents.settings import Settings
from agents.web import outbox as module
from agents.web.context import SendError
from agents.web.outbox import Outbox
from pipeline.emission import Emission


class Producer:
    """aiokafka's producer: the first one of a test hangs for as long as each record wants, later ones work."""

    made: list["Producer"] = []

    def __init__(self, **_: Any) -> None:
        self.hangs = not self.made
        self.stopped = False
        self.made.append(self)

    async def start(self) -> None:
        """At once."""

    async def stop(self) -> None:
        """At once."""
        self.stopped = True

    async def send_and_wait(self, _: str, *, value: bytes, **__: Any) -> None:
        """`value`: after so many seconds Kafka says that it did not work."""
        if self.hangs:
            await asyncio.sleep(float(value))
            raise TimeoutError


def test_a_producer_that_others_have_got_since_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two records fail with the old one; the second must not end the new one, with which a third is on its way."""
    monkeypatch.setattr(module, "AIOKafkaProducer", Producer)
    monkeypatch.setattr(Producer, "made", [])

    async def run() -> None:
        outbox = Outbox(Settings())
        slow = asyncio.create_task(outbox.send(Emission("cem.actions", b"k", b"0.05")))
        with pytest.raises(SendError):
            await outbox.send(Emission("cem.actions", b"k", b"0.001"))
        await outbox.send(Emission("cem.actions", b"k", b"0"))
        with pytest.raises(SendError):
            await slow
        assert [True, False] == [one.stopped for one in Producer.made]
        await outbox.stop()
        assert [True, True] == [one.stopped for one in Producer.made]

    asyncio.run(run())
