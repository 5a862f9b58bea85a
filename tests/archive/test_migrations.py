"""The database is set up once, whoever starts first, and never by half."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from agents.archive import migrations
from agents.archive.migrations import Migration, MigrationError, migrate
from agents.cli import main
from schemas.topics import Topics
from tests.archive.direct import write
from tests.archive.world import World
from tests.postgres import PostgresServer


def test_from_empty_and_again(postgres_server: PostgresServer) -> None:
    """An empty database gets all files in order; a second time there is nothing to do."""
    dsn = postgres_server.database(migrated=False)
    assert [one.name for one in migrations.migrations()] == migrate(dsn)
    assert [] == migrate(dsn)


def test_many_at_once(postgres_server: PostgresServer) -> None:
    """Of archives that start in the same moment one sets up, and the others find it done."""
    dsn = postgres_server.database(migrated=False)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(migrate, [dsn] * 4))
    assert [[], [], [], [one.name for one in migrations.migrations()]] == sorted(done, key=len)


def test_a_file_that_fails_leaves_nothing_behind(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is set up as a whole or not at all."""
    dsn, broken = postgres_server.database(migrated=False), Migration(99, "099_broken.sql", "SELECT 1/0")
    monkeypatch.setattr(migrations, "migrations", lambda real=migrations.migrations: [*real(), broken])
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(dsn)
    with psycopg.connect(dsn) as connection:
        assert (None,) == connection.execute("SELECT to_regnamespace('cem')").fetchone()


def test_a_changed_file_and_a_newer_database_are_refused(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is applied is never changed, and an older version does not work on a newer database."""
    first, *rest = migrations.migrations()
    monkeypatch.setattr(migrations, "migrations", lambda: [first._replace(text="-- other"), *rest])
    with pytest.raises(MigrationError, match=r"001_tables\.sql is not the file"):
        migrate(postgres)
    monkeypatch.setattr(migrations, "migrations", lambda: [first, *rest][:-1])
    with pytest.raises(MigrationError, match="newer version"):
        migrate(postgres)


def test_who_may_not_is_told_what_to_do(postgres_server: PostgresServer) -> None:
    """A user without rights gets one clear sentence, not a trace."""
    dsn = postgres_server.database(migrated=False)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS nobody_special")
        connection.execute("CREATE ROLE nobody_special LOGIN PASSWORD 'weak'")
    name = dsn.rpartition("/")[2]
    with pytest.raises(MigrationError, match="may not set up the database"):
        migrate(postgres_server.dsn(name, "nobody_special", "weak"))


def test_an_owner_without_other_rights_and_its_analyst(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """Whoever owns the database and may make roles can set it up, archive and export; a login with the role of analysts
    can export, but not what is for head office."""
    server = postgres_server.dsn("postgres")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE ROLE plain_owner LOGIN CREATEROLE PASSWORD 'weak'")
        connection.execute("CREATE ROLE plain_analyst LOGIN PASSWORD 'weak'")
        connection.execute("CREATE DATABASE owned OWNER plain_owner")
    owner, analyst = (postgres_server.dsn("owned", name, "weak") for name in ("plain_owner", "plain_analyst"))
    assert migrate(owner)
    topics = Topics()
    write(owner, World(topics).story(), topics)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("GRANT cem_analyst TO plain_analyst")
    codes = {}
    for who, dsn in (("owner", owner), ("analyst", analyst)):
        for option in ([], ["--head-office"]):
            arguments = ["export", "alerts", "--out", str(tmp_path / "out.csv"), *option]
            result = CliRunner().invoke(main, arguments, env={"CEM_POSTGRES": dsn})
            codes[who, bool(option)] = (result.exit_code, len((tmp_path / "out.csv").read_text().splitlines()) - 1)
            (tmp_path / "out.csv").write_text("")
    assert {
        ("owner", False): (0, 20), ("owner", True): (0, 21), ("analyst", False): (0, 20), ("analyst", True): (2, -1),
    } == codes  # fmt: skip
