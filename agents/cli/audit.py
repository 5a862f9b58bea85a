"""`cem audit verify`: is the history of cases what was written? In: all of `cem.cases`. Out: what is wrong, by alert.

The one rule: exit code 0 says that every entry was read and every chain is whole; anything else is 1.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import orjson
from rich.console import Console
from rich.progress import track

from agents.cli.context import Mistake, config_option, load_with_kafka
from agents.cli.live import shown
from agents.kafka.reader import ReadError, read, size
from agents.settings import Settings
from agents.web import words
from pipeline.alerts.audit import Audit, Finding
from schemas.topics import Topics


class _Sequence(msgspec.Struct):
    alert_id: str
    sequence: int


@click.group()
def audit() -> None:
    """Check that the history of cases is as it was written."""


@audit.command()
@click.option("--alert", "alert_id", help="Only the history of this alert.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object: alerts, entries, flaws, ends.")
def verify(alert_id: str | None, config: Path | None, as_json: bool) -> None:
    """Hold every entry of cem.cases against the chain of its case, and against the records of its alert: what was
    changed, taken out, put in or moved is told, by alert and number.

    Whoever can write all of the topic can write a whole chain anew. --json tells the last hash of each: keep it
    elsewhere, and compare.

    \b
    Example:
      cem audit verify
      cem audit verify --alert store-17-5f0c9a3be1d24c77
    """
    settings = load_with_kafka(config)
    topics, found = Topics(settings.prefix), Audit(alert_id)
    try:
        for record in _records(settings, topics("alerts"), "alerts"):
            told = msgspec.json.decode(record.value, type=_Sequence)
            found.record(told.alert_id, told.sequence)
        for record in _records(settings, topics("cases"), "cases"):
            found.put(record.value or b"", record.partition, record.offset)
    except msgspec.DecodeError as error:
        raise Mistake(f"{topics('alerts')} holds a record that is no alert: {error}") from None
    except ReadError as error:
        raise Mistake(str(error)) from None
    if alert_id is not None and not found.alerts:
        raise Mistake(f"there is no alert {shown(alert_id, 160)!r}; see which there are: cem alerts tail --once")
    _tell(found, as_json)
    sys.exit(1 if found.findings() else 0)


def _records(settings: Settings, topic: str, what: str) -> Iterator[Any]:
    """All records of a topic, with a bar for somebody at a terminal."""
    console = Console(stderr=True)
    total, records = size(settings, topic), read(settings, topic)
    yield from track(
        records, f"reading {what}", total, console=console, transient=True, disable=not console.is_terminal
    )


def _tell(found: Audit, as_json: bool) -> None:
    findings = found.findings()
    if as_json:
        ends = {alert_id: end._asdict() for alert_id, end in found.ends().items()}
        told = {
            "alerts": found.alerts,
            "entries": found.entries,
            "flaws": [_plain(one) for one in findings],
            "ends": ends,
        }
        click.echo(orjson.dumps(told).decode())
        return
    for finding in findings:
        where = "" if finding.offset is None else f" (partition {finding.partition}, offset {finding.offset})"
        click.secho(
            f"{shown(finding.alert_id or 'unknown alert', 160)}: entry {finding.flaw.number}, "
            f"{finding.flaw.damage.replace('_', ' ')}: {shown(finding.flaw.detail)}{where}",
            fg="red",
        )
    counted = f"{words.many(found.entries, 'entry', 'entries')} of {words.many(found.alerts, 'alert')}"
    if findings:
        click.echo(f"{counted}: {words.many(len(findings), 'flaw')}")
    else:
        click.echo(f"{counted}: all as they were written")


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "alert_id": finding.alert_id,
        "number": finding.flaw.number,
        "damage": str(finding.flaw.damage),
        "detail": finding.flaw.detail,
        "partition": finding.partition,
        "offset": finding.offset,
    }
