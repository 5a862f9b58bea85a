"""The laws that hold for all detectors: whoever writes a detector gets these tests for nothing.

In: a detector and hypothesis' `draw`. A law draws a stream of insights, drives the detector as the engine does
(`advance` to the watermark, then `observe` or `retract`, then `judge`), and fails with an AssertionError. `LAWS` lists
them; `tests/property/test_detector_laws.py` holds every detector of the engine to each.

A detector for which a law cannot hold (one whose subject are reposts, or absence) is named in `EXCEPTIONS`, with the
reason.
"""

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from pipeline.detectors.detector import Detector, Finding, Signal
from pipeline.detectors.surge import GRACE_MS, WINDOW_MS
from schemas.codec import decode_hook, encode, encode_hook
from schemas.insight import Insight, InsightKind, Routing, Sentiment
from schemas.record import Source
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, Millis

START_MS = 20_000 * DAY_MS
"""An arbitrary day; every time in a law is relative to it."""
STATE_BYTES_MAX = 256 * 1024
"""What a detector may keep of one unit, whatever is said about it."""

Draw = Callable[[st.SearchStrategy[Any]], Any]
Law = Callable[[Detector, Draw], None]

EXCEPTIONS: dict[tuple[str, str], str] = {}
"""(name of the detector, name of the law) -> why it does not hold there."""


class Seen(NamedTuple):
    """What an insight makes of things: the worst of its windows, if that would raise an alert, and its own window."""

    signal: Signal | None
    finding: Finding


class Run:
    """A detector, its state and the watermark, driven as the engine drives it."""

    def __init__(self, detector: Detector, saved: bytes | None = None, watermark_ms: int = -1) -> None:
        self.detector = detector
        self.watermark_ms = watermark_ms
        self.state = detector.state_type() if saved is None else msgspec.msgpack.decode(
            saved, type=detector.state_type, dec_hook=decode_hook
        )  # fmt: skip

    def pass_time(self, watermark_ms: int) -> None:
        """Nothing earlier than this will come."""
        self.watermark_ms = max(self.watermark_ms, watermark_ms)

    def see(self, insight: Insight) -> Seen | None:
        """An insight arrives. What it makes of things, None if it makes no difference."""
        self._advance()
        if not self.detector.observe(self.state, insight):
            return None
        at_ms = int(insight.event_time)
        return Seen(self.detector.judge(self.state, at_ms), self.at(at_ms))

    def take_back(self, insight_id: str) -> int | None:
        """An insight is deleted."""
        self._advance()
        return self.detector.retract(self.state, insight_id)

    def at(self, time_ms: int) -> Finding:
        """What is to be seen at a time."""
        return self.detector.evaluate(self.state, time_ms)

    def seen(self, from_ms: int) -> list[Finding]:
        """What is to be seen from a time on: what two runs have to agree on."""
        return [self.at(from_ms + step * 10 * MINUTE_MS) for step in range(4 * 6)]

    def saved(self) -> bytes:
        """The state as it is written."""
        return msgspec.msgpack.encode(self.state, enc_hook=encode_hook)

    def restored(self) -> "Run":
        """The same, in another process."""
        return Run(self.detector, self.saved(), self.watermark_ms)

    def _advance(self) -> None:
        if self.watermark_ms >= 0:
            self.detector.advance(self.state, self.watermark_ms)


def insight(
    number: int,
    time_ms: int,
    *,
    author: str | None = "a",
    mood: str = "negative",
    kind: InsightKind = "post",
    unit_id: str = "store-17",
) -> Insight:
    """One insight; `number` names it."""
    compound = {"negative": -0.6, "neutral": 0.0, "positive": 0.6}[mood]
    return Insight(
        id=f"x:{number}",
        kind=kind,
        unit_id=unit_id,
        channel="x",
        author=None if author is None else f"hmac:{author}",
        event_time=Millis(time_ms),
        sentiment=Sentiment(compound=compound, label=mood, confidence=abs(compound), model="test/1"),  # type: ignore[arg-type]
        thread=f"x:{number}",
        text_ref=f"x:{number}",
        routing=Routing(rule="hint", confidence=0.9),
        source=Source(topic="cem.posts", partition=0, offset=number, index=1),
    )


