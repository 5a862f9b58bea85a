"""`cem demo`: everything on this machine, and a scenario played into it.

In: a seed. Out: a live picture, and at the end a summary. The one rule: whatever happens, nothing of it is left
running.
"""

import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
import orjson
from rich.console import Console

from agents.cli.context import Mistake, load_settings
from agents.cli.live import LiveView
from agents.cli.play import Played, play
from agents.kafka.admin import Admin, AdminError
from agents.kafka.broker import KINDS, BrokerError, choose
from agents.kafka.embedded import EmbeddedKafkaError
from agents.settings import Settings
from agents.supervisor import Supervisor, WorkerError
from pipeline.control import Shape
from pipeline.evaluation.scenario import generate
from schemas.topics import Topics

STAY_CHECK_SECONDS = 0.5


@click.command()
@click.option("--once", is_flag=True, help="As fast as it goes, then a summary, then stop.")
@click.option("--json", "as_json", is_flag=True, help="The last line of output is the summary as JSON.")
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed is another world.")
@click.option("--seconds", type=click.FloatRange(min=1), default=90.0, show_default=True, help="Playing time.")
@click.option("--hours", type=click.IntRange(36, 24 * 60), default=48, show_default=True, help="Hours of the scenario.")
@click.option("--kafka", "kind", type=click.Choice(KINDS), help="Instead of CEM_KAFKA, or the embedded one.")
def demo(once: bool, as_json: bool, seed: int, seconds: float, hours: int, kind: str | None) -> None:
    """Start a Kafka, a worker and a scenario with a few dozen units and some incidents hidden in it; watch moods and
    alerts as they come. Ctrl-C stops everything.

    \b
    Example:
      cem demo
      cem demo --once --json | tail -1
    """
    console = Console(stderr=as_json)
    base = load_settings(None)
    scenario = generate(seed, hours=hours)
    try:
        with LiveView(console, f"Social CEM · scenario {seed}", len(scenario.records)) as view:
            view.note("starting Kafka")
            with choose(kind, base.kafka or None) as servers, _service(base, servers) as (settings, shape, worker):
                played = play(settings, shape, scenario, view, 0.0 if once else seconds, worker.check)
                if not once:
                    _stay(view, settings, worker.check)
    except (AdminError, BrokerError, EmbeddedKafkaError, WorkerError) as error:
        raise Mistake(str(error)) from None
    except KeyboardInterrupt:
        console.print("stopped", style="dim")
        sys.exit(130)
    _tell(console, played, as_json)
    sys.exit(0 if played.complete else 1)


@contextmanager
def _service(base: Settings, servers: str) -> Iterator[tuple[Settings, Shape, Supervisor]]:
    """Topics and a worker; with a prefix of its own, removed at the end, where the Kafka may be somebody's."""
    own = f"cem-demo-{secrets.token_hex(3)}" if base.kafka else "cem"
    settings = load_settings(
        None,
        kafka=servers,
        clock="data",
        tick_seconds=60.0,
        prefix=own,
        group=own,
        author_key=base.author_key or secrets.token_hex(16),
        http_port=0,
    )
    with Admin(settings, Topics(own)) as admin:
        admin.apply()
        shape = admin.shape()
    try:
        with Supervisor(settings) as worker:
            yield settings, shape, worker
    finally:
        if base.kafka:
            with Admin(settings, Topics(own)) as admin:
                admin.delete_all()


def _stay(view: LiveView, settings: Settings, check: Callable[[], None]) -> None:
    """The picture stays until Ctrl-C, and so does the service: alerts can be acted on from another terminal."""
    view.note(
        f"played to the end; CEM_KAFKA={settings.kafka} cem alerts tail shows the alerts; Ctrl-C stops everything"
    )
    while True:
        check()
        view.refresh()
        time.sleep(STAY_CHECK_SECONDS)


def _tell(console: Console, played: Played, as_json: bool) -> None:
    if played.missing:
        console.print(
            f"{len(played.missing)} records were not seen again, such as {sorted(played.missing)[:3]}", style="red"
        )
    if as_json:
        click.echo(orjson.dumps(played.summary()).decode())
        return
    for name, value in played.summary().items():
        console.print(f"{name:>20}  {value}", highlight=False)
