"""The laws that hold for all detectors: whoever writes a detector gets these tests for nothing.

In: a detector and hypothesis' `draw`. A law draws a stream of insights of the kind that the detector is about
(`SUBJECTS`), drives the detector as the engine does (`advance` to the watermark, then `observe` or `retract`, then
`judge`), and fails with an AssertionError. `LAWS` lists them; `tests/property/test_detector_laws.py` holds every
detector of the engine to each.

A detector for which a law cannot hold (one whose subject are reposts, or absence) is named in `EXCEPTIONS`, with the
reason.
"""

from collections.abc import Callable
from hashlib import blake2b
from random import Random
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from pipeline.detectors import influential, recovery, severe, surge
from pipeline.detectors.detector import Detector, Finding, Signal
from pipeline.spread import IDLE_MS
from schemas.codec import decode_hook, encode, encode_hook
from schemas.insight import Insight, InsightKind, Reach, Root, Routing, Scores, Sentiment, SevereCause
from schemas.record import Source
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, Millis

START_MS = 20_000 * DAY_MS
"""An arbitrary day; every time in a law is relative to it."""
STATE_BYTES_MAX = 256 * 1024
"""What a detector may keep of one unit, whatever is said about it."""

Draw = Callable[[st.SearchStrategy[Any]], Any]
Law = Callable[[Detector, Draw], None]

CUSTOMERS = ("C-a", "C-b")

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


class Subject(NamedTuple):
    """What a detector is about: the causes that streams tell of, how far back it looks and how late an insight may
    come, the kinds of insights that it counts, and how many people talk in a stream."""

    causes: tuple[str, ...]
    window_ms: int
    grace_ms: int
    kinds: tuple[InsightKind, ...] = ("post", "reply", "review", "feedback")
    people: int = 12


SUBJECTS: dict[str, Subject] = {
    "surge": Subject(("surge",), surge.WINDOW_MS, surge.GRACE_MS),
    "severe": Subject(("severe:injury", "severe:illness"), severe.WINDOW_MS, severe.GRACE_MS),
    "influential": Subject(
        ("influential",), influential.WINDOW_MS, influential.GRACE_MS, kinds=("post", "reply", "review")
    ),
    "recovery": Subject(
        tuple(f"recovery:{blake2b(one.encode(), digest_size=8).hexdigest()}" for one in CUSTOMERS),
        recovery.WINDOW_MS,
        recovery.GRACE_MS,
        kinds=("feedback",),
    ),
    "cascade": Subject(("cascade:x:a", "cascade:x:b"), IDLE_MS, 0, kinds=("repost",), people=1000),
}
"""By the names of detectors."""


class Seen(NamedTuple):
    """What an insight makes of things: a signal for each cause for which it would raise an alert, and all that is to
    be seen at its time."""

    signals: tuple[Signal, ...]
    findings: tuple[Finding, ...]


class Run:
    """A detector, its state and the watermark, driven as the engine drives it."""

    def __init__(self, detector: Detector, saved: bytes | None = None, watermark_ms: int = -1) -> None:
        self.detector = detector
        self.watermark_ms = watermark_ms
        self.causes = SUBJECTS[detector.name].causes
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
        return Seen(tuple(self.detector.judge(self.state, insight)), self.all_at(int(insight.event_time)))

    def take_back(self, insight_id: str) -> int | None:
        """An insight is deleted."""
        self._advance()
        return self.detector.retract(self.state, insight_id)

    def at(self, time_ms: int, cause: str | None = None) -> Finding:
        """What is to be seen at a time, of the detector's first cause unless told otherwise."""
        return self.detector.evaluate(self.state, cause or self.causes[0], time_ms)

    def all_at(self, time_ms: int) -> tuple[Finding, ...]:
        """The same of all causes."""
        return tuple(self.at(time_ms, cause) for cause in self.causes)

    def signals(self, time_ms: int) -> list[Signal]:
        """What would raise an alert at a time."""
        found = (self.detector.signal(self.state, cause, time_ms) for cause in self.causes)
        return [signal for signal in found if signal is not None]

    def calm(self, time_ms: int) -> list[str]:
        """The causes whose alerts may end at a time."""
        return [cause for cause in self.causes if self.detector.calm(self.state, cause, time_ms)]

    def seen(self, from_ms: int) -> list[tuple[Finding, ...]]:
        """What is to be seen from a time on: what two runs have to agree on."""
        return [self.all_at(from_ms + step * 10 * MINUTE_MS) for step in range(4 * 6)]

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


