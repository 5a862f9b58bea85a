"""The parts of `cem web` put together. In: settings, a model, a way to Kafka. Out: an application of aiohttp.

The one rule: nothing is served but through `guard`, and what `secure` adds is on all that leaves.
"""

import time
from collections.abc import Callable
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from agents.settings import Settings
from agents.web import actions, api, login, openapi, pages
from agents.web.context import CLOCK, DOOR, HUB, IDENTIFIED, MODEL, SEND, SETTINGS, Send, viewer_of
from agents.web.guard import BODY_BYTES_MAX, guard, public, secure
from agents.web.identify import Clock, Doorkeeper
from agents.web.live import Hub, filter_of
from agents.web.model import Model
from agents.web.people import People

WHY_NOT_READY: web.AppKey[Any] = web.AppKey("why_not_ready", object)


def make_app(
    settings: Settings,
    model: Model,
    send: Send,
    *,
    people: People | None = None,
    clock: Clock = time.time,
    why_not_ready: Callable[[], str | None] = lambda: None,
) -> web.Application:
    """The application. `model` is filled by a Feed, or by a test; `people`: the roles of whom a proxy names. Raises
    SettingsError."""
    app = web.Application(middlewares=[guard], client_max_size=BODY_BYTES_MAX)
    app.on_response_prepare.append(secure)
    app[SETTINGS], app[MODEL], app[HUB], app[SEND], app[CLOCK] = settings, model, Hub(model), send, clock
    app[DOOR] = Doorkeeper(settings, model, people or People(), clock)
    app[WHY_NOT_READY] = why_not_ready
    app.router.add_get("/live", _live, allow_head=False)
    app.router.add_get("/health/live", _healthy)
    app.router.add_get("/health/ready", _ready)
    app.router.add_get("/metrics", _metrics)
    for handler in (pages.login, pages.static):
        public(handler)
    for part in (login, actions, api, openapi, pages):
        part.add_routes(app)
    app.on_shutdown.append(_close)
    return app


async def _live(request: web.Request) -> web.StreamResponse:
    door, identified = request.app[DOOR], request[IDENTIFIED]
    shows = filter_of(request.query)
    return await request.app[HUB].serve(request, viewer_of(request), lambda: door.still(request, identified), shows)


@public
async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="live\n")


@public
async def _ready(request: web.Request) -> web.Response:
    why_not = request.app[WHY_NOT_READY]()
    return web.Response(text="ready\n") if why_not is None else web.Response(status=503, text=f"{why_not}\n")


@public
async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _close(app: web.Application) -> None:
    app[HUB].close()
