"""`cem scenario`: a labelled world, written to files as it is made."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import click
import msgspec
import orjson
from rich.console import Console
from rich.progress import Progress

from agents.cli.context import Mistake
from pipeline.evaluation.incident import INCIDENT_KINDS, IncidentKind
from pipeline.evaluation.world.settings import STARTS, WorldSettings
from pipeline.evaluation.world.world import World
from pipeline.sources.units_file import write_units
from schemas.codec import encode
from schemas.post import Post
from schemas.time import DAY_MS, Millis, format_time, parse_time

FILES = ("units.toml", "posts.jsonl", "feedback.jsonl", "incidents.jsonl", "scenario.json")
PROGRESS_EVERY = 1_000
ABOUT = (
    "Made up by `cem scenario`; nothing in it is about real people. posts.jsonl and feedback.jsonl are in the order of "
    "arrival. incidents.jsonl is what should be found; its distractions should not. The shape of the day and the week, "
    "how often posts are passed on, how fast, and how many follow people are fitted to real data; the docstrings of "
    "rhythm.py, people.py and spreading.py in pipeline/evaluation/world say how."
)


@click.command()
@click.option("--seed", type=int, required=True, help="The same seed gives the same bytes.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder; made if missing.")
@click.option("--units", type=int, default=100, show_default=True, help="Local units.")
@click.option("--days", type=int, default=30, show_default=True, help="How long it lasts.")
@click.option("--starts", default=format_time(STARTS)[:10], show_default=True, help="First day (UTC).")
@click.option("--rates", type=float, nargs=2, default=(0.05, 30.0), show_default=True,
              help="Lowest and highest mentions of a unit an hour.")  # fmt: skip
@click.option("--dispersion", type=float, default=1.5, show_default=True,
              help="Variance over mean of hourly counts; 1 is Poisson.")  # fmt: skip
@click.option("--incidents", default="10", show_default=True,
              help="How many of each kind, or of some: surge=20,cascade=5,distraction=9.")  # fmt: skip
@click.option("--counters", is_flag=True, help="No reposts, only their totals as a connector polls them.")
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON object.")
def scenario(
    seed: int, out: Path, units: int, days: int, starts: str, rates: tuple[float, float], dispersion: float,
    incidents: str, counters: bool, as_json: bool,
) -> None:  # fmt: skip
    """Make a labelled world: units, what is written about them, and the incidents hidden in it.

    Writes units.toml, posts.jsonl, feedback.jsonl (both by arrival), incidents.jsonl (kind, unit_id, cause, starts,
    ends, posts, authors, size, post_ids) and scenario.json (how it was made). Kinds: surge (size: authors), cascade
    (reposts), severe, influential (followers); distraction is praise in chorus or advertising, which is no incident.

    \b
    Example:
      cem scenario --seed 1 --out world --units 50 --days 14 --incidents surge=20,severe=5
      cem replay world/posts.jsonl world/feedback.jsonl --units world/units.toml > alerts.jsonl
    """
    try:
        settings = WorldSettings(
            seed=seed, units=units, days=days, starts=_day(starts), rates=rates, dispersion=dispersion,
            counters=counters, incidents=_counts(incidents),
        )  # fmt: skip
        world = World(settings)
    except ValueError as error:
        raise Mistake(str(error)) from None
    try:
        summary = write(world, out)
    except OSError as error:
        raise Mistake(f"{error.filename or out}: {error.strerror or error}") from None
    if as_json:
        click.echo(orjson.dumps(summary).decode())
    else:
        planted = ", ".join(f"{count} {kind}" for kind, count in settings.incidents.items() if count) or "nothing"
        click.echo(
            f"{out}: {units} units, {summary['posts']} posts, {summary['feedback']} answers to surveys; {planted}"
        )


def write(world: World, out: Path) -> dict[str, object]:
    """Writes all files and returns the summary. Files appear under their names when all are whole."""
    out.mkdir(parents=True, exist_ok=True)
    settings = world.settings
    kinds: Counter[str] = Counter()
    with _files(out) as files, _progress(settings.days) as advance:
        files["units.toml"].write(write_units(world.units).encode())
        for incident in world.incidents():
            files["incidents.jsonl"].write(encode(incident) + b"\n")
        posts, feedback = files["posts.jsonl"], files["feedback.jsonl"]
        for number, (arrives, record) in enumerate(world.records()):
            if isinstance(record, Post):
                kinds[record.kind] += 1
                posts.write(encode(record) + b"\n")
            else:
                kinds["feedback"] += 1
                feedback.write(encode(record) + b"\n")
            if number % PROGRESS_EVERY == 0:
                advance((arrives - settings.starts) / DAY_MS)
        of_posts = {kind: count for kind, count in sorted(kinds.items()) if kind != "feedback"}
        summary: dict[str, object] = {
            "units": settings.units,
            "posts": sum(of_posts.values()),
            "feedback": kinds["feedback"],
            "incidents": sum(settings.incidents.values()),
        }
        told = {
            "about": ABOUT,
            "settings": msgspec.structs.asdict(settings) | {"starts": format_time(settings.starts)},
            "ends": format_time(settings.ends),
            **summary,
            "kinds": of_posts,
        }
        files["scenario.json"].write(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
    return summary


@contextmanager
def _files(out: Path) -> Iterator[dict[str, IO[bytes]]]:
    partial = {name: out / f"{name}.partial" for name in FILES}
    try:
        with ExitStack() as stack:
            yield {name: stack.enter_context(path.open("wb")) for name, path in partial.items()}
        for name, path in partial.items():
            path.replace(out / name)
    finally:
        for path in partial.values():
            path.unlink(missing_ok=True)


@contextmanager
def _progress(days: int) -> Iterator[Callable[[float], None]]:
    """Shown on a terminal: how many of the days are made."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("making days", total=days)
        yield lambda done: progress.update(task, completed=done)


def _day(text: str) -> Millis:
    """A day, or RFC 3339."""
    try:
        return Millis(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        try:
            return parse_time(text)
        except ValueError as error:
            raise Mistake(f"--starts: {error}") from None


def _counts(text: str) -> dict[IncidentKind, int]:
    """`10`, or `surge=20,cascade=5`."""
    counts: dict[IncidentKind, int] = dict.fromkeys(INCIDENT_KINDS, 0)
    try:
        if "=" not in text:
            return dict.fromkeys(INCIDENT_KINDS, int(text))
        for part in text.split(","):
            kind, _, count = part.strip().partition("=")
            if kind not in counts:
                raise Mistake(f"--incidents: there is no kind {kind[:40]!r}; there are {', '.join(INCIDENT_KINDS)}")
            counts[kind] = int(count)
    except ValueError:
        raise Mistake(f"--incidents is a number, or like surge=20,cascade=5, not {text[:80]!r}") from None
    return counts
