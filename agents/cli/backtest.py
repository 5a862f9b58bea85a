"""`cem backtest`: what would have been alerted, at which budget of false alerts; beside it rules of thumb."""

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click
from msgspec.structs import replace
from rich.console import Console
from rich.progress import Progress

from agents.cli.backtest_report import plot_of, show
from agents.cli.context import Mistake, config_option, load_settings
from agents.cli.ingest import MAP_OPTION, load_history, load_mapping
from agents.cli.replay import events_of, is_export
from agents.cli.units import UNITS_FILE, load_units
from agents.connectors.files import open_bytes
from agents.parts import engine_of, limits_of, understanding_of
from agents.settings import Settings
from pipeline.directory import Directory
from pipeline.engine import outputs_of
from pipeline.evaluation.backtest import History
from pipeline.evaluation.backtest import backtest as backtest_of
from pipeline.evaluation.incident import Incident
from pipeline.evaluation.plot import svg
from pipeline.evaluation.replay import event_codec, log_of_inputs, replay_events, ticked_inputs
from pipeline.evaluation.scoring import Sighting, sightings
from schemas.codec import Codec, RecordError, encode
from schemas.event import Event

BUDGETS = "0.0075,0.03,0.1,0.3,1"
BUDGETS_MAX = 20
IN_MEMORY_BYTES = 64 * 1024 * 1024
"""A longer log goes to a temporary file."""
NOBODY = "authors are shown to nobody"
"""The key of authors where none is set: nothing of them is shown."""

_incident: Codec[Incident] = Codec(Incident)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--units", "units_file", type=UNITS_FILE, help="The directory; needed for input files.")
@MAP_OPTION
@click.option(
    "--truth",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The incidents that are hidden in a scenario (JSON lines).",
)
@click.option("--budgets", default=BUDGETS, show_default=True, help="False alerts that a unit may have in 30 days.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with all figures.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write recall over false alerts (SVG); needs --truth.",
)
@config_option
def backtest(
    files: tuple[Path, ...],
    units_file: Path | None,
    map_file: Path | None,
    truth: Path | None,
    budgets: str,
    as_json: bool,
    plot: Path | None,
    config: Path | None,
) -> None:
    """What would have been alerted: a scenario, your own history, or records of cem.events, at several budgets.

    FILES are what `cem replay` takes. With --truth: precision, recall and delay by detector, and rules of thumb beside
    ours, at their usual thresholds and tuned to as many false alerts as ours has. Without: alerts per unit and month,
    and the days with most alerts.

    \b
    Example:
      cem backtest tweets.csv --map tweets.toml --units units.toml
      cem backtest world/posts.jsonl world/feedback.jsonl --units world/units.toml --truth world/incidents.jsonl
    """
    spent = _budgets(budgets)
    if plot is not None and truth is None:
        raise Mistake("--plot shows recall over false alerts, which needs --truth INCIDENTS.jsonl")
    incidents = None if truth is None else _incidents(truth)
    settings = load_settings(config)
    history = History(post for incident in incidents or () for post in incident.post_ids)
    console = Console(stderr=True)
    with (
        tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as log,
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        _write_log(log, history, files, units_file, map_file, settings, progress)
        alerts = {budget: _alerts(log, budget, settings, progress) for budget in spent}
    kinds = {detector.alertname: detector.name for detector in engine_of(settings).detectors}
    try:
        found = backtest_of(history, alerts, kinds, incidents)
    except ValueError as error:
        raise Mistake(f"{files[0]}: {error}; see `cem units check` and what `cem replay` says") from None
    if plot is not None:
        try:
            plot.write_text(svg(plot_of(found, kinds)), "utf-8")
        except OSError as error:
            raise Mistake(f"{plot}: {error.strerror}") from None
    if as_json:
        click.echo(encode(found))
    else:
        show(found, settings.false_alerts_per_month)


def _budgets(text: str) -> list[float]:
    """Increasing, each once."""
    try:
        found = sorted({float(one) for one in text.split(",")})
    except ValueError:
        found = []
    if not found or len(found) > BUDGETS_MAX or not all(0 < one < math.inf for one in found):
        raise Mistake(f"--budgets are at most {BUDGETS_MAX} numbers above 0, like {BUDGETS}; not {text[:60]!r}")
    return found


def _incidents(file: Path) -> list[Incident]:
    found = []
    try:
        with open_bytes(file) as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    if line.strip():
                        found.append(_incident.decode(line))
                except RecordError as error:
                    raise Mistake(f"{file}: line {number} is no incident: {error}") from None
    except (OSError, EOFError) as error:
        raise Mistake(f"{file}: {error}") from None
    return found


def _write_log(
    log: IO[bytes],
    history: History,
    files: tuple[Path, ...],
    units_file: Path | None,
    map_file: Path | None,
    settings: Settings,
    progress: Progress,
) -> None:
    """The records of `cem.events`, a line each, behind the number of their partition."""
    if is_export(files[0]):
        bar = progress.add_task("reading", total=None)
        for partition, event in events_of(files):
            history.observe(event)
            log.write(b"%d %b\n" % (partition, encode(event)))
            progress.advance(bar)
        return
    if units_file is None:
        raise Mistake("input files need --units UNITS.toml, which says what units there are")
    directory = Directory(load_units(units_file), 1)
    records = load_history(files, load_mapping(map_file))
    emissions = ticked_inputs(records, settings.tick_ms)
    values = log_of_inputs(
        progress.track(emissions, description="understanding", total=2.0 * len(records)),
        directory,
        understanding=understanding_of(replace(settings, author_key=settings.author_key or NOBODY)),
        limits=limits_of(settings),
    )
    for value in values:
        history.observe(event_codec.decode(value))
        log.write(b"0 %b\n" % value)


def _alerts(log: IO[bytes], budget: float, settings: Settings, progress: Progress) -> list[Sighting]:
    """What the engine raises at this budget."""
    length = log.seek(0, 2)
    bar = progress.add_task(f"budget {budget:g}", total=length)
    log.seek(0)

    def events() -> Iterator[tuple[int, Event]]:
        for line in log:
            partition, _, value = line.partition(b" ")
            progress.advance(bar, len(line))
            yield int(partition), event_codec.decode(value)

    return sightings(outputs_of(replay_events(events(), engine_of(replace(settings, false_alerts_per_month=budget)))))
