"""The JSON API keeps what its document promises: pages, ETags, actions that take effect once, problems in words."""

import re
from typing import Any

import jsonschema
import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate

from agents.web.api import PREFIX, ROUTES
from agents.web.openapi import PATH, document
from agents.web.paging import Wanted, page_of, wanted
from agents.web.problem import Problem
from schemas.action import Action
from schemas.assignment import Assignment
from schemas.case import CaseEntry
from schemas.codec import Codec
from schemas.tick import CONTROL_ASSIGNMENT, CONTROL_HEADER
from tests.web import guests, world
from tests.web.console import SAME, Console, asynchronous
from tests.web.evening import NOW

SURGE = "harbour-quay-c3d4c3d4c3d4c3d4"
ALERT = f"{PREFIX}/alerts/{SURGE}"

_action_codec = Codec[Action](Action)
_assignment_codec = Codec[Assignment](Assignment)


# The document


def test_the_document_is_valid_openapi() -> None:
    """By the validator of the OpenAPI initiative's schemas, version 3.1."""
    validate(document())


@asynchronous
async def test_what_is_documented_is_served_and_what_is_served_is_documented() -> None:
    """Every method and path under /api/v1, but the document itself; it can be read without signing in."""
    async with Console() as console:
        served = {
            (route.method.lower(), route.resource.canonical)
            for route in console.app.router.routes()
            if route.resource is not None and route.resource.canonical.startswith(PREFIX) and route.method != "HEAD"
        }
        read = orjson.loads(await (await console.get(PATH)).read())
        assert document() == read
        documented = {(method, path) for path, methods in read["paths"].items() for method in methods}
        assert documented | {("get", PATH)} == served


@asynchronous
async def test_answers_are_as_documented() -> None:
    """Each GET route, asked for something that is there, answers what its schema says; each problem, too."""
    names = {"alert_id": SURGE, "unit_id": "north", "action_id": "n1", "insight_id": "u1"}
    async with Console() as console:
        token, said = console.token("head_office"), document()
        for route in ROUTES:
            if route.method == "GET":
                path = PREFIX + re.sub(r"{(\w+)}", lambda part: names[part[1]], route.path)
                _check(said, PREFIX + route.path, "get", "200", await console.json(path, token))
        refused = await console.get(f"{PREFIX}/alerts?limit=0", token)
        _check(said, f"{PREFIX}/alerts", "get", "422", orjson.loads(await refused.read()))
        sent = await console.post(f"{ALERT}/actions", token, json={"action": "acknowledge"})
        _check(said, f"{PREFIX}/alerts/{{alert_id}}/actions", "post", "202", orjson.loads(await sent.read()))


def _check(said: dict[str, Any], path: str, method: str, status: str, answer: Any) -> None:
    content = said["paths"][path][method]["responses"][status]["content"]
    (kind,) = content.values()
    jsonschema.Draft202012Validator({**kind["schema"], "components": said["components"]}).validate(answer)


# Pages


@given(st.lists(st.integers(0, 30)), st.integers(1, 40))
def test_the_pages_are_the_list(items: list[int], limit: int) -> None:
    """Nothing is missing, nothing comes twice, for any list and limit; the last page says that it is."""
    keyed = list(enumerate(items))
    found: list[Any] = []
    asked, pages = Wanted(limit, None, NOW), 0
    while True:
        page, cursor = page_of(keyed, lambda item: (item[1], item[0]), asked)
        found += page
        pages += 1
        if cursor is None:
            break
        assert limit == len(page)
        asked = wanted({"limit": str(min(limit, 200)), "cursor": cursor}, NOW + 999)
        assert NOW == asked.now_ms
    assert sorted(keyed, key=lambda item: (item[1], item[0])) == found
    assert pages <= len(items) // limit + 1


@given(st.text() | st.binary().map(lambda raw: raw.hex()))
def test_a_cursor_that_is_none_is_told_so(cursor: str) -> None:
    """Never an error of ours."""
    try:
        page_of([1, 2], lambda item: (item,), wanted({"cursor": cursor}, NOW))
    except Problem as problem:
        assert 422 == problem.status


@pytest.mark.parametrize("limit", [1, 3, 200])
@pytest.mark.parametrize("state", ["waiting", "snoozed", "finished", "all"])
@asynchronous
async def test_alerts_come_in_pages_as_in_one(limit: int, state: str) -> None:
    """In the order of urgency, also where time passes between two pages."""
    async with Console() as console:
        token = console.token("head_office")
        whole = (await console.json(f"{PREFIX}/alerts?state={state}&limit=200", token))["alerts"]
        found, cursor = [], ""
        while cursor is not None:
            page = await console.json(f"{PREFIX}/alerts?state={state}&limit={limit}{cursor}", token)
            found += page["alerts"]
            cursor = None if page["next_cursor"] is None else f"&cursor={page['next_cursor']}"
            console.model.wall_ms = (console.model.wall_ms or 0) + 600_000
        assert whole == found != []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=a", "limit=-1", "limit=%C2%B2", "cursor=a", "cursor=W10=", "state=open"]
)
@asynchronous
async def test_a_parameter_that_makes_no_sense_is_told_so(query: str) -> None:
    """422, and the detail names it."""
    async with Console() as console:
        answer = await console.get(f"{PREFIX}/alerts?{query}", console.token("head_office"))
        said = orjson.loads(await answer.read())
        assert (422, 422, True) == (answer.status, said["status"], f"`{query.split('=')[0]}`" in said["detail"])


