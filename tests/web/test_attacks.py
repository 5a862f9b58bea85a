"""The console is attacked, each way in a test: forged requests, scripts in what people write, framing, redirects to
elsewhere, what is too large or too slow, guessed, forged and revoked tokens and sessions, headers that pretend, and
reading what is somebody else's through every route there is."""

import asyncio
import re
import socket
from html.parser import HTMLParser
from typing import Any

import msgspec
import orjson
import pytest
from aiohttp import ClientResponse, web
from yarl import URL

from agents.web.context import IDENTIFIED
from agents.web.model import Model, UnroutedChanged
from agents.web.people import People, Person
from agents.web.process import listening
from agents.web.tokens import new_token
from schemas.action import Action
from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.codec import Codec, RecordError, encode
from schemas.insight import SevereCause
from schemas.text import StoredText
from schemas.time import HOUR_MS, Millis
from schemas.unit import Unit
from schemas.unrouted import Candidate
from tests.web import world
from tests.web.console import SAME, Console, asynchronous
from tests.web.world import NOW, make_alert

_action_codec = Codec[Action](Action)
_alert_codec = Codec[Alert](Alert)
_entry_codec = Codec[CaseEntry](CaseEntry)

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
        for path in _paths(console, "GET"):
            if path != "/live":
                answer = await console.get(path, token)
                assert "Set-Cookie" not in answer.headers
        assert [] == console.sent


# Scripts in what people write

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "</title></bdi></blockquote><iframe src=//evil.example>",
    "{{7919*7907}}${7919*7907}<%= 7919*7907 %>{% raw %}",
    "\u202egnp.exe\u2066\u200f\ufeff",
    "a\r\nSet-Cookie: x=1\r\n\r\n<html>",
    "=HYPERLINK(\"https://evil.example\")",
)  # fmt: skip
KEPT = frozenset(("alert_id", "unit_id", "text_ref", "addressed_to", "note_ref", "we_did_ref", "post_id", "id"))
"""Names by which the records of a story find each other."""


def hostile(record: Any, codec: Codec[Any], payload: str) -> Any:
    """The record with the payload in every text field that takes any text."""
    said = orjson.loads(encode(record))

    def fill(node: Any) -> None:
        places = node.items() if isinstance(node, dict) else enumerate(node)
        for place, value in list(places):
            if isinstance(value, dict | list):
                fill(value)
            elif isinstance(value, str) and place not in KEPT:
                node[place] = payload
                try:
                    codec.decode(orjson.dumps(said))
                except RecordError:
                    node[place] = value

    fill(said)
    return codec.decode(orjson.dumps(said))


def hostile_model(payload: str) -> Model:
    """The world in which everybody writes the payload everywhere."""
    model = Model()
    for unit in world.units():
        departments = tuple(msgspec.structs.replace(one, owner=payload) for one in unit.departments)
        model.apply_unit(unit.id, msgspec.structs.replace(unit, name=payload[:128], departments=departments))
    for alert in world.alerts():
        model.apply_alert(hostile(alert, _alert_codec, payload))
    for entry in world.entries():
        model.apply_entry(hostile(entry, _entry_codec, payload))
    for key, text in world.texts().items():
        model.apply_text(key, msgspec.structs.replace(text, text=payload, url=payload, author=payload))
    for one in world.unrouted():
        model.apply_unrouted(one.id, msgspec.structs.replace(one, reason=payload))
    for rollup in world.rollups():
        model.apply_rollup(rollup)
    model.wall_ms = NOW
    model.set_connected(True, NOW)
    return model


class Structure(HTMLParser):
    """The tags of a page with the names of their attributes, and the addresses in them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []
        self.scripts: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See HTMLParser."""
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action", "formaction")]
        if tag == "script":
            self.scripts.append(dict(attrs).get("src"))


PAGES = ["/", "/?show=finished", "/?show=snoozed", "/unrouted", "/units/harbour-quay", "/units/marlow",
         *(f"/alerts/{alert.alert_id}" for alert in world.alerts())]  # fmt: skip


async def _structure(console: Console, path: str, token: str) -> tuple[Structure, str]:
    answer = await console.get(path, token)
    assert answer.status == 200, path
    html = await answer.text()
    read = Structure()
    read.feed(html)
    return read, html


