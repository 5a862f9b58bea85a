"""The enrich agent: input topics -> `cem.events`, `cem.texts`, `cem.unrouted`, `cem.deadletter`.

Moves bytes; what they mean is decided in `pipeline.enrich`.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from agents.directory import DirectoryFollower
from agents.kafka.transaction import Item
from agents.meters import Bounded
from pipeline import metrics
from pipeline.directory import Directory
from pipeline.emission import Emission, Incoming
from pipeline.enrich import Enricher
from pipeline.lane import Lane, Limits
from schemas.codec import Codec, RecordError
from schemas.tick import CONTROL_HEADER, CONTROL_VERSION, Version

LANGUAGES_MAX = 100
"""A network may call a language anything; so many names of languages are counted apart."""

_version_codec = Codec[Version](Version)
_languages = Bounded(LANGUAGES_MAX)

EnsureTopics = Callable[[Directory], Awaitable[None]]


class EnrichProcessor:
    """Works on one partition of one input topic. `ensure_topics` makes the alert topics of units; it is asked before
    anything is said of a unit, in every partition, because nobody knows which of them comes to a new unit first."""

    whole_batches = False

    def __init__(
        self, enricher: Enricher, limits: Limits, follower: DirectoryFollower, ensure_topics: EnsureTopics
    ) -> None:
        self._enricher = enricher
        self._follower = follower
        self._ensure_topics = ensure_topics
        self._lane = Lane(limits)

    def load(self, states: dict[bytes, bytes], data: bytes | None) -> None:
        """See `interfaces.Processor.load`."""
        self._lane.memory.load([(key.decode(), value) for key, value in states.items()])
        if data is not None:
            self._lane.load_position(data)

    async def prepare(self, records: list[Any]) -> None:
        """Waits for the newest version of the directory that these records ask for, and for its units' topics."""
        wanted = max(self._lane.position.version, self._version_in(records))
        await self._follower.reach(wanted)
        await self._ensure_topics(self._follower.at(wanted))

    def _version_in(self, records: list[Any]) -> int:
        return max((_version_of(record) for record in records if record.headers), default=0)

    def process(self, records: list[Any]) -> list[Emission]:
        """See `interfaces.Processor.process`."""
        step, lane = self._enricher.step, self._lane
        out: list[Emission] = []
        for record in records:
            out += step(lane, incoming(record))
        if records:
            count_outcomes(self._enricher, records[0].topic)
        return out

    @property
    def clock_ms(self) -> int:
        """The last tick."""
        return self._lane.position.clock_ms

    def refuse(self, record: Any, deaths: int) -> list[Emission]:
        """See `interfaces.Processor.refuse`."""
        return [refusal(self._enricher, record, deaths)]

    def save(self) -> list[Item]:
        """See `interfaces.Processor.save`."""
        return self._lane.memory.take_dirty()

    def save_position(self) -> bytes:
        """See `interfaces.Processor.save_position`."""
        return self._lane.save_position()


class UnitsProcessor(EnrichProcessor):
    """Works on `cem.units`. Its owner leads: it tells all inputs of new versions, one for each batch."""

    whole_batches = True

    def _version_in(self, records: list[Any]) -> int:
        return int(records[-1].offset) + 1

    def process(self, records: list[Any]) -> list[Emission]:
        """See `interfaces.Processor.process`; then what has changed in the directory."""
        out = super().process(records)
        units = [record for record in records if CONTROL_HEADER not in dict(record.headers)]
        if units:
            changed = {record.key.decode("utf-8", "replace") for record in units if record.key}
            out += self._enricher.directory_changed(self._lane, changed, incoming(units[-1]))
            count_outcomes(self._enricher, units[-1].topic)
        return out


def incoming(record: Any) -> Incoming:
    """A record of aiokafka as the core takes it."""
    return Incoming(
        record.topic, record.partition, record.offset, record.key, record.value, record.headers, record.timestamp
    )


def refusal(enricher: Enricher, record: Any, deaths: int) -> Emission:
    """The dead letter of a record that the process died of."""
    letter = enricher.dead_letter(
        incoming(record), "poison", f"the process died {deaths} times while working on this record", deaths
    )
    count_outcomes(enricher, record.topic)
    return letter


def _version_of(record: Any) -> int:
    if dict(record.headers).get(CONTROL_HEADER) != CONTROL_VERSION:
        return 0
    try:
        return _version_codec.decode(record.value).directory
    except RecordError:
        return 0


def count_outcomes(enricher: Enricher, topic: str) -> None:
    """The core's counts since the last time, all of them of records of one topic -> metrics."""
    for outcome, count in enricher.outcomes.items():
        metrics.ENRICHED.labels(topic, outcome).inc(count)
    enricher.outcomes.clear()
    for language, count in enricher.abstentions.items():
        metrics.ABSTAINED.labels(_languages(language)).inc(count)
    enricher.abstentions.clear()
    for counts, metric in (
        (enricher.dead_letter_reasons, metrics.DEAD_LETTERS),
        (enricher.unrouted_reasons, metrics.UNROUTED),
    ):
        for label, count in counts.items():
            metric.labels(label).inc(count)
        counts.clear()
