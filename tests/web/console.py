"""A console for tests: the whole application behind a real socket, with a model that is filled by hand.

    @asynchronous
    async def test_something() -> None:
        async with Console() as console:
            token = console.token("unit", "elm-street")
            answer = await console.get("/api/v1/alerts", token)

`sent` holds what went to Kafka. Its clock stands at the world's now and moves by `console.seconds`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Self

import orjson
from aiohttp import ClientResponse, DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from agents.settings import load
from agents.web.context import DOOR, HUB, SendError
from agents.web.model import Model
from agents.web.people import People
from agents.web.server import make_app
from agents.web.tokens import hash_of, new_token
from pipeline.emission import Emission
from schemas.time import DAY_MS, Millis
from schemas.token import Role, Token
from tests.web import evening, world

SECRET = "a secret for tests only, long enough"
SAME = {"Sec-Fetch-Site": "same-origin"}
"""What a browser says of a form on our own page."""


def asynchronous(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test that is a coroutine."""

    @wraps(test)
    def run(*given: Any, **named: Any) -> None:
        async def limited() -> None:
            async with asyncio.timeout(60):
                await test(*given, **named)

        asyncio.run(limited())

    return run


class Console:
    """An asynchronous context manager. `filled`: with the world of `tests/web/world.py`."""

    def __init__(
        self, model: Model | None = None, *, filled: bool = True, people: People | None = None, **settings: Any
    ) -> None:
        self.model = model or Model()
        if filled and model is None:
            world.fill(self.model)
        self.sent: list[Emission] = []
        self.away = False
        self.seconds = evening.NOW / 1000
        given = {"web_secret": SECRET, **settings}
        self.app = make_app(
            load({}, None, **given).settings, self.model, self._send, people=people, clock=lambda: self.seconds
        )
        self.hub = self.app[HUB]
        self.door = self.app[DOOR]
        self.client: Any = None

    async def __aenter__(self) -> Self:
        self.client = TestClient(TestServer(self.app), cookie_jar=DummyCookieJar())
        await self.client.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def _send(self, emission: Emission) -> None:
        if self.away:
            raise SendError("away")
        self.sent.append(emission)

    def token(
        self,
        role: Role,
        unit_id: str | None = None,
        department: str | None = None,
        *,
        name: str = "",
        expires_ms: int = DAY_MS,
    ) -> str:
        """A token that counts."""
        token, identity = new_token()
        now_ms = int(self.seconds * 1000)
        record = Token(
            id=identity, name=name or f"{role} of {unit_id}", role=role, unit_id=unit_id, department=department,
            hash=hash_of(token), made_by="tests", made_at=Millis(now_ms), expires_at=Millis(now_ms + expires_ms),
        )  # fmt: skip
        self.model.apply_token(identity, record)
        return token

    def revoke(self, token: str) -> None:
        """As `cem tokens revoke` does."""
        record = self.model.token(token.split("_")[1])
        assert record is not None
        fields = {name: getattr(record, name) for name in Token.__struct_fields__}
        self.model.apply_token(record.id, Token(**{**fields, "revoked_at": Millis(int(self.seconds * 1000))}))

    async def ask(self, method: str, path: str, token: str | None = None, **given: Any) -> ClientResponse:
        """One request, redirects not followed."""
        headers = dict(given.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        answer: ClientResponse = await self.client.request(
            method, path, headers=headers, allow_redirects=False, **given
        )
        return answer

    async def get(self, path: str, token: str | None = None, **given: Any) -> ClientResponse:
        """A GET."""
        return await self.ask("GET", path, token, **given)

    async def json(self, path: str, token: str | None = None, **given: Any) -> Any:
        """What a GET brings, which must be a success."""
        answer = await self.get(path, token, **given)
        assert answer.status == 200, (path, answer.status, await answer.text())
        return orjson.loads(await answer.read())

    async def post(self, path: str, token: str | None = None, **given: Any) -> ClientResponse:
        """A POST; `json` or `data` as its body."""
        return await self.ask("POST", path, token, **given)

    async def login(self, token: str, **form: str) -> "Browser":
        """Somebody who typed in a token."""
        answer = await self.post("/login", data={"token": token, **form}, headers=SAME)
        assert answer.status == 303, await answer.text()
        return Browser(self, answer.cookies["cem_session"].value)


class Browser:
    """Holds the cookie of a session, and finds the CSRF token as a page has it."""

    def __init__(self, console: Console, cookie: str) -> None:
        self.cookie = cookie
        self._console = console

    @property
    def csrf(self) -> str:
        """What the forms of this session hold."""
        door = self._console.door
        session = door.signer.read(self.cookie, self._console.seconds)
        assert session is not None
        return door.signer.csrf(session.binding)

    async def get(self, path: str) -> ClientResponse:
        """A page."""
        return await self._console.get(path, headers={"Cookie": f"cem_session={self.cookie}"})

    async def post(self, path: str, headers: dict[str, str] | None = None, **given: Any) -> ClientResponse:
        """A form or script of a page; headers as a browser sends them, changed by `headers`."""
        said = {"Cookie": f"cem_session={self.cookie}", **SAME, **(headers or {})}
        return await self._console.post(path, headers={key: value for key, value in said.items() if value}, **given)


async def json_of(answer: ClientResponse) -> Any:
    """What an answer says, whatever its status."""
    return orjson.loads(await answer.read())
