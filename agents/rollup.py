"""The roll-up agent: closed hours from `cem.rollup` into the log of the region or brand that they count for.

Adds where each was read, so that the log can tell repeats; keeps nothing itself.
"""

from typing import Any

import msgspec

from agents.enrich import incoming, refusal
from agents.kafka.transaction import Item
from pipeline.emission import Emission
from pipeline.enrich import Enricher
from schemas.codec import Codec, RecordError, encode
from schemas.event import UnitRollup
from schemas.record import Source
from schemas.topics import Topics

_codec = Codec[UnitRollup](UnitRollup)


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
            rollup = _codec.decode(record.value)
        except RecordError as error:
            return self._enricher.dead_letter(incoming(record), error.reason, error.detail)
        source = Source(topic=record.topic, partition=record.partition, offset=record.offset)
        placed = msgspec.structs.replace(rollup, source=source)
        return Emission(self._events, rollup.unit_id.encode(), encode(placed))

    def refuse(self, record: Any, deaths: int) -> list[Emission]:
        """See `interfaces.Processor.refuse`."""
        return [refusal(self._enricher, record, deaths)]

    def save(self) -> list[Item]:
        """Nothing is kept."""
        return []

    def save_position(self) -> bytes:
        """Nothing is kept."""
        return b""
