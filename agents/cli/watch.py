"""Reads what the service writes while a scenario is played, and tells the picture and the summary.

In: the log, alerts, answers, unrouted, dead letters. Out: Played, filled; how far the log is in stream time; alerts
that nobody has taken notice of yet.
"""

import time
from collections.abc import Callable
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from agents.cli.live import LiveView
from agents.cli.played import Played, identity
from agents.kafka.client import kafka_python_options
from agents.settings import Settings
from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.codec import Codec
from schemas.deadletter import DeadLetter
from schemas.event import Event
from schemas.insight import Insight
from schemas.post import Post
from schemas.tick import Tick
from schemas.topics import Topics
from schemas.unrouted import Unrouted

POLL_MS = 20

_events: Codec[Event] = Codec(Event)
_alerts = Codec[Alert](Alert)
_cases = Codec[CaseEntry](CaseEntry)
_unrouted = Codec[Unrouted](Unrouted)
_letters = Codec[DeadLetter](DeadLetter)
_posts = Codec[Post](Post)


class Watch:
    """`news`: alerts that were opened, until somebody takes them out. `sources`: how many partitions of inputs tick."""

    def __init__(self, settings: Settings, topics: Topics, played: Played, view: LiveView, sources: int) -> None:
        self.news: list[Alert] = []
        self._played = played
        self._view = view
        self._ticks: dict[tuple[int, str], int] = {}
        self._take: dict[str, Callable[[Any], None]] = {
            topics("events"): self._event,
            topics("alerts"): self._alert,
            topics("cases"): self._entry,
            topics("unrouted"): self._no_unit,
            topics("deadletter"): self._letter,
        }
        self._consumer = KafkaConsumer(
            **kafka_python_options(settings), enable_auto_commit=False, auto_offset_reset="earliest"
        )
        self._partitions = [
            TopicPartition(name, number) for name in self._take for number in self._consumer.partitions_for_topic(name)
        ]
        self._consumer.assign(self._partitions)
        self._ticking = sources * sum(partition.topic == topics("events") for partition in self._partitions)

    def close(self) -> None:
        """Closes the connection."""
        self._consumer.close()

    @property
    def clock_ms(self) -> int:
        """The stream time up to which the log has everything, -1 before the first ticks."""
        return min(self._ticks.values()) if len(self._ticks) >= self._ticking else -1

    def look(self, timeout_ms: int = POLL_MS) -> None:
        """Takes in what has come."""
        for partition, records in self._consumer.poll(timeout_ms=timeout_ms).items():
            take = self._take[partition.topic]
            for record in records:
                if record.value is not None:  # else something unrouted has found its unit
                    take(record)
        self._view.refresh()

    def until(self, reached: Callable[[], bool], seconds_max: float) -> bool:
        """Looks on until it is so. False if that takes too long."""
        deadline = time.monotonic() + seconds_max
        while not reached():
            if time.monotonic() > deadline:
                return False
            self.look()
        return True

    def to_the_end(self) -> None:
        """Takes in all that is there."""
        ends = self._consumer.end_offsets(self._partitions)
        while any(self._consumer.position(partition) < end for partition, end in ends.items()):
            self.look()

    def _event(self, record: Any) -> None:
        event = _events.decode(record.value)
        if isinstance(event, Insight):
            if self._played.insight(event):
                self._view.insight(event)
        elif isinstance(event, Tick):
            key = (record.partition, event.source)
            self._ticks[key] = max(self._ticks.get(key, -1), event.event_time)

    def _alert(self, record: Any) -> None:
        alert = _alerts.decode(record.value)
        if self._played.alert(alert):
            self.news.append(alert)
        self._view.alert(alert)

    def _entry(self, record: Any) -> None:
        self._played.answer(_cases.decode(record.value))

    def _no_unit(self, record: Any) -> None:
        self._played.seen.add(_unrouted.decode(record.value).insight.id)

    def _letter(self, record: Any) -> None:
        letter = _letters.decode(record.value)
        self._played.dead_letters += 1
        if letter.bytes is not None:
            self._played.seen.add(identity(_posts.decode(letter.bytes)))