@pytest.mark.parametrize("payload", PAYLOADS)
@asynchronous
async def test_what_people_write_is_text_on_every_page(payload: str) -> None:
    """The tags of a page, and the names of their attributes, are the same whatever is written in the records; no
    address leads to what was written; no template is computed; no character turns the line around."""
    async with Console(hostile_model(payload)) as attacked, Console(hostile_model("x" * 7)) as harmless:
        for path in PAGES:
            html_of = attacked.token("head_office", name=payload[:100])
            found, html = await _structure(attacked, path, html_of)
            expected, _ = await _structure(harmless, path, harmless.token("head_office", name="x" * 7))
            assert expected.tags == found.tags, path
            assert all(address.startswith(("/", "#")) for address in found.addresses), found.addresses
            assert all(str(script).startswith("/static/") for script in found.scripts)
            assert str(7919 * 7907) not in html
            assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\r]", html)


@pytest.mark.parametrize("payload", PAYLOADS)
@asynchronous
async def test_what_people_write_comes_through_the_api_unchanged_and_as_json(payload: str) -> None:
    """JSON says what was written, and no browser takes it for a page."""
    async with Console(hostile_model(payload)) as console:
        token = console.token("head_office")
        for path in ("/api/v1/alerts?state=all", f"/api/v1/alerts/{SURGE}", f"/api/v1/alerts/{SURGE}/texts",
                     f"/api/v1/alerts/{SURGE}/entries", "/api/v1/units", "/api/v1/unrouted"):  # fmt: skip
            answer = await console.get(path, token)
            assert "application/json" == answer.content_type
            assert "nosniff" == answer.headers["X-Content-Type-Options"]
            orjson.loads(await answer.read())
        texts = await console.json(f"/api/v1/alerts/{SURGE}/texts", token)
        assert {payload} == {one["text"] for one in texts["texts"]}


@pytest.mark.parametrize("payload", PAYLOADS)
@asynchronous
async def test_what_people_write_is_text_in_what_the_live_stream_brings(payload: str) -> None:
    """Rows hold the tags that they always hold, and an event is one line, whatever it says."""
    rows = []
    for said in (payload, "x" * 7):
        async with Console(hostile_model(said)) as console:
            events = Events(console, console.token("head_office"))
            await events.open()
            alert = console.model.alerts(world_head_office())[0]
            changed = console.model.apply_alert(world.next_of(alert))
            assert changed is not None
            console.hub.alert_changed(changed)
            event = await events.next("alert")
            read = Structure()
            read.feed(event["html"])
            rows.append(read.tags)
            await events.close()
    assert rows[1] == rows[0] != []


# Framing, and what browsers are told


@asynchronous
async def test_everything_that_leaves_is_strict() -> None:
    """Every route, also where it refuses: no framing, no inline script, no sniffing; nothing is kept but what is
    static."""
    async with Console() as console:
        token = console.token("head_office")
        paths = [path for path in _paths(console, "GET") if path != "/live"]
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


@asynchronous
async def test_another_host_is_refused() -> None:
    """Where the console knows its name; but health is asked for by address."""
    async with Console(web_url="https://cem.example.com") as console:
        token = console.token("auditor")
        assert 421 == (await console.get("/", token, headers={"Host": "evil.example"})).status
        assert 200 == (await console.get("/", token, headers={"Host": "cem.example.com"})).status
        assert 200 == (await console.get("/health/live")).status


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
    """As a browser reads it: relative to our page, it stays on our host."""
    home = URL("http://console.test/page")
    return location.startswith("/") and home.join(URL(location)).host == "console.test" and "\\" not in location


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
        assert "`note` has 10,001 characters; at most 10,000 are taken" == (await _json(answer))["detail"]
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
        said = await _json(answer)
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


# Tokens: guessed, forged, expired, revoked


@pytest.mark.parametrize("way", ["bearer", "login"])
@asynchronous
async def test_guessing_is_made_slow(way: str) -> None:
    """After ten tokens that are none, an address waits, and is told how long; even a good one does not help then. After
    that time it may try again."""
    async with Console() as console:
        good = console.token("auditor")

        async def shows(token: str) -> ClientResponse:
            if way == "bearer":
                return await console.get("/api/v1/alerts", token)
            return await console.post("/login", data={"token": token}, headers=SAME)

        statuses = [(await shows(new_token()[0])).status for _ in range(12)]
        assert [401] * 10 + [429] * 2 == statuses
        refused = await shows(good)
        assert 429 == refused.status
        wait = int(refused.headers["Retry-After"])
        assert 0 < wait < 60
        console.seconds += wait
        assert (await shows(good)).status in (200, 303)


