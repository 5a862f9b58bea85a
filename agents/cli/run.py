"""`cem run`: a worker. Starts only where it can work: a key for the authors, all topics there."""

from itertools import islice
from pathlib import Path

import click

from agents.cli.context import Mistake, config_option, load_with_kafka
from agents.kafka.admin import Admin, AdminError
from agents.kafka.reader import ReadError, read
from agents.settings import Settings
from schemas.tick import CONTROL_HEADER
from schemas.topics import Topics

ACTIONS_LOOKED_AT = 10_000
"""Between ticks, of which there are 8,640 a day."""


@click.command()
@config_option
@click.option("--apply-topics", is_flag=True, help="Create missing topics first.")
@click.option("--http-port", type=int, help="Port of /metrics, /live and /ready.")
def run(config: Path | None, apply_topics: bool, http_port: int | None) -> None:
    """Run a worker against the configured Kafka, until SIGTERM or Ctrl-C.

    Start as many as there are partitions; they share the work. Kill any of them at any time: nothing is lost, and the
    supervisor (systemd, Kubernetes, docker compose) should start it again.

    \b
    Example:
      export CEM_KAFKA=broker:9092 CEM_AUTHOR_KEY="$(openssl rand -hex 32)"
      cem topics apply && cem run
    """
    settings = load_with_kafka(config, http_port=http_port)
    if not settings.author_key:
        raise Mistake(
            "no key for the authors' hashes is set; export CEM_AUTHOR_KEY with at least 16 secret characters and keep "
            "it: with another key the same author is another person"
        )
    topics = Topics(settings.prefix)
    try:
        with Admin(settings, topics) as admin:
            if apply_topics:
                admin.apply()
            problems = admin.problems()
            if problems:
                raise Mistake("\n".join(problems))
            if _is_lost(settings, topics, admin):
                raise Mistake(
                    f"{topics('actions')} holds what people did about alerts, while {topics('events')}, from which "
                    "alerts are made, is empty: it was lost. `cem restore` makes it anew from the inputs in their "
                    "order, then start workers (deploy/README.md, Back up and restore)"
                )
            shape = admin.shape()
    except (AdminError, ReadError) as error:
        raise Mistake(str(error)) from None
    from agents.app import run as run_worker  # Faust is slow to import and the checks above need not wait for it

    run_worker(settings, shape)


def _is_lost(settings: Settings, topics: Topics, admin: Admin) -> bool:
    """Whether the log is empty though people have acted, and nobody is at work who is just about to fill it."""
    if admin.has_begun(topics("events")) or admin.members():
        return False
    some = islice(read(settings, topics("actions")), ACTIONS_LOOKED_AT)
    return any(CONTROL_HEADER not in dict(record.headers) for record in some)
