"""The console against a real Kafka: it reads what a real worker writes, what it sends takes effect, tokens are made and
end, and Kafka may go away and come back."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec
import orjson
import pytest
from aiohttp import ClientSession
from click.testing import CliRunner, Result

from agents.cli import main
from agents.kafka.admin import Admin
from agents.kafka.embedded import EmbeddedKafka
from agents.kafka.writer import Writer
from agents.settings import Settings, load
from agents.web.access import Viewer
from agents.web.context import SendError
from agents.web.feed import Feed
from agents.web.live import Hub
from agents.web.model import Changed, Model
from agents.web.outbox import Outbox
from pipeline.emission import Emission
from schemas.codec import encode
from schemas.topics import Topics
from tests.broker.conftest import NewService, Service
from tests.broker.test_way import STORE, surge
from tests.web import world

pytestmark = pytest.mark.broker

SECRET = "a secret for tests only, long enough"
SECONDS_MAX = 30.0
HEAD = Viewer("head", "head_office")


def cem(settings: Settings, *arguments: str, **environment: str) -> Result:
    """A command, as a user types it."""
    return CliRunner().invoke(main, arguments, env=_environment(settings, **environment))


def _environment(settings: Settings, **more: str) -> dict[str, str]:
    given = {"PATH": os.environ["PATH"], "CEM_KAFKA": settings.kafka, "CEM_PREFIX": settings.prefix,
             "CEM_CLOCK": settings.clock, "COLUMNS": "200"}  # fmt: skip
    return {**given, **more}


class Answer(NamedTuple):
    """Of the console: its status, what it says, where it leads."""

    status: int
    said: Any
    location: str


class Web:
    """A `cem web` that runs."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str, token: str, body: Any = None) -> Answer:
        """One request; a POST where there is a body."""

        async def work() -> Answer:
            headers = {"Authorization": f"Bearer {token}"}
            method = "GET" if body is None else "POST"
            async with (
                ClientSession() as session,
                session.request(method, self.url + path, json=body, headers=headers) as answer,
            ):
                said = await answer.read()
                is_json = "json" in answer.content_type
                return Answer(
                    answer.status, orjson.loads(said) if is_json else said, answer.headers.get("Location", "")
                )

        return asyncio.run(work())

    def until(self, path: str, token: str, true: Callable[[Answer], bool]) -> Answer:
        """Asks until the answer is as it should be."""
        deadline = time.monotonic() + SECONDS_MAX
        while not true(answer := self.ask(path, token)):
            assert time.monotonic() < deadline, answer
            time.sleep(0.05)
        return answer