@asynchronous
async def test_guessing_from_many_addresses_is_made_slow_too() -> None:
    """Through a trusted proxy each has its own address; together they wait as well. Who has shown a good token of late
    does not."""
    async with Console(web_trusted_proxies="127.0.0.1") as console:
        good = console.token("auditor")
        at_work = {"X-Forwarded-For": "198.51.100.1"}
        assert 200 == (await console.get("/api/v1/alerts", good, headers=at_work)).status
        statuses = [
            (await console.get("/api/v1/alerts", new_token()[0], headers={"X-Forwarded-For": f"203.0.113.{place}"}))
            for place in range(250)
            for _ in range(2)
        ]  # fmt: skip
        assert {401, 429} == {one.status for one in statuses}
        assert 429 == (await console.get("/api/v1/alerts", good, headers={"X-Forwarded-For": "192.0.2.9"})).status
        assert 200 == (await console.get("/api/v1/alerts", good, headers=at_work)).status


@asynchronous
async def test_a_forged_address_does_not_help_to_guess() -> None:
    """`X-Forwarded-For` of who is no trusted proxy is not believed."""
    async with Console() as console:
        statuses = [
            (await console.get("/api/v1/alerts", new_token()[0], headers={"X-Forwarded-For": f"10.0.0.{place}"})).status
            for place in range(12)
        ]
        assert [401] * 10 + [429] * 2 == statuses


@asynchronous
async def test_a_token_that_is_changed_anywhere_is_none() -> None:
    """One character more, less or other, another's id, none at all, two of them: 401 each."""
    async with Console() as console:
        token, other = console.token("head_office"), console.token("unit", "elm-street")
        _, identity, rest = token.split("_", 2)
        mixed = f"cem_{identity}_{other.split('_', 2)[2]}"
        changed = rest[:-2] + ("A" if rest[-2] != "A" else "B") + rest[-1]
        for place, wrong in enumerate([mixed, token + "x", token[:-1], f"cem_{identity}_{changed}", "", "cem__",
                                       token.upper(), f"{token} {token}"]):  # fmt: skip
            console.seconds += 60
            assert 401 == (await console.get("/api/v1/alerts", wrong)).status, place
        console.seconds += 600
        assert 401 == (await console.get("/api/v1/alerts", headers={"Authorization": f"Basic {token}"})).status
        assert 200 == (await console.get("/api/v1/alerts", token)).status


@asynchronous
async def test_a_token_ends_when_it_expires_and_when_it_is_revoked() -> None:
    """At once, for the API, for the sessions that began with it and for a stream that is open; it never comes back."""
    async with Console() as console:
        short, long = console.token("auditor", expires_ms=HOUR_MS), console.token("auditor")
        for token in (short, long):
            browser = await console.login(token)
            events = Events(console, token)
            await events.open()
            assert 200 == (await console.get("/api/v1/alerts", token)).status == (await browser.get("/")).status
            if token == short:
                console.seconds += 3_601
            else:
                console.revoke(token)
            assert 401 == (await console.get("/api/v1/alerts", token)).status
            assert "/login?next=%2F" == (await browser.get("/")).headers["Location"].replace("=/", "=%2F")
            console.hub.tokens_changed()
            assert await events.ended()
        record = console.model.token(long.split("_")[1])
        assert record is not None
        fields = {name: getattr(record, name) for name in record.__struct_fields__}
        console.model.apply_token(record.id, type(record)(**{**fields, "revoked_at": None}))
        assert 401 == (await console.get("/api/v1/alerts", long)).status


# Sessions


@asynchronous
async def test_a_session_is_new_at_each_login() -> None:
    """Whatever cookie came: one that somebody else has put there is not taken over."""
    async with Console() as console:
        token = console.token("auditor")
        first = await console.login(token)
        planted = {"Cookie": f"cem_session={first.cookie}", **SAME}
        answer = await console.post("/login", data={"token": token}, headers=planted)
        second = answer.cookies["cem_session"].value
        assert second != first.cookie
        csrf = console.door.signer.read(second, console.seconds)
        assert csrf is not None and console.door.signer.csrf(csrf.binding) != first.csrf


