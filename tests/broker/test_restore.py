"""The drill: what is derived is lost, and comes back from the units' logs, or from what came in.

In: a service that has seen much, and what is kept of it. Out: with the logs the same alerts and histories of cases,
byte for byte; with the input topics alone the same alerts are opened, and what people did may be refused. The one rule:
what is kept and what is done is what the runbook says (deploy/README.md, Back up and restore).
"""

import time
from typing import Any

import orjson
import pytest
from kafka.admin import KafkaAdminClient

from agents.kafka.admin import Admin
from agents.kafka.client import kafka_python_options
from agents.supervisor import Supervisor
from pipeline.emission import Emission
from schemas.action import Action
from schemas.codec import encode
from schemas.feedback import Feedback
from schemas.post import Post
from schemas.time import HOUR_MS, MINUTE_MS, Millis
from schemas.topics import INPUTS
from schemas.unit import Unit
from tests.broker.conftest import NewService, Service
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
    for number, alert in enumerate(service.alerts()[:2]):
        action = Action(
            id=f"act-{number}", alert_id=alert.alert_id, unit_id=alert.labels.unit_id, action="acknowledge",
            actor="maria", event_time=Millis(NOON + 20 * MINUTE_MS),
        )  # fmt: skip
        service.send(Emission(service.topics("actions"), alert.labels.unit_id.encode(), encode(action)))
    service.drain(worker)
    service.publish([Unit(id="store-1", name="New name", kind="store", time_zone="UTC", handles=("@street1",))])
    gone = Post(id="p101", network="x", kind="delete", event_time=Millis(NOON + 40 * MINUTE_MS))
    service.ingest([gone, post(800, text="fine @street0", at=NOON + 26 * HOUR_MS)])
    service.drain(worker)


def seen(service: Service, name: str) -> dict[str, list[bytes]]:
    """Every record of a topic by its key, in order."""
    found: dict[str, list[bytes]] = {}
    for record in service.records(name):
        if record.value is not None:
            found.setdefault((record.key or b"").decode(), []).append(record.value)
    return found


def lose(service: Service, *kept: str) -> None:
    """What the runbook says: every topic that was not kept, and the group."""
    names = {*map(service.topics, kept)}
    client = KafkaAdminClient(**kafka_python_options(service.settings))
    prefix = f"{service.topics.prefix}."
    lost = [name for name in client.list_topics() if name.startswith(prefix) and name not in names]
    client.delete_topics(lost)
    client.delete_groups([service.settings.group])
    while {*client.list_topics()} & {*lost}:
        time.sleep(0.1)
    client.close()
    with Admin(service.settings, service.topics) as admin:
        assert admin.problems()


def restored(service: Service) -> None:
    """Topics, then a worker, until all is worked on."""
    assert 0 == cem(service, "topics", "apply", CEM_INPUT_PARTITIONS="1", CEM_EVENTS_PARTITIONS="2").returncode
    with Supervisor(service.settings) as worker:
        service.drain(worker)
        assert 0 == worker.restarts


def opened(service: Service, but: set[str]) -> set[tuple[str, str, int]]:
    """Which alerts were opened when, of the units that are not in `but`."""
    records = [orjson.loads(value) for values in seen(service, "alerts").values() for value in values]
    return {
        (one["alert_id"], one["startsAt"], one["sequence"])
        for one in records
        if one["change"] == "opened" and one["labels"]["unit_id"] not in but
    }


def test_the_drill(new_service: NewService) -> None:
    """First alerts, cases, roll-ups, states of the units and the group are lost: from the logs a worker makes the same
    alerts (bytes: ids, sequences, severities) and the same histories of cases, with what people did; the chains of the
    audit hold.

    Then all is lost but the input topics: the same alerts are opened under the same ids. What people did may be read
    before the alert that it was about, and is refused then; a unit's latest settings count from the beginning. That is
    why the logs are to be kept."""
    service = new_service(events_partitions=2)
    service.publish(UNITS)
    with Supervisor(service.settings) as worker:
        play(service, worker)
    before = {name: seen(service, name) for name in ("alerts", "cases")}
    told = {orjson.loads(value)["change"] for values in before["alerts"].values() for value in values}
    assert {"opened", "acknowledged", "quiet"} <= told and before["cases"]

    lose(service, *INPUTS, *(f"state.{name}" for name in INPUTS), "events", "texts", "unrouted", "labels", "deadletter")
    restored(service)
    assert before == {name: seen(service, name) for name in before}
    assert 0 == cem(service, "audit", "verify").returncode

    causes = opened(service, but={"store-1"})
    lose(service, *INPUTS)
    restored(service)
    assert len(causes) >= 3 and causes == opened(service, but={"store-1"})
