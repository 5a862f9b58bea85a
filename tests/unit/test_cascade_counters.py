"""Counters tell of a cascade whose reposts are not seen; what is seen and counted counts once."""

from random import Random

import pytest

from pipeline.evaluation.world.spreading import polls, repost_ages
from schemas.insight import Reach
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS
from tests.reposts import NOW, POST, all_seen, finding, original, poll, quick, quiet_unit, see


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
