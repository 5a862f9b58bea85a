"""Pages without a browser: what is said, to whom, in which words; what is made harmless."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.web import charts, moments, pages, show, words
from agents.web.access import Viewer
from agents.web.cards import card_of
from agents.web.case_page import case_page
from agents.web.forms import forms_of, units_of
from agents.web.hours import Hour
from agents.web.list_page import Filter, filter_of, list_page, order_of
from agents.web.model import Model
from agents.web.unit_page import everything, top_units, unit_page
from agents.web.unrouted_page import unrouted_page
from agents.web.urgency import urgency
from pipeline.alerts.lifecycle import Refusal, Step, take
from pipeline.authenticity import Reason
from pipeline.detectors.cascade import CascadeDetector
from pipeline.detectors.influential import InfluentialDetector
from pipeline.detectors.recovery import RecoveryDetector
from pipeline.detectors.severe import SevereDetector
from pipeline.detectors.surge import SurgeDetector
from pipeline.routing import Rule, UnroutedReason
from schemas.action import ActionName, DismissalCode
from schemas.alert import AlertChange, AlertState, AlertStatus, Detection, Duty, SeverityLabel
from schemas.event import UnitAction
from schemas.record import Source
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, parse_time
from schemas.token import Role
from schemas.unrouted import Candidate
from schemas.vocabulary import Channel
from tests.web.evening import BRAND, NOW, ZONE
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


# Words


@pytest.mark.parametrize(
    ("values", "known"),
    [
        (get_args(AlertState), words.STATES),
        (get_args(AlertStatus), words.STATUSES),
        (get_args(AlertChange), words.CHANGES),
        (get_args(ActionName), words.ACTIONS),
        (get_args(Duty), words.DUTIES),
        (get_args(Duty), words.DUTIES_DONE),
        (get_args(SeverityLabel), words.SEVERITIES),
        (get_args(DismissalCode), words.DISMISSALS),
        (get_args(Channel), words.NETWORKS),
        (get_args(Role), words.ROLES),
        (Refusal, words.REFUSALS),
        (UnroutedReason, words.UNROUTED),
        (Rule, words.RULES),
        (Reason, words.SUSPICIONS),
        (
            (one.alertname for one in (
                SurgeDetector, CascadeDetector, InfluentialDetector, SevereDetector, RecoveryDetector,
            )),
            words.KINDS,
        ),
    ],
)  # fmt: skip
def test_everything_has_words(values: Iterable[str], known: dict[str, str]) -> None:
    """Whatever a record may say there are words for it."""
    assert [] == [value for value in values if str(value) not in known]


def test_what_a_newer_worker_says_is_shown_as_it_is() -> None:
    """A value that is not known is readable, never an error."""
    assert "Very new thing" == words.word("very_new_thing", words.STATES)
    assert "a new reason" == words.refused("a_new_reason")


@pytest.mark.parametrize(
    ("rarity", "said"),
    [
        (30.0, "30 times a month"), (1.0, "once a month"), (0.1, "once in 10 months"), (0.002, "once in 41 years"),
        (1e-4, "once in 820 years"), (1e-9, "less than once in ten thousand years"), (0.0, "practically never"),
        (float("inf"), "practically never"),
    ],
)  # fmt: skip
def test_how_often_chance_brings_it(rarity: float, said: str) -> None:
    """A rarity is a time that a person can picture."""
    assert said == words.how_often(rarity)


@pytest.mark.parametrize(
    ("span_ms", "said"),
    [
        (0, "1 sec"), (59_999, "59 sec"), (60_000, "1 min"), (HOUR_MS, "1 h"), (HOUR_MS + 5 * MINUTE_MS, "1 h 5 min"),
        (9 * HOUR_MS + MINUTE_MS, "9 h"), (DAY_MS, "1 day"), (3 * DAY_MS, "3 days"), (-5 * MINUTE_MS, "5 min"),
    ],
)  # fmt: skip
def test_how_long_it_lasts(span_ms: int, said: str) -> None:
    """Two figures at most, from a second up."""
    assert said == words.lasting(span_ms)


def test_why_in_plain_words() -> None:
    """The figures of a detection, each with what it means."""
    said = [f"{one.figure} {one.meaning}" for one in words.why(make_alert("elm-street", "0001"))]
    assert [
        "9 people complained within an hour, each counted once",
        "1.2 would be usual, by what is usual here at this hour of the week",
        "Once in 41 years is how often chance brings as much here",
    ] == said


@pytest.mark.parametrize("method", ["severe_phrase", "cascade_forecast", "rare_audience", "low_score", "of_tomorrow"])
def test_why_for_every_method(method: str) -> None:
    """Also of a method that is not known here."""
    seen = Detection(method=method, window_s=900, observed=1, distinct_authors=1, baseline="none")
    assert words.why(msgspec.structs.replace(make_alert("elm-street", "0001"), detection=seen))


# Times


@pytest.mark.parametrize(
    ("time", "zone", "clock"),
    [
        ("2026-03-13T18:00:00Z", ZONE, "18:00"),
        ("2026-03-12T23:59:00Z", ZONE, "Thu 23:59"),
        ("2026-03-29T00:30:00Z", ZONE, "29 Mar 00:30"),
        ("2026-03-29T01:30:00Z", ZONE, "29 Mar 02:30"),
        ("2025-12-31T18:00:00Z", "Asia/Kolkata", "31 Dec 2025 23:30"),
        ("2026-03-13T18:00:00Z", "Mars/Olympus", "18:00"),
    ],
)
def test_times_are_as_short_as_today_allows(time: str, zone: str, clock: str) -> None:
    """By the unit's clock, across the change to summer time; of a zone that nobody knows in UTC."""
    assert clock == moments.moment(parse_time(time), zone, NOW).clock


