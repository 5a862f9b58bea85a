"""`cem doctor`: what is wrong, and what to do."""

import sys
import time
from pathlib import Path

import click
import msgspec

from agents.cli.context import Mistake, config_option, load_with_kafka
from agents.doctor import examine
from agents.doctor.finding import Finding, Level, exit_code
from agents.doctor.patient import Patient

_SIGNS: dict[Level, tuple[str, str]] = {
    "well": ("ok  ", "green"),
    "warning": ("look", "yellow"),
    "wrong": ("BAD ", "red"),
}


@click.command()
@config_option
@click.option(
    "--worker", "workers", multiple=True, help="Address of a worker, http://host:8080: is it ready? Repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="JSON lines: check, level (well, warning, wrong), what, do.")
def doctor(config: Path | None, workers: tuple[str, ...], as_json: bool) -> None:
    """Look at Kafka, topics, rights, clocks, directory, lag, dead letters, workers and PostgreSQL; say what is wrong
    and what to do. Exit code 0: all is well; 1: something to look at; 2: something is wrong.

    \b
    Example:
      cem doctor --worker http://127.0.0.1:8080
      cem doctor --json | jq 'select(.level == "wrong")'
    """
    settings = load_with_kafka(config)
    for address in workers:
        if not address.startswith(("http://", "https://")):
            raise Mistake(f"--worker {address}: an address begins with http:// or https://")
    findings: list[Finding] = []
    with Patient(settings, lambda: int(time.time() * 1000), workers) as patient:
        for finding in examine(patient):
            findings.append(finding)
            _show(finding, as_json)
    sys.exit(exit_code(findings))


def _show(finding: Finding, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(finding).decode())
        return
    sign, colour = _SIGNS[finding.level]
    click.echo(f"{click.style(sign, fg=colour)}  {click.style(f'{finding.check:<10}', bold=True)} {finding.what}")
    if finding.do:
        click.echo(f"{'':<17}→ {finding.do}")
