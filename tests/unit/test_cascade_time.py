"""A cascade becomes calm, ends and is learned; after a week a post is no news."""

from pipeline.detectors.cascade import GRACE_MS
from pipeline.outlook import CALM_MS
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from tests.reposts import CAUSE, NOW, POST, all_seen, finding, quick, quiet_unit, repost, root, see


def test_it_becomes_calm_when_hardly_more_is_to_come() -> None:
    """While it spreads it is not; after six hours without a repost it is; where it is calm there is no signal."""
    run = quiet_unit()
    for one in quick(300):
        see(run, one)
    end = NOW + 300 * 6 * SECOND_MS
    times = [end + step * 10 * MINUTE_MS for step in range(60)]
    calm = [run.detector.calm(run.state, CAUSE, at_ms) for at_ms in times]
    signals = [run.detector.signal(run.state, CAUSE, at_ms) is not None for at_ms in times]
    assert not calm[0] and signals[0]
    assert sorted(calm) == calm and sorted(signals, reverse=True) == signals
    assert not any(quiet and firing for quiet, firing in zip(calm, signals, strict=True))
    assert run.detector.calm(run.state, CAUSE, end + CALM_MS)
    assert run.detector.calm(run.state, "cascade:x:nothing", end)


def test_it_ends_a_day_after_the_last_and_is_learned() -> None:
    """Its size is what is usual from then on; not where it was alerted. A repost after that is a new beginning."""
    for frozen in (False, True):
        run = quiet_unit()
        for one in quick(30):
            see(run, one)
        if frozen:
            run.detector.freeze(run.state, CAUSE, NOW, NOW + HOUR_MS)
        last = NOW + 30 * 6 * SECOND_MS
        run.detector.advance(run.state, last + DAY_MS + GRACE_MS - 1)
        assert [POST] == list(run.state.spreads)
        run.detector.advance(run.state, last + DAY_MS + GRACE_MS)
        assert {} == run.state.spreads
        assert ([] if frozen else [0.0, 0.0, 1.0]) == run.state.sizes.counts


def test_when_it_is_learned_changes_nothing() -> None:
    """What the watermark has not closed yet is known all the same."""
    early, late = quiet_unit(), quiet_unit()
    for run in (early, late):
        for one in quick(60, of="x:before", every_ms=MINUTE_MS):
            see(run, one)
    later = NOW + 3 * DAY_MS
    early.detector.advance(early.state, later)
    for run in (early, late):
        for number in range(30):
            see(run, repost(number, later + number * SECOND_MS, known=root(began_ms=later - 1)))
    assert (0, 1) == (len(early.state.spreads) - 1, len(late.state.spreads) - 1)
    assert finding(early, later + HOUR_MS) == finding(late, later + HOUR_MS)


def test_after_a_week_nothing_counts() -> None:
    """A repost of an old post is no news."""
    run = quiet_unit()
    assert [] == all_seen(run, [repost(number, NOW + 7 * DAY_MS + number * SECOND_MS) for number in range(200)])
    assert {} == run.state.spreads


def test_a_gap_of_a_month_is_silence() -> None:
    """What was on its way before has ended; what comes after is judged afresh."""
    run = quiet_unit()
    for one in quick(15):
        see(run, one)
    later = NOW + 30 * DAY_MS
    run.pass_time(later)
    began = root(began_ms=later)
    stream = [repost(number, later + (number + 1) * 6 * SECOND_MS, known=began) for number in range(100)]
    (signal,) = all_seen(run, stream)
    assert finding(run, signal.at_ms).detection.window_s < 600