@asynchronous
async def test_a_forged_session_is_none() -> None:
    """Any part of the cookie changed; signed with another secret; longer lasting than it was; another's token."""
    async with Console() as console:
        browser = await console.login(console.token("auditor"))
        other = console.token("head_office").split("_")[1]
        identity, expires, nonce, signature = browser.cookie.split(".")
        async with Console(web_secret="another secret, just as long as it") as elsewhere:
            foreign, _ = elsewhere.door.signer.issue(identity, console.seconds, console.seconds + 1000)
        forged = [
            f"{other}.{expires}.{nonce}.{signature}",
            f"{identity}.{int(expires) + 9}.{nonce}.{signature}",
            f"{identity}.{expires}.{nonce[::-1]}.{signature}",
            f"{identity}.{expires}.{nonce}.{'0' * 64}",
            f"{identity}.{expires}.{nonce}.",
            foreign,
            browser.csrf,
            "",
        ]
        for cookie in forged:
            answer = await console.get("/", headers={"Cookie": f"cem_session={cookie}"})
            assert 303 == answer.status, cookie
        assert 200 == (await browser.get("/")).status


@asynchronous
async def test_a_session_ends_after_half_a_day() -> None:
    """Also where its token lasts longer."""
    async with Console() as console:
        browser = await console.login(console.token("auditor"))
        console.seconds += 12 * 3600 - 1
        assert 200 == (await browser.get("/")).status
        console.seconds += 2
        assert 303 == (await browser.get("/")).status


@asynchronous
async def test_signing_out_takes_the_cookie_away() -> None:
    """And only a page of the console can do it."""
    async with Console() as console:
        browser = await console.login(console.token("auditor"))
        assert 403 == (await browser.post("/logout")).status
        answer = await browser.post("/logout", data={"csrf": browser.csrf})
        assert (303, "/login") == (answer.status, answer.headers["Location"])
        assert "Max-Age=0" in answer.headers["Set-Cookie"]


# Headers that pretend

PEOPLE = People([Person(email="maria@example.com", role="head_office"), Person(group="stores", role="unit",
                                                                               unit_id="elm-street")])  # fmt: skip
AS_MARIA = {"X-Auth-Request-Email": "maria@example.com"}


@pytest.mark.parametrize("proxies", ["", "10.0.0.0/8,192.0.2.7", "::1"])
@pytest.mark.parametrize(
    "headers",
    [
        AS_MARIA,
        {**AS_MARIA, "X-Forwarded-For": "10.0.0.1"},
        {**AS_MARIA, "X-Real-IP": "10.0.0.1", "Forwarded": "for=10.0.0.1"},
        {"x-auth-request-email": "maria@example.com", "X-Forwarded-For": "10.0.0.1, 192.0.2.7"},
        {"X-Auth-Request-Groups": "stores"},
    ],
)
@asynchronous
async def test_who_one_is_is_believed_only_from_a_trusted_proxy(proxies: str, headers: dict[str, str]) -> None:
    """Whatever an address that is not one of them claims, about itself or about its peers."""
    async with Console(people=PEOPLE, web_trusted_proxies=proxies) as console:
        assert 401 == (await console.get("/api/v1/alerts", headers=headers)).status


@asynchronous
async def test_a_trusted_proxy_says_who_somebody_is() -> None:
    """A person has the role of the file, without regard to case, else the group's; nobody else has any; two names at
    once are none."""
    async with Console(people=PEOPLE, web_trusted_proxies="127.0.0.0/8") as console:

        async def status(**headers: str) -> int:
            return (await console.get("/api/v1/alerts", headers=headers)).status

        user, groups = "X-Auth-Request-Email", "X-Auth-Request-Groups"
        units = await console.json("/api/v1/units", headers={user: "Maria@Example.com"})
        assert 9 == len(units["units"])
        of_group = await console.json("/api/v1/units", headers={user: "tom@example.com", groups: "a,stores"})
        assert ["elm-street"] == [one["id"] for one in of_group["units"]]
        assert 403 == await status(**{user: "tom@example.com"})
        assert 403 == await status(**{user: "tom@example.com", groups: "store,Stores, ,"})
        assert 400 == await status(**{user: ""})
        assert 400 == await status(**{user: "x" * 300})
        twice = [(user, "tom@example.com"), (user, "maria@example.com")]
        answer = await console.client.get("/api/v1/alerts", headers=twice)
        assert 400 == answer.status


@asynchronous
async def test_a_form_of_who_came_by_a_proxy_needs_a_token_too() -> None:
    """It is bound to the person, and to the day."""
    async with Console(people=PEOPLE, web_trusted_proxies="127.0.0.1") as console:
        page = await (await console.get(f"/alerts/{SURGE}", headers=AS_MARIA)).text()
        csrf = re.findall(r'name="csrf" value="([0-9a-f]{64})"', page)[0]

        async def status(shown: str) -> int:
            form = {"action": "acknowledge", "csrf": shown}
            return (await console.post(ACT, data=form, headers={**AS_MARIA, **SAME})).status

        day = int(console.seconds) // 86_400
        assert [403, 403, 303] == [
            await status(one) for one in ("", console.door.signer.csrf(f"proxy|{day}|tom@example.com"), csrf)
        ]
        console.seconds += 86_400
        assert 303 == await status(csrf)
        console.seconds += 86_400
        assert 403 == await status(csrf)
        assert {"maria@example.com"} == {_action_codec.decode(one.value).actor for one in console.sent}


