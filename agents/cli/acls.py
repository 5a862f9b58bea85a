"""`cem acls`: who may do what on Kafka; shown, compared, brought to the broker.

In: the topics, the consumer group, the units (of a file, or of the directory on Kafka). Out: ACLs for every service and
every unit's consumer.
"""

import sys
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import Progress

from agents.cli.context import Mistake, config_option, load_settings, load_with_kafka
from agents.cli.units import UNITS_FILE, load_units
from agents.kafka.acls import Acls, Principals, line
from agents.kafka.admin import AdminError
from agents.kafka.reader import ReadError
from agents.kafka.units import read_units
from agents.settings import Settings
from schemas.rights import Right, rights
from schemas.topics import Topics

units_option = click.option("--units", type=UNITS_FILE, help="Units of this file instead of those on Kafka.")


@click.group()
def acls() -> None:
    """Who may do what on Kafka: print the ACLs, apply them."""


@acls.command(name="print")
@config_option
@units_option
@click.option("--json", "as_json", is_flag=True, help="JSON lines: who, principal, resource, name, …")
def show(config: Path | None, units: Path | None, as_json: bool) -> None:
    """Print the ACLs that services and units need, as kafka-acls.sh takes them. With --units no Kafka is asked.

    \b
    Example:
      cem acls print --units units.toml
      cem acls print --units units.toml | while read -r acl; do kafka-acls.sh --bootstrap-server broker:9092 $acl; done
    """
    settings = load_settings(config) if units is not None else load_with_kafka(config)
    principals = Principals(settings)
    for right in _wanted(settings, units):
        click.echo(_as_json(principals, right) if as_json else line(principals, right))


@acls.command()
@config_option
@units_option
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 if something is missing.")
@click.option("--prune", is_flag=True, help="Also remove what our principals have and do not need: of units that left.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: wanted, added, removed, missing, unwanted.")
def apply(config: Path | None, units: Path | None, check: bool, prune: bool, as_json: bool) -> None:
    """Add the ACLs that are missing. Needs a super user of this Kafka. Nothing is removed without --prune.

    \b
    Example:
      CEM_SASL_USERNAME=admin cem acls apply --check
    """
    settings = load_with_kafka(config)
    wanted = _wanted(settings, units)
    try:
        with Acls(settings) as broker:
            there = broker.there()
            missing, unwanted = broker.missing(wanted, there), broker.unwanted(wanted, there)
            added, removed = (0, 0) if check else (len(missing), len(unwanted) if prune else 0)
            if added or removed:
                with Progress(
                    console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
                ) as progress:
                    bar = progress.add_task("ACLs", total=added + removed)
                    broker.add(missing, lambda count: progress.advance(bar, count))
                    if prune:
                        broker.remove(unwanted, lambda count: progress.advance(bar, count))
    except AdminError as error:
        raise Mistake(str(error)) from None
    left, over = len(missing) - added, len(unwanted) - removed
    if as_json:
        summary = {"wanted": len(wanted), "added": added, "removed": removed, "missing": left, "unwanted": over}
        click.echo(orjson.dumps(summary).decode())
    else:
        click.echo(f"{len(wanted)} ACLs are wanted: {added} added, {left} missing, {removed} removed")
        if over:
            click.echo(f"{over} of our principals' ACLs are not needed any more; --prune removes them", err=True)
    sys.exit(1 if left else 0)


def _wanted(settings: Settings, units: Path | None) -> list[Right]:
    topics = Topics(settings.prefix)
    try:
        ids = [unit.id for unit in (load_units(units) if units else read_units(settings, topics).units.values())]
    except ReadError as error:
        raise Mistake(f"{error} (--units FILE needs no Kafka)") from None
    wanted = rights(topics, settings.group, ids)
    if clashes := Principals(settings).clashes(wanted):
        raise Mistake("\n".join(clashes))
    return wanted


def _as_json(principals: Principals, right: Right) -> str:
    return orjson.dumps(
        {
            "who": right.who,
            "principal": principals.of(right.who),
            "resource": right.resource,
            "name": right.name,
            "prefixed": right.prefixed,
            "operation": right.operation,
        }
    ).decode()
