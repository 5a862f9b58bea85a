"""The laws that hold for all detectors: whoever writes a detector gets these tests for nothing.

In: a detector and hypothesis' `draw`. A law draws a stream of insights of the kind that the detector is about
(`tests/streams.py`), drives the detector as the engine does (`tests/detector_run.py`), and fails with an
AssertionError. `LAWS` lists them; `tests/property/test_detector_laws.py` holds every detector of the engine to each.

A detector for which a law cannot hold (one whose subject are reposts, or absence) is named in `EXCEPTIONS`, with the
reason.
"""

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st

from pipeline.detectors.detector import Detector, Signal
from schemas.codec import encode
from schemas.insight import Insight, InsightKind
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS
from tests.detector_run import Run
from tests.streams import START_MS, SUBJECTS, about, insight, streams

STATE_BYTES_MAX = 256 * 1024
"""What a detector may keep of one unit, whatever is said about it."""

Draw = Callable[[st.SearchStrategy[Any]], Any]
Law = Callable[[Detector, Draw], None]

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("severe", "one_author_raises_nothing"): "one post is enough",
    ("influential", "one_author_raises_nothing"): "one author is enough",
    ("recovery", "one_author_raises_nothing"): "one customer is enough",
    ("recovery", "one_author_counts_once"): "what a customer says again makes it worse",
    ("cascade", "reposts_never_count"): "reposts are its subject",
    ("cascade", "a_late_word_is_judged_where_it_counts"): "a post is judged once, by all that is known of it",
    ("cascade", "retract_undoes_observe"): "who passes a post on twice and takes one back counts no more",
    ("cascade", "what_is_held_can_be_taken_back"): "a deleted post is remembered, so that later reposts raise nothing",
}
"""(name of the detector, name of the law) -> why it does not hold there."""


def _time(insight: Insight) -> int:
    return int(insight.event_time)


def inputs_unchanged(detector: Detector, draw: Draw) -> None:
    """A detector changes nothing about the insights that it is given, nor itself: all it keeps is in the state."""
    stream = draw(streams(detector.name))
    before, itself = [encode(insight) for insight in stream], repr(sorted(vars(detector).items()))
    run = Run(detector)
    for one in stream:
        run.pass_time(_time(one))
        run.see(one)
    assert before == [encode(insight) for insight in stream]
    assert itself == repr(sorted(vars(detector).items()))


def looking_changes_nothing(detector: Detector, draw: Draw) -> None:
    """To look twice is to see the same, and leaves no trace in the state."""
    run = Run(detector)
    for one in draw(streams(detector.name)):
        run.see(one)
        before, now = run.saved(), _time(one)
        assert detector.judge(run.state, one) == detector.judge(run.state, one)
        assert run.all_at(now) == run.all_at(now)
        assert (run.signals(now), run.calm(now)) == (run.signals(now), run.calm(now))
        assert before == run.saved()


def a_signal_is_what_is_found(detector: Detector, draw: Draw) -> None:
    """In whatever order insights come: there is a signal where all that is to be seen would raise an alert, and nowhere
    else, and it is as severe. What an insight makes of things is one signal of a cause, and that is one of these."""
    stream = draw(streams(detector.name))
    Random(draw(st.integers(0, 2**32))).shuffle(stream)
    run = Run(detector)
    for one in stream:
        run.pass_time(_time(one) - draw(st.integers(0, 3)) * HOUR_MS)
        seen = run.see(one)
        if seen is None:
            continue
        for at_ms in (_time(other) for other in stream):
            found = zip(run.causes, run.all_at(at_ms), strict=True)
            expected = [Signal(at_ms, one.severity, cause, one.grown_past) for cause, one in found if one.active]
            assert expected == run.signals(at_ms)
        assert len(seen.signals) == len({signal.cause for signal in seen.signals})
        for signal in seen.signals:
            assert signal == detector.signal(run.state, signal.cause, signal.at_ms)


def a_late_word_is_judged_where_it_counts(detector: Detector, draw: Draw) -> None:
    """Whatever comes out of order: what is to be seen at its own time is told at once, or something worse is."""
    stream = draw(streams(detector.name))
    Random(draw(st.integers(0, 2**32))).shuffle(stream)
    run = Run(detector)
    for one in stream:
        seen = run.see(one)
        told = {signal.cause: signal.severity for signal in seen.signals} if seen else {}
        for cause, finding in zip(run.causes, seen.findings, strict=True) if seen else ():
            if finding.active and one.id in {evidence.post_id for evidence in finding.evidence}:
                assert told.get(cause, 0) >= finding.severity


def no_calm_where_there_is_a_signal(detector: Detector, draw: Draw) -> None:
    """What would raise an alert does not end one."""
    stream = draw(streams(detector.name, min_size=1))
    run = Run(detector)
    for one in stream:
        run.see(one)
    for at_ms in range(_time(stream[0]), _time(stream[-1]) + 2 * HOUR_MS, 7 * MINUTE_MS):
        assert not {signal.cause for signal in run.signals(at_ms)} & set(run.calm(at_ms))