def streams(
    *,
    moods: tuple[str, ...] = ("negative", "negative", "negative", "neutral", "positive"),
    kinds: tuple[InsightKind, ...] = ("post", "reply", "review", "feedback"),
    authors: int = 12,
    min_size: int = 0,
    max_size: int = 30,
) -> st.SearchStrategy[list[Insight]]:
    """Insights in order of time over a few hours, in bursts: many are minutes apart, some hours. Times are mostly whole
    minutes, so that what happens just at a border happens often."""
    minutes = st.integers(0, 3) | st.integers(0, 10) | st.integers(0, 40) | st.sampled_from((50, 60, 300))
    gaps_ms = st.builds(lambda gap, more: gap * MINUTE_MS + more, minutes, st.sampled_from((0, 0, 1, MINUTE_MS - 1)))
    one = st.tuples(gaps_ms, st.integers(1, authors), st.sampled_from(moods), st.sampled_from(kinds))
    return st.builds(_stream, st.integers(0, 59), st.lists(one, min_size=min_size, max_size=max_size))


def _stream(begin_minute: int, steps: list[tuple[int, int, str, InsightKind]]) -> list[Insight]:
    made, now = [], START_MS + begin_minute * MINUTE_MS
    for number, (gap_ms, author, mood, kind) in enumerate(steps):
        now += gap_ms
        made.append(insight(number, now, author=str(author), mood=mood, kind=kind))
    return made


def _time(insight: Insight) -> int:
    return int(insight.event_time)


# The laws


def inputs_unchanged(detector: Detector, draw: Draw) -> None:
    """A detector changes nothing about the insights that it is given, nor itself: all it keeps is in the state."""
    stream = draw(streams())
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
    for one in draw(streams()):
        run.see(one)
        before = run.saved()
        assert detector.judge(run.state, _time(one)) == detector.judge(run.state, _time(one))
        assert run.at(_time(one)) == run.at(_time(one))
        assert detector.signal(run.state, _time(one)) == detector.signal(run.state, _time(one))
        assert before == run.saved()


def a_signal_is_what_is_found(detector: Detector, draw: Draw) -> None:
    """In whatever order insights come: there is a signal where all that is to be seen would raise an alert, and nowhere
    else, and it is as severe. The worst of an insight's windows is one of them."""
    stream = draw(streams())
    Random(draw(st.integers(0, 2**32))).shuffle(stream)
    run = Run(detector)
    for one in stream:
        run.pass_time(_time(one) - draw(st.integers(0, 3)) * HOUR_MS)
        seen = run.see(one)
        if seen is None:
            continue
        for at_ms in (_time(other) for other in stream):
            finding = run.at(at_ms)
            expected = Signal(at_ms, finding.severity) if finding.active else None
            assert expected == detector.signal(run.state, at_ms)
        if seen.signal is not None:
            assert seen.signal == detector.signal(run.state, seen.signal.at_ms)
            assert seen.signal.severity >= seen.finding.severity


def state_survives_a_round_trip(detector: Detector, draw: Draw) -> None:
    """A state that was written and read back behaves as the one that stayed in memory: nothing else is remembered."""
    stream = draw(streams())
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
    stream = draw(streams(min_size=1))
    run = Run(detector)
    for place, one in enumerate(stream):
        run.see(one)
        recent = [other for other in stream[: place + 1] if _time(one) - _time(other) < WINDOW_MS]
        again = draw(st.sampled_from(recent))
        before = run.saved()
        assert run.see(again) is None
        assert before == run.saved()
        run.pass_time(_time(one))


def order_changes_nothing(detector: Detector, draw: Draw) -> None:
    """In whatever order insights come that the watermark has not passed: in the end the same is to be seen."""
    stream = draw(streams(min_size=2, max_size=12))
    mixed = list(stream)
    in_order = Run(detector)
    for one in stream:
        in_order.see(one)
    random = Random(draw(st.integers(0, 2**32)))
    for _ in range(10):
        random.shuffle(mixed)
        run = Run(detector)
        for one in mixed:
            run.see(one)
        assert in_order.seen(_time(stream[0])) == run.seen(_time(stream[0])), [one.id for one in mixed]


def order_within_the_grace_changes_nothing(detector: Detector, draw: Draw) -> None:
    """Insights that come at most the grace period behind the watermark lead to what they would have led to in time."""
    stream = draw(streams(min_size=2, max_size=12))
    random = Random(draw(st.integers(0, 2**32)))
    in_time = Run(detector)
    for one in stream:
        in_time.see(one)
        in_time.pass_time(_time(one))
    end = _time(stream[-1])
    for _ in range(10):
        late = sorted(stream, key=lambda one: _time(one) + random.randint(0, GRACE_MS))
        run = Run(detector)
        for one in late:
            run.see(one)
            run.pass_time(_time(one))
        assert in_time.seen(end) == run.seen(end), [one.id for one in late]


