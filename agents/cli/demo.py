"""`cem demo`: everything on this machine, and a scenario played into it, with people who act on its alerts.

In: a seed. Out: the console's address, a live picture, and at the end a summary. The one rule: whatever happens,
nothing of it is left running.
"""

import secrets
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import click
import orjson
from rich.console import Console

from agents.cli.console import Trial, console_of, trial
from agents.cli.context import Mistake, load_settings
from agents.cli.live import LiveView
from agents.cli.play import Player, expected
from agents.cli.played import Played
from agents.kafka.admin import Admin, AdminError
from agents.kafka.broker import KINDS, BrokerError, choose
from agents.kafka.node import EmbeddedKafkaError
from agents.kafka.writer import WriteError
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
    """Start a Kafka, a worker, the console, and a scenario with a few dozen units, some incidents hidden in it, and
    managers of whom some act in time, some late, some never; watch moods and alerts as they come. Ctrl-C stops
    everything.

    \b
    Example:
      cem demo
      cem demo --once --json | tail -1
    """
    console = Console(stderr=as_json)
    base = load_settings(None)
    scenario = generate(seed, hours=hours)
    shown = None if once else trial()
    if shown is not None:
        _say_where(console, shown)
    try:
        with (
            ThreadPoolExecutor(1) as beside,
            LiveView(console, f"Social CEM · scenario {seed}", len(scenario.records)) as view,
        ):
            openings = beside.submit(expected, scenario, _settings(base, base.kafka, "cem"))
            view.note("starting Kafka")
            with (
                choose(kind, base.kafka or None) as servers,
                _service(base, servers, shown) as (settings, shape, check),
            ):
                player = Player(settings, shape, scenario, view, 0.0 if once else seconds, check)
                played = player.play(openings.result())
                if not once:
                    _stay(view, settings, check)
    except (AdminError, BrokerError, EmbeddedKafkaError, WorkerError, WriteError) as error:
        raise Mistake(str(error)) from None
    except KeyboardInterrupt:
        console.print("stopped", style="dim")
        sys.exit(130)
    _tell(console, played, as_json)
    sys.exit(0 if played.complete else 1)


def _say_where(console: Console, shown: Trial) -> None:
    """Before anything else, because it is what people want to see. It answers a few seconds later."""
    console.print(f"console  {shown.address}/login", style="bold", highlight=False, soft_wrap=True)
    console.print(f"token    {shown.token}   (head office, for a day)", highlight=False, soft_wrap=True)
    console.print()


def _settings(base: Settings, servers: str, own: str) -> Settings:
    return load_settings(
        None,
        kafka=servers,
        clock="data",
        tick_seconds=60.0,
        input_partitions=1,  # the order of what is sent is the order of the log
        prefix=own,
        group=own,
        author_key=base.author_key or secrets.token_hex(16),
        http_port=0,
    )


@contextmanager
def _service(base: Settings, servers: str, shown: Trial | None) -> Iterator[tuple[Settings, Shape, Callable[[], None]]]:
    """Topics, a worker, and the console if it is to be shown; with a prefix of its own, removed at the end, where the
    Kafka may be somebody's. Gives what is to be called now and then: it starts again what has ended, and may raise."""
    own = f"cem-demo-{secrets.token_hex(3)}" if base.kafka else "cem"
    settings = _settings(base, servers, own)
    with Admin(settings, Topics(own)) as admin:
        admin.apply()
        shape = admin.shape()
    try:
        with ExitStack() as stack:
            running = [stack.enter_context(Supervisor(settings))]
            if shown is not None:
                running.append(stack.enter_context(console_of(settings, shown)))
            yield settings, shape, lambda: _check(running)
    finally:
        if base.kafka:
            with Admin(settings, Topics(own)) as admin:
                admin.delete_all()


def _check(running: list[Supervisor]) -> None:
    for one in running:
        one.check()


def _stay(view: LiveView, settings: Settings, check: Callable[[], None]) -> None:
    """The picture stays until Ctrl-C, and so does the service: alerts can be acted on from another terminal."""
    where = f"CEM_KAFKA={settings.kafka} CEM_CLOCK=data" + (
        f" CEM_PREFIX={settings.prefix}" if settings.prefix != "cem" else ""
    )
    view.note(f"played to the end; {where} cem alerts tail shows the alerts; Ctrl-C stops everything")
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
