"""The laws that hold for all detectors: whoever writes a detector gets these tests for nothing.

In: a detector and hypothesis' `draw`. A law draws a stream of insights, drives the detector as the engine does
(`advance`, then `observe` or `retract`, then `evaluate`, with a time that never goes back), and fails with an
AssertionError. `LAWS` lists them; `tests/property/test_detector_laws.py` holds every detector of the engine to each.

A detector for which a law cannot hold (one whose subject are reposts, or absence) is named in `EXCEPTIONS`, with the
reason.
"""

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st

from pipeline.detectors.detector import Detector, Finding
from pipeline.detectors.surge import GRACE_MS
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


class Run:
    """A detector, its state and its clock, driven as the engine drives it."""

    def __init__(self, detector: Detector, saved: bytes | None = None, now_ms: int = START_MS) -> None:
        self.detector = detector
        self.now_ms = now_ms
        self.state = detector.state_type() if saved is None else msgspec.msgpack.decode(
            saved, type=detector.state_type, dec_hook=decode_hook
        )  # fmt: skip

    def see(self, insight: Insight) -> bool:
        """An insight arrives."""
        self.pass_time(int(insight.event_time))
        return self.detector.observe(self.state, insight, self.now_ms)

    def pass_time(self, to_ms: int) -> Finding:
        """It is `to_ms`, or later already."""
        self.now_ms = max(self.now_ms, to_ms)
        self.detector.advance(self.state, self.now_ms, frozen=False)
        return self.finding()

    def take_back(self, insight_id: str) -> int | None:
        """An insight is deleted."""
        return self.detector.retract(self.state, insight_id)

    def finding(self) -> Finding:
        """What the detector sees now."""
        return self.detector.evaluate(self.state, self.now_ms)

    def saved(self) -> bytes:
        """The state as it is written."""
        return msgspec.msgpack.encode(self.state, enc_hook=encode_hook)

    def restored(self) -> "Run":
        """The same, in another process."""
        return Run(self.detector, self.saved(), self.now_ms)


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
    begin = st.integers(0, 59)
    return st.builds(_stream, begin, st.lists(one, min_size=min_size, max_size=max_size))


def _stream(begin_minute: int, steps: list[tuple[int, int, str, InsightKind]]) -> list[Insight]:
    made, now = [], START_MS + begin_minute * MINUTE_MS
    for number, (gap_ms, author, mood, kind) in enumerate(steps):
        now += gap_ms
        made.append(insight(number, now, author=str(author), mood=mood, kind=kind))
    return made


# The laws


def inputs_unchanged(detector: Detector, draw: Draw) -> None:
    """A detector changes nothing about the insights that it is given."""
    stream = draw(streams())
    before = [encode(insight) for insight in stream]
    run = Run(detector)
    for one in stream:
        run.see(one)
        run.finding()
    assert before == [encode(insight) for insight in stream]


def evaluating_changes_nothing(detector: Detector, draw: Draw) -> None:
    """To look twice is to see the same, and leaves no trace in the state."""
    run = Run(detector)
    for one in draw(streams()):
        run.see(one)
        before = run.saved()
        assert run.finding() == run.finding()
        assert before == run.saved()


def state_survives_a_round_trip(detector: Detector, draw: Draw) -> None:
    """A state that was written and read back behaves as the one that stayed in memory: nothing else is remembered."""
    stream = draw(streams())
    cut = draw(st.integers(0, len(stream)))
    stayed = Run(detector)
    for one in stream[:cut]:
        stayed.see(one)
    moved = stayed.restored()
    for one in stream[cut:]:
        assert stayed.see(one) == moved.see(one)
        assert stayed.finding() == moved.finding()
    assert stayed.saved() == moved.saved()


def a_duplicate_changes_nothing(detector: Detector, draw: Draw) -> None:
    """The same insight again, at once or hours later, leaves the state as time alone leaves it."""
    stream = draw(streams(min_size=1))
    run = Run(detector)
    for place, one in enumerate(stream):
        run.see(one)
        again = stream[draw(st.integers(0, place))]
        before = run.saved()
        run.see(again)
        assert before == run.saved()


def order_within_the_grace_changes_nothing(detector: Detector, draw: Draw) -> None:
    """Insights that come at most the grace period late lead to what they would have led to in order."""
    stream = draw(streams(min_size=2, max_size=12))
    random = Random(draw(st.integers(0, 2**32)))
    end = int(stream[-1].event_time) + draw(st.integers(0, 3 * 60)) * MINUTE_MS
    in_order = [_after(detector, stream, end + hours * HOUR_MS) for hours in range(3)]
    for _ in range(10):
        late = sorted(stream, key=lambda one: int(one.event_time) + random.randint(0, GRACE_MS))
        assert in_order == [_after(detector, late, end + hours * HOUR_MS) for hours in range(3)], [
            one.id for one in late
        ]


