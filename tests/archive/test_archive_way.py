"""From Kafka into PostgreSQL: every record once, whatever dies on the way."""

import asyncio
import time
from typing import Any

import msgspec
import psycopg
import pytest
from aiokafka import TopicPartition
from click.testing import CliRunner

from agents.archive import session as session_module
from agents.archive.batch import Batch
from agents.archive.session import Fenced, Session
from agents.cli import main
from agents.kafka.admin import Admin
from agents.supervisor import Supervisor
from pipeline.emission import Emission
from schemas.alert import Annotations
from schemas.codec import Codec, encode
from schemas.deadletter import DeadLetter
from schemas.insight import Reach, Sentiment
from schemas.time import DAY_MS, HOUR_MS, Millis, parse_time
from schemas.topics import Topics
from tests.archive.asking import ready_says
from tests.archive.conftest import COMMAND, Archived, NewArchived
from tests.archive.direct import Record, write
from tests.archive.world import END_MS, START_MS, STORES, UNITS, World, alert, entry, insight
from tests.postgres import PostgresServer, folder_of_programs
from tests.torture.brokers import One

pytestmark = pytest.mark.broker

AGAIN = Sentiment(compound=0.5, label="positive", confidence=0.9, model="m/1")


def numbers(archived: Archived) -> list[int]:
    """Of the insights x:0, x:1, … those that are there, as often as they are."""
    return sorted(int(one[2:]) for (one,) in archived.rows("SELECT id FROM cem.insight"))


def test_the_whole_way(new_archived: NewArchived) -> None:
    """All that is on the topics is in the tables, the directory knows who is above whom, and a time zone that
    PostgreSQL does not know is UTC."""
    archived = new_archived()
    archived.send(archived.world.story())
    archived.catch_up(archived.start())
    [counts] = archived.rows(
        "SELECT (SELECT count(*) FROM cem.insight), (SELECT count(*) FROM cem.alert),"
        " (SELECT count(*) FROM cem.alert_now), (SELECT count(*) FROM cem.case_entry)"
    )
    assert (613, 71, 21, 2) == counts
    assert [
        ("store-1", "west", "acme", ["discrimination"], "Europe/Berlin"),
        ("store-3", "east", "acme", ["discrimination"], "UTC"),
    ] == archived.rows(
        "SELECT unit_id, region_id, brand_id, confidential, time_zone FROM cem.unit"
        " WHERE unit_id IN ('store-1', 'store-3') ORDER BY 1"
    )


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
def test_edits_replace_deletes_mark_erasures_forget(new_archived: NewArchived, together: bool) -> None:
    """A row is what the log says of its insight, however the log is cut into batches."""
    archived = new_archived(archive_batch_records_max=1000 if together else 1)
    world, later = archived.world, Millis(START_MS + 40 * DAY_MS)
    archived.send([
        *world.tick(START_MS),
        world.event(insight(1)), world.event(insight(2)), world.event(insight(3)), world.event(insight(4)),
        world.event(insight(1, kind="edit", event_time=later, sentiment=AGAIN, reach=Reach(reposts=1))),
        world.event(insight(2, kind="edit", event_time=later, sentiment=None, aspects=(), reach=Reach(reposts=7))),
        world.event(insight(3, kind="delete", event_time=later, sentiment=None)),
        world.event(insight(99, kind="delete", event_time=later, sentiment=None)),
        *world.erasure("x:4", "x:5"),
        world.event(insight(5)),
        world.alert(alert(4)),
    ])  # fmt: skip
    archived.catch_up(archived.start())
    rows = archived.rows(
        "SELECT id, kind, label, event_time = edited_at, followers, reposts, deleted_at IS NOT NULL, author IS NULL,"
        " text_ref IS NULL, event_time FROM cem.insight ORDER BY id"
    )
    assert [
        ("x:1", "post", "positive", False, 10, 1, False, False, False),
        ("x:2", "post", "positive", None, 10, 7, False, False, False),
        ("x:3", "post", "negative", None, 10, None, True, False, False),
    ] == [row[:-1] for row in rows]
    assert [START_MS + n * HOUR_MS for n in (1, 2, 3)] == [int(row[-1].timestamp() * 1000) for row in rows]
    [(evidence, payload)] = archived.rows("SELECT evidence, payload -> 'evidence' FROM cem.alert")
    assert ([], []) == (evidence, payload)


def test_killed_under_load(new_archived: NewArchived) -> None:
    """Killed again and again while records come: afterwards each is there, and none twice."""
    archived = new_archived(archive_batch_records_max=50)
    archive = archived.start()
    for n in range(6):
        archived.send(archived.world.event(insight(one, STORES[one % 3])) for one in range(n * 500, n * 500 + 500))
        archive.kill()
        archive.check()
        time.sleep(0.9)  # long enough to write a part of it
    archived.catch_up(archive)
    assert list(range(3000)) == numbers(archived)
    assert archive.restarts >= 6


