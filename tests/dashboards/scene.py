"""Two weeks of customers' voices, their alerts and what people did, through the real service, watched and archived.

In: programs of this machine. Out: a Prometheus and a PostgreSQL that have seen everything that a dashboard can show:
two workers on the data clock, one of which comes late, both started again with another model and another taxonomy; one
on the wall clock; bad input; alerts acknowledged in time, too late, resolved, dismissed, refused; and the archive.

The one rule: it is the real service. Nothing is written into either server by the test itself.
"""

import base64
import os
import secrets
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from agents.kafka.embedded import EmbeddedKafka
from agents.kafka.node import HOST, free_port
from agents.kafka.reader import read
from agents.settings import load
from agents.supervisor import Supervisor
from pipeline.emission import Emission
from pipeline.evaluation.scenario import Scenario, generate
from schemas.action import Action
from schemas.alert import Alert
from schemas.codec import encode
from schemas.post import Author, Post
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, Millis
from schemas.unit import Unit
from tests.broker.conftest import KEY, Service
from tests.dashboards.change import TEXT, Changed, changed
from tests.dashboards.prometheus import Prometheus
from tests.dashboards.queries import Period
from tests.notify.conftest import Receiver

DAYS = 15
MONDAY_MS = 4 * DAY_MS
ARCHIVE, WEB, NOTIFY = ((sys.executable, "-m", "agents.cli", name) for name in ("archive", "web", "notify"))
SECRET_VARIABLE = "CEM_SCENE_WEBHOOK_SECRET"
ARCHIVED_SECONDS_MAX = 60.0
UP_SECONDS_MAX = 60.0
SEVERE = "I got food poisoning from the chicken here, I spent the night in hospital, you will hear from my lawyer"

CALLS = "they keep calling me with marketing, stop it, unsubscribe me"
"""Nobody in the world says such a thing."""


class Scene(NamedTuple):
    """The servers, a unit worth looking at, the period in event time and that on the wall; what else understood texts
    from `changed_ms` on."""

    prometheus: Prometheus
    database: str
    unit_id: str
    history: Period
    watched: Period
    changed: Changed
    changed_ms: int


