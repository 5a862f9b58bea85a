"""The JSON API, version 1: alerts, their histories and texts, actions, units, what found no unit.

In: requests. Out: JSON made of `views.py`; errors as problem details (RFC 9457). The one rule: `ROUTES` is all there
is; the routes and the OpenAPI document are made from it. What a viewer may not see does not exist.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, Final, NamedTuple, get_args
from urllib.parse import quote

import orjson
from aiohttp import ETag, web

from agents.web.actions import act, assign
from agents.web.cases import accepted
from agents.web.context import model_of, viewer_of
from agents.web.model import State
from agents.web.paging import page_of, wanted
from agents.web.problem import Problem, not_found
from agents.web.urgency import urgency
from agents.web.views import (
    ActionAnswer,
    ActionRequest,
    Alerts,
    Assigned,
    AssignRequest,
    Entries,
    HourView,
    Texts,
    UnitOverview,
    Units,
    UnitView,
    UnroutedPage,
    UnroutedView,
)
from schemas.alert import Alert
from schemas.codec import encode
from schemas.text import StoredText
from schemas.time import Millis
from schemas.unit import Unit

PREFIX: Final = "/api/v1"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Route(NamedTuple):
    """One route, as it is served and as it is documented. `query`: names of parameters; `answer`: the struct that
    comes back with `status`."""

    method: str
    path: str
    handler: Handler
    about: str
    answer: Any
    status: int = 200
    body: Any = None
    query: tuple[str, ...] = ()


def add_routes(app: web.Application) -> None:
    """All of `ROUTES`."""
    for route in ROUTES:
        app.router.add_route(route.method, PREFIX + route.path, route.handler)


# Alerts


async def _alerts(request: web.Request) -> web.StreamResponse:
    model, viewer, query = model_of(request), viewer_of(request), request.query
    state: State | None = next((one for one in get_args(State) if one == query.get("state", "waiting")), None)
    if state is None:
        raise Problem(422, "invalid", f"`state` is one of {', '.join(get_args(State))}")
    asked = wanted(query, model.now_ms)
    found = model.alerts(
        viewer, unit_id=query.get("unit") or None, department=query.get("department") or None, state=state
    )
    page, cursor = page_of(found, lambda alert: urgency(alert, asked.now_ms), asked)
    return _answer(request, Alerts(alerts=tuple(page), next_cursor=cursor))


async def _alert(request: web.Request) -> web.StreamResponse:
    return _answer(request, _known(request))


async def _entries(request: web.Request) -> web.StreamResponse:
    alert = _known(request)
    return _answer(request, Entries(entries=tuple(model_of(request).entries(viewer_of(request), alert.alert_id))))


async def _texts(request: web.Request) -> web.StreamResponse:
    model, viewer, alert = model_of(request), viewer_of(request), _known(request)
    references = [one.text_ref for one in alert.evidence] + [alert.work.we_did_ref]
    for entry in model.entries(viewer, alert.alert_id):
        references += [entry.note_ref, entry.we_did_ref]
    found: dict[str, StoredText] = {}
    for reference in references:
        if (text := model.text(viewer, alert, reference)) is not None:
            found[text.id] = text
    return _answer(request, Texts(texts=tuple(found.values())))


def _known(request: web.Request) -> Alert:
    alert = model_of(request).alert(viewer_of(request), request.match_info["alert_id"])
    if alert is None:
        raise not_found()
    return alert


# Actions


async def _act(request: web.Request) -> web.StreamResponse:
    action = await act(request, request.match_info["alert_id"], await _body(request))
    location = f"{PREFIX}/actions/{quote(action.id, safe='')}"
    return _answer(request, _answer_of(request, action.id), 202, {"Location": location})


async def _action(request: web.Request) -> web.StreamResponse:
    return _answer(request, _answer_of(request, request.match_info["action_id"]))


def _answer_of(request: web.Request, action_id: str) -> ActionAnswer:
    model, viewer = model_of(request), viewer_of(request)
    answer, sent = model.answer(action_id), model.sent(action_id)
    if answer is None or not model.may_know_answer(viewer, action_id, answer.alert_id):
        if sent is None or not model.may_know_answer(viewer, action_id, sent.alert_id):
            raise not_found()
        return ActionAnswer(id=action_id, status="pending", alert_id=sent.alert_id)
    done = accepted(answer)
    return ActionAnswer(
        id=action_id,
        status="accepted" if done else "refused",
        reason=None if done else answer.reason,
        state=answer.state,
        alert_id=answer.alert_id,
        action=answer.action,
    )


# Units


async def _units(request: web.Request) -> web.StreamResponse:
    model = model_of(request)
    found = model.units(viewer_of(request))
    page, cursor = page_of(found, lambda unit: (unit.name, unit.id), wanted(request.query, model.now_ms))
    return _answer(request, Units(units=tuple(map(_unit_view, page)), next_cursor=cursor))


async def _unit(request: web.Request) -> web.StreamResponse:
    model, viewer = model_of(request), viewer_of(request)
    unit = model.unit(viewer, request.match_info["unit_id"])
    if unit is None:
        raise not_found()
    hours = tuple(
        HourView(at=Millis(one.at_ms), mentions=one.mentions, negative=one.negative, positive=one.positive)
        for one in model.hours(viewer, unit.id)
    )
    counts = {state: len(model.alerts(viewer, unit_id=unit.id, state=state)) for state in ("waiting", "snoozed")}
    return _answer(request, UnitOverview(unit=_unit_view(unit), hours=hours, **counts))


def _unit_view(unit: Unit) -> UnitView:
    return UnitView(
        id=unit.id,
        name=unit.name,
        kind=unit.kind,
        industry=unit.industry,
        parent=unit.parent,
        time_zone=unit.time_zone,
        departments=unit.departments,
    )


# What found no unit


async def _unrouted(request: web.Request) -> web.StreamResponse:
    model, viewer = model_of(request), viewer_of(request)
    page, cursor = page_of(
        model.unrouted(viewer), lambda one: (-one.insight.event_time, one.id), wanted(request.query, model.now_ms)
    )
    views = []
    for one in page:
        text = model.unrouted_text(viewer, one)
        view = UnroutedView(
            id=one.id,
            reason=one.reason,
            channel=one.insight.channel,
            event_time=one.insight.event_time,
            candidates=one.candidates,
            text=None if text is None else text.text,
        )
        views.append(view)
    return _answer(request, UnroutedPage(unrouted=tuple(views), next_cursor=cursor))


async def _assign(request: web.Request) -> web.StreamResponse:
    identity, body = request.match_info["insight_id"], await _body(request)
    unit_id = body.get("unit_id")
    if not isinstance(unit_id, str) or len(body) != 1:
        raise Problem(422, "invalid", 'send {"unit_id": "…"}')
    await assign(request, identity, unit_id)
    return _answer(request, Assigned(id=identity, unit_id=unit_id), 202)


# What they share


async def _body(request: web.Request) -> dict[str, Any]:
    """A JSON object. Raises Problem."""
    if request.content_type != "application/json":
        raise Problem(415, "wrong_type", "send application/json")
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise Problem(400, "not_json", f"the body is no JSON: {error.msg[:200]}") from None
    if not isinstance(body, dict):
        raise Problem(422, "invalid", "the body is no JSON object")
    return body


def _answer(
    request: web.Request, view: Any, status: int = 200, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    """JSON with an ETag; 304 without a body to who has it already."""
    body = encode(view)
    response = web.Response(status=status, body=body, content_type="application/json", headers=headers)
    if request.method == "GET":
        tag = sha256(body).hexdigest()[:32]
        known = request.if_none_match or ()
        if any(one.value in (tag, "*") for one in known):
            response = web.Response(status=304)
        response.etag = ETag(value=tag)
    return response


ROUTES: Final = (
    Route("GET", "/alerts", _alerts, "Alerts, the most urgent first", Alerts,
          query=("state", "unit", "department", "limit", "cursor")),
    Route("GET", "/alerts/{alert_id}", _alert, "One alert as it stands", Alert),
    Route("GET", "/alerts/{alert_id}/entries", _entries, "The history of an alert", Entries),
    Route("GET", "/alerts/{alert_id}/texts", _texts, "The masked texts behind an alert and of its history", Texts),
    Route("POST", "/alerts/{alert_id}/actions", _act, "Do something about an alert", ActionAnswer, 202, ActionRequest),
    Route("GET", "/actions/{action_id}", _action, "What became of an action", ActionAnswer),
    Route("GET", "/units", _units, "The units that you may see", Units, query=("limit", "cursor")),
    Route("GET", "/units/{unit_id}", _unit, "A unit with all below it", UnitOverview),
    Route("GET", "/unrouted", _unrouted, "What found no unit", UnroutedPage, query=("limit", "cursor")),
    Route("POST", "/unrouted/{insight_id}/assign", _assign, "Say which unit it is about", Assigned, 202,
          AssignRequest),
)  # fmt: skip
