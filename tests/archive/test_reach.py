"""Whoever gives the archive a database that it cannot use is told so at once, in one sentence and without the password;
what may pass is waited for."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import trustme
from click.testing import CliRunner

from agents.archive.reach import mistake, refusal, secrets_of
from agents.cli import main
from agents.kafka.node import free_port
from agents.settings import Settings
from tests.archive.asking import lag_becomes, ready_says
from tests.archive.conftest import COMMAND, NewArchived
from tests.archive.world import insight
from tests.postgres import PASSWORD, PostgresServer, folder_of_programs

SECRET = "pl4nted"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One that speaks TLS, with users who may not do much."""
    programs = folder_of_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    found = PostgresServer(programs, ssl="on", ssl_cert_file="../server.pem", ssl_key_file="../server.key")
    _certify(found.folder)
    hba = found.folder / "data" / "pg_hba.conf"
    hba.write_text(f"host all unwanted all reject\n{hba.read_text()}")
    with found:
        with psycopg.connect(found.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE plain LOGIN PASSWORD '{SECRET}'")
            connection.execute(f"CREATE ROLE unwanted LOGIN PASSWORD '{SECRET}'")
            connection.execute(f"CREATE ROLE no_login PASSWORD '{SECRET}'")
            connection.execute("CREATE DATABASE closed")
            connection.execute("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
        yield found


def _certify(folder: Path) -> None:
    """A certificate for another name than the one that is asked for, by an authority of its own."""
    authority = trustme.CA()
    issued = authority.issue_cert("elsewhere.example")
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))
    issued.private_key_pem.write_to_path(str(folder / "server.key"))
    (folder / "server.key").chmod(0o600)
    (folder / "authority.pem").chmod(0o644)
    if folder.owner() == "postgres":
        for name in ("server.pem", "server.key"):
            shutil.chown(folder / name, "postgres", "postgres")


def tls(server: PostgresServer, mode: str, authority: str) -> str:
    """A DSN that trusts what is in a file of the server's folder."""
    return f"{server.dsn('postgres')}?sslmode={mode}&sslrootcert={server.folder / authority}"


def said(dsn: str) -> str | None:
    """What the archive says about it."""
    with pytest.raises(psycopg.Error) as caught:
        psycopg.connect(dsn, connect_timeout=5)
    return refusal(dsn, caught.value)


@pytest.mark.parametrize(
    ("dsn_of", "words"),
    [
        (lambda on: on.dsn("postgres", password=SECRET), "refuses the user or the password"),
        (lambda on: on.dsn("postgres", user="nobody", password=SECRET), "CEM_POSTGRES names the user nobody"),
        (lambda on: f"postgresql://cem@127.0.0.1:{on.port}/postgres", "wants a password of the user cem"),
        (lambda on: on.dsn("postgres", "no_login", SECRET), "no user no_login that may log in"),
        (lambda on: on.dsn("nix"), "no database nix; make it with: createdb --owner=cem nix"),
        (lambda on: on.dsn("closed", "plain", SECRET), "does not let the user plain into the database closed"),
        (lambda on: on.dsn("postgres", "unwanted", SECRET), "add a line for it to pg_hba.conf"),
        (lambda on: tls(on, "verify-ca", "nix.pem"), "TLS with PostgreSQL at .* fails"),
        (lambda on: tls(on, "verify-full", "authority.pem"), "does not match host"),
        (lambda on: tls(on, "verify-ca", "server.pem"), "sslrootcert"),
        (lambda on: on.dsn("postgres") + "?sslmode=nix", 'cannot be used: invalid sslmode value: "nix"'),
        (lambda on: f"host=127.0.0.1,127.0.0.1 port={free_port()},{on.port} user=cem password=no dbname=postgres",
         "127.0.0.1:.* or 127.0.0.1:.* refuses the user or the password"),
    ],
    ids=["password", "user", "no password", "no login", "database", "connect", "pg_hba", "no authority file", "name",
         "authority", "sslmode", "two servers"],
)  # fmt: skip
def test_it_says_what_to_do(server: PostgresServer, dsn_of: Callable[[PostgresServer], str], words: str) -> None:
    """One sentence: what, where, what to do. No password, not even the wrong one."""
    dsn = dsn_of(server)
    sentence = said(dsn)
    assert sentence is not None and re.search(words, sentence), sentence
    assert "\n" not in sentence
    assert not {PASSWORD, SECRET} & set(re.split(r"[\s:/@'\"]", sentence))
    assert str(server.port) in sentence or "cannot be used" in sentence


def test_no_tls_where_it_is_asked_for(postgres: str) -> None:
    """A server without TLS is told from one that is away."""
    sentence = said(f"{postgres}?sslmode=require")
    assert sentence is not None and "speaks no TLS" in sentence


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_what_is_away_is_waited_for(host: str) -> None:
    """Nothing listens there, or nobody knows the name: it may come."""
    assert said(f"postgresql://cem:{SECRET}@{host}:{free_port()}/cem") is None


def test_what_is_full_is_waited_for(server: PostgresServer) -> None:
    """No place for one more connection: there will be one."""
    error = psycopg.OperationalError("connection failed: FATAL:  sorry, too many clients already")
    assert refusal(server.dsn("postgres"), error) is None


