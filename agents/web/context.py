"""What handlers of requests share: the model, the settings, the way to Kafka, the open consoles; who asks.

In: a request. Out: its parts, with their types. The one rule: a handler asks here for the viewer, never a header.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from agents.settings import Settings
from agents.web.access import Viewer
from agents.web.identify import Doorkeeper, Identified
from agents.web.live import Hub
from agents.web.model import Model
from pipeline.emission import Emission
from schemas.topics import Topics

Send = Callable[[Emission], Awaitable[None]]
"""Brings one record to Kafka; returns once it is there. Raises SendError."""


class SendError(RuntimeError):
    """Kafka has not taken a record."""


MODEL = web.AppKey("model", Model)
SETTINGS = web.AppKey("settings", Settings)
HUB = web.AppKey("hub", Hub)
SEND: web.AppKey[Any] = web.AppKey("send", object)
DOOR = web.AppKey("door", Doorkeeper)
CLOCK: web.AppKey[Any] = web.AppKey("clock", object)
IDENTIFIED: web.RequestKey[Identified] = web.RequestKey("identified", Identified)
VIEWER = web.RequestKey("viewer", Viewer)
CSRF = web.RequestKey("csrf", str)


def model_of(request: web.Request) -> Model:
    """All that the console knows."""
    return request.app[MODEL]


def viewer_of(request: web.Request) -> Viewer:
    """Who asks. Where nobody has signed in, the request is sent to the login, or refused with 401."""
    viewer = request.get(VIEWER)
    if not isinstance(viewer, Viewer):
        raise web.HTTPUnauthorized(text="sign in first")
    return viewer


def csrf_of(request: web.Request) -> str:
    """What every form of a page holds in its field `csrf`, and every script sends as `X-CSRF-Token`."""
    token: str = request.get(CSRF, "")
    return token


def topics_of(request: web.Request) -> Topics:
    """The names of topics."""
    return Topics(request.app[SETTINGS].prefix)


def clock_ms(request: web.Request) -> int:
    """The wall clock, in milliseconds."""
    return int(request.app[CLOCK]() * 1000)


async def send(request: web.Request, emission: Emission) -> None:
    """One record to Kafka. Raises SendError."""
    await request.app[SEND](emission)