# Reading and doing what is somebody else's

SOUTH, CONFIDENTIAL, KITCHEN = "SECRET-OF-SOUTH", "SECRET-OF-HEAD-OFFICE", "SECRET-OF-KITCHEN"
MOVED = "SECRET-OF-MOVED"


def secrets() -> Model:
    """Two regions; what is not for everybody holds a word that nothing else holds: of the other region, of head office
    (an alert, its text behind an ordinary alert too, and an unrouted post), of another department; of a case that went
    on to another unit."""
    model = Model()
    for unit in world.units():
        name = f"{SOUTH} place" if unit.parent == "south" or unit.id == "south" else unit.name
        confidential = ("discrimination",) if unit.id == "marlow" else ()
        model.apply_unit(unit.id, msgspec.structs.replace(unit, name=name, confidential=confidential))

    def story(unit_id: str, digits: str, word: str, **given: Any) -> Alert:
        alert = make_alert(unit_id, digits, summary=f"{word} summary", recommended=f"{word} action", **given)
        model.apply_alert(alert)
        for one in alert.evidence:
            if one.text_ref not in shared:
                model.apply_text(one.text_ref or "", _text(one.text_ref or "", word))
        action = f"action-{digits}"
        entry = CaseEntry(
            alert_id=alert.alert_id, unit_id=unit_id, addressed_to=alert.addressed_to, number=1, sequence=1,
            action_id=action, action="comment", actor=f"{word} actor", note_ref=f"note:{action}",
            assignee=f"{word} assignee", event_time=NOW, change="commented",
        )  # fmt: skip
        model.apply_entry(entry)
        model.apply_text(f"note:{action}", _text(f"note:{action}", word))
        return alert

    shared: set[str] = {"x:dead0"}
    model.apply_text("x:dead0", _text("x:dead0", CONFIDENTIAL))
    story("mill-lane", "5011", SOUTH)
    story("south", "5012", SOUTH, state="resolved")
    story("harbour-quay", "dead", CONFIDENTIAL, addressed_to="marlow", texts=1)
    story("harbour-quay", "feed", "plain", labels={"department": "operations"})
    surge = story("harbour-quay", "face", "plain", labels={"department": "operations"}, texts=1)
    again = msgspec.structs.replace(surge.evidence[0], text_ref="x:dead0")
    model.apply_alert(world.next_of(surge, evidence=(*surge.evidence, again)))
    story("harbour-quay", "cafe", KITCHEN, labels={"department": "kitchen"})
    story("elm-street", "1e1a", "elm")
    moved = story("harbour-quay", "90e5", "plain", labels={"department": "operations"})
    labels = msgspec.structs.replace(moved.labels, unit_id="mill-lane", region="south")
    annotations = msgspec.structs.replace(moved.annotations, summary=MOVED)
    model.apply_alert(world.next_of(moved, labels=labels, annotations=annotations))
    for one, word, candidates, severe in (
        ("p1", SOUTH, ("mill-lane",), ()),
        ("p2", CONFIDENTIAL, ("harbour-quay",), ("discrimination",)),
        ("p3", CONFIDENTIAL, (), ("discrimination",)),
        ("p4", "plain", ("harbour-quay", "mill-lane"), ()),
    ):
        unrouted = world.unrouted()[0]
        causes = tuple(SevereCause(cause=cause, words="", department="a", severity=9) for cause in severe)
        insight = msgspec.structs.replace(unrouted.insight, id=one, text_ref=f"text:{one}", severe=causes)
        found = tuple(Candidate(unit_id=unit, rule="alias", confidence=0.5) for unit in candidates)
        model.apply_unrouted(one, msgspec.structs.replace(unrouted, id=one, insight=insight, candidates=found))
        model.apply_text(f"text:{one}", _text(f"text:{one}", word))
    model.wall_ms = NOW
    model.set_connected(True, NOW)
    return model


def _text(key: str, word: str) -> StoredText:
    return StoredText(id=key, text=f"{word} text", url=f"https://x.example/{word}", event_time=Millis(NOW - 1))


