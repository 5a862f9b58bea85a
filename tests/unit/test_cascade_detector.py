"""One complaint spreads: seen early, seen once, whatever order reposts come in, and however many there are."""

import math
import time
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.detectors.cascade import GRACE_MS, SPREADS_MAX, CascadeDetector
from pipeline.detectors.detector import Finding, Signal
from pipeline.evaluation.world.spreading import polls, repost_ages
from pipeline.outlook import CALM_MS, LOW_MIN, REPOSTS_MIN, SIZES, grown_past, severity_of
from pipeline.spread import MARKS_MAX
from schemas.insight import Aspect, Insight, Reach, Root
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Millis
from tests.checks import STATE_BYTES_MAX
from tests.detector_run import Run
from tests.evaluation.fit_cascade import DATA, posts
from tests.streams import insight

NOW = 21_000 * DAY_MS
MOODS = {"negative": -0.6, "neutral": 0.0, "positive": 0.6}
POST = "x:root"
CAUSE = f"cascade:{POST}"
SHARE = 0.01


def root(label: Any = "negative", began_ms: int = NOW, followers: int | None = 300) -> Root:
    """What is known of the post."""
    return Root(event_time=Millis(began_ms), label=label, followers=followers)


COMPLAINT = root()


def repost(
    number: int, at_ms: int, *, of: str = POST, known: Root | None = COMPLAINT, author: str | None = "", **fields: Any
) -> Insight:
    """Somebody passes it on; a text-less repost, whose number names it and its author."""
    one = insight(number, at_ms, kind="repost", author=f"{number:032x}" if author == "" else author)
    fields = {"reach": Reach(followers=200), "sentiment": None, "text_ref": None, **fields}
    return msgspec.structs.replace(one, id=f"{of}/{number}", thread=of, root=known, **fields)


def original(at_ms: int = NOW, mood: str = "negative", kind: Any = "post", **fields: Any) -> Insight:
    """The post itself."""
    return msgspec.structs.replace(insight(0, at_ms, kind=kind, mood=mood), id=POST, thread=POST, **fields)


def poll(at_ms: int, total: int, known: Root | None = COMPLAINT) -> Insight:
    """What the enrich agent makes of a counter that was polled."""
    return original(at_ms, kind="edit", sentiment=None, reach=Reach(reposts=total), root=known)


def quick(count: int, *, first: int = 0, every_ms: int = 6 * SECOND_MS, **fields: Any) -> list[Insight]:
    """So many reposts, one each few seconds: what is on its way."""
    return [repost(first + number, NOW + (number + 1) * every_ms, **fields) for number in range(count)]


def quiet_unit(share: float = SHARE) -> Run:
    """A unit that was watched for half a year, in which nothing spread."""
    run = Run(CascadeDetector(share))
    run.detector.observe(run.state, insight(1, NOW - 180 * DAY_MS, mood="neutral"))
    return run


def see(run: Run, one: Insight) -> list[Signal]:
    """What an insight makes of things."""
    if run.watermark_ms >= 0:
        run.detector.advance(run.state, run.watermark_ms)
    return list(run.detector.judge(run.state, one)) if run.detector.observe(run.state, one) else []


def all_seen(run: Run, stream: list[Insight]) -> list[Signal]:
    """The first signals of a stream."""
    return next((found for one in stream if (found := see(run, one))), [])


def finding(run: Run, at_ms: int, cause: str = CAUSE) -> Finding:
    """What is to be seen."""
    return run.detector.evaluate(run.state, cause, at_ms)


# What is found


def test_a_complaint_that_spreads_is_told_while_it_is_small() -> None:
    """Ten reposts a minute: an alert after two minutes at most, with a forecast, and with what is needed to see why."""
    run = quiet_unit()
    (signal,) = all_seen(run, quick(100))
    assert (CAUSE, True) == (signal.cause, signal.at_ms <= NOW + 2 * MINUTE_MS)
    found = finding(run, signal.at_ms)
    assert (found.active, found.severity, found.grown_past) == (True, signal.severity, signal.grown_past)
    assert found.severity == severity_of(found.amplification.low or 0)
    seen, why = found.amplification, found.detection
    assert seen.low is not None and seen.forecast is not None and seen.high is not None
    assert LOW_MIN <= seen.low <= seen.forecast <= seen.high
    assert seen.reposts == why.observed == why.distinct_authors
    assert seen.reach == 300 + 200 * seen.reposts
    assert why.rarity is not None and why.rarity_max is not None and why.rarity <= why.rarity_max
    assert ("cascade_forecast", "unit") == (why.method, why.baseline)
    assert (signal.at_ms - NOW) // 1000 == why.window_s
    ids = [evidence.post_id for evidence in found.evidence]
    assert [POST, f"{POST}/{seen.reposts - 1}"] == [ids[0], ids[-1]]
    assert seen.reposts == found.evidence_left_out + len(ids) - 1
    assert "A complaint about Elm (waiting) spreads" in run.detector.summary(found, "Elm", "Waiting")


