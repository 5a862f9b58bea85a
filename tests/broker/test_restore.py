"""The drill: what is derived is lost, and comes back from the units' logs, or from what came in.

In: a service that has seen much, and what is kept of it. Out: the same alerts and histories of cases, byte for byte.
The one rule: what is kept and what is done is what the runbook says (deploy/README.md, Back up and restore).
"""

from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from agents.kafka.admin import Admin
from agents.kafka.progress import Progress
from agents.restore import process
from agents.restore.play import RestoreError
from agents.settings import Settings
from agents.supervisor import Supervisor
from pipeline.emission import Emission
from pipeline.enrich import Enricher
from schemas.action import Action
from schemas.alert import Alert
from schemas.codec import encode
from schemas.erasure import Erasure
from schemas.feedback import Feedback
from schemas.insight import Insight
from schemas.post import Post
from schemas.time import HOUR_MS, MINUTE_MS, Millis
from schemas.topics import Topics
from schemas.unit import Unit
from tests.broker.conftest import NewService, Service, event_codec
from tests.broker.test_commands import cem
from tests.broker.test_way import NOON, post

pytestmark = pytest.mark.broker

UNITS = [
    Unit(id="acme", name="Acme", kind="brand", time_zone="UTC"),
    Unit(id="west", name="West", kind="region", time_zone="UTC", parent="acme"),
    *(
        Unit(
            id=f"store-{number}", name=f"Street {number}", kind="store", time_zone="Europe/Berlin", parent="west",
            handles=(f"@street{number}",),
        )
        for number in range(4)
    ),
]  # fmt: skip

ERASURE = Erasure(
    id="e1", network="x", post_ids=("p205",), actor="dpo", event_time=Millis(NOON + 23 * MINUTE_MS)
)  # fmt: skip
LATER = NOON + 28 * HOUR_MS


def play(service: Service, worker: Any) -> None:
    """Two quiet days, then in two of four stores a surge, a severe post, and a customer who wants to be called; a
    manager who acts; a post that is taken back; a unit that is renamed meanwhile."""
    quiet = [
        post(900 + 10 * day + number, text=f"fine @street{number}", at=NOON - (2 - day) * 24 * HOUR_MS)
        for day in range(2)
        for number in range(4)
    ]
    surges = [
        post(100 * number + at, text=f"terrible, rude and dirty @street{number}", at=NOON + at * MINUTE_MS)
        for number in (1, 2)
        for at in range(12)
    ]
    severe = post(700, text="my son is in hospital with food poisoning @street3", at=NOON + 5 * MINUTE_MS)
    answer = Feedback(
        id="f1", channel="web", unit_id="store-0", csat=1, text="nobody called me back", customer_ref="c-1",
        contact_consent=True, event_time=Millis(NOON + 6 * MINUTE_MS),
    )  # fmt: skip
    service.ingest([*quiet, *surges, severe, answer])
    service.drain(worker)
    first, second = service.alerts()[:2]
    act(service, worker, first, "acknowledge", at=20)
    act(service, worker, second, "reroute", at=21, to_unit="store-0")
    act(service, worker, second, "resolve", at=22, unit_id="store-0", resolution_code="fixed")
    service.send(Emission(service.topics("erasures"), b"e1", encode(ERASURE)))
    service.drain(worker)
    service.publish([Unit(id="store-1", name="New name", kind="store", time_zone="UTC", handles=("@street1",))])
    gone = Post(id="p101", network="x", kind="delete", event_time=Millis(NOON + 40 * MINUTE_MS))
    service.ingest([gone, post(800, text="fine @street0", at=NOON + 26 * HOUR_MS)])
    service.drain(worker)


def act(service: Service, worker: Any, alert: Alert, name: Any, at: int, **fields: Any) -> None:
    """A manager acts so many minutes after noon, and sees what comes of it before the next one does."""
    given = {"unit_id": alert.labels.unit_id, "alert_id": alert.alert_id, "actor": "maria", **fields}
    action = Action(id=f"act-{at}", action=name, event_time=Millis(NOON + at * MINUTE_MS), **given)
    service.send(Emission(service.topics("actions"), action.unit_id.encode(), encode(action)))
    service.drain(worker)


def seen(service: Service, name: str) -> dict[str, list[bytes]]:
    """Every record of a topic by its key, in order."""
    found: dict[str, list[bytes]] = {}
    for record in service.records(name):
        if record.value is not None:
            found.setdefault((record.key or b"").decode(), []).append(record.value)
    return found


def lose(settings: Settings, keep: str) -> None:
    """What the runbook says: every topic that is not kept, and the groups."""
    given = {"CEM_KAFKA": settings.kafka, "CEM_PREFIX": settings.prefix, "CEM_GROUP": settings.group}
    done = cem(None, "topics", "drop", "--keep", keep, "--yes", **given)
    assert 0 == done.returncode, done.stderr
    with Admin(settings, Topics(settings.prefix)) as admin:
        assert admin.problems()


def topics_again(service: Service) -> None:
    """`cem topics apply`, as wide as they were."""
    made = cem(service, "topics", "apply", CEM_INPUT_PARTITIONS="1", CEM_EVENTS_PARTITIONS="2")
    assert 0 == made.returncode, made.stderr


def worked(service: Service) -> None:
    """A worker, until all is worked on."""
    with Supervisor(service.settings) as worker:
        service.drain(worker)
        assert 0 == worker.restarts, worker.log_tail()


def latest(service: Service, name: str) -> dict[str, bytes | None]:
    """What a compacted topic holds in the end; None: it was there and is erased."""
    return {record.key.decode(): record.value for record in service.records(name)}


