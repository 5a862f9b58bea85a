"""Records of a stretch of the topics, made ready to be written in one transaction.

In: records as they were read, partition by partition, in order. Out: a Batch: lines for COPY, what is to be erased, how
far each partition is, dead letters for what is no record. The one rule: of one insight there is at most one line; what
came later in the stretch is folded into it, as if each had been written by itself.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import msgspec
from aiokafka import TopicPartition

from agents.archive.copying import number
from agents.archive.rows import Place, alert_line, case_line, insight_columns, unit_line
from agents.enrich import incoming
from pipeline.emission import Emission
from pipeline.refusal import letter_of
from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.codec import Codec, RecordError
from schemas.event import Event, UnitErasure
from schemas.insight import Insight, Reach
from schemas.tick import CONTROL_HEADER, Tick
from schemas.time import HOUR_MS
from schemas.topics import Topics
from schemas.unit import Unit

ARCHIVED = ("events", "alerts", "cases", "units")
"""The topics that the archive reads."""

_event_codec: Codec[Event] = Codec(Event)
_alert_codec = Codec[Alert](Alert)
_case_codec = Codec[CaseEntry](CaseEntry)
_unit_codec = Codec[Unit](Unit)


class Position(msgspec.Struct):
    """How far a partition is: it went on from `first`, `after` is next; `clock_ms` is its newest tick, -1 for none."""

    first: int
    after: int
    clock_ms: int = -1


class Folded(msgspec.Struct):
    """What a stretch says about one insight. `insight` None: nothing but counters or that it was deleted."""

    insight: Insight | None
    place: Place
    last: Insight
    edited_ms: int | None = None
    deleted_ms: int | None = None
    followers: int | None = None
    reposts: int | None = None
    earlier: Reach = Reach()
    """Counters that came before the insight: they are of a row that was there before, if there is one."""
    known: bool = False
    """It speaks of a row that may be as old as can be: an edit, a delete, a counter."""


class Batch:
    """`add` takes a stretch of a partition; the rest is read by who writes it."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._dead_letters = topics("deadletter")
        self._kinds = {
            topics("events"): self._event,
            topics("alerts"): self._alert,
            topics("cases"): self._case,
            topics("units"): self._unit,
        }
        self._insights: dict[tuple[str, str], Folded] = {}
        self._units: dict[str, Unit | None] = {}
        self.positions: dict[TopicPartition, Position] = {}
        self.alerts: list[str] = []
        self.cases: list[str] = []
        self.erasures: list[tuple[UnitErasure, Place]] = []
        self.letters: list[tuple[str, Emission]] = []
        self.months: defaultdict[str, set[int]] = defaultdict(set)
        """Hours since the epoch in which rows are, by table: which months are needed follows from them."""
        self.records: dict[TopicPartition, list[Any]] = {}

    @property
    def count(self) -> int:
        """How many records it stands for."""
        return sum(map(len, self.records.values()))

    def add(self, partition: TopicPartition, records: list[Any], first: int) -> None:
        """A stretch of a partition that goes on from offset `first`."""
        take = self._kinds[partition.topic]
        position = Position(first, records[-1].offset + 1)
        for record in records:
            try:
                take(record, position)
            except RecordError as error:
                self.refuse(record, error.reason, error.detail)
        self.positions[partition] = position
        self.records[partition] = records

    def refuse(self, record: Any, reason: str, detail: str) -> None:
        """The dead letter of a record."""
        self.letters.append((reason, letter_of(incoming(record), reason, detail, 1, self._dead_letters)))

    def _event(self, record: Any, position: Position) -> None:
        event = _event_codec.decode(record.value)
        if isinstance(event, Insight):
            self._insight(event, Place(record.partition, record.offset))
        elif isinstance(event, Tick):
            position.clock_ms = max(position.clock_ms, int(event.event_time))
        elif isinstance(event, UnitErasure):
            self.erasures.append((event, Place(record.partition, record.offset)))

    def _insight(self, insight: Insight, place: Place) -> None:
        key = (insight.id, insight.unit_id)
        found = self._insights.get(key)
        if insight.kind == "delete":
            if found is None:
                found = self._insights[key] = Folded(None, place, insight, known=True)
            found.deleted_ms, found.last = int(insight.event_time), insight
            return
        if insight.kind == "edit" and insight.sentiment is None:
            if found is None:
                found = self._insights[key] = Folded(None, place, insight, known=True)
            found.followers = _newest(insight.reach.followers, found.followers)
            found.reposts = _newest(insight.reach.reposts, found.reposts)
            return
        edited_ms, known = int(insight.event_time) if insight.kind == "edit" else None, insight.kind == "edit"
        earlier = Reach()
        if found is not None:
            edited_ms, known, earlier = _newest(edited_ms, found.edited_ms), found.known or known, found.earlier
            before = Reach(followers=found.followers, reposts=found.reposts)
            if found.insight is None:
                earlier = _reach(before, earlier)
            else:
                insight = _in_place_of(found.insight, _reach(before, found.insight.reach), insight)
        self._insights[key] = Folded(insight, place, insight, edited_ms=edited_ms, known=known, earlier=earlier)
        self.months["insight"].add(insight.event_time // HOUR_MS)

    def _alert(self, record: Any, _: Position) -> None:
        alert = _alert_codec.decode(record.value)
        self.alerts.append(alert_line(alert, Place(record.partition, record.offset), record.value))
        self.months["alert"].add(alert.detected_at // HOUR_MS)

    def _case(self, record: Any, _: Position) -> None:
        entry = _case_codec.decode(record.value)
        self.cases.append(case_line(entry, Place(record.partition, record.offset)))
        self.months["case_entry"].add(entry.event_time // HOUR_MS)

    def _unit(self, record: Any, _: Position) -> None:
        """What is no unit is left out: the enrich agent reads the same record and writes the dead letter."""
        if dict(record.headers).get(CONTROL_HEADER) is not None or record.key is None:
            return
        unit_id = record.key.decode("utf-8", "replace")
        try:
            unit = None if record.value is None else _unit_codec.decode(record.value)
        except RecordError:
            return
        if unit is None or unit.id == unit_id:
            self._units[unit_id] = unit

    def halves(self) -> Iterator["Batch"]:
        """The same records as two batches, to find the one that cannot be written. Of a single one: nothing."""
        partitions = list(self.records)
        for which in (0, 1):
            half = Batch(self._topics)
            if len(partitions) > 1:
                for partition in partitions[which::2]:
                    half.add(partition, self.records[partition], self.positions[partition].first)
            elif self.count > 1:
                [partition] = partitions
                records, middle = self.records[partition], self.count // 2
                if which == 0:
                    half.add(partition, records[:middle], self.positions[partition].first)
                else:
                    half.add(partition, records[middle:], records[middle - 1].offset + 1)
            yield half

    def without_record(self, reason: str, detail: str) -> "Batch":
        """Of a batch of one record: its dead letter, and the position behind it."""
        [[record]] = self.records.values()
        batch = Batch(self._topics)
        batch.positions = self.positions
        batch.refuse(record, reason, detail)
        return batch

    @cached_property
    def insights(self) -> list[str]:
        """Lines of BATCH_COLUMNS. To be asked for when all is added: then it is made."""
        return list(self._lines())

    def _lines(self) -> Iterator[str]:
        for folded in self._insights.values():
            insight = folded.insight or folded.last
            counted = Reach(followers=folded.followers, reposts=folded.reposts)
            reach = _reach(counted, insight.reach) if folded.insight else counted
            insight = msgspec.structs.replace(insight, reach=reach)
            columns = insight_columns(insight, folded.place, folded.edited_ms, folded.deleted_ms)
            written, known = "t" if folded.insight else "f", "t" if folded.known else "f"
            earlier = f"{number(folded.earlier.followers)}\t{number(folded.earlier.reposts)}"
            yield f"{columns}\t{written}\t{known}\t{earlier}\n"

    def units(self) -> list[str]:
        """Lines of UNIT_COLUMNS."""
        return [unit_line(unit_id, unit) for unit_id, unit in self._units.items()]


def _newest(new: int | None, old: int | None) -> int | None:
    return old if new is None else new


def _reach(new: Reach, old: Reach) -> Reach:
    return Reach(followers=_newest(new.followers, old.followers), reposts=_newest(new.reposts, old.reposts))


def _in_place_of(before: Insight, reach: Reach, after: Insight) -> Insight:
    """What is written again stays in its hour and is of the kind that it was; what is not said again still holds."""
    return msgspec.structs.replace(
        after,
        event_time=before.event_time,
        kind=before.kind,
        first_answer_ms=_newest(after.first_answer_ms, before.first_answer_ms),
        reach=_reach(after.reach, reach),
    )
