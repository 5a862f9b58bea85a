"""The state of a cascade is bounded, however many pass it on, and it is all that there is."""

import time

from pipeline.detectors.cascade import SPREADS_MAX
from pipeline.spread import MARKS_MAX
from schemas.time import HOUR_MS, MINUTE_MS, SECOND_MS
from tests.checks import STATE_BYTES_MAX
from tests.reposts import CAUSE, NOW, POST, finding, original, poll, quick, quiet_unit, repost, see


def test_a_restart_at_any_point_changes_nothing() -> None:
    """The state is all that there is: before and after older reposts are merged, with counters, with two posts."""
    polled = [poll(NOW + minute * MINUTE_MS, 9 * minute) for minute in range(1, 20)]
    stream = sorted(
        [*quick(150), *quick(40, of="x:other", every_ms=20 * SECOND_MS), *polled],
        key=lambda one: int(one.event_time),
    )  # fmt: skip
    for cut in range(0, len(stream), 20):
        stayed = quiet_unit()
        for one in stream[:cut]:
            see(stayed, one)
        moved = stayed.restored()
        for one in stream[cut:]:
            assert see(stayed, one) == see(moved, one)
        assert stayed.saved() == moved.saved()
        assert finding(stayed, NOW + HOUR_MS) == finding(moved, NOW + HOUR_MS)


def test_a_cascade_of_a_million_is_no_more_than_one_of_a_thousand() -> None:
    """The state is of bounded size; the last of a hundred thousand takes no longer than the first thousands."""
    run = quiet_unit()
    took: list[float] = []
    for part in range(10):
        begin = time.perf_counter()
        for number in range(part * 10_000, (part + 1) * 10_000):
            see(run, repost(number, NOW + number * 5, author=f"{number:032x}"))
        took.append(time.perf_counter() - begin)
    assert took[-1] < 4 * took[0]
    found = finding(run, NOW + 500 * SECOND_MS)
    assert 100_000 == found.amplification.reposts
    assert found.severity == 10 and found.grown_past >= 100_000
    assert len(run.saved()) < 8_192


def test_many_posts_are_bounded() -> None:
    """Of a thousand posts with long names that spread at once fifty are followed; what is alerted stays, what is less
    active goes first, and is learned."""
    run = quiet_unit()
    for one in quick(60):
        see(run, one)
    run.detector.freeze(run.state, CAUSE, NOW, NOW + HOUR_MS)
    for number in range(1000):
        name = f"x:{number:0250}"
        for again in range(1 + 2 * (number < 40)):
            see(run, repost(again, NOW + 12 * HOUR_MS + number * SECOND_MS, of=name, text_ref=name))
    assert SPREADS_MAX == len(run.state.spreads)
    assert POST in run.state.spreads
    assert 38 <= sum(spread.most == 3 for spread in run.state.spreads.values())
    assert 951 == round(sum(run.state.sizes.counts))


def test_all_of_it_is_bounded() -> None:
    """Fifty posts with long names and more reposts than are kept."""
    run = quiet_unit()
    for number in range(SPREADS_MAX):
        name = f"x:{number:0250}"
        for again in range(MARKS_MAX + 30):
            one = repost(again, NOW + again * 37 * MINUTE_MS + number, of=name, text_ref=name)
            run.detector.observe(run.state, one)
    assert len(run.saved()) < STATE_BYTES_MAX


def test_a_typical_state_is_small() -> None:
    """A few bytes where nothing is passed on, less than a kilobyte for three small cascades."""
    run = quiet_unit()
    assert len(run.saved()) < 40
    for post in range(3):
        for number in range(4):
            see(run, repost(number, NOW + number * HOUR_MS, of=f"x:18446744073709{post}"))
    assert len(run.saved()) < 1024


def test_what_concerns_no_cascade_is_nothing() -> None:
    """Posts, reviews, feedback, answers, deletes, edits: False, and no byte more."""
    run = quiet_unit()
    before = run.saved()
    for kind in ("post", "reply", "review", "feedback", "answer", "edit", "delete"):
        assert not run.detector.observe(run.state, original(kind=kind))
    assert run.take_back("x:anything") is None
    assert before == run.saved()
