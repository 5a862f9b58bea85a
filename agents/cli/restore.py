"""`cem restore`: what was derived from the input topics, made anew."""

import time
from pathlib import Path

import click
import orjson
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agents.cli.context import Mistake, config_option, load_with_kafka
from agents.kafka.admin import AdminError
from agents.kafka.reach import why_not
from agents.restore.play import Place, RestoreError
from agents.restore.process import restore as run_restore


class _Places(click.ParamType):
    name = "topic/partition/offset"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        topic, _, rest = str(value).partition("/")
        partition, _, offset = rest.partition("/")
        if not topic or not partition.isdecimal() or not offset.isdecimal():
            self.fail(f"{value!r} is not of the form cem.posts/0/1234", param, ctx)
        return topic, int(partition), int(offset)


@click.command()
@config_option
@click.option("--aside", multiple=True, type=_Places(), help="Make a dead letter of this record; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: records, written, seconds.")
def restore(config: Path | None, aside: tuple[Place, ...], as_json: bool) -> None:
    """Make log, alerts, cases and states anew from the input topics, as far as these reach back.

    For when all is lost but the inputs; no worker may run. Everything that was read is worked on in the order in which
    Kafka took it, so an action finds the alert that it was about. Ended early, it goes on when it is called again.
    Then start the workers. What to delete before it says the runbook, deploy/README.md.

    \b
    Example:
      cem topics apply && cem restore && cem run
    """
    settings = load_with_kafka(config)
    if not settings.author_key:
        raise Mistake("CEM_AUTHOR_KEY is not set; set the key of the workers: with another one all authors are others")
    started = time.monotonic()
    console = Console(stderr=True)
    columns = (TextColumn("restoring"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("restoring", total=None)
            restored = run_restore(
                settings, aside, lambda count, all_of: progress.update(bar, completed=count, total=all_of)
            )
    except (RestoreError, AdminError) as error:
        raise Mistake(str(error)) from None
    except (KafkaError, TimeoutError, OSError) as error:
        refusal = why_not(settings)
        told = refusal.why if refusal is not None else f"Kafka refused: {error!r}"
        raise Mistake(f"{told}. Restore again: it goes on where it was") from None
    seconds = round(time.monotonic() - started, 1)
    if as_json:
        click.echo(orjson.dumps({**restored._asdict(), "seconds": seconds}).decode())
    else:
        click.echo(f"{restored.records:,} records of the inputs, {restored.written:,} records made, in {seconds} s")
