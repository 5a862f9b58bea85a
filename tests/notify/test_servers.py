"""One try against real servers: those that work, those that fail, stall and lie."""

import asyncio
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from socket import socket
from typing import Any

import orjson
import pytest
import trustme
from aiohttp import web
from aiosmtpd.smtp import AuthResult
from standardwebhooks.webhooks import Webhook

from agents.notify import http, sender, smtp
from pipeline.notify.answer import Answer, Outcome
from pipeline.notify.file import Secrets
from pipeline.notify.message import Part
from pipeline.notify.rules import MailServer, Recipient, Rules
from schemas.alert import AlertChange
from schemas.notified import Told
from schemas.time import Millis
from tests.notify.conftest import MailSink, RawServer, Receiver
from tests.notify_examples import alert, message, recipient

KEY = b"k" * 24
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
NewRaw = Callable[[Callable[[socket], None]], RawServer]
NewMailServer = Callable[..., MailSink]


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A try has a second, so that servers that stall cost little."""
    monkeypatch.setattr(http, "TRY_SECONDS_MAX", 1.0)
    monkeypatch.setattr(http, "BODY_SECONDS_MAX", 0.3)
    monkeypatch.setattr(smtp, "STEP_SECONDS_MAX", 0.5)
    monkeypatch.setattr(smtp, "MAIL_SECONDS_MAX", 1.0)


def send(one: Recipient, url: str = "", email: MailServer | None = None, **secrets: Any) -> Answer:
    """One try."""

    async def run() -> Answer:
        rules = Rules(recipients=(one,), email=email)
        async with sender.Sender(rules, {one.id: Secrets(url=url, **secrets)}, "https://cem.example.com") as made:
            return await made.send(message(), one)

    return asyncio.run(run())


def test_a_webhook_arrives_and_is_genuine(receiver: Receiver) -> None:
    """The receiver checks it with the standard's own package."""
    assert Outcome.DELIVERED is send(recipient(), receiver.url("/hook"), keys=(KEY,)).outcome
    [got] = receiver.received
    assert "/hook" == got.path
    assert "cem.alert.opened" == Webhook(KEY).verify(got.body, got.headers)["type"]


@pytest.mark.parametrize(
    ("status", "headers", "outcome", "seconds"),
    [
        (200, {}, Outcome.DELIVERED, 0), (500, {}, Outcome.AGAIN, 0), (404, {}, Outcome.NEVER, 0),
        (429, {"Retry-After": "17"}, Outcome.AGAIN, 17), (503, {"Retry-After": "x" * 5000}, Outcome.AGAIN, 0),
    ],
)  # fmt: skip
def test_what_a_server_says_counts(
    receiver: Receiver, status: int, headers: dict[str, str], outcome: Outcome, seconds: float
) -> None:
    """Its status, and how long it wants to be left alone."""
    receiver.answer = lambda _: web.Response(status=status, headers=headers, text="<html>garbage")
    said = send(recipient(), receiver.url())
    assert (outcome, seconds) == (said.outcome, said.after_s)


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    """What is signed for one goes to no other."""
    receiver.answer = lambda _: web.Response(status=307, headers={"Location": "/elsewhere"})
    said = send(recipient(), receiver.url("/hook"), keys=(KEY,))
    assert (Outcome.NEVER, ["/hook"]) == (said.outcome, [one.path for one in receiver.received])


def stall(_: socket) -> None:
    """Takes the connection, says nothing."""
    time.sleep(3)


def drip(connection: socket) -> None:
    """A header a little at a time, for ever."""
    for char in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100:
        connection.send(bytes([char]))
        time.sleep(0.05)


def half(connection: socket) -> None:
    """A status, and then the end."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 20")


def garbage(connection: socket) -> None:
    """No HTTP at all."""
    connection.recv(65536)
    connection.sendall(b"\x00\xff" * 500)


def endless_headers(connection: socket) -> None:
    """More headers than anybody needs."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2_000_000)


@pytest.mark.parametrize("talk", [stall, drip, half, garbage, endless_headers])
def test_a_server_that_does_not_answer_is_tried_again(new_raw: NewRaw, talk: Callable[[socket], None]) -> None:
    """Stalled, dripping, broken off, no HTTP: no status came, so nothing was delivered; it has a second, no more."""
    server = new_raw(talk)
    said = send(recipient(), f"http://127.0.0.1:{server.port}/s3cret")
    assert Outcome.AGAIN is said.outcome
    assert "s3cret" not in said.why and str(server.port) not in said.why