def the_watermark_changes_nothing(detector: Detector, draw: Draw) -> None:
    """How far the watermark has come decides what is forgotten, never what is found."""
    stream = draw(streams(min_size=1))
    without, behind = Run(detector), Run(detector)
    for one in stream:
        behind.pass_time(_time(one) + draw(st.integers(-6 * HOUR_MS, GRACE_MS)))
        assert without.see(one) == behind.see(one)
    end = max(_time(stream[-1]), behind.watermark_ms)
    assert without.seen(end) == behind.seen(end)


def silence_raises_nothing(detector: Detector, draw: Draw) -> None:
    """Where nothing is said nothing is found, neither at the start nor after a busy day."""
    run, silent = Run(detector), Run(detector)
    now = START_MS
    for one in draw(streams()):
        run.see(one)
        now = _time(one)
    now += 2 * HOUR_MS
    for gap_ms in draw(st.lists(st.integers(0, 3 * DAY_MS), max_size=20)):
        now += gap_ms
        run.pass_time(now)
        assert not run.at(now).active
        assert not silent.at(now).active


def retract_undoes_observe(detector: Detector, draw: Draw) -> None:
    """An insight that is taken back in its window was never there, and its time is told."""
    stream = draw(streams(min_size=2, max_size=12, authors=2))
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


def reposts_and_answers_never_count(detector: Detector, draw: Draw) -> None:
    """A repost is no complaint of its own, and the company's answers are none at all: like neutral words."""
    kinds: tuple[InsightKind, ...] = ("post", "repost", "answer")
    stream = draw(streams(kinds=kinds, min_size=1))
    run, plain = Run(detector), Run(detector)
    for number, one in enumerate(stream):
        if one.kind == "post":
            assert plain.see(one) == run.see(one)
        else:
            assert run.see(one) is None
            plain.see(insight(number, _time(one), mood="neutral"))
    assert plain.seen(_time(stream[0])) == run.seen(_time(stream[0]))


def one_author_counts_once(detector: Detector, draw: Draw) -> None:
    """However much one person writes: it is one person. Alone he raises nothing; his second post adds nobody."""
    alone = Run(detector)
    for one in draw(streams(authors=1, moods=("negative",))):
        seen = alone.see(one)
        assert seen is None or (seen.signal is None and seen.finding.detection.distinct_authors == 1)
    once, often = Run(detector), Run(detector)
    for number, one in enumerate(draw(streams())):
        once.see(one)
        often.see(one)
        often.see(msgspec.structs.replace(one, id=f"again:{number}"))
        first, second = once.at(_time(one)), often.at(_time(one))
        assert first.detection.distinct_authors == second.detection.distinct_authors
        assert first.detection.p_value == second.detection.p_value
        assert (first.active, first.severity) == (second.active, second.severity)


def state_is_bounded(detector: Detector, draw: Draw) -> None:
    """Ten thousand people within a drawn time leave a state of bounded size."""
    spread_ms = draw(st.sampled_from((MINUTE_MS, HOUR_MS, 3 * HOUR_MS, 2 * DAY_MS, 90 * DAY_MS)))
    run = Run(detector)
    largest = 0
    for number in range(10_000):
        one = insight(number, START_MS + number * spread_ms // 10_000, author=f"{number:032x}")
        run.pass_time(_time(one))
        detector.advance(run.state, run.watermark_ms)
        detector.observe(run.state, one)
        if number % 500 == 499:
            largest = max(largest, len(run.saved()))
    assert largest <= STATE_BYTES_MAX


LAWS: tuple[Law, ...] = (
    inputs_unchanged,
    looking_changes_nothing,
    a_signal_is_what_is_found,
    state_survives_a_round_trip,
    a_duplicate_changes_nothing,
    order_changes_nothing,
    order_within_the_grace_changes_nothing,
    the_watermark_changes_nothing,
    silence_raises_nothing,
    retract_undoes_observe,
    reposts_and_answers_never_count,
    one_author_counts_once,
)
SLOW_LAWS: tuple[Law, ...] = (state_is_bounded,)
"""Laws of which a few examples are enough."""