@contextmanager
def console(settings: Settings) -> Iterator[Web]:
    """`cem web` as a process."""
    environment = _environment(settings, CEM_WEB_SECRET=SECRET, PYTHONUNBUFFERED="1")
    process = subprocess.Popen(
        [sys.executable, "-m", "agents.cli", "web", "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "console at http://127.0.0.1:" in line, line
        web = Web(line.split()[2])
        web.until("/health/ready", "", lambda answer: answer.status == 200)
        yield web
    finally:
        process.terminate()
        assert process.wait(20) in (0, None)


def test_from_a_surge_to_a_case_that_is_closed(new_service: NewService) -> None:
    """What a worker raises is in the console, with its posts' masked text; what managers do there takes effect and is
    answered; of two who do the same at once one is refused, and told; the same id takes effect once; a token that is
    revoked opens nothing any more. A replica that is started afterwards says the same."""
    service: Service = new_service()
    service.publish([STORE])
    made = cem(service.settings, "tokens", "create", "--role", "unit", "--unit", "store-17", "--name", "maria")
    maria = made.stdout.strip()
    tom = cem(service.settings, "tokens", "create", "--role", "head_office", "--name", "tom").stdout.strip()
    worker = service.worker()
    with console(service.settings) as web:
        assert [] == web.ask("/api/v1/alerts", maria).said["alerts"]
        surge(service)
        service.drain(worker)
        alerts = web.until("/api/v1/alerts", maria, lambda answer: bool(answer.said["alerts"])).said["alerts"]
        path = f"/api/v1/alerts/{alerts[0]['alert_id']}"
        texts = web.until(f"{path}/texts", maria, lambda answer: len(answer.said["texts"]) > 3).said["texts"]
        assert {"terrible, rude and dirty @elmstreet"} == {one["text"] for one in texts}

        def act(token: str, **action: str) -> dict[str, Any]:
            sent = web.ask(f"{path}/actions", token, action)
            assert 202 == sent.status, sent
            return web.until(sent.location, token, lambda answer: answer.said["status"] != "pending").said

        both = [web.ask(f"{path}/actions", token, {"action": "acknowledge"}) for token in (maria, tom)]
        answers = [
            web.until(sent.location, token, lambda answer: answer.said["status"] != "pending").said
            for sent, token in zip(both, (maria, tom), strict=True)
        ]
        assert ["accepted", "refused"] == [one["status"] for one in answers]
        assert "not_from_this_state" == answers[1]["reason"]
        again = {"action": "comment", "id": "mine", "note": "Call 212-555-0123"}
        assert ["accepted"] * 2 == [act(maria, **again)["status"] for _ in range(2)]
        assert "accepted" == act(maria, action="resolve", resolution_code="other")["status"]
        web.until(path, maria, lambda answer: answer.said["state"] == "resolved")
        entries = web.ask(f"{path}/entries", maria).said["entries"]
        assert 1 == sum(one["change"] == "commented" for one in (dict({"change": None}, **one) for one in entries))
        notes = web.until(f"{path}/texts", maria, lambda answer: "note:mine" in str(answer.said)).said["texts"]
        assert ["Call [phone]"] == [one["text"] for one in notes if one["id"] == "note:mine"]

        assert 0 == cem(service.settings, "tokens", "revoke", maria.split("_")[1]).exit_code
        web.until(path, maria, lambda answer: answer.status == 401)
        assert 200 == web.ask(path, tom).status
        with console(service.settings) as replica:
            said = ("/api/v1/alerts?state=all", path, f"{path}/entries", f"{path}/texts", "/api/v1/units/store-17",
                    "/api/v1/actions/mine", "/api/v1/unrouted")  # fmt: skip
            assert [web.ask(one, tom) for one in said] == [replica.ask(one, tom) for one in said]
            assert 401 == replica.ask(path, maria).status


def test_tokens_are_made_listed_and_revoked(new_service: NewService) -> None:
    """A token is told once, what is on Kafka is its hash; mistakes are one line and exit code 2."""
    service: Service = new_service()
    service.publish([STORE])
    settings = service.settings
    made = orjson.loads(
        cem(settings, "tokens", "create", "--role", "department", "--unit", "store-17", "--department", "service",
            "--name", "kiosk", "--expires", "12h", "--json").stdout
    )  # fmt: skip
    (record,) = service.records("tokens")
    assert made["token"].encode() not in record.value and made["token"].split("_")[2].encode() not in record.value
    listed = cem(settings, "tokens", "list", "--json").stdout
    told = [orjson.loads(line) for line in listed.splitlines()]
    assert [("kiosk", "department", "store-17", "service")] == [
        (one["name"], one["role"], one["unit_id"], one["department"]) for one in told
    ]
    assert "hash" not in told[0] and "token" not in told[0]
    assert 0 == cem(settings, "tokens", "revoke", made["id"]).exit_code
    assert "" == cem(settings, "tokens", "list", "--json").stdout
    assert "revoked" in cem(settings, "tokens", "list", "--all").stdout
    for wrong in (
        ("create", "--role", "unit", "--name", "a"),
        ("create", "--role", "unit", "--unit", "store-99", "--name", "a"),
        ("create", "--role", "department", "--unit", "store-17", "--name", "a"),
        ("create", "--role", "king", "--name", "a"),
        ("create", "--role", "auditor", "--name", "a\nb"),
        ("create", "--role", "auditor", "--name", "a", "--expires", "soon"),
        ("create", "--role", "auditor", "--name", "a", "--expires", "9999999d"),
        ("revoke", "nothing"),
    ):
        done = cem(settings, "tokens", *wrong)
        assert (2, True) == (done.exit_code, isinstance(done.exception, SystemExit)), wrong
    assert 2 == len(service.records("tokens"))


def test_the_console_does_not_start_where_it_could_not_be_trusted(new_service: NewService, tmp_path: Any) -> None:
    """Without a secret, with roles that make no sense, with proxies but no roles: one line says so, exit code 2."""
    settings = new_service().settings
    roles = tmp_path / "roles.toml"
    roles.write_text('[[people]]\nemail = "a@example.com"\nrole = "unit"\n')
    for given, word in (
        ({}, "CEM_WEB_SECRET"),
        ({"CEM_WEB_SECRET": "short"}, "32"),
        ({"CEM_WEB_SECRET": SECRET, "CEM_WEB_TRUSTED_PROXIES": "10.0.0.0/99"}, "web_trusted_proxies"),
        ({"CEM_WEB_SECRET": SECRET, "CEM_WEB_TRUSTED_PROXIES": "10.0.0.1"}, "belong together"),
        (
            {"CEM_WEB_SECRET": SECRET, "CEM_WEB_TRUSTED_PROXIES": "10.0.0.1", "CEM_WEB_ROLES": str(roles)},
            "needs a unit",
        ),
        ({"CEM_WEB_SECRET": SECRET, "CEM_WEB_URL": "https://cem.example.com/console"}, "web_url"),
    ):
        done = cem(settings, "web", **given)
        assert (2, True, False) == (done.exit_code, word in done.stderr, SECRET in done.stderr), done.stderr


class Told(Hub):
    """What a hub is told."""

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self.said: list[Any] = []

    def alert_changed(self, changed: Changed) -> None:
        """See Hub."""
        self.said.append(changed.after.sequence)

    def connection_changed(self) -> None:
        """See Hub."""
        self.said.append(self._model.connected)


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(2 * SECONDS_MAX):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def test_kafka_goes_away_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The console says so, keeps what it knows, and goes on where it was: nothing is missing, nothing comes twice; what
    is sent meanwhile is told as not sent, and sent again once Kafka is back. It starts without its topics, too."""
    monkeypatch.setattr("agents.web.feed.PROBE_SECONDS", 0.2)
    monkeypatch.setattr("agents.web.feed.PROBE_SECONDS_MAX", 1.0)
    monkeypatch.setattr("agents.web.feed.BACK_OFF_SECONDS", (0.2,))
    monkeypatch.setattr("agents.web.outbox.SEND_SECONDS_MAX", 1.0)
    asyncio.run(_away_and_back())


async def _away_and_back() -> None:
    loop = asyncio.get_running_loop()
    with EmbeddedKafka() as broker:
        settings = load({}, None, kafka=broker.bootstrap, prefix="away", clock="data").settings
        topics = Topics(settings.prefix)
        model = Model()
        feed, hub = Feed(settings, topics, model), Told(model)
        feed.tell(hub)
        await feed.start()
        await _until(lambda: "cem topics apply" in (feed.why_not_ready() or ""))
        assert model.loading and not model.connected

        def prepare() -> None:
            with Admin(settings, topics) as admin:
                admin.apply()
            send([alert, *(msgspec.structs.replace(alert, sequence=number) for number in (2, 3))])

        def send(records: list[Any]) -> None:
            with Writer(settings) as writer:
                for record in records:
                    writer.send(Emission(topics("alerts"), b"elm-street", encode(record)))

        alert = world.make_alert("elm-street", "abcd")
        await loop.run_in_executor(None, prepare)
        await _until(lambda: feed.why_not_ready() is None)
        assert 3 == model.alerts(HEAD, state="all")[0].sequence
        await loop.run_in_executor(None, send, [msgspec.structs.replace(alert, sequence=4)])
        await _until(lambda: 4 in hub.said)
        outbox, action = Outbox(settings), Emission(topics("actions"), b"elm-street", b"{}")
        await outbox.send(action)
        await loop.run_in_executor(None, broker.kill)
        await _until(lambda: not model.connected)
        for _ in range(2):
            with pytest.raises(SendError):
                await outbox.send(action)
        assert "cut off from Kafka" == feed.why_not_ready()
        assert 4 == model.alerts(HEAD, state="all")[0].sequence
        await loop.run_in_executor(None, broker.start)
        await _until(lambda: model.connected)
        tries = 0
        while True:
            try:
                await outbox.send(action)
                break
            except SendError:
                tries += 1
                assert tries < SECONDS_MAX
        await loop.run_in_executor(None, send, [msgspec.structs.replace(alert, sequence=5)])
        await _until(lambda: 5 in hub.said)
        assert [4, 5] == [one for one in hub.said if not isinstance(one, bool)]
        assert [True, False, True] == [one for one in hub.said if isinstance(one, bool)][1:]
        await outbox.stop()
        await feed.stop()


def test_what_others_wrote_does_not_stop_the_console(new_service: NewService) -> None:
    """Records that are none, tombstones and keys that are none are left out; the rest is read."""
    service: Service = new_service()
    service.publish([STORE])
    tom = cem(service.settings, "tokens", "create", "--role", "head_office", "--name", "tom").stdout.strip()
    names = ("alerts", "cases", "texts", "unrouted", "rollup", "tokens", "units", "actions")
    for name in names:
        service.send(*(Emission(service.topics(name), b"k", value) for value in (b"\xff{nonsense", b"", b"[]")))
        if name != "units":
            service.send(Emission(service.topics(name), b"\xff", None))
    alert = world.make_alert("store-17", "abcd")
    service.send(Emission(service.topics("alerts"), b"store-17", encode(alert)))
    with console(service.settings) as web:
        alerts = web.ask("/api/v1/alerts?state=all", tom).said["alerts"]
        assert [alert.alert_id] == [one["alert_id"] for one in alerts]
        service.send(Emission(service.topics("alerts"), b"k", b"{"))
        service.send(Emission(service.topics("alerts"), b"store-17", encode(world.next_of(alert))))
        web.until("/api/v1/alerts?state=all", tom, lambda answer: answer.said["alerts"][0]["sequence"] == 2)
