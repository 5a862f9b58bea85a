"""By when, who is warned, who is told after: by hand, on the wall of a store in Berlin."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from pipeline.alerts.deadlines import (
    DEFAULTS,
    DUTIES,
    Promise,
    Reminder,
    Terms,
    chain_of,
    deadline,
    done,
    next_step,
    promises,
    sooner,
    steps,
    terms_of,
)
from pipeline.opening import Opening, opening_of, schedule_of
from schemas.alert import AlertState, SeverityLabel
from schemas.unit import Closure, Department, Hours, Unit

SERVICE = Department(name="service", acknowledge_within=30, answer_within=120, resolve_within=480)
STORE = Unit(
    id="store-17",
    name="Elm Street",
    kind="store",
    time_zone="Europe/Berlin",
    opening_hours=tuple(Hours(day=day, opens="09:00", closes="17:00") for day in ("mon", "tue", "wed", "thu", "fri")),
    holidays=("2026-05-25",),
    departments=(SERVICE, Department(name="billing"), Department(name="service", acknowledge_within=5)),
)
OPENING = opening_of(schedule_of(STORE))
TERMS = terms_of(SERVICE, "error")
CHAIN = ("west-director", "head-office")


def _at(wall: str) -> int:
    return round(datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1000)


FRIDAY = _at("2026-05-22 16:45")
"""A quarter of an hour before a long weekend: Monday is a holiday."""


def story_of(opening: Opening, since_ms: int, terms: Terms, chain: Sequence[str]) -> list[Reminder]:
    """All that would happen by itself, in order of time."""
    kept = promises(since_ms, terms)
    return sorted((one for promise in kept for one in steps(opening, promise, chain)), key=lambda one: one.at_ms)


def test_friday_evening_before_a_long_weekend() -> None:
    """A quarter of an hour on Friday, the rest from Tuesday on."""
    expected = map(_at, ("2026-05-26 09:15", "2026-05-26 10:45", "2026-05-26 16:45"))
    assert list(expected) == [deadline(OPENING, promise) for promise in promises(FRIDAY, TERMS)]


def test_the_story_of_an_alert_that_nobody_touches() -> None:
    """Each duty: a warning at three quarters, the region at the end, the head office after as long again."""
    story = [(one.at_ms, one.duty, one.change, one.to, one.level) for one in story_of(OPENING, FRIDAY, TERMS, CHAIN)]
    assert [
        (_at("2026-05-26 09:07:30"), "acknowledge", "deadline_warning", None, 0),
        (_at("2026-05-26 09:15"), "acknowledge", "escalated", "west-director", 1),
        (_at("2026-05-26 09:45"), "acknowledge", "escalated", "head-office", 2),
        (_at("2026-05-26 10:15"), "answer", "deadline_warning", None, 0),
        (_at("2026-05-26 10:45"), "answer", "escalated", "west-director", 1),
        (_at("2026-05-26 12:45"), "answer", "escalated", "head-office", 2),
        (_at("2026-05-26 14:45"), "resolve", "deadline_warning", None, 0),
        (_at("2026-05-26 16:45"), "resolve", "escalated", "west-director", 1),
        (_at("2026-05-27 16:45"), "resolve", "escalated", "head-office", 2),
    ] == story


def test_a_term_of_a_minute_is_warned_of_before_it_ends() -> None:
    """After 45 seconds, not at once."""
    first, *_ = story_of(OPENING, _at("2026-05-26 12:00"), Terms(1, 1, 1), ())
    assert (_at("2026-05-26 12:00:45"), "deadline_warning") == (first.at_ms, first.change)


def test_where_nobody_is_above_the_unit_itself_is_told() -> None:
    """Once for each duty: that it is late is a record of its own."""
    told = [one for one in story_of(OPENING, FRIDAY, TERMS, ()) if one.change == "escalated"]
    assert [("acknowledge", None, 0), ("answer", None, 0), ("resolve", None, 0)] == [
        (one.duty, one.to, one.level) for one in told
    ]


def test_what_is_done_is_not_asked_for_again() -> None:
    """Acknowledged in time: only answer and resolution are left; answered: only the resolution; resolved: nothing."""
    left: dict[str, set[str]] = {}
    for state in get_args(AlertState):
        kept, left[state] = promises(FRIDAY, TERMS), set()
        while (following := next_step(OPENING, kept, CHAIN, state)) is not None:
            following[0].told += 1
            left[state].add(following[1].duty)
    assert {
        "open": {"acknowledge", "answer", "resolve"}, "acknowledged": {"answer", "resolve"},
        "assigned": {"answer", "resolve"}, "answered": {"resolve"}, "resolved": set(), "verified": set(),
        "dismissed": set(),
    } == left  # fmt: skip


@pytest.mark.parametrize(
    ("state", "told", "expected"),
    [
        ("open", 0, "2026-05-26 09:07:30"),
        ("open", 1, "2026-05-26 09:15"),
        ("acknowledged", 0, "2026-05-26 10:15"),
        ("answered", 2, "2026-05-27 16:45"),
        ("answered", 3, None),
        ("resolved", 0, None),
    ],
)
def test_what_comes_next(state: AlertState, told: int, expected: str | None) -> None:
    """The first step that was not told yet, of what this state still needs."""
    kept = [Promise(one.duty, one.since_ms, one.minutes, told) for one in promises(FRIDAY, TERMS)]
    following = next_step(OPENING, kept, CHAIN, state)
    assert (None if expected is None else _at(expected)) == (None if following is None else following[1].at_ms)


def test_new_hours_move_what_is_to_come() -> None:
    """The store closes for a week: what was told stays told, the next step comes when it is open again."""
    refit = Unit(id="a", name="a", kind="store", time_zone="Europe/Berlin", opening_hours=STORE.opening_hours,
                 holidays=STORE.holidays, closures=(Closure(first="2026-05-26", last="2026-06-01"),))  # fmt: skip
    kept = promises(FRIDAY, TERMS)
    kept[0].told = 1
    following = next_step(opening_of(schedule_of(refit)), kept[:1], CHAIN, "open")
    assert following is not None
    assert (_at("2026-06-02 09:15"), "escalated") == (following[1].at_ms, following[1].change)


def test_worse_is_sooner_and_never_later() -> None:
    """Ten minutes from now where an hour was promised; not an hour from now where ten minutes are left."""
    noon = _at("2026-05-26 12:00")
    hour, soon = Promise("answer", noon, 60, 1), Promise("answer", noon, 10)
    assert soon == sooner(OPENING, hour, soon)
    assert soon == sooner(OPENING, soon, hour)
    assert hour == sooner(OPENING, hour, Promise("answer", noon, 60))


def test_closed_for_good_in_between() -> None:
    """The warning still comes, the deadline never: nothing is raised, and nobody is told of it."""
    closed = Unit(id="a", name="a", kind="store", time_zone="Europe/Berlin", opening_hours=STORE.opening_hours,
                  closures=(Closure(first="2026-05-23", last="9999-12-31"),))  # fmt: skip
    opening = opening_of(schedule_of(closed))
    terms = Terms(acknowledge=16, answer=60, resolve=60)
    assert [None, None, None] == [deadline(opening, promise) for promise in promises(FRIDAY, terms)]
    assert [("acknowledge", "deadline_warning")] == [
        (one.duty, one.change) for one in story_of(opening, FRIDAY, terms, CHAIN)
    ]


@pytest.mark.parametrize("severity", get_args(SeverityLabel))
def test_what_a_department_says_counts(severity: SeverityLabel) -> None:
    """Whatever the severity; a department that says nothing, or that is not there, has the defaults."""
    assert Terms(30, 120, 480) == terms_of(SERVICE, severity)
    assert DEFAULTS[severity] == terms_of(Department(name="billing"), severity)
    assert DEFAULTS[severity] == terms_of(None, severity)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((None, None, None), (30, 120, 960)),
        ((10, None, None), (10, 120, 960)),
        ((200, None, None), (200, 200, 960)),
        ((2_000, None, None), (2_000, 2_000, 2_000)),
        ((None, 20, None), (20, 20, 960)),
        ((None, 3_000, None), (30, 3_000, 3_000)),
        ((None, None, 15), (15, 15, 15)),
        ((None, None, 60), (30, 60, 60)),
        ((90, None, 100), (90, 100, 100)),
        ((600, 60, 30), (600, 60, 30)),
    ],
)
def test_a_default_gives_way(said: tuple[int | None, ...], expected: tuple[int, ...]) -> None:
    """To an earlier duty that takes longer and to a later one that is sooner; what is said itself is never changed."""
    acknowledge, answer, resolve = said
    department = Department(
        name="service", acknowledge_within=acknowledge, answer_within=answer, resolve_within=resolve
    )
    assert expected == terms_of(department, "error")


def test_the_more_severe_the_sooner() -> None:
    """And within a severity: first acknowledged, then answered, then resolved."""
    order: tuple[SeverityLabel, ...] = ("critical", "error", "warning", "info")
    for quicker, slower in pairwise(order):
        assert all(a < b for a, b in zip(DEFAULTS[quicker], DEFAULTS[slower], strict=True))
    assert all(list(terms) == sorted(set(terms)) for terms in DEFAULTS.values())


@pytest.mark.parametrize(
    ("escalation", "above", "expected"),
    [
        (("west-director", "head-office"), ("west", "acme"), ("west-director", "head-office")),
        ((), ("west", "acme"), ("west", "acme")),
        ((), (), ()),
        (("a", "b", "a"), ("west",), ("a", "b")),
    ],
)
def test_who_is_above(escalation: tuple[str, ...], above: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """Whom the unit names, else region and brand; nobody is told twice of one miss."""
    assert expected == chain_of(escalation, above)


def test_the_duties_follow_each_other() -> None:
    """A state that needs no answer needs no acknowledgement, and one that is resolved needs neither."""
    for state in get_args(AlertState):
        flags = [done(duty, state) for duty in DUTIES]
        assert sorted(flags, reverse=True) == flags
