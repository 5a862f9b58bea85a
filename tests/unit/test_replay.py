"""A replay gives the bytes that the service gave: from the inputs, and from the log that came of them."""

import zlib
from functools import cache

from pipeline.control import Shape
from pipeline.directory import Directory
from pipeline.emission import Incoming
from pipeline.engine import Engine, outputs_of
from pipeline.enrich import Enricher
from pipeline.evaluation.replay import canonical, event_codec, log_of_inputs, replay_events, ticked_inputs
from pipeline.evaluation.scenario import Scenario, generate
from pipeline.lane import Lane, Limits
from pipeline.saying import Listener
from pipeline.sentiment.vader import VaderScorer
from pipeline.sources.timeline import ticked
from pipeline.text.pseudonym import Pseudonyms
from pipeline.understanding import Understanding
from schemas.alert import Alert
from schemas.codec import encode, encode_lines
from schemas.event import Event
from schemas.topics import INPUTS, Topics

TICK_MS = 10_000
PARTITIONS = 3
TOPICS = Topics()


@cache
def scenario() -> Scenario:
    """A small world with incidents in it."""
    return generate(11, units=9, hours=48, incidents=3)


def _directory() -> Directory:
    return Directory(scenario().units, 1)


def _understanding() -> Understanding:
    return Understanding(Listener(VaderScorer()), Pseudonyms(b"a key of the tests"))


@cache
def from_inputs() -> bytes:
    """All alerts by a replay of posts and feedback."""
    inputs = ticked_inputs(list(scenario().records), TICK_MS)
    log = log_of_inputs(inputs, _directory(), understanding=_understanding(), limits=Limits())
    outputs = replay_events(((0, event_codec.decode(value)) for value in log), Engine())
    return encode_lines(canonical(outputs_of(outputs)))


@cache
def exported() -> tuple[tuple[int, bytes], ...]:
    """What the enrich agent writes into `cem.events` for the same inputs, by partition, as bytes."""
    shape = Shape(inputs={TOPICS(name): 1 for name in INPUTS}, events=PARTITIONS)
    enricher = Enricher(
        topics=TOPICS, shape=shape, understanding=_understanding(), directories=lambda _: _directory(), limits=Limits()
    )
    lanes = {topic: Lane(Limits()) for topic in shape.inputs}
    log: list[tuple[int, bytes]] = []
    for offset, sent in enumerate(ticked(list(scenario().records), TOPICS, shape, TICK_MS)):
        record = Incoming(sent.topic, 0, offset, sent.key, sent.value, sent.headers, 0)
        for out in enricher.step(lanes[sent.topic], record):
            if out.topic == TOPICS("events"):
                assert out.value is not None
                partition = zlib.crc32(out.key or b"") % PARTITIONS if out.partition is None else out.partition
                log.append((partition, out.value))
    return tuple(log)


def _alerts(log: list[tuple[int, Event]]) -> list[Alert]:
    return outputs_of(replay_events(log, Engine()))


def _decoded(partitions: tuple[int, ...]) -> list[tuple[int, Event]]:
    """The exported records, one partition after the other."""
    return [
        (number, event_codec.decode(value)) for wanted in partitions for number, value in exported() if number == wanted
    ]


def test_there_are_alerts_to_compare() -> None:
    """At least one for each planted incident, and more than one change of some."""
    alerts = from_inputs().splitlines()
    assert len(scenario().incidents) <= sum(b'"change":"opened"' in alert for alert in alerts)
    assert any(b'"change":"quiet"' in alert for alert in alerts)


def test_inputs_twice_are_the_same_bytes() -> None:
    """Nothing but the inputs decides."""
    again = from_inputs.__wrapped__()
    assert from_inputs() == again


def test_the_log_gives_what_the_inputs_gave() -> None:
    """Split by partitions, exported as bytes and read back one partition after the other: byte for byte the same."""
    assert from_inputs() == encode_lines(canonical(_alerts(_decoded((0, 1, 2)))))


def test_the_order_of_partitions_does_not_matter() -> None:
    """Only the order within each."""
    assert from_inputs() == encode_lines(canonical(_alerts(_decoded((2, 0, 1)))))


def test_an_export_with_repeats_gives_the_same() -> None:
    """What the enrich agent sent twice after a crash is in the export, too."""
    log = _decoded((0, 1, 2))
    half = len(log) // 2
    sent_again = [(number, event) for number, event in log[half - 200 : half] if number == log[half - 1][0]]
    assert from_inputs() == encode_lines(canonical(_alerts([*log[:half], *sent_again, *log[half:]])))


def test_canonical_order_takes_repeats_once() -> None:
    """By time, unit, alert and sequence; an alert that was delivered twice is there once."""
    alerts = _alerts(_decoded((0, 1, 2)))
    doubled = canonical([*reversed(alerts), *alerts[::3]])
    assert canonical(alerts) == doubled
    assert len({(alert.alert_id, alert.sequence) for alert in alerts}) == len(doubled)
    assert sorted(alert.detected_at for alert in alerts) == [alert.detected_at for alert in doubled]


def test_an_exported_record_is_written_as_it_was_read() -> None:
    """Decoding and encoding leaves the bytes alone, so that an export can be exported again."""
    assert [value for _, value in exported()] == [encode(event_codec.decode(value)) for _, value in exported()]
