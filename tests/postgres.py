"""A real PostgreSQL for tests: started in a temporary folder on a free port, gone when we are gone.

    from tests.postgres import postgres, postgres_server   # noqa: F401 - pytest fixtures

`postgres` is the DSN of a database of its own for each test, set up by our migrations. `postgres_server` is the server
of the session. Both skip where PostgreSQL is not installed. As root the server runs as the user `postgres`, because it
refuses to run as root.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import psycopg
import pytest

from agents.archive.migrations import migrate
from agents.kafka.guard import Guard
from agents.kafka.node import HOST, free_port

START_SECONDS_MAX = 30.0
PASSWORD = "a-password-for-tests"  # so that a test can look whether it is printed anywhere
SETTINGS = {
    "listen_addresses": HOST, "unix_socket_directories": "", "fsync": "off", "full_page_writes": "off",
    "synchronous_commit": "off", "max_wal_size": "2GB", "shared_buffers": "128MB", "log_min_messages": "fatal",
}  # fmt: skip


def folder_of_programs() -> Path | None:
    """Where `initdb` and `postgres` are, None if they are not installed. Debian keeps them off the PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if versions:
        return versions[-1].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


class PostgresServer:
    """A context manager. `kill` and `revive` for tests of outages; the data and the port stay."""

    def __init__(self, programs: Path, **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cem-postgres-"))
        self.port = free_port()
        self._as_postgres: tuple[str, ...] = ()
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            self._as_postgres = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
        data, secret = self.folder / "data", self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run(programs / "initdb", "-D", data, "-U", "cem", "-A", "scram-sha-256", f"--pwfile={secret}",
                  "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")  # fmt: skip
        options = [f"--{name}={value}" for name, value in {**SETTINGS, **settings}.items()]
        command = [*self._as_postgres, str(programs / "postgres"), "-D", str(data), f"--port={self.port}", *options]
        self._guard = Guard(command, self.folder / "server.log", self.folder)
        self._template = False

    def _run(self, *command: object) -> None:
        done = subprocess.run(
            [*self._as_postgres, *map(str, command)], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def __enter__(self) -> Self:
        self.revive()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()  # an orderly stop would wait for clients, and the data is gone anyway
        self._guard.stop()

    def kill(self) -> None:
        """SIGKILL, as when the power goes."""
        self._guard.ask("kill")

    def revive(self) -> None:
        """Starts, and waits until it answers. What was killed may hold its memory for a moment: then again."""
        deadline = time.monotonic() + START_SECONDS_MAX
        self._guard.ask("start")
        while time.monotonic() < deadline:
            with suppress(psycopg.OperationalError), psycopg.connect(self.dsn("postgres"), connect_timeout=2):
                return
            if self._guard.ask("poll") != "running":
                self._guard.ask("start")
            time.sleep(0.1)
        raise TimeoutError(f"PostgreSQL does not start:\n{(self.folder / 'server.log').read_text()[-2000:]}")

    def dsn(self, database: str, user: str = "cem", password: str = PASSWORD) -> str:
        """How a database of it is reached."""
        return f"postgresql://{user}:{password}@{HOST}:{self.port}/{database}"

    def database(self, *, migrated: bool = True) -> str:
        """A new database; gives its DSN. Migrations run once, the rest are copies."""
        name = f"t_{secrets.token_hex(4)}"
        if migrated and not self._template:
            self._create("migrated", "template0")
            migrate(self.dsn("migrated"))
            self._template = True
        self._create(name, "migrated" if migrated else "template0")
        return self.dsn(name)

    def _create(self, name: str, template: str) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server of the session."""
    programs = folder_of_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with PostgresServer(programs) as server:
        yield server


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> str:
    """The DSN of a migrated database that nobody else uses."""
    return postgres_server.database()