def test_postgres_away_and_back(new_archived: NewArchived) -> None:
    """While PostgreSQL is away the archive says so and waits; then it catches up. Its own process stays the same."""
    programs = folder_of_programs()
    assert programs is not None
    with PostgresServer(programs) as server:
        archived = new_archived(server, http_port=0)
        archive = archived.start()
        archived.send(archived.world.event(insight(one)) for one in range(100))
        archived.catch_up(archive)
        server.kill()
        archived.send(archived.world.event(insight(one)) for one in range(100, 1000))
        assert ready_says(archive, "PostgreSQL does not answer")
        server.revive()
        archived.catch_up(archive)
        assert list(range(1000)) == numbers(archived)
        assert 0 == archive.restarts
        assert ready_says(archive, "ready\n")


def test_kafka_away_and_back(new_archived: NewArchived) -> None:
    """While Kafka is away the archive says so and waits; then it goes on where it was."""
    with One() as broker:
        archived = new_archived(kafka=broker.bootstrap)
        archive = archived.start()
        archived.send(archived.world.event(insight(one)) for one in range(100))
        archived.catch_up(archive)
        broker.kill()
        assert ready_says(archive, "Kafka does not answer")
        broker.revive()
        archived.send(archived.world.event(insight(one)) for one in range(100, 300))
        archived.catch_up(archive)
        assert list(range(300)) == numbers(archived)
        assert 0 == archive.restarts


def test_one_works_the_other_stands_by(new_archived: NewArchived) -> None:
    """Two archives do not work at once; when the first dies the second goes on, and nothing is there twice."""
    archived = new_archived()
    first = archived.start()
    archived.send(archived.world.event(insight(one)) for one in range(200))
    archived.catch_up(first)
    second = archived.start()
    assert ready_says(second, "standing by")
    first.kill()
    archived.send(archived.world.event(insight(one)) for one in range(200, 400))
    archived.catch_up(second)
    assert list(range(400)) == numbers(archived)


def test_what_is_no_record_is_a_dead_letter(new_archived: NewArchived) -> None:
    """Neither bytes that are no record nor a record that PostgreSQL cannot store stop what comes behind it."""
    archived = new_archived()
    events, alerts = archived.service.topics("events"), archived.service.topics("alerts")
    too_large = encode(insight(1)).replace(b'"nps":1', b'"nps":99999')
    archived.send([
        Emission(events, b"store-1", b"{not json", 0),
        Emission(events, b"store-1", too_large, 0),
        Emission(alerts, b"store-1", b'{"schema_version":"9.0"}', 0),
        archived.world.alert(alert(1, annotations=Annotations(summary="a\x00b\\\t\n"))),
        archived.world.event(insight(2, touchpoint="a\x00b\\N\t\n\r", aspects=())),
        archived.world.event(insight(3)),
    ])  # fmt: skip
    archived.catch_up(archived.start())
    assert [("x:2", "a\ufffdb\\N\t\n\r"), ("x:3", None)] == archived.rows(
        "SELECT id, touchpoint FROM cem.insight ORDER BY id"
    )
    assert [("a\ufffdb\\\t\n", "a\ufffdb\\\t\n")] == archived.rows(
        "SELECT summary, payload #>> '{annotations,summary}' FROM cem.alert"
    )
    letters = archived.service.values("deadletter", Codec[DeadLetter](DeadLetter))
    assert {"not_json", "not_storable", "unknown_version"} == {letter.reason for letter in letters}
    assert 3 == len(letters)


def test_a_directory_that_changes(new_archived: NewArchived) -> None:
    """A unit that moves is found under its new region, one that is removed keeps its name, and what its brand calls
    confidential later is confidential from then on, also for what is there."""
    archived = new_archived()
    world = archived.world
    archived.send([*world.units(UNITS[1:]), *world.story()])
    archive = archived.start()
    archived.catch_up(archive)
    assert [(1,)] == archived.rows("SELECT count(*) FROM cem.insight WHERE confidential")
    moved = msgspec.structs.replace(UNITS[3], parent="east")
    calm = msgspec.structs.replace(UNITS[0], confidential=())
    archived.send([*world.units((moved, calm)), Emission(archived.service.topics("units"), b"store-2", None, 0)])
    archived.catch_up(archive)
    assert [("store-1", "east", False, "Elm Street"), ("store-2", "west", True, "=Quarry Road")] == archived.rows(
        "SELECT unit_id, region_id, removed, name FROM cem.unit WHERE unit_id IN ('store-1', 'store-2') ORDER BY 1"
    )
    assert [(0,)] == archived.rows("SELECT count(*) FROM cem.insight WHERE confidential")


