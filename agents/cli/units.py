"""`cem units`: check a units file, publish it."""

import sys
from pathlib import Path

import click
import orjson

from agents.cli.context import Mistake, config_option, load_settings, load_with_kafka
from agents.kafka.admin import AdminError
from agents.kafka.reader import ReadError
from agents.kafka.units import publish, read_units
from agents.kafka.writer import WriteError
from agents.taxonomies import taxonomies_of
from pipeline.directory_check import check as check_units
from pipeline.sources.units_file import UnitsFileError, parse_units
from schemas.topics import Topics
from schemas.unit import Unit

UNITS_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def load_units(file: Path) -> list[Unit]:
    """A units file without a mistake in it, or a Mistake that lists them all."""
    try:
        units = parse_units(file.read_text("utf-8"))
    except (UnitsFileError, UnicodeDecodeError) as error:
        raise Mistake(f"{file}: {error}") from None
    problems = check_units(units, _own_causes() if any(unit.confidential for unit in units) else ())
    if problems:
        raise Mistake("\n".join(f"{file}: {problem.detail}" for problem in problems))
    return units


def _own_causes() -> set[str]:
    """The severe causes of the taxonomies that are set."""
    return {cause for taxonomy in taxonomies_of(load_settings(None).taxonomies).values() for cause in taxonomy.severe}


@click.group()
def units() -> None:
    """Check and publish the directory of units."""


@units.command()
@click.argument("file", type=UNITS_FILE)
@click.option("--json", "as_json", is_flag=True, help="One JSON object: units, problems.")
def check(file: Path, as_json: bool) -> None:
    """Check a units file: ids, handles, parents, time zones. Exit code 2 if something is wrong.

    \b
    Example:
      cem units check units.toml
    """
    if not as_json:
        click.echo(f"{file}: {len(load_units(file))} units, nothing wrong")
        return
    try:
        found = load_units(file)
    except Mistake as mistake:
        click.echo(orjson.dumps({"units": 0, "problems": mistake.message.splitlines()}).decode())
        sys.exit(2)
    click.echo(orjson.dumps({"units": len(found), "problems": []}).decode())


@units.command()
@click.argument("file", type=UNITS_FILE)
@config_option
@click.option("--remove-others", is_flag=True, help="Also remove published units that are not in the file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: published, removed, version.")
def push(file: Path, config: Path | None, remove_others: bool, as_json: bool) -> None:
    """Publish a units file. Workers follow it while running: a new unit gets its topic and its posts.

    \b
    Example:
      cem units push units.toml
    """
    settings = load_with_kafka(config)
    names = Topics(settings.prefix)
    found = load_units(file)
    try:
        before = read_units(settings, names)
        changed = [unit for unit in found if before.units.get(unit.id) != unit]
        gone = sorted(set(before.units) - {unit.id for unit in found}) if remove_others else []
        version = publish(settings, names, changed, gone) if changed or gone else before.version
    except (AdminError, ReadError, WriteError) as error:
        raise Mistake(str(error)) from None
    if as_json:
        summary = {"published": len(changed), "removed": len(gone), "version": version}
        click.echo(orjson.dumps(summary).decode())
    else:
        click.echo(f"{len(changed)} new or changed units published, {len(gone)} removed (version {version})")
