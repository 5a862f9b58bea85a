"""A surge in a series: a row's score uses that row and earlier ones, says an event once, and what is bad is told."""

import csv
import gzip
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.cli import main
from pipeline.local_time import HOURS_OF_WEEK, hour_of_week_utc
from pipeline.seasonal import SeasonalBaseline
from pipeline.series import COUNT_MAX, SPANS_MINUTES, CountSeries, Reading, SeriesError
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, parse_time

STEP_MS = 5 * MINUTE_MS
DAY_ROWS = DAY_MS // STEP_MS
START_MS = parse_time("2026-01-05T00:00:00Z")
"""A Monday."""


APART = st.sampled_from([1, 5, 30, 60, 720, 1440]) | st.integers(1, 900)
"""Minutes between rows: also such that a row stands just at the end of a window."""


def readings(counts: Sequence[float], step_ms: int = STEP_MS, series: CountSeries | None = None) -> list[Reading]:
    series = CountSeries() if series is None else series
    begin_ms = START_MS if series.newest_ms is None else series.newest_ms + step_ms
    return [series.observe(begin_ms + row * step_ms, count) for row, count in enumerate(counts)]


def wave(days: int, height: float = 10.0, step_ms: int = STEP_MS) -> list[float]:
    """Busy by day, quiet by night, and never quite the same."""
    rows = days * DAY_MS // step_ms
    return [
        float(round(height * (2 if 8 <= row * step_ms // HOUR_MS % 24 < 20 else 0.5)) + row * 7 % 3)
        for row in range(rows)
    ]


def news(found: Sequence[Reading], score: float = 0.5) -> list[int]:
    return [row for row, reading in enumerate(found) if reading.score >= score]


SURGING = [*wave(4), 90.0, 400.0, 300.0, 120.0, *wave(2)]


@pytest.mark.parametrize("cut", [1, 2, DAY_ROWS, 2 * DAY_ROWS + 1, 4 * DAY_ROWS, 4 * DAY_ROWS + 2, 5 * DAY_ROWS + 7])
def test_a_row_is_scored_by_itself_and_earlier_rows(cut: int) -> None:
    """Cutting the series short changes nothing of what was said before, to the bit."""
    assert readings(SURGING)[:cut] == readings(SURGING[:cut])


@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(st.integers(0, 5000), min_size=1, max_size=150),
    cut=st.integers(0, 149),
    minutes=st.integers(1, 200),
)
def test_what_comes_later_changes_nothing(counts: list[int], cut: int, minutes: int) -> None:
    """For any counts, any spacing and any cut; a score is between 0 and 1, and what is expected is above 0."""
    found = readings(counts, minutes * MINUTE_MS)
    assert found[:cut] == readings(counts[:cut], minutes * MINUTE_MS)
    assert all(0.0 <= one.score <= 1.0 and 0.0 <= one.p_value <= 1.0 and one.expected > 0.0 for one in found)


@pytest.mark.parametrize("cut", [0, 100, 4 * DAY_ROWS + 1])
def test_the_state_survives_a_round_trip(cut: int) -> None:
    """A series that is written down and read again goes on as if nothing had happened."""
    series = CountSeries()
    before = readings(SURGING[:cut], series=series)
    again = msgspec.json.decode(msgspec.json.encode(series), type=CountSeries)
    assert cut == 0 or series == again
    begin_ms = START_MS + cut * STEP_MS
    after = [again.observe(begin_ms + row * STEP_MS, count) for row, count in enumerate(SURGING[cut:])]
    assert readings(SURGING) == before + after


def test_an_event_is_a_few_rows() -> None:
    """A surge is found in its first rows, and what is left of it is not said again."""
    found = news(readings(SURGING))
    assert 4 * DAY_ROWS == found[0]
    assert len(found) <= 3


def test_the_same_again_is_no_news() -> None:
    """Another surge of the same size, a day later, is as large as the largest and not half as large again."""
    twice = [*wave(4), 200.0, *wave(1)[1:], 200.0, *wave(1)]
    found = readings(twice)
    assert [4 * DAY_ROWS] == news(found, 0.6)
    assert 0.45 <= found[5 * DAY_ROWS].score <= 0.55


def test_what_was_large_fades() -> None:
    """Half as much is no news the week after, and is news after eight weeks."""
    found = readings([*wave(4, step_ms=HOUR_MS), 400.0, *wave(7, step_ms=HOUR_MS), 200.0], HOUR_MS)
    assert [4 * 24] == news(found, 0.6)
    found = readings([*wave(4, step_ms=HOUR_MS), 400.0, *wave(56, step_ms=HOUR_MS), 200.0], HOUR_MS)
    assert [4 * 24, 60 * 24 + 1] == news(found, 0.6)


def test_a_surge_of_the_day_that_no_row_shows() -> None:
    """Many rows, none of which is remarkable, are remarkable together."""
    found = readings(wave(10) + [22.0] * DAY_ROWS)
    first = news(found)[0]
    assert 10 * DAY_ROWS < first < 11 * DAY_ROWS
    assert SPANS_MINUTES[-1] == found[first].window_minutes


def test_what_every_day_brings_is_no_news() -> None:
    """Busy days and quiet nights raise nothing."""
    assert [] == news(readings(wave(21)))


@pytest.mark.parametrize("step_ms", [STEP_MS, HOUR_MS, DAY_MS])
def test_silence_raises_nothing_and_one_is_no_surge(step_ms: int) -> None:
    """After a year of zeros one or two are nothing yet; thirty are a surge."""
    series = CountSeries()
    quiet = readings([0.0] * (365 * DAY_MS // step_ms), step_ms, series)
    assert {0.0} == {one.score for one in quiet}
    assert [] == news(readings([1.0, 0.0, 1.0, 0.0], step_ms, series))
    assert [0] == news(readings([30.0], step_ms, series))


@pytest.mark.parametrize("step_ms", [MINUTE_MS, STEP_MS, HOUR_MS, DAY_MS])
def test_any_spacing(step_ms: int) -> None:
    """A surge is found in rows of a minute as in rows of a day; windows are in time, not in rows."""
    found = readings([10.0, 12.0, 9.0, 11.0, 8.0] * (8 * DAY_MS // step_ms) + [300.0], step_ms)
    assert [len(found) - 1] == news(found)


def test_a_gap_of_a_month() -> None:
    """What was large before the gap is remembered as if it had not been: what is as large is no news, twice it is."""
    series = CountSeries()
    readings(SURGING, series=series)
    assert series.newest_ms is not None
    begin_ms = series.newest_ms + 30 * DAY_MS
    counts = [*wave(1), 400.0, 0.0, 1000.0]
    after = [series.observe(begin_ms + row * STEP_MS, count) for row, count in enumerate(counts)]
    assert [DAY_ROWS + 2] == news(after, 0.6)


def test_of_the_first_day_nothing_is_large() -> None:
    """What the first day brings hides no later surge."""
    found = readings([5000.0, *wave(1)[1:], *wave(3), 300.0])
    assert [4 * DAY_ROWS] == news(found)


def test_nothing_is_said_in_the_first_two_days() -> None:
    """What is usual is not known yet."""
    found = readings([*wave(1), 3000.0, *wave(1)[2:], 9000.0, *wave(1)])
    assert {0.0} == {one.score for one in found[: 2 * DAY_ROWS]}


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(APART, st.integers(0, 100)), min_size=1, max_size=60))
def test_a_window_is_what_its_minutes_add_up_to(rows: list[tuple[int, int]]) -> None:
    """At every row, however far apart the rows are, and with the oldest minutes left out to the minute."""
    series, minute = CountSeries(), 0
    seen: list[tuple[int, int]] = []
    for apart, count in rows:
        minute += apart
        seen.append((minute, count))
        series.observe(minute * MINUTE_MS, count)
        for window in series.windows[1:]:
            assert sum(one for at, one in seen if at > minute - window.minutes) == window.count


def test_a_new_level_is_learned() -> None:
    """Ten times as much for good: a few alarms in the first days, and after five weeks expected nearly half."""
    found = readings([10.0] * 30 * 24 + [100.0] * 35 * 24, HOUR_MS)
    assert 30 * 24 == news(found, 0.6)[0]
    assert [] == [row for row in news(found, 0.51) if row > 31 * 24]
    assert found[-1].expected > 40.0


def test_an_outbreak_does_not_become_what_is_usual() -> None:
    """A day at fifty times the usual moves what is expected by less than the usual itself."""
    usual = readings(wave(8))[-1].expected
    after = readings(wave(7) + [500.0] * DAY_ROWS + wave(1))[-1].expected
    assert after < 2 * usual


def test_the_hour_of_the_week_is_learned() -> None:
    """After some weeks the days are expected busier than the nights, and Mondays as Mondays are."""
    baseline = SeasonalBaseline()
    for hour in range(6 * HOURS_OF_WEEK):
        of_week = hour % HOURS_OF_WEEK
        baseline.learn(of_week, 60.0 if of_week < 24 else 20.0 if of_week % 24 >= 12 else 5.0, 1.0, hour)
    assert 45.0 < baseline.expected(3)
    assert baseline.expected(27) < 10.0 < 15.0 < baseline.expected(40)


def test_a_new_hour_is_expected_like_the_level() -> None:
    """While nothing is known of an hour of the week, the level speaks for it."""
    baseline = SeasonalBaseline()
    for hour in range(10):
        baseline.learn(hour, 40.0, 1.0, hour)
    assert 35.0 < baseline.expected(100) < 41.0


def test_memory_is_bounded() -> None:
    """However long the series: at most two days of minutes are kept."""
    series = CountSeries()
    readings([1.0] * 20_000, MINUTE_MS, series)
    assert len(series.minutes) <= 2 * SPANS_MINUTES[-1] + 2


@given(day=st.integers(0, 20_000), hour=st.integers(0, 23))
def test_the_hour_of_the_week_is_the_calendars(day: int, hour: int) -> None:
    """Monday's first hour is 0."""
    moment = datetime(1970, 1, 1, hour, tzinfo=UTC) + timedelta(days=day)
    assert moment.weekday() * 24 + moment.hour == hour_of_week_utc(round(moment.timestamp() * 1000))


@pytest.mark.parametrize("count", [-1.0, float("nan"), float("inf"), 2 * COUNT_MAX])
def test_what_is_no_count_is_refused(count: float) -> None:
    """And leaves the series as it was."""
    series = CountSeries()
    with pytest.raises(SeriesError):
        series.observe(START_MS, count)
    assert CountSeries() == series


def test_time_does_not_go_back() -> None:
    """A row of the same time as the one before is refused."""
    series = CountSeries()
    series.observe(START_MS, 1.0)
    with pytest.raises(SeriesError):
        series.observe(START_MS, 1.0)


# The command


def run(*arguments: str, text: str = "") -> Result:
    return CliRunner().invoke(main, ["series", *arguments], input=text)


def table(counts: Sequence[float], column: str = "") -> str:
    begin = datetime(2026, 1, 5)
    rows = (f"{begin + timedelta(minutes=5 * row)},{count:g}{column}\n" for row, count in enumerate(counts))
    return "timestamp,value" + (",note" if column else "") + "\n" + "".join(rows)


def scored(text: str) -> list[dict[str, str]]:
    result = run("-", "--out", "-", text=text)
    assert 0 == result.exit_code, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_two_columns_are_added_and_the_others_kept() -> None:
    """One row for each, in order; the score is that of the series."""
    found = scored(table(SURGING, ',"a, b"'))
    assert ["timestamp", "value", "note", "anomaly_score", "expected"] == list(found[0])
    assert {"a, b"} == {row["note"] for row in found}
    assert [round(one.score, 6) for one in readings(SURGING)] == [float(row["anomaly_score"]) for row in found]


def test_a_file_cut_short_says_the_same() -> None:
    """The command is streaming as its core is: every line of the shorter result begins the longer one."""
    lines = table(SURGING).splitlines(keepends=True)
    whole = run("-", "--out", "-", text="".join(lines)).stdout
    for cut in (1, 2, 700, 4 * DAY_ROWS + 2, 4 * DAY_ROWS + 3):
        assert whole.startswith(run("-", "--out", "-", text="".join(lines[:cut])).stdout)


def test_packed_files(tmp_path: Path) -> None:
    """`.gz` is read and written; the summary is on standard error."""
    source, target = tmp_path / "in.csv.gz", tmp_path / "out.csv.gz"
    source.write_bytes(gzip.compress(table(SURGING).encode()))
    result = run(str(source), "--out", str(target))
    assert (0, "") == (result.exit_code, result.stdout)
    assert run("-", "--out", "-", text=table(SURGING)).stdout == gzip.decompress(target.read_bytes()).decode()
    assert [source, target] == sorted(tmp_path.iterdir())


def test_repeats_and_the_hour_that_comes_twice() -> None:
    """A time that was there already, an empty value and NaN score 0, and change nothing of the rows around them."""
    lines = table(SURGING).splitlines(keepends=True)
    stamp = lines[1500].split(",")[0]
    more = [*lines[:1501], f"{stamp},99999\n", lines[1495], "2026-01-10 04:57:00,\n", "2026-01-10 04:58:00,nan\n"]
    found = scored("".join([*more, *lines[1501:]]))
    assert ["0.0"] * 4 == [row["anomaly_score"] for row in found[1500:1504]]
    assert scored("".join(lines)) == found[:1500] + found[1504:]


def test_times_with_an_offset_are_read() -> None:
    """RFC 3339, and the hour of the week is that of the clock it is written in."""
    text = "timestamp,value\n2026-01-05T00:00:00+02:00,3\n2026-01-04t23:05:00Z,4\n2026-01-05 02:00:00.5,4\n"
    assert 3 == len(scored(text))


BAD = {
    "no column": ("time,value\n", "no column 'timestamp'"),
    "empty": ("", "no column 'timestamp'"),
    "no number": ("timestamp,value\n2026-01-05,many\n", "row 1: 'many' is no count"),
    "negative": ("timestamp,value\n2026-01-05,-1\n", "row 1: -1 is no count"),
    "too large": ("timestamp,value\n2026-01-05,1e400\n", "row 1: inf is no count"),
    "no time": ("timestamp,value\nyesterday,1\n", "row 1: 'yesterday' is no time"),
    "unsorted": ("timestamp,value\n2026-01-06,1\n2026-01-05,1\n", "row 2: 2026-01-05 is before the row above it"),
    "short row": ("timestamp,value\n2026-01-06\n", "row 1 has 1 columns"),
    "long row": ("timestamp,value\n2026-01-06,1,2\n", "row 1 has 3 columns"),
    "scored already": ("timestamp,value,expected\n2026-01-06,1,2\n", "has a column 'expected' already"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_sentence(name: str, tmp_path: Path) -> None:
    """Exit code 2, what is wrong and where, and no half a file."""
    text, sentence = BAD[name]
    source = tmp_path / "in.csv"
    source.write_text(text)
    result = run(str(source), "--out", str(tmp_path / "out.csv"))
    assert 2 == result.exit_code
    assert sentence in result.stderr
    assert 1 == len(result.stderr.splitlines())
    assert [source] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv.gz", b"plain"), ("b.csv.gz", gzip.compress(b"x" * 999, mtime=0)[:20])]
)
def test_a_broken_packed_file_is_told(name: str, content: bytes, tmp_path: Path) -> None:
    """Exit code 2 and the file's name."""
    (tmp_path / name).write_bytes(content)
    result = run(str(tmp_path / name), "--out", str(tmp_path / "out.csv"))
    assert 2 == result.exit_code
    assert name in result.stderr


def test_the_file_itself_is_not_written_over(tmp_path: Path) -> None:
    """Nor is a folder that is not there made."""
    source = tmp_path / "in.csv"
    source.write_text(table([1.0]))
    assert 2 == run(str(source), "--out", str(source)).exit_code
    missing = run(str(source), "--out", str(tmp_path / "no" / "out.csv"))
    assert (2, True) == (missing.exit_code, "out.csv" in missing.stderr)
    assert table([1.0]) == source.read_text()


def test_a_series_of_one_row_or_none() -> None:
    """One row scores 0; none is a header."""
    assert ["0.0"] == [row["anomaly_score"] for row in scored(table([7.0]))]
    assert [] == scored("timestamp,value\n")