def what_has_ended_is_not_told_again(detector: Detector, draw: Draw) -> None:
    """An alert that ends when all is calm does not come back for what it told, whatever time is asked about, as long
    as nobody says anything new."""
    stream = draw(streams(detector.name, min_size=1))
    run = Run(detector)
    for one in stream:
        run.see(one)
    now = _time(stream[-1])
    ended: set[str] = set()
    while set(run.causes) > ended:
        now += draw(st.integers(1, 300)) * MINUTE_MS
        for cause in run.calm(now):
            detector.freeze(run.state, cause, _time(stream[-1]), now)
            detector.end(run.state, cause, now)
            ended.add(cause)
        assert not ended & {signal.cause for signal in run.signals(now)}
    for later in range(now, now + 26 * HOUR_MS, HOUR_MS):
        assert [] == run.signals(later)


def what_is_held_can_be_taken_back(detector: Detector, draw: Draw) -> None:
    """`holds` says whether there is something to `retract`, and after that there is nothing."""
    stream = draw(streams(detector.name))
    run = Run(detector)
    for one in stream:
        run.see(one)
        if draw(st.booleans()):
            run.pass_time(_time(one))
    for one in stream:
        held = detector.holds(run.state, one.id)
        assert held == (detector.retract(run.state, one.id) is not None)
        assert not detector.holds(run.state, one.id)


def state_survives_a_round_trip(detector: Detector, draw: Draw) -> None:
    """A state that was written and read back behaves as the one that stayed in memory: nothing else is remembered."""
    stream = draw(streams(detector.name))
    cut = draw(st.integers(0, len(stream)))
    stayed = Run(detector)
    for one in stream[:cut]:
        stayed.see(one)
        stayed.pass_time(_time(one))
    moved = stayed.restored()
    for one in stream[cut:]:
        assert stayed.see(one) == moved.see(one)
        stayed.pass_time(_time(one))
        moved.pass_time(_time(one))
    assert stayed.saved() == moved.saved()


def a_duplicate_changes_nothing(detector: Detector, draw: Draw) -> None:
    """The same insight again, at once or while it is still in some window, leaves no trace in the state."""
    stream = draw(streams(detector.name, min_size=1))
    run = Run(detector)
    for place, one in enumerate(stream):
        run.see(one)
        window_ms = SUBJECTS[detector.name].window_ms
        recent = [other for other in stream[: place + 1] if _time(one) - _time(other) < window_ms]
        again = draw(st.sampled_from(recent))
        before = run.saved()
        assert run.see(again) is None
        assert before == run.saved()
        run.pass_time(_time(one))


def order_changes_nothing(detector: Detector, draw: Draw) -> None:
    """In whatever order insights come that the watermark has not passed: in the end the same is to be seen."""
    stream = draw(streams(detector.name, min_size=2, max_size=12))
    mixed = list(stream)
    in_order = Run(detector)
    for one in stream:
        in_order.see(one)
    random = Random(draw(st.integers(0, 2**32)))
    for _ in range(5):
        random.shuffle(mixed)
        run = Run(detector)
        for one in mixed:
            run.see(one)
        assert in_order.seen(_time(stream[0])) == run.seen(_time(stream[0])), [one.id for one in mixed]


def order_within_the_grace_changes_nothing(detector: Detector, draw: Draw) -> None:
    """Insights that come at most the grace period behind the watermark lead to what they would have led to in time."""
    stream = draw(streams(detector.name, min_size=2, max_size=12))
    random = Random(draw(st.integers(0, 2**32)))
    in_time = Run(detector)
    for one in stream:
        in_time.see(one)
        in_time.pass_time(_time(one))
    end = _time(stream[-1])
    for _ in range(5):
        late = sorted(stream, key=lambda one: _time(one) + random.randint(0, SUBJECTS[detector.name].grace_ms))
        run = Run(detector)
        for one in late:
            run.see(one)
            run.pass_time(_time(one))
        assert in_time.seen(end) == run.seen(end), [one.id for one in late]


def the_watermark_changes_nothing(detector: Detector, draw: Draw) -> None:
    """How far the watermark has come decides what is forgotten, never what is found."""
    stream = draw(streams(detector.name, min_size=1))
    without, behind = Run(detector), Run(detector)
    for one in stream:
        behind.pass_time(_time(one) + draw(st.integers(-6 * HOUR_MS, SUBJECTS[detector.name].grace_ms)))
        assert without.see(one) == behind.see(one)
    end = max(_time(stream[-1]), behind.watermark_ms)
    assert without.seen(end) == behind.seen(end)


def silence_raises_nothing(detector: Detector, draw: Draw) -> None:
    """Where nothing is said nothing is found, neither at the start nor after a busy day."""
    run, silent = Run(detector), Run(detector)
    now = START_MS
    for one in draw(streams(detector.name)):
        run.see(one)
        now = _time(one)
    now += SUBJECTS[detector.name].window_ms + MINUTE_MS
    for gap_ms in draw(st.lists(st.integers(0, 3 * DAY_MS), min_size=1, max_size=20)):
        now += gap_ms
        run.pass_time(now)
        assert [] == run.signals(now) == silent.signals(now)
        assert not any(finding.active for finding in (*run.all_at(now), *silent.all_at(now)))


