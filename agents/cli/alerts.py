"""`cem alerts`: read alerts as a consumer does, act on them as a manager does."""

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from agents.cli.acting import COMMANDS
from agents.cli.context import Mistake, config_option, load_with_kafka
from agents.cli.live import shown
from agents.cli.show import show
from agents.kafka.reader import ReadError, read
from schemas.alert import Alert
from schemas.codec import Codec, RecordError
from schemas.time import format_time
from schemas.topics import Topics

COLOURS = {"info": "blue", "warning": "yellow", "error": "red", "critical": "bold white on red"}

_alert_codec = Codec[Alert](Alert)


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


alerts.add_command(show)
for acting in COMMANDS:
    alerts.add_command(acting)