def test_the_drill(new_service: NewService) -> None:
    """First alerts, cases, roll-ups, states of the units and the group are lost: from the logs a worker makes the same
    alerts (bytes: ids, sequences, severities) and the same histories of cases, with what people did; the chains of the
    audit hold.

    Then all is lost but the input topics, and `cem restore` makes the same of these, byte for byte; what was erased
    stays erased. It is refused while a worker runs, and where the log is there; `cem doctor` says
    when it is to be done. Workers go on from where the restore ends."""
    service = new_service(events_partitions=2)
    service.publish(UNITS)
    with Supervisor(service.settings) as worker:
        play(service, worker)
        for command in (("restore",), ("topics", "drop", "--keep", "inputs", "--yes")):
            refused = cem(service, *command)
            assert (2, True) == (refused.returncode, "stop all of them" in refused.stderr)
    before = {name: seen(service, name) for name in ("alerts", "cases")}
    texts = latest(service, "texts")
    told = {orjson.loads(value)["change"] for values in before["alerts"].values() for value in values}
    assert {"opened", "acknowledged", "rerouted", "resolved", "quiet"} <= told and before["cases"]
    assert {None} == {texts["x:p101"], texts["x:p205"]}

    listed = cem(service, "topics", "drop", "--keep", "logs")
    assert (0, before) == (listed.returncode, {name: seen(service, name) for name in before})
    lose(service.settings, "logs")
    topics_again(service)
    refused = cem(service, "restore")
    assert (2, True) == (refused.returncode, "The log is there" in refused.stderr)
    worked(service)
    assert before == {name: seen(service, name) for name in before}
    assert 0 == cem(service, "audit", "verify").returncode

    lose(service.settings, "inputs")
    topics_again(service)
    assert "`cem restore`" in cem(service, "doctor").stdout
    done = cem(service, "restore", "--json")
    assert 0 == done.returncode, done.stderr
    assert before == {name: seen(service, name) for name in before}
    assert texts == latest(service, "texts")
    assert 0 == cem(service, "audit", "verify").returncode

    service.ingest([post(900 + at, text="terrible, rude and dirty @street3", at=LATER + at) for at in range(9)])
    worked(service)
    known = sum(map(len, before["alerts"].values()))
    assert known < len(service.alerts()) and known == len({*service.alerts()[:known]})


def test_a_restore_that_is_killed_goes_on(new_service: NewService, monkeypatch: pytest.MonkeyPatch) -> None:
    """It dies between what it has written and the end of that transaction; nothing of it counts, and the next one goes
    on behind the last that ended. What comes out is what comes out at once."""
    service = new_service(events_partitions=2)
    service.publish(UNITS)
    with Supervisor(service.settings) as worker:
        play(service, worker)
    before = {name: seen(service, name) for name in ("alerts", "cases")}
    lose(service.settings, "inputs")
    topics_again(service)

    monkeypatch.setattr(process, "RECORDS_AT_ONCE", 20)
    ended = AIOKafkaProducer.commit_transaction
    transactions = []

    async def dies(producer: AIOKafkaProducer) -> None:
        transactions.append(producer)
        if len(transactions) == 3:
            raise KeyboardInterrupt
        await ended(producer)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(AIOKafkaProducer, "commit_transaction", dies)
        process.restore(service.settings)
    part = sum(map(len, seen(service, "events").values()))
    told: list[tuple[int, int]] = []
    process.restore(service.settings, done=lambda count, all_of: told.append((count, all_of)))
    assert 0 < part < sum(map(len, seen(service, "events").values()))
    assert before == {name: seen(service, name) for name in before}
    assert (0, told[-1][0]) == (told[0][0], told[-1][1])
    assert 0 == process.restore(service.settings).written
    with Progress(service.settings, service.topics) as progress:
        assert {0} == set(progress.left().values())


def test_a_record_that_cannot_be_worked_on_is_put_aside(
    new_service: NewService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restore that fails at a record says which and how to go on; put aside it is a dead letter, and the rest is
    worked on."""
    service = new_service(events_partitions=2)
    service.publish(UNITS)
    service.ingest([post(number, text=f"fine @street{number}", at=NOON + number) for number in range(4)])
    step = Enricher.step

    def fails(enricher: Enricher, lane: Any, record: Any) -> Any:
        if record.value is not None and b'"p2"' in record.value:
            raise ZeroDivisionError
        return step(enricher, lane, record)

    monkeypatch.setattr(Enricher, "step", fails)
    with pytest.raises(RestoreError, match=r"cem restore --aside") as failed:
        process.restore(service.settings)
    topic, partition, offset = str(failed.value).split()[-1].split("/")
    process.restore(service.settings, [(topic, int(partition), int(offset))])
    letter = orjson.loads(service.records("deadletter")[0].value)
    assert ("poison", int(offset)) == (letter["reason"], letter["source"]["offset"])
    insights = [event for event in service.values("events", event_codec) if isinstance(event, Insight)]
    assert ["x:p0", "x:p1", "x:p3"] == sorted(insight.id for insight in insights)


def test_what_cannot_be_meant_is_told(new_service: NewService) -> None:
    """A place that is none, no key, topics that are missing: one line each, exit code 2."""
    service = new_service()
    for told, arguments, environment in (
        ("is not of the form", ("--aside", "cem.posts"), {}),
        ("CEM_AUTHOR_KEY is not set", (), {"CEM_AUTHOR_KEY": ""}),
        ("cem topics apply", (), {"CEM_PREFIX": "nowhere"}),
    ):
        refused = cem(service, "restore", *arguments, **environment)
        assert (2, True) == (refused.returncode, told in refused.stderr)
