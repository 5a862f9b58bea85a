"""The parts of `cem web` put together. In: settings, a model, a way to Kafka. Out: an application of aiohttp.

The one rule: nothing is served but through the middlewares of `make_app`, and nothing but what `add_routes` adds.
"""

from aiohttp import web

from agents.settings import Settings
from agents.web.context import HUB, MODEL, SEND, SETTINGS, Send
from agents.web.live import Hub
from agents.web.model import Model

BODY_BYTES_MAX = 64 * 1024


def make_app(settings: Settings, model: Model, send: Send) -> web.Application:
    """The application. `model` is filled by a Feed, or by a test."""
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app[SETTINGS], app[MODEL], app[HUB], app[SEND] = settings, model, Hub(model), send
    try:
        from agents.web import pages  # type: ignore[attr-defined,unused-ignore]
    except ImportError:
        return app
    pages.add_routes(app)
    return app
