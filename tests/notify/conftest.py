"""Real servers for messages: a web server that does what a test wants, a mail server, and Kafka."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from agents.kafka.node import free_port
from tests.broker.conftest import embedded, kafka, new_service

__all__ = ["embedded", "kafka", "new_service"]

Handler = Callable[[web.Request], Any]


class Received:
    """One request: headers in lower case."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path = path
        self.headers = headers
        self.body = body

    @property
    def id(self) -> str:
        """The webhook's id."""
        return self.headers["webhook-id"]


class Receiver:
    """A web server on a free port. `answer` decides what comes of a request; without it everything is 204."""

    def __init__(self, ssl_context: Any = None) -> None:
        self.received: list[Received] = []
        self.answer: Handler | None = None
        self.open = 0
        self._ssl = ssl_context
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._ssl)
        await site.start()
        self.port: int = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(request.path, headers, body))
        self.open += 1
        try:
            if self.answer is None:
                return web.Response(status=204)
            found = self.answer(request)
            return await found if asyncio.iscoroutine(found) else found
        finally:
            self.open -= 1

    def url(self, path: str = "/", scheme: str = "http") -> str:
        """Its address."""
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        """Frees the port."""
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class RawServer:
    """A server that writes bytes as they are, and then does nothing, or hangs up. `talk` gets the connection."""

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        self._talk = talk
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self._talk(connection)

    def close(self) -> None:
        """Takes no more connections."""
        self._socket.close()


class Sink:
    """What a mail server does with mails: keeps them. `refuse`: (code, text) for each recipient, `refuse_data`: after
    the mail."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.refuse: str | None = None
        self.refuse_data: str | None = None

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Each recipient."""
        if self.refuse is not None:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Each mail."""
        if self.refuse_data is not None:
            return self.refuse_data
        self.mails.append(envelope)
        return "250 OK"


class MailSink:
    """A mail server on a free port."""

    def __init__(self, **options: Any) -> None:
        self.sink = Sink()
        self._controller = Controller(self.sink, hostname="127.0.0.1", port=free_port(), **options)
        self._controller.start()
        self.port: int = self._controller.port

    def close(self) -> None:
        """Frees the port."""
        self._controller.stop(no_assert=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A web server for one test."""
    server = Receiver()
    yield server
    server.close()


@pytest.fixture
def new_raw() -> Iterator[Callable[[Callable[[socket.socket], None]], RawServer]]:
    """Makes servers that write bytes as they are."""
    made: list[RawServer] = []

    def make(talk: Callable[[socket.socket], None]) -> RawServer:
        made.append(RawServer(talk))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture
def new_mail_server() -> Iterator[Callable[..., MailSink]]:
    """Makes mail servers."""
    made: list[MailSink] = []

    def make(**options: Any) -> MailSink:
        made.append(MailSink(**options))
        return made[-1]

    yield make
    for server in made:
        server.close()
