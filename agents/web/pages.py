"""The pages of the console, as HTML that works without a script. In: requests for pages. Out: responses.

The one rule: a page is made from what `Model` lets the viewer see, by templates that escape everything (jinja2 with
autoescape, `clean` before it, and no name that is not defined). There is no inline script and no inline style.
"""

import uuid
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from agents.web import words
from agents.web.access import Viewer, may_see_unrouted
from agents.web.cards import card_of, zone_of
from agents.web.case_page import Outcome, case_page
from agents.web.context import DOOR, HUB, MODEL, VIEWER, csrf_of, model_of, viewer_of
from agents.web.list_page import filter_of, list_page, order_of
from agents.web.model import Model
from agents.web.moments import moment
from agents.web.problem import PROBLEM_PAGE, Problem, not_found
from agents.web.show import clean
from agents.web.unit_page import everything, top_units, unit_page
from agents.web.unrouted_page import unrouted_page
from agents.web.urgency import Waiting
from schemas.alert import Alert

FOLDER: Final = Path(__file__).parent
STATIC: Final[Mapping[str, str]] = {
    "console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml",
}  # fmt: skip
"""Every file that is served as it is, and its type."""
YEAR_SECONDS: Final = 31_536_000


class Tab(NamedTuple):
    """One of the main pages. `number`: what waits there, empty for nothing."""

    name: str
    title: str
    href: str
    number: str


class Site(NamedTuple):
    """What every page shows. `clock`: `wall` where time goes on by itself between two messages, else `data`; `live`:
    the query of the live stream."""

    viewer: Viewer | None
    role: str
    csrf: str
    sign_out: bool
    tab: str
    tabs: tuple[Tab, ...]
    now_ms: int
    revision: int
    connected: bool
    version: str
    clock: str
    live: str


class LoginPage(NamedTuple):
    """What `login.html` shows. `next`: where to go after it; whoever reads the answer checks that it is a path here."""

    intro: str
    wrong: str
    next: str


class ProblemPage(NamedTuple):
    """What `problem.html` shows. `again`: after how many seconds the page loads itself again, 0 for never."""

    status: int
    title: str
    text: str
    href: str
    link: str
    again: int


PROBLEMS: Final[Mapping[int, str]] = {
    400: "That makes no sense to us",
    401: "Please sign in",
    403: "That is not yours to do",
    404: "There is nothing here",
    405: "That cannot be done here",
    409: "Somebody was faster",
    413: "That is too long",
    429: "Too many tries",
    500: "Something broke on our side",
    503: "Not just now",
}
"""Headings of error pages; what to do about it is said by whoever raises the problem."""
HEADINGS: Final[Mapping[str, str]] = {"loading": "One moment", "kafka_away": "Kafka cannot be reached"}
"""Of some reasons, in place of those of the status."""
AGAIN_SECONDS: Final = 3


def add_routes(app: web.Application) -> None:
    """All pages, and the rows that live updates hold."""
    get = app.router.add_get
    get("/", list_alerts)
    get("/alerts/{alert_id}", show_alert)
    get("/unrouted", list_unrouted)
    get("/overview", overview)
    get("/units/{unit_id}", show_unit)
    get("/counts", counts)
    get("/login", login)
    get("/static/{name}", static)
    model, hub = app[MODEL], app[HUB]
    app[PROBLEM_PAGE] = problem_page
    hub.render_with(lambda alert, viewer: row(alert, viewer, model))


# Pages


async def list_alerts(request: web.Request) -> web.Response:
    """`/`: alerts by urgency."""
    model, viewer = model_of(request), viewer_of(request)
    page = list_page(filter_of(request.query, model, viewer), model, viewer, new_id)
    return render(request, "list.html", page, tab="alerts", live=page.live)


