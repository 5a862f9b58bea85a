"""Rules of thumb get all that can be given to them: people and not posts, the hour that just ended, thresholds that are
tuned."""

import math
from bisect import bisect_left

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evaluation.rules import (
    ALWAYS,
    C2_HOURS,
    C2_LAG_HOURS,
    HOLD_MS,
    NEVER,
    NOTHING,
    TUNABLE,
    Past,
    Reading,
    Rule,
    Watch,
    deviations,
    ears_c2,
    poisson,
    sigmas,
    times_past_twelve,
    tuned,
)
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS

COUNT = Rule("people", 3.0, lambda past, count: float(count))
"""A rule that is its own measure."""

Said = list[tuple[int, str]]

words = st.lists(
    st.tuples(st.integers(0, 36).map(lambda step: step * 10 * MINUTE_MS), st.sampled_from("abcdef")), max_size=40
).map(sorted)


def read(said: Said) -> list[Reading]:
    watch = Watch()
    return [watch.observe(at_ms, author) for at_ms, author in said]


def people(said: Said, at_ms: int) -> int:
    """Distinct authors of the hour that ends at `at_ms`."""
    return len({author for moment, author in said if at_ms - HOUR_MS < moment <= at_ms})


@settings(deadline=None)
@given(words)
def test_people_of_the_hour_and_the_most_of_the_half_hour_before(said: Said) -> None:
    """Both as counting them anew at each moment gives them."""
    for place, reading in enumerate(read(said)):
        so_far, before = said[: place + 1], said[:place]
        at_ms = said[place][0]
        changes = [at_ms - HOLD_MS, *(moment for moment, _ in before)]
        assert people(so_far, at_ms) == reading.authors
        # whoever left just at this moment was there until then
        standing = [people(before, moment) for moment in changes if at_ms - HOLD_MS <= moment <= at_ms]
        until_now = people(before, at_ms - 1) if before else 0
        assert max([until_now, *standing]) == reading.peak


@settings(deadline=None)
@given(words, st.integers(1, 4))
def test_an_alert_opens_once_and_again_after_half_an_hour_of_calm(said: Said, threshold: int) -> None:
    """As a lamp does that is switched on at the threshold, and off once it was calm for as long."""
    rule = COUNT._replace(threshold=float(threshold))
    opened = [reading.at_ms for reading in read(said) if reading.opens(rule)]
    expected: list[int] = []
    last_high = -math.inf
    for minute in range(7 * 60 + 1):
        moment = minute * MINUTE_MS
        if people(said, moment - 1) >= threshold:
            last_high = moment
        if people(said, moment) >= threshold:
            if moment - last_high >= HOLD_MS:
                expected.append(moment)
            last_high = moment
    assert expected == sorted(set(opened))


