"""How rare a size is for a unit: by what is assumed at first, by what was seen later, and never impossible."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.rarity import HALF_LIFE_MS, MONTH_MS, Rarity, Scale
from schemas.time import DAY_MS
from tests.streams import START_MS

SIZES = Scale(least=1.0, exponent=1.2, a_month=5.0, weight=0.5)
SEEN = st.lists(st.tuples(st.floats(0.5, 2.0**53), st.integers(0, 400 * DAY_MS)), max_size=40)


def learned(things: list[tuple[float, int]]) -> Rarity:
    """A unit that was watched from the start and saw things: (size, time after the start)."""
    rarity = Rarity()
    rarity.watch(START_MS)
    for size, after_ms in things:
        rarity.learn(SIZES, size, START_MS + after_ms)
    return rarity


def test_at_first_it_is_what_is_assumed() -> None:
    """So many a month of the least size, fewer of larger ones by the exponent, between the steps too."""
    rarity = Rarity()
    assert 5.0 == rarity.expected(SIZES, 1.0, START_MS)
    for size in (3.0, 4.0, 64.0, 1000.0):
        assert pytest.approx(5.0 * size**-1.2, rel=0.01) == rarity.expected(SIZES, size, START_MS)


@given(SEEN, st.floats(0.0, 2.0**53), st.floats(1.0, 100.0), st.integers(0, 800 * DAY_MS))
def test_what_is_larger_is_rarer_and_nothing_is_impossible(
    things: list[tuple[float, int]], size: float, times: float, after_ms: int
) -> None:
    """Whatever was seen."""
    rarity, at_ms = learned(things), START_MS + after_ms
    assert rarity.expected(SIZES, size, at_ms) >= rarity.expected(SIZES, size * times, at_ms) > 0.0


@given(SEEN, st.randoms(use_true_random=False), st.floats(1.0, 1e9))
def test_the_order_in_which_things_are_learned_changes_nothing(
    things: list[tuple[float, int]], random: Random, size: float
) -> None:
    """Time is data: late is as good as in time."""
    mixed = list(things)
    random.shuffle(mixed)
    at_ms = START_MS + 400 * DAY_MS
    one, other = learned(sorted(things, key=lambda thing: thing[1])), learned(mixed)
    assert pytest.approx(one.expected(SIZES, size, at_ms), rel=0.011) == other.expected(SIZES, size, at_ms)


def test_what_is_seen_often_is_not_rare() -> None:
    """Ten a month of a thousand and more for a year: nearly ten are expected; before that next to none were."""
    rarity = learned([(1000.0, number * 3 * DAY_MS) for number in range(120)])
    assert 0.01 > Rarity().expected(SIZES, 1000.0, START_MS)
    assert 10.5 > rarity.expected(SIZES, 1000.0, START_MS + 360 * DAY_MS) > 7.0


def test_silence_makes_it_rarer_and_a_gap_is_silence() -> None:
    """A unit that is watched and sees nothing expects less each month; before it is watched nothing follows."""
    rarity = learned([])
    expected = [rarity.expected(SIZES, 100.0, START_MS + months * MONTH_MS) for months in (0, 1, 2, 12)]
    assert sorted(expected, reverse=True) == expected and expected[1] < expected[0] / 5
    assert Rarity().expected(SIZES, 100.0, START_MS) == Rarity().expected(SIZES, 100.0, START_MS + MONTH_MS)


def test_it_fades() -> None:
    """What was seen counts half after the half-life: as many things on as much time, both half, say the same."""
    rarity = learned([(20.0, number * DAY_MS) for number in range(0, 360, 2)])
    for later in (0, HALF_LIFE_MS):
        at_ms = START_MS + 360 * DAY_MS + later
        past = sum(rarity.counts) * 0.5 ** ((at_ms - rarity.upto_ms) / HALF_LIFE_MS)
        assert pytest.approx((0.5 + past) / (0.1 + rarity.months(at_ms)), rel=0.01) == rarity.expected(
            SIZES, 1.0, at_ms
        )
    assert 8.7 > rarity.months(START_MS + 10_000 * DAY_MS) > 8.6


def test_what_is_too_small_does_not_count() -> None:
    """And what came long before the first is no beginning."""
    rarity = learned([(0.5, DAY_MS)])
    assert [] == rarity.counts
    rarity.watch(START_MS - 30 * DAY_MS)
    assert START_MS == rarity.since_ms
    rarity.watch(START_MS - DAY_MS // 2)
    assert START_MS - DAY_MS // 2 == rarity.since_ms


def test_it_is_small() -> None:
    """Four bytes where nothing is known; a few hundred after a thousand things; read back it is the same."""
    random = Random(1)
    rarity = learned([(random.paretovariate(0.3), random.randrange(300 * DAY_MS)) for _ in range(1000)])
    assert 4 == len(msgspec.msgpack.encode(Rarity()))
    saved = msgspec.msgpack.encode(rarity)
    assert len(saved) < 300
    assert rarity == msgspec.msgpack.decode(saved, type=Rarity)


def test_to_copy_is_not_to_change() -> None:
    """A copy learns alone."""
    rarity = learned([(20.0, DAY_MS)])
    before = msgspec.msgpack.encode(rarity)
    rarity.copied().learn(SIZES, 500.0, START_MS + 9 * DAY_MS)
    assert before == msgspec.msgpack.encode(rarity)


@pytest.mark.parametrize("share", [0.1, 0.01])
def test_a_budget_is_kept(share: float) -> None:
    """Of sizes with such a tail, as many as were allowed are taken for too rare: within the error of their number."""
    random, months, alerts = Random(7), 0, 0
    for _ in range(200):
        rarity, at_ms = learned([]), float(START_MS)
        while at_ms < START_MS + 12 * MONTH_MS:
            at_ms += random.expovariate(5.0) * MONTH_MS
            size = random.paretovariate(1.2)
            alerts += rarity.expected(SIZES, size, int(at_ms)) <= share
            rarity.learn(SIZES, size, int(at_ms))
        months += 12
    allowed = share * months
    assert 0.5 * allowed < alerts < allowed + 3 * allowed**0.5 + 0.2 * allowed
