"""What is erased leaves nothing of itself in the database, whenever the erasure is read and however often; and what was
said by others stays as it was."""

import asyncio
import time
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from agents.archive import migrations
from agents.archive.batch import Batch
from agents.archive.export import VIEWS
from agents.archive.migrations import migrate
from agents.archive.rows import INSIGHT_COLUMNS
from agents.archive.session import Session
from agents.supervisor import Supervisor
from pipeline.emission import Emission
from schemas.alert import Evidence, Work
from schemas.codec import encode
from schemas.time import Millis
from schemas.topics import Topics
from tests.archive.conftest import COMMAND, NewArchived
from tests.archive.direct import records, write
from tests.archive.test_copying import event_of, steps
from tests.archive.world import START_MS, STORES, World, alert, insight
from tests.postgres import PostgresServer

TOPICS = Topics()
GONE = ("x:gone-1", "x:gone-2")
AUTHORS = ("hmac:gone-1", "hmac:gone-2")


def everything(dsn: str) -> str:
    """All rows of all tables, as text."""
    with psycopg.connect(dsn) as connection:
        names = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'cem'::regnamespace AND relkind IN ('r', 'p')"
        ).fetchall()
        return "\n".join(
            row
            for (name,) in names
            for (row,) in connection.execute(sql.SQL("SELECT one::text FROM cem.{} one").format(sql.Identifier(name)))
        )


def traces(dsn: str) -> list[str]:
    """What of the erased there is anywhere in the database."""
    found = everything(dsn)
    return [one for one in (*GONE, *AUTHORS, "C-gone") if one in found]


def spoken(world: World) -> list[Emission]:
    """Two posts that will have to go, what others said in their threads, and alerts about both."""
    first, second = (
        insight(n, id=GONE[n], author=AUTHORS[n], thread=GONE[n], text_ref=GONE[n], customer_ref="C-gone")
        for n in (0, 1)
    )
    reply = insight(2, id="x:reply", kind="reply", thread=GONE[0])
    told = (*(Evidence(post_id=GONE[n], network="x", author=AUTHORS[n], text_ref=GONE[n]) for n in (0, 1)),
            Evidence(post_id="x:reply", network="x", author="hmac:2", text_ref="x:reply"))  # fmt: skip
    spread = alert(1, evidence=told, dedup_key=f"acme/store-1/cascade:{GONE[0]}", work=Work(customer_ref="C-gone"))
    return [world.event(first), world.event(second), world.event(reply), world.alert(spread)]


@pytest.mark.parametrize("order", ["before", "after", "between", "again and again"])
def test_nothing_is_left(postgres: str, order: str) -> None:
    """No id, no author, no reference to the text, no customer: not in rows, not in threads of others, not in what
    alerts rest on or what they are called after. Others' rows and the rest of the evidence stay."""
    world = World(TOPICS)
    said, erasure = spoken(world), world.erasure(*GONE)
    parts = {
        "before": [erasure, said],
        "after": [said, erasure],
        "between": [said[1:3], erasure, said[:1], said[3:]],
        "again and again": [erasure, said, erasure, said, erasure],
    }[order]
    _write_one_after_the_other(postgres, parts)
    assert [] == traces(postgres)
    with psycopg.connect(postgres) as connection:
        assert [("x:reply", None)] == connection.execute("SELECT id, thread FROM cem.insight").fetchall()
        query = "SELECT alert_id, evidence, payload -> 'evidence', payload -> 'dedup_key' FROM cem.alert"
        [(alert_id, evidence, payload, key)] = connection.execute(query).fetchall()
    left = {"post_id": "x:reply", "network": "x", "author": "hmac:2", "text_ref": "x:reply"}
    assert (["x:reply"], [left], alert_id) == (evidence, payload, key)


def _write_one_after_the_other(dsn: str, parts: list[list[Emission]]) -> None:
    """Each part as one batch, at the offsets that it has in all of them together."""
    asyncio.run(_write(dsn, [(part, len(part)) for part in parts]))


