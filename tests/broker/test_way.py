"""The way of the data through a real worker: what users send, and what strangers send."""

import time
import uuid
from typing import Any

import pytest
from kafka import KafkaProducer

from agents.kafka.client import kafka_python_options
from agents.kafka.reader import read
from pipeline.emission import Emission
from schemas.action import Action
from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.codec import Codec, encode
from schemas.deadletter import DeadLetter
from schemas.feedback import Feedback
from schemas.insight import Insight
from schemas.post import Author, Post
from schemas.text import StoredText
from schemas.tick import Tick
from schemas.time import HOUR_MS, MINUTE_MS, Millis, parse_time
from schemas.unit import Unit
from schemas.unrouted import Unrouted
from tests.broker.conftest import NewService, Service, event_codec

pytestmark = pytest.mark.broker

NOON = parse_time("2026-03-02T12:00:00Z")
STORE = Unit(id="store-17", name="Elm Street", kind="store", time_zone="Europe/Berlin", handles=("@elmstreet",))

letters = Codec[DeadLetter](DeadLetter)
unrouted = Codec[Unrouted](Unrouted)
texts = Codec[StoredText](StoredText)
cases = Codec[CaseEntry](CaseEntry)


def post(number: int, text: str = "terrible, rude and dirty @elmstreet", at: int = NOON, **fields: Any) -> Post:
    """A post of its own author."""
    author = Author(id=f"author-{number}", handle=f"@someone{number}")
    return Post(id=f"p{number}", network="x", author=author, text=text, event_time=Millis(at), **fields)


def insights(service: Service) -> list[Insight]:
    """All insights in the log."""
    return [event for event in service.values("events", event_codec) if isinstance(event, Insight)]


def raw(service: Service, value: bytes | None, key: bytes = b"k") -> Emission:
    """A value as somebody might send it."""
    return Emission(service.topics("posts"), key, value)


def test_bad_input_becomes_dead_letters_and_the_rest_goes_on(new_service: NewService) -> None:
    """Each kind of bad input is refused with its reason and its bytes; good records around it are worked on."""
    service = new_service()
    service.publish([STORE])
    good = encode(post(1))
    bad = {
        "not_json": b"{nonsense",
        "invalid_field": b'{"id":7,"network":"x","event_time":"2026-03-02T12:00:00Z"}',
        "missing_field": b'{"id":"a","network":"x"}',
        "not_utf8": b'{"id":"a\xff"}',
        "unknown_version": good.replace(b'"1.0"', b'"9.0"'),
        "tombstone": None,
        "future": encode(post(2, at=NOON + 400 * 24 * HOUR_MS)),
        "past": encode(post(3, at=NOON - 400 * 24 * HOUR_MS)),
    }
    worker = service.worker()
    service.ingest([post(10), post(11, at=NOON + MINUTE_MS)])
    service.send(*(raw(service, value) for value in bad.values()))
    huge = encode(post(4, text="x" * 1_500_000))
    service.send(raw(service, huge), raw(service, encode(post(5, text="all good @elmstreet"))))
    service.send(Emission(service.topics("feedback"), b"f", b"[]"), Emission(service.topics("actions"), b"a", b"\x00"))
    service.send(
        Emission(service.topics("units"), b"bad.id", b'{"id":"bad.id","name":"x","kind":"store","time_zone":"UTC"}')
    )
    service.drain(worker)

    found = service.values("deadletter", letters)
    by_reason = {letter.reason: letter for letter in found if letter.source.topic == service.topics("posts")}
    assert {*bad} <= {*by_reason}
    assert all(by_reason[reason].bytes == value for reason, value in bad.items() if reason != "invalid_field")
    assert any(letter.bytes_total == len(huge) for letter in found)
    assert {service.topics(name) for name in ("posts", "feedback", "actions", "units")} == {
        letter.source.topic for letter in found
    }
    assert {"x:p10", "x:p11", "x:p5"} == {insight.id for insight in insights(service)}
    assert worker.restarts == 0


