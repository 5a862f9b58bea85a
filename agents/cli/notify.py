"""`cem notify`: messages about alerts, by webhook, chat, PagerDuty and e-mail."""

import asyncio
import os
import sys
import time
from pathlib import Path

import click
import msgspec
import orjson

from agents.cli.context import Mistake, config_option, load_settings, load_with_kafka
from agents.cli.units import UNITS_FILE, load_units
from agents.health import PortError
from agents.kafka.admin import Admin, AdminError, missing_topics
from agents.settings import Settings
from pipeline.directory import Directory
from pipeline.notify.answer import Answer, Outcome
from pipeline.notify.file import NotifyFileError, Secrets, parse_rules, secrets_of
from pipeline.notify.message import example
from pipeline.notify.rules import Recipient, Rules
from schemas.alert import Alert, AlertRouting, AlertSentiment, Annotations, Detection, Labels
from schemas.time import Millis
from schemas.topics import Topics

NOTIFY_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def load_rules(file: Path, environment_too: bool = True) -> tuple[Rules, dict[str, Secrets]]:
    """A file without a mistake in it, and its secrets from the environment; or a Mistake that lists what is wrong."""
    try:
        rules = parse_rules(file.read_text("utf-8"))
        return rules, secrets_of(rules, os.environ) if environment_too else {}
    except NotifyFileError as error:
        raise Mistake("\n".join(f"{file}: {message}" for message in error.messages)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Mistake(f"{file}: {error}") from None


@click.group(invoke_without_command=True)
@config_option
@click.option("--http-port", type=int, help="Port of /metrics, /live and /ready.")
@click.pass_context
def notify(context: click.Context, config: Path | None, http_port: int | None) -> None:
    """Send messages about alerts, as the file says that the setting `notify` names, until SIGTERM or Ctrl-C.

    Start it beside the workers, twice if you like: one works, the other stands by. Kill it at any time: nothing is
    lost, and what was on its way comes again as the same message.

    \b
    Example:
      export CEM_KAFKA=broker:9092 CEM_NOTIFY=notify.toml CEM_WEB_URL=https://cem.example.com
      cem notify check notify.toml && cem notify
    """
    if context.invoked_subcommand is not None:
        return
    settings = load_with_kafka(config, http_port=http_port)
    if not settings.notify:
        raise Mistake("no file says who gets messages; export CEM_NOTIFY=notify.toml (the README shows one)")
    rules, secrets = load_rules(Path(settings.notify))
    width = _width(settings)
    from agents.notify.process import run  # Kafka's clients are slow to import

    try:
        run(settings, rules, secrets, width)
    except PortError as error:
        raise Mistake(str(error)) from None


def _width(settings: Settings) -> int:
    """How many partitions `cem.alerts` has; a Mistake where topics are missing."""
    topics = Topics(settings.prefix)
    try:
        with Admin(settings, topics) as admin:
            there = admin.existing()
    except AdminError as error:
        raise Mistake(str(error)) from None
    missing = [name for name in map(topics, ("alerts", "units", "notified", "deadletter")) if name not in there]
    if missing:
        raise Mistake(missing_topics(missing))
    return there[topics("alerts")]


@notify.command()
@click.argument("file", type=NOTIFY_FILE)
@click.option("--units", "units_file", type=UNITS_FILE, help="A units file: are the ids of units in it?")
@click.option("--no-secrets", is_flag=True, help="Do not look for secrets in the environment.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: recipients, problems.")
def check(file: Path, units_file: Path | None, no_secrets: bool, as_json: bool) -> None:
    """Check a file of recipients, and that its secrets are in the environment. Exit code 2 if something is wrong.

    \b
    Example:
      cem notify check notify.toml --units units.toml
    """
    try:
        rules, _ = load_rules(file, not no_secrets)
        if units_file is not None:
            _check_units(file, rules, Directory(load_units(units_file)))
    except Mistake as mistake:
        if not as_json:
            raise
        click.echo(orjson.dumps({"recipients": 0, "problems": mistake.message.splitlines()}).decode())
        sys.exit(2)
    names = list(dict.fromkeys(one.name for one in rules.recipients))
    if as_json:
        click.echo(orjson.dumps({"recipients": len(names), "problems": []}).decode())
    else:
        click.echo(f"{file}: {len(names)} recipients, nothing wrong")


def _check_units(file: Path, rules: Rules, directory: Directory) -> None:
    wrong = {
        f"{file}: recipient {one.name!r}: `units`: {unit_id!r} is not in the units file; add it there or correct the id"
        for one in rules.recipients
        for unit_id in one.units
        if unit_id not in directory.units and not directory.has_below(unit_id)
    }
    if wrong:
        raise Mistake("\n".join(sorted(wrong)))


@notify.command("test")
@click.argument("file", type=NOTIFY_FILE)
@click.option("--recipient", "name", required=True, help="Whose name in the file.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object: recipient, message, outcome, why; a line each.")
def try_out(file: Path, name: str, config: Path | None, as_json: bool) -> None:
    """Send one recipient a test message, once, whatever quiet hours say. Exit code 1 if it was not taken.

    \b
    Example:
      cem notify test notify.toml --recipient harbour-street
    """
    settings = load_settings(config)
    rules, _ = load_rules(file, environment_too=False)
    wanted = tuple(one for one in rules.recipients if one.name == name)
    if not wanted:
        known = ", ".join(dict.fromkeys(one.name for one in rules.recipients))
        raise Mistake(f"{file}: there is no recipient {name!r}; there are {known}")
    rules = msgspec.structs.replace(rules, recipients=wanted)  # others' secrets need not be here
    try:
        secrets = secrets_of(rules, os.environ)
    except NotifyFileError as error:
        raise Mistake("\n".join(f"{file}: {message}" for message in error.messages)) from None
    failed = False
    for recipient, message, answer in asyncio.run(_send(rules, secrets, settings.web_url)):
        failed |= answer.outcome is not Outcome.DELIVERED
        if as_json:
            said = {"recipient": recipient.id, "message": message, "outcome": answer.outcome, "why": answer.why}
            click.echo(orjson.dumps(said).decode())
        elif answer.outcome is Outcome.DELIVERED:
            click.echo(f"{recipient.id}: delivered as {message}")
        else:
            click.secho(f"{recipient.id}: {answer.why}", err=True, fg="red")
    if failed:
        sys.exit(1)


async def _send(rules: Rules, secrets: dict[str, Secrets], web_url: str) -> list[tuple[Recipient, str, Answer]]:
    from agents.notify.sender import Sender

    found = []
    async with Sender(rules, secrets, web_url) as sender:
        for recipient in rules.recipients:
            now = Millis(time.time() * 1000)
            message = example(recipient.name, now, _nothing_happened(now), recipient.wall)
            found.append((recipient, message.id, await sender.send(message, recipient)))
    return found


def _nothing_happened(now: Millis) -> Alert:
    return Alert(
        change="opened",
        status="firing",
        state="open",
        alert_id="test-0000000000000000",
        sequence=1,
        dedup_key="test",
        severity=1,
        severity_label="info",
        starts_at=now,
        detected_at=now,
        labels=Labels(alertname="Test", unit_id="test"),
        annotations=Annotations(summary="this is a test, nothing has happened"),
        detection=Detection(method="test", window_s=60, observed=0, distinct_authors=0, baseline="none"),
        sentiment=AlertSentiment(mean=0.0, confidence=0.0, model="none"),
        routing=AlertRouting(rule="none", confidence=0.0),
    )
