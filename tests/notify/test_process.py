"""The process on a real Kafka: killed in the middle, stopped, taken over, with recipients that fail."""

import asyncio
import base64
import os
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from random import Random
from urllib.error import HTTPError
from urllib.request import urlopen

import msgspec
import orjson
import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook

from agents.supervisor import Supervisor
from pipeline.emission import Emission
from pipeline.notify.rules import CHANGES
from schemas.alert import Alert
from schemas.codec import Codec, encode
from schemas.deadletter import DeadLetter
from schemas.time import DAY_MS, HOUR_MS, Millis
from tests.broker.conftest import NewService, Service
from tests.broker.test_way import STORE, surge
from tests.notify.conftest import MailSink, Received, Receiver
from tests.notify_examples import UNITS, alert

pytestmark = pytest.mark.broker

SECRET = "whsec_" + base64.b64encode(b"n" * 24).decode()
WAIT_SECONDS_MAX = 60.0
COMMAND = (sys.executable, "-m", "agents.cli", "notify")

letters = Codec[DeadLetter](DeadLetter)


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the files name."""
    monkeypatch.setenv("TEST_NOTIFY_SECRET", SECRET)


def webhook(name: str, url: str, more: str = "") -> str:
    """An entry of the file."""
    return (
        f'[[recipients]]\nname = "{name}"\nkind = "webhook"\nurl = "{url}"\nsecret_env = "TEST_NOTIFY_SECRET"\n'
        f"group_seconds = 0.2\nretry_seconds = 0.05\n{more}\n"
    )


def start(service: Service, tmp_path: Path, text: str, **overrides: object) -> Supervisor:
    """`cem notify` with this file, once it is ready."""
    file = tmp_path / "notify.toml"
    file.write_text(text)
    process = service.worker(*COMMAND, notify=str(file), **overrides)
    wait_until(lambda: port_of(process) is not None and is_ready(process), process)
    return process


def port_of(process: Supervisor) -> int | None:
    """Where /metrics is, of the last start."""
    lines = [line for line in process.log.read_text().splitlines() if "http port" in line]
    return int(lines[-1].rpartition(" ")[2]) if lines else None


def is_ready(process: Supervisor) -> bool:
    """What /ready says."""
    try:
        with urlopen(f"http://127.0.0.1:{port_of(process)}/ready") as answer:
            return bool(answer.status == 200)
    except (HTTPError, OSError):
        return False


def wait_until(true: Callable[[], bool], *processes: Supervisor) -> None:
    """Or fails, with the logs; processes that ended are started again meanwhile."""
    for _ in range(int(WAIT_SECONDS_MAX / 0.05)):
        if true():
            return
        for process in processes:
            process.check()
        time.sleep(0.05)
    pytest.fail("it did not happen\n" + "\n".join(process.log_tail() for process in processes))


def send(service: Service, *alerts: Alert) -> None:
    """Onto `cem.alerts`, as a worker does."""
    name = service.topics("alerts")
    service.send(*(Emission(name, one.labels.unit_id.encode(), encode(one)) for one in alerts))


def seen(received: list[Received]) -> dict[tuple[str, int], set[str]]:
    """(alert, sequence) -> ids of the messages that told of it."""
    found: dict[tuple[str, int], set[str]] = defaultdict(set)
    for one in received:
        for told in orjson.loads(one.body)["data"]["alerts"]:
            for change in told["changes"]:
                found[told["alert"]["alert_id"], change["sequence"]].add(one.id)
    return found


def wanted(alerts: list[Alert]) -> set[tuple[str, int]]:
    """What has to be told."""
    return {(one.alert_id, one.sequence) for one in alerts}


def test_killed_in_the_middle_nothing_is_lost_and_repeats_are_the_same_message(
    new_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    """Killed again and again while messages are on their way to a receiver that is slow and fails: each change comes at
    least once, in one message only, which is the same bytes each time; changes of an alert come in order."""
    random = Random(7)

    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(random.random() * 0.03)
        return web.Response(status=500 if random.random() < 0.2 else 204)

    receiver.answer = answer
    service = new_service()
    service.publish(list(UNITS))
    process = start(service, tmp_path, webhook("all", receiver.url()), instance="one")
    units = [f"unit-{number}" for number in range(25)]
    alerts = [alert(1, sequence, "grown", unit) for sequence in range(1, 9) for unit in units]
    sending = threading.Thread(target=lambda: [send(service, *alerts[at : at + 25]) for at in range(0, 200, 25)])
    sending.start()
    for kills in range(1, 6):
        wait_until(lambda kills=kills: len(receiver.received) >= kills * 12, process)  # type: ignore[misc]
        process.kill()
        process.check()
    sending.join()
    wait_until(lambda: wanted(alerts) <= seen(receiver.received).keys(), process)
    found = seen(receiver.received)
    assert wanted(alerts) == found.keys()
    assert {1} == {len(ids) for ids in found.values()}, "a change is in one message"
    bodies: dict[str, set[bytes]] = defaultdict(set)
    first: dict[str, list[int]] = defaultdict(list)
    for one in receiver.received:
        if one.id not in bodies:
            for told in orjson.loads(one.body)["data"]["alerts"]:
                first[told["alert"]["alert_id"]] += [change["sequence"] for change in told["changes"]]
        bodies[one.id].add(one.body)
        Webhook(SECRET).verify(one.body, one.headers)
    assert {1} == {len(same) for same in bodies.values()}, "a repeat is the same bytes"
    assert all(sequences == sorted(sequences) for sequences in first.values()), "changes come in their order"
    assert process.restarts >= 5


def test_stopped_in_good_order_nothing_comes_twice(new_service: NewService, receiver: Receiver, tmp_path: Path) -> None:
    """SIGTERM: exit code 0, what is on its way is waited for; the next start goes on behind it. In quiet operation each
    message is sent exactly once."""
    service = new_service()
    process = start(service, tmp_path, webhook("all", receiver.url()))
    alerts = [alert(1, 1, "opened", f"unit-{number}") for number in range(10)]
    send(service, *alerts)
    wait_until(lambda: wanted(alerts) <= seen(receiver.received).keys(), process)
    os.kill(process.pid, signal.SIGTERM)
    wait_until(lambda: process._guard.ask("poll") != "running")
    assert "exited 0" == process._guard.ask("poll")
    later = [alert(1, 2, "resolved", f"unit-{number}") for number in range(10)]
    send(service, *later)
    wait_until(lambda: wanted(later) <= seen(receiver.received).keys(), process)
    ids = [one.id for one in receiver.received]
    assert len(ids) == len(set(ids))


def test_one_works_and_another_stands_by(new_service: NewService, receiver: Receiver, tmp_path: Path) -> None:
    """Two processes send each message once; when the one that works is stopped, the other one takes over; when that
    goes on again, it ends itself instead of sending what it still had in mind."""
    service = new_service()
    text = webhook("all", receiver.url())
    first, second = start(service, tmp_path, text), start(service, tmp_path, text)
    alerts = [alert(1, 1, "opened", f"unit-{number}") for number in range(10)]
    send(service, *alerts)
    wait_until(lambda: wanted(alerts) <= seen(receiver.received).keys(), first, second)
    assert len(receiver.received) == len({one.id for one in receiver.received})
    os.kill(first.pid, signal.SIGSTOP)
    later = [alert(1, 2, "grown", f"unit-{number}") for number in range(10)]
    send(service, *later)
    wait_until(lambda: wanted(later) <= seen(receiver.received).keys(), second)
    os.kill(first.pid, signal.SIGCONT)
    wait_until(lambda: "exited 70" == first._guard.ask("poll"))
    assert {1} == {len(ids) for ids in seen(receiver.received).values()}


def test_who_hangs_or_refuses_holds_up_nobody(
    new_service: NewService, receiver: Receiver, new_mail_server: Callable[..., MailSink], tmp_path: Path
) -> None:
    """One recipient never answers, one says 404, one is not there: the others are told meanwhile, by webhook and mail;
    what was given up is a dead letter that says who, what and why; the metrics count it."""
    release = threading.Event()

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/hangs":
            await asyncio.to_thread(release.wait, WAIT_SECONDS_MAX)
        return web.Response(status=404 if request.path == "/refuses" else 204)

    receiver.answer = answer
    mail = new_mail_server()
    text = (
        f'[email]\nhost = "127.0.0.1"\nport = {mail.port}\nsecurity = "none"\nfrom = "cem@acme.example"\n'
        '[[recipients]]\nname = "care"\nkind = "email"\nto = "care@acme.example"\ngroup_seconds = 0.2\n'
        + webhook("hangs", receiver.url("/hangs"))
        + webhook("refuses", receiver.url("/refuses"))
        + webhook("away", "http://127.0.0.1:1/", "tries_max = 3")
        + webhook("good", receiver.url("/good"))
    )
    service = new_service()
    service.publish(list(UNITS))
    process = start(service, tmp_path, text)
    alerts = [alert(1, 1, "opened", f"unit-{number}") for number in range(30)]
    send(service, *alerts)
    service.send(Emission(service.topics("alerts"), b"k", b"{broken"))

    def good() -> list[Received]:
        return [one for one in receiver.received if one.path == "/good"]

    wait_until(lambda: wanted(alerts) <= seen(good()).keys() and len(mail.sink.mails) == 30, process)
    assert receiver.open > 0, "the one that hangs still does"

    def given_up() -> set[tuple[str, str]]:
        found = set()
        for letter in service.values("deadletter", letters):
            if letter.reason == "not_delivered":
                who = letter.detail.split("'")[1]
                found.add((who, Codec[Alert](Alert).decode(letter.bytes).alert_id))
        return found

    everything = {(who, one.alert_id) for who in ("refuses", "away") for one in alerts}
    wait_until(lambda: everything <= given_up(), process)
    assert everything == given_up()
    details = {letter.reason: letter.detail for letter in service.values("deadletter", letters)}
    assert {"not_delivered", "not_json"} == details.keys()
    with urlopen(f"http://127.0.0.1:{port_of(process)}/metrics") as answer_:
        metrics = answer_.read().decode()
    assert 'cem_notifications_total{kind="email",outcome="delivered"} 30.0' in metrics
    assert 'cem_notifications_open{recipient="hangs"} 16.0' in metrics
    assert SECRET not in process.log.read_text()
    release.set()
    wait_until(lambda: wanted(alerts) <= seen([r for r in receiver.received if r.path == "/hangs"]).keys(), process)


def test_complaints_become_a_message(new_service: NewService, receiver: Receiver, tmp_path: Path) -> None:
    """The whole way: posts, a worker, an alert, a message with its figures and the console's address, and not a word of
    what was said."""
    service = new_service()
    service.publish([STORE])
    text = webhook("all", receiver.url(), 'units = ["store-17"]')
    process = start(service, tmp_path, text, web_url="https://cem.example.com")
    worker = service.worker()
    surge(service)
    service.drain(worker)
    alerts = {one.sequence: one for one in service.alerts() if one.change in CHANGES}
    wait_until(lambda: wanted(list(alerts.values())) == seen(receiver.received).keys(), process)
    body = receiver.received[0].body
    [told] = orjson.loads(body)["data"]["alerts"]
    alert = alerts[told["alert"]["sequence"]]
    assert alert.annotations.summary == told["alert"]["annotations"]["summary"]
    assert f"https://cem.example.com/alerts/{alert.alert_id}" == told["url"]
    assert b"rude" not in body and len(alert.evidence) > 0 == len(told["alert"]["evidence"])


def test_what_is_old_at_the_first_start_is_not_sent(
    new_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    """No flood of what nobody can change any more; what comes afterwards is sent, also what came while it was away. Who
    is of the region is told of its units only, as the directory has them."""
    service = new_service()
    service.publish(list(UNITS))
    send(service, alert(1))
    west = webhook("west", receiver.url("/west"), 'units = ["west"]')
    process = start(service, tmp_path, webhook("all", receiver.url()) + west, notify_past_hours=0, instance="one")
    labels = msgspec.structs.replace(alert().labels, region=None, unit_id="store-18")
    send(service, alert(1, unit="acme"), alert(2, labels=labels))
    wait_until(lambda: len(receiver.received) == 3, process)
    assert {"/west": wanted([alert(2)])} == {
        one.path: set(seen([one])) for one in receiver.received if one.path == "/west"
    }
    process.kill()
    send(service, alert(3))
    wait_until(lambda: wanted([alert(3)]) <= seen(receiver.received).keys(), process)
    assert wanted([alert(1, unit="acme"), alert(2), alert(3)]) == seen(receiver.received).keys()


def test_what_was_written_again_and_is_old_is_not_sent(
    new_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    """A restore writes a week of alerts anew, and nothing is known of what was told then: nobody hears of it again."""
    service = new_service(clock="wall")
    service.publish(list(UNITS))
    now = int(time.time() * 1000)
    units = [f"unit-{number}" for number in range(10)]
    for age_ms in (5 * DAY_MS, 2 * HOUR_MS):
        send(service, *(alert(age_ms, 1, "grown", unit, detected_at=Millis(now - age_ms)) for unit in units))
    late = [alert(1, 1, "grown", unit, detected_at=Millis(now)) for unit in units]
    send(service, *late)
    process = start(service, tmp_path, webhook("all", receiver.url()), notify_past_hours=1)
    wait_until(lambda: wanted(late) <= seen(receiver.received).keys(), process)
    assert wanted(late) == seen(receiver.received).keys()