@given(st.integers(-(10**15), 10**16), st.sampled_from(["UTC", ZONE, "Pacific/Auckland", "America/Los_Angeles"]))
def test_no_time_is_an_error(time_ms: int, zone: str) -> None:
    """Whatever a record says."""
    assert moments.moment(time_ms, zone, NOW).title.endswith(f"({zone})")


# What strangers wrote


@given(st.text(max_size=200))
def test_nothing_that_acts_is_left(text: str) -> None:
    """No control, direction or other format character but line ends, tabs and the joiners of letters; cleaned twice is
    cleaned once."""
    cleaned = show.clean(text)
    assert not re.search(
        "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\ufeff]", cleaned
    )
    assert cleaned == show.clean(cleaned)


@pytest.mark.parametrize("text", ["👩‍🍳 Küche", "می‌خواهم", "שָׁלוֹם", "Việt Nam", "a\nb\tc", "日本語", "🏳️‍🌈"])
def test_what_languages_need_is_left(text: str) -> None:
    """Families of emoji, joined letters, vowel signs."""
    assert text == show.clean(text)


@given(st.text(alphabet=st.sampled_from("ab \n\u0301👩\u200d🍳W"), max_size=400), st.integers(10, 60))
def test_a_cut_loses_nothing(text: str, length_max: int) -> None:
    """Both parts together are the text; the first is no longer than asked for, but for a fifth."""
    head, rest = show.cut(text, length_max)
    assert len(head) <= length_max * 1.2
    assert re.sub(r"\s+", "", head + rest) == re.sub(r"\s+", "", str(show.clean(text)))


@pytest.mark.parametrize(
    "url",
    [
        None, "", "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "data:text/html,x",
        "vbscript:x",
        "//evil.example", "/path", "http:", "http://", "https://user:pw@evil.example/", "https://a\u202eb.example/",
        "https://a.example/\nx", "http://[::1", "https://\\evil.example", "file:///etc/passwd", "https://a b.example/",
        "https://x.example/" + "x" * 3000, "https://.example..", "http://a.example:99999999/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_no_link(url: str | None) -> None:
    """Only http and https with a host and nothing hidden in it are followed."""
    assert show.link(url) is None


def test_a_link_shows_where_it_leads() -> None:
    """The machine's name as it is looked up: letters that look like others show as what they are."""
    assert ("https://x.com/i/1", "x.com") == show.link("https://x.com/i/1")
    assert "xn--pple-43d.com" == getattr(show.link("https://\u0430pple.com/"), "host", None)


# Charts


_HOURS = st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1), st.floats(0, 1)), max_size=168).map(
    lambda told: [
        Hour(
            NOW - (len(told) - place) * HOUR_MS, mentions, int(mentions * bad), int((mentions - mentions * bad) * good)
        )
        for place, (mentions, bad, good) in enumerate(told)
    ]
)


@given(_HOURS)
def test_charts_are_pictures_with_words(hours: list[Hour]) -> None:
    """Whatever was said or not: valid, inside their frame, with a title and a description, without style."""
    for chart in (charts.mood(hours, ZONE, "<Elm & Co>"), charts.complaints(hours, ZONE, "<Elm & Co>")):
        root = ElementTree.fromstring(str(chart))
        assert "img" == root.get("role")
        assert ["<Elm & Co>" in (root[0].text or ""), bool(root[1].text)] == [True, True]
        assert {one.get("id") for one in root[:2]} == set((root.get("aria-labelledby") or "").split())
        assert not [one for one in root.iter() if one.get("style") or one.get("fill")]
        ys = [float(y) for one in root.iter() for y in re.findall(r",(-?[\d.]+)", one.get("points") or "")]
        assert all(0 <= y <= charts.HEIGHT for y in ys)


def test_a_bad_day_shows() -> None:
    """The sentence says what the line shows."""
    good = [Hour(NOW - hour * HOUR_MS, 4, 1, 3) for hour in range(48, 24, -1)]
    bad = [Hour(NOW - hour * HOUR_MS, 4, 3, 1) for hour in range(24, 0, -1)]
    assert "Mostly complaints in the last 24 hours, worse than in the days before." == charts.mood_words(good + bad)
    assert "Nobody said anything this week." == charts.mood_words([])
    assert ["Wed", "Thu", "Fri"] == [day.name for day in charts.by_day(good + bad, ZONE) if day.complaints]


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
