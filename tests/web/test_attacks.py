"""Forged requests, framing, redirects to elsewhere, what is too large or too slow. More attacks are in
`test_attacks_identity.py`, `test_attacks_reading.py` and `test_attacks_scripts.py`."""

import asyncio
import socket
from typing import Any

import msgspec
import pytest
from yarl import URL

from agents.web.process import listening
from tests.web.console import SAME, Console, asynchronous, json_of
from tests.web.events import Events
from tests.web.hidden import paths_of
from tests.web.world import make_alert

SURGE = "harbour-quay-c3d4c3d4c3d4c3d4"
ACT = f"/alerts/{SURGE}/actions"


# Forged requests


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="another site, as the browser says"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, id="a neighbour's host"),
        pytest.param({"Sec-Fetch-Site": "", "Origin": "https://evil.example"}, id="another origin"),
        pytest.param({"Sec-Fetch-Site": "", "Origin": "null"}, id="an origin that hides itself"),
        pytest.param({"Sec-Fetch-Site": ""}, id="a browser that says nothing"),
        pytest.param({"Origin": "https://evil.example"}, id="two words that contradict each other"),
    ],
)
@pytest.mark.parametrize("path", [ACT, "/unrouted/assign", "/logout", f"/api/v1/alerts/{SURGE}/actions", "/login"])
@asynchronous
async def test_a_request_from_another_site_does_nothing(headers: dict[str, str], path: str) -> None:
    """Even with the victim's cookie, and with a good CSRF token."""
    async with Console() as console:
        browser = await console.login(console.token("head_office"))
        form = {"csrf": browser.csrf, "action": "acknowledge", "insight_id": "u1", "unit_id": "elm-street"}
        answer = await browser.post(path, data=form, headers={**headers, "X-CSRF-Token": browser.csrf})
        assert 403 == answer.status
        assert [] == console.sent
        assert "Set-Cookie" not in answer.headers


@asynchronous
async def test_a_form_needs_the_token_of_its_own_session() -> None:
    """None, another session's and a made-up one are refused; the own one is taken, in a field and in a header."""
    async with Console() as console:
        victim = await console.login(console.token("head_office"))
        other = await console.login(console.token("head_office"))
        for wrong in ("", other.csrf, "0" * 64, "é"):
            answer = await victim.post(ACT, data={"action": "acknowledge", "csrf": wrong})
            assert (403, []) == (answer.status, console.sent)
        assert 303 == (await victim.post(ACT, data={"action": "acknowledge", "csrf": victim.csrf})).status
        by_header = await victim.post(ACT, data={"action": "comment"}, headers={"X-CSRF-Token": victim.csrf})
        assert (303, 2) == (by_header.status, len(console.sent))


@asynchronous
async def test_nothing_is_changed_by_get() -> None:
    """No route that is read sends anything or takes a session away."""
    async with Console() as console:
        token = console.token("head_office")
        for path in paths_of(console, "GET"):
            if path != "/live":
                answer = await console.get(path, token)
                assert "Set-Cookie" not in answer.headers
        assert [] == console.sent


# Framing, and what browsers are told


@asynchronous
async def test_everything_that_leaves_is_strict() -> None:
    """Every route, also where it refuses: no framing, no inline script, no sniffing; nothing is kept but what is
    static."""
    async with Console() as console:
        token = console.token("head_office")
        paths = [path for path in paths_of(console, "GET") if path != "/live"]
        for path, given in [(path, given) for path in [*paths, "/no/such/thing"] for given in (token, None)]:
            answer = await console.get(path, given)
            headers = answer.headers
            policy = headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy and "unsafe" not in policy
            assert "DENY" == headers["X-Frame-Options"]
            assert "nosniff" == headers["X-Content-Type-Options"]
            assert "same-origin" == headers["Cross-Origin-Resource-Policy"]
            assert path.startswith("/static/") or "no-store" == headers["Cache-Control"]
            assert "Server" not in headers