IDS = {
    "alert_id": tuple(f"{unit}-{digits * 4}" for unit, digits in (
        ("mill-lane", "5011"), ("south", "5012"), ("harbour-quay", "dead"), ("harbour-quay", "cafe"),
        ("harbour-quay", "face"), ("harbour-quay", "90e5"))),
    "unit_id": ("mill-lane", "south", "harbour-quay", "north", "marlow"),
    "action_id": ("action-5011", "action-5012", "action-dead", "action-cafe", "action-90e5"),
    "insight_id": ("p1", "p2", "p3", "p4"),
    "name": ("console.js",),
}  # fmt: skip
"""What stands for each part of a route's path. A route with a new part has to be added here."""
QUERIES = ("", "?state=all&limit=200", "?show=finished&limit=200", "?show=all&unit=mill-lane", "?unit=south&state=all",
           "?department=kitchen&state=all", "?sent=action-dead", "?sent=p1", "?sent=p2", "?cursor=W10=")  # fmt: skip

HIDDEN: dict[str, tuple[tuple[Any, ...], set[str]]] = {
    "unit": (("unit", "harbour-quay"), {SOUTH, CONFIDENTIAL, MOVED}),
    "department": (("department", "harbour-quay", "operations"), {SOUTH, CONFIDENTIAL, KITCHEN, MOVED}),
    "region": (("region", "north"), {SOUTH, CONFIDENTIAL, MOVED}),
    "brand": (("region", "marlow"), {CONFIDENTIAL}),
    "auditor of a region": (("auditor", "north"), {SOUTH, CONFIDENTIAL, MOVED}),
    "unit that is not there": (("unit", "nowhere"), {SOUTH, CONFIDENTIAL, KITCHEN, MOVED}),
    "unit without one": (("unit",), {SOUTH, CONFIDENTIAL, KITCHEN, MOVED}),
    "region without one": (("region",), {SOUTH, CONFIDENTIAL, KITCHEN, MOVED}),
}


def _paths(console: Console, method: str) -> list[str]:
    """Every route of the application, with every id in each part of its path."""
    found: list[str] = []
    for route in console.app.router.routes():
        if route.method != method or route.resource is None:
            continue
        paths = [route.resource.canonical]
        for part in re.findall(r"{(\w+)}", paths[0]):
            assert part in IDS, f"{paths[0]}: say in IDS what {part} may be"
            paths = [path.replace(f"{{{part}}}", one) for path in paths for one in IDS[part]]
        found += paths
    return found


@asynchronous
async def test_head_office_sees_all_of_it() -> None:
    """So that the tests below would find it: each word is somewhere, on pages and in the API."""
    async with Console(secrets()) as console:
        for role in ("head_office", "auditor"):
            for prefix in ("/api/", "/"):
                seen = await _seen(console, console.token(role), prefix)
                assert {SOUTH, CONFIDENTIAL, KITCHEN, MOVED} <= seen


async def _seen(console: Console, token: str, prefix: str = "/") -> set[str]:
    """The words that any route shows to who has this token, in its body or its headers."""
    seen: set[str] = set()
    for path in _paths(console, "GET"):
        if not path.startswith(prefix) or path == "/live":
            continue
        for query in QUERIES:
            answer = await console.get(path + query, token)
            assert answer.status < 500, path
            said = await answer.text() + str(answer.headers)
            seen |= {word for word in (SOUTH, CONFIDENTIAL, KITCHEN, MOVED) if word in said}
    return seen


@pytest.mark.parametrize("who", HIDDEN)
@asynchronous
async def test_no_route_shows_what_is_somebody_elses(who: str) -> None:
    """Every GET route, with every id there is and every query."""
    given, hidden = HIDDEN[who]
    async with Console(secrets()) as console:
        assert set() == hidden & await _seen(console, console.token(*given))


