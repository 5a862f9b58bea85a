"""Who may see and do what: examples of each role, and laws over all of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.web.access import (
    Viewer,
    may_act,
    may_assign,
    may_see,
    may_see_confidential,
    may_see_unit,
    may_see_unrouted,
    scope_problem,
)
from pipeline.directory import Directory
from schemas.alert import Alert
from tests.web import world
from tests.web.world import make_alert

DIRECTORY = Directory(world.units())
UNITS = [*DIRECTORY.units, "nowhere"]

viewers = st.builds(
    Viewer,
    name=st.just("n"),
    role=st.sampled_from(["department", "unit", "region", "head_office", "auditor"]),
    unit_id=st.none() | st.sampled_from(UNITS),
    department=st.none() | st.sampled_from(["kitchen", "operations"]),
)


@st.composite
def alerts(draw: Any) -> Alert:
    """Of any unit and department, confidential or not, escalated or not."""
    return make_alert(
        draw(st.sampled_from(UNITS)), "abcd", labels={"department": draw(st.sampled_from(["kitchen", "operations"]))},
        addressed_to=draw(st.none() | st.just("marlow")),
        also_to=tuple(draw(st.lists(st.sampled_from(UNITS), max_size=2))),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("viewer", "unit_id", "department", "confidential", "expected"),
    [
        (Viewer("a", "unit", "elm-street"), "elm-street", "kitchen", False, True),
        (Viewer("a", "unit", "elm-street"), "harbour-quay", "kitchen", False, False),
        (Viewer("a", "unit", "elm-street"), "elm-street", "kitchen", True, False),
        (Viewer("a", "unit", "north"), "elm-street", "kitchen", False, False),
        (Viewer("a", "department", "elm-street", "kitchen"), "elm-street", "kitchen", False, True),
        (Viewer("a", "department", "elm-street", "kitchen"), "elm-street", "operations", False, False),
        (Viewer("a", "department", "elm-street"), "elm-street", "kitchen", False, False),
        (Viewer("a", "region", "north"), "elm-street", "kitchen", False, True),
        (Viewer("a", "region", "north"), "north", "kitchen", False, True),
        (Viewer("a", "region", "north"), "mill-lane", "kitchen", False, False),
        (Viewer("a", "region", "north"), "marlow", "kitchen", False, False),
        (Viewer("a", "region", "marlow"), "mill-lane", "kitchen", True, False),
        (Viewer("a", "head_office"), "mill-lane", "kitchen", True, True),
        (Viewer("a", "head_office", "north"), "mill-lane", "kitchen", True, False),
        (Viewer("a", "auditor"), "mill-lane", "kitchen", True, True),
        (Viewer("a", "auditor", "south"), "mill-lane", "kitchen", False, True),
        (Viewer("a", "auditor", "south"), "mill-lane", "kitchen", True, False),
        (Viewer("a", "region"), "mill-lane", "kitchen", False, False),
        (Viewer("a", "unit"), "mill-lane", "kitchen", False, False),
    ],
)
def test_a_role_sees_its_place(
    viewer: Viewer, unit_id: str, department: str, confidential: bool, expected: bool
) -> None:
    """Its own, what is below where the role says so, and what is confidential only at head office."""
    alert = make_alert(
        unit_id, "abcd", labels={"department": department}, addressed_to="marlow" if confidential else None
    )
    assert expected is may_see(viewer, alert, DIRECTORY)


def test_who_an_escalation_has_reached_sees_it() -> None:
    """As it gets every record on its topic; not a department of it, and nothing that is confidential."""
    told = make_alert("elm-street", "abcd", also_to=("mill-lane",))
    assert may_see(Viewer("a", "unit", "mill-lane"), told, DIRECTORY)
    assert not may_see(Viewer("a", "department", "mill-lane", "kitchen"), told, DIRECTORY)
    secret = make_alert("elm-street", "abcd", also_to=("mill-lane",), addressed_to="marlow")
    assert not may_see(Viewer("a", "unit", "mill-lane"), secret, DIRECTORY)


def test_a_unit_that_is_gone_stays_its_regions() -> None:
    """By what its alerts say; once it is there again, by the directory."""
    alert = make_alert("elm-street", "abcd")
    others = Directory(unit for unit in world.units() if unit.id != "elm-street")
    assert may_see(Viewer("a", "region", "north"), alert, others)
    assert may_see(Viewer("a", "region", "marlow"), alert, others)
    assert not may_see(Viewer("a", "region", "south"), alert, others)


@given(viewers, alerts())
def test_nobody_acts_on_what_they_do_not_see_and_an_auditor_on_nothing(viewer: Viewer, alert: Alert) -> None:
    """For every role, scope, alert and action."""
    for action in ("acknowledge", "publish", "reroute"):
        acts = may_act(viewer, alert, action, DIRECTORY)  # type: ignore[arg-type]
        assert not acts or (may_see(viewer, alert, DIRECTORY) and viewer.role != "auditor")


@given(viewers, alerts())
def test_less_scope_never_shows_more(viewer: Viewer, alert: Alert) -> None:
    """Who sees something limited to a department or a unit sees it without that limit, as the same role."""
    if may_see(viewer, alert, DIRECTORY):
        wider = Viewer("n", viewer.role, viewer.unit_id)
        assert viewer.role == "department" or may_see(wider, alert, DIRECTORY)
        assert may_see(Viewer("n", "head_office"), alert, DIRECTORY)
    if may_see(Viewer("n", "unit", viewer.unit_id), alert, DIRECTORY):
        assert may_see(Viewer("n", "region", viewer.unit_id), alert, DIRECTORY)


@given(viewers, alerts())
def test_what_is_confidential_is_for_head_office(viewer: Viewer, alert: Alert) -> None:
    """And for an auditor without any limit."""
    if alert.addressed_to is not None and may_see(viewer, alert, DIRECTORY):
        assert may_see_confidential(viewer)
        assert viewer.role == "head_office" or (viewer.role == "auditor" and viewer.unit_id is None)


@given(viewers, st.sampled_from(UNITS))
def test_a_unit_is_seen_with_those_below_it(viewer: Viewer, unit_id: str) -> None:
    """Who sees a unit in a tree sees all below it; who has only one unit sees only that."""
    if may_see_unit(viewer, unit_id, DIRECTORY) and viewer.role in ("region", "head_office", "auditor"):
        assert all(may_see_unit(viewer, below, DIRECTORY) for below in DIRECTORY.descendants(unit_id))
    if viewer.role in ("unit", "department"):
        assert may_see_unit(viewer, unit_id, DIRECTORY) is (unit_id == viewer.unit_id)


def test_the_unrouted_queue_is_for_region_and_head_office() -> None:
    """An auditor of everything looks at it; nobody limited to a department does."""
    assert [True, True, False, False, False] == [
        may_assign(Viewer("a", role, "north"))
        for role in ("head_office", "region", "unit", "department", "auditor")
    ]  # fmt: skip
    assert not may_assign(Viewer("a", "region", "north", "kitchen"))
    assert (True, False) == tuple(may_see_unrouted(Viewer("a", "auditor", unit)) for unit in (None, "north"))


@pytest.mark.parametrize(
    ("role", "unit_id", "department", "wrong"),
    [
        ("unit", None, None, True), ("region", None, None, True), ("department", "a", None, True),
        ("department", "a", "", True), ("department", "a", "b", False), ("unit", "a", None, False),
        ("head_office", None, None, False), ("auditor", None, None, False),
    ],
)  # fmt: skip
def test_a_role_without_its_place_makes_no_sense(role: Any, unit_id: Any, department: Any, wrong: bool) -> None:
    """Such a token or entry is not made; if somebody makes it all the same, it sees nothing."""
    assert wrong is (scope_problem(role, unit_id, department) is not None)
    if wrong:
        viewer = Viewer("n", role, unit_id, department)
        assert not may_see(viewer, make_alert("a", "abcd", labels={"department": "x"}), DIRECTORY)
