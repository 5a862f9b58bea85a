"""`cem series`: the surge detector on any series of counts. CSV in, the same CSV with two more columns out."""

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, cast

import click
from rich.console import Console
from rich.progress import wrap_file

from agents.cli.context import Mistake
from pipeline.series import CountSeries, SeriesError
from schemas.time import HOUR_MS

COLUMNS = ("anomaly_score", "expected")
ALERT_SCORE = 0.6
"""What the summary counts: half as large again as the largest before."""
BACK_MS_MAX = HOUR_MS
"""How far a clock may go back, which it does in autumn."""


class Tally(NamedTuple):
    """Rows written, rows that score ALERT_SCORE or more, rows that were not counted."""

    rows: int
    alerts: int
    left_out: int


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Where to write (also .gz); - is standard output.",
)
def series(file: Path, out: Path) -> None:
    """Notice surges in a series of counts: CSV (also .gz, - is standard input) with the columns timestamp and value.

    Adds anomaly_score (0 to 1; 0.5: as large as the largest before, 0.6: half as large again) and expected (the count
    to expect at that hour of the week). A row's score depends on that row and earlier ones only; the first two days
    score 0, and an event is a few rows, not hundreds. Other columns are kept.

    A timestamp is 2026-01-31 12:00:00 or RFC 3339, in any spacing, the earliest first. A row without a value, and one
    whose time was there already (a repeat, the hour that comes twice in autumn), scores 0 and counts for nothing.

    \b
    Example:
      cem series mentions.csv --out scored.csv
      zcat 2025.csv.gz | cem series - --out 2025.scored.csv.gz
    """
    if str(out) != "-" and str(file) != "-" and out.exists() and out.samefile(file):
        raise Mistake(f"{out} is the file to be read; write to another one")
    try:
        with _reading(file) as lines, _writing(out) as target:
            tally = _score(lines, target)
    except BrokenPipeError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        of_out = str(getattr(error, "filename", None)).startswith(str(out))
        raise Mistake(f"{out if of_out else file}: {getattr(error, 'strerror', None) or error}") from None
    if str(out) != "-":
        left_out = f"; {tally.left_out} without a value or a time of their own" if tally.left_out else ""
        click.echo(f"{tally.rows} rows, {tally.alerts} with a score of {ALERT_SCORE} or more{left_out}", err=True)


@contextmanager
def _reading(file: Path) -> Iterator[Iterator[str]]:
    """The file's lines, unpacked; progress is shown on a terminal."""
    console = Console(stderr=True)
    with sys.stdin.buffer if str(file) == "-" else file.open("rb") as raw:
        total = 0 if str(file) == "-" else file.stat().st_size
        shown = console.is_terminal and total > 0
        with (
            wrap_file(raw, total, description="scoring", console=console, transient=True) if shown else nullcontext(raw)
        ) as read:
            packed = file.suffix == ".gz"
            content: Any = gzip.GzipFile(fileobj=read) if packed else read
            text = io.TextIOWrapper(content, encoding="utf-8-sig", errors="replace", newline="")
            yield (line.replace("\0", "\ufffd") for line in text)


@contextmanager
def _writing(out: Path) -> Iterator[IO[str]]:
    """Where the result goes: under its name only when it is whole."""
    if str(out) == "-":
        yield sys.stdout
        sys.stdout.flush()
        return
    partial = out.with_name(out.name + ".partial")
    try:
        with (
            partial.open("wb") as raw,
            gzip.GzipFile("", "wb", fileobj=raw) if out.suffix == ".gz" else nullcontext(raw) as content,
            io.TextIOWrapper(cast(BinaryIO, content), encoding="utf-8", newline="") as target,
        ):
            yield target
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def _score(lines: Iterator[str], target: IO[str]) -> Tally:
    reader = csv.reader(lines)
    writer = csv.writer(target, lineterminator="\n")
    state = CountSeries()
    rows = alerts = left_out = 0
    try:
        header = next(reader, [])
        time_at, value_at = _places(header)
        writer.writerow([*header, *COLUMNS])
        for row in reader:
            if not row:
                continue
            rows += 1
            if len(row) != len(header):
                raise Mistake(f"row {rows} has {len(row)} columns, the first line has {len(header)}")
            moment = _time(row[time_at], rows)
            time_ms = round(moment.timestamp() * 1000)
            count = _count(row[value_at], rows)
            hour_of_week = moment.weekday() * 24 + moment.hour
            newest_ms = state.newest_ms
            if newest_ms is not None and time_ms < newest_ms - BACK_MS_MAX:
                raise Mistake(f"row {rows}: {row[time_at]} is before the row above it; sort the file by time")
            if count is None or (newest_ms is not None and time_ms <= newest_ms):
                left_out += 1
                score, expected = 0.0, state.baseline.expected(hour_of_week)
            else:
                score, expected = state.observe(time_ms, count, hour_of_week)[:2]
            alerts += score >= ALERT_SCORE
            writer.writerow([*row, round(score, 6), round(expected, 4)])
    except csv.Error as error:
        raise Mistake(f"line {reader.line_num} is no CSV: {error}") from None
    return Tally(rows, alerts, left_out)


def _places(header: list[str]) -> tuple[int, int]:
    """Where the time and the value stand."""
    names = [name.strip().lower() for name in header]
    for name in ("timestamp", "value"):
        if name not in names:
            raise Mistake(f"the file has no column {name!r}; it has {', '.join(header)[:80] or 'none'}")
    for name in COLUMNS:
        if name in names:
            raise Mistake(f"the file has a column {name!r} already; give the file without it")
    return names.index("timestamp"), names.index("value")


def _time(text: str, row: int) -> datetime:
    """The moment, on the clock that it is written in; without an offset it is taken for UTC."""
    try:
        moment = datetime.fromisoformat(text.strip().upper())
    except ValueError:
        raise Mistake(f"row {row}: {text[:40]!r} is no time; write it like 2026-01-31 12:00:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _count(text: str, row: int) -> float | None:
    """A count of 0 or more; None where there is none."""
    stripped = text.strip()
    if not stripped or stripped.lower() == "nan":
        return None
    try:
        count = float(stripped)
        CountSeries.check(count)
    except SeriesError as error:
        raise Mistake(f"row {row}: {error}") from None
    except ValueError:
        raise Mistake(f"row {row}: {text[:40]!r} is no count") from None
    return count
