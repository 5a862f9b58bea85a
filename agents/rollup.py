"""The roll-up agent: what the log of one unit says to that of another, from `cem.rollup`: closed hours for the region
or brand that they count for, cases that were rerouted.

Adds where each was read, so that the log can tell repeats; keeps nothing itself.
"""

from typing import Any

import msgspec

from agents.enrich import count_outcomes, incoming, refusal
from agents.kafka.transaction import Item
from pipeline.emission import Emission
from pipeline.enrich import Enricher
from schemas.codec import Codec, RecordError, encode
from schemas.event import Between
from schemas.record import Source
from schemas.topics import Topics

_codec: Codec[Between] = Codec(Between)


class RollupProcessor:
    """Works on one partition of `cem.rollup`."""

    whole_batches = False

    def __init__(self, topics: Topics, enricher: Enricher) -> None:
        self._events = topics("events")
        self._enricher = enricher

    def load(self, states: dict[bytes, bytes], data: bytes | None) -> None:
        """Nothing is kept."""

    async def prepare(self, records: list[Any]) -> None:
        """Nothing is needed."""

    def process(self, records: list[Any]) -> list[Emission]:
        """See `interfaces.Processor.process`."""
        return [self._forward(record) for record in records]

    def _forward(self, record: Any) -> Emission:
        try:
            said = _codec.decode(record.value)
        except RecordError as error:
            letter = self._enricher.dead_letter(incoming(record), error.reason, error.detail)
            count_outcomes(self._enricher, record.topic)
            return letter
        source = Source(topic=record.topic, partition=record.partition, offset=record.offset)
        placed = msgspec.structs.replace(said, source=source)
        return Emission(self._events, said.unit_id.encode(), encode(placed))

    def refuse(self, record: Any, deaths: int) -> list[Emission]:
        """See `interfaces.Processor.refuse`."""
        return [refusal(self._enricher, record, deaths)]

    def save(self) -> list[Item]:
        """Nothing is kept."""
        return []

    def save_position(self) -> bytes:
        """Nothing is kept."""
        return b""
