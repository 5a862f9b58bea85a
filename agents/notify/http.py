"""Posts to somebody else's server, which may fail, stall and lie. In: a request. Out: status and beginning of the body.

The one rule: a server gets so much of our time and memory, and no more. Redirects are not followed, compression is not
offered, cookies are not kept, certificates are checked.
"""

import asyncio
import contextlib
import ssl

import aiohttp
import msgspec

from pipeline.notify.message import Post

CONNECT_SECONDS_MAX = 5.0
TRY_SECONDS_MAX = 15.0
"""From the first packet until the status."""
BODY_SECONDS_MAX = 3.0
BODY_BYTES_MAX = 64 * 1024


class Response(msgspec.Struct, frozen=True):
    """`body`: as much of it as came in time, 64 KiB at most."""

    status: int
    retry_after: str | None
    body: bytes


class Http:
    """An async context manager. Whom the machine trusts is trusted, or the authorities that `SSL_CERT_FILE` names."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Http":
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TRY_SECONDS_MAX, sock_connect=CONNECT_SECONDS_MAX),
            # No limit here: tries are bounded for each recipient, so that one that hangs takes nobody's place.
            connector=aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context()),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"User-Agent": "social-cem", "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    async def post(self, post: Post) -> Response:
        """Raises ClientError, TimeoutError or OSError where there is no status."""
        assert self._session is not None
        response = await self._session.post(post.url, data=post.body, headers=post.headers, allow_redirects=False)
        try:
            return Response(response.status, response.headers.get("Retry-After"), await _beginning(response))
        finally:
            response.close()  # what is left of the body is nobody's; a body that was read whole has freed it already


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """The status counts; a body that stalls or breaks off does not change it."""
    found = bytearray()
    with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
        async with asyncio.timeout(BODY_SECONDS_MAX):
            async for chunk in response.content.iter_chunked(8192):
                found += chunk
                if len(found) >= BODY_BYTES_MAX:
                    break
    return bytes(found[:BODY_BYTES_MAX])