def a_gigabyte(connection: socket) -> None:
    """As long as it is taken."""
    connection.recv(65536)
    connection.sendall(OK + b"Content-Length: 1000000000\r\n\r\n")
    sent = 0
    while sent < 1_000_000_000:
        sent += connection.send(b"x" * 65536)
        time.sleep(0.001)


def breaks_off(connection: socket) -> None:
    """Promises more than it sends."""
    connection.recv(65536)
    connection.sendall(OK + b"Content-Length: 1000\r\n\r\nok")


@pytest.mark.parametrize("talk", [a_gigabyte, breaks_off])
@pytest.mark.parametrize("kind", ["webhook", "slack"])
def test_a_body_does_not_change_what_the_status_said(
    new_raw: NewRaw, talk: Callable[[socket], None], kind: str
) -> None:
    """A gigabyte is not read, a body that breaks off is no failure."""
    server = new_raw(talk)
    said = send(recipient(kind=kind), f"http://127.0.0.1:{server.port}/")
    assert Outcome.DELIVERED is said.outcome


def test_at_most_64_kib_of_a_body_are_kept(new_raw: NewRaw) -> None:
    """Whatever comes."""
    server = new_raw(a_gigabyte)

    async def run() -> http.Response:
        async with http.Http() as made:
            return await made.post(http.Post(url=f"http://127.0.0.1:{server.port}/", headers={}, body=b""))

    assert len(asyncio.run(run()).body) <= http.BODY_BYTES_MAX


@pytest.mark.parametrize("kind", ["slack", "pagerduty"])
def test_a_sign_in_page_has_not_taken_the_message(receiver: Receiver, kind: str) -> None:
    """200 with a page of somebody in between: tried again."""
    receiver.answer = lambda _: web.Response(text="<html>Sign in</html>")
    assert Outcome.AGAIN is send(recipient(kind=kind), receiver.url()).outcome


def test_pagerduty_is_told_step_by_step(receiver: Receiver) -> None:
    """As its API wants it."""
    receiver.answer = lambda _: web.json_response({"status": "success", "message": "Event processed"}, status=202)
    assert Outcome.DELIVERED is send(recipient(kind="pagerduty"), receiver.url("/v2"), routing_key="r0uting").outcome
    [body] = [orjson.loads(one.body) for one in receiver.received]
    assert ("trigger", "r0uting") == (body["event_action"], body["routing_key"])


def test_pagerduty_is_not_told_again_what_it_has_taken(receiver: Receiver) -> None:
    """A trigger that came again after its resolve would open another incident, and wake somebody."""
    changes: tuple[AlertChange, ...] = ("opened", "resolved")
    told = tuple(Told(change=change, sequence=at, at=Millis(at)) for at, change in enumerate(changes, 1))
    both = message(parts=(Part(alert=alert(1, 2, "resolved"), changes=told),))
    one = recipient(kind="pagerduty")
    statuses = iter((202, 500, 202))
    receiver.answer = lambda _: web.json_response({"status": "success"}, status=next(statuses))

    async def run() -> list[Outcome]:
        secrets = {one.id: Secrets(url=receiver.url("/v2"), routing_key="r0uting")}
        async with sender.Sender(Rules(recipients=(one,)), secrets, "") as made:
            return [(await made.send(both, one)).outcome for _ in range(2)]

    assert [Outcome.AGAIN, Outcome.DELIVERED] == asyncio.run(run())
    assert ["trigger", "resolve", "resolve"] == [orjson.loads(got.body)["event_action"] for got in receiver.received]


def test_a_server_that_is_not_there_is_tried_again() -> None:
    """Nothing listens; the address is not repeated."""
    said = send(recipient(), "http://127.0.0.1:1/s3cret")
    assert (Outcome.AGAIN, "it cannot be reached") == (said.outcome, said.why)


@pytest.fixture
def authority() -> trustme.CA:
    """An authority that this machine does not trust."""
    return trustme.CA()