@pytest.mark.parametrize("who", HIDDEN)
@asynchronous
async def test_no_count_tells_what_is_somebody_elses(who: str) -> None:
    """What a viewer reads is the same, byte for byte, whether the hidden records are there or not."""
    given, hidden = HIDDEN[who]
    if hidden != {SOUTH, CONFIDENTIAL, MOVED} or given[0] == "auditor":
        pytest.skip("asked of those with a place of their own")
    bodies = []
    for with_them in (True, False):
        model = secrets()
        if not with_them:
            for alert in list(model._alerts.values()):
                if alert.addressed_to is not None or alert.labels.unit_id in ("mill-lane", "south"):
                    model._forget(alert)
            for one in ("p1", "p2", "p3"):
                model.apply_unrouted(one, None)
        async with Console(model) as console:
            token = console.token(*given, name="n")
            paths = ("/api/v1/alerts?state=all", "/api/v1/units", "/api/v1/units/harbour-quay", "/api/v1/unrouted")
            bodies.append([await (await console.get(path, token)).read() for path in paths])
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("who", HIDDEN)
@asynchronous
async def test_no_route_does_anything_with_what_is_somebody_elses(who: str) -> None:
    """Every POST route, with every id there is: 404 where a page would be 404, and no record."""
    given, hidden = HIDDEN[who]
    assigned = {"region": {b"p4"}, "brand": {b"p1", b"p4"}}.get(who, set())
    async with Console(secrets()) as console:
        token = console.token(*given)
        for path in _paths(console, "POST"):
            for body in ({"action": "comment", "note": "x"}, {"unit_id": "mill-lane"}, {"unit_id": "elm-street"}):
                form = {**body, "insight_id": "p1"}
                await console.post(path, token, **({"json": body} if "/api/" in path else {"data": form}))
        for emission in console.sent:
            if emission.topic.endswith(".actions"):
                action = _action_codec.decode(emission.value)
                alert = console.model._alerts[action.alert_id]
                assert not any(word in alert.annotations.summary for word in hidden), alert.annotations.summary
        told = {one.key: one.value for one in console.sent if not one.topic.endswith(".actions")}
        assert assigned == told.keys()
        assert who != "region" or b'"unit_id":"elm-street"' in told[b"p4"]


@pytest.mark.parametrize("who", HIDDEN)
@asynchronous
async def test_what_is_not_mine_cannot_be_told_from_what_is_not_there(who: str) -> None:
    """The same status, the same words."""
    given, _ = HIDDEN[who]
    async with Console(secrets()) as console:
        token = console.token(*given)
        there, nowhere = "harbour-quay-" + "dead" * 4, "harbour-quay-" + "0000" * 4
        for path in (f"/api/v1/alerts/{there}", f"/api/v1/alerts/{there}/entries", f"/api/v1/alerts/{there}/texts",
                     f"/alerts/{there}", "/api/v1/actions/action-dead"):  # fmt: skip
            other = path.replace(there, nowhere).replace("action-dead", "action-0000")
            mine, none = await console.get(path, token), await console.get(other, token)
            assert (404, await none.text()) == (mine.status, await mine.text()), path
        path = f"/api/v1/alerts/{there}/actions"
        mine = await console.post(path, token, json={"action": "publish"})
        none = await console.post(path.replace(there, nowhere), token, json={"action": "publish"})
        assert (404, await none.text()) == (mine.status, await mine.text())


@pytest.mark.parametrize("who", [*HIDDEN, "head office"])
@asynchronous
async def test_the_event_stream_shows_nothing_that_is_somebody_elses(who: str) -> None:
    """All records come again while it is open; its filters open no door either. Head office is told all."""
    given, hidden = HIDDEN.get(who, (("head_office",), set()))
    async with Console(secrets()) as console:
        for query in ("", "?unit=mill-lane", "?show=all&department=kitchen", "?unit=south"):
            events = Events(console, console.token(*given), query)
            await events.open()
            model = console.model
            for alert in list(model._alerts.values()):
                changed = model.apply_alert(world.next_of(alert))
                assert changed is not None
                console.hub.alert_changed(changed)
                for entry in model._cases.of(alert.alert_id):
                    console.hub.entry_added(entry)
            for key in IDS["insight_id"]:
                console.hub.unrouted_changed(key, UnroutedChanged(model._unrouted[key], None))
            console.hub.connection_changed()
            said = await events.until("connection")
            assert not any(word in said for word in hidden), query
            ids = ("harbour-quay-" + "dead" * 4, "mill-lane-" + "5011" * 4, "action-dead", '"p2"', '"p1"')
            for identity, word in zip(ids, (CONFIDENTIAL, SOUTH, CONFIDENTIAL, CONFIDENTIAL, SOUTH), strict=True):
                assert identity not in said or word not in hidden, identity
            if who == "head office" and not query:
                assert all(one in said for one in (SOUTH, CONFIDENTIAL, KITCHEN, *ids))
            await events.close()