@asynchronous
async def test_units_and_what_found_none_come_in_pages_too() -> None:
    """By name, and the newest first."""
    async with Console() as console:
        token = console.token("head_office")
        for kind, key in (("units", "units"), ("unrouted", "unrouted")):
            whole = (await console.json(f"{PREFIX}/{kind}", token))[key]
            found, cursor = [], ""
            while cursor is not None:
                page = await console.json(f"{PREFIX}/{kind}?limit=1{cursor}", token)
                found += page[key]
                cursor = None if page["next_cursor"] is None else f"&cursor={page['next_cursor']}"
            assert whole == found
            assert len(whole) > 2


# ETags


@asynchronous
async def test_what_has_not_changed_is_not_sent_again() -> None:
    """304 with the same tag and no body as long as nothing has changed for the viewer; then the new one."""
    async with Console() as console:
        token = console.token("unit", "harbour-quay")
        for path in (f"{PREFIX}/alerts", ALERT, f"{ALERT}/texts", f"{PREFIX}/units/harbour-quay"):
            first = await console.get(path, token)
            tag = first.headers["ETag"]
            again = await console.get(path, token, headers={"If-None-Match": tag})
            assert (304, tag, b"") == (again.status, again.headers["ETag"], await again.read())
            for known, status in ((f'"other", {tag}', 304), ('"other"', 200), ("*", 304), (f"W/{tag}", 304)):
                assert status == (await console.get(path, token, headers={"If-None-Match": known})).status
        elsewhere = next(alert for alert in world.alerts() if alert.labels.unit_id == "mill-lane")
        tag = (await console.get(f"{PREFIX}/alerts", token)).headers["ETag"]
        console.model.apply_alert(world.next_of(elsewhere))
        assert 304 == (await console.get(f"{PREFIX}/alerts", token, headers={"If-None-Match": tag})).status
        mine = next(alert for alert in world.alerts() if alert.alert_id == SURGE)
        console.model.apply_alert(world.next_of(mine))
        assert 200 == (await console.get(f"{PREFIX}/alerts", token, headers={"If-None-Match": tag})).status


# Actions


@asynchronous
async def test_an_action_is_pending_until_the_log_has_answered() -> None:
    """202 and where to ask; then accepted or refused, with the reason and the state of the case."""
    async with Console() as console:
        token, other = console.token("unit", "harbour-quay", name="maria"), console.token("unit", "mill-lane")
        for accepted, reason, status in ((True, "done", "accepted"), (False, "not_from_this_state", "refused")):
            sent = await console.post(f"{ALERT}/actions", token, json={"action": "acknowledge", "note": "I see"})
            location = sent.headers["Location"]
            assert (202, "pending") == (sent.status, (await console.json(location, token))["status"])
            action = _action_codec.decode(console.sent[-1].value)
            assert ("cem.actions", b"harbour-quay", SURGE, "harbour-quay", "maria", "I see", NOW) == (
                console.sent[-1].topic, console.sent[-1].key, action.alert_id, action.unit_id, action.actor,
                action.note, action.event_time,
            )  # fmt: skip
            assert 404 == (await console.get(location, other)).status
            entry = CaseEntry(
                alert_id=SURGE, unit_id="harbour-quay", number=0, sequence=4, action_id=action.id,
                action="acknowledge", accepted=accepted, reason=reason, state="acknowledged", event_time=NOW,
            )  # fmt: skip
            console.model.apply_entry(entry)
            answer = await console.json(location, token)
            assert (status, None if accepted else reason, "acknowledged") == (
                answer["status"], answer["reason"], answer["state"],
            )  # fmt: skip
            assert 404 == (await console.get(location, other)).status


@asynchronous
async def test_an_id_that_somebody_else_has_used_tells_nothing_of_their_action() -> None:
    """Ids are the clients' to choose: two may choose the same. Each is told of its own action only."""
    async with Console() as console:
        mine = next(alert for alert in world.alerts() if alert.labels.unit_id == "mill-lane")
        entry = CaseEntry(
            alert_id=SURGE, unit_id="harbour-quay", number=3, sequence=4, action_id="1", action="resolve",
            state="resolved", event_time=NOW,
        )  # fmt: skip
        console.model.apply_entry(entry)
        token = console.token("unit", "mill-lane")
        sent = await console.post(
            f"{PREFIX}/alerts/{mine.alert_id}/actions", token, json={"id": "1", "action": "comment"}
        )
        for answer in (orjson.loads(await sent.read()), await console.json(f"{PREFIX}/actions/1", token)):
            assert ("pending", mine.alert_id) == (answer["status"], answer["alert_id"])


