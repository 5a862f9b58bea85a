"""`cem deadletters`: what was refused and why; send it through again after the cause is mended."""

from collections.abc import Iterator
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table

from agents.cli.context import Mistake, config_option, load_with_kafka
from agents.cli.live import shown
from agents.kafka.reader import ReadError, read
from agents.kafka.writer import WriteError, Writer
from agents.settings import Settings
from pipeline.emission import Emission
from schemas.codec import Codec, encode
from schemas.deadletter import DeadLetter
from schemas.tick import CONTROL_HEADER
from schemas.topics import Topics

_codec = Codec[DeadLetter](DeadLetter)
REASON_OPTION = click.option("--reason", help="Only those refused for this reason.")


@click.group()
def deadletters() -> None:
    """See what was refused and why; send it through again."""


@deadletters.command("list")
@config_option
@REASON_OPTION
@click.option("--json", "as_json", is_flag=True, help="The records as they are, one line each.")
def list_letters(config: Path | None, reason: str | None, as_json: bool) -> None:
    """List what was refused: where it came from, why, and how it begins.

    \b
    Example:
      cem deadletters list --reason not_json
    """
    settings = load_with_kafka(config)
    table = Table("source", "reason", "detail", "begins with", highlight=False)
    count = 0
    for letter in _letters(settings, reason):
        count += 1
        if as_json:
            click.echo(encode(letter))
        elif count <= 1000:
            begin = (letter.bytes or b"")[:60].decode("utf-8", "replace")
            source = f"{letter.source.stream} {letter.source.offset}"
            table.add_row(*(shown(text) for text in (source, letter.reason, letter.detail, begin)))
    if not as_json:
        console = Console()
        if count:
            console.print(table, markup=False)
        console.print(f"{count} dead letters", highlight=False)


@deadletters.command()
@config_option
@REASON_OPTION
@click.option("--yes", is_flag=True, help="Do it; without it, only say what would be done.")
def replay(config: Path | None, reason: str | None, yes: bool) -> None:
    """Send the original bytes into the topic that they came from, once more.

    Rows of files and letters that hold only the beginning of a record cannot be sent again; they are counted.

    \b
    Example:
      cem deadletters replay --reason unknown_unit --yes
    """
    settings = load_with_kafka(config)
    names = Topics(settings.prefix)
    letters = list({(one.source.stream, one.source.offset): one for one in _letters(settings, reason)}.values())
    whole = [
        letter
        for letter in letters
        if letter.source.topic in names.inputs and letter.bytes is not None and len(letter.bytes) == letter.bytes_total
    ]
    if yes:
        try:
            with Writer(settings) as writer:
                for letter in whole:
                    writer.send(_again(letter))
        except WriteError as error:
            raise Mistake(str(error)) from None
    result = {"sent": len(whole) if yes else 0, "could_be_sent": len(whole), "left": len(letters) - len(whole)}
    click.echo(orjson.dumps(result).decode())


def _again(letter: DeadLetter) -> Emission:
    """The record as it was: by its key, or, what was told from others by its header, into the very partition."""
    topic, key, value = letter.source.topic, letter.key, letter.bytes
    if letter.control is None:
        return Emission(topic, key, value)
    return Emission(topic, key, value, letter.source.partition, ((CONTROL_HEADER, letter.control.encode()),))


def _letters(settings: Settings, reason: str | None) -> Iterator[DeadLetter]:
    try:
        for record in read(settings, Topics(settings.prefix)("deadletter")):
            letter = _codec.decode(record.value)
            if reason is None or letter.reason == reason:
                yield letter
    except ReadError as error:
        raise Mistake(str(error)) from None
