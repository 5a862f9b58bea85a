"""One complaint spreads: seen early, seen once, by what is usual here; real cascades early, small ones hardly ever."""

import math
from random import Random
from typing import Any

import msgspec
import pytest

from pipeline.evaluation.world.spreading import repost_ages
from pipeline.outlook import LOW_MIN, REPOSTS_MIN, SIZES, grown_past, severity_of
from schemas.insight import Aspect, Reach
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from tests.evaluation.fit_cascade import DATA, posts
from tests.reposts import CAUSE, COMPLAINT, NOW, POST, all_seen, finding, original, quick, quiet_unit, repost, root, see


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
