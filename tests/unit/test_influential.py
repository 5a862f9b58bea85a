"""One complaint by somebody whom many follow: at once, once, and only where that is rare."""

from typing import Any

import msgspec
import pytest

from pipeline.detectors.influential import FOLLOWERS_MIN, POSTS_MAX, WINDOW_MS, InfluentialDetector, severity_of
from schemas.insight import Insight, Reach
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS
from tests.detector_run import Run
from tests.streams import START_MS, insight


def heard(number: int, time_ms: int, followers: int | None, **fields: Any) -> Insight:
    """A complaint of somebody with so many followers."""
    fields.setdefault("author", str(number))
    one = insight(number, time_ms, **fields)
    return msgspec.structs.replace(one, reach=Reach(followers=followers))


def quiet_unit(share: float = 0.01, months: int = 6) -> tuple[InfluentialDetector, Run, int]:
    """A unit that was watched for some months, in which nobody of note complained; and the time after them."""
    detector = InfluentialDetector(share)
    run = Run(detector)
    detector.observe(run.state, insight(0, START_MS, mood="neutral"))
    return detector, run, START_MS + months * 30 * DAY_MS


def raised(run: Run, one: Insight) -> list[int]:
    """The severities of the signals that an insight makes."""
    run.detector.advance(run.state, run.watermark_ms)
    if not run.detector.observe(run.state, one):
        return []
    return [signal.severity for signal in run.detector.judge(run.state, one)]


def test_one_post_is_enough() -> None:
    """Half a million followers of somebody who complains: an alert at once, with what is needed to see why."""
    detector, run, now = quiet_unit()
    assert [7] == raised(run, heard(1, now, 500_000))
    finding = detector.evaluate(run.state, "influential", now)
    assert finding.active and finding.amplification.reach == 500_000
    assert ("rare_audience", 1, 1) == (
        finding.detection.method, finding.detection.observed, finding.detection.distinct_authors
    )  # fmt: skip
    assert finding.detection.rarity is not None and finding.detection.rarity_max == 0.01
    assert finding.detection.rarity <= 0.01
    assert ["x:1"] == [evidence.post_id for evidence in finding.evidence]
    assert "500,000 followers complained about Elm" in detector.summary(finding, "Elm", None)
    assert severity_of(finding.amplification.reach) == finding.severity


@pytest.mark.parametrize(
    "fields",
    [
        {"followers": 199}, {"followers": None}, {"followers": 0}, {"followers": 2**53, "mood": "positive"},
        {"followers": 2**53, "kind": "repost"}, {"followers": 2**53, "kind": "answer"},
    ],
)  # fmt: skip
def test_nothing_else_is(fields: dict[str, Any]) -> None:
    """Few followers, unknown ones, praise, a repost, the company's own word raise nothing and leave nothing."""
    _, run, now = quiet_unit(share=1000.0)
    before = run.saved()
    assert [] == raised(run, heard(1, now, **fields))
    assert before == run.saved()


def test_small_audiences_are_learned_and_raise_nothing() -> None:
    """Who complains with a few hundred followers tells how many complain here: where hundreds do, somebody with many is
    less rare than where few do."""
    rarity = []
    for complaints in (3, 300):
        _, run, now = quiet_unit(share=1000.0)
        for number in range(complaints):
            assert [] == raised(run, heard(100 + number, now - DAY_MS + number, 9_999, author=str(number)))
        raised(run, heard(1, now, 300_000))
        rarity.append(run.at(now).detection.rarity or 0.0)
    assert rarity[0] < rarity[1]


def test_what_is_usual_here_is_not_rare() -> None:
    """A unit about which somebody with 300,000 followers complains every week does not need to be told of it; of
    a hundred millions it does. The same budget takes a stranger unit's 300,000 for rare."""
    _, famous, now = quiet_unit(months=0)
    for week in range(26):
        now = START_MS + week * 7 * DAY_MS
        famous.pass_time(now)
        raised(famous, heard(100 + week, now, 300_000))
    famous.pass_time(now + 2 * DAY_MS)
    assert [] == raised(famous, heard(1, now + 2 * DAY_MS, 300_000))
    assert [10] == raised(famous, heard(2, now + 2 * DAY_MS, 100_000_000))
    _, other, _ = quiet_unit()
    assert [7] == raised(other, heard(1, now + 2 * DAY_MS, 300_000))


def test_a_smaller_budget_takes_a_larger_audience() -> None:
    """The least number of followers that raises an alert grows as the budget falls; never below 10,000."""
    least = []
    for share in (1000.0, 0.1, 0.01, 0.00075):
        _, run, now = quiet_unit(share)
        sizes = [FOLLOWERS_MIN * 2**power for power in range(20)]
        least.append(next(size for size in sizes if raised(Run(run.detector, run.saved()), heard(1, now, size))))
    assert FOLLOWERS_MIN == least[0]
    assert sorted(least) == least and least[1] < least[3]


