"""Scripts in what people write: on every page, through the API, in what the live stream brings."""

import re

import orjson
import pytest

from tests.web import world
from tests.web.console import Console, asynchronous
from tests.web.events import Events
from tests.web.hidden import HEAD
from tests.web.hostile import PAGES, PAYLOADS, Structure, hostile_model

SURGE = "harbour-quay-c3d4c3d4c3d4c3d4"


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
async def test_what_people_write_comes_through_the_api_unchanged_and_asjson_of(payload: str) -> None:
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
            alert = console.model.alerts(HEAD)[0]
            changed = console.model.apply_alert(world.next_of(alert))
            assert changed is not None
            console.hub.alert_changed(changed)
            event = await events.next("alert")
            read = Structure()
            read.feed(event["html"])
            rows.append(read.tags)
            await events.close()
    assert rows[1] == rows[0] != []
