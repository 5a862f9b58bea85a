"""`cem replay`: history -> alerts as JSON lines, in one process, by the same code as the service."""

from collections.abc import Iterator
from pathlib import Path

import click
import orjson

from agents.cli.context import Mistake, config_option, load_settings
from agents.cli.ingest import MAP_OPTION, load_history, load_mapping
from agents.cli.units import UNITS_FILE, load_units
from agents.connectors.files import open_bytes
from agents.parts import engine_of, limits_of, understanding_of
from agents.settings import Settings
from pipeline.directory import Directory
from pipeline.engine import outputs_of
from pipeline.evaluation.answers import first_answers
from pipeline.evaluation.replay import canonical, event_codec, log_of_inputs, replay_events, ticked_inputs
from schemas.case import CaseEntry
from schemas.codec import RecordError, encode
from schemas.event import Event


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--units", "units_file", type=UNITS_FILE, help="The directory; needed for input files.")
@MAP_OPTION
@click.option("--answers", is_flag=True, help="Instead of alerts: time to first answer by unit and channel.")
@click.option("--cases", is_flag=True, help="Instead of alerts: the history of cases, as it is on cem.cases.")
@config_option
def replay(
    files: tuple[Path, ...],
    units_file: Path | None,
    map_file: Path | None,
    answers: bool,
    cases: bool,
    config: Path | None,
) -> None:
    """Turn history into alerts: records of cem.events as `cem topics export` writes them, or the files that
    `cem ingest` takes. Alerts come out as JSON lines, by time; with --answers one line for each unit and channel says
    how many customers asked, how many have an answer, and how long they waited for it; with --cases the entries of
    each case, byte for byte what is on cem.cases.

    \b
    Example:
      cem replay tweets.csv --map tweets.toml --units units.toml > alerts.jsonl
      cem replay events.jsonl > alerts.jsonl
      cem replay events.jsonl --answers
    """
    settings = load_settings(config)
    log = events_of(files) if is_export(files[0]) else _log_of(files, units_file, map_file, settings)
    if answers and cases:
        raise Mistake("--answers and --cases are two questions; ask one after the other")
    if answers:
        for found in first_answers(event for _, event in log):
            click.echo(encode(found))
        return
    outputs = list(replay_events(log, engine_of(settings)))
    if cases:
        entries = (output for output in outputs if isinstance(output, CaseEntry))
        for entry in sorted(entries, key=lambda entry: (entry.alert_id, entry.sequence, entry.number == 0)):
            click.echo(encode(entry))
        return
    for alert in canonical(outputs_of(outputs)):
        click.echo(encode(alert))


def _log_of(
    files: tuple[Path, ...], units_file: Path | None, map_file: Path | None, settings: Settings
) -> Iterator[tuple[int, Event]]:
    """The log that comes of posts and feedback, as one partition."""
    if units_file is None:
        raise Mistake("input files need --units UNITS.toml, which says what units there are")
    if not settings.author_key:
        raise Mistake("CEM_AUTHOR_KEY is not set; set the service's key to get the same authors in the evidence")
    values = log_of_inputs(
        ticked_inputs(load_history(files, load_mapping(map_file)), settings.tick_ms),
        Directory(load_units(units_file), 1),
        understanding=understanding_of(settings),
        limits=limits_of(settings),
    )
    for value in values:
        yield 0, event_codec.decode(value)


def is_export(file: Path) -> bool:
    """Exported records of a topic have a partition and an offset; posts and feedback have not."""
    if ".json" not in "".join(file.suffixes):
        return False
    with open_bytes(file) as lines:
        first = lines.readline()
    try:
        values = orjson.loads(first)
    except orjson.JSONDecodeError:
        return False
    return isinstance(values, dict) and {"partition", "offset", "value"} <= values.keys()


def events_of(files: tuple[Path, ...]) -> Iterator[tuple[int, Event]]:
    """Exported records of `cem.events` with their partitions, file by file. Raises Mistake with the line."""
    for file in files:
        with open_bytes(file) as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    values = orjson.loads(line)
                    yield values["partition"], event_codec.decode(orjson.dumps(values["value"]))
                except (orjson.JSONDecodeError, KeyError, TypeError, RecordError) as error:
                    raise Mistake(f"{file}: line {number} is no exported record of cem.events: {error}") from None
