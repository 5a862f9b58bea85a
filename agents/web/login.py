"""Signing in with a token, and out. In: a form. Out: a session's cookie, and the way back to where one came from.

The one rule: nobody is ever sent to another site. The page with the form is `pages.py`'s.
"""

from aiohttp import web

from agents.web import pages
from agents.web.actions import fields_of, local_path
from agents.web.context import DOOR
from agents.web.guard import public
from agents.web.problem import Problem


def add_routes(app: web.Application) -> None:
    """POST /login, POST /logout."""
    app.router.add_post("/login", _login)
    app.router.add_post("/logout", _logout)


@public
async def _login(request: web.Request) -> web.StreamResponse:
    """With a good token: to `next`. With another: the form again."""
    fields = await fields_of(request)
    back = local_path(fields.get("next", ""))
    response = web.Response(status=303, headers={"Location": back})
    try:
        request.app[DOOR].login(request, fields.get("token", "").strip(), response)
    except Problem as problem:
        if problem.status != 401:
            raise
        return pages.login_page(request, wrong=problem.detail, status=401, back=back)
    return response


async def _logout(request: web.Request) -> web.StreamResponse:
    response = web.Response(status=303, headers={"Location": "/login"})
    request.app[DOOR].logout(request, response)
    return response