def retract_undoes_observe(detector: Detector, draw: Draw) -> None:
    """An insight that is taken back in its window was never there, and its time is told."""
    stream = draw(streams(detector.name, min_size=2, max_size=12, authors=2))
    place = draw(st.integers(1, len(stream) - 1))
    stays = draw(st.integers(0, 60)) * MINUTE_MS
    gone, taken = stream[place], False
    with_it, without = Run(detector), Run(detector)
    for one in stream:
        if not taken and _time(one) > _time(gone) + stays:
            _take_back(with_it, without, gone, stays)
            taken = True
        with_it.see(one)
        if one is not gone:
            without.see(one)
        with_it.pass_time(_time(one))
        without.pass_time(_time(one))
    if not taken:
        _take_back(with_it, without, gone, stays)
    end = max(_time(stream[-1]), with_it.watermark_ms)
    assert without.seen(end) == with_it.seen(end)


def _take_back(with_it: Run, without: Run, gone: Insight, stays_ms: int) -> None:
    with_it.pass_time(_time(gone) + stays_ms)
    without.pass_time(_time(gone) + stays_ms)
    assert with_it.take_back(gone.id) in (_time(gone), None)
    assert with_it.take_back(gone.id) is None, "what is gone cannot be taken back"


def reposts_never_count(detector: Detector, draw: Draw) -> None:
    """A repost is no complaint of its own: it is like neutral words."""
    _counts_as_neutral(detector, draw, "repost")


def answers_never_count(detector: Detector, draw: Draw) -> None:
    """The company's answers are no complaints: they are like neutral words."""
    _counts_as_neutral(detector, draw, "answer")


def _counts_as_neutral(detector: Detector, draw: Draw, kind: InsightKind) -> None:
    stream = draw(streams(detector.name, kinds=("post", kind), min_size=1))
    run, plain = Run(detector), Run(detector)
    for number, one in enumerate(stream):
        if one.kind == "post":
            assert plain.see(one) == run.see(one)
        else:
            assert run.see(one) is None
            plain.see(insight(number, _time(one), mood="neutral"))
    assert plain.seen(_time(stream[0])) == run.seen(_time(stream[0]))


def one_author_raises_nothing(detector: Detector, draw: Draw) -> None:
    """However much one person writes: alone he raises nothing."""
    alone = Run(detector)
    for one in draw(streams(detector.name, authors=1, moods=("negative",))):
        seen = alone.see(one)
        assert seen is None or () == seen.signals


def one_author_counts_once(detector: Detector, draw: Draw) -> None:
    """However much one person writes: it is one person. Whatever he says again adds nobody."""
    once, often = Run(detector), Run(detector)
    for number, one in enumerate(draw(streams(detector.name))):
        once.see(one)
        often.see(one)
        often.see(msgspec.structs.replace(one, id=f"again:{number}"))
        for first, second in zip(once.all_at(_time(one)), often.all_at(_time(one)), strict=True):
            assert first.detection.distinct_authors == second.detection.distinct_authors
            assert first.detection.p_value == second.detection.p_value
            assert first.amplification == second.amplification
            assert (first.active, first.severity) == (second.active, second.severity)


def state_is_bounded(detector: Detector, draw: Draw) -> None:
    """Ten thousand people within a drawn time leave a state of bounded size."""
    spread_ms = draw(st.sampled_from((MINUTE_MS, HOUR_MS, 3 * HOUR_MS, 2 * DAY_MS, 90 * DAY_MS)))
    kind, run = SUBJECTS[detector.name].kinds[0], Run(detector)
    largest = 0
    for number in range(10_000):
        now = START_MS + number * spread_ms // 10_000
        one = about(detector.name, insight(number, now, author=f"{number:032x}", kind=kind), number)
        run.pass_time(now)
        detector.advance(run.state, run.watermark_ms)
        detector.observe(run.state, one)
        if number % 500 == 499:
            largest = max(largest, len(run.saved()))
    assert largest <= STATE_BYTES_MAX


LAWS: tuple[Law, ...] = (
    inputs_unchanged,
    looking_changes_nothing,
    a_signal_is_what_is_found,
    a_late_word_is_judged_where_it_counts,
    no_calm_where_there_is_a_signal,
    what_has_ended_is_not_told_again,
    what_is_held_can_be_taken_back,
    state_survives_a_round_trip,
    a_duplicate_changes_nothing,
    order_changes_nothing,
    order_within_the_grace_changes_nothing,
    the_watermark_changes_nothing,
    silence_raises_nothing,
    retract_undoes_observe,
    reposts_never_count,
    answers_never_count,
    one_author_raises_nothing,
    one_author_counts_once,
)
SLOW_LAWS: tuple[Law, ...] = (state_is_bounded,)
"""Laws of which a few examples are enough."""