def test_others_let_it_grow() -> None:
    """The second such author within the day is news, the same one's second post is not; their reach adds up."""
    detector, run, now = quiet_unit()
    seen = []
    for number, author in ((1, "a"), (2, "a"), (3, "b"), (4, "c")):
        raised(run, heard(number, now + number * HOUR_MS, 400_000, author=author))
        finding = detector.evaluate(run.state, "influential", now + number * HOUR_MS)
        seen.append((finding.grown_past, finding.amplification.reach, finding.severity))
    assert [(1, 400_000, 7), (1, 400_000, 7), (2, 800_000, 7), (3, 1_200_000, 8)] == seen


def test_it_ends_a_day_after_the_last() -> None:
    """Not before; and there is no signal where it is calm."""
    detector, run, now = quiet_unit()
    raised(run, heard(1, now, 500_000))
    for after, calm in ((0, False), (WINDOW_MS - 1, False), (WINDOW_MS, True)):
        assert calm == detector.calm(run.state, "influential", now + after)
        assert calm == (detector.signal(run.state, "influential", now + after) is None)


def test_what_was_alerted_is_not_learned() -> None:
    """After an alert as many followers are as rare as before; without one they would be usual."""
    saved = []
    for frozen in (True, False):
        detector, run, now = quiet_unit()
        for number in range(5):
            at_ms = now + number * 2 * DAY_MS
            run.pass_time(at_ms)
            raised(run, heard(number, at_ms, 500_000))
            if frozen:
                detector.freeze(run.state, "influential", at_ms, at_ms + HOUR_MS)
        run.pass_time(now + 20 * DAY_MS)
        detector.advance(run.state, run.watermark_ms)
        saved.append((len(run.state.audiences.counts), len(run.state.frozen)))
    assert [(0, 0), (6, 0)] == saved


def test_a_deleted_post_takes_its_alert_with_it() -> None:
    """Its time is told; there is no signal any more."""
    detector, run, now = quiet_unit()
    raised(run, heard(1, now, 500_000))
    assert detector.holds(run.state, "x:1")
    assert now == run.take_back("x:1")
    assert detector.signal(run.state, "influential", now) is None
    assert run.take_back("x:1") is None


def test_a_post_that_comes_late_is_judged_with_what_came_after() -> None:
    """Two within a day, in whatever order: the worst window has both."""
    for order in ((1, 2), (2, 1)):
        _, run, now = quiet_unit()
        found = [raised(run, heard(number, now + number * 5 * MINUTE_MS, 600_000)) for number in order]
        assert [[7], [8]] == found


def test_a_duplicate_changes_nothing() -> None:
    """The same post again is the same post."""
    _, run, now = quiet_unit()
    raised(run, heard(1, now, 500_000))
    before = run.saved()
    assert not run.detector.observe(run.state, heard(1, now, 500_000))
    assert before == run.saved()


def test_when_it_is_learned_changes_nothing() -> None:
    """What has left the window is known, whether the watermark has got there or not."""
    saw = []
    for ticks in (True, False):
        detector, run, now = quiet_unit()
        for number in range(5):
            raised(run, heard(number, now + number * 2 * DAY_MS, 20_000))
        if ticks:
            detector.advance(run.state, now + 20 * DAY_MS)
        raised(run, heard(9, now + 20 * DAY_MS, 100_000))
        saw.append(detector.evaluate(run.state, "influential", now + 20 * DAY_MS))
    assert saw[0] == saw[1]
    assert saw[0].detection.rarity is not None and saw[0].detection.rarity > 0.01


def test_a_restart_at_any_point_changes_nothing() -> None:
    """The state is all that there is."""
    stream = [heard(number, START_MS + number * 5 * HOUR_MS, 20_000 * number**3) for number in range(30)]
    for cut in range(0, 30, 5):
        stayed = Run(InfluentialDetector(0.01))
        for one in stream[:cut]:
            stayed.pass_time(int(one.event_time))
            raised(stayed, one)
        moved = stayed.restored()
        for one in stream[cut:]:
            stayed.pass_time(int(one.event_time))
            moved.pass_time(int(one.event_time))
            assert raised(stayed, one) == raised(moved, one)
        assert stayed.saved() == moved.saved()


def test_it_is_bounded_and_learns_what_it_drops() -> None:
    """Ten thousand posts of ten thousand famous people in an hour: fifty are kept, the others are counted."""
    _, run, now = quiet_unit()
    for number in range(2_000):
        run.detector.observe(run.state, heard(number, now + number, 10_000 + number))
    assert POSTS_MAX == len(run.state.posts)
    assert pytest.approx(1950, rel=0.01) == sum(run.state.audiences.counts)
    assert len(run.saved()) < 16_384


def test_nothing_said_is_next_to_nothing_kept() -> None:
    """A few bytes for a unit about which nobody of note complains."""
    _, run, _ = quiet_unit()
    assert len(run.saved()) < 40


def test_who_says_it_twice_within_a_day_is_learned_once() -> None:
    """Somebody who complains twice is one of those who complain, not two."""
    learned = []
    for hours in ((0,), (0, 5), (0, 5, 20)):
        detector, run, now = quiet_unit()
        for number, hour in enumerate(hours):
            raised(run, heard(number, now + (hour - hours[-1]) * HOUR_MS, 20_000, author="a"))
        detector.advance(run.state, now + 10 * DAY_MS)
        learned.append(sum(run.state.audiences.counts))
    assert [learned[0]] * 3 == learned and learned[0] > 0.0
