"""Why PostgreSQL does not let us in, in one sentence that says what to do.

In: a DSN, and what psycopg said. Out: None where waiting may help (it is away, it starts, it is full); else the
sentence. The one rule: no password is in a sentence, and no piece of one; so what a DSN holds in other places than it
should is not shown either (`mistake`).

While a connection is made the client is told no SQLSTATE, only a text, and that in the server's language
(`lc_messages`). What is not recognised is waited for, and its text is in the log. The texts are those of PostgreSQL's
`libpq/fe-connect.c`, `utils/init/postinit.c` and `libpq/auth.c`.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict

FORM = (
    "write it like postgresql://user:password@host:port/database (special characters in the password as %XX, "
    "@ as %40 and / as %2F)"
)


class _Place(NamedTuple):
    """What the sentences name. `server` is `host:port`."""

    server: str
    user: str
    database: str


_TOLD: tuple[tuple[str, str], ...] = (
    (
        r"password authentication failed|authentication failed for user",
        "PostgreSQL at {server} refuses the user or the password; CEM_POSTGRES names the user {user}: correct the "
        "password there (special characters as %XX)",
    ),
    (
        r"no password supplied",
        "PostgreSQL at {server} wants a password of the user {user}, and CEM_POSTGRES has none: write it like "
        "postgresql://user:password@host:port/database",
    ),
    (
        r'role ".*" (does not exist|is not permitted to log in)',
        "PostgreSQL at {server} has no user {user} that may log in; make it with: CREATE ROLE {user} LOGIN PASSWORD "
        "'…', or name another in CEM_POSTGRES",
    ),
    (
        r'database ".*" does not exist',
        "PostgreSQL at {server} has no database {database}; make it with: createdb --owner={user} {database}, or name "
        "another in CEM_POSTGRES",
    ),
    (
        r"permission denied for database",
        "PostgreSQL at {server} does not let the user {user} into the database {database}; its owner can: GRANT "
        "CONNECT, TEMPORARY ON DATABASE {database} TO {user}",
    ),
    (
        r"no pg_hba.conf entry|pg_hba.conf rejects connection",
        "PostgreSQL at {server} does not take the user {user} for the database {database} from this machine; add a "
        "line for it to pg_hba.conf, and see whether TLS is wanted there (sslmode=require in CEM_POSTGRES)",
    ),
    (
        r"valid client certificate|certificate authentication failed",
        "PostgreSQL at {server} wants a certificate of ours; name its files in CEM_POSTGRES (sslcert=… and sslkey=…)",
    ),
    (
        r"does not support SSL, but SSL was required",
        "PostgreSQL at {server} speaks no TLS, and CEM_POSTGRES asks for it (sslmode); turn `ssl` on there, or take "
        "sslmode out",
    ),
    (
        r"certificate verify failed|does not match host name|root certificate|certificate file|private key|CRL",
        "TLS with PostgreSQL at {server} fails ({detail}); sslrootcert in CEM_POSTGRES names the PEM file of the "
        "authority that signed its certificate, host the name that is in it, sslcert and sslkey what is ours",
    ),
    (
        r"channel binding|authentication method requirement|^connection is bad: (?!connection to server)",
        "CEM_POSTGRES cannot be used: {detail}",
    ),
)


def refusal(dsn: str, error: psycopg.Error) -> str | None:
    """What somebody has to put right; None where waiting may help."""
    place = _place(dsn)
    said = str(error).strip()
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return (
            f"the user {place.user} lacks a right in the database {place.database} at {place.server} "
            f"({_first_line(said)}); it has to own the schemas `cem` and `history`: the best is a database of its own"
        )
    if not isinstance(error, psycopg.OperationalError) or error.sqlstate is not None:
        return None
    for pattern, sentence in _TOLD:
        if found := next((line for line in said.splitlines() if re.search(pattern, line)), None):
            detail = re.sub(r"^.*?connection to server at .*? failed: |^connection is bad: ", "", found)
            return sentence.format(**place._asdict(), detail=detail)
    return None


def mistake(dsn: str) -> str | None:
    """What is wrong with a DSN, before anything is tried. A password with @ or / in it ends up in other places."""
    try:
        found = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return f"postgres: this is no address of a database; {FORM}"
    host, port, database = (str(found.get(name) or "") for name in ("host", "port", "dbname"))
    if "@" in host or not all(one.isdigit() for one in port.split(",") if one) or _strayed(database, found):
        return f"postgres: this cannot be read as an address of a database; {FORM}"
    return None


def secrets_of(dsn: str) -> tuple[str, ...]:
    """What must not be in a log beside the DSN itself."""
    try:
        found = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return ()
    return tuple(str(found[name]) for name in ("password", "sslpassword") if found.get(name))


def _strayed(database: str, found: Mapping[str, object]) -> bool:
    return "@" in database and not found.get("password")


def _place(dsn: str) -> _Place:
    found = conninfo_to_dict(dsn)
    hosts, ports = (str(found.get(name) or "").split(",") for name in ("host", "port"))
    ports = ports if len(ports) == len(hosts) else ports[:1] * len(hosts)
    server = " or ".join(f"{host or 'localhost'}:{port or 5432}" for host, port in zip(hosts, ports, strict=True))
    user = str(found.get("user") or "of this process")
    return _Place(server, user, str(found.get("dbname") or user))


def _first_line(said: str) -> str:
    return said.partition("\n")[0]
