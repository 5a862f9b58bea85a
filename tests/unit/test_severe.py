"""One severe post opens an alert at once; further people make it worse; nothing else does."""

import msgspec
import pytest

from pipeline.detectors.detector import Signal
from pipeline.detectors.severe import GRACE_MS, REPORTS_MAX, SevereDetector, SevereState
from schemas.codec import encode_hook
from schemas.insight import Insight, InsightKind, Routing, Sentiment, SevereCause
from schemas.record import Source
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, Millis

START_MS = 20_000 * DAY_MS
INJURY = SevereCause(cause="injury", words="broken arm", department="safety", severity=8)
THREAT = SevereCause(cause="threat", words="bomb threat", department="head_office", severity=9)

detector = SevereDetector()


def insight(
    number: int,
    time_ms: int = START_MS,
    *,
    author: str | None = None,
    causes: tuple[SevereCause, ...] = (INJURY,),
    kind: InsightKind = "post",
) -> Insight:
    """A post with severe causes; `number` names it and, if nothing else is said, its author."""
    return Insight(
        id=f"x:{number}",
        kind=kind,
        unit_id="store-17",
        channel="x",
        author=f"hmac:{author or number}",
        event_time=Millis(time_ms),
        sentiment=Sentiment(compound=-0.5, label="negative", confidence=0.8, model="test/1"),
        severe=causes,
        journey_stage="use",
        text_ref=f"x:{number}",
        routing=Routing(rule="handle", confidence=0.9),
        source=Source(topic="cem.posts", partition=0, offset=number, index=1),
    )


def after(*given: Insight) -> SevereState:
    """The state that insights lead to."""
    state = SevereState()
    for one in given:
        assert detector.observe(state, one)
    return state


class TestOnePost:
    @pytest.mark.parametrize("kind", ["post", "reply", "review", "feedback", "edit"])
    def test_raises_an_alert_at_once(self, kind: InsightKind) -> None:
        """Whatever a customer writes: the first one is enough, with the severity that the taxonomy gives the cause."""
        one = insight(1, kind=kind)
        assert [Signal(START_MS, 8, "severe:injury")] == list(detector.judge(after(one), one))

    def test_says_why(self) -> None:
        """Words, evidence, department and what would end it are in the finding; nothing statistical is."""
        finding = detector.evaluate(after(insight(1)), "severe:injury", START_MS)
        seen = finding.detection
        assert ("severe_phrase", ("broken arm",), "none", 1, 1) == (
            seen.method, seen.words, seen.baseline, seen.observed, seen.distinct_authors,
        )  # fmt: skip
        assert (None, None) == (seen.p_value, seen.expected)
        assert ["x:1"] == [evidence.post_id for evidence in finding.evidence]
        assert (True, "injury", "safety", "use") == (
            finding.active, finding.aspect, finding.department, finding.journey_stage,
        )  # fmt: skip
        assert "24 hours" in finding.ends_when

    def test_with_two_causes_raises_two(self) -> None:
        """Each cause has an alert of its own, with its own severity."""
        one = insight(1, causes=(INJURY, THREAT))
        signals = detector.judge(after(one), one)
        assert [("severe:injury", 8), ("severe:threat", 9)] == [(signal.cause, signal.severity) for signal in signals]

    @pytest.mark.parametrize("kind", ["repost", "answer", "delete"])
    def test_that_is_none_of_a_customer_raises_nothing(self, kind: InsightKind) -> None:
        """A repost is the same post again, an answer is the company's."""
        assert not detector.observe(SevereState(), insight(1, kind=kind))

    def test_without_severe_words_leaves_no_trace(self) -> None:
        """Most posts are of that kind, and most states are a few bytes."""
        state = SevereState()
        assert not detector.observe(state, insight(1, causes=()))
        assert 1 == len(msgspec.msgpack.encode(state, enc_hook=encode_hook))

    def test_that_is_taken_back_was_never_there(self) -> None:
        """All its causes go, its time is told once."""
        state = after(insight(1, causes=(INJURY, THREAT)))
        assert START_MS == detector.retract(state, "x:1")
        assert None is detector.retract(state, "x:1")
        assert SevereState() == state


