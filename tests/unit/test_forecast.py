"""How far a post will spread: never less than there is, more with every repost, early; `cem forecast`, which asks."""

import gzip
import math
from collections.abc import Iterator
from heapq import heappop, heappush
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from agents.cli import main
from pipeline.cascade import KERNEL_EXPONENT, KERNEL_SECONDS, SPAN_SECONDS, Cascade
from pipeline.forecast import Forecast, forecast, shipped
from tests.evaluation.fit_cascade import DATA, posts, seen

AT = st.sampled_from((60.0, 600.0, 3_600.0, 21_600.0, 259_200.0)) | st.floats(0.5, SPAN_SECONDS)
SHARES = st.lists(st.tuples(st.floats(0.0, 1.0), st.none() | st.integers(0, 100_000)), max_size=60)
AUTHORS = st.none() | st.integers(0, 10_000_000)


def cascade_of(reposts: list[tuple[float, int | None]], at: float, followers: int | None) -> Cascade:
    """`reposts`: each with its age as a share of `at`."""
    cascade = Cascade(followers=followers)
    for share, reached in reposts:
        cascade.observe(share * at, reached)
    return cascade


# The laws


@given(SHARES, AT, AUTHORS)
def test_the_forecast_is_between_its_ends_and_never_less_than_there_is(
    reposts: list[tuple[float, int | None]], at: float, followers: int | None
) -> None:
    """Observed <= low <= forecast <= high, in reposts and in reach, and all of them are finite."""
    for fit in (shipped(), shipped().for_any_post()):
        found = forecast(cascade_of(reposts, at, followers), at, fit)
        assert len(reposts) == found.observed <= found.low <= found.forecast <= found.high
        assert 0 <= found.reach_low <= found.reach <= found.reach_high
        assert all(math.isfinite(value) for value in found if value is not None)


@given(SHARES, AT, AUTHORS, st.floats(0.0, 1.0), st.none() | st.integers(0, 100_000))
def test_one_more_repost_never_makes_a_smaller_forecast(
    reposts: list[tuple[float, int | None]], at: float, followers: int | None, share: float, reached: int | None
) -> None:
    """Whenever it was, whoever made it; only of a supercritical post it may show that the growth is slower."""
    for fit in (shipped(), shipped().for_any_post()):
        fewer = forecast(cascade_of(reposts, at, followers), at, fit)
        more = forecast(cascade_of([*reposts, (share, reached)], at, followers), at, fit)
        assert fewer.supercritical or fewer.forecast <= more.forecast


@given(SHARES, AT)
def test_to_forecast_changes_nothing(reposts: list[tuple[float, int | None]], at: float) -> None:
    """Asked twice it says the same, and the cascade is as before."""
    cascade = cascade_of(reposts, at, 100)
    assert forecast(cascade, at) == forecast(cascade, at)
    assert cascade_of(reposts, at, 100) == cascade


@given(SHARES, AUTHORS)
def test_after_a_week_there_is_nothing_to_come(reposts: list[tuple[float, int | None]], followers: int | None) -> None:
    """The forecast is what was observed, of few and of many."""
    for times in (1, 100):
        found = forecast(cascade_of(reposts * times, SPAN_SECONDS, followers), SPAN_SECONDS)
        assert {len(reposts) * times} == {found.observed, found.low, found.forecast, found.high}


def test_a_forecast_is_not_made_for_what_is_past() -> None:
    """The latest repost is known of: the age is at least its."""
    cascade = cascade_of([(0.5, 10), (1.0, 10)], 3_600.0, 100)
    assert forecast(cascade, 3_600.0) == forecast(cascade, 60.0)


@pytest.mark.parametrize("at", [0.0, -1.0, math.nan, math.inf])
def test_an_age_is_positive(at: float) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match="positive number of seconds"):
        forecast(Cascade(), at)


# What it says