async def show_alert(request: web.Request) -> web.Response:
    """`/alerts/<id>`: one alert; after an action `?sent=<id of the action>`."""
    model, viewer = model_of(request), viewer_of(request)
    alert = model.alert(viewer, request.match_info["alert_id"])
    if alert is None:
        raise not_found()
    outcome = outcome_of(request.query.get("sent", ""), alert, model)
    page = case_page(alert, model, viewer, new_id, outcome)
    return render(request, "alert.html", page, tab="alerts")


async def list_unrouted(request: web.Request) -> web.Response:
    """`/unrouted`: posts without a unit; after an assignment `?sent=<id of the post>`."""
    model, viewer = model_of(request), viewer_of(request)
    if not may_see_unrouted(viewer):
        raise Problem(403, "forbidden", "only regions and head office see what found no unit")
    outcome = None
    if sent := request.query.get("sent", ""):
        waits = model.unrouted_one(viewer, sent) is not None
        outcome = Outcome("sent", "Sent. It leaves the list once it has taken effect.") if waits else None
        outcome = outcome or Outcome("done", "It took effect: the post has its unit.")
    return render(request, "unrouted.html", unrouted_page(model, viewer, new_id, outcome), tab="unrouted")


async def overview(request: web.Request) -> web.StreamResponse:
    """`/overview`: the viewer's own top unit; where there are several, all of them."""
    model, viewer = model_of(request), viewer_of(request)
    tops = top_units(model, viewer)
    if not tops:
        raise Problem(404, "no_units", "no unit is known yet; they appear once they are published with cem units push")
    if len(tops) == 1:
        raise web.HTTPSeeOther(f"/units/{tops[0].id}")
    return render(request, "unit.html", everything(model, viewer, new_id), tab="overview")


async def show_unit(request: web.Request) -> web.Response:
    """`/units/<id>`: a unit, a region or the brand."""
    model, viewer = model_of(request), viewer_of(request)
    unit = model.unit(viewer, request.match_info["unit_id"])
    if unit is None:
        raise not_found()
    return render(request, "unit.html", unit_page(unit, model, viewer, new_id), tab="overview")


async def login(request: web.Request) -> web.Response:
    """`/login`: the form; what it sends is read elsewhere."""
    return login_page(request)


async def static(request: web.Request) -> web.Response:
    """`/static/<name>`: a stylesheet, a script or a picture. Its address has a version, so it may be kept."""
    name = request.match_info["name"]
    if name not in STATIC:
        raise not_found()
    headers = {"Cache-Control": f"public, max-age={YEAR_SECONDS}, immutable"}
    return web.Response(body=_files()[name], content_type=STATIC[name], charset="utf-8", headers=headers)


async def counts(request: web.Request) -> web.Response:
    """`/counts`: what the numbers on tabs and segments are by now."""
    model, viewer = model_of(request), viewer_of(request)
    asked = filter_of(request.query, model, viewer)
    unit, department = asked.unit or None, asked.department or None
    found = model.counts(viewer, unit_id=unit, department=department)
    numbers = {show: found[show] for show in get_args(Waiting)}
    numbers["alerts"] = (model.counts(viewer) if unit or department else found)["waiting"]
    numbers["unrouted"] = len(model.unrouted(viewer))
    return web.json_response(numbers)


# For whoever answers a request that is no page of its own


def login_page(request: web.Request, wrong: str = "", status: int = 200, back: str = "") -> web.Response:
    """The form to sign in. `wrong`: what was wrong with the last try; `back`: where that one was to lead."""
    intro = "With the access token that you were given."
    page = LoginPage(intro, wrong, back or request.query.get("next", "/"))
    return render(request, "login.html", page, status=status)


def problem_page(request: web.Request, problem: Problem) -> str:
    """An error in plain words."""
    title = (
        HEADINGS.get(problem.reason) or PROBLEMS.get(problem.status) or PROBLEMS[500 if problem.status >= 500 else 400]
    )
    signed_in = isinstance(request.get(VIEWER), Viewer)
    href, link = ("/", "Back to the alerts") if signed_in else ("/login", "Sign in")
    again = AGAIN_SECONDS if problem.reason == "loading" else 0
    text = problem.detail[:1].upper() + problem.detail[1:].rstrip(".") + "."
    return html_of(request, "problem.html", ProblemPage(problem.status, title, text, href, link, again))