@asynchronous
async def test_over_https_browsers_keep_to_it() -> None:
    """HSTS, a cookie that is sent over https only and to this very host."""
    async with Console(web_url="https://cem.example.com") as console:
        host = {"Host": "cem.example.com", **SAME}
        answer = await console.post("/login", data={"token": console.token("auditor")}, headers=host)
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-cem_session=")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "max-age=" in answer.headers["Strict-Transport-Security"]


@pytest.mark.parametrize("url", ["https://cem.example.com", "https://CEM.example.com:443", "http://cem.example.com:80"])
@asynchronous
async def test_another_host_is_refused(url: str) -> None:
    """Where the console knows its name; but health is asked for by address."""
    async with Console(web_url=url) as console:
        token = console.token("auditor")
        assert 421 == (await console.get("/", token, headers={"Host": "evil.example"})).status
        assert 200 == (await console.get("/", token, headers={"Host": "cem.example.com"})).status
        assert 200 == (await console.get("/health/live")).status
        here = {"Host": "cem.example.com", "Origin": url.lower().removesuffix(":443").removesuffix(":80")}
        assert 303 == (await console.post("/login", data={"token": token}, headers=here)).status
        elsewhere = {**here, "Origin": "https://cem.example.com:8443"}
        assert 403 == (await console.post("/login", data={"token": token}, headers=elsewhere)).status


# Redirects to elsewhere


ELSEWHERE = [
    "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "https:evil",
    "javascript:alert(1)", "/%0d%0aSet-Cookie:x=1\r\nX: y", "///evil.example", "/\n//evil.example", " //evil.example",
    "/" + "a" * 3000, "", "evil.example", "/\u2044evil.example",
]  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
@asynchronous
async def test_no_redirect_leads_elsewhere(target: str) -> None:
    """After signing in and after an action one is on this console."""
    async with Console() as console:
        token = console.token("head_office")
        signed_in = await console.post("/login", data={"token": token, "next": target}, headers=SAME)
        browser = await console.login(token)
        acted = await browser.post(ACT, data={"action": "comment", "csrf": browser.csrf, "back": target})
        for answer in (signed_in, acted):
            assert 303 == answer.status
            assert _is_here(answer.headers["Location"]), answer.headers["Location"]
            assert "X" not in answer.headers


def _is_here(location: str) -> bool:
    """As a browser reads it: relative to our page, it stays on our host. It takes any number of slashes for two."""
    home = URL("http://console.test/page")
    return (
        location.startswith("/")
        and not location.startswith("//")
        and home.join(URL(location)).host == "console.test"
        and "\\" not in location
    )


# Too large, too slow


@pytest.mark.parametrize("path", ["/login", ACT, f"/api/v1/alerts/{SURGE}/actions", "/api/v1/unrouted/u1/assign"])
@pytest.mark.parametrize("chunked", [False, True])
@asynchronous
async def test_a_large_request_is_refused(path: str, chunked: bool) -> None:
    """Whether its length is told or not."""
    async with Console() as console:
        token = console.token("head_office")
        body = b"note=" + b"a" * 70_000

        async def parts() -> Any:
            yield body

        kind = {"Content-Type": "application/x-www-form-urlencoded", **SAME}
        answer = await console.post(path, None if path == "/login" else token, data=parts() if chunked else body,
                                    headers=kind)  # fmt: skip
        assert (413, []) == (answer.status, console.sent)


