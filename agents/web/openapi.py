"""The OpenAPI 3.1 document of the JSON API, made from its routes and the structs that they take and give.

The one rule: it is made, never written: a route that is served is in it, and nothing else is.
"""

import re
from functools import cache
from typing import Any, Final, get_args

import orjson
from aiohttp import web

from agents.web.api import PREFIX, ROUTES, Route
from agents.web.guard import public
from agents.web.model import State
from agents.web.paging import LIMIT, LIMIT_MAX
from agents.web.problem import JSON_TYPE
from agents.web.views import ProblemView
from schemas.documents import components

PATH: Final = f"{PREFIX}/openapi.json"
_REFERENCE: Final = "#/components/schemas/{name}"

_QUERY: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "state": ("Whom alerts wait for", {"type": "string", "enum": list(get_args(State)), "default": "waiting"}),
    "unit": ("Only of this unit and those below it", {"type": "string"}),
    "department": ("Only of this department", {"type": "string"}),
    "limit": ("How many at most", {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT}),
    "cursor": ("`next_cursor` of the page before", {"type": "string"}),
}
_PROBLEMS: Final = {
    400: "The body is no JSON",
    401: "Not signed in, or the token is unknown, expired or revoked",
    403: "Your role may not do this, or the request came from another site",
    404: "There is none, or it is not yours to see",
    413: "More than 64 KiB",
    415: "Not application/json",
    422: "A field or parameter makes no sense; `detail` names it",
    429: "Too many wrong tokens; wait as Retry-After says",
    503: "Kafka does not answer, or the console is still reading",
}


def add_routes(app: web.Application) -> None:
    """The document, for everybody: it says nothing of what is inside."""
    app.router.add_get(PATH, _document)


@public
async def _document(_: web.Request) -> web.Response:
    return web.Response(body=_encoded(), content_type="application/json")


@cache
def _encoded() -> bytes:
    return orjson.dumps(_made(), option=orjson.OPT_INDENT_2)


def document() -> dict[str, Any]:
    """The whole document, as a client reads it."""
    read: dict[str, Any] = orjson.loads(_encoded())
    return read


def _made() -> dict[str, Any]:
    kinds = list(dict.fromkeys([kind for route in ROUTES for kind in (route.answer, route.body) if kind is not None]))
    references, schemas = components([*kinds, ProblemView], _REFERENCE)
    of = dict(zip([*kinds, ProblemView], references, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route, of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Social CEM",
            "version": "1",
            "description": "Alerts and cases of local units. Whoever asks sees only what the role and the unit of the "
            "token allow; everything else does not exist (404).",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token of `cem tokens create`"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "cem_session",
                    "description": "The console's own pages; what changes something needs X-CSRF-Token too",
                },
            },
        },
    }


def _operation(route: Route, of: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    ok = {"description": "As asked", "content": {"application/json": {"schema": of[route.answer]}}}
    answers: dict[str, Any] = {str(route.status): ok}
    if route.method == "GET":
        ok["headers"] = {"ETag": {"description": "For If-None-Match", "schema": {"type": "string"}}}
        answers["304"] = {"description": "As you have it: If-None-Match names its ETag"}
    for status, about in _PROBLEMS.items():
        if route.method == "POST" or status not in (400, 413, 415):
            answers[str(status)] = {"description": about, "content": {JSON_TYPE: {"schema": of[ProblemView]}}}
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__.strip("_") if route.method == "GET" else f"post{route.handler.__name__}",
        "summary": route.about,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"{(\w+)}", route.path)
        ]
        + [
            {"name": name, "in": "query", "description": _QUERY[name][0], "schema": _QUERY[name][1]}
            for name in route.query
        ],
        "responses": answers,
    }
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": of[route.body]}}}
    return operation