def test_few_reposts_leave_it_open() -> None:
    """Of five reposts in ten minutes nothing certain follows: the high end is at least five times the low end, and the
    low end promises hardly more than there are. Of five hundred much more follows."""
    few = forecast(cascade_of([(place / 5, 200) for place in range(5)], 600.0, 300), 600.0)
    many = forecast(cascade_of([(place / 500, 200) for place in range(500)], 600.0, 300_000), 600.0)
    assert few.high >= 5 * few.low
    assert few.low <= 12
    assert {0} == {forecast(Cascade(followers=300), at).low for at in (1.0, 60.0, 3_600.0)}
    assert many.high / many.low < few.high / few.low


def test_what_is_known_of_large_posts_is_not_said_of_small_ones() -> None:
    """A post of thirty reposts an hour, and growing no more, is not taken for one of the fit, which had 2000."""
    reposts: list[tuple[float, int | None]] = [(place / 30, 200) for place in range(30)]
    cascade = cascade_of(reposts, 3_600.0, 1_000)
    fit = shipped()
    assert forecast(cascade, 3_600.0, fit.for_any_post()).forecast == forecast(cascade, 3_600.0, fit).forecast < 200


def test_a_silent_post_stays_small() -> None:
    """Nobody reposts it for six hours: nothing much is expected."""
    assert forecast(Cascade(followers=300), 21_600.0).high <= 10


def test_recent_reposts_promise_more_than_old_ones() -> None:
    """Of two posts with as many reposts the one that is still being reposted gets further."""
    old = cascade_of([(place / 400, 200) for place in range(100)], 3_600.0, 1_000)
    new = cascade_of([(0.5 + place / 200, 200) for place in range(100)], 3_600.0, 1_000)
    assert 1.5 * forecast(old, 3_600.0).forecast < forecast(new, 3_600.0).forecast


def test_without_followers_there_is_no_infectiousness() -> None:
    """It is reposts for each follower: known where the author's are, and the smaller the more there are."""
    reposts: list[tuple[float, int | None]] = [(place / 100, None) for place in range(100)]
    assert forecast(cascade_of(reposts, 3_600.0, None), 3_600.0).infectiousness is None
    small = forecast(cascade_of(reposts, 3_600.0, 1_000), 3_600.0).infectiousness
    large = forecast(cascade_of(reposts, 3_600.0, 1_000_000), 3_600.0).infectiousness
    assert small is not None and large is not None and 0.0 < large < small


# Growth by itself, on made cascades: Hawkes processes with the kernel of SEISMIC


def delay(random: Random) -> float:
    """How long after a post somebody reacts to it, in seconds."""
    share = random.random()
    flat = KERNEL_EXPONENT / (1.0 + KERNEL_EXPONENT)
    if share <= flat:
        return KERNEL_SECONDS * share / flat
    return KERNEL_SECONDS * ((1.0 - share) * (1.0 + KERNEL_EXPONENT)) ** (-1.0 / KERNEL_EXPONENT)


def hawkes(random: Random, own: int, branching: float, at: float, most: int = 20_000) -> list[float]:
    """Ages of the reposts up to `at`: the post brings `own` in all, each repost `branching` on average."""
    waiting: list[float] = []
    for _ in range(own):
        heappush(waiting, delay(random))
    found: list[float] = []
    while waiting and waiting[0] <= at and len(found) < most:
        age = heappop(waiting)
        found.append(age)
        for _ in range(_poisson(random, branching)):
            heappush(waiting, age + delay(random))
    return found


def _poisson(random: Random, mean: float) -> int:
    count, left = -1, mean
    while left >= 0.0:
        left -= random.expovariate(1.0)
        count += 1
    return count


def watched(ages: list[float], at: float, *, counted: bool = False) -> Forecast:
    """The forecast at an age: of reposts that were seen, or of a counter that was polled every minute."""
    cascade = Cascade(followers=500)
    if counted:
        for poll in range(60, int(at) + 1, 60):
            cascade.observe_count(poll, sum(age <= poll for age in ages))
    else:
        for age in ages:
            if age <= at:
                cascade.observe(age, 200)
    return forecast(cascade, at)