@asynchronous
async def test_a_long_note_is_refused_in_plain_words() -> None:
    """10,000 characters are taken, one more is not, and what is said why."""
    async with Console() as console:
        token, path = console.token("head_office"), f"/api/v1/alerts/{SURGE}/actions"
        assert 202 == (await console.post(path, token, json={"action": "comment", "note": "é" * 10_000})).status
        answer = await console.post(path, token, json={"action": "comment", "note": "é" * 10_001})
        assert 422 == answer.status
        assert "`note` has 10,001 characters; at most 10,000 are taken" == (await json_of(answer))["detail"]
        assert 1 == len(console.sent)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b"\xff\xfe", b'{"action": 7}', b'{"action": "comment", "note": ["a"]}', b'"a"',
     b'{"action": "comment", "note": 5}', b'{"action": "rm"}', b'{"action": "comment", "actor": "ceo"}',
     b'{"action": "comment", "unit_id": "mill-lane"}', b'{"action": "comment", "event_time": "2020-01-01T00:00:00Z"}',
     b'{"action": "comment", "id": "a\\r\\nb"}', b'{"action": "comment", "id": ""}', b"[" * 60_000,
     b'{"action": "comment", "id": ' + b'"' + b"x" * 200 + b'"}', b'{"action": "snooze", "until": "tomorrow"}',
     b'{"action": "comment", "note": "\\ud800"}', b'{"a": ' * 2_000],
)  # fmt: skip
@asynchronous
async def test_a_body_that_makes_no_sense_is_told_so(body: bytes) -> None:
    """Never a 500, never a record; nobody can act as somebody else, at another time, or on another unit."""
    async with Console() as console:
        token = console.token("head_office")
        answer = await console.post(
            f"/api/v1/alerts/{SURGE}/actions", token, data=body, headers={"Content-Type": "application/json"}
        )
        said = await json_of(answer)
        if body in (b'{"action": "comment", "id": ""}',):  # as in a form: not given
            assert 202 == answer.status
            return
        assert answer.status in (400, 422), said
        assert ("application/problem+json", answer.status) == (answer.content_type, said["status"])
        assert [] == console.sent


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/x-www-form-urlencoded; charset=klingon", b"token=a", 400),
        ("application/x-www-form-urlencoded", b"token=\xff\xfe%ff", 400),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n--b--", 415),
        ("text/plain", b"token=a", 415),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % place for place in range(5_000)), 413),
    ],
)
@asynchronous
async def test_a_form_that_is_none_is_told_so(kind: str, body: bytes, status: int) -> None:
    """Never a 500."""
    async with Console() as console:
        answer = await console.post("/login", data=body, headers={"Content-Type": kind, **SAME})
        assert status == answer.status


@asynchronous
async def test_who_says_nothing_is_let_go() -> None:
    """A connection that brings its request byte by byte does not stay; others are served meanwhile."""
    async with Console() as console, listening(console.app, "127.0.0.1", 0, idle_seconds_max=0.3) as port:
        slow_reader, slow_writer = await asyncio.open_connection("127.0.0.1", port)
        slow_writer.write(b"GET /login HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        async with asyncio.timeout(10):
            assert b"" == await slow_reader.read()
        writer.close()
        slow_writer.close()


@asynchronous
async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is 408, and the connection is closed."""
    monkeypatch.setattr("agents.web.guard.BODY_SECONDS_MAX", 0.2)
    monkeypatch.setattr("agents.web.process.STOP_SECONDS_MAX", 0.2)
    async with Console() as console, listening(console.app, "127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: 100\r\nSec-Fetch-Site: same-origin\r\n\r\ntok"
        )
        async with asyncio.timeout(10):
            assert (await reader.read(4000)).startswith(b"HTTP/1.1 408")
        writer.close()


@asynchronous
async def test_a_console_that_does_not_read_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its queue is bounded; those who read are told everything in time."""
    monkeypatch.setattr("agents.web.live.QUEUE_MAX", 50)
    async with Console() as console, listening(console.app, "127.0.0.1", 0) as port:
        token = console.token("head_office")
        events = Events(console, token)
        await events.open()
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        small.connect(("127.0.0.1", port))
        _, writer = await asyncio.open_connection(sock=small, limit=1)
        writer.write(f"GET /live HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        while console.hub.consoles < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        alert = make_alert("elm-street", "beef", summary="s" * 20_000)
        sequence = 1
        while console.hub.consoles == 2 and sequence < 5_000:
            for _ in range(20):
                sequence += 1
                changed = console.model.apply_alert(msgspec.structs.replace(alert, sequence=sequence))
                assert changed is not None
                console.hub.alert_changed(changed)
            event = await events.next("alert")
            while event["sequence"] < sequence:
                event = await events.next("alert")
            await asyncio.sleep(0)
        assert (1, sequence) == (console.hub.consoles, event["sequence"])
        writer.close()
        await events.close()