async def _write(dsn: str, parts: list[tuple[list[Emission], int]]) -> None:
    """Each part in batches of so many records."""
    session = await Session.connect(dsn, "test", 24)
    stretches = records([one for part, _ in parts for one in part])
    taken = dict.fromkeys(stretches, 0)
    await session.take_over(stretches)
    for part, size in parts:
        for start in range(0, len(part), size):
            batch = Batch(TOPICS)
            for partition, stretch in records(part[start : start + size]).items():
                first, after = taken[partition], taken[partition] + len(stretch)
                batch.add(partition, stretches[partition][first:after], first)
                taken[partition] = after
            await session.write(batch)
    await session.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, st.sets(st.integers(0, 12), min_size=1, max_size=3), st.integers(1, 13))
def test_as_if_it_had_never_been_said(postgres: str, story: list[Any], places: set[int], size: int) -> None:
    """Posts, edits, counters and deletes in any order, with an erasure of one post anywhere among them, once or more:
    the rows are those of the story without that post."""
    world = World(TOPICS, partitions=1)
    story = [step for step in story if step[0] != "erasure"]
    told = [one for step in story for one in event_of(step, world)]
    for place in sorted(places, reverse=True):
        told[place:place] = world.erasure("x:1")
    untold = [one for step in story if step[1] != 1 for one in event_of(step, world)]
    assert _rows(postgres, untold, 1) == _rows(postgres, told, size)


def _rows(dsn: str, emissions: list[Emission], size: int) -> list[Any]:
    asyncio.run(_write(dsn, [(emissions, size)]))
    columns = ", ".join(one for one in INSIGHT_COLUMNS.split(", ") if one != "log_offset")
    with psycopg.connect(dsn) as connection:
        found = connection.execute(f"SELECT {columns} FROM cem.insight ORDER BY id".encode()).fetchall()
        for table in ("insight", "position", "erased"):
            connection.execute(f"DELETE FROM cem.{table}".encode())
    return found


def test_every_view_agrees(postgres_server: PostgresServer) -> None:
    """After an erasure each view is the same, row by row, as where it was never said. But for what has to differ:
    alerts say how many posts they rest on, and who answered is in no thread any more."""
    world = World(TOPICS)
    erased = {f"x:{n}" for n in range(0, 600, 7)}
    found: list[dict[str, list[str]]] = []
    for forgotten in (True, False):
        dsn = postgres_server.database()
        story = list(world.story())
        if forgotten:
            story += world.erasure(*sorted(erased))
        else:
            story = [one for one in story if msgspec.json.decode(one.value or b"{}").get("id") not in erased]
        write(dsn, story, TOPICS)
        with psycopg.connect(dsn) as connection:
            found.append({name: _shown(connection, name) for name in VIEWS if name not in ("alerts", "open_alerts")})
    after, never = found
    assert len(never["insights"]) > 500
    assert [] == [name for name in never if never[name] != after[name]]


def _shown(connection: psycopg.Connection[Any], view: str) -> list[str]:
    rows = connection.execute(f"SELECT (to_jsonb(one) - 'thread')::text FROM history.{view} one".encode())
    return sorted(row for (row,) in rows)