@pytest.mark.parametrize(
    "dsn",
    ["postgresql://cem:pl4nted/1@db/cem", "postgresql://cem:a@pl4nted@db/cem", "postgresql://cem:12/pl4nted@db/cem",
     "postgresql://cem:pl4nted%@db/cem", "pl4nted"],
)  # fmt: skip
def test_a_password_in_the_wrong_place_is_not_shown(dsn: str) -> None:
    """With / or @ in it, it becomes the port, the host or the database's name; it is told how to write it."""
    result = CliRunner().invoke(main, ["archive", "--migrate-only"], env={"CEM_POSTGRES": dsn})
    assert (2, True, False) == (result.exit_code, "%40" in result.output, SECRET in result.output), result.output


@pytest.mark.parametrize(
    "dsn", ["postgresql://me%40firm:pl4nted%2F1@db:5432/cem", "host=db dbname=a@b password=x", "postgresql:///cem"]
)
def test_an_address_that_is_well_written(dsn: str) -> None:
    """Nothing is wrong with it, and its password is known as one."""
    assert mistake(dsn) is None
    assert all(one in ("pl4nted/1", "x") for one in secrets_of(dsn))


def settings_of(settings: Settings) -> dict[str, str]:
    """As a process gets them."""
    return {f"CEM_{name.upper()}": str(getattr(settings, name)) for name in settings.__struct_fields__}


@pytest.mark.broker
def test_at_the_start_it_ends_with_a_sentence(new_archived: NewArchived) -> None:
    """`cem archive` with a wrong password, a database that is not there, or without rights on the tables: exit code 2,
    one line of plain words."""
    archived = new_archived()
    dsn = archived.dsn
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE reads_only LOGIN PASSWORD '{SECRET}'")
        connection.execute("GRANT USAGE ON SCHEMA cem TO reads_only")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA cem TO reads_only")
    reader = dsn.replace(f"cem:{PASSWORD}", f"reads_only:{SECRET}")
    for given, words in (
        (dsn.replace(PASSWORD, SECRET), "refuses the user or the password"),
        (f"{dsn}-nix", "has no database"),
        (reader, "the user reads_only lacks a right in the database"),
    ):
        environment = {**os.environ, **settings_of(archived.service.settings), "CEM_POSTGRES": given}
        done = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert (2, True) == (done.returncode, words in done.stderr), done.stderr
        told = [line for line in done.stderr.splitlines() if not line.startswith("{")]
        assert 1 == len(told), told
        assert not [secret for secret in (PASSWORD, SECRET) if secret in done.stderr + done.stdout]


@pytest.mark.broker
def test_a_password_that_is_changed_meanwhile(new_archived: NewArchived, postgres_server: PostgresServer) -> None:
    """Once it was let in it waits, says why in `/ready` and in the log, and goes on when it is let in again: nobody's
    mistake ends the history. The process stays the same."""
    with psycopg.connect(postgres_server.dsn("postgres"), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS rotated")
        connection.execute(f"CREATE ROLE rotated SUPERUSER LOGIN PASSWORD '{SECRET}'")
        archived = new_archived(http_port=0)
        dsn = archived.dsn.replace(f"cem:{PASSWORD}", f"rotated:{SECRET}")
        archive = archived.start(postgres=dsn)
        archived.send(archived.world.event(insight(one)) for one in range(10))
        archived.catch_up(archive)
        connection.execute("ALTER ROLE rotated PASSWORD 'another'")
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rotated'")
        archived.send(archived.world.event(insight(one)) for one in range(10, 20))
        assert ready_says(archive, "refuses the user or the password")
        connection.execute(f"ALTER ROLE rotated PASSWORD '{SECRET}'")
        archived.catch_up(archive)
    assert [(20,)] == archived.rows("SELECT count(*) FROM cem.insight")
    assert 0 == archive.restarts
    log = archive.log.read_text()
    assert '"what":"postgres"' in log and SECRET not in log


@pytest.mark.broker
def test_the_lag_is_told_while_postgres_is_away(new_archived: NewArchived) -> None:
    """While nothing can be written `/metrics` says how much waits; afterwards, that nothing does."""
    programs = folder_of_programs()
    assert programs is not None
    with PostgresServer(programs) as server:
        archived = new_archived(server, http_port=0)
        archive = archived.start()
        archived.send(archived.world.event(insight(one)) for one in range(5))
        archived.catch_up(archive)
        server.kill()
        archived.send(archived.world.event(insight(one)) for one in range(5, 305))
        assert lag_becomes(archive, 300)
        server.revive()
        archived.catch_up(archive)
        assert lag_becomes(archive, 0)


def test_migrate_only_says_it_too(postgres_server: PostgresServer) -> None:
    """Setting up: the same sentences."""
    dsn = postgres_server.dsn("postgres", password=SECRET)
    result = CliRunner().invoke(main, ["archive", "--migrate-only"], env={"CEM_POSTGRES": dsn})
    assert (2, True) == (result.exit_code, "refuses the user or the password" in result.output), result.output
