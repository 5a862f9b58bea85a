"""What the surge detector keeps is bounded, whatever the watermark does, and long stretches of time cost nothing."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.baseline import Baseline
from pipeline.detectors.surge import HOURS_MAX, WINDOW_MS, SurgeDetector
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, TIME_MS_MAX
from tests.checks import START_MS, Run, insight

STRETCHES = st.lists(st.tuples(st.integers(-600, 6000), st.integers(0, 2000)), max_size=5)
"""Begin and length in minutes."""


def _complaints(run: Run, hours: int, *, ticks: bool) -> None:
    """Two people an hour."""
    for number in range(2 * hours):
        one = insight(number, START_MS + number * HOUR_MS // 2, author=str(number))
        if ticks:
            run.pass_time(int(one.event_time))
        run.see(one)


def test_where_no_tick_comes_the_oldest_hours_are_learned_all_the_same() -> None:
    """After 90 days without a tick two days wait to be learned, and as much is known as if time had passed."""
    without, ticked = Run(SurgeDetector()), Run(SurgeDetector())
    _complaints(without, 90 * 24, ticks=False)
    _complaints(ticked, 90 * 24, ticks=True)
    assert len(without.state.hours) == HOURS_MAX
    assert min(without.state.hours) == START_MS + (90 * 24 - HOURS_MAX) * HOUR_MS
    end = START_MS + 90 * DAY_MS
    assert ticked.seen(end) == without.seen(end)


def test_what_the_watermark_leaves_open_is_not_learned_early() -> None:
    """Two days may wait: a watermark that lags by less decides nothing."""
    run = Run(SurgeDetector())
    _complaints(run, HOURS_MAX, ticks=False)
    assert HOURS_MAX == len(run.state.hours)
    assert run.state.baseline == Baseline()


def _frozen(stretches: list[tuple[int, int]], detector: Any) -> Run:
    run = Run(detector)
    run.see(insight(0, START_MS, mood="neutral"))
    for begin, length in stretches:
        begin_ms = START_MS + begin * MINUTE_MS
        detector.freeze(run.state, begin_ms, begin_ms + length * MINUTE_MS)
    return run


@given(stretches=STRETCHES, hours=st.integers(1, 150))
def test_frozen_hours_are_no_silence(stretches: list[tuple[int, int]], hours: int) -> None:
    """Of the hours before a window those are learned as silence that no frozen stretch touches, each once."""
    run = _frozen(stretches, SurgeDetector())
    frozen = run.state.frozen
    silent = [
        hour
        for hour in range(START_MS, START_MS + hours * HOUR_MS, HOUR_MS)
        if not any(begin < hour + HOUR_MS and hour < end for begin, end in frozen)
    ]
    expected = Baseline()
    expected.learn_silence(len(silent))
    found = run.at(START_MS + hours * HOUR_MS + WINDOW_MS)
    assert round(expected.expected, 4) == found.detection.expected


def test_eight_thousand_years_are_counted_at_once() -> None:
    """A time that a sender made up costs no more than any other, though an alert is open: seventy million hours."""
    run = _frozen([(60, 24 * 60)], SurgeDetector())
    forever = Baseline()
    forever.learn_silence(10**9)
    assert round(forever.expected, 4) == run.at(TIME_MS_MAX).detection.expected
