"""Can PostgreSQL be reached, where it is set, and is it of this version?"""

from collections.abc import Iterator

from agents.doctor.finding import Finding, warning, well, wrong
from agents.doctor.patient import Patient

CONNECT_SECONDS_MAX = 5
ANSWER_SECONDS_MAX = 5


def check(patient: Patient) -> Iterator[Finding]:
    """Nothing where CEM_POSTGRES is not set. The address is a secret (it may hold a password) and is never shown."""
    if not patient.settings.postgres:
        return
    import psycopg  # most runs need none

    from agents.archive.migrations import migrations
    from agents.archive.reach import mistake, refusal

    if mistake(patient.settings.postgres) is not None:  # what psycopg says of it may show a piece of the password
        yield wrong(
            "history",
            "CEM_POSTGRES is no address of a database",
            "it is of the form postgresql://user:password@host:5432/database, with special characters as %XX",
        )
        return
    try:
        with psycopg.connect(patient.settings.postgres, connect_timeout=CONNECT_SECONDS_MAX) as connection:
            connection.execute(f"SET statement_timeout = '{ANSWER_SECONDS_MAX}s'")  # a migration may hold the table
            version = connection.info.server_version // 10_000
            done = connection.execute("SELECT to_regclass('cem.migration')").fetchone()
            applied = 0
            if done and done[0]:
                row = connection.execute("SELECT count(*) FROM cem.migration").fetchone()
                applied = int(row[0]) if row else 0
    except psycopg.Error as error:
        if (refused := refusal(patient.settings.postgres, error)) is not None:
            yield wrong("history", "PostgreSQL does not let us in, and `cem archive` ends at its start", refused)
            return
        why = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        yield wrong("history", f"no PostgreSQL answers: {why}", "`cem archive` waits, and catches up by itself")
        return
    wanted = len(migrations())
    if applied < wanted:
        yield warning(
            "history",
            f"PostgreSQL {version} has {applied} of {wanted} migrations",
            "start `cem archive` of this version: it brings the tables up to date",
        )
    elif applied > wanted:
        yield wrong(
            "history",
            f"PostgreSQL {version} has {applied} migrations, this version knows {wanted}",
            "the database is of a newer version: use that one",
        )
    else:
        yield well("history", f"PostgreSQL {version}, tables up to date")
