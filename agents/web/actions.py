"""What people do in the console, on its way to Kafka: actions about alerts, and which unit an unrouted post is about.

In: the fields of a form or of JSON. Out: an Action on `cem.actions`, an Assignment beside the post; or a Problem. The
one rule: nothing is changed here. A record is sent; what became of it comes back on `cem.cases`, and only then is it
shown as done. The id of an action is the client's, so that one that is sent twice takes effect once.

Forms (for pages): POST /alerts/{alert_id}/actions with `id`, `action` and its fields, POST /unrouted/assign with
`insight_id` and `unit_id`; both with `csrf` and `back`. They lead back to the page (303) with `?sent=<id>`, and answer
202 with JSON where `Accept` asks for it.
"""

import re
import uuid
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

import orjson
from aiohttp import web

from agents.web.access import may_act, may_assign, may_see_unit
from agents.web.context import SendError, clock_ms, model_of, send, topics_of, viewer_of
from agents.web.problem import Problem, for_program, not_found
from pipeline import metrics
from pipeline.assignment import assignment_record
from pipeline.emission import Emission
from schemas.action import Action
from schemas.codec import Codec, RecordError, encode
from schemas.time import Millis, format_time

NOTE_CHARACTERS_MAX: Final = 10_000
FIELDS: Final = (
    "id", "action", "note", "resolution_code", "dismissal_code", "we_did", "assignee", "to_unit", "to_department",
    "until",
)  # fmt: skip
"""What a client may say of an action; the rest follows from the alert and from who it is."""
_NOT_OURS: Final = frozenset(("csrf", "back", "next"))
_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")

_codec = Codec[Action](Action)


async def act(request: web.Request, alert_id: str, said: Mapping[str, Any]) -> Action:
    """One action about one alert, sent. Raises Problem: 404, 403, 422, 503."""
    model, viewer = model_of(request), viewer_of(request)
    alert = model.alert(viewer, alert_id)
    if alert is None:
        raise not_found()
    now_ms = model.now_ms or clock_ms(request)
    given = {name: value for name, value in said.items() if value is not None and value != ""}
    action = _action(given, alert_id, alert.labels.unit_id, viewer.name, now_ms)
    if not may_act(viewer, alert, action.action, model.directory):
        raise Problem(403, "not_allowed", f"your role ({viewer.role}) may not do this: {action.action}")
    await _send(request, Emission(topics_of(request)("actions"), action.unit_id.encode(), encode(action)))
    model.apply_action(action)
    metrics.WEB_ACTIONS.labels(action.action).inc()
    return action


def _action(said: dict[str, Any], alert_id: str, unit_id: str, actor: str, now_ms: int) -> Action:
    unknown = sorted(name for name in said if name not in FIELDS)
    if unknown:
        raise _invalid(f"there is no field {unknown[0][:100]!r}; there are {', '.join(FIELDS)}")
    said.setdefault("id", str(uuid.uuid4()))
    if not isinstance(said["id"], str) or not _ID.match(said["id"]):
        raise _invalid("`id` is 1 to 128 letters, digits and . _ : -")
    for name in ("note", "we_did"):
        if isinstance(text := said.get(name), str) and len(text) > NOTE_CHARACTERS_MAX:
            raise _invalid(f"`{name}` has {len(text):,} characters; at most {NOTE_CHARACTERS_MAX:,} are taken")
    complete = {
        **said, "alert_id": alert_id, "unit_id": unit_id, "actor": actor, "event_time": format_time(Millis(now_ms)),
    }  # fmt: skip
    try:
        return _codec.decode(orjson.dumps(complete))
    except RecordError as error:
        raise _invalid(error.detail) from None
    except (TypeError, ValueError):
        raise _invalid("a text holds characters that are none") from None


async def assign(request: web.Request, identity: str, unit_id: str) -> None:
    """Says which unit an unrouted post is about. Raises Problem: 404, 403, 422, 503."""
    model, viewer = model_of(request), viewer_of(request)
    unrouted = model.unrouted_one(viewer, identity)
    if unrouted is None:
        raise not_found()
    if not may_assign(viewer):
        raise Problem(403, "not_allowed", f"your role ({viewer.role}) may not assign posts")
    if unit_id not in model.directory.units or not may_see_unit(viewer, unit_id, model.directory):
        raise _invalid("there is no such unit, or it is not yours to see")
    now_ms = model.now_ms or clock_ms(request)
    await _send(request, assignment_record(unrouted, unit_id, viewer.name, now_ms))
    metrics.WEB_ACTIONS.labels("route").inc()


async def _send(request: web.Request, emission: Emission) -> None:
    try:
        await send(request, emission)
    except SendError:
        detail = "Kafka does not answer, so nothing was sent for sure; try again in a moment, with the same `id`"
        raise Problem(503, "kafka_away", detail, {"Retry-After": "5"}) from None


def _invalid(detail: str) -> Problem:
    return Problem(422, "invalid", detail)


# Forms of pages


def add_routes(app: web.Application) -> None:
    """What the forms of pages are sent to."""
    app.router.add_post("/alerts/{alert_id}/actions", _act_form)
    app.router.add_post("/unrouted/assign", _assign_form)


async def _act_form(request: web.Request) -> web.StreamResponse:
    said = {name: value for name, value in (await fields_of(request)).items() if name not in _NOT_OURS}
    action = await act(request, request.match_info["alert_id"], said)
    return await _sent(request, action.id, f"/alerts/{quote(action.alert_id, safe='')}")


async def _assign_form(request: web.Request) -> web.StreamResponse:
    said = await fields_of(request)
    await assign(request, said.get("insight_id", ""), said.get("unit_id", ""))
    return await _sent(request, said.get("insight_id", ""), "/unrouted")


async def _sent(request: web.Request, identity: str, otherwise: str) -> web.StreamResponse:
    if for_program(request):
        return web.Response(status=202, body=orjson.dumps({"id": identity}), content_type="application/json")
    back = local_path((await fields_of(request)).get("back", ""), otherwise)
    raise web.HTTPSeeOther(f"{back}{'&' if '?' in back else '?'}sent={quote(identity, safe='')}")


async def fields_of(request: web.Request) -> dict[str, str]:
    """A form's fields, each once."""
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def local_path(said: str, otherwise: str = "/") -> str:
    """A path on this console, without its fragment; `otherwise` for anything else. A browser takes `//host`, `/\\host`
    and what holds a tab or line break for another site."""
    if not said.startswith("/") or said.startswith("//") or len(said) > 2_000 or not said.isascii():
        return otherwise
    if not said.isprintable() or "\\" in said:
        return otherwise
    parts = urlsplit(said)
    return otherwise if parts.scheme or parts.netloc else said.partition("#")[0]