@asynchronous
async def test_a_stream_loses_what_went_to_another_unit() -> None:
    """Who saw an alert and may not see its next record is told that it is gone, and nothing of where it went."""
    async with Console(secrets()) as console:
        events = Events(console, console.token("unit", "harbour-quay"))
        await events.open()
        alert = console.model._alerts["harbour-quay-" + "feed" * 4]
        labels = msgspec.structs.replace(alert.labels, unit_id="mill-lane", region="south")
        changed = console.model.apply_alert(world.next_of(alert, labels=labels))
        assert changed is not None
        console.hub.alert_changed(changed)
        assert {"id": alert.alert_id, "sequence": 2, "gone": True} == await events.next("alert")
        await events.close()


@asynchronous
async def test_an_auditor_changes_nothing() -> None:
    """Every POST route but signing in and out: refused, nothing is sent."""
    async with Console(secrets()) as console:
        token = console.token("auditor")
        for path in _paths(console, "POST"):
            if path in ("/login", "/logout"):
                continue
            for body in ({"action": "acknowledge"}, {"action": "publish"}, {"unit_id": "elm-street"}):
                form = {"json": body} if "/api/" in path else {"data": {**body, "insight_id": "p1"}}
                answer = await console.post(path, token, **form)
                assert answer.status in (403, 422), (path, body)
        assert [] == console.sent


@asynchronous
async def test_nobody_gets_anything_without_signing_in() -> None:
    """But the login, static files, health, metrics and the API's description: every other route sends to the login, or
    says 401."""
    public = {"/login", "/static/console.js", "/health/live", "/health/ready", "/metrics", "/api/v1/openapi.json"}
    async with Console(secrets()) as console:
        for method in ("GET", "POST"):
            for path in _paths(console, method):
                answer = await console.ask(method, path, headers=SAME, data={} if method == "POST" else None)
                if path in public:
                    assert answer.status in (200, 401), path
                    said = await answer.text()
                    assert not any(word in said for word in (SOUTH, CONFIDENTIAL, KITCHEN))
                else:
                    wanted = 303 if method == "GET" and not path.startswith(("/api/", "/live")) else 401
                    assert wanted == answer.status, path


@asynchronous
async def test_an_error_shows_nothing_of_what_is_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No path, no name of a module, no trace, not the secret."""

    def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError("secret inside /home/somebody agents.web.model")

    async with Console() as console:
        token = console.token("head_office")
        monkeypatch.setattr(console.model, "alerts", fails)
        for path in ("/api/v1/alerts", "/"):
            answer = await console.get(path, token)
            said = await answer.text()
            assert 500 == answer.status
            assert not any(word in said for word in ("secret inside", "Traceback", "agents.", "RuntimeError"))


# Reading a stream of events


def world_head_office() -> Any:
    """Somebody who sees all."""
    from agents.web.access import Viewer

    return Viewer("head", "head_office")


class Events:
    """One open console, as a program reads it."""

    def __init__(self, console: Console, token: str, query: str = "") -> None:
        self._console = console
        self._token = token
        self._query = query
        self._answer: Any = None
        self._rest = b""

    async def open(self) -> dict[str, Any]:
        """Opens it; gives what it says first."""
        self._answer = await self._console.get(f"/live{self._query}", self._token)
        assert (200, "text/event-stream") == (self._answer.status, self._answer.content_type)
        return await self.next("connection")

    async def _block(self) -> str | None:
        while b"\n\n" not in self._rest:
            read = await self._answer.content.readany()
            if not read:
                return None
            self._rest += read
        block, _, self._rest = self._rest.partition(b"\n\n")
        return block.decode()

    async def next(self, name: str) -> dict[str, Any]:
        """The next event of this name."""
        async with asyncio.timeout(10):
            while (block := await self._block()) is not None:
                lines = block.split("\n")
                if f"event: {name}" in lines:
                    (data,) = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
                    said: dict[str, Any] = orjson.loads(data)
                    return said
        raise AssertionError("the stream has ended")

    async def until(self, name: str) -> str:
        """All that is said up to the next event of this name."""
        said = ""
        async with asyncio.timeout(10):
            while (block := await self._block()) is not None:
                said += block + "\n\n"
                if f"event: {name}" in block.split("\n"):
                    return said
        raise AssertionError("the stream has ended")

    async def ended(self) -> bool:
        """Whether it ends now."""
        async with asyncio.timeout(10):
            while await self._block() is not None:
                pass
        return True

    async def close(self) -> None:
        """The console is closed."""
        self._answer.close()


async def _json(answer: ClientResponse) -> Any:
    return orjson.loads(await answer.read())


assert IDENTIFIED and web and Unit
