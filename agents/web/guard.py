"""What every request passes. In: a request. Out: the handler's response, with the headers that keep browsers strict; or
a problem.

The one rule: closed by default. A route is for who has signed in, unless its handler is marked `public`; whatever
changes something needs, from a browser, a page of the same origin and the token of its session. Sources: OWASP's cheat
sheets on CSRF and headers, the Fetch Metadata specification, Content Security Policy level 3.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from urllib.parse import quote, urlsplit

from aiohttp import hdrs, web

from agents.web.context import CSRF, DOOR, IDENTIFIED, MODEL, SETTINGS, VIEWER
from agents.web.identify import Identified
from agents.web.problem import Problem, for_program, response_of
from pipeline import metrics

logger = logging.getLogger("cem.web")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
AnyHandler = TypeVar("AnyHandler", bound=Callable[..., Awaitable[web.StreamResponse]])

BODY_BYTES_MAX: Final = 64 * 1024
BODY_SECONDS_MAX: Final = 10.0
FORM_TYPES: Final = ("application/x-www-form-urlencoded", "application/json")
_SAFE: Final = frozenset((hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS))
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send `Origin: null` with forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_PUBLIC: Final = "cem_public"


def public(handler: AnyHandler) -> AnyHandler:
    """Marks a handler that nobody has to sign in for."""
    setattr(handler, _PUBLIC, True)
    return handler


def is_public(request: web.Request) -> bool:
    """Whether nobody has to sign in for it."""
    return getattr(request.match_info.handler, _PUBLIC, False) is True


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost middleware: what leaves is a response, never an exception."""
    try:
        response = await _pass(request, handler)
    except Problem as problem:
        response = _answer(request, problem)
    except web.HTTPException as answer:
        response = _redirect(answer) if answer.status < 400 else _answer(request, _problem_of(answer))
    except ConnectionResetError:
        raise
    except Exception:
        logger.exception("a request for %s failed", _route(request))
        response = _answer(request, Problem(500, "failed", "this did not work; the log of the console says why"))
    metrics.WEB_REQUESTS.labels(_route(request), str(response.status)).inc()
    return response


async def secure(request: web.Request, response: web.StreamResponse) -> None:
    """A signal before a response leaves, streams included."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    if request.app[SETTINGS].web_url.startswith("https://"):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    response.headers.popall("Server", None)


async def _pass(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.match_info.http_exception is not None:
        raise request.match_info.http_exception
    if not request.path.startswith(("/health/", "/metrics")):
        _check_host(request)
    if (request.content_length or 0) > BODY_BYTES_MAX:
        raise _too_large()
    if request.app[MODEL].loading and not (is_public(request) and request.method in _SAFE):
        raise Problem(
            503, "loading", "the console is reading what happened so far; try again soon", {"Retry-After": "3"}
        )
    door = request.app[DOOR]
    open_to_all = is_public(request)
    identified = None if open_to_all else door.identify(request)
    if identified is not None:
        request[IDENTIFIED] = identified
        request[VIEWER] = identified.viewer
        request[CSRF] = door.signer.csrf(identified.bindings[0]) if identified.bindings else ""
    elif not open_to_all:
        return _sign_in(request)
    if request.method not in _SAFE:
        await _check_body(request)
        await _check_origin(request, identified)
    return await handler(request)


def _check_host(request: web.Request) -> None:
    """Where we know our name, other names are refused: no link or redirect is ever built with a forged one."""
    expected = urlsplit(_own_origin(request)).netloc
    if expected and request.host.lower() != expected:
        raise Problem(421, "wrong_host", "this is not the address of the console")


async def _check_body(request: web.Request) -> None:
    """Reads it, within its bounds of size and time."""
    if not request.can_read_body:
        return
    if request.content_type not in FORM_TYPES:
        raise Problem(415, "wrong_type", f"send {' or '.join(FORM_TYPES)}")
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            await request.read()
        if request.content_type == FORM_TYPES[0]:
            await request.post()
    except (UnicodeDecodeError, LookupError, ValueError):
        raise Problem(400, "bad_form", "the form holds characters that are none; UTF-8 is taken") from None
    except TimeoutError:
        raise Problem(408, "too_slow", "the request did not arrive in time", {"Connection": "close"}) from None


async def _check_origin(request: web.Request, identified: Identified | None) -> None:
    """Against forged requests. A bearer token needs none of it: no browser sends one by itself."""
    if identified is not None and identified.way == "bearer":
        return
    if not _same_origin(request):
        raise Problem(403, "cross_site", "this did not come from a page of the console; open the console and try again")
    if identified is None:  # a login: there is no session yet
        return
    shown = request.headers.get("X-CSRF-Token", "")
    if not shown and request.content_type == FORM_TYPES[0]:
        shown = str((await request.post()).get("csrf", ""))
    signer = request.app[DOOR].signer
    if not any(signer.is_csrf(shown, binding) for binding in identified.bindings):
        raise Problem(403, "stale_page", "this page is too old, or not yours; load it again and try once more")


def _same_origin(request: web.Request) -> bool:
    """By what browsers say and pages cannot change. Where a browser says neither, it is refused."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin":
        return False
    origins = request.headers.getall("Origin", [])
    if not origins:
        return site is not None
    expected = _own_origin(request)
    if expected:
        return origins == [expected]
    return len(origins) == 1 and urlsplit(origins[0]).netloc.lower() == request.host.lower()


def _own_origin(request: web.Request) -> str:
    """`web_url` as browsers write it: without the port that goes without saying; empty where it is not set."""
    url = request.app[SETTINGS].web_url.lower()
    return url.removesuffix(":443" if url.startswith("https:") else ":80")


def _sign_in(request: web.Request) -> web.StreamResponse:
    """A person is sent to the login and back; a program is told."""
    if for_program(request) or request.method not in _SAFE:
        detail = "sign in, or send a token: Authorization: Bearer cem_…"
        raise Problem(401, "not_signed_in", detail, {"WWW-Authenticate": "Bearer"})
    raise web.HTTPSeeOther(f"/login?next={quote(request.path_qs, safe='')}")


def _redirect(answer: web.HTTPException) -> web.Response:
    return web.Response(status=answer.status, headers={"Location": answer.headers["Location"]})


def _problem_of(answer: web.HTTPException) -> Problem:
    """aiohttp's own refusals, in our words."""
    details = {
        401: ("not_signed_in", "sign in first"),
        404: ("not_found", "there is no such thing here, or it is not yours to see"),
        405: ("wrong_method", "this cannot be done here"),
        413: ("too_large", f"at most {BODY_BYTES_MAX // 1024} KiB are taken"),
    }
    reason, detail = details.get(answer.status, ("refused", "this request makes no sense here"))
    headers = {"Allow": answer.headers["Allow"]} if "Allow" in answer.headers else None
    return Problem(answer.status, reason, detail, headers)


def _too_large() -> Problem:
    detail = f"at most {BODY_BYTES_MAX // 1024} KiB are taken"
    return Problem(413, "too_large", detail, {"Connection": "close"})


def _answer(request: web.Request, problem: Problem) -> web.StreamResponse:
    response = response_of(request, problem)
    if problem.headers.get("Connection") == "close":
        response.force_close()
    return response


def _route(request: web.Request) -> str:
    """A route as it was added, so that metrics have few labels whatever is asked for."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"
