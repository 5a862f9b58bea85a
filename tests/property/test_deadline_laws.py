"""Deadlines, warnings and escalations are where a slow look at the clock on the wall puts them, and come once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.alerts.deadlines import (
    DEFAULTS,
    Promise,
    Terms,
    deadline,
    done,
    next_step,
    promises,
    sooner,
    steps,
    terms_of,
)
from pipeline.opening import opening_of, schedule_of
from schemas.alert import AlertState
from schemas.time import DAY_MS, MINUTE_MS
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
    promised = promises(since_ms, terms)
    story = [list(steps(opening, promise, chain)) for promise in promised]
    found = [one for of_duty in story for one in of_duty if one.at_ms <= until_ms]
    assert {one for one in expected if one[0] is not None} == {
        (one.at_ms, one.duty, one.change, one.to) for one in found
    }
    assert all(sorted(of_duty, key=lambda one: one.at_ms) == of_duty for of_duty in story)
    due = [time_ms if time_ms is not None and time_ms <= until_ms else None
           for time_ms in (deadline(opening, promise) for promise in promised)]  # fmt: skip
    assert [when(minutes) for minutes in terms] == due


@LAW
@given(
    unit=units(),
    since_ms=st.integers(0, 2**42),
    terms=st.builds(Terms, *[st.integers(1, 10_000)] * 3),
    chain=chains,
    state=one_of(AlertState),
)
def test_each_step_is_told_once_and_in_order(
    unit: Unit, since_ms: int, terms: Terms, chain: list[str], state: AlertState
) -> None:
    """Whoever tells what comes next, one after the other, has told all steps of what is not done, each once."""
    opening, kept = opening_of(schedule_of(unit)), promises(since_ms, terms)
    expected = [
        one for promise in promises(since_ms, terms) for one in steps(opening, promise, chain)
        if not done(promise.duty, state)
    ]  # fmt: skip
    told = []
    while (following := next_step(opening, kept, chain, state)) is not None:
        promise, step = following
        promise.told += 1
        told.append(step)
    assert sorted(expected) == sorted(told)
    assert sorted(one.at_ms for one in told) == [one.at_ms for one in told]


@LAW
@given(
    unit=units(),
    since_ms=st.integers(0, 2**42),
    later_ms=st.integers(0, 30 * DAY_MS),
    minutes=st.tuples(*[st.integers(1, 10_000)] * 2),
)
def test_what_gets_worse_gives_no_more_time(unit: Unit, since_ms: int, later_ms: int, minutes: tuple[int, int]) -> None:
    """Of two promises the one that has to be kept first counts, and nothing that was told is told again of it."""
    opening = opening_of(schedule_of(unit))
    old, new = Promise("answer", since_ms, minutes[0], 2), Promise("answer", since_ms + later_ms, minutes[1])
    kept = sooner(opening, old, new)
    times = [at_ms for one in (old, new) if (at_ms := deadline(opening, one)) is not None]
    assert min(times, default=None) == deadline(opening, kept)
    assert kept is new or kept.told == 2


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