@pytest.mark.parametrize("counted", [False, True], ids=["seen", "counted"])
def test_what_doubles_every_five_minutes_is_told_early(counted: bool) -> None:
    """After five doublings, that is 25 minutes and 62 reposts, it is supercritical, eight times as many are expected,
    and twenty times as many are possible; after seven, thousands are expected. Before it has begun to grow it is not
    supercritical."""
    ages = [300.0 * math.log2(1.0 + place / 2.0) for place in range(1, 1_000)]
    found = watched(ages, 1_500.0, counted=counted)
    assert 62 == found.observed
    assert found.supercritical
    assert (True, True, True) == (found.low > 124, found.forecast > 496, found.high > 1_240), found
    later = watched(ages, 2_100.0, counted=counted)
    assert later.supercritical
    assert later.forecast > 2_000
    assert not watched(ages, 300.0, counted=counted).supercritical


def test_growth_by_itself_is_told_from_a_large_audience() -> None:
    """Where each repost brings four, nearly all are supercritical within the hour. Where they bring one in three, and
    the post itself has an audience, hardly any is, however large it gets."""
    grown = [watched(hawkes(Random(seed), 20, 4.0, 3_600.0), 3_600.0) for seed in range(30)]
    driven = [watched(hawkes(Random(seed), 2_000, 0.3, 3_600.0), 3_600.0) for seed in range(30)]
    assert sum(one.supercritical for one in grown) >= 27
    assert sum(one.supercritical for one in driven) <= 1
    assert 0.3 == pytest.approx(median(one.branching or 0.0 for one in driven), abs=0.2)


# On real ones


@pytest.mark.skipif(not DATA.exists(), reason="the retweet cascades are not here")
@pytest.mark.parametrize(("at", "error_max"), [(3_600.0, 0.25), (21_600.0, 0.15)])
def test_half_of_the_real_cascades_are_foreseen(at: float, error_max: float) -> None:
    """By the fit in the package, which has seen them; `python -m tests.evaluation.cascades` measures it on others."""
    found = [(forecast(seen(post, at), at), post.final) for post in posts()]
    assert median(abs(one.forecast / final - 1.0) for one, final in found) <= error_max
    assert 0.7 <= sum(one.low <= final <= one.high for one, final in found) / len(found) <= 0.9


# The command

ROWS = [("a", 0, 900), ("a", 60, 100), ("b", 0, ""), ("a", 30, 50), ("b", 700, ""), ("a", 4_000, 7), ("b", 3_600, 1)]


def table(rows: list[tuple[Any, ...]]) -> str:
    return "\n".join(["cascade,t_seconds,followers", *(",".join(map(str, row)) for row in rows)]) + "\n"


def run(path: Path, *arguments: str, text: str | bytes | None = None) -> Result:
    if isinstance(text, str):
        path.write_text(text, encoding="utf-8")
    elif text is not None:
        path.write_bytes(text)
    return CliRunner().invoke(main, ["forecast", str(path), *(arguments or ("--at", "3600"))])


def told(result: Result) -> Iterator[dict[str, Any]]:
    assert 0 == result.exit_code, result.output
    return (orjson.loads(line) for line in result.stdout.splitlines())


def test_one_object_for_each_cascade(tmp_path: Path) -> None:
    """In the file's order, with the names that are promised; the original is no repost; --at is included."""
    a, b = told(run(tmp_path / "a.csv", text=table(ROWS)))
    names = ["cascade", "observed", "forecast", "low", "high", "supercritical"]
    assert [names, names] == [list(a), list(b)]
    assert [("a", 2), ("b", 2)] == [(one["cascade"], one["observed"]) for one in (a, b)]
    assert (int, int, int, bool) == tuple(type(a[name]) for name in names[2:])
    assert a["observed"] <= a["low"] <= a["forecast"] <= a["high"]


def test_the_first_at_once_is_the_original(tmp_path: Path) -> None:
    """What else has no age is a repost of the first second."""
    rows = [("a", 30, 5), ("a", 0, 900), ("a", 0, 100), ("a", 0.0, 7)]
    assert [3] == [one["observed"] for one in told(run(tmp_path / "a.csv", text=table(rows)))]


