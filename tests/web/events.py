"""One open console, as a program reads its stream of events."""

import asyncio
from typing import Any

import orjson

from tests.web.console import Console


class Events:
    """One open console, as a program reads it."""

    def __init__(self, console: Console, token: str, query: str = "") -> None:
        self._console = console
        self._token = token
        self._query = query
        self._answer: Any = None
        self._rest = b""

    async def open(self) -> dict[str, Any]:
        """Opens it; gives what it says first."""
        self._answer = await self._console.get(f"/live{self._query}", self._token)
        assert (200, "text/event-stream") == (self._answer.status, self._answer.content_type)
        return await self.next("connection")

    async def _block(self) -> str | None:
        while b"\n\n" not in self._rest:
            read = await self._answer.content.readany()
            if not read:
                return None
            self._rest += read
        block, _, self._rest = self._rest.partition(b"\n\n")
        return block.decode()

    async def next(self, name: str) -> dict[str, Any]:
        """The next event of this name."""
        async with asyncio.timeout(10):
            while (block := await self._block()) is not None:
                lines = block.split("\n")
                if f"event: {name}" in lines:
                    (data,) = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
                    said: dict[str, Any] = orjson.loads(data)
                    return said
        raise AssertionError("the stream has ended")

    async def until(self, name: str) -> str:
        """All that is said up to the next event of this name."""
        said = ""
        async with asyncio.timeout(10):
            while (block := await self._block()) is not None:
                said += block + "\n\n"
                if f"event: {name}" in block.split("\n"):
                    return said
        raise AssertionError("the stream has ended")

    async def ended(self) -> bool:
        """Whether it ends now."""
        async with asyncio.timeout(10):
            while await self._block() is not None:
                pass
        return True

    async def close(self) -> None:
        """The console is closed."""
        self._answer.close()