def _after(detector: Detector, stream: list[Insight], end_ms: int) -> Finding:
    """What is seen in the end."""
    run = Run(detector)
    for one in stream:
        run.see(one)
    return run.pass_time(end_ms)


def silence_raises_nothing(detector: Detector, draw: Draw) -> None:
    """Where nothing is said nothing is found, neither at the start nor after a busy day."""
    run = Run(detector)
    for one in draw(streams()):
        run.see(one)
    busy_until = run.now_ms + 2 * HOUR_MS
    silent = Run(detector)
    for gap_ms in draw(st.lists(st.integers(0, 3 * DAY_MS), max_size=20)):
        assert not silent.pass_time(silent.now_ms + gap_ms).active
        assert not run.pass_time(max(busy_until, run.now_ms) + gap_ms).active


def retract_undoes_observe(detector: Detector, draw: Draw) -> None:
    """An insight that is taken back within the grace period was never there, and its time is told."""
    stream = draw(streams(min_size=1))
    gone = draw(st.sampled_from(stream))
    stays = draw(st.integers(0, GRACE_MS))
    with_it, without = Run(detector), Run(detector)
    waiting = True
    for one in stream:
        if one.event_time > gone.event_time + stays and waiting:
            waiting = False
            _take_back(with_it, without, gone, stays)
        with_it.see(one)
        without.pass_time(int(one.event_time)) if one is gone else without.see(one)
    if waiting:
        _take_back(with_it, without, gone, stays)
    assert with_it.saved() == without.saved()
    assert with_it.finding() == without.finding()


def _take_back(with_it: Run, without: Run, gone: Insight, stays_ms: int) -> None:
    at = int(gone.event_time) + stays_ms
    with_it.pass_time(at)
    without.pass_time(at)
    assert with_it.take_back(gone.id) in (int(gone.event_time), None)
    assert with_it.take_back(gone.id) is None, "what is gone cannot be taken back"


def reposts_and_answers_never_count(detector: Detector, draw: Draw) -> None:
    """A repost is no complaint of its own, and the company's answers are none at all."""
    kinds: tuple[InsightKind, ...] = ("post", "repost", "answer", "delete")
    run = Run(detector)
    for one in draw(streams(kinds=kinds)):
        run.pass_time(int(one.event_time))
        before = run.saved()
        counted = run.see(one)
        if one.kind != "post":
            assert not counted
            assert before == run.saved()


def one_author_counts_once(detector: Detector, draw: Draw) -> None:
    """However much one person writes: it is one person. Alone he raises nothing; his second post adds nobody."""
    alone = Run(detector)
    for one in draw(streams(authors=1, moods=("negative",))):
        alone.see(one)
        assert not alone.finding().active
        assert alone.finding().detection.distinct_authors <= 1
    once, often = Run(detector), Run(detector)
    for number, one in enumerate(draw(streams())):
        once.see(one)
        often.see(one)
        often.see(msgspec.structs.replace(one, id=f"again:{number}"))
        first, second = once.finding(), often.finding()
        assert first.detection.distinct_authors == second.detection.distinct_authors
        assert (first.active, first.severity) == (second.active, second.severity)


def state_is_bounded(detector: Detector, draw: Draw) -> None:
    """Ten thousand people within a drawn time leave a state of bounded size."""
    spread_ms = draw(st.sampled_from((MINUTE_MS, HOUR_MS, 3 * HOUR_MS, 2 * DAY_MS, 90 * DAY_MS)))
    run = Run(detector)
    largest = 0
    for number in range(10_000):
        run.see(insight(number, START_MS + number * spread_ms // 10_000, author=f"{number:032x}"))
        if number % 500 == 499:
            largest = max(largest, len(run.saved()))
    assert largest <= STATE_BYTES_MAX


LAWS: tuple[Law, ...] = (
    inputs_unchanged,
    evaluating_changes_nothing,
    state_survives_a_round_trip,
    a_duplicate_changes_nothing,
    order_within_the_grace_changes_nothing,
    silence_raises_nothing,
    retract_undoes_observe,
    reposts_and_answers_never_count,
    one_author_counts_once,
)
SLOW_LAWS: tuple[Law, ...] = (state_is_bounded,)
"""Laws of which a few examples are enough."""
