"""Deadlines, warnings and escalations are where a slow look at the clock on the wall puts them, and come once."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.alerts.deadlines import DEFAULTS, Terms, between, due_times, next_at, reminders, terms_of
from pipeline.opening import opening_of, schedule_of
from schemas.alert import AlertState
from schemas.time import DAY_MS, MINUTE_MS, Millis
from schemas.unit import Department, Unit
from tests import opening_reference as reference
from tests.property.test_opening_laws import minutes_about, strange_units
from tests.strategies import one_of, some, units

LAW = settings(max_examples=40, deadline=None)
quarters = st.integers(1, 100).map(lambda number: 4 * number)
"""Minutes whose three quarters are whole minutes too."""
chains = st.lists(st.sampled_from(["region", "brand", "head-office"]), max_size=3, unique=True)


@LAW
@given(one=strange_units(), start=minutes_about, terms=st.builds(Terms, quarters, quarters, quarters), chain=chains)
def test_all_that_happens_is_where_the_wall_says(
    one: tuple[Unit, int], start: int, terms: Terms, chain: list[str]
) -> None:
    """Of each duty, within six days: the warning after three quarters of the minutes, the n-th step after n times as
    many."""
    unit, middle = one
    since_ms = middle + start * MINUTE_MS
    until_ms = since_ms + 6 * DAY_MS
    opened = reference.open_minutes(unit, since_ms, until_ms)

    def when(minutes: int) -> int | None:
        return None if len(opened) < minutes else opened[minutes - 1] + MINUTE_MS

    opening = opening_of(schedule_of(unit))
    expected = set()
    for duty, minutes in zip(("acknowledge", "answer", "resolve"), terms, strict=True):
        expected.add((when(minutes * 3 // 4), duty, "deadline_warning", None))
        expected |= {(when(minutes * level), duty, "escalated", to) for level, to in enumerate(chain or [None], 1)}
    found = [one for one in reminders(opening, since_ms, terms, chain) if one.at_ms <= until_ms]
    assert {one for one in expected if one[0] is not None} == {
        (one.at_ms, one.duty, one.change, one.to) for one in found
    }
    assert sorted(one.at_ms for one in found) == [one.at_ms for one in found]
    due = [time_ms if time_ms is not None and time_ms <= until_ms else None
           for time_ms in due_times(opening, since_ms, terms)]  # fmt: skip
    assert [when(minutes) for minutes in terms] == due


@LAW
@given(
    unit=units(),
    since_ms=st.integers(0, 2**42),
    terms=st.builds(Terms, *[st.integers(1, 10_000)] * 3),
    chain=chains,
    state=one_of(AlertState),
    cuts=st.lists(st.integers(0, 30 * DAY_MS), min_size=1, max_size=6),
)
def test_however_time_comes_each_is_told_once(
    unit: Unit, since_ms: int, terms: Terms, chain: list[str], state: AlertState, cuts: list[int]
) -> None:
    """Steps of any length tell the same as one; where a step tells nothing, there was nothing to look for."""
    story = reminders(opening_of(schedule_of(unit)), since_ms, terms, chain)
    times = [since_ms, *(since_ms + cut for cut in sorted(cuts))]
    told = []
    for after_ms, until_ms in itertools.pairwise(times):
        step = between(story, state, after_ms, until_ms)
        first_ms = next_at(story, state, after_ms)
        assert bool(step) == (first_ms is not None and first_ms <= until_ms)
        told += step
    assert list(between(story, state, since_ms, times[-1])) == told
    assert len(set(told)) == len(told)
    assert all(isinstance(one.at_ms, Millis) for one in story)


@LAW
@given(
    said=st.tuples(*[some(st.integers(1, 525_600))] * 3),
    severity=st.sampled_from(sorted(DEFAULTS)),
)
def test_a_default_contradicts_nobody(said: tuple[int | None, int | None, int | None], severity: str) -> None:
    """What a department says stays; if that is in order, all three are."""
    terms = terms_of(
        Department(name="service", acknowledge_within=said[0], answer_within=said[1], resolve_within=said[2]),
        severity,  # type: ignore[arg-type]
    )
    assert all(wanted in (None, minutes) for wanted, minutes in zip(said, terms, strict=True))
    given_ones = [minutes for minutes in said if minutes is not None]
    if given_ones == sorted(given_ones):
        assert sorted(terms) == list(terms)