def test_every_compression_is_read(new_service: NewService) -> None:
    """Records compressed with gzip, lz4, snappy and zstd all become insights, and the command line reads them, too."""
    service = new_service()
    service.publish([STORE])
    worker = service.worker()
    for number, codec in enumerate(("gzip", "lz4", "snappy", "zstd", None)):
        producer = KafkaProducer(**kafka_python_options(service.settings), compression_type=codec)
        producer.send(service.topics("posts"), key=b"k", value=encode(post(number))).get(timeout=20)
        producer.close()
    service.drain(worker)
    assert {f"x:p{number}" for number in range(5)} == {insight.id for insight in insights(service)}
    assert len([record for record in service.records("posts") if record.key == b"k"]) == 5


def test_a_new_unit_gets_its_topic_and_its_posts_without_a_restart(new_service: NewService) -> None:
    """A unit published while the worker runs gets an alert topic, and posts sent afterwards reach its log."""
    service = new_service()
    service.publish([STORE])
    worker = service.worker()
    service.send(raw(service, encode(post(1, text="nice @newplace"))), raw(service, encode(post(2))))
    service.drain(worker)
    assert [one.insight.id for one in service.values("unrouted", unrouted)] == ["x:p1"]
    pid = worker.pid

    service.publish([Unit(id="new-place", name="New", kind="store", time_zone="UTC", handles=("@newplace",))])
    service.send(raw(service, encode(post(3, text="nice @newplace"))))
    service.drain(worker)
    assert [insight.id for insight in insights(service) if insight.unit_id == "new-place"] == ["x:p3"]
    assert list(read(service.settings, service.topics.unit_alerts("new-place"))) == []
    assert pid == worker.pid


def surge(service: Service, count: int = 12) -> list[Alert]:
    """So many people complain within minutes, after two quiet days."""
    quiet = [post(900 + day, text="fine @elmstreet", at=NOON - (2 - day) * 24 * HOUR_MS) for day in range(2)]
    service.ingest([*quiet, *(post(number, at=NOON + number * MINUTE_MS) for number in range(count))])
    return service.alerts()


def test_acknowledge_and_resolve_go_the_whole_way(new_service: NewService) -> None:
    """An action changes the case and not the signal, is answered, counts once, is refused where it makes no sense."""
    service = new_service()
    service.publish([STORE])
    worker = service.worker()
    surge(service)
    service.drain(worker)
    opened = service.alerts()[0]
    assert (opened.change, opened.status, opened.state) == ("opened", "firing", "open")

    def act(name: Any, action_id: str, note: str = "") -> CaseEntry:
        action = Action(
            id=action_id, alert_id=opened.alert_id, unit_id="store-17", action=name, actor="maria", note=note,
            event_time=Millis(time.time() * 1000),
        )  # fmt: skip
        service.send(Emission(service.topics("actions"), b"store-17", encode(action)))
        service.drain(worker)
        entry: CaseEntry = service.values("cases", cases)[-1]
        return entry

    first = str(uuid.uuid4())
    acknowledged = act("acknowledge", first, note="called jane@example.com")
    assert (acknowledged.accepted, acknowledged.state, acknowledged.status) == (True, "acknowledged", "firing")
    assert (act("acknowledge", first).accepted, act("acknowledge", first).reason) == (False, "already_done")
    assert act("acknowledge", str(uuid.uuid4())).reason == "not_from_this_state"
    assert ((done := act("resolve", str(uuid.uuid4()))).state, done.status) == ("resolved", "firing")

    changes = [(alert.change, alert.state) for alert in service.alerts() if alert.alert_id == opened.alert_id]
    assert changes[-2:] == [("acknowledged", "acknowledged"), ("resolved", "resolved")]
    sequences = [alert.sequence for alert in service.alerts() if alert.alert_id == opened.alert_id]
    assert [*range(1, len(sequences) + 1)] == sequences
    notes = [text for text in service.values("texts", texts) if text.id == f"note:{first}"]
    assert [note.text for note in notes] == ["called [email]"]


