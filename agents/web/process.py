"""`cem web` as a process: the feed, the outbox and the server, until SIGTERM or Ctrl-C.

The one rule: it starts without Kafka too, says that it is not ready, and is ready once it has read all. A client that
takes too long to say what it wants is let go.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from typing import Final

from aiohttp import web

from agents.settings import Settings
from agents.web.context import HUB
from agents.web.feed import Feed
from agents.web.model import Model
from agents.web.outbox import Outbox
from agents.web.people import People
from agents.web.server import make_app
from schemas.topics import Topics

IDLE_SECONDS_MAX: Final = 60.0
"""How long a connection may be without a whole request."""
STOP_SECONDS_MAX: Final = 3.0


async def serve(settings: Settings, people: People, told: Callable[[int], None]) -> None:
    """Runs until it is told to stop. `told` gets the port. Raises OSError if the port is taken."""
    model = Model(settings.web_texts)
    feed, outbox = Feed(settings, Topics(settings.prefix), model), Outbox(settings)
    app = make_app(settings, model, outbox.send, people=people, why_not_ready=feed.why_not_ready)
    feed.tell(app[HUB])
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with listening(app, settings.web_host, settings.web_port) as port:
        told(port)
        await feed.start()
        failing = asyncio.ensure_future(feed.fail())
        waiting = asyncio.ensure_future(stopped.wait())
        await asyncio.wait([failing, waiting], return_when=asyncio.FIRST_COMPLETED)
        if failing.done():
            failing.result()
        failing.cancel()
        await feed.stop()
        await outbox.stop()


@contextlib.asynccontextmanager
async def listening(
    app: web.Application, host: str, port: int, idle_seconds_max: float = IDLE_SECONDS_MAX
) -> AsyncIterator[int]:
    """The application on a port; gives the port. Raises OSError."""
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=idle_seconds_max, shutdown_timeout=STOP_SECONDS_MAX)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