def test_months_are_made_and_dropped(new_archived: NewArchived) -> None:
    """Each month has its partition, made ahead of the clock; what has none waits in the default partition and moves
    when there is one; what is older than the retention is dropped whole, by the clock of the stream."""
    archived = new_archived(archive_retention_months=2)
    world = archived.world
    old = int(parse_time("2025-10-05T00:00:00Z"))
    archived.send([world.event(insight(1, at_ms=old)), world.event(insight(2)), world.event(insight(3, at_ms=END_MS))])
    archive = archived.start()
    archived.catch_up(archive)
    assert [("insight_default",)] == archived.rows("SELECT DISTINCT tableoid::regclass::text FROM cem.insight")
    archived.send(world.tick(END_MS))
    archived.catch_up(archive)
    archive.kill()
    archive.check()  # months are put in order at the start, and then every minute
    archived.send([world.event(insight(4))])
    archived.catch_up(archive)
    places = "SELECT id, tableoid::regclass::text FROM cem.insight ORDER BY id"
    expected = [("x:2", "cem.insight_2026_01"), ("x:3", "cem.insight_2026_02"), ("x:4", "cem.insight_2026_01")]
    assert [(one, name.removeprefix("cem.")) for one, name in expected] == [
        (one, name.removeprefix("cem.")) for one, name in archived.rows(places)
    ]
    months = "SELECT relname FROM pg_class WHERE relname ~ '^insight_2' AND relkind = 'r' ORDER BY 1"
    assert ["insight_2026_01", "insight_2026_02", "insight_2026_03", "insight_2026_04"] == [
        name for (name,) in archived.rows(months)
    ]


def test_a_long_query_is_in_nobodys_way(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While an analyst reads, a new month cannot be made: its rows wait in the default partition, and move later."""
    monkeypatch.setattr(session_module, "LOCK_MS_MAX", 100)
    topics = Topics()
    world = World(topics, partitions=1)

    def place() -> list[Any]:
        with psycopg.connect(postgres) as connection:
            query = "SELECT DISTINCT relname FROM cem.insight JOIN pg_class ON pg_class.oid = insight.tableoid"
            return connection.execute(query).fetchall()

    with psycopg.connect(postgres) as analyst:
        analyst.execute("SELECT count(*) FROM history.insights")
        write(postgres, [*world.tick(START_MS), world.event(insight(1))], topics)
        assert [("insight_default",)] == place()
    write(postgres, [world.entry(entry(1))], topics)
    assert [("insight_2026_01",)] == place()


def test_who_was_overtaken_is_refused(new_archived: NewArchived) -> None:
    """A writer that was stopped, taken over from and resumed writes nothing, and its rows are not there twice."""
    archived = new_archived()

    async def play() -> None:
        stale = await Session.connect(archived.dsn, "a", 24)
        fresh = await Session.connect(archived.dsn, "b", 24)
        one = archived.world.event(insight(1))
        record = Record(one.topic, 0, 7, one.key, one.value)
        partition = TopicPartition(one.topic, 0)
        await stale.take_over([partition])
        await fresh.take_over([partition])
        for session, refused in ((stale, True), (fresh, False), (fresh, True)):  # the last: the same batch again
            batch = Batch(archived.service.topics)
            batch.add(partition, [record], 0)
            if refused:
                with pytest.raises(Fenced, match="another archive has taken over"):
                    await session.write(batch)
            else:
                await session.write(batch)
        await stale.close()
        await fresh.close()

    asyncio.run(play())
    assert [1] == numbers(archived)


def test_another_kafka_is_noticed(new_archived: NewArchived) -> None:
    """A database that is ahead of Kafka is a mistake that is told, with what to do; then it goes on."""
    archived = new_archived()
    archive = archived.start()
    archived.send(archived.world.event(insight(one)) for one in range(10))
    archived.catch_up(archive)
    archive.kill()
    with psycopg.connect(archived.dsn) as connection:
        connection.execute("UPDATE cem.position SET next_offset = next_offset + 1000")
    settings = archived.service.settings
    environment = {f"CEM_{name.upper()}": str(getattr(settings, name)) for name in settings.__struct_fields__}
    result = CliRunner().invoke(main, ["archive"], env=environment)
    assert (2, True) == (result.exit_code, "--from-start" in result.output), result.output
    assert settings.postgres not in result.output


def test_topics_that_were_made_anew_are_read_from_the_start(new_archived: NewArchived) -> None:
    """After a restore the log is another one under the same name. Though it is longer than the place that the archive
    knows, no record of it is left out, and what was there stays."""
    archived = new_archived()
    archive = archived.start()
    archived.send(archived.world.event(insight(one)) for one in range(3))
    archived.catch_up(archive)
    archive.kill()
    with Admin(archived.service.settings, archived.service.topics) as admin:
        admin.drop([archived.service.topics("events")])
        admin.apply()
    archived.send(archived.world.event(insight(one)) for one in range(10, 30))
    with Supervisor(archived.service.settings, COMMAND) as again:
        archived.catch_up(again)
    assert [*range(3), *range(10, 30)] == numbers(archived)
