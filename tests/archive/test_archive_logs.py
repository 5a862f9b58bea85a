"""What the archive logs: JSON lines with ids, in which no word stands that somebody wrote, and no password."""

import os
import re
import signal
import time
from typing import Any

import orjson
import psycopg
import pytest

from agents.supervisor import Supervisor
from pipeline.emission import Emission
from schemas.alert import Annotations
from schemas.codec import encode
from schemas.event import UnitErasure
from schemas.insight import Routing, Scores
from schemas.time import Millis
from tests.archive.asking import lag_becomes
from tests.archive.conftest import NewArchived
from tests.archive.world import END_MS, SOURCE, START_MS, alert, entry, insight
from tests.postgres import PASSWORD

pytestmark = pytest.mark.broker

PLANTED = re.compile(rf"(?i)pl4nted|gonzalez|script|evil|{PASSWORD}")
LINE_SECONDS_MAX = 20.0


def lines_of(archive: Supervisor) -> list[dict[str, Any]]:
    """Every line of its log; none that is no JSON object."""
    lines = archive.log.read_bytes().splitlines()
    assert [] == [line for line in lines if not line.startswith(b"{")]
    return [orjson.loads(line) for line in lines]


def told(archive: Supervisor, event: str) -> list[dict[str, Any]]:
    """The lines of an event, as soon as there are any."""
    deadline = time.monotonic() + LINE_SECONDS_MAX
    while time.monotonic() < deadline:
        if found := [line for line in lines_of(archive) if line["event"] == event]:
            return found
        time.sleep(0.05)
    return []


def test_it_tells_where_and_not_what(new_archived: NewArchived) -> None:
    """From the start to the stop, at level debug, with hostile values in every field that is free to choose: one JSON
    line for each event, with topic, partition, offset and epoch; not a word of the values, and no password."""
    archived = new_archived(log_level="debug")
    topics, world = archived.service.topics, archived.world
    hostile = insight(
        1, id="planted/pl4nted@evil", author="maria gonzalez", thread="pl4nted <script>", text_ref="pl4nted",
        touchpoint="pl4nted counter", customer_ref="gonzalez", routing=Routing(rule="pl4nted", confidence=1.0),
    )  # fmt: skip
    erasure = UnitErasure(id="pl4nted <script>", insight_ids=(hostile.id, "x:9"), event_time=Millis(END_MS),
                          source=SOURCE)  # fmt: skip
    not_storable = encode(insight(2, touchpoint="pl4nted", scores=Scores(nps=7))).replace(b'"nps":7', b'"nps":99999')
    archived.send([
        *world.tick(START_MS),
        world.event(hostile),
        world.alert(alert(1, annotations=Annotations(summary="pl4nted"), actor="gonzalez")),
        world.entry(entry(1, actor="gonzalez", reason="pl4nted", assignee="evil")),
        Emission(topics("events"), b"store-1", b'{"pl4nted": evil', 0),
        Emission(topics("events"), b"store-1", not_storable, 0),
    ])  # fmt: skip
    archive = archived.start()
    archived.catch_up(archive)
    archived.send([Emission(topics("events"), None, encode(erasure), 0)])
    archived.catch_up(archive)
    assert lag_becomes(archive, 0)
    with psycopg.connect(archived.dsn, autocommit=True) as connection:
        ours = "application_name = 'cem archive' AND datname = current_database()"
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}".encode())
    archived.send([world.event(insight(3))])
    archived.catch_up(archive)
    assert told(archive, "waiting, and trying again")
    os.kill(archive.pid, signal.SIGTERM)
    assert told(archive, "archive stops")

    log = archive.log.read_text()
    assert [] == PLANTED.findall(log), [line for line in log.splitlines() if PLANTED.search(line)][:3]
    lines = lines_of(archive)
    assert all({"timestamp", "level", "logger", "event"} <= line.keys() for line in lines)
    by_event = {line["event"]: line for line in reversed(lines)}
    expected = {"archive starts", "partition taken over", "archive works", "batch written", "erased", "dead letter",
                "month made", "waiting, and trying again", "archive stops"}  # fmt: skip
    assert set() == expected - by_event.keys()
    events = topics("events")
    taken = [line for line in lines if line["event"] == "partition taken over" and line["topic"] == events]
    assert {(0, 0, 1), (1, 0, 1)} == {(one["partition"], one["offset"], one["epoch"]) for one in taken[:2]}
    assert {2} == {one["epoch"] for one in taken[2:]}
    letters = {(one["reason"], one["topic"], one["offset"]) for one in lines if one["event"] == "dead letter"}
    assert {"not_json", "not_storable"} == {reason for reason, *_ in letters}
    assert {events} == {topic for _, topic, _ in letters}
    erased = by_event["erased"]
    assert ("(not shown)", 2, 1) == (erased["erasure"], erased["insights"], erased["rows"])
    assert "postgres" == by_event["waiting, and trying again"]["what"]
    assert any("waited_seconds" in line for line in lines if line["event"] == "archive works")
