"""The database brought to the form that this version needs: numbered SQL files, each applied once, in order.

In: a DSN. Out: the names of the files that were applied now. The one rule: all of it is one transaction under an
advisory lock, so that of several archives that start together one does it and the others find it done.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

LOCK = 0x63656D01
"""Of PostgreSQL's advisory locks, ours: `cem` and a number."""

_PACKAGED = Path(__file__).parent / "migrations"
_CHECKOUT = Path(__file__).parents[2] / "deploy" / "postgres"

_TABLE = """
CREATE SCHEMA IF NOT EXISTS cem;
CREATE TABLE IF NOT EXISTS cem.migration (
    number integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
"""


class MigrationError(RuntimeError):
    """The database cannot be brought to the form that is needed. The message says why and what to do."""


class Migration(NamedTuple):
    """One file: `003_functions.sql` is number 3."""

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All files that came with this version, in order."""
    folder = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
    return [
        Migration(int(path.name.split("_")[0]), path.name, path.read_text("utf-8"))
        for path in sorted(folder.glob("[0-9]*_*.sql"))
    ]


def migrate(dsn: str) -> list[str]:
    """Applies what is missing. Raises MigrationError, or psycopg's OperationalError where no database answers."""
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        try:
            return list(_apply(connection))
        except psycopg.errors.InsufficientPrivilege as error:
            raise MigrationError(
                f"the user of `postgres` may not set up the database: {_first_line(error)}. It has to own the database "
                "and may need CREATEROLE; or let an administrator do CREATE ROLE cem_analyst; CREATE ROLE "
                "cem_head_office; once"
            ) from error


def _apply(connection: psycopg.Connection[Any]) -> Iterator[str]:
    if connection.execute("SELECT to_regclass('cem.migration')").fetchone() == (None,):
        connection.execute(_TABLE)
    applied = dict(connection.execute("SELECT number, sha256 FROM cem.migration").fetchall())
    ours = migrations()
    if newer := set(applied) - {migration.number for migration in ours}:
        raise MigrationError(
            f"the database was set up by a newer version (it has migration {max(newer)}): run that version"
        )
    for migration in ours:
        if migration.number not in applied:
            connection.execute(sql.SQL(migration.text))
            connection.execute(
                "INSERT INTO cem.migration (number, name, sha256) VALUES (%s, %s, %s)",
                (migration.number, migration.name, migration.sha256),
            )
            yield migration.name
        elif applied[migration.number] != migration.sha256:
            raise MigrationError(
                f"{migration.name} is not the file that this database was set up with; what is applied is never "
                "changed: add a new file with the next number"
            )


def _first_line(error: psycopg.Error) -> str:
    return str(error).partition("\n")[0]
