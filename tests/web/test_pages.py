"""Pages without a browser: what is said, to whom, and what is offered."""

import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from agents.web import pages, words
from agents.web.access import Viewer
from agents.web.cards import card_of
from agents.web.case_page import case_page
from agents.web.forms import forms_of, units_of
from agents.web.list_page import Filter, filter_of, list_page, order_of
from agents.web.model import Model
from agents.web.unit_page import everything, top_units, unit_page
from agents.web.unrouted_page import unrouted_page
from agents.web.urgency import urgency
from pipeline.alerts.lifecycle import Step, take
from schemas.action import ActionName
from schemas.alert import AlertState
from schemas.event import UnitAction
from schemas.record import Source
from schemas.time import HOUR_MS
from schemas.unrouted import Candidate
from tests.web.evening import BRAND, NOW
from tests.web.guests import unrouted
from tests.web.world import alerts, fill, make_alert

HEAD_OFFICE = Viewer("Dana", "head_office", BRAND)
TEMPLATES = pages.FOLDER / "templates"
STATES: tuple[AlertState, ...] = get_args(AlertState)


@pytest.fixture(scope="module")
def model() -> Model:
    """The small world; tests only look at it."""
    found = Model()
    fill(found)
    return found


def ids() -> str:
    return "an-id"


# Lists and forms


def test_a_script_sorts_as_the_list_does() -> None:
    """`order_of` as text sorts as `urgency` does."""
    found = [
        *alerts(),
        *(
            make_alert("elm-street", f"{place:04d}", age=place * 7 % 400, severity=(9, 7, 5, 3)[place % 4])
            for place in range(60)
        ),
    ]
    by_text = sorted(found, key=lambda alert: order_of(alert, NOW))
    assert sorted(found, key=lambda alert: urgency(alert, NOW)) == by_text


def test_filters_narrow(model: Model) -> None:
    """By state, unit and department; what makes no sense counts as not said."""
    every = list_page(Filter("waiting", "", "", 50), model, HEAD_OFFICE, ids)
    south = list_page(Filter("waiting", "south", "", 50), model, HEAD_OFFICE, ids)
    billing = list_page(Filter("waiting", "", "billing", 50), model, HEAD_OFFICE, ids)
    assert [7, 3, 1] == [len(one.cards) for one in (every, south, billing)]
    assert ["7", "1", "2"] == [one.number for one in every.shows]
    odd = {"show": "all'--", "unit": "no-such-unit", "department": "x" * 999, "limit": "9" * 99}
    assert Filter("waiting", "", "x" * 64, 50) == filter_of(odd, model, HEAD_OFFICE)


def test_a_filter_tells_nothing_of_others(model: Model) -> None:
    """A manager who asks for another unit gets his own list, and no name of it."""
    manager = Viewer("Tom", "unit", "elm-street")
    page = list_page(filter_of({"unit": "harbour-quay"}, model, manager), model, manager, ids)
    assert ["elm-street"] == [one.unit_id for one in page.cards]
    assert ["Elm Street"] == [one.name for one in page.units]
    assert "Harbour" not in str(page)


@pytest.mark.parametrize("state", STATES)
def test_what_is_offered_is_taken(state: AlertState, model: Model) -> None:
    """In every state, each form that is offered, filled in, is a step that the lifecycle takes; nothing that it would
    take is missing."""
    alert = msgspec.structs.replace(make_alert("elm-street", "0001"), state=state)
    offered = {form.action for form in forms_of(alert, model, HEAD_OFFICE, ids)}
    full: dict[str, Any] = {
        "alert_id": alert.alert_id, "unit_id": "elm-street", "actor": "a", "note_ref": "n", "we_did_ref": "w",
        "resolution_code": "other", "dismissal_code": "false", "assignee": "b", "to_department": "kitchen",
        "until": NOW + HOUR_MS, "event_time": NOW, "source": Source(topic="", partition=0, offset=0),
    }  # fmt: skip
    taken = {
        name for name in get_args(ActionName) if isinstance(take(state, UnitAction(id="1", action=name, **full)), Step)
    }
    assert taken - ({"reply"} if state == "answered" else set()) == offered


def test_who_may_not_act_is_offered_nothing(model: Model) -> None:
    """Auditors look; departments do not publish."""
    resolved = msgspec.structs.replace(make_alert("elm-street", "0001"), state="resolved")
    assert () == forms_of(resolved, model, Viewer("Ann", "auditor"), ids)
    department = Viewer("Kit", "department", "elm-street", "operations")
    assert {"comment", "reopen"} == {form.action for form in forms_of(resolved, model, department, ids)}


def test_a_confidential_case_stays_with_head_office(model: Model) -> None:
    """It can go to another department, not to another unit."""
    [confidential] = [one for one in alerts() if one.addressed_to is not None]
    [form] = [one for one in forms_of(confidential, model, HEAD_OFFICE, ids) if one.action == "reroute"]
    assert ["to_department", "note"] == [field.name for field in form.fields]


def test_every_form_has_an_id_of_its_own(model: Model) -> None:
    """So that sent twice it is one action, and two forms are two."""
    forms = forms_of(make_alert("elm-street", "0001"), model, HEAD_OFFICE, pages.new_id)
    assert len(forms) == len({form.action_id for form in forms})


