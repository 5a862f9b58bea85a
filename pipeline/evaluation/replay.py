"""Replay: history -> alerts, in one process, without Kafka, by the same code as the service.

In: exported records of `cem.events`, or posts and feedback with the units, which become such records first
(`log_of_inputs`). Out: all alert records, in canonical order. The rule: the same log gives the same bytes as the
service gave.
"""

from collections.abc import Iterable, Iterator

from pipeline.control import Shape
from pipeline.directory import Directory
from pipeline.emission import Emission, Incoming
from pipeline.engine import Engine, Output
from pipeline.enrich import Enricher
from pipeline.lane import Lane, Limits
from pipeline.log import Log
from pipeline.sources.timeline import Record, ticked
from pipeline.understanding import Understanding
from schemas.alert import Alert
from schemas.codec import Codec
from schemas.event import Event
from schemas.topics import INPUTS, Topics

event_codec: Codec[Event] = Codec(Event)

_SHAPE = Shape(inputs={Topics()(name): 1 for name in INPUTS}, events=1)


def canonical(alerts: Iterable[Alert]) -> list[Alert]:
    """One order for alerts from wherever: by time, unit, alert, sequence; repeats once."""
    unique = {(alert.alert_id, alert.sequence): alert for alert in alerts}
    return sorted(
        unique.values(), key=lambda alert: (alert.detected_at, alert.labels.unit_id, alert.alert_id, alert.sequence)
    )


def replay_events(events: Iterable[tuple[int, Event]], engine: Engine) -> Iterator[Output]:
    """Records of the log with their partitions, in the order of each partition."""
    logs: dict[int, Log] = {}
    for partition, event in events:
        log = logs.get(partition)
        if log is None:
            log = logs[partition] = Log(engine)
        yield from log.apply(event)


def log_of_inputs(
    emissions: Iterable[Emission], directory: Directory, *, understanding: Understanding, limits: Limits
) -> Iterator[bytes]:
    """The records of `cem.events` that come of what is sent to inputs of one partition; the log has one as well."""
    topics = Topics()
    enricher = Enricher(
        topics=topics, shape=_SHAPE, understanding=understanding, directories=lambda _: directory, limits=limits
    )
    lanes = {topic: Lane(limits) for topic in _SHAPE.inputs}
    offsets = dict.fromkeys(lanes, 0)
    for emission in emissions:
        topic = emission.topic
        record = Incoming(topic, 0, offsets[topic], emission.key, emission.value, emission.headers, 0)
        offsets[topic] += 1
        for out in enricher.step(lanes[topic], record):
            if out.topic == topics("events") and out.value is not None:
                yield out.value


def ticked_inputs(records: list[Record], tick_ms: int) -> Iterator[Emission]:
    """Posts and feedback in order of event time, with ticks, as `log_of_inputs` takes them."""
    return ticked(records, Topics(), _SHAPE, tick_ms)