def test_what_is_later_is_not_used(tmp_path: Path) -> None:
    """A file that is cut off at the age tells the same."""
    cut = [row for row in ROWS if row[1] <= 3_600]
    assert run(tmp_path / "a.csv", text=table(cut)).stdout == run(tmp_path / "b.csv", text=table(ROWS)).stdout


def test_order_packing_and_spelling_change_nothing(tmp_path: Path) -> None:
    """Rows in another order, columns in another order and more of them, gzip, a byte order mark, Windows line ends."""
    expected = run(tmp_path / "a.csv", text=table(ROWS)).stdout
    mixed = [ROWS[place] for place in (1, 3, 0, 6, 5, 4, 2)]
    assert expected == run(tmp_path / "b.csv", text=table(mixed)).stdout
    wider = "more,followers,t_seconds,cascade\r\n" + "".join(
        f'"x, y",{followers},{at}.0,{name}\r\n' for name, at, followers in ROWS
    )
    assert expected == run(tmp_path / "c.csv", text=b"\xef\xbb\xbf" + wider.encode()).stdout
    assert expected == run(tmp_path / "d.csv.gz", text=gzip.compress(table(ROWS).encode())).stdout
    assert expected == CliRunner().invoke(main, ["forecast", "-", "--at", "3600"], input=table(ROWS)).stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; its first line must be cascade,t_seconds,followers"),
        ("\n\n", "is empty; its first line must be"),
        ("cascade,t_seconds,followers\n", "has no rows after its first line"),
        ("cascade,seconds,followers\na,0,1\n", "has no column t_seconds; it has 'cascade, seconds, followers'"),
        ("a,0,1\na,5,1\n", "has no column cascade, t_seconds, followers"),
        (table([("a", 0, 1), ("a", "soon", 1)]), "line 3: t_seconds must be a number of seconds from 0 on, not 'soon'"),
        (table([("a", 0, 1), ("a", "nan", 1)]), "line 3: t_seconds must be"),
        (table([("a", 0, 1), ("a", -5, 1)]), "line 3: t_seconds must be"),
        (table([("a", 0, "many")]), "line 2: followers must be a whole number from 0 on, not 'many'"),
        (table([("a", 0, 1), ("a", 9, -1)]), "line 3: followers must be"),
        (table([("a", 0, 1), ("a", 9, "inf")]), "line 3: followers must be"),
        (table([("a", 0, 1), ("", 9, 1)]), "line 3: cascade is empty"),
        (table([("a", 0, 1), ("a", 9)]), "line 3: fewer columns than the first line has"),
        (table([("a", 0, 1), ("b", 9, 1)]), "cascade 'b' has no original, which is a row with t_seconds 0"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    """Where it is, and what it should be; the exit code is 2."""
    result = run(tmp_path / "a.csv", text=text)
    assert (2, "") == (result.exit_code, result.stdout)
    assert said in result.stderr
    assert 1 == len(result.stderr.splitlines())


@pytest.mark.parametrize(
    "content",
    [b"cascade,t_seconds", gzip.compress(table(ROWS).encode())[:-12], b"\x1f\x8b\x08"],
    ids=["plain", "cut off", "begun"],
)
def test_a_broken_gzip_file_is_told(tmp_path: Path, content: bytes) -> None:
    """Not packed, cut off, or a stump."""
    result = run(tmp_path / "a.csv.gz", text=content)
    assert (2, 1) == (result.exit_code, len(result.stderr.splitlines()))


@pytest.mark.parametrize("at", ["0", "-5", "nan", "inf"])
def test_the_age_is_positive(tmp_path: Path, at: str) -> None:
    """Anything else is the user's mistake."""
    result = run(tmp_path / "a.csv", "--at", at, text=table(ROWS))
    assert 2 == result.exit_code
    assert "--at must be a positive number of seconds" in result.stderr
