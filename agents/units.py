"""The unit agent: `cem.events` -> alerts, cases, roll-ups. Moves bytes; what they mean is in `pipeline.log`.

A record of the log was written by our own enrich agent. One that cannot be read is not bad input but a broken
invariant, or a record of a newer version: it is dead-lettered too, so that one record never holds up a partition.
"""

from typing import Any

from agents.enrich import count_outcomes, incoming, refusal
from agents.kafka.transaction import Item
from agents.meters import Meters
from pipeline import metrics
from pipeline.emission import Emission
from pipeline.engine import Engine, Output
from pipeline.enrich import Enricher
from pipeline.log import Log
from schemas.alert import Alert, cloud_event_headers
from schemas.codec import Codec, RecordError, encode
from schemas.event import Event, UnitRollup, UnitSettings, UnitTransfer
from schemas.insight import Insight
from schemas.topics import Topics

_codec: Codec[Event] = Codec(Event)


class UnitsLogProcessor:
    """Works on one partition of the log."""

    whole_batches = False

    def __init__(self, partition: int, topics: Topics, engine: Engine, enricher: Enricher, meters: Meters) -> None:
        self._partition = str(partition)
        self._topics = topics
        self._enricher = enricher
        self._log = Log(engine)
        self._meter = meters.meter(self._log)

    @property
    def clock_ms(self) -> int:
        """The watermark."""
        return self._log.clock.watermark_ms

    def load(self, states: dict[bytes, bytes], data: bytes | None) -> None:
        """See `interfaces.Processor.load`."""
        for value in states.values():
            self._log.load(value)
        if data is not None:
            self._log.load_clock(data)
        self._meter.loaded()

    async def prepare(self, records: list[Any]) -> None:
        """Nothing is needed."""

    def process(self, records: list[Any]) -> list[Emission]:
        """See `interfaces.Processor.process`."""
        out: list[Emission] = []
        for record in records:
            try:
                event = _codec.decode(record.value)
            except RecordError as error:
                out.append(self._enricher.dead_letter(incoming(record), error.reason, error.detail))
                continue
            outputs = self._log.apply(event)
            if isinstance(event, Insight):
                self._meter.insight(event)
            elif isinstance(event, UnitSettings) and event.unit is None:
                self._meter.removed.add(event.unit_id)
            if outputs:
                self._meter.outputs(outputs, event, record.timestamp)
                for output in outputs:
                    out += emissions_of(output, self._topics)
        self._count_log()
        return out

    def refuse(self, record: Any, deaths: int) -> list[Emission]:
        """See `interfaces.Processor.refuse`."""
        return [refusal(self._enricher, record, deaths)]

    def save(self) -> list[Item]:
        """See `interfaces.Processor.save`."""
        return list(self._log.take_dirty())

    def save_position(self) -> bytes:
        """See `interfaces.Processor.save_position`."""
        return self._log.save_clock()

    def _count_log(self) -> None:
        for outcome, count in self._log.outcomes.items():
            metrics.LOG_RECORDS.labels(outcome).inc(count)
        self._log.outcomes.clear()
        if self._enricher.dead_letter_reasons:
            count_outcomes(self._enricher, self._topics("events"))
        watermark = self._log.clock.watermark_ms
        if watermark >= 0:
            metrics.WATERMARK_SECONDS.labels(self._partition).set(watermark / 1000)


def emissions_of(output: Output, topics: Topics) -> list[Emission]:
    """An output of the engine as records. An alert goes to all alerts and to the topic of the unit that it is addressed
    to (its own, or head office where it is confidential), and to those that an escalation has reached. What became of
    it goes the same way."""
    value = encode(output)
    if isinstance(output, Alert):
        headers = tuple(cloud_event_headers(output))
        reader = output.addressed_to or output.labels.unit_id
        return [
            Emission(topics("alerts"), reader.encode(), value, None, headers),
            *[
                Emission(topics.unit_alerts(one), output.alert_id.encode(), value, 0, headers)
                for one in (reader, *output.also_to)
            ],
        ]
    if isinstance(output, UnitRollup | UnitTransfer):
        return [Emission(topics("rollup"), output.unit_id.encode(), value)]
    return [Emission(topics("cases"), (output.addressed_to or output.unit_id).encode(), value)]
