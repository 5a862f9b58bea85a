"""A cascade is the same whatever order its reposts come in, however often, and whatever is taken back."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.spread import MARKS_MAX
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Millis
from tests.reposts import CAUSE, COMPLAINT, NOW, POST, all_seen, finding, original, quick, quiet_unit, repost, root, see
from tests.streams import insight


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-60, 3600), st.integers(0, 30)), min_size=1, max_size=40),
    st.randoms(use_true_random=False),
    st.integers(0, 40),
    st.booleans(),
)
def test_order_changes_nothing(reposts: list[tuple[int, int]], random: Random, when: int, root_known: bool) -> None:
    """Reposts in any order, before their original (who knew nothing of it) or after, some by the same people, some
    before the post by the clock of another: in the end the same is to be seen, whenever one looks."""
    stream = [
        repost(number, NOW + age * SECOND_MS, author=str(who), known=None)
        for number, (age, who) in enumerate(sorted(reposts))
    ]
    in_order, mixed = quiet_unit(), quiet_unit()
    told = repost(99, NOW + HOUR_MS, author="last", known=COMPLAINT if root_known else None)
    for one in [*stream, told]:
        see(in_order, one)
    random.shuffle(stream)
    stream.insert(when % (len(stream) + 1), told)
    for one in stream:
        see(mixed, one)
    for minutes in (1, 5, 60, 600):
        expected, found = (finding(run, NOW + minutes * MINUTE_MS) for run in (in_order, mixed))
        assert expected.amplification == found.amplification
        assert (expected.active, expected.detection) == (found.active, found.detection)


def test_reposts_before_their_original_wait_for_it() -> None:
    """Nothing is alerted until it is known to be a complaint; then at once, with all of them."""
    run = quiet_unit()
    assert [] == all_seen(run, quick(60, known=None))
    assert [] == see(run, original(mood="positive"))
    assert [CAUSE] == [signal.cause for signal in see(run, original())]
    assert 60 == finding(run, NOW + 10 * MINUTE_MS).amplification.reposts


@pytest.mark.parametrize(("mood", "alerted"), [("negative", True), ("positive", False)])
def test_a_repost_with_its_text_stands_in_for_an_original_that_is_not_known(mood: str, alerted: bool) -> None:
    """By what most of them say."""
    text = insight(0, NOW, mood=mood).sentiment
    stream = quick(100, known=None, sentiment=text, text_ref="x:t")
    run = quiet_unit()
    assert alerted == bool(all_seen(run, stream))
    assert -0.6 == finding(run, NOW + HOUR_MS).sentiment_mean if alerted else True


def test_what_a_repost_repeats_must_be_known() -> None:
    """One that names neither root nor thread is a cascade of its own, that is, none."""
    run = quiet_unit()
    for number in range(100):
        one = repost(number, NOW + number * SECOND_MS, known=None)
        assert [] == see(run, msgspec.structs.replace(one, thread=one.id))
    assert {} == run.state.spreads


def test_a_duplicate_changes_nothing() -> None:
    """The same insight again, at once or later, leaves no trace; what the same person passes on again is shown, but
    counts no more."""
    run = quiet_unit()
    stream = quick(MARKS_MAX)
    for place, one in enumerate(stream):
        see(run, one)
        before = run.saved()
        assert not run.detector.observe(run.state, one)
        assert not run.detector.observe(run.state, stream[place // 2])
        assert before == run.saved()
    at_ms = NOW + 3 * HOUR_MS
    expected = finding(run, at_ms)
    for age in (HOUR_MS, 2 * HOUR_MS, 0):
        see(run, msgspec.structs.replace(stream[50], id=f"x:again{age}", event_time=Millis(NOW + age)))
    after = finding(run, at_ms)
    assert expected.detection == after.detection
    assert [f"{POST}/{MARKS_MAX - 1}", f"x:again{2 * HOUR_MS}"] == [one.post_id for one in after.evidence[1:]]


def test_one_person_with_ten_thousand_reposts_is_one() -> None:
    """Among others, too; only where a hundred others come between does he count again."""
    run = quiet_unit()
    stream = [repost(number, NOW + number * SECOND_MS, author="he") for number in range(10_000)]
    assert [] == all_seen(run, stream)
    for one in quick(50, first=20_000):
        see(run, one)
    assert 51 == finding(run, NOW + DAY_MS // 2).amplification.reposts


def test_a_deleted_post_raises_nothing_any_more() -> None:
    """Its time is told; what comes after does not bring it back; what is firing becomes calm."""
    run = quiet_unit()
    stream = quick(200)
    assert all_seen(run, stream[:120])
    assert not run.detector.calm(run.state, CAUSE, NOW + 12 * MINUTE_MS)
    assert NOW == run.take_back(POST)
    assert run.take_back(POST) is None
    assert run.detector.calm(run.state, CAUSE, NOW + 12 * MINUTE_MS)
    assert [] == all_seen(run, stream[120:])
    assert run.detector.signal(run.state, CAUSE, NOW + HOUR_MS // 2) is None
    assert run.detector.calm(run.state, CAUSE, NOW + HOUR_MS // 2)
    assert not finding(run, NOW + HOUR_MS // 2).active


def test_a_deleted_repost_counts_no_more() -> None:
    """One less, in the evidence too; what was never there takes nothing away."""
    run = quiet_unit()
    stream = quick(50)
    for one in stream:
        see(run, one)
    assert run.detector.holds(run.state, stream[-1].id)
    assert int(stream[-1].event_time) == run.take_back(stream[-1].id)
    assert run.take_back(stream[-1].id) is None
    found = finding(run, NOW + HOUR_MS)
    assert 49 == found.amplification.reposts
    assert stream[-1].id not in [evidence.post_id for evidence in found.evidence]
    assert not run.detector.holds(run.state, stream[-1].id)


def test_an_edit_that_takes_the_complaint_back_ends_it() -> None:
    """And one that makes a complaint of it lets it be told."""
    run = quiet_unit()
    for one in quick(100):
        see(run, one)
    edit: dict[str, Any] = {"kind": "edit", "root": root()}
    assert [] == see(run, original(NOW + 10 * MINUTE_MS, mood="positive", **edit))
    assert run.detector.signal(run.state, CAUSE, NOW + 11 * MINUTE_MS) is None
    assert see(run, original(NOW + 11 * MINUTE_MS, **edit))
