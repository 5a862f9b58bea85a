"""What `cem notify` remembers, on `cem.notified`. In: entries that changed, letters about what was given up. Out: all
of them in one transaction; read back, the entries.

The one rule: who starts refuses whoever wrote before, so that two processes never plan for the same recipients
(`agents/kafka/transaction.py`).
"""

from aiokafka import TopicPartition

from agents.kafka.state import read_states
from agents.kafka.transaction import TransactionalWriter
from agents.settings import Settings
from pipeline.emission import Emission
from schemas.codec import Codec, encode
from schemas.notified import Notified
from schemas.topics import Topics

_codec = Codec[Notified](Notified)


class Memory:
    """One process's hold on `cem.notified`."""

    def __init__(self, settings: Settings, topics: Topics) -> None:
        self._settings = settings
        self._partition = TopicPartition(topics("notified"), 0)
        self._writer = TransactionalWriter(settings, self._partition)

    async def start(self) -> list[Notified]:
        """Takes hold of it, then reads it. What is of a newer version ends the process: it would be told twice. Raises
        KafkaError, TimeoutError or RecordError."""
        await self._writer.start()
        states = (await read_states(self._settings, [self._partition]))[self._partition]
        return [_codec.decode(value) for value in states.values()]

    async def stop(self) -> None:
        """Lets go of it."""
        await self._writer.stop()

    async def write(self, entries: list[Notified], letters: list[Emission]) -> None:
        """All of it or nothing. Raises KafkaError or TimeoutError."""
        await self._writer.write(letters, [(key_of(entry), encode(entry)) for entry in entries])


def key_of(entry: Notified) -> bytes:
    """The key of an entry. A recipient's name has no `/` but before an e-mail address, ids of units have none."""
    return f"{entry.recipient}/{entry.alert_id}/{entry.unit_id}".encode()