@contextmanager
def played(prometheus: str, database: str) -> Iterator[Scene]:
    """The whole scene. `prometheus`: the program; `database`: the DSN of an empty one, migrated or not."""
    begun = time.time()
    first, second, wall, archive, web, notify = (free_port() for _ in range(6))
    with ExitStack() as stack:
        broker = stack.enter_context(EmbeddedKafka())
        service = _service(broker, stack, "d", clock="data", tick_seconds=3600.0, postgres=database)
        live = _service(broker, stack, "w", clock="wall", tick_seconds=1.0, events_partitions=1)
        jobs = {
            "cem-worker": (first, second, wall), "cem-archive": (archive,), "cem-web": (web,), "cem-notify": (notify,),
        }  # fmt: skip
        watcher = stack.enter_context(Prometheus(prometheus, jobs))
        world = _world()
        service.publish(list(world.units))
        live.publish([_unit()])
        worker = service.worker(http_port=first)
        others = [
            live.worker(http_port=wall),
            service.worker(*ARCHIVE, http_port=archive),
            live.worker(*WEB, web_port=web, web_secret=secrets.token_hex(32)),
            live.worker(*NOTIFY, http_port=notify, notify=str(_who_is_told(stack))),
        ]
        service.ingest(list(world.records))
        _bad_input(service)
        live.send(_now(live, 1))
        service.drain(worker)
        late = service.worker(http_port=second)
        _wait_until_all_are_up(watcher, worker, late, *others)
        live.send(_now(live, 2))
        _look_at_the_console(web)
        local = _people_act(service, world, worker, late)
        service.drain(worker, late)
        other = changed(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cem-scene-"))))
        for process in (worker, late):
            process.kill()
        worker, late = (service.worker(http_port=port, **other.settings) for port in (first, second))
        changed_ms = world.ends + 2 * DAY_MS + HOUR_MS
        service.ingest([_post(local, f"changed-{hour}", TEXT, changed_ms + hour * HOUR_MS) for hour in range(3)])
        service.drain(worker, late)
        _wait_for_the_archive(service, database)
        live.send(_now(live, 3))
        _look_at_the_console(web)
        time.sleep(4)  # two scrapes after the last change
        yield Scene(
            watcher, database, local.id,
            Period((world.starts - DAY_MS) / 1000, (world.ends + 4 * DAY_MS) / 1000, 3600.0),
            Period(begun, time.time()), other, changed_ms,
        )  # fmt: skip
        for process in (worker, late, *others):
            process.kill()  # to stop in good order takes seconds each


def _who_is_told(stack: ExitStack) -> Path:
    """A file for `cem notify`, and a server that takes its messages."""
    receiver = stack.enter_context(closing(Receiver()))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cem-scene-")))
    file = folder / "notify.toml"
    file.write_text(
        f'[[recipients]]\nname = "desk"\nkind = "webhook"\nurl = "{receiver.url()}"\n'
        f'secret_env = "{SECRET_VARIABLE}"\ngroup_seconds = 0.2\n'
    )
    before = os.environ.get(SECRET_VARIABLE)
    os.environ[SECRET_VARIABLE] = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    stack.callback(lambda: os.environ.pop(SECRET_VARIABLE, None) if before is None else None)
    return file


def _wait_until_all_are_up(watcher: Prometheus, *processes: Supervisor) -> None:
    """Until Prometheus has an answer from each; what has ended is started again meanwhile."""
    deadline = time.monotonic() + UP_SECONDS_MAX
    while time.monotonic() < deadline:
        down = [one["metric"]["job"] for one in watcher.ask("query", query="up == 0")["result"]]
        if not down and len(watcher.ask("query", query="up")["result"]) == len(processes):
            return
        for process in processes:
            process.check()
        time.sleep(0.5)
    logs = "\n\n".join(process.log_tail(15) for process in processes)
    raise AssertionError(f"{', '.join(down)}: not up; the ends of all logs:\n{logs}")


def _look_at_the_console(port: int) -> None:
    """Somebody opens it without being signed in."""
    with suppress(urllib.error.HTTPError):
        urllib.request.urlopen(f"http://{HOST}:{port}/login", timeout=5).close()


def _service(broker: EmbeddedKafka, stack: ExitStack, prefix: str, **more: Any) -> Service:
    given = {
        "kafka": broker.bootstrap, "prefix": prefix, "group": prefix, "author_key": KEY, "session_timeout_seconds": 6,
        "input_partitions": 1, "events_partitions": 2, "http_host": HOST, "http_port": 0, **more,
    }  # fmt: skip
    return Service(load({}, None, **given).settings, stack)


def _world() -> Scenario:
    """A small world up to some days ago. It begins on a Monday, so that the same seed is the same world at any time.
    Its units promise deadlines."""
    latest = int(time.time() * 1000) - (DAYS + 2) * DAY_MS
    starts = Millis((latest - MONDAY_MS) // (7 * DAY_MS) * 7 * DAY_MS + MONDAY_MS)
    return generate(11, units=6, hours=DAYS * 24, incidents=4, starts=starts)


def _bad_input(service: Service) -> None:
    """Records that nobody can read, and an action for no alert."""
    service.send(Emission(service.topics("posts"), b"k", b"{nonsense"), Emission(service.topics("posts"), b"k", b"[]"))


def _unit() -> Unit:
    return Unit(id="live-1", name="Harbour Grill", kind="restaurant", industry="restaurant", time_zone="UTC",
                handles=("@harbourgrill",))  # fmt: skip


def _now(live: Service, number: int) -> Emission:
    """A post of this very moment for which one is enough."""
    at = Millis(int(time.time() * 1000))
    author = Author(id=f"a{number}", handle=f"@someone{number}")
    post = Post(id=f"now{number}", network="x", author=author, text=f"{SEVERE} @harbourgrill", event_time=at)
    return Emission(live.topics("posts"), f"now{number}".encode(), encode(post))


def _people_act(service: Service, world: Scenario, *workers: Supervisor) -> Unit:
    """Old alerts are acted on late, some not at all, a new one at once; two days pass. Gives a unit with alerts."""
    opened = [alert for alert in service.alerts() if alert.change == "opened"]
    assert len(opened) > 8, "the scene has too few alerts"
    for alert in opened[:7]:
        _act(service, alert, "acknowledge", world.ends + MINUTE_MS)
        _act(service, alert, "resolve", world.ends + HOUR_MS, resolution_code="refund")
    _act(service, opened[0], "acknowledge", world.ends + HOUR_MS)
    _act(service, opened[8], "dismiss", world.ends + MINUTE_MS)
    local = next(unit for unit in world.units if unit.kind == "restaurant")
    at = world.ends + HOUR_MS
    service.ingest([_post(local, "fresh", SEVERE, at), _post(local, "calls", CALLS, at), *_cascade(local, at)])
    service.drain(*workers)
    fresh = [alert for alert in service.alerts() if alert.change == "opened" and alert.starts_at >= at]
    assert fresh, "a severe post has opened no alert"
    _act(service, fresh[0], "acknowledge", at + MINUTE_MS)
    _act(service, fresh[0], "reply", at + 2 * MINUTE_MS, note="We are very sorry and have called you.")
    _act(service, fresh[0], "resolve", at + 3 * MINUTE_MS, resolution_code="refund")
    service.ingest([_post(local, "later", "all good now, thank you", world.ends + 2 * DAY_MS)])
    return local


def _post(unit: Unit, number: str, text: str, at: int) -> Post:
    author = Author(id=f"author-{number}", handle=f"@{number}", followers=900)
    return Post(id=number, network="x", author=author, text=text, unit_hint=unit.id, event_time=Millis(at))


def _cascade(unit: Unit, at: int) -> list[Post]:
    """A complaint that many pass on."""
    first = _post(unit, "spread", "rude, dirty and a rip-off, they refused to help my mother, never again", at)
    passed_on = [
        Post(
            id=f"spread-{number}",
            network="x",
            author=Author(id=f"fan-{number}", handle=f"@fan{number}", followers=700),
            kind="repost",
            root_id="spread",
            in_reply_to="spread",
            event_time=Millis(at + 1000 + number * 4_000),
        )
        for number in range(150)
    ]
    return [first, *passed_on]


def _act(service: Service, alert: Alert, name: Any, at: int, **more: Any) -> None:
    action = Action(
        id=str(uuid.uuid4()), alert_id=alert.alert_id, unit_id=alert.labels.unit_id, action=name, actor="maria",
        event_time=Millis(at), **more,
    )  # fmt: skip
    service.send(Emission(service.topics("actions"), alert.labels.unit_id.encode(), encode(action)))


def _wait_for_the_archive(service: Service, database: str) -> None:
    """Until as many alerts and insights are there as Kafka holds."""
    wanted = len({(alert.alert_id, alert.sequence) for alert in service.alerts()})
    ends = {
        (topic, partition): offset
        for topic in (service.topics("events"), service.topics("alerts"), service.topics("cases"))
        for partition, offset in _last_offsets(service, topic).items()
    }
    deadline = time.monotonic() + ARCHIVED_SECONDS_MAX
    with psycopg.connect(database, autocommit=True) as connection:
        while time.monotonic() < deadline:
            there = connection.execute("SELECT count(*) FROM cem.alert").fetchone()
            positions = {
                (topic, partition): offset
                for topic, partition, offset in connection.execute(
                    "SELECT topic, partition, next_offset FROM cem.position"
                ).fetchall()
            }
            if there == (wanted,) and all(positions.get(key, 0) > offset for key, offset in ends.items()):
                return
            time.sleep(0.3)
    raise AssertionError(f"the archive has not everything: {there} of {wanted} alert records; {positions} of {ends}")


def _last_offsets(service: Service, topic: str) -> dict[int, int]:
    found: dict[int, int] = {}
    for record in read(service.settings, topic):
        found[record.partition] = max(found.get(record.partition, -1), record.offset)
    return found
