"""`cem archive`: history into PostgreSQL, for analysts."""

import asyncio
import logging
from pathlib import Path

import click
import psycopg

from agents import logs
from agents.archive.migrations import MigrationError, migrate
from agents.archive.reach import mistake, refusal, secrets_of
from agents.cli.context import Mistake, config_option, load_settings, load_with_kafka
from agents.health import PortError
from agents.kafka.crash import die
from agents.settings import Settings


@click.command()
@config_option
@click.option("--http-port", type=int, help="Port of /metrics, /live and /ready.")
@click.option("--from-start", is_flag=True, help="Read all that Kafka still has once more; rows that are there stay.")
@click.option("--migrate-only", is_flag=True, help="Set the database up and end. Needs no Kafka.")
def archive(config: Path | None, http_port: int | None, from_start: bool, migrate_only: bool) -> None:
    """Write insights, alerts and cases into PostgreSQL, until SIGTERM or Ctrl-C.

    Each record exactly once: where it goes on stands in the database. Kill it at any time. Start it twice if you like:
    one works, the other stands by. deploy/history.md says what is in the database and how to read it.

    \b
    Example:
      export CEM_KAFKA=broker:9092 CEM_POSTGRES=postgresql://cem:secret@db/cem
      cem archive
    """
    if migrate_only:
        _migrate(load_settings(config))
        return
    settings = load_with_kafka(config, http_port=http_port)
    check_postgres(settings)
    from agents.archive.process import ArchiveError, run  # Kafka's clients are slow to import
    from agents.kafka.reach import why_not

    logs.configure(settings, secrets=secrets_of(settings.postgres))
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it tells of every retry; we say once that Kafka is away
    if (refused := why_not(settings)) is not None and refused.lasting:
        raise Mistake(refused.why)
    try:
        asyncio.run(run(settings, from_start=from_start))
    except (ArchiveError, MigrationError, PortError) as error:
        raise Mistake(str(error)) from None
    except psycopg.Error as error:  # what comes behind the first line may show values of a row
        die(f"the archive cannot go on: {type(error).__name__} {error.sqlstate}: {str(error).partition(chr(10))[0]}")
    except Exception as error:
        die("the archive cannot go on", error)


def check_postgres(settings: Settings) -> None:
    """That a database is set, in a form that can be read. What is set is not printed: it holds a password."""
    if not settings.postgres:
        raise Mistake("no database is set; export CEM_POSTGRES=postgresql://user:password@host:port/database")
    if (wrong := mistake(settings.postgres)) is not None:
        raise Mistake(wrong)


def _migrate(settings: Settings) -> None:
    check_postgres(settings)
    try:
        done = migrate(settings.postgres)
    except MigrationError as error:
        raise Mistake(str(error)) from None
    except psycopg.OperationalError as error:
        refused = refusal(settings.postgres, error)
        raise Mistake(refused or f"no PostgreSQL answers: {str(error).strip().partition(chr(10))[0]}") from None
    click.echo("\n".join(f"applied {name}" for name in done) or "nothing to do")
