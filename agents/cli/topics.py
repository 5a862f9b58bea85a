"""`cem topics`: create and check topics; export one as JSON lines."""

import sys
from contextlib import nullcontext
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import Progress

from agents.cli.context import Mistake, config_option, load_with_kafka
from agents.kafka.admin import Admin, AdminError
from agents.kafka.reader import ReadError, read
from agents.kafka.units import read_units
from schemas.topics import APART, KEPT, Topics


@click.group()
def topics() -> None:
    """Create, check and export topics."""


@topics.command()
@config_option
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 if something is missing or wrong.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: created, problems.")
def apply(config: Path | None, check: bool, as_json: bool) -> None:
    """Create the topics that are missing, also those of known units. Nothing is ever deleted.

    \b
    Example:
      CEM_KAFKA=broker:9092 CEM_REPLICATION_FACTOR=3 cem topics apply
    """
    settings = load_with_kafka(config)
    names = Topics(settings.prefix)
    try:
        with Admin(settings, names) as admin:
            created = [] if check else admin.apply()
            if not check:
                units = read_units(settings, names).units
                with Progress(
                    console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
                ) as progress:
                    bar = progress.add_task("topics of units", total=None)
                    created += admin.apply(
                        units, lambda made, all_of: progress.update(bar, completed=made, total=all_of)
                    )
            problems = admin.problems(each=True)
    except (AdminError, ReadError) as error:
        raise Mistake(str(error)) from None
    if as_json:
        click.echo(orjson.dumps({"created": created, "problems": problems}).decode())
    else:
        for name in created:
            click.echo(f"created {name}")
        for problem in problems:
            click.secho(problem, fg="red", err=True)
        if not created and not problems:
            click.echo("all topics are there")
    sys.exit(1 if problems else 0)


@topics.command()
@click.option("--keep", required=True, type=click.Choice(sorted(KEPT)), help="What all else will be made of.")
@click.option("--yes", is_flag=True, help="Delete them; without it they are only listed.")
@config_option
def drop(keep: str, yes: bool, config: Path | None) -> None:
    """Delete what is made anew from the units' logs, or from the inputs, and how far workers and `cem notify` have
    read: the first step of making it anew (deploy/README.md, Back up and restore). Stop these before.

    \b
    Example:
      cem topics drop --keep inputs                    # what would be deleted
      cem topics drop --keep inputs --yes && cem topics apply && cem restore
    """
    settings = load_with_kafka(config)
    names = Topics(settings.prefix)
    try:
        with Admin(settings, names) as admin:
            there = admin.existing()
            gone = sorted(there.keys() - {names(name) for name in KEPT[keep]})
            for group in (settings.group, names.notify_group) if yes else ():
                if count := admin.members(group):
                    raise Mistake(f"the group {group!r} has {count} members still at work; stop all of them first")
            if missing := [names(name) for name in KEPT[keep] if names(name) not in there and name not in APART]:
                raise Mistake(f"{', '.join(missing)}: not there, so nothing could be made of it; nothing was deleted")
            if yes:
                admin.drop(gone)
    except AdminError as error:
        raise Mistake(str(error)) from None
    for name in gone:
        click.echo(f"deleted {name}" if yes else name)
    if not yes:
        click.echo(f"{len(gone)} topics would be deleted; --yes does it", err=True)


@topics.command()
@click.argument("topic")
@config_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; standard output without.")
def export(topic: str, config: Path | None, out: Path | None) -> None:
    """Write a topic as JSON lines: topic, partition, offset, key, value. `cem replay` reads what is made of cem.events.

    \b
    Example:
      cem topics export cem.events --out events.jsonl
    """
    settings = load_with_kafka(config)
    count = 0
    with nullcontext(sys.stdout.buffer) if out is None else out.open("wb") as file:
        try:
            for record in read(settings, topic):
                count += 1
                file.write(
                    orjson.dumps(
                        {
                            "topic": record.topic,
                            "partition": record.partition,
                            "offset": record.offset,
                            "key": None if record.key is None else record.key.decode("utf-8", "replace"),
                            "value": _value(record.value),
                        }
                    )
                    + b"\n"
                )
        except ReadError as error:
            raise Mistake(str(error)) from None
    click.echo(f"{count} records", err=True)


def _value(value: bytes | None) -> object:
    """A JSON value as it is, byte for byte; anything else as text."""
    if value is None:
        return None
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return value.decode("utf-8", "replace")
    return orjson.Fragment(value)