def test_units_are_a_tree(model: Model) -> None:
    """The choice of units shows what is below what."""
    assert [
        "Marlow & Finch", "  North", "    Elm Street", "    Harbour Quay", "    Station Square", "  South",
        "    Castle Gate", "    Mill Lane", "    Orchard Park",
    ] == [f"{one.indent}{one.name}".replace("\u00a0", " ") for one in units_of(model, HEAD_OFFICE)]  # fmt: skip


# Pages


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("viewer", [HEAD_OFFICE, Viewer("Tom", "unit", "elm-street"), Viewer("Ann", "auditor")])
def test_every_state_can_be_shown(state: AlertState, viewer: Viewer, model: Model) -> None:
    """The template misses no name (undefined ones are errors), for whoever looks."""
    for alert in alerts():
        shown = msgspec.structs.replace(alert, state=state)
        page = case_page(shown, model, viewer, ids)
        assert shown.alert_id in pages.environment().get_template("alert.html").render(page=page, site=_site(viewer))
        assert card_of(shown, model, viewer, "").summary in page.card.summary


def test_overview_ranks_by_need(model: Model) -> None:
    """What is late first, then the worst that waits; regions and places apart."""
    unit = model.directory.units[BRAND]
    page = unit_page(unit, model, HEAD_OFFICE, ids)
    regions, places = page.below
    assert (7, 2, ["North", "South"]) == (page.waiting, page.late, [one.name for one in regions.units])
    assert ["Harbour Quay", "Elm Street", "Station Square"] == [one.name for one in places.units[:3]]
    assert sum(one.complaints for one in regions.units) == sum(one.complaints for one in places.units)
    region = unit_page(model.directory.units["north"], model, Viewer("Rae", "region", "north"), ids)
    told = [(one.name, one.late, one.worst) for one in region.below[0].units[:2]]
    assert [("Harbour Quay", 1, "error"), ("Elm Street", 0, "critical")] == told, "late comes before severe"


@pytest.mark.parametrize(
    ("viewer", "unit_id"),
    [
        (HEAD_OFFICE, BRAND), (Viewer("Ann", "auditor"), BRAND), (Viewer("Tom", "unit", "elm-street"), "elm-street"),
        (Viewer("Rae", "region", "north"), "north"), (Viewer("Old", "unit", "closed-down"), None),
    ],
)  # fmt: skip
def test_overview_begins_at_the_top(viewer: Viewer, unit_id: str | None, model: Model) -> None:
    """Of what the viewer may see."""
    assert ([] if unit_id is None else [unit_id]) == [one.id for one in top_units(model, viewer)]


def test_several_brands_are_seen_together() -> None:
    """Who may see everything sees all brands, their places, and the sum of what was said."""
    model = Model()
    fill(model)
    other = msgspec.structs.replace(model.directory.units[BRAND], id="other", name="Other")
    model.apply_unit("other", other)
    model.apply_unit("south", msgspec.structs.replace(model.directory.units["south"], parent="other"))
    page = everything(model, Viewer("Ann", "auditor"), ids)
    brands, places = page.below
    assert ["Marlow & Finch", "Other"] == [one.name for one in brands.units]
    assert (6, 7) == (len(places.units), page.waiting)
    assert sum(one.complaints for one in places.units) == sum(one.complaints for one in brands.units)
    assert words.many(sum(one.complaints for one in brands.units), "complaint") in page.week


def test_unrouted_names_only_what_may_be_known() -> None:
    """A region sees candidates of its own; the newest post comes first."""
    model, region = Model(), Viewer("Rae", "region", "north")
    fill(model)
    [several] = [one for one in unrouted() if one.id == "u1"]
    elsewhere = Candidate(unit_id="mill-lane", rule="alias", confidence=0.2)
    model.apply_unrouted("u1", msgspec.structs.replace(several, candidates=(*several.candidates, elsewhere)))
    page = unrouted_page(model, region, ids)
    assert {"u1", "u2", "u3"} == {one.id for one in page.posts}
    assert {"Station Square", "Harbour Quay"} == {one.name for post in page.posts for one in post.candidates}
    assert all("Mill Lane" not in one.name for one in page.units)


def test_nothing_is_inline() -> None:
    """The content policy forbids styles and scripts in a page: no template has any, nor an address elsewhere."""
    for path in TEMPLATES.glob("*.html"):
        text = path.read_text("utf-8")
        assert not re.findall(r"\sstyle=|<style|\son[a-z]+=|javascript:|<script(?! src=\"/static/)|https?://", text), (
            path
        )
        assert "|safe" not in text.replace(" ", ""), path
    for name in ("console.css", "console.js"):
        text = (pages.FOLDER / "static" / name).read_text("utf-8")
        assert not re.findall(r"https?://|url\(|@import|innerHTML|insertAdjacentHTML|document\.write|eval\(", text), (
            name
        )


def test_every_text_is_escaped() -> None:
    """Markup, and what templates take for theirs, is shown as it is; direction overrides are not shown."""
    template = pages.environment().from_string("{{ text }}")
    assert "&lt;b&gt;{{ 7*7 }}&#39;&#34;ab" == template.render(text="<b>{{ 7*7 }}'\"a\u202eb")


def test_static_files_are_there() -> None:
    """Each file that is served is in the folder, and nothing else is."""
    folder = Path(pages.FOLDER / "static")
    assert set(pages.STATIC) == {path.name for path in folder.iterdir()}


def _site(viewer: Viewer) -> pages.Site:
    return pages.Site(
        viewer=viewer, role="", csrf="c", sign_out=True, tab="alerts", tabs=(), now_ms=NOW,
        revision=1, connected=True, version="v", clock="wall", live="",
    )  # fmt: skip
