"""`cem run`: a worker. Starts only where it can work: a key for the authors, all topics there."""

from pathlib import Path

import click

from agents.cli.context import Mistake, config_option, load_with_kafka
from agents.kafka.admin import Admin, AdminError
from schemas.topics import Topics


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
            shape = admin.shape()
    except AdminError as error:
        raise Mistake(str(error)) from None
    from agents.app import run as run_worker  # Faust is slow to import and the checks above need not wait for it

    run_worker(settings, shape)