class TestFurtherPosts:
    @pytest.mark.parametrize(("people", "severity"), [(1, 8), (2, 8), (3, 9), (4, 9), (5, 10), (20, 10)])
    def test_two_further_people_are_a_step(self, people: int, severity: int) -> None:
        """Severity 8 with one or two people, 9 with three, never above 10."""
        state = after(*(insight(number, START_MS + number) for number in range(people)))
        assert Signal(START_MS + people, severity, "severe:injury") == detector.signal(
            state, "severe:injury", START_MS + people
        )

    def test_of_the_same_person_are_no_step(self) -> None:
        """Who is hurt and angry writes often."""
        state = after(*(insight(number, START_MS + number, author="one") for number in range(9)))
        assert Signal(START_MS + 9, 8, "severe:injury") == detector.signal(state, "severe:injury", START_MS + 9)

    def test_of_another_cause_are_no_step(self) -> None:
        """Each cause counts its own people."""
        state = after(insight(1), insight(2, causes=(THREAT,)), insight(3, causes=(THREAT,)))
        assert Signal(START_MS, 8, "severe:injury") == detector.signal(state, "severe:injury", START_MS)

    def test_that_comes_late_is_judged_with_those_after_it(self) -> None:
        """The third of three people makes it worse, in whatever order they come."""
        late = insight(1, START_MS)
        state = after(insight(2, START_MS + HOUR_MS), insight(3, START_MS + 2 * HOUR_MS), late)
        assert [Signal(START_MS + 2 * HOUR_MS, 9, "severe:injury")] == list(detector.judge(state, late))


class TestTheEnd:
    def test_comes_24_hours_after_the_last_post(self) -> None:
        """Not before, and not at another cause."""
        state = after(insight(1), insight(2, START_MS + HOUR_MS))
        end_ms = START_MS + HOUR_MS + DAY_MS
        assert not detector.calm(state, "severe:injury", end_ms - 1)
        assert detector.calm(state, "severe:injury", end_ms)
        assert None is detector.signal(state, "severe:injury", end_ms)
        assert detector.calm(state, "severe:threat", START_MS + 1)

    def test_leaves_nothing_in_the_state(self) -> None:
        """What no window can ask for any more is forgotten, and nothing earlier."""
        state = after(insight(1))
        detector.advance(state, START_MS + DAY_MS + GRACE_MS - 1)
        assert detector.holds(state, "x:1")
        detector.advance(state, START_MS + DAY_MS + GRACE_MS)
        assert SevereState() == state


class TestBadInput:
    def test_one_person_with_ten_thousand_posts(self) -> None:
        """He does not push out the others, and the state stays small."""
        state = after(insight(0, author="quiet"), insight(1, author="other"))
        for number in range(2, 10_000):
            detector.observe(state, insight(number, START_MS + number, author="loud"))
        assert REPORTS_MAX == len(state.causes["injury"])
        assert Signal(START_MS + MINUTE_MS, 9, "severe:injury") == detector.signal(
            state, "severe:injury", START_MS + MINUTE_MS
        )

    def test_a_duplicate(self) -> None:
        """The same post again changes nothing."""
        state = after(insight(1))
        assert not detector.observe(state, insight(1))
        assert 1 == len(state.causes["injury"])

    def test_a_post_without_an_author(self) -> None:
        """It is somebody's all the same, and no name is shown."""
        state = after(msgspec.structs.replace(insight(1), author=None))
        [evidence] = detector.evaluate(state, "severe:injury", START_MS).evidence
        assert None is evidence.author


@pytest.mark.parametrize(
    ("people", "said"),
    [
        (1, "Somebody was hurt: 1 customer wrote so about Elm Street within 24 hours"),
        (3, "Somebody was hurt: 3 customers wrote so about Elm Street within 24 hours"),
    ],
)
def test_summary(people: int, said: str) -> None:
    """One sentence: what, how many, about whom."""
    state = after(*(insight(number) for number in range(people)))
    finding = detector.evaluate(state, "severe:injury", START_MS)
    assert said == detector.summary(finding, "Elm Street", "Somebody was hurt")