@asynchronous
async def test_an_action_with_the_clients_own_id_may_be_sent_again() -> None:
    """Both records carry that id, so that it takes effect once; nothing else of it is the client's to say."""
    async with Console() as console:
        token = console.token("head_office")
        for _ in range(2):
            sent = await console.post(f"{ALERT}/actions", token, json={"id": "mine:1", "action": "comment"})
            assert f"{PREFIX}/actions/mine%3A1" == sent.headers["Location"]
        assert ["mine:1"] * 2 == [_action_codec.decode(one.value).id for one in console.sent]
        without = [await console.post(f"{ALERT}/actions", token, json={"action": "comment"}) for _ in range(2)]
        assert 2 == len({one.headers["Location"] for one in without})


@asynchronous
async def test_kafka_that_does_not_answer_is_told() -> None:
    """503 and when to try again: nothing is called done that is not."""
    async with Console() as console:
        console.away = True
        answer = await console.post(f"{ALERT}/actions", console.token("head_office"), json={"action": "comment"})
        assert (503, "5", "kafka_away") == (
            answer.status, answer.headers["Retry-After"], orjson.loads(await answer.read())["reason"],
        )  # fmt: skip


@asynchronous
async def test_a_console_that_still_reads_says_so() -> None:
    """Nobody is told that there is no alert, or no such token, before all is read."""
    async with Console() as console:
        token = console.token("head_office")
        console.model.loading = True
        for path in (f"{PREFIX}/alerts", "/"):
            answer = await console.get(path, token)
            assert (503, "3") == (answer.status, answer.headers["Retry-After"])
        assert 503 == (await console.post("/login", data={"token": token}, headers=SAME)).status
        assert 200 == (await console.get("/health/live")).status


@asynchronous
async def test_an_assignment_goes_to_where_the_post_came_from() -> None:
    """Into its partition, told from posts by its header; only to a unit that the viewer may see."""
    async with Console() as console:
        north = console.token("region", "north", name="tom")
        waiting = (await console.json(f"{PREFIX}/unrouted", north))["unrouted"]
        assert {"u1", "u2", "u3"} == {one["id"] for one in waiting}
        assert all(one["text"] for one in waiting)
        for unit_id, status in (("mill-lane", 422), ("nowhere", 422), ("station-square", 202)):
            answer = await console.post(f"{PREFIX}/unrouted/u1/assign", north, json={"unit_id": unit_id})
            assert status == answer.status
        (sent,) = console.sent
        assert ("cem.posts", 0, b"u1", ((CONTROL_HEADER, CONTROL_ASSIGNMENT),)) == (
            sent.topic, sent.partition, sent.key, tuple(sent.headers),
        )  # fmt: skip
        assignment = _assignment_codec.decode(sent.value)
        assert ("station-square", "tom", 2) == (
            assignment.unit_id, assignment.actor, len(assignment.unrouted.candidates),
        )  # fmt: skip
        assert 404 == (await console.post(f"{PREFIX}/unrouted/none/assign", north, json={"unit_id": "x"})).status


@asynchronous
async def test_an_id_with_a_slash_is_found() -> None:
    """Ids of posts are the networks'."""
    async with Console() as console:
        one = guests.unrouted()[0]
        strange = "forum:https://a.example/b?c=d&e#f%2F"
        insight = msgspec.structs.replace(one.insight, id=strange)
        console.model.apply_unrouted(strange, msgspec.structs.replace(one, id=strange, insight=insight))
        from urllib.parse import quote

        from yarl import URL

        path = URL(f"{PREFIX}/unrouted/{quote(strange, safe='')}/assign", encoded=True)
        answer = await console.post(path, console.token("head_office"), json={"unit_id": "elm-street"})  # type: ignore[arg-type]
        assert (202, strange) == (answer.status, orjson.loads(await answer.read())["id"])


@asynchronous
async def test_a_unit_shows_no_names_of_its_staff() -> None:
    """They are between the directory and the enrich agent."""
    async with Console() as console:
        unit = msgspec.structs.replace(world.units()[-1], staff=("Maria Gonzalez",))
        console.model.apply_unit(unit.id, unit)
        token = console.token("head_office")
        for path in (f"{PREFIX}/units", f"{PREFIX}/units/{unit.id}", f"/units/{unit.id}"):
            assert "Gonzalez" not in await (await console.get(path, token)).text()


@asynchronous
async def test_health_and_metrics_are_there_without_signing_in() -> None:
    """What is counted has few labels: a route as it was made, never what was asked for."""
    async with Console() as console:
        await console.get(f"{PREFIX}/alerts/secret-id", console.token("head_office"))
        await console.get("/somewhere/secret-path")
        said = await (await console.get("/metrics")).text()
        assert 'cem_web_requests_total{route="/api/v1/alerts/{alert_id}",status="404"}' in said
        assert "secret" not in said
        assert 200 == (await console.get("/health/ready")).status
