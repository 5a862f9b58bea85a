"""The commands with which a manager acts on an alert. In: what the manager types. Out: an action in `cem.actions`, and
what became of it in words.

The one rule: what can be seen to be wrong is told before anything is sent; everything else the service decides, and
its answer is told as it is. Exit code 0: done, now or before; 1: refused, or no answer; 2: a mistake in what was typed.
"""

import getpass
import re
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, get_args

import click

from agents.cli.asking import ANSWER_SECONDS_MAX, ask, checked, now_of
from agents.cli.context import Mistake, config_option, load_with_kafka
from agents.cli.live import shown
from agents.kafka.reader import ReadError
from agents.kafka.writer import WriteError
from agents.web import words
from schemas.action import Action, ActionName, DismissalCode
from schemas.case import CaseEntry
from schemas.codec import RecordError, encode
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, Millis, parse_time

_SPAN: Final = re.compile(r"(\d{1,4})([mhd])")
_SPAN_MS: Final = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_ID: Final = re.compile(r"[A-Za-z0-9-]+-[0-9a-f]{16}")

COMMANDS: list[click.Command] = []
"""In the order in which they are listed."""


def _command(name: str, *options: Callable[[Any], Any]) -> Callable[[Callable[..., None]], click.Command]:
    """A command about one alert, with the options that all of them have."""

    def made(function: Callable[..., None]) -> click.Command:
        wrapped: Any = function
        for option in (
            click.option("--json", "as_json", is_flag=True, help="The service's answer as one JSON object."),
            click.option("--no-wait", is_flag=True, help="Do not wait for the answer."),
            click.option("--id", "identity", help="The action's id; sent twice it takes effect once. [default: new]"),
            click.option("--actor", default=getpass.getuser, show_default="the user", help="Who does it."),
            *reversed(options),
            config_option,
            click.argument("alert_id"),
        ):
            wrapped = option(wrapped)
        command = click.command(name)(wrapped)
        COMMANDS.append(command)
        return command

    return made


NOTE = click.option("--note", default="", help="Why, in your own words.")
WE_DID = click.option("--we-did", default="", help="What customers may read once it is published.")


@_command("ack", NOTE)
def ack(alert_id: str, config: Path | None, **given: Any) -> None:
    """Acknowledge an alert: somebody looks after it.

    \b
    Example:
      cem alerts ack store-17-5f0c9a3be1d24c77 --actor maria
    """
    _act("acknowledge", alert_id, config, **given)


@_command("assign", click.option("--to", "assignee", required=True, help="Who is to see to it."), NOTE)
def assign(alert_id: str, config: Path | None, **given: Any) -> None:
    """Assign a case to somebody.

    \b
    Example:
      cem alerts assign store-17-5f0c9a3be1d24c77 --to jonas
    """
    _act("assign", alert_id, config, **given)


@_command("comment", click.option("--note", required=True, help="What is to be remembered."))
def comment(alert_id: str, config: Path | None, **given: Any) -> None:
    """Write a note into the case. It changes no state.

    \b
    Example:
      cem alerts comment store-17-5f0c9a3be1d24c77 --note "Called the supplier"
    """
    _act("comment", alert_id, config, **given)


@_command("reply", NOTE)
def reply(alert_id: str, config: Path | None, **given: Any) -> None:
    """Say that the customer has an answer, where the service cannot see it: by telephone, at the counter.

    \b
    Example:
      cem alerts reply store-17-5f0c9a3be1d24c77 --note "Called her back"
    """
    _act("reply", alert_id, config, **given)


@_command(
    "reroute",
    click.option("--to-unit", help="The unit that it is about."),
    click.option("--to-department", help="The department of the unit that is responsible."),
    NOTE,
)
def reroute(alert_id: str, config: Path | None, **given: Any) -> None:
    """Send a case on to another unit or department, with its history.

    \b
    Example:
      cem alerts reroute store-17-5f0c9a3be1d24c77 --to-department kitchen
    """
    if not (given["to_unit"] or given["to_department"]):
        raise Mistake("whom is it for? Say --to-unit UNIT or --to-department DEPARTMENT")
    _act("reroute", alert_id, config, **given)


