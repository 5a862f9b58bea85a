"""What open consoles are told: at once, each what it shows, rendered once, and whether Kafka answers."""

import asyncio
from collections import Counter

import msgspec
import pytest

from agents.web.access import Viewer
from schemas.action import Action
from schemas.alert import Alert, Work
from schemas.case import CaseEntry
from schemas.time import HOUR_MS, Millis
from tests.web import world
from tests.web.console import Console, asynchronous
from tests.web.evening import NOW
from tests.web.events import Events
from tests.web.world import make_alert


def change(console: Console, alert: Alert) -> None:
    """A record of an alert comes."""
    changed = console.model.apply_alert(alert)
    assert changed is not None
    console.hub.alert_changed(changed)


@asynchronous
async def test_a_row_is_rendered_once_for_each_role_that_looks() -> None:
    """Not once for each console; and each console has it."""
    rendered: Counter[str] = Counter()

    def render(alert: Alert, viewer: Viewer) -> str:
        rendered[viewer.role] += 1
        return f"<p>{alert.sequence} {viewer.role}</p>"

    async with Console() as console:
        console.hub.render_with(render)
        tokens = [console.token("head_office"), console.token("unit", "elm-street"), console.token("unit", "mill-lane")]
        consoles = [Events(console, token) for token in tokens for _ in range(4)]
        for one in consoles:
            await one.open()
        change(console, world.next_of(make_alert("elm-street", "a1b2")))
        for one in consoles[:8]:
            event = await one.next("alert")
            assert ("elm-street", 2) == (event["unit_id"], event["sequence"])
            assert event["html"] in ("<p>2 head_office</p>", "<p>2 unit</p>")
        assert {"head_office": 1, "unit": 1} == rendered
        for one in consoles:
            await one.close()


@pytest.mark.parametrize(
    ("query", "steps"),
    [
        ("", ["here", "here", "here"]),
        ("?show=waiting", ["here", "gone", None]),
        ("?show=snoozed", [None, "here", "gone"]),
        ("?show=finished", [None, None, "here"]),
        ("?unit=north&department=operations", ["here", "here", "here"]),
        ("?unit=south", [None, None, None]),
        ("?department=kitchen", [None, None, None]),
        ("?show=nonsense&unit=&department=", ["here", "here", "here"]),
    ],
)
@asynchronous
async def test_a_list_is_told_what_comes_into_it_and_what_leaves_it(query: str, steps: list[str | None]) -> None:
    """An alert opens, is snoozed, is resolved."""
    async with Console() as console:
        events = Events(console, console.token("head_office"), query)
        await events.open()
        alert = make_alert("elm-street", "beef")
        snoozed = world.next_of(alert, work=Work(snoozed_until=Millis(NOW + HOUR_MS)))
        for record in (alert, snoozed, world.next_of(snoozed, state="resolved")):
            change(console, record)
        console.hub.connection_changed()
        said = (await events.until("connection")).split("\n\n")
        told: dict[int, str] = {}
        for block in said:
            for number in (1, 2, 3):
                if f'"sequence":{number},' in block or f'"sequence":{number}}}' in block:
                    told[number] = "gone" if '"gone":true' in block else "here"
        assert steps == [told.get(number) for number in (1, 2, 3)]
        await events.close()


@asynchronous
async def test_who_comes_back_is_told_that_something_may_have_been_missed() -> None:
    """And what time it is, and since when Kafka answers."""
    async with Console() as console:
        events = Events(console, console.token("auditor"))
        first = await events.open()
        assert (True, NOW, NOW, False) == tuple(first[name] for name in ("connected", "since", "now", "missed"))
        await events.close()
        answer = await console.get("/live", console.token("auditor"), headers={"Last-Event-ID": "1"})
        assert b'"missed":true' in await answer.content.readuntil(b"\n\n")
        answer.close()


@asynchronous
async def test_all_are_told_when_kafka_goes_and_when_it_is_back() -> None:
    """Once each."""
    async with Console() as console:
        events = Events(console, console.token("auditor"))
        await events.open()
        for connected in (False, False, True):
            if console.model.set_connected(connected, NOW + 1):
                console.hub.connection_changed()
        assert [False, True] == [(await events.next("connection"))["connected"] for _ in range(2)]
        await events.close()


@asynchronous
async def test_who_acts_is_told_what_became_of_it_though_the_case_is_elsewhere_now() -> None:
    """Not so another one who does not see the alert either."""
    async with Console() as console:
        mine, other = (Events(console, console.token("unit", "elm-street", name=name)) for name in ("maria", "tom"))
        await mine.open()
        await other.open()
        alert = console.model._alerts.get("elm-street-a1b2a1b2a1b2a1b2")
        action = Action(id="send-it-on", alert_id=alert.alert_id, unit_id="elm-street", action="reroute",
                        actor="maria", to_unit="mill-lane", event_time=NOW)  # fmt: skip
        console.model.apply_action(action)
        labels = msgspec.structs.replace(alert.labels, unit_id="mill-lane")
        change(console, world.next_of(alert, labels=labels))
        entry = CaseEntry(alert_id=alert.alert_id, unit_id="elm-street", number=2, sequence=2, action_id="send-it-on",
                          action="reroute", state="open", event_time=NOW)  # fmt: skip
        console.model.apply_entry(entry)
        console.hub.entry_added(entry)
        console.hub.connection_changed()
        said = {"id": "send-it-on", "alert_id": alert.alert_id, "accepted": True, "reason": "done", "state": "open"}
        assert said == await mine.next("answer")
        assert "send-it-on" not in await other.until("connection")
        for one in (mine, other):
            await one.close()


@asynchronous
async def test_a_quiet_stream_is_kept_alive_and_left_ones_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy sees that somebody is there; a console that has gone costs nothing any more."""
    monkeypatch.setattr("agents.web.live.HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr("agents.web.live.LOOK_SECONDS", 0.02)
    async with Console() as console:
        events = Events(console, console.token("auditor"))
        await events.open()
        assert "still here" in str(await events._block())
        await events.close()
        async with asyncio.timeout(10):
            while console.hub.consoles:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@asynchronous
async def test_there_is_room_for_so_many_and_no_stream_is_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is told when to try again; after its time a stream ends and its console comes again."""
    monkeypatch.setattr("agents.web.live.CONSOLES_MAX", 1)
    monkeypatch.setattr("agents.web.live.STREAM_SECONDS_MAX", 0.3)
    monkeypatch.setattr("agents.web.live.LOOK_SECONDS", 0.02)
    async with Console() as console:
        token = console.token("auditor")
        events = Events(console, token)
        await events.open()
        full = await console.get("/live", token)
        assert (503, "60") == (full.status, full.headers["Retry-After"])
        assert await events.ended()
        await Events(console, token).open()