def about(name: str, insight: Insight, choice: int) -> Insight:
    """The insight as one that a detector is about: of a severe cause, by somebody with many followers, a repost of one
    of two complaints. `choice` says which."""
    if name == "severe":
        told = ((), ("injury",), ("illness",), ("injury", "illness"))[choice % 4]
        causes = tuple(
            SevereCause(cause=cause, words=cause, department="operations", severity=6 + choice // 4) for cause in told
        )
        return msgspec.structs.replace(insight, severe=causes)
    if name == "influential":
        # Authors with fewer than 10,000 are only counted, not remembered: for them the laws of duplicates and of what
        # is taken back do not hold.
        followers = (None, 10_000, 50_000, 200_000, 3_000_000)[choice % 5]
        return msgspec.structs.replace(insight, reach=Reach(followers=followers))
    if name == "recovery" and insight.kind == "feedback":
        scores = Scores(csat=(1, 2, 3)[choice % 3])
        who = CUSTOMERS[choice // 3 % 2]
        return msgspec.structs.replace(insight, scores=scores, customer_ref=who, contact_consent=choice != 11)
    if name == "cascade" and insight.kind == "repost":
        root = Root(event_time=Millis(START_MS), post=("x:a", "x:b")[choice % 2], label="negative", followers=900)
        words = Sentiment(compound=-0.6, label="negative", confidence=0.6, model="test/1")  # those of its root
        return msgspec.structs.replace(insight, root=root, sentiment=words, reach=Reach(followers=10 * choice))
    return insight


def streams(
    name: str,
    *,
    moods: tuple[str, ...] = ("negative", "negative", "negative", "neutral", "positive"),
    kinds: tuple[InsightKind, ...] | None = None,
    authors: int | None = None,
    min_size: int = 0,
    max_size: int = 30,
) -> st.SearchStrategy[list[Insight]]:
    """Insights that the detector of this name is about, in order of time over a few hours, in bursts: many are minutes
    apart, some hours. Times are mostly whole minutes, so that what happens just at a border happens often."""
    subject = SUBJECTS[name]
    minutes = st.integers(0, 3) | st.integers(0, 10) | st.integers(0, 40) | st.sampled_from((50, 60, 300))
    gaps_ms = st.builds(lambda gap, more: gap * MINUTE_MS + more, minutes, st.sampled_from((0, 0, 1, MINUTE_MS - 1)))
    who = st.integers(1, authors or subject.people)
    one = st.tuples(gaps_ms, who, st.sampled_from(moods), st.sampled_from(kinds or subject.kinds), st.integers(0, 11))
    steps = st.lists(one, min_size=min_size, max_size=max_size)
    return st.builds(_stream, st.just(name), st.integers(0, 59), steps)


def _stream(name: str, begin_minute: int, steps: list[tuple[int, int, str, InsightKind, int]]) -> list[Insight]:
    made, now = [], START_MS + begin_minute * MINUTE_MS
    for number, (gap_ms, author, mood, kind, choice) in enumerate(steps):
        now += gap_ms
        made.append(about(name, insight(number, now, author=str(author), mood=mood, kind=kind), choice))
    return made


def _time(insight: Insight) -> int:
    return int(insight.event_time)


# The laws


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