def row(alert: Alert, viewer: Viewer, model: Model) -> str:
    """One card, for a live update: the same for all viewers of a role, so it holds neither an id for an action nor a
    secret against forged requests. The script fills them in."""
    card = card_of(alert, model, viewer, "", order_of(alert, model.now_ms))
    html: str = environment().get_template("parts.html").module.card(card, _NOBODY)  # type: ignore[attr-defined]
    return html.strip()


def outcome_of(action_id: str, alert: Alert, model: Model) -> Outcome | None:
    """What became of an action that was sent from the page of this alert."""
    if not action_id:
        return None
    entry = model.answer(action_id)
    if entry is None or entry.alert_id != alert.alert_id:
        return Outcome("sent", "Sent. It shows below once it has taken effect.")
    if not entry.accepted and entry.reason != "already_done":
        return Outcome("refused", f"Refused: {words.refused(entry.reason)}. Nothing was changed.")
    at = moment(entry.event_time, zone_of(model, alert.labels.unit_id), model.now_ms)
    return Outcome("done", f"{words.word(entry.action, words.ACTIONS)}: took effect at {at.clock}.")


# How a page is made


def render(
    request: web.Request, template: str, page: Any, *, tab: str = "", live: str = "", status: int = 200
) -> web.Response:
    """A page in the frame that all have."""
    html = html_of(request, template, page, tab=tab, live=live)
    headers = {"Cache-Control": "no-store"}
    return web.Response(text=html, content_type="text/html", status=status, headers=headers)


def html_of(request: web.Request, template: str, page: Any, *, tab: str = "", live: str = "") -> str:
    """The same, as text."""
    return environment().get_template(template).render(page=page, site=site_of(request, tab, live))


def site_of(request: web.Request, tab: str, live: str) -> Site:
    """What is the same on every page."""
    model, viewer = model_of(request), request.get(VIEWER)
    viewer = viewer if isinstance(viewer, Viewer) else None
    return Site(
        viewer=viewer,
        role=words.word(viewer.role, words.ROLES) if viewer else "",
        csrf=csrf_of(request),
        sign_out=request.app[DOOR].cookie in request.cookies,
        tab=tab,
        tabs=_tabs(model, viewer) if viewer else (),
        now_ms=model.now_ms,
        revision=model.revision,
        connected=model.connected or viewer is None,
        version=version(),
        clock="data" if model.wall_ms is None else "wall",
        live=live,
    )


def new_id() -> str:
    """An id for an action that a form may make."""
    return str(uuid.uuid4())


@cache
def environment() -> Environment:
    """The templates. Whatever a template shows goes through `clean`, then through escaping."""
    return Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=clean,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


@cache
def version() -> str:
    """Changes whenever a file that is served as it is does."""
    return sha256(b"".join(_files()[name] for name in sorted(STATIC))).hexdigest()[:12]


@cache
def _files() -> dict[str, bytes]:
    return {name: (FOLDER / "static" / name).read_bytes() for name in STATIC}


def _tabs(model: Model, viewer: Viewer) -> tuple[Tab, ...]:
    waiting = model.counts(viewer)["waiting"]
    tabs = [Tab("alerts", "Alerts", "/", f"{waiting:,}" if waiting else "")]
    if may_see_unrouted(viewer):
        unrouted = len(model.unrouted(viewer))
        tabs.append(Tab("unrouted", "Unrouted", "/unrouted", f"{unrouted:,}" if unrouted else ""))
    return (*tabs, Tab("overview", "Overview", "/overview", ""))


_NOBODY: Final = Site(None, "", "", False, "", (), 0, 0, True, "", "data", "")
