"""`cem forecast`: reposts so far -> how many there will be. Rows may be in any order; later ones are not used."""

import csv
import gzip
import io
import math
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.progress import wrap_file

from agents.cli.context import Mistake
from pipeline.cascade import Cascade
from pipeline.forecast import forecast as forecast_of

COLUMNS = ("cascade", "t_seconds", "followers")
FOLLOWERS_MAX = 10**10
SHOWN = ("observed", "forecast", "low", "high", "supercritical")


class Followed:
    """A cascade of the file: what happened up to now, and whether its original was there."""

    def __init__(self) -> None:
        self.state = Cascade()
        self.original = False


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--at", "at_seconds", type=float, required=True, help="Age of the posts in seconds; later reposts are not used."
)
@click.option("--json", "as_json", is_flag=True, help="JSON lines, as without it.")
def forecast(file: Path, at_seconds: float, as_json: bool) -> None:
    """How far posts will spread, from what happened up to an age: CSV (also .gz, - is standard input) -> JSON lines.

    The columns are cascade (any name), t_seconds (since the original) and followers (of who posted; empty if unknown).
    The first row of a cascade with t_seconds 0 is the original, all others are reposts. For each cascade: its name,
    observed (reposts up to --at), forecast (reposts after seven days), low and high (80 % interval), supercritical
    (each repost brings more than one).

    \b
    Example:
      cem forecast reposts.csv --at 3600
    """
    if not (math.isfinite(at_seconds) and at_seconds > 0):
        raise Mistake(f"--at must be a positive number of seconds, not {at_seconds:g}")
    try:
        followed = read(file, at_seconds)
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise Mistake(f"{file}: {error}") from None
    out = sys.stdout.buffer
    for name, one in followed.items():
        found = forecast_of(one.state, at_seconds)
        out.write(orjson.dumps({"cascade": name, **{key: getattr(found, key) for key in SHOWN}}) + b"\n")
    out.flush()


def read(file: Path, at_seconds: float) -> dict[str, Followed]:
    """The file's cascades as they were at this age, in the file's order. Raises Mistake with the line, and OSError,
    EOFError or zlib.error where a packed file is broken."""
    followed: dict[str, Followed] = {}
    with _lines(file) as lines:
        reader = csv.reader(lines)
        name_at, time_at, followers_at = _columns(file, next(reader, []))
        for row in reader:
            if not row:
                continue
            try:
                name, age, followers = row[name_at].strip(), _age(row[time_at]), _followers(row[followers_at])
                if not name:
                    raise ValueError("cascade is empty")
            except IndexError:
                raise Mistake(f"{file}, line {reader.line_num}: fewer columns than the first line has") from None
            except ValueError as error:
                raise Mistake(f"{file}, line {reader.line_num}: {error}") from None
            one = followed.get(name)
            if one is None:
                one = followed[name] = Followed()
            if age == 0.0 and not one.original:
                one.original, one.state.followers = True, followers
            elif age <= at_seconds:
                one.state.observe(age, followers)
    if not followed:
        raise Mistake(f"{file} has no rows after its first line")
    orphan = next((name for name, one in followed.items() if not one.original), None)
    if orphan is not None:
        raise Mistake(f"{file}: cascade {orphan!r} has no original, which is a row with t_seconds 0")
    return followed


@contextmanager
def _lines(file: Path) -> Iterator[Iterator[str]]:
    """The file's lines, unpacked; progress is shown on a terminal."""
    console = Console(stderr=True)
    standard = str(file) == "-"
    with sys.stdin.buffer if standard else file.open("rb") as raw:
        total = 0 if standard else file.stat().st_size
        shown = console.is_terminal and total > 0
        with (
            wrap_file(raw, total, description="reading", console=console, transient=True) if shown else nullcontext(raw)
        ) as packed:
            content: Any = gzip.GzipFile(fileobj=packed) if file.suffix == ".gz" else packed
            text = io.TextIOWrapper(content, encoding="utf-8-sig", errors="replace", newline="")
            yield (line.replace("\0", "\ufffd") for line in text)


def _columns(file: Path, header: list[str]) -> list[int]:
    names = [name.strip() for name in header]
    if not any(names):
        raise Mistake(f"{file} is empty; its first line must be {','.join(COLUMNS)}")
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise Mistake(f"{file} has no column {', '.join(missing)}; it has {', '.join(names)[:200]!r}")
    return [names.index(column) for column in COLUMNS]


def _age(text: str) -> float:
    try:
        age = float(text)
    except ValueError:
        age = math.nan
    if not 0.0 <= age < math.inf:
        raise ValueError(f"t_seconds must be a number of seconds from 0 on, not {text[:50]!r}")
    return age


def _followers(text: str) -> int | None:
    """A whole number, maybe written as a decimal one; None where it is empty."""
    if not text.strip():
        return None
    try:
        followers = float(text)
    except ValueError:
        followers = math.nan
    if not (0.0 <= followers <= FOLLOWERS_MAX and followers.is_integer()):
        raise ValueError(f"followers must be a whole number from 0 on, not {text[:50]!r}")
    return int(followers)