@settings(deadline=None)
@given(words)
def test_what_is_past_ended_before_the_hour_began(said: Said) -> None:
    """Counts of whole hours, silent ones too, from the first word's on."""
    for place, reading in enumerate(read(said)):
        end = (said[place][0] - HOUR_MS) // HOUR_MS
        hours = range(said[0][0] // HOUR_MS, end)
        counts = [len({who for moment, who in said[:place] if moment // HOUR_MS == hour}) for hour in hours]
        assert (len(counts), sum(counts)) == reading.past[:2]
        assert sum(count * count for count in counts) == reading.past.squares
        assert sum(counts[-12:]) == reading.past.twelve
        c2 = counts[: max(0, len(counts) - C2_LAG_HOURS)][-C2_HOURS:]
        assert (len(c2), sum(c2)) == (reading.past.c2_hours, reading.past.c2_total)


def test_a_year_of_silence_is_known_as_such() -> None:
    """Hour by hour or at once, what is known is the same; of the newest hours it is nothing."""
    watch = Watch()
    watch.observe(0, "a")
    past = watch.observe(365 * DAY_MS, "b").past
    assert (365 * 24 - 1, 1, 1, 0, C2_HOURS, 0, 0) == past
    assert (366 * 24 - 1, 2) == watch.observe(366 * DAY_MS, "c").past[:2]


def test_a_copy_goes_its_own_way() -> None:
    """What the copy sees changes nothing for the original."""
    one, other = Watch(), Watch()
    for watch in (one, other):
        for hour in range(40):
            watch.observe(hour * HOUR_MS + 5, f"a{hour % 3}")
    copied = one.copy()
    for number in range(10):
        copied.observe(41 * HOUR_MS + number, f"b{number}")
    assert other.observe(60 * HOUR_MS, "z") == one.observe(60 * HOUR_MS, "z")


def test_words_out_of_order_are_refused() -> None:
    """A rule that counts backwards would count anything."""
    watch = Watch()
    watch.observe(10, "a")
    with pytest.raises(ValueError, match="order of time"):
        watch.observe(9, "b")


QUIET = Past(hours=1000, total=50, squares=60, twelve=0, c2_hours=C2_HOURS, c2_total=8, c2_squares=8)


def test_mean_and_standard_deviation() -> None:
    """Of 1,000 hours with 50 complaints: mean 0.05, variance 0.06 - 0.0025."""
    assert pytest.approx((4 - 0.05) / math.sqrt(0.0575)) == sigmas(QUIET, 4)


def test_nothing_ever_happened_is_no_division_by_zero() -> None:
    """Then the deviation is that of a single complaint."""
    assert math.isfinite(deviations(168, 0, 0, 3))
    assert deviations(168, 0, 0, 3) > deviations(168, 3, 3, 3)


def test_past_twelve_hours() -> None:
    """Six in an hour are twice a mean of three; an empty half day is taken for one complaint."""
    assert 2.0 == times_past_twelve(QUIET._replace(twelve=36), 6)
    assert 36.0 == times_past_twelve(QUIET, 3)


def test_c2_looks_at_its_own_week() -> None:
    """Whatever was before does not count."""
    assert pytest.approx(deviations(C2_HOURS, 8, 8, 3)) == ears_c2(QUIET, 3)
    assert ears_c2(QUIET, 3) == ears_c2(QUIET._replace(total=5000, squares=99999), 3)


@pytest.mark.parametrize(("mean", "count"), [(0.05, 4), (0.2, 5), (1.0, 9), (3.0, 14)])
def test_plain_poisson_has_the_counts_of_the_table(mean: float, count: int) -> None:
    """The count from which on the tail is below 1e-5, as published."""
    past = Past(100_000, round(mean * 100_000), 0, 0, 0, 0, 0)
    assert count == bisect_left(range(50), 5.0, key=lambda people: poisson(past, people))


@pytest.mark.parametrize("rule", TUNABLE, ids=lambda rule: rule.name)
def test_a_rule_knows_nothing_at_first(rule: Rule) -> None:
    """Without a past none of them alerts."""
    assert NOTHING == rule.stands(Past(5, 2, 2, 2, 3, 1, 1), 50)


@pytest.mark.parametrize("rule", TUNABLE, ids=lambda rule: rule.name)
def test_more_people_never_stand_lower(rule: Rule) -> None:
    """Which `Reading` relies on: at the peak count stood the peak."""
    past = Past(1000, 1200, 2900, 14, C2_HOURS, 190, 420)
    levels = [rule.stands(past, count) for count in range(60)]
    assert sorted(levels) == levels


def test_always_and_never() -> None:
    """The ends of the scale: each complaint after calm, and none."""
    said = [(hour * 3 * HOUR_MS, "a") for hour in range(10)]
    assert 10 == sum(reading.opens(ALWAYS) for reading in read(said))
    assert 0 == sum(reading.opens(NEVER) for reading in read(said))


levels = st.integers(0, 20).map(float)


@given(st.lists(st.tuples(levels, levels), max_size=30), st.integers(0, 10))
def test_tuned_is_the_lowest_threshold_that_keeps_to_the_number(opened: list[tuple[float, float]], most: int) -> None:
    """There and above no more alerts open; just below more do."""

    def alerts(threshold: float) -> int:
        return sum(peak < threshold <= level for peak, level in opened)

    threshold = tuned(opened, most)
    assert all(alerts(higher) <= most for higher in (threshold, *(one for one in range(22) if one >= threshold)))
    assert threshold == 0.0 or alerts(math.nextafter(threshold, -1.0)) > most
