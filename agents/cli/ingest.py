"""`cem ingest`: a file into the input topics. What cannot be read goes to the dead letters, with its line."""

import time
from collections.abc import Iterable
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import track

from agents.cli.context import Mistake, config_option, load_with_kafka
from agents.connectors.files import Row, read_rows
from agents.kafka.admin import Admin, AdminError
from agents.kafka.writer import WriteError, Writer
from pipeline.emission import Emission
from pipeline.sources.mapping import Mapping, MappingError, parse_mapping
from pipeline.sources.timeline import Record, in_order, input_of, ticked
from schemas.codec import RECORD_BYTES_MAX, RecordError, encode
from schemas.deadletter import DEAD_LETTER_BYTES_MAX, DeadLetter
from schemas.record import Source
from schemas.time import Millis
from schemas.topics import Topics

MAP_OPTION = click.option(
    "--map",
    "map_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What each column is (TOML).",
)


def load_mapping(map_file: Path | None) -> Mapping | None:
    """The mapping file, if one is given."""
    try:
        return None if map_file is None else parse_mapping(map_file.read_text("utf-8"))
    except MappingError as error:
        raise Mistake(f"{map_file}: {error}") from None


def load_rows(file: Path, mapping: Mapping | None) -> tuple[list[Record], list[Row]]:
    """Records of a file as they stand, and the rows that are none."""
    records: list[Record] = []
    refused: list[Row] = []
    try:
        for row in read_rows(file, mapping):
            if row.record is None:
                refused.append(row)
            elif len(row.raw) > RECORD_BYTES_MAX:
                refused.append(row._replace(error=RecordError("too_large", f"more than {RECORD_BYTES_MAX} bytes")))
            else:
                records.append(row.record)
    except (MappingError, OSError, EOFError) as error:
        raise Mistake(f"{file}: {error}") from None
    return records, refused


def load_history(files: Iterable[Path], mapping: Mapping | None) -> list[Record]:
    """The records of all files, in order of event time. Says how many rows are none."""
    records: list[Record] = []
    refused = 0
    for file in files:
        found, bad = load_rows(file, mapping)
        records += found
        refused += len(bad)
    if refused:
        click.secho(f"{refused} rows could not be read and are left out", fg="yellow", err=True)
    return in_order(records)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@MAP_OPTION
@config_option
@click.option("--as-is", is_flag=True, help="Keep the file's order instead of sorting by event time.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: sent, refused, seconds.")
def ingest(file: Path, map_file: Path | None, config: Path | None, as_is: bool, as_json: bool) -> None:
    """Send a CSV or JSON-lines file (also .gz) into the service, in order of event time.

    With CEM_CLOCK=data (and the workers set likewise) the file is history: its own times drive the stream clock. Rows
    that cannot be read go to the dead letters. The same id twice counts once.

    \b
    Example:
      CEM_CLOCK=data cem ingest tweets.csv --map tweets.toml
    """
    settings = load_with_kafka(config)
    names = Topics(settings.prefix)
    started = time.monotonic()
    records, refused = load_rows(file, load_mapping(map_file))
    records = records if as_is else in_order(records)
    try:
        with Admin(settings, names) as admin:
            problems = admin.problems()
            if problems:
                raise Mistake("\n".join(problems))
            shape = admin.shape()
        if settings.clock == "data":
            emissions: Iterable[Emission] = list(ticked(records, names, shape, settings.tick_ms))
        else:
            emissions = [input_of(record, names) for record in records]
        with Writer(settings) as writer:
            console = Console(stderr=True)
            for emission in track(
                emissions, "sending", console=console, transient=True, disable=not console.is_terminal
            ):
                writer.send(emission)
            for row in refused:
                writer.send(_letter(row, file.name, names))
    except (AdminError, WriteError) as error:
        raise Mistake(str(error)) from None
    seconds = round(time.monotonic() - started, 2)
    if as_json:
        click.echo(orjson.dumps({"sent": len(records), "refused": len(refused), "seconds": seconds}).decode())
        return
    click.echo(f"{len(records)} records sent in {seconds} s")
    for row in refused[:5]:
        click.secho(f"row {row.number} refused: {row.error}", fg="yellow", err=True)
    if refused:
        click.secho(f"{len(refused)} rows refused; see `cem deadletters list`", fg="yellow", err=True)


def _letter(row: Row, name: str, topics: Topics) -> Emission:
    """A dead letter for a row: where it came from is the file and the row's number."""
    assert row.error is not None
    source = Source(topic=f"file:{name}"[:200], partition=0, offset=row.number)
    letter = DeadLetter(
        source=source,
        reason=row.error.reason,
        detail=row.error.detail,
        bytes=row.raw[:DEAD_LETTER_BYTES_MAX],
        bytes_total=len(row.raw),
        ingest_time=Millis(time.time() * 1000),
    )
    return Emission(topics("deadletter"), f"{source.stream}/{source.offset}".encode(), encode(letter))
