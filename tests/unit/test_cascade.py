"""What is kept of a post that spreads: all that is needed of its reposts, in little room, in any order."""

import math
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cascade import FOLLOWERS_UNKNOWN, SPAN_SECONDS, Cascade, reacted

AGES = st.floats(0.0, SPAN_SECONDS * 1.1) | st.integers(0, 100).map(float)
REPOSTS = st.lists(st.tuples(AGES, st.none() | st.integers(-5, 1_000_000)), max_size=40)
STATE_BYTES_MAX = 1_500


def cascade_of(reposts: list[tuple[float, int | None]], followers: int | None = 1_000) -> Cascade:
    cascade = Cascade(followers=followers)
    for age, reached in reposts:
        cascade.observe(age, reached)
    return cascade


def counted_at(*polls: tuple[float, int]) -> Cascade:
    cascade = Cascade(followers=1_000)
    for age, total in polls:
        cascade.observe_count(age, total)
    return cascade


@given(REPOSTS, st.integers(0, 2**32))
def test_order_changes_nothing(reposts: list[tuple[float, int | None]], seed: int) -> None:
    """Reposts that come out of order leave the state that they leave in order."""
    mixed = Random(seed).sample(reposts, len(reposts))
    assert cascade_of(reposts) == cascade_of(mixed)


@given(REPOSTS)
def test_all_reposts_are_counted(reposts: list[tuple[float, int | None]]) -> None:
    """Each is in the total, in the reach and in one bin; who has no followers told counts as a usual person."""
    cascade = cascade_of(reposts)
    reach = sum(FOLLOWERS_UNKNOWN if reached is None or reached < 0 else reached for _, reached in reposts)
    assert (len(reposts), reach) == (cascade.reposts, cascade.reach)
    assert (len(reposts), reach) == (sum(cascade.counts), sum(cascade.reached))
    assert len(reposts) == cascade.recent(0.0, SPAN_SECONDS)


@given(REPOSTS, REPOSTS)
def test_the_state_survives_a_round_trip(
    before: list[tuple[float, int | None]], after: list[tuple[float, int]]
) -> None:
    """Written and read back it goes on as the one that stayed: nothing is remembered elsewhere."""
    stayed = cascade_of(before)
    moved = msgspec.msgpack.decode(msgspec.msgpack.encode(stayed), type=Cascade)
    for age, reached in after:
        stayed.observe(age, reached)
        moved.observe(age, reached)
    assert stayed == moved


def test_two_posts_share_nothing() -> None:
    """A new cascade is empty, whatever others have seen."""
    cascade_of([(5.0, 10), (500.0, 10)])
    assert [] == Cascade().counts


def test_the_state_is_bounded() -> None:
    """A hundred thousand reposts over a week, by people with many followers, are no more than a page."""
    cascade = Cascade(followers=10**8)
    for place in range(100_000):
        cascade.observe(place * 6.05, 10**6)
    assert 100_000 == cascade.reposts
    assert len(msgspec.msgpack.encode(cascade)) <= STATE_BYTES_MAX


@pytest.mark.parametrize("at", [60.0, 600.0, 3_600.0, 86_400.0])
def test_recent_reposts_are_told_from_old_ones(at: float) -> None:
    """How many there were in the last quarter or half of the age: within a tenth."""
    random = Random(7)
    ages = [at * random.random() ** 2 for _ in range(5_000)]
    cascade = cascade_of([(age, 100) for age in ages])
    for share in (0.25, 0.5):
        expected = sum(age > at * (1 - share) for age in ages)
        assert expected == pytest.approx(cascade.recent(at * (1 - share), at), rel=0.1)


def test_a_repost_before_its_post_is_at_once() -> None:
    """Clocks differ: what seems to be earlier than the post is counted with its first moment."""
    assert cascade_of([(0.0, 50)]) == cascade_of([(-3.0, 50)])


@pytest.mark.parametrize("age", [math.nan, math.inf, -math.inf])
def test_an_age_is_a_number(age: float) -> None:
    """What is no time is refused, and nothing is changed."""
    cascade = Cascade()
    with pytest.raises(ValueError, match="finite number of seconds"):
        cascade.observe(age, 1)
    with pytest.raises(ValueError, match="finite number of seconds"):
        cascade.observe_count(age, 1)
    assert Cascade() == cascade


def test_a_counter_tells_how_many() -> None:
    """The total is the counter's, spread evenly over the time since the poll before."""
    cascade = counted_at((300.0, 100), (600.0, 140))
    assert (140, 140) == (cascade.reposts, sum(cascade.counts))
    assert 40 == pytest.approx(cascade.recent(300.0, 600.0), abs=4)
    assert 20 == pytest.approx(cascade.recent(450.0, 600.0), abs=3)


@pytest.mark.parametrize(
    "poll",
    [(900.0, 90), (900.0, 140), (600.0, 140), (300.0, 100), (100.0, 20), (900.0, -1)],
    ids=["falls", "stands still", "again", "an old one again", "an older one", "negative"],
)
def test_a_counter_that_says_nothing_new_counts_nothing(poll: tuple[float, int]) -> None:
    """Posts are deleted, caches are stale, answers come twice or late: the highest total stands."""
    cascade = counted_at((300.0, 100), (600.0, 140))
    before = list(cascade.counts)
    cascade.observe_count(*poll)
    assert (140, before) == (cascade.reposts, cascade.counts[: len(before)])


@given(st.lists(st.tuples(st.floats(1.0, SPAN_SECONDS), st.integers(-5, 10_000)), max_size=20))
def test_however_polls_come_the_highest_total_stands(polls: list[tuple[float, int]]) -> None:
    """In any order, with any totals: each repost is in one bin, and none is there twice."""
    cascade = counted_at(*polls)
    assert max((0, *(total for _, total in polls))) == cascade.reposts == sum(cascade.counts)
    assert min(cascade.counts, default=0) >= 0


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0.0, 1.0))
def test_a_higher_counter_means_no_fewer_recent_ones(total: int, more: int, share: float) -> None:
    """In whatever part of the time since the poll before."""
    fewer, many = counted_at((3_600.0, total)), counted_at((3_600.0, total + more))
    assert fewer.recent(3_600.0 * share, 3_600.0) <= many.recent(3_600.0 * share, 3_600.0) + 1e-6


def test_a_repost_that_the_counter_has_told_of_counts_once() -> None:
    """Who sees some reposts and polls a counter too has each of them once, with the followers that were seen."""
    cascade = counted_at((600.0, 10))
    for age in (100.0, 200.0, 300.0):
        cascade.observe(age, 9_000)
    assert (10, 7 * FOLLOWERS_UNKNOWN + 27_000) == (cascade.reposts, cascade.reach)
    cascade.observe(700.0, 9_000)
    cascade.observe_count(900.0, 12)
    assert 12 == cascade.reposts


def test_half_of_the_readers_have_reacted_after_an_hour() -> None:
    """The kernel: nobody at first, evenly for five minutes, then slower and slower, and all in the end."""
    assert 0.0 == reacted(-1.0) == reacted(0.0)
    assert reacted(300.0) == pytest.approx(2 * reacted(150.0))
    assert 0.54 == pytest.approx(reacted(3_600.0), abs=0.01)
    assert 0.999 < reacted(1e18) <= 1.0
