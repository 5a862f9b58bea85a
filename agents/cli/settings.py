"""`cem settings`: what is in force, and where it comes from. Secrets are masked."""

import os
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table

from agents.cli.context import config_option, load_all
from agents.settings import ABOUT, misspelt, shown


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object: name -> value, origin, about.")
def settings(config: Path | None, as_json: bool) -> None:
    """Show the settings in force and where each comes from: default, file or environment.

    \b
    Example:
      CEM_KAFKA=localhost:9092 cem settings
    """
    loaded = load_all(config)
    for name, like in misspelt(os.environ):
        click.echo(f"{name}: there is no such setting, and nobody reads it; is it {like}?", err=True)
    rows = {
        name: {"value": shown(loaded.settings, name), "origin": loaded.origins[name], "about": about}
        for name, about in ABOUT.items()
    }
    if as_json:
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return
    table = Table("setting", "value", "origin", "what it is", highlight=False)
    for name, row in rows.items():
        table.add_row(name, str(row["value"]), row["origin"], row["about"])
    Console().print(table, markup=False)