def server_context(authority: trustme.CA, host: str = "127.0.0.1") -> ssl.SSLContext:
    """What a server with a certificate of the authority needs."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(host).configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("trusted", "host", "outcome"),
    [
        (True, "127.0.0.1", Outcome.DELIVERED),
        (True, "other.example", Outcome.AGAIN),
        (False, "127.0.0.1", Outcome.AGAIN),
    ],
)
def test_certificates_are_checked(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trusted: bool, host: str, outcome: Outcome
) -> None:
    """An authority that nobody trusts, or another name: nothing is sent."""
    if trusted:
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    server = Receiver(server_context(authority, host))
    try:
        said = send(recipient(), server.url(scheme="https"))
        assert (outcome, outcome is Outcome.DELIVERED) == (said.outcome, bool(server.received))
    finally:
        server.close()


def test_what_cannot_be_written_is_given_up(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours about one message is a dead letter, and no end of the process."""
    monkeypatch.setattr(sender.webhook, "request", lambda *_: 1 / 0)
    said = send(recipient(), receiver.url())
    assert (Outcome.NEVER, True) == (said.outcome, "ZeroDivisionError" in said.why)


CARE = recipient("care", kind="email", url=None, to=("care@acme.example",))


def by_mail(port: int, password: str = "", **fields: Any) -> Answer:
    """One try by e-mail."""
    given = {"host": "127.0.0.1", "port": port, "sender": "cem@acme.example", "security": "none", **fields}
    return send(CARE, email=MailServer(**given), password=password)


def test_a_mail_arrives(new_mail_server: NewMailServer) -> None:
    """From whom, to whom, what."""
    server = new_mail_server()
    assert Outcome.DELIVERED is by_mail(server.port).outcome
    [mail] = server.sink.mails
    assert ("cem@acme.example", ["care@acme.example"]) == (mail.mail_from, mail.rcpt_tos)
    assert b"Subject: New (medium): 6 complaints in an hour" in (mail.content or b"")


@pytest.mark.parametrize(
    ("refuse", "refuse_data", "outcome"),
    [
        ("550 no such user", None, Outcome.NEVER), ("450 greylisted", None, Outcome.AGAIN),
        (None, "554 spam", Outcome.NEVER), (None, "452 full", Outcome.AGAIN),
    ],
)  # fmt: skip
def test_a_mail_server_may_refuse(
    new_mail_server: NewMailServer, refuse: str | None, refuse_data: str | None, outcome: Outcome
) -> None:
    """For now, or for ever; what it says is told."""
    server = new_mail_server()
    server.sink.refuse, server.sink.refuse_data = refuse, refuse_data
    said = by_mail(server.port)
    assert (outcome, True) == (said.outcome, (refuse or refuse_data or "")[4:] in said.why)


def test_a_mail_server_that_hangs_is_hung_up_on(new_raw: NewRaw) -> None:
    """It says nothing at all, or one character at a time."""
    assert Outcome.AGAIN is by_mail(new_raw(stall).port).outcome
    assert Outcome.AGAIN is by_mail(new_raw(drip).port).outcome


def test_mail_goes_over_tls_or_not_at_all(
    new_mail_server: NewMailServer, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With `starttls`: to a server that can do it and is trusted, with its password; never in plain text."""
    plain = new_mail_server()
    assert (Outcome.AGAIN, []) == (by_mail(plain.port, security="starttls").outcome, plain.sink.mails)
    seen = []

    def check(server: object, session: object, envelope: object, mechanism: str, data: Any) -> AuthResult:
        seen.append((data.login, data.password))
        return AuthResult(success=data.password == b"pa55word")

    options = {"tls_context": server_context(authority), "authenticator": check, "auth_required": True}
    secured = new_mail_server(**options)
    asked = {"security": "starttls", "username": "cem", "password": "pa55word"}
    untrusted = by_mail(secured.port, **asked)
    assert (Outcome.AGAIN, []) == (untrusted.outcome, seen)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert Outcome.DELIVERED is by_mail(secured.port, **asked).outcome
    assert (1, [(b"cem", b"pa55word")]) == (len(secured.sink.mails), seen)
    wrong = by_mail(secured.port, **{**asked, "password": "wr0ng"})
    assert (Outcome.AGAIN, True) == (wrong.outcome, "wr0ng" not in wrong.why)


def test_mail_over_tls_from_the_beginning(
    new_raw: NewRaw, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With `tls` the first byte is one of TLS."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = server_context(authority)
    said: list[bytes] = []

    def talk(connection: socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.sendall(b"220 hello\r\n")
            for answer in (b"250 hello", b"250 ok", b"250 ok", b"354 go on", b"250 taken"):
                said.append(secure.recv(65536))
                while answer == b"250 taken" and b"\r\n.\r\n" not in said[-1]:
                    said[-1] += secure.recv(65536)
                secure.sendall(answer + b"\r\n")

    assert Outcome.DELIVERED is by_mail(new_raw(talk).port, security="tls").outcome
    assert b"Message-ID: <msg_00ff@acme.example>" in said[-1]