@pytest.mark.broker
def test_killed_while_it_forgets(new_archived: NewArchived) -> None:
    """Killed again and again, and then everything read once more from the start: what was erased is not there, all else
    is there once."""
    archived = new_archived(archive_batch_records_max=40)
    archive = archived.start()
    erased = [f"x:{n}" for n in range(0, 1000, 10)]
    for n in range(4):
        archived.send(archived.world.event(insight(one, STORES[one % 3])) for one in range(n * 250, n * 250 + 250))
        archived.send(archived.world.erasure(*erased[n * 25 : n * 25 + 50]))  # a half of them is said later
        archive.kill()
        archive.check()
        time.sleep(0.5)
    archived.catch_up(archive)
    archive.kill()

    def ids() -> list[str]:
        return sorted(one for (one,) in archived.rows("SELECT id FROM cem.insight"))

    expected = sorted({f"x:{n}" for n in range(1000)} - set(erased))
    assert expected == ids()
    with Supervisor(archived.service.settings, (*COMMAND, "--from-start")) as again:
        deadline = time.monotonic() + 30
        while "archive works" not in again.log_tail(1000) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert "position moved" in again.log_tail(1000)
        archived.catch_up()
    assert expected == ids()
    assert [(len(erased),)] == archived.rows("SELECT count(*) FROM cem.erased")


def test_marks_outlive_the_rows(postgres: str) -> None:
    """A mark stays for three months longer than rows of the time when it was made, and is a hash that differs from
    database to database."""
    with psycopg.connect(postgres) as connection:
        connection.execute("SELECT cem.erase(ARRAY['x:1'])")
        marks = "SELECT count(*) FROM cem.erased"
        for months, left in ((3, 1), (5, 0)):
            connection.execute("SELECT cem.drop_before((now() + %s * interval '1 month')::date)", (months,))
            assert (left,) == connection.execute(marks).fetchone()
        connection.execute("SELECT cem.erase(ARRAY['x:1'])")
        salted = "SELECT mark = sha256(salt || 'x:1'::bytea), mark = sha256('x:1') FROM cem.erased, cem.erasure_salt"
        assert (True, False) == connection.execute(salted).fetchone()


def test_what_older_versions_left_is_taken_out(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database in which erased insights kept their ids and scores has none of it after the upgrade, and does not
    take them in again."""
    dsn, ours = postgres_server.database(migrated=False), migrations.migrations()
    monkeypatch.setattr(migrations, "migrations", lambda: ours[:6])
    migrate(dsn)
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT cem.make_month('insight', '2026-01-01'), cem.make_month('alert', '2026-01-01')")
        for n, (name, thread) in enumerate(((GONE[0], None), ("x:reply", GONE[0]), ("x:other", "x:other"))):
            connection.execute(
                "INSERT INTO cem.insight (event_time, hour, day, log_partition, log_offset, routing_confidence, id, "
                "unit_id, kind, channel, emotion, thread, routing_rule) VALUES ('2026-01-20Z', '2026-01-20Z', "
                "'2026-01-20', 0, %s, 0.9, %s, 'store-1', 'post', 'x', 'none', %s, 'handle')",
                (n, name, thread),
            )
        told = alert(0, evidence=(Evidence(post_id=GONE[0], network="x", author=AUTHORS[0], text_ref=GONE[0]),))
        connection.execute(
            "INSERT INTO cem.alert (alert_id, sequence, detected_at, hour, day, starts_at, change, status, state, "
            "severity, severity_label, alertname, unit_id, summary, evidence, log_partition, log_offset, payload) "
            "VALUES ('a', 1, '2026-01-20Z', '2026-01-20Z', '2026-01-20', '2026-01-20Z', 'opened', 'firing', 'open', 7, "
            "'error', 'n', 'store-1', 's', %s, 0, 0, %s)",
            ([GONE[0]], encode(told).decode()),
        )
        connection.execute("SELECT cem.erase(ARRAY[%s], '2026-01-21Z')", (GONE[0],))
    assert [GONE[0]] == traces(dsn)
    monkeypatch.setattr(migrations, "migrations", lambda: ours)
    assert [one.name for one in ours[6:]] == migrate(dsn)
    world = World(TOPICS)
    write(dsn, [world.event(insight(1, id=GONE[0], event_time=Millis(START_MS)))], TOPICS)
    assert [] == traces(dsn)
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT id, thread FROM cem.insight ORDER BY id").fetchall()
    assert [("x:other", "x:other"), ("x:reply", None)] == rows
