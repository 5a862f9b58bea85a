"""Reading and doing what is somebody else's: through every route of the application, with every id, as every role, and
through the stream of events."""

from typing import Any

import msgspec
import pytest

from agents.web.model import UnroutedChanged
from schemas.action import Action
from schemas.codec import Codec
from tests.web import world
from tests.web.console import SAME, Console, asynchronous
from tests.web.events import Events
from tests.web.hidden import CONFIDENTIAL, HIDDEN, IDS, KITCHEN, LISTS, MOVED, QUERIES, SOUTH, paths_of, secrets

_action_codec = Codec[Action](Action)


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
    for path in paths_of(console, "GET"):
        if not path.startswith(prefix) or path == "/live":
            continue
        for query in QUERIES if path in LISTS else ("", "?sent=action-dead"):
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


@pytest.mark.parametrize("who", ["unit", "region"])
@asynchronous
async def test_no_count_tells_what_is_somebody_elses(who: str) -> None:
    """What a viewer reads is the same, byte for byte, whether the hidden records are there or not."""
    given, _ = HIDDEN[who]
    bodies = []
    for with_them in (True, False):
        model = secrets()
        if not with_them:
            for alert in list(model._alerts.every()):
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
        for path in paths_of(console, "POST"):
            for body in ({"action": "comment", "note": "x"}, {"unit_id": "mill-lane"}, {"unit_id": "elm-street"}):
                form = {**body, "insight_id": "p1"}
                await console.post(path, token, **({"json": body} if "/api/" in path else {"data": form}))
        for emission in console.sent:
            if emission.topic.endswith(".actions"):
                action = _action_codec.decode(emission.value)
                alert = console.model._alerts.get(action.alert_id)
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
            for alert in list(model._alerts.every()):
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
async def test_of_the_units_that_a_post_might_be_about_each_sees_its_own() -> None:
    """The others are not named."""
    async with Console(secrets()) as console:
        for given, expected in (
            (("region", "north"), ["harbour-quay"]),
            (("head_office",), ["harbour-quay", "mill-lane"]),
        ):
            waiting = (await console.json("/api/v1/unrouted", console.token(*given)))["unrouted"]
            (post,) = [one for one in waiting if one["id"] == "p4"]
            assert expected == [one["unit_id"] for one in post["candidates"]]
            page = await (await console.get("/unrouted", console.token(*given))).text()
            assert ("mill-lane" in page) is ("mill-lane" in expected)


@asynchronous
async def test_a_stream_loses_what_went_to_another_unit() -> None:
    """Who saw an alert and may not see its next record is told that it is gone, and nothing of where it went."""
    async with Console(secrets()) as console:
        events = Events(console, console.token("unit", "harbour-quay"))
        await events.open()
        alert = console.model._alerts.get("harbour-quay-" + "feed" * 4)
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
        for path in paths_of(console, "POST"):
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
            for path in paths_of(console, method):
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