@_command("snooze", click.option("--until", "until", required=True, help="A time, or how long: 45m, 4h, 2d."), NOTE)
def snooze(alert_id: str, config: Path | None, until: str, **given: Any) -> None:
    """Hide a case until a time.

    \b
    Example:
      cem alerts snooze store-17-5f0c9a3be1d24c77 --until 4h
      cem alerts snooze store-17-5f0c9a3be1d24c77 --until 2026-01-31T09:00:00+01:00
    """
    _act("snooze", alert_id, config, until=until, **given)


@_command(
    "resolve",
    click.option("--code", "resolution_code", help="In a word, such as refunded or staff_added."),
    WE_DID,
    NOTE,
)
def resolve(alert_id: str, config: Path | None, **given: Any) -> None:
    """Resolve a case: the matter is settled.

    \b
    Example:
      cem alerts resolve store-17-5f0c9a3be1d24c77 --code staff_added --we-did "The second till is open again."
    """
    _act("resolve", alert_id, config, **given)


@_command(
    "dismiss",
    click.option("--code", "dismissal_code", required=True, type=click.Choice(get_args(DismissalCode)), help="Why."),
    NOTE,
)
def dismiss(alert_id: str, config: Path | None, **given: Any) -> None:
    """Dismiss a case: there is nothing to do about it.

    \b
    Example:
      cem alerts dismiss store-17-5f0c9a3be1d24c77 --code duplicate
    """
    _act("dismiss", alert_id, config, **given)


@_command("reopen", NOTE)
def reopen(alert_id: str, config: Path | None, **given: Any) -> None:
    """Open a case again that was resolved or dismissed.

    \b
    Example:
      cem alerts reopen store-17-5f0c9a3be1d24c77 --note "It came back"
    """
    _act("reopen", alert_id, config, **given)


@_command("publish", WE_DID, NOTE)
def publish(alert_id: str, config: Path | None, **given: Any) -> None:
    """Approve that customers may read what was done about it.

    \b
    Example:
      cem alerts publish store-17-5f0c9a3be1d24c77
    """
    _act("publish", alert_id, config, **given)


def _act(
    name: ActionName,
    alert_id: str,
    config: Path | None,
    *,
    actor: str,
    identity: str | None,
    no_wait: bool,
    as_json: bool,
    until: str | None = None,
    **said: Any,
) -> None:
    """Sends it, and tells what became of it."""
    settings = load_with_kafka(config)
    if not _ID.fullmatch(alert_id):
        raise Mistake(f"{shown(alert_id, 60)!r} is no id of an alert; it looks like store-17-5f0c9a3be1d24c77")
    try:
        now_ms = now_of(settings)
        action = checked(
            Action(
                id=identity or str(uuid.uuid4()),
                alert_id=alert_id,
                unit_id=alert_id.rpartition("-")[0],
                action=name,
                actor=actor,
                event_time=now_ms,
                until=None if until is None else until_of(until, now_ms),
                **said,
            )
        )
        entry = ask(settings, action, again=identity is not None, wait=not no_wait)
    except RecordError as error:
        raise Mistake(f"the action cannot be sent: {error.detail}") from None
    except (WriteError, ReadError) as error:
        raise Mistake(str(error)) from None
    if no_wait:
        click.echo(f"sent as action {action.id}")
        return
    if entry is None:
        hint = "does a worker run? See also: cem deadletters list"
        click.secho(f"no answer within {ANSWER_SECONDS_MAX:.0f} s; {hint} (action {shown(action.id)})", err=True)
        sys.exit(1)
    if as_json:
        click.echo(encode(entry))
    done = entry.accepted or entry.reason == "already_done"
    if not done:
        click.secho(f"refused: {words.refused(entry.reason)}", fg="red", err=True)
        sys.exit(1)
    if not as_json:
        click.echo(f"{alert_id}: {told(entry)}")


def told(entry: CaseEntry) -> str:
    """What an action that took effect has made of the case."""
    if not entry.accepted:
        return f"{words.refused(entry.reason)}; the case is {entry.state}"
    where = shown(entry.to_unit or entry.to_department or entry.assignee or "")
    return f"{entry.change}{f' to {where}' if where else ''}; the case is {entry.state}"


def until_of(text: str, now_ms: int) -> Millis:
    """A time as RFC 3339, or how long from now: `45m`, `4h`, `2d`. Raises Mistake."""
    if span := _SPAN.fullmatch(text.strip()):
        return Millis(now_ms + int(span[1]) * _SPAN_MS[span[2]])
    try:
        return parse_time(text.strip())
    except ValueError as error:
        raise Mistake(f"--until: {error}, or say how long, such as 4h") from None
