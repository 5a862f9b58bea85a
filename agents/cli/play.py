"""Plays a scenario into the running service, watches what comes out, and counts.

In: a scenario and the time to play it in. Out: Played, whose `summary` is what `cem demo --json` prints. The rule: a
record counts as processed only if it was seen again: in the log, among the unrouted, or among the dead letters.
"""

import time
from collections import Counter
from collections.abc import Callable

import msgspec
from kafka import KafkaConsumer, TopicPartition

from agents.cli.live import LiveView
from agents.kafka.client import kafka_python_options
from agents.kafka.progress import Progress
from agents.kafka.units import publish
from agents.kafka.writer import Writer
from agents.settings import Settings
from pipeline.control import Shape
from pipeline.evaluation.incident import Incident
from pipeline.evaluation.scenario import Scenario
from pipeline.sources.timeline import ticked
from schemas.alert import Alert
from schemas.codec import Codec
from schemas.deadletter import DeadLetter
from schemas.event import Event
from schemas.insight import Insight
from schemas.post import Post
from schemas.time import HOUR_MS
from schemas.topics import Topics
from schemas.unrouted import Unrouted

SEND_AT_ONCE = 500
DRAIN_SECONDS_MAX = 300.0
LAG_EVERY_SECONDS = 1.0
POLL_MS = 20
ALERT_WITHIN_MS = HOUR_MS
"""An incident counts as alerted up to an hour after its end."""

_events: Codec[Event] = Codec(Event)
_alerts = Codec[Alert](Alert)
_unrouted = Codec[Unrouted](Unrouted)
_letters = Codec[DeadLetter](DeadLetter)
_posts = Codec[Post](Post)


class Played:
    """What was seen."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self.sent = 0
        self.insights: set[tuple[str, str, str]] = set()
        self.seen: set[str] = set()
        self.opened: dict[str, Alert] = {}
        self.dead_letters = 0
        self.seconds = 0.0

    @property
    def missing(self) -> set[str]:
        """Records that were sent and not seen again."""
        return {_identity(record) for record in self._scenario.records} - self.seen

    @property
    def complete(self) -> bool:
        """Everything was sent and seen again."""
        return self.sent == len(self._scenario.records) and not self.missing

    def alerted(self, incident: Incident) -> bool:
        """Whether an alert was opened on the incident's unit while it lasted, or soon after."""
        return any(
            alert.labels.unit_id == incident.unit_id
            and incident.starts <= alert.starts_at <= incident.ends + ALERT_WITHIN_MS
            for alert in self.opened.values()
        )

    def summary(self) -> dict[str, object]:
        """`posts_in`, `insights`, `alerts` (by unit), `dead_letters`, `incidents_planted`, `incidents_alerted`,
        `seconds` (sending and working)."""
        incidents = self._scenario.incidents
        return {
            "posts_in": self.sent,
            "insights": len(self.insights),
            "alerts": dict(sorted(Counter(alert.labels.unit_id for alert in self.opened.values()).items())),
            "dead_letters": self.dead_letters,
            "incidents_planted": len(incidents),
            "incidents_alerted": sum(map(self.alerted, incidents)),
            "seconds": round(self.seconds, 1),
        }


def _identity(record: msgspec.Struct) -> str:
    return f"{record.network}:{record.id}" if isinstance(record, Post) else f"feedback:{record.id}"  # type: ignore[attr-defined]


class Watch:
    """Reads what the service writes, and tells the view."""

    def __init__(self, settings: Settings, topics: Topics, played: Played, view: LiveView) -> None:
        self._played = played
        self._view = view
        self._take: dict[str, Callable[[bytes], None]] = {
            topics("events"): self._event,
            topics("alerts"): self._alert,
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

    def close(self) -> None:
        """Closes the connection."""
        self._consumer.close()

    def look(self, timeout_ms: int = POLL_MS) -> None:
        """Takes in what has come."""
        for partition, records in self._consumer.poll(timeout_ms=timeout_ms).items():
            take = self._take[partition.topic]
            for record in records:
                if record.value is not None:  # else something unrouted has found its unit
                    take(record.value)
        self._view.refresh()

    def to_the_end(self) -> None:
        """Takes in all that is there."""
        ends = self._consumer.end_offsets(self._partitions)
        while any(self._consumer.position(partition) < end for partition, end in ends.items()):
            self.look()

    def _event(self, value: bytes) -> None:
        event = _events.decode(value)
        if isinstance(event, Insight):
            self._played.seen.add(event.id)
            key = (event.id, event.unit_id, event.kind)
            if key not in self._played.insights:
                self._played.insights.add(key)
                self._view.insight(event)

    def _alert(self, value: bytes) -> None:
        alert = _alerts.decode(value)
        if alert.change == "opened":
            self._played.opened[alert.alert_id] = alert
        self._view.alert(alert)

    def _no_unit(self, value: bytes) -> None:
        self._played.seen.add(_unrouted.decode(value).insight.id)

    def _letter(self, value: bytes) -> None:
        letter = _letters.decode(value)
        self._played.dead_letters += 1
        if letter.bytes is not None:
            self._played.seen.add(_identity(_posts.decode(letter.bytes)))


def play(
    settings: Settings, shape: Shape, scenario: Scenario, view: LiveView, seconds: float, check: Callable[[], None]
) -> Played:
    """Publishes the units, sends the records in `seconds` (0: as fast as it goes), waits until all is worked on.
    `check` is called now and then and may raise."""
    topics = Topics(settings.prefix)
    played = Played(scenario)
    view.note("publishing the units")
    publish(settings, topics, scenario.units)
    watch = Watch(settings, topics, played, view)
    started = time.monotonic()
    try:
        with Writer(settings) as writer, Progress(settings, topics) as progress:
            view.note("playing")
            _send(settings, shape, scenario, writer, watch, progress, view, played, seconds, check)
            writer.flush()
            view.note("everything is sent; waiting until it is worked on")
            deadline = time.monotonic() + DRAIN_SECONDS_MAX
            while any((left := progress.left()).values()) and time.monotonic() < deadline:
                check()
                view.lag(sum(left.values()))
                watch.look(200)
            view.lag(sum(progress.left().values()))
        watch.to_the_end()
        played.seconds = time.monotonic() - started
    finally:
        watch.close()
    return played


def _send(
    settings: Settings,
    shape: Shape,
    scenario: Scenario,
    writer: Writer,
    watch: Watch,
    progress: Progress,
    view: LiveView,
    played: Played,
    seconds: float,
    check: Callable[[], None],
) -> None:
    topics = Topics(settings.prefix)
    inputs = (topics("posts"), topics("feedback"))
    span_ms = scenario.ends - scenario.starts
    started = looked = time.monotonic()
    unsent = 0
    records = iter(scenario.records)
    for emission in ticked(list(scenario.records), topics, shape, settings.tick_ms):
        if emission.topic in inputs and not emission.headers:
            at_ms = next(records).event_time
            while seconds and (at_ms - scenario.starts) / span_ms > (time.monotonic() - started) / seconds:
                watch.look()
            played.sent += 1
            unsent += 1
            if unsent >= (SEND_AT_ONCE if not seconds else 20):
                view.sent(unsent, at_ms)
                unsent = 0
                watch.look(0)
            if time.monotonic() - looked > LAG_EVERY_SECONDS:
                looked = time.monotonic()
                check()
                view.lag(sum(progress.left().values()))
        writer.send(emission)
    view.sent(unsent, scenario.ends)
