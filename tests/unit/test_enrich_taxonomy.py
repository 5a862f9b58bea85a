"""Each insight names the taxonomy that found its aspects and severe causes; where nothing was found it names none."""

from collections.abc import Iterator

import pytest

from pipeline.directory import Directory
from pipeline.emission import Emission
from pipeline.taxonomy import load
from schemas.assignment import Assignment
from schemas.codec import encode
from schemas.feedback import Feedback
from schemas.tick import CONTROL_ASSIGNMENT
from schemas.unit import Unit
from tests.input_partition import DIRECTORIES, NOON, TOPICS, Partition, insights, unrouted

RESTAURANT, HOTEL = load("restaurant").edition, load("hotel").edition
UNITS = [
    Unit(id="grill", name="Grill", kind="restaurant", industry="restaurant", time_zone="UTC", handles=("@grill",)),
    Unit(id="inn", name="Inn", kind="hotel", industry="hotel", time_zone="UTC", handles=("@inn",)),
]
VERSION = 9


@pytest.fixture
def partition(monkeypatch: pytest.MonkeyPatch) -> Iterator[Partition]:
    """In front of a restaurant and a hotel."""
    monkeypatch.setitem(DIRECTORIES, VERSION, Directory(UNITS, VERSION))
    yield Partition(version=VERSION)


def named(out: list[Emission]) -> dict[str, str | None]:
    """Unit -> what found its aspects."""
    return {insight.unit_id: insight.taxonomy for insight in insights(out)}


def test_each_unit_hears_of_the_one_of_its_industry(partition: Partition) -> None:
    """Of one post about two units each insight names its own."""
    out = partition.post(text="terrible food and dirty rooms @grill @inn")
    assert {"grill": RESTAURANT, "inn": HOTEL} == named(out)
    assert all(insight.aspects for insight in insights(out))


@pytest.mark.parametrize(
    ("text", "found"), [("we are on our way @grill", False), ("I got food poisoning @grill", True)]
)
def test_it_is_named_with_what_it_found(partition: Partition, text: str, found: bool) -> None:
    """And only then: a post that says nothing carries no bytes for it."""
    (insight,) = insights(partition.post(text=text))
    assert (found, found) == (bool(insight.aspects), bool(insight.severe))
    assert (RESTAURANT if found else None) == insight.taxonomy
    assert found == (b'"taxonomy"' in encode(insight))


def test_what_customers_did_not_say_names_none(partition: Partition) -> None:
    """Who takes a post back says nothing of it."""
    partition.post(text="awful cold food @grill")
    assert {"grill": None} == named(partition.post(kind="delete", text=""))


def test_edits_and_feedback_too(partition: Partition) -> None:
    """Whatever is understood anew is understood by what is in force now."""
    partition.post(text="what a day @grill")
    assert {"grill": RESTAURANT} == named(partition.post(kind="edit", text="awful cold food @grill"))
    survey = Partition("feedback", version=VERSION)
    form = Feedback(id="f1", channel="web", unit_id="inn", text="dirty room, rude staff", event_time=NOON)
    assert {"inn": HOTEL} == named(survey.feed(encode(form)))


def test_what_a_person_assigns_keeps_the_name_of_what_understood_it(partition: Partition) -> None:
    """Nobody reads it again, so it is not the taxonomy of the unit that it gets."""
    (waiting,) = (
        unrouted.decode(one.value) for one in partition.post(text="awful rude staff") if one.topic != "cem.texts"
    )
    assert load("other").edition == waiting.insight.taxonomy
    decided = Assignment(unit_id="grill", actor="maria", event_time=NOON, unrouted=waiting)
    out = partition.control(CONTROL_ASSIGNMENT, encode(decided))
    assert {"grill": load("other").edition} == named(out)
    assert TOPICS("unrouted") in {one.topic for one in out}
