"""Delivery on a real broker: nothing lost, nothing twice, alerts as a straight run gives them, whatever dies.

A short form; the long campaigns are another matter.
"""

import os
import random
import signal
import sys
import time
from collections import Counter

import pytest

from agents.supervisor import Supervisor
from pipeline.engine import Engine, outputs_of
from pipeline.evaluation.replay import canonical, replay_events
from pipeline.evaluation.scenario import Scenario, generate
from schemas.codec import Codec, encode
from schemas.deadletter import DeadLetter
from schemas.insight import Insight
from schemas.post import Post
from schemas.unrouted import Unrouted
from tests.broker.conftest import NewService, Service, event_codec
from tests.broker.test_way import STORE, post, raw

pytestmark = pytest.mark.broker

letters = Codec[DeadLetter](DeadLetter)
unrouted = Codec[Unrouted](Unrouted)

STARTS = 1_772_452_800_000

KILLER = """
import os
from pipeline.understanding import Understanding
understand = Understanding.of_post
def deadly(self, post, kind, source):
    if "poison" in post.text:
        os._exit(1)
    return understand(self, post, kind, source)
Understanding.of_post = deadly
from agents.cli import main
main(["run"])
"""


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """A few thousand records with incidents among them."""
    return generate(11, hours=40, units=24, incidents=3)


def identity(record: object) -> str:
    """The id of a record's insight."""
    return f"{record.network}:{record.id}" if isinstance(record, Post) else f"feedback:{record.id}"  # type: ignore[attr-defined]


def check_nothing_lost_or_wrong(service: Service, scenario: Scenario) -> None:
    """Every record is in the log, unrouted or a dead letter; the alerts are those of a straight run over the log; no id
    has two contents; sequences have no holes."""
    events = [(record.partition, event_codec.decode(record.value)) for record in service.records("events")]
    seen = {event.id for _, event in events if isinstance(event, Insight)}
    seen |= {one.insight.id for one in service.values("unrouted", unrouted)}
    assert set() == {identity(record) for record in scenario.records} - seen

    alerts = service.alerts()
    contents = {(alert.alert_id, alert.sequence, encode(alert)) for alert in alerts}
    names = {(alert_id, sequence) for alert_id, sequence, _ in contents}
    assert len(names) == len(contents)
    longest = Counter(alert_id for alert_id, _ in names)
    assert names == {(alert_id, number) for alert_id, count in longest.items() for number in range(1, count + 1)}

    engine = Engine(hold_ms=service.settings.hold_ms)
    assert canonical(outputs_of(replay_events(events, engine))) == canonical(alerts)
    alerted = {alert.labels.unit_id for alert in alerts if alert.change == "opened"}
    assert {incident.unit_id for incident in scenario.incidents} <= alerted


def wreck(workers: list[Supervisor], seconds: float, seed: int, *signals: int) -> None:
    """Sends one of the signals to one of the workers every second or two; whoever ended is started again."""
    chance = random.Random(seed)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(chance.uniform(0.5, 2.0))
        worker = chance.choice(workers)
        os.kill(worker.pid, chance.choice(signals))
        time.sleep(0.2)
        for each in workers:
            each.check()


def test_workers_killed_under_load_lose_nothing(new_service: NewService, scenario: Scenario) -> None:
    """Two workers, three partitions, killed and terminated at random while records flow."""
    service = new_service(input_partitions=3, events_partitions=3)
    service.publish([*scenario.units])
    workers = [service.worker(), service.worker()]
    service.ingest([*scenario.records])
    wreck(workers, 12.0, 5, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)
    service.drain(*workers)
    check_nothing_lost_or_wrong(service, scenario)


def test_a_worker_stopped_beyond_its_session_does_no_harm(new_service: NewService, scenario: Scenario) -> None:
    """SIGSTOP until another has taken over, then SIGCONT: the stale one is fenced and ends itself."""
    service = new_service(input_partitions=3, events_partitions=3)
    service.publish([*scenario.units])
    stale, fresh = service.worker(), service.worker()
    service.ingest([*scenario.records])
    time.sleep(4)
    os.kill(stale.pid, signal.SIGSTOP)
    time.sleep(service.settings.session_timeout_seconds + 4)
    os.kill(stale.pid, signal.SIGCONT)
    service.drain(stale, fresh)
    check_nothing_lost_or_wrong(service, scenario)


def test_leaving_in_good_order_repeats_nothing(new_service: NewService) -> None:
    """SIGTERM under load: the next worker goes on where this one stopped, and no insight is in the log twice."""
    service = new_service()
    service.publish([STORE])
    first = service.worker()
    service.ingest([post(number, at=STARTS + number * 1000) for number in range(4000)])
    time.sleep(4)
    os.kill(first.pid, signal.SIGTERM)
    time.sleep(3)
    service.drain(service.worker())
    insights = [event.id for event in service.values("events", event_codec) if isinstance(event, Insight)]
    assert 4000 == len(insights) == len(set(insights))


def test_a_record_that_kills_is_put_aside(new_service: NewService) -> None:
    """A record on which the process dies ends as a dead letter after a bounded number of deaths; the rest goes on."""
    service = new_service()
    service.publish([STORE])
    worker = service.worker(sys.executable, "-c", KILLER)
    service.send(*(raw(service, encode(post(number))) for number in range(150)))
    service.send(raw(service, encode(post(666, text="poison @elmstreet"))))
    service.send(*(raw(service, encode(post(number))) for number in range(200, 350)))
    service.drain(worker)
    found = service.values("deadletter", letters)
    assert [("poison", encode(post(666, text="poison @elmstreet")))] == [(one.reason, one.bytes) for one in found]
    insights = {event.id for event in service.values("events", event_codec) if isinstance(event, Insight)}
    assert len(insights) == 300
