"""`cem tokens`: who may use the console and its API without signing in at a proxy: make, list, revoke.

The one rule: a token is shown once, when it is made. What goes to Kafka is its hash.
"""

import getpass
import re
import time
from pathlib import Path
from typing import Any, get_args

import click
import orjson
from rich.console import Console
from rich.table import Table

from agents.cli.context import Mistake, config_option, load_with_kafka
from agents.cli.live import shown
from agents.kafka.reader import ReadError, read
from agents.kafka.units import read_units
from agents.kafka.writer import WriteError, Writer
from agents.settings import Settings
from agents.web.access import scope_problem
from agents.web.model import Model
from agents.web.tokens import hash_of, new_token
from pipeline.emission import Emission
from schemas.codec import Codec, RecordError, encode
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, Millis, format_time
from schemas.token import Role, Token
from schemas.topics import Topics

EXPIRES_DAYS_MAX = 3_650
_SPANS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,100}\Z")

_codec = Codec[Token](Token)


class Span(click.ParamType):
    """`30d`, `12h`, `90m` -> milliseconds."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """See click."""
        matched = re.fullmatch(r"([0-9]{1,7})([mhd])", str(value))
        span_ms = int(matched[1]) * _SPANS[matched[2]] if matched else 0
        if not 0 < span_ms <= EXPIRES_DAYS_MAX * DAY_MS:
            self.fail(f"{value!r} is no time such as 30d, 12h or 90m (at most {EXPIRES_DAYS_MAX}d)", param, ctx)
        return span_ms


@click.group()
def tokens() -> None:
    """Make, list and revoke tokens for the console and its API."""


@tokens.command()
@config_option
@click.option("--role", type=click.Choice(get_args(Role)), required=True, help="What it may see and do.")
@click.option("--name", required=True, help="Who or what it is for; actions are signed with it.")
@click.option("--unit", "unit_id", help="The unit, region or brand whose matters it is for.")
@click.option("--department", help="Only matters of this department.")
@click.option("--expires", "span_ms", type=Span(), default="30d", show_default=True, help="After how long it ends.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: id, token, and its record.")
def create(
    config: Path | None, role: Role, name: str, unit_id: str | None, department: str | None, span_ms: int, as_json: bool
) -> None:
    """Make a token. It is shown once; keep it as you keep a password.

    \b
    Example:
      cem tokens create --role unit --unit store-17 --name maria --expires 90d
    """
    settings = load_with_kafka(config)
    if (problem := scope_problem(role, unit_id, department)) is not None:
        raise Mistake(f"{problem}: --unit, --department")
    if not _NAME.match(name):
        raise Mistake("--name: 1 to 100 characters, none of them a control character")
    topics = Topics(settings.prefix)
    now_ms = int(time.time() * 1000)
    token, identity = new_token()
    try:
        if unit_id is not None and unit_id not in read_units(settings, topics).units:
            raise Mistake(f"there is no unit {unit_id!r}; publish it first: cem units push")
        record = Token(
            id=identity, name=name, role=role, unit_id=unit_id, department=department, hash=hash_of(token),
            made_by=getpass.getuser(), made_at=Millis(now_ms), expires_at=Millis(now_ms + span_ms),
        )  # fmt: skip
        _write(settings, topics, record)
    except (ReadError, WriteError) as error:
        raise Mistake(str(error)) from None
    if as_json:
        click.echo(orjson.dumps({"token": token, **_without_hash(record)}).decode())
    else:
        click.echo(token)
        click.echo(f"id {identity}, {role}, until {format_time(record.expires_at)}; it is not shown again", err=True)


@tokens.command("list")
@config_option
@click.option("--all", "everything", is_flag=True, help="Also those that are expired or revoked.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each, one line each.")
def list_tokens(config: Path | None, everything: bool, as_json: bool) -> None:
    """List tokens: what each may see, until when. Never the tokens themselves.

    \b
    Example:
      cem tokens list --all
    """
    settings = load_with_kafka(config)
    now_ms = int(time.time() * 1000)
    table = Table("id", "name", "role", "unit", "department", "until", "made by", highlight=False)
    for token in sorted(_read(settings).values(), key=lambda one: one.made_at):
        ended = "revoked" if token.revoked_at is not None else "expired" if token.expires_at <= now_ms else ""
        if ended and not everything:
            continue
        if as_json:
            click.echo(orjson.dumps(_without_hash(token)).decode())
            continue
        until = ended or format_time(token.expires_at)[:16]
        cells = (token.id, token.name, token.role, token.unit_id or "", token.department or "", until, token.made_by)
        table.add_row(*map(shown, cells))
    if not as_json:
        Console().print(table, markup=False)


@tokens.command()
@click.argument("identity", metavar="ID")
@config_option
def revoke(identity: str, config: Path | None) -> None:
    """End a token, and with it all sessions of the console that began with it, within a second.

    \b
    Example:
      cem tokens revoke 5f0c9a3be1d2
    """
    settings = load_with_kafka(config)
    token = _read(settings).get(identity)
    if token is None:
        raise Mistake(f"there is no token {identity!r}; see which there are: cem tokens list --all")
    if token.revoked_at is not None:
        click.echo(f"{identity} was revoked at {format_time(token.revoked_at)}")
        return
    fields = {name: getattr(token, name) for name in Token.__struct_fields__}
    revoked = Token(**{**fields, "made_by": getpass.getuser(), "revoked_at": Millis(time.time() * 1000)})
    try:
        _write(settings, Topics(settings.prefix), revoked)
    except WriteError as error:
        raise Mistake(str(error)) from None
    click.echo(f"{identity} ({shown(token.name)}) is revoked")


def _write(settings: Settings, topics: Topics, token: Token) -> None:
    with Writer(settings) as writer:
        writer.send(Emission(topics("tokens"), token.id.encode(), encode(token)))


def _read(settings: Settings) -> dict[str, Token]:
    """All tokens by id, as the console judges them: one that is revoked stays so."""
    model, found = Model(), {}
    try:
        for record in read(settings, Topics(settings.prefix)("tokens")):
            key = (record.key or b"").decode("utf-8", "replace")
            try:
                model.apply_token(key, None if record.value is None else _codec.decode(record.value))
            except RecordError:
                continue
            found[key] = model.token(key)
    except ReadError as error:
        raise Mistake(str(error)) from None
    return {key: token for key, token in found.items() if token is not None}


def _without_hash(token: Token) -> dict[str, Any]:
    said: dict[str, Any] = orjson.loads(encode(token))
    return {name: value for name, value in said.items() if name not in ("hash", "schema_version")}
