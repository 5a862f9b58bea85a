"""What an operator's tools ask: `/metrics` for Prometheus, `/live`, `/ready`.

Live: the process answers. Ready: it owns its partitions, has their states, and hears from Kafka.
"""

import os
import time
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from pipeline import metrics


class PortError(OSError):
    """The port cannot be had. The message says so, and what to do."""


class HealthServer:
    """`why_not_ready` gives None when ready, else one sentence. `publish` brings metrics up to date before they are
    shown."""

    def __init__(
        self,
        host: str,
        port: int,
        why_not_ready: Callable[[], str | None],
        publish: Callable[[], None] = lambda: None,
    ) -> None:
        self._host = host
        self._port = port
        self._why_not_ready = why_not_ready
        self._publish = publish
        self._runner: web.AppRunner | None = None
        self.port = port

    async def start(self) -> None:
        """Listens. Raises PortError if the port is taken."""
        app = web.Application(client_max_size=64 * 1024)
        app.add_routes(
            [web.get("/metrics", self._metrics), web.get("/live", self._live), web.get("/ready", self._ready)]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise PortError(
                f"the port of /metrics, {self._host}:{self._port}, cannot be had ({why}); if another service on this "
                "machine has it, set CEM_HTTP_PORT (or --http-port) to another one, or to 0 for a free one"
            ) from None
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Closes the port."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, _: web.Request) -> web.Response:
        metrics.READY.set(self._why_not_ready() is None)
        metrics.CLOCK_SECONDS.set(time.time())
        self._publish()
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _live(self, _: web.Request) -> web.Response:
        return web.Response(text="live\n")

    async def _ready(self, _: web.Request) -> web.Response:
        why_not = self._why_not_ready()
        return web.Response(text="ready\n") if why_not is None else web.Response(status=503, text=f"{why_not}\n")