def test_it_says_what_the_post_is_about() -> None:
    """By its main aspect where reposts have no text, by all that is understood where the post itself is seen."""
    run = quiet_unit()
    main = Aspect(aspect="wait_time", department="operations", polarity=-0.7)
    for one in quick(50, known=msgspec.structs.replace(COMPLAINT, main=main)):
        see(run, one)
    found = finding(run, NOW + HOUR_MS)
    assert ("wait_time", "operations", ("wait_time",)) == (found.aspect, found.department, found.detection.aspects)
    assert (-0.7, 0.0) == (found.sentiment_mean, found.sentiment_confidence)
    see(run, original(aspects=(msgspec.structs.replace(main, aspect="staff"),)))
    found = finding(run, NOW + HOUR_MS)
    assert ("staff", 0.6, "test/1") == (found.aspect, found.sentiment_confidence, found.model)
    assert ("hint", 0.9) == (found.routing_rule, found.routing_confidence)


@pytest.mark.parametrize(("label", "alerted"), [("negative", True), ("neutral", False), ("positive", False)])
def test_only_complaints_are_alerted(label: Any, alerted: bool) -> None:
    """Praise and news may spread as they like, and leave nothing behind."""
    run = quiet_unit()
    assert alerted == bool(all_seen(run, quick(200, known=root(label))))
    assert alerted == bool(run.state.spreads)


def test_small_cascades_are_nothing() -> None:
    """A few reposts, and those that come at their leisure, raise nothing, at whatever budget."""
    for few in (quick(REPOSTS_MIN - 1), quick(40, every_ms=HOUR_MS)):
        assert [] == all_seen(quiet_unit(100.0), few)


