"""`cem alerts`: read alerts as a consumer does, act on them as a manager does."""

import getpass
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from agents.cli.context import Mistake, config_option, load_with_kafka
from agents.cli.live import shown
from agents.kafka.reader import ReadError, read
from agents.kafka.writer import WriteError, Writer
from agents.settings import Settings
from pipeline.emission import Emission
from schemas.action import Action, ActionName
from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.codec import Codec, RecordError, encode
from schemas.time import Millis, format_time
from schemas.topics import Topics

ANSWER_SECONDS_MAX = 30.0
COLOURS = {"info": "blue", "warning": "yellow", "error": "red", "critical": "bold white on red"}

_alert_codec = Codec[Alert](Alert)
_case_codec = Codec[CaseEntry](CaseEntry)


@click.group()
def alerts() -> None:
    """Read alerts as a consumer does, act on them as a manager does."""


@alerts.command()
@click.option("--unit", help="The unit's own topic; without it the alerts of all units.")
@config_option
@click.option("--once", is_flag=True, help="Stop at the end instead of waiting for more.")
@click.option("--json", "as_json", is_flag=True, help="The records as they are, one line each.")
def tail(unit: str | None, config: Path | None, once: bool, as_json: bool) -> None:
    """Show alerts from the first one on, and wait for more.

    \b
    Example:
      cem alerts tail --unit store-17
    """
    settings = load_with_kafka(config)
    names = Topics(settings.prefix)
    console = Console(highlight=False)
    try:
        for record in read(settings, names.unit_alerts(unit) if unit else names("alerts"), follow=not once):
            if as_json:
                sys.stdout.buffer.write(record.value + b"\n")
                sys.stdout.buffer.flush()
            else:
                console.print(_line(_alert_codec.decode(record.value)), soft_wrap=True)
    except RecordError as error:
        raise Mistake(f"a record of a newer version: {error}") from None
    except ReadError as error:
        hint = "; is the unit published (cem units push)?" if unit else ""
        raise Mistake(f"{error}{hint}") from None
    except KeyboardInterrupt:
        return


def _line(alert: Alert) -> Text:
    line = Text(f"{format_time(alert.detected_at)[:19]}  ")
    line.append(f"{alert.change:<12}", style=COLOURS[alert.severity_label])
    line.append(f" {alert.severity:>2}  {alert.status}/{alert.state}  {alert.alert_id}  ")
    line.append(shown(alert.annotations.summary))
    if alert.addressed_to is not None:
        line.append(f"  to {alert.addressed_to} only", style="bold")
    return line


def _acting(command: Any) -> Any:
    for option in (
        click.option("--no-wait", is_flag=True, help="Do not wait for the answer."),
        click.option("--note", default="", help="Why, in your own words."),
        click.option("--actor", default=getpass.getuser, show_default="the user", help="Who does it."),
        config_option,
        click.argument("alert_id"),
    ):
        command = option(command)
    return command


@alerts.command()
@_acting
def ack(alert_id: str, config: Path | None, actor: str, note: str, no_wait: bool) -> None:
    """Acknowledge an alert: somebody looks after it.

    \b
    Example:
      cem alerts ack store-17-5f0c9a3be1d24c77 --actor maria
    """
    _act(load_with_kafka(config), "acknowledge", alert_id, actor, note, no_wait)


@alerts.command()
@_acting
@click.option("--code", help="What was done, in a word, such as refunded or staff_added.")
def resolve(alert_id: str, config: Path | None, actor: str, note: str, no_wait: bool, code: str | None) -> None:
    """Resolve an alert: the matter is settled.

    \b
    Example:
      cem alerts resolve store-17-5f0c9a3be1d24c77 --code staff_added --note "Second till open again"
    """
    _act(load_with_kafka(config), "resolve", alert_id, actor, note, no_wait, code)


def _act(
    settings: Settings,
    name: ActionName,
    alert_id: str,
    actor: str,
    note: str,
    no_wait: bool,
    code: str | None = None,
) -> None:
    unit_id = alert_id.rpartition("-")[0]
    if not unit_id:
        raise Mistake(f"{alert_id!r} is no id of an alert; it looks like store-17-5f0c9a3be1d24c77")
    names = Topics(settings.prefix)
    action = Action(
        id=str(uuid.uuid4()),
        alert_id=alert_id,
        unit_id=unit_id,
        action=name,
        actor=actor,
        note=note,
        resolution_code=code,
        event_time=Millis(time.time() * 1000),
    )
    try:
        with Writer(settings) as writer:
            writer.send(Emission(names("actions"), unit_id.encode(), encode(action)))
        if no_wait:
            click.echo(f"sent as action {action.id}")
            return
        entry = _answer(settings, names, action.id)
    except (WriteError, ReadError) as error:
        raise Mistake(str(error)) from None
    if entry is None:
        click.secho(f"no answer within {ANSWER_SECONDS_MAX:.0f} s; does a worker run? (action {action.id})", err=True)
        sys.exit(1)
    if not entry.accepted:
        click.secho(f"refused: {entry.reason.replace('_', ' ')}", fg="red", err=True)
        sys.exit(1)
    click.echo(f"{alert_id} is {entry.state}")


def _answer(settings: Settings, names: Topics, action_id: str) -> CaseEntry | None:
    """What the service said to an action, None if it says nothing in time."""
    for record in read(settings, names("cases"), follow=True, seconds_max=ANSWER_SECONDS_MAX):
        entry = _case_codec.decode(record.value)
        if entry.action_id == action_id:
            return entry
    return None