def test_alerts_are_cloud_events_on_the_units_own_topic(new_service: NewService) -> None:
    """A consumer of a unit's topic finds CloudEvents headers, the alert's id as key, and the record of `cem.alerts`."""
    service = new_service()
    service.publish([STORE])
    worker = service.worker()
    surge(service)
    service.drain(worker)
    own = list(read(service.settings, service.topics.unit_alerts("store-17")))
    assert [record.value for record in service.records("alerts")] == [record.value for record in own]
    headers = dict(own[0].headers)
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_type"] == b"cem.alert.opened"
    assert own[0].key == headers["ce_subject"]
    assert f"{own[0].key.decode()}/1".encode() == headers["ce_id"]


def test_edits_deletes_replies_and_own_answers(new_service: NewService) -> None:
    """A reply finds its unit by the thread, an answer of the unit's own account is timed, an edit says so, a delete
    takes the text away, the same post twice counts once."""
    service = new_service()
    service.publish([STORE])
    worker = service.worker()
    own = Author(id="own", handle="@ElmStreet")
    thread = {"in_reply_to": "p1", "root_id": "p1"}
    service.ingest(
        [
            post(1),
            post(1),
            post(2, text="same here", at=NOON + 1000, kind="reply", **thread),
            Post(
                id="a1",
                network="x",
                author=own,
                text="so sorry!",
                event_time=Millis(NOON + 60_000),
                kind="reply",
                **thread,
            ),
            Post(
                id="p1",
                network="x",
                text="I was wrong, all is great @elmstreet",
                event_time=Millis(NOON + 90_000),
                kind="edit",
            ),
            Post(id="p2", network="x", event_time=Millis(NOON + 95_000), kind="delete", root_id="p1"),
            Feedback(id="f1", channel="web", unit_id="store-17", nps=2, event_time=Millis(NOON)),
            Feedback(id="f2", channel="web", unit_id="nowhere", nps=2, event_time=Millis(NOON)),
        ]
    )
    service.drain(worker)
    found = [(insight.id, insight.kind) for insight in insights(service) if insight.channel == "x"]
    assert found == [("x:p1", "post"), ("x:p2", "reply"), ("x:a1", "answer"), ("x:p1", "edit"), ("x:p2", "delete")]
    assert [one.first_answer_ms for one in insights(service) if one.kind == "answer"] == [60_000]
    assert {"thread"} == {one.routing.rule for one in insights(service) if one.kind == "reply"}
    assert [one.insight.id for one in service.values("unrouted", unrouted)] == ["feedback:f2"]
    latest = {record.key: record.value for record in service.records("texts")}
    assert latest[b"x:p2"] is None
    assert b"I was wrong" in latest[b"x:p1"]


def test_on_the_wall_clock_time_passes_by_itself(new_service: NewService) -> None:
    """Without anybody writing ticks: the leader does, the watermark moves in every log, and people who complain now
    raise an alert now."""
    service = new_service(clock="wall", tick_seconds=0.5)
    service.publish([STORE])
    service.worker()
    now = int(time.time() * 1000)
    service.send(*(raw(service, encode(post(number, at=now))) for number in range(40)))
    deadline = time.monotonic() + 60
    while not service.alerts() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert ("store-17", "opened") == (service.alerts()[0].labels.unit_id, service.alerts()[0].change)
    ticks = [event for event in service.values("events", event_codec) if isinstance(event, Tick)]
    sources = {f"{topic}/{number}" for topic, width in service.shape.inputs.items() for number in range(width)}
    assert sources == {tick.source for tick in ticks}
    assert max(tick.event_time for tick in ticks) >= now


def test_stages_in_processes_of_their_own(new_service: NewService) -> None:
    """One process reads the inputs, another the log, in one group: the same comes out."""
    service = new_service()
    service.publish([STORE])
    enrich, units = service.worker(stages="enrich"), service.worker(stages="units,rollup", instance="u")
    service.ingest([post(number, at=NOON + number * 1000) for number in range(40)])
    service.drain(enrich, units)
    assert 40 == len(insights(service))
    assert "opened" == service.alerts()[0].change
    assert 0 == enrich.restarts == units.restarts
