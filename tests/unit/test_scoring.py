"""What counts as found, what as raised for nothing, and how soon."""

import msgspec
import pytest

from pipeline.evaluation.incident import Incident, IncidentKind
from pipeline.evaluation.scoring import Figures, Sighting, Span, Spread, Truth, by_detector, score, sightings, spread
from schemas.alert import Alert
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, Millis
from tests.golden_refresh import EXAMPLES

SPAN = Span(units=10, starts=0, ends=30 * DAY_MS)
"""Ten unit-months."""
BEGINS = 10 * DAY_MS


def incident(kind: IncidentKind = "surge", unit_id: str = "a", begins: int = BEGINS) -> Incident:
    return Incident(
        kind=kind,
        unit_id=unit_id,
        cause="wait_time",
        starts=Millis(begins),
        ends=Millis(begins + 30 * MINUTE_MS),
        posts=3,
        authors=3,
        size=3,
        post_ids=(f"{unit_id}1", f"{unit_id}2", f"{unit_id}3"),
    )


TIMES = {"a1": BEGINS, "a2": BEGINS + 10 * MINUTE_MS, "a3": BEGINS + 30 * MINUTE_MS}


def sighting(at_ms: int, *, unit_id: str = "a", alert: str = "1", opened: bool = True, by: str = "Surge") -> Sighting:
    return Sighting(at_ms, unit_id, by, alert, opened)


def figures(*seen: Sighting, of: tuple[Incident, ...] = (incident(),)) -> Figures:
    return score(seen, SPAN, Truth(of, TIMES))


@pytest.mark.parametrize(
    ("after_minutes", "found"),
    [(-1, False), (0, True), (30, True), (90, True), (91, False)],
)
def test_found_from_the_start_until_an_hour_after_the_end(after_minutes: int, found: bool) -> None:
    """Neither before the first post nor later than that."""
    seen = figures(sighting(BEGINS + after_minutes * MINUTE_MS))
    assert (1.0 if found else 0.0) == seen.recall
    assert (0 if found else 1) == seen.false_alerts


def test_an_alert_of_another_unit_finds_nothing() -> None:
    """It is a false one there."""
    seen = figures(sighting(BEGINS, unit_id="b"))
    assert (0.0, 1) == (seen.recall, seen.false_alerts)


def test_an_open_alert_finds_by_growing() -> None:
    """And is no false one then, though it was opened before."""
    seen = figures(sighting(BEGINS - HOUR_MS), sighting(BEGINS + 10 * MINUTE_MS, opened=False))
    assert (1, 0, 1.0, 1.0) == (seen.alerts, seen.false_alerts, seen.precision, seen.recall)
    assert Spread(10.0, 10.0) == seen.delay_minutes


def test_delay_is_that_of_the_first_alert() -> None:
    """In posts of the incident, and in minutes from its start."""
    seen = figures(sighting(BEGINS + 12 * MINUTE_MS), sighting(BEGINS + 40 * MINUTE_MS, alert="2"))
    assert (Spread(2.0, 2.0), Spread(12.0, 12.0)) == (seen.delay_posts, seen.delay_minutes)


def test_delay_in_posts_is_not_made_up() -> None:
    """Where the times of the posts are not known there is none."""
    assert score([sighting(BEGINS)], SPAN, Truth([incident()], {})).delay_posts is None


def test_what_is_raised_for_a_distraction_is_false() -> None:
    """And a distraction is nothing to be found."""
    seen = figures(sighting(BEGINS), of=(incident("distraction"),))
    assert (1, 0.0, None) == (seen.false_alerts, seen.precision, seen.recall)


def test_a_distraction_takes_nothing_from_an_incident() -> None:
    """Where both happen at once the alert is for the incident."""
    assert 0 == figures(sighting(BEGINS), of=(incident(), incident("distraction"))).false_alerts


def test_rates_are_per_unit() -> None:
    """Ten units for 30 days: ten unit-months, 300/7 unit-weeks."""
    seen = figures(*(sighting(number * DAY_MS, alert=str(number)) for number in range(5)))
    assert (5, 0.5, 0.5) == (seen.alerts, seen.alerts_a_month, seen.false_alerts_a_month)
    assert pytest.approx(5 / (300 / 7)) == seen.alerts_a_week


def test_without_truth_there_are_only_alerts() -> None:
    """Nothing is said about what nobody knows."""
    seen = score([sighting(0)], SPAN)
    assert (1, None, None, None) == (seen.alerts, seen.false_alerts, seen.precision, seen.recall)


def test_a_detector_is_asked_for_its_own_kind() -> None:
    """The others' incidents are not its fault; together they answer for all. Severe alerts are outside the budget."""
    truth = Truth([incident(), incident("severe", "b"), incident("cascade", "c")], {})
    seen = [sighting(BEGINS), sighting(BEGINS, unit_id="b", alert="2", by="SeverePost"), sighting(0, alert="3")]
    found = by_detector(seen, SPAN, truth, {"Surge": "surge", "SeverePost": "severe", "Spread": "cascade"})
    assert [1.0, 1.0, 0.0] == [found[name].recall for name in ("Surge", "SeverePost", "Spread")]
    assert (2, 1) == (found["budget"].alerts, found["budget"].false_alerts)
    assert {"cascade": 1, "surge": 1} == found["budget"].planted
    assert pytest.approx(2 / 3) == found["all"].recall
    assert {"cascade": 1, "severe": 1, "surge": 1} == found["all"].planted
    assert {"severe": 1, "surge": 1} == found["all"].found


def test_what_persons_do_is_no_sighting() -> None:
    """Opened, grown and come back are; acknowledged, quiet and what a person reopened are not."""
    opened = EXAMPLES["alert"][1]
    assert isinstance(opened, Alert)
    records = [
        msgspec.structs.replace(opened, change=change, sequence=number, action_id=action)
        for number, (change, action) in enumerate(
            [("opened", None), ("grown", None), ("acknowledged", "x"), ("quiet", None), ("reopened", None),
             ("reopened", "y")]
        )
    ]  # fmt: skip
    assert [True, False, False] == [one.opened for one in sightings(records)]
    assert {opened.alert_id} == {one.alert for one in sightings(records)}


def test_spread() -> None:
    """The middle, and what nine of ten do not exceed."""
    assert Spread(5.5, 9.0) == spread(list(range(1, 11)))
    assert spread([]) is None
