"""`cem unrouted`: what found no unit, with those that it might be; a person says which one it is about.

The decision is written into the partition where the post came from; the enrich agent carries it out. Then the post is
in the unit's log, and is listed here no more.
"""

import getpass
import sys
import time
from collections import OrderedDict
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

import click
import msgspec
import orjson
from rich.console import Console
from rich.table import Table

from agents.cli.context import Mistake, config_option, load_with_kafka
from agents.cli.live import shown
from agents.kafka.reader import ReadError, read
from agents.kafka.units import read_units
from agents.kafka.writer import WriteError, Writer
from agents.settings import Settings
from pipeline.assignment import assignment_record
from schemas.assignment import Label
from schemas.codec import Codec, RecordError, encode
from schemas.time import MINUTE_MS, format_time
from schemas.topics import Topics
from schemas.unrouted import Unrouted

ANSWER_SECONDS_MAX = 30.0
SKEW_MS = 10 * MINUTE_MS
"""How far the clocks of two machines may be apart."""
WAITING_MAX = 100_000
"""Of more the newest are shown."""

_codec = Codec[Unrouted](Unrouted)
_label_codec = Codec[Label](Label)


class Waiting(msgspec.Struct, frozen=True):
    """What waits for a decision, and when it was written."""

    unrouted: Unrouted
    append_ms: int


@click.group()
def unrouted() -> None:
    """See what found no unit; say which one it is about."""


@unrouted.command("list")
@config_option
@click.option("--reason", help="Only those without a unit for this reason.")
@click.option(
    "--limit", type=click.IntRange(1, WAITING_MAX), default=100, show_default=True, help="The newest so many."
)
@click.option("--no-text", is_flag=True, help="Do not look up what was said.")
@click.option("--json", "as_json", is_flag=True, help="The records as they are and `text`, one line each.")
def list_waiting(config: Path | None, reason: str | None, limit: int, no_text: bool, as_json: bool) -> None:
    """List what found no unit and waits for a decision, the newest last: why, which units it might be, what was said.

    \b
    Example:
      cem unrouted list --reason ambiguous
    """
    settings = load_with_kafka(config)
    topics = Topics(settings.prefix)
    try:
        waiting = [one for one in _waiting(settings, topics).values() if reason in (None, one.unrouted.reason)]
        listed = waiting[-limit:]
        texts = {} if no_text else _texts(settings, topics, listed)
    except ReadError as error:
        raise Mistake(str(error)) from None
    table = Table("id", "time", "reason", "it might be", "text", highlight=False)
    for one in listed:
        found = one.unrouted
        text = texts.get(found.insight.text_ref or "")
        if as_json:
            click.echo(orjson.dumps({**orjson.loads(encode(found)), "text": text}).decode())
            continue
        candidates = ", ".join(f"{one.unit_id} ({one.confidence:.2f})" for one in found.candidates)
        when = format_time(found.insight.event_time)[:16]
        table.add_row(*(shown(cell) for cell in (found.id, when, found.reason, candidates, text or "")))
    if not as_json:
        console = Console()
        if listed:
            console.print(table, markup=False)
        console.print(f"{len(listed)} of {len(waiting)} that wait for a decision", highlight=False)


@unrouted.command()
@click.argument("identity", metavar="ID")
@click.argument("unit_id", metavar="UNIT")
@config_option
@click.option("--actor", default=getpass.getuser, show_default="the user", help="Who decides.")
@click.option("--no-wait", is_flag=True, help="Do not wait until it is done.")
def assign(identity: str, unit_id: str, config: Path | None, actor: str, no_wait: bool) -> None:
    """Say which unit it is about. It goes into the unit's log, and so does what follows it: replies, edits, a delete.

    \b
    Example:
      cem unrouted assign x:1234567 store-17 --actor maria
    """
    settings = load_with_kafka(config)
    topics = Topics(settings.prefix)
    now = int(time.time() * 1000)
    try:
        _check_unit(unit_id, read_units(settings, topics).units)
        found = _waiting(settings, topics).get(identity)
        if found is None:
            raise Mistake(f"{identity!r} does not wait for a decision; see what does: cem unrouted list")
        with Writer(settings) as writer:
            writer.send(assignment_record(found.unrouted, unit_id, actor, now))
        if no_wait:
            click.echo(f"sent: {identity} is about {unit_id}")
            return
        label = _label(settings, topics, identity, now)
    except (ReadError, WriteError) as error:
        raise Mistake(str(error)) from None
    if label is None:
        hint = "does a worker run? See also: cem deadletters list"
        click.secho(f"no answer within {ANSWER_SECONDS_MAX:.0f} s; {hint}", err=True)
        sys.exit(1)
    if label.unit_id != unit_id:
        click.secho(f"refused: {label.actor} has assigned {identity} to {label.unit_id}", fg="red", err=True)
        sys.exit(1)
    click.echo(f"{identity} is about {unit_id}")


def _check_unit(unit_id: str, units: Collection[str]) -> None:
    if unit_id not in units:
        near = get_close_matches(unit_id, units, 1)
        hint = f"did you mean {near[0]!r}?" if near else "publish it first: cem units push"
        raise Mistake(f"there is no unit {unit_id!r}; {hint}")


def _waiting(settings: Settings, topics: Topics) -> OrderedDict[str, Waiting]:
    """What waits for a decision, by id, the newest last. What was deleted by its author waits no more."""
    found: OrderedDict[str, Waiting] = OrderedDict()
    for record in read(settings, topics("unrouted")):
        identity = (record.key or b"").decode("utf-8", "replace")
        found.pop(identity, None)
        if record.value is None:
            continue
        try:
            one = _codec.decode(record.value)
        except RecordError as error:
            raise Mistake(f"a record of a newer version: {error}") from None
        if one.insight.kind != "delete":
            found[identity] = Waiting(one, record.timestamp)
            if len(found) > WAITING_MAX:
                found.popitem(last=False)
    return found


def _texts(settings: Settings, topics: Topics, listed: Collection[Waiting]) -> dict[str, str]:
    """What was said, by its reference: written in the same breath as what is listed, or later."""
    wanted = {(one.unrouted.insight.text_ref or "").encode() for one in listed} - {b""}
    found: dict[str, str] = {}
    if wanted:
        since_ms = min(one.append_ms for one in listed) - SKEW_MS
        for record in read(settings, topics("texts"), since_ms=since_ms):
            if record.key in wanted:
                text = "" if record.value is None else orjson.loads(record.value)["text"]
                found[record.key.decode()] = text
    return found


def _label(settings: Settings, topics: Topics, identity: str, sent_ms: int) -> Label | None:
    """What became of a decision, None if nothing is said in time."""
    since_ms = sent_ms - SKEW_MS
    for record in read(settings, topics("labels"), follow=True, since_ms=since_ms, seconds_max=ANSWER_SECONDS_MAX):
        label = _label_codec.decode(record.value)
        if label.id == identity:
            return label
    return None
