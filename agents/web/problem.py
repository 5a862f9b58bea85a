"""What goes wrong with a request, in words for who made it. Source: RFC 9457, problem details for HTTP APIs.

In: a status, a reason, a sentence. Out: a response: JSON for programs, a page for people. The one rule: an error tells
what the reader can do about it, and nothing of what is inside.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

ProblemPage = Callable[[web.Request, "Problem"], str]
"""A whole page about a problem, as HTML."""
PROBLEM_PAGE: web.AppKey[Any] = web.AppKey("problem_page", object)
JSON_TYPE = "application/problem+json"


class Problem(Exception):
    """Ends the work on a request. `reason`: one of a few words, for programs; `detail`: a sentence for people."""

    def __init__(self, status: int, reason: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers = dict(headers or {})

    @property
    def title(self) -> str:
        """The status in words: `Not Found`."""
        return HTTPStatus(self.status).phrase


def not_found() -> Problem:
    """There is none, or none for this viewer: nobody can tell which."""
    return Problem(404, "not_found", "there is no such thing here, or it is not yours to see")


def response_of(request: web.Request, problem: Problem) -> web.Response:
    """JSON under `/api/` and for who asks for it, else a page."""
    if for_program(request):
        body = {
            "type": f"urn:cem:problem:{problem.reason}", "title": problem.title, "status": problem.status,
            "detail": problem.detail, "reason": problem.reason,
        }  # fmt: skip
        return web.Response(
            status=problem.status, body=orjson.dumps(body), content_type=JSON_TYPE, headers=problem.headers
        )
    page = request.app.get(PROBLEM_PAGE)
    if page is None:
        return web.Response(status=problem.status, text=f"{problem.detail}\n", headers=problem.headers)
    html: str = page(request, problem)
    return web.Response(status=problem.status, text=html, content_type="text/html", headers=problem.headers)


def for_program(request: web.Request) -> bool:
    """Whether a program asks, or a script of a page."""
    return request.path.startswith(("/api/", "/live")) or "application/json" in request.headers.get("Accept", "")
