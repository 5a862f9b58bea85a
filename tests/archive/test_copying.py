"""Every value arrives in its column as it was, whatever it holds; and folding a stretch of records gives what writing
them one by one gives."""

import asyncio
import json
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.archive.batch import Batch
from agents.archive.copying import line, number, text, texts, time
from agents.archive.rows import INSIGHT_COLUMNS
from agents.archive.session import Session
from schemas.insight import Insight, Reach, Sentiment
from schemas.time import HOUR_MS, TIME_MS_MAX, Millis, format_time
from schemas.topics import Topics
from tests.archive.direct import records
from tests.archive.world import START_MS, World, insight
from tests.postgres import PostgresServer

hostile = st.text(
    alphabet=st.one_of(st.sampled_from('\\\t\n\r\x00"{},N. null'), st.characters(codec="utf-8")), max_size=9
)


@pytest.fixture(scope="module")
def table(postgres_server: PostgresServer) -> psycopg.Connection[Any]:
    connection = psycopg.connect(postgres_server.database(migrated=False))
    connection.execute("CREATE TEMP TABLE one (a text, b text[], c float8, d timestamptz, e text)")
    return connection


@settings(deadline=None)
@given(st.none() | hostile, st.lists(hostile, max_size=3), st.floats(allow_nan=False), st.integers(0, TIME_MS_MAX))
def test_values_arrive_as_they_were(
    table: psycopg.Connection[Any], one: str | None, some: list[str], figure: float, at: int
) -> None:
    """Through COPY and back: text, null, arrays of anything, numbers, times of all years. Only U+0000 is replaced."""
    table.execute("TRUNCATE one")
    with table.cursor().copy("COPY one FROM STDIN") as copy:
        copy.write(line(text(one), texts(tuple(some)), number(figure), time(at), text("end")))
    query = "SELECT a, b, c, to_char(d AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), e FROM one"
    expected = (None if one is None else _stored(one), [_stored(each) for each in some], figure, format_time(at), "end")
    assert expected == table.execute(query).fetchone()


def _stored(value: str) -> str:
    return value.replace("\x00", "\ufffd")


steps = st.lists(
    st.tuples(
        st.sampled_from(("post", "edit", "counters", "delete", "answer", "erasure")),
        st.integers(1, 3),
        st.integers(0, 50),
        st.none() | st.integers(0, 9),
    ),
    min_size=1,
    max_size=12,
)


def event_of(step: tuple[str, int, int, int | None], world: World) -> list[Any]:
    kind, subject, hours, count = step
    if kind == "erasure":
        return world.erasure(f"x:{subject}")
    more: dict[str, Any] = {
        "event_time": Millis(START_MS + hours * HOUR_MS), "reach": Reach(followers=count, reposts=count),
    }  # fmt: skip
    if kind in ("counters", "delete"):
        more |= {"sentiment": None, "aspects": (), "kind": "edit" if kind == "counters" else "delete"}
    else:
        mood = Sentiment(compound=0.1 * hours / 10, label="neutral", confidence=0.5, model=f"m/{hours}")
        waited = None if kind != "answer" or count is None else count * 1000
        more |= {"kind": kind, "sentiment": mood, "first_answer_ms": waited}
    return [world.event(insight(subject, **more))]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_a_batch_is_as_good_as_its_records_one_by_one(postgres: str, story: list[Any]) -> None:
    """Posts, edits, counters, deletes, answers and erasures of three posts in any order: the rows do not depend on how
    they were cut into batches."""
    topics = Topics()
    world = World(topics, partitions=1)
    emissions = [emission for step in story for emission in event_of(step, world)]
    assert _rows(postgres, emissions, topics, 1) == _rows(postgres, emissions, topics, len(emissions))


def _rows(dsn: str, emissions: list[Any], topics: Topics, size: int) -> list[Any]:
    asyncio.run(_write(dsn, emissions, topics, size))
    columns = ", ".join(one for one in INSIGHT_COLUMNS.split(", ") if one != "log_offset")
    with psycopg.connect(dsn) as connection:
        query = f"SELECT {columns} FROM cem.insight ORDER BY id"
        found = connection.execute(query.encode()).fetchall()
        for table in ("insight", "position", "erased"):  # faster than TRUNCATE where there is so little
            connection.execute(f"DELETE FROM cem.{table}".encode())
    return found


async def _write(dsn: str, emissions: list[Any], topics: Topics, size: int) -> None:
    session = await Session.connect(dsn, "test", 24)
    [(partition, stretch)] = records(emissions).items()
    await session.take_over([partition])
    for start in range(0, len(stretch), size):
        batch = Batch(topics)
        batch.add(partition, stretch[start : start + size], start)
        await session.write(batch)
    await session.close()


def test_no_text_and_no_name_goes_in(postgres: str) -> None:
    """Of an insight only references, scores and keyed hashes: the columns are these and no others."""
    with psycopg.connect(postgres) as connection:
        found = connection.execute(
            "SELECT json_object_agg(column_name, data_type) FROM information_schema.columns"
            " WHERE table_schema = 'cem' AND table_name = 'insight'"
        ).fetchone()
    columns = set(found[0] if isinstance(found[0], dict) else json.loads(found[0])) if found else set()
    fields = set(Insight.__struct_fields__)
    assert not columns & {"text", "handle", "author_name", "url"}
    assert {"author", "text_ref", "customer_ref"} <= columns & fields