def test_a_minute_is_waited_for() -> None:
    """A hundred reposts within the first seconds: nobody knows at what rate it goes on; a minute later it is told."""
    run = quiet_unit()
    assert [] == all_seen(run, quick(100, every_ms=SECOND_MS // 2))
    assert see(run, repost(100, NOW + MINUTE_MS))


def test_what_grows_by_itself_is_told_earlier() -> None:
    """It doubles every two minutes: ten times as often as the share allows is rare enough, from twenty reposts on."""
    run = quiet_unit(0.00075)
    ages = [6 * MINUTE_MS + int(2 * MINUTE_MS * math.log2(1 + number)) for number in range(200)]
    (signal,) = all_seen(run, [repost(number, NOW + age) for number, age in enumerate(ages)])
    found = finding(run, signal.at_ms)
    assert found.amplification.supercritical and found.detection.rarity_max == 0.0075
    assert found.amplification.branching_low is not None and found.amplification.branching_low > 1.0
    assert 20 <= found.detection.observed < 60


def test_what_is_seen_at_a_time_is_what_happened_up_to_then() -> None:
    """A look back knows nothing of later."""
    run = quiet_unit()
    for one in quick(60):
        see(run, one)
    assert [0, 10, 60] == [finding(run, NOW + m * MINUTE_MS).amplification.reposts for m in (0, 1, 60)]
    assert [f"{POST}/59"] == [one.post_id for one in finding(run, NOW + HOUR_MS).evidence[-1:]]
    assert not finding(run, NOW, "cascade:x:nothing").active


def test_it_depends_on_what_is_usual_here() -> None:
    """Where a complaint is passed on two thousand times each week, one more is not rare; a quiet unit is told."""
    busy = quiet_unit()
    for week in range(26):
        busy.state.sizes.learn(SIZES, 2000, NOW - week * 7 * DAY_MS)
    assert [] == all_seen(busy, quick(80))
    assert all_seen(quiet_unit(), quick(80))


def test_a_smaller_budget_waits_longer() -> None:
    """The budget decides at which repost."""
    number = []
    for share in (1.0, 0.01, 0.00075, 0.0001):
        run = quiet_unit(share)
        number.append(next(place for place, one in enumerate(quick(1000, every_ms=SECOND_MS)) if see(run, one)))
    assert sorted(number) == number and number[0] < number[-1]


def test_two_posts_that_spread_at_once_are_two_alerts() -> None:
    """Each by its own cause; neither counts for the other; a reply that spreads is no part of its thread."""
    run = quiet_unit()
    reply = msgspec.structs.replace(COMPLAINT, post="x:reply")
    streams = [quick(100), quick(100, of="x:other"), quick(100, first=500, known=reply)]
    causes = {signal.cause for ones in zip(*streams, strict=True) for one in ones for signal in see(run, one)}
    assert {CAUSE, "cascade:x:other", "cascade:x:reply"} == causes
    assert [100] * 3 == [finding(run, NOW + HOUR_MS, cause).amplification.reposts for cause in sorted(causes)]


# Counters


def test_counters_do_where_no_repost_is_seen() -> None:
    """A connector that polls: the same cascade is found, later by a poll or two; no resharer is known."""
    ages = repost_ages(Random(5), 3000)
    run = quiet_unit()
    (signal,) = all_seen(run, [poll(NOW + age, total) for age, total in polls(ages)])
    assert signal.at_ms <= NOW + 30 * MINUTE_MS
    found = finding(run, signal.at_ms)
    assert found.active and found.detection.distinct_authors == 1
    assert [POST] == [evidence.post_id for evidence in found.evidence]


def test_a_counter_that_falls_or_stands_still_tells_nothing() -> None:
    """Neither in the number nor in the forecast; in whatever order polls come."""
    steady, falling = quiet_unit(), quiet_unit()
    for minute, total in ((5, 40), (10, 60), (15, 80)):
        see(steady, poll(NOW + minute * MINUTE_MS, total))
    for minute, total in ((10, 60), (5, 40), (12, 3), (15, 80), (15, 80)):
        see(falling, poll(NOW + minute * MINUTE_MS, total))
    at_ms = NOW + 20 * MINUTE_MS
    assert 80 == falling.state.spreads[POST].total
    before = falling.saved()
    assert not falling.detector.observe(falling.state, poll(NOW + 15 * MINUTE_MS, 80))
    assert before == falling.saved()
    assert 80 == finding(falling, at_ms).amplification.reposts
    low, other = finding(steady, at_ms).amplification.low, finding(falling, at_ms).amplification.low
    assert low is not None and other is not None and abs(low - other) <= 0.1 * low


def test_what_a_counter_told_and_is_seen_counts_once() -> None:
    """A hundred by the counter, then forty of them one by one."""
    run = quiet_unit()
    see(run, poll(NOW + 10 * MINUTE_MS, 100))
    for one in quick(40):
        see(run, one)
    found = finding(run, NOW + 10 * MINUTE_MS)
    assert (100, 40) == (found.amplification.reposts, found.detection.distinct_authors)


def test_the_posts_own_counter_alone_raises_nothing() -> None:
    """It says how many, not when: a post that is read late is no cascade of a second."""
    run = quiet_unit()
    assert [] == see(run, original(reach=Reach(reposts=5000, followers=10)))
    assert 5000 == finding(run, NOW + DAY_MS).amplification.reposts
    assert [] == see(quiet_unit(), original(mood="positive", reach=Reach(reposts=5000)))


@pytest.mark.parametrize("total", [0, 2**53])
def test_any_counter_is_borne(total: int) -> None:
    """None at all, and more than there are people."""
    run = quiet_unit()
    see(run, poll(NOW + HOUR_MS, total))
    found = finding(run, NOW + 2 * HOUR_MS)
    assert total == found.amplification.reposts
    assert found.severity == (10 if total else 1)


# Order, repeats, deletions


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


# Time


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


# Bounds


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


# Figures from the payload


@pytest.mark.parametrize(
    ("low", "severity", "past"),
    [(0, 1, 0), (20, 2, 0), (30, 3, 0), (99, 3, 0), (100, 4, 100), (299, 4, 100), (300, 5, 300), (999, 5, 300),
     (1000, 6, 1000), (10_000, 8, 10_000), (100_000, 10, 100_000), (3_162, 7, 3_000), (2_999_999, 10, 1_000_000)],
)  # fmt: skip
def test_severity_follows_from_the_low_end(low: int, severity: int, past: int) -> None:
    """A step at 1 and at 3 of each power of ten, so that what is news by both is news once."""
    assert (severity, past) == (severity_of(low), grown_past(low))


@pytest.mark.skipif(not DATA.exists(), reason="no retweet cascades in ../shared/data")
@pytest.mark.parametrize(("share", "alerted", "reposts"), [(0.01, 48, 120), (0.00075, 45, 200)])
def test_real_cascades_are_told_early(share: float, alerted: int, reposts: int) -> None:
    """At a tenth of either budget nearly all of the 50 cascades of more than 2000 reposts, half of them before so many
    reposts: a twentieth of what they got."""
    at_repost = []
    for post in posts():
        run = quiet_unit(share)
        known = root(followers=post.followers)
        for number, (age, followers) in enumerate(zip(post.ages, post.reached, strict=True)):
            reach = Reach(followers=followers)
            if see(run, repost(number, NOW + int(age * SECOND_MS), known=known, reach=reach)):
                at_repost.append(number + 1)
                break
    assert len(at_repost) >= alerted
    assert sorted(at_repost)[24] <= reposts


@pytest.mark.parametrize(("share", "most"), [(0.01, 8), (0.00075, 2)])
def test_small_cascades_keep_to_the_budget(share: float, most: int) -> None:
    """200 unit-months with five cascades each, most of one repost, sizes with the tail that is assumed: about as many
    alerts as are allowed (two, and none)."""
    random, alerts = Random(11), 0
    for _ in range(20):
        run, events = quiet_unit(share), []
        for post in range(50):
            began = NOW + random.randrange(300 * DAY_MS)
            known = root(began_ms=began, followers=random.randrange(1000))
            for number, age in enumerate(repost_ages(random, min(2000, int(random.paretovariate(1.2))))):
                events.append(repost(number, began + age, of=f"x:{post}", known=known))
        causes = set()
        for one in sorted(events, key=lambda one: int(one.event_time)):
            run.pass_time(int(one.event_time))
            causes |= {signal.cause for signal in see(run, one)}
        alerts += len(causes)
    assert alerts <= most
