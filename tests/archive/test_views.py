"""What analysts read: every view has rows on a small world, its figures are those of a plain computation, and what is
confidential is seen by head office only."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from scipy import stats

from agents.archive.export import VIEWS
from agents.cli import main
from schemas.time import DAY_MS, format_time
from schemas.topics import Topics
from tests.archive.direct import write
from tests.archive.world import END_MS, START_MS, World, insight
from tests.postgres import PostgresServer

DOCUMENT = (Path(__file__).parents[2] / "deploy" / "history.md").read_text()
EXAMPLES = [
    query.strip()
    for block in re.findall(r"```sql\n(.*?)```", DOCUMENT, re.DOTALL)
    for query in block.split(";\n")
    if "SELECT" in query and "ROLE" not in query
]
NO_UNIT = {"clock"}
"""Views that are not about anything that could be exported."""


@pytest.fixture(scope="module")
def world(postgres_server: PostgresServer) -> str:
    """The DSN of a database with five weeks of three stores in it."""
    dsn = postgres_server.database()
    topics = Topics()
    write(dsn, World(topics).story(), topics)
    return dsn


@contextmanager
def reading(dsn: str, role: str = "cem_analyst") -> Iterator[psycopg.Connection[Any]]:
    """A connection with the rights of a role."""
    with psycopg.connect(dsn) as connection:
        connection.execute(f"SET ROLE {role}".encode())
        yield connection


def one(dsn: str, query: str, role: str = "cem_analyst") -> Any:
    with reading(dsn, role) as connection:
        return connection.execute(query.encode()).fetchone()


def views(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT viewname FROM pg_views WHERE schemaname = 'history' ORDER BY 1").fetchall()
    return [name for (name,) in found]


def test_each_view_has_rows(world: str) -> None:
    """A view that can never show anything is a mistake."""
    empty = [name for name in views(world) if one(world, f"SELECT 1 FROM history.{name} LIMIT 1") is None]
    assert [] == empty


def test_each_view_is_documented_with_its_columns(world: str) -> None:
    """deploy/history.md names every view and every column of it, and has an example."""
    for name in views(world):
        with reading(world) as connection:
            columns = [
                one.name for one in connection.execute(f"SELECT * FROM history.{name}".encode()).description or ()
            ]
        missing = [column for column in columns if not _told(column)]
        assert (name, []) == (name, missing)
        assert f"`{name}`" in DOCUMENT
        assert f"history.{name}" in DOCUMENT, f"no example for {name}"


def _told(column: str) -> bool:
    pattern = re.sub(r"^(answer|resolve)_", "acknowledge_", column)
    return re.search(rf"`{column}`|\b{column}\b|`{pattern}`", DOCUMENT) is not None


@pytest.mark.parametrize("query", EXAMPLES, ids=lambda query: query[:60])
def test_examples_run(world: str, query: str) -> None:
    """What the document shows can be pasted, with the rights of an analyst."""
    with reading(world) as connection:
        connection.execute(query.encode())


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_can_be_exported(world: str, tmp_path: Path, name: str) -> None:
    """The list of `cem export` is that of the database, with the right column for the period."""
    view = VIEWS[name]
    period = ["--from", "2026-01-01", "--to", "2026-03-01T00:00+01:00"] if view.time else []
    unit = ["--unit", "store-1"] if view.unit else []
    arguments = ["export", name, *period, *unit, "--out", str(tmp_path / "out.csv")]
    result = CliRunner().invoke(main, arguments, env={"CEM_POSTGRES": world})
    assert 0 == result.exit_code, result.output
    assert len((tmp_path / "out.csv").read_text().splitlines()) > 1


def test_scores_are_those_of_a_plain_computation(world: str) -> None:
    """Counts, mean and both intervals of a store, against scipy."""
    moods = [(-0.6, 0.0, 0.7)[n % 3] for n in range(600) if n // 3 % 3 == 0]
    n, negative = len(moods), sum(mood < 0 for mood in moods)
    mean = stats.t.interval(0.95, n - 1, sum(moods) / n, stats.sem(moods))
    share = stats.binomtest(negative, n).proportion_ci(method="wilson")
    expected = [n, negative, negative / n, share.low, share.high, sum(moods) / n, *mean]
    found = one(
        world,
        "SELECT s.n, s.negative, scores.* FROM (SELECT sum(n)::bigint AS n, sum(negative)::bigint AS negative,"
        " sum(mood_sum) AS total, sum(mood_squares) AS squares FROM history.unit_day WHERE unit_id = 'store-1') s,"
        " history.scores(s.n, s.negative, s.total, s.squares) scores",
    )
    assert expected == pytest.approx(list(found), rel=1e-4)


@pytest.mark.parametrize("df", [1, 2, 3, 5, 10, 30, 1000])
def test_quantile_of_t(world: str, df: int) -> None:
    """As exact as its comment says."""
    [found] = one(world, f"SELECT history.t95({df})")
    assert stats.t.ppf(0.975, df) == pytest.approx(found, rel=3e-3 if df < 7 else 1e-4)


@pytest.mark.parametrize("k, n", [(0, 1), (1, 1), (0, 50), (3, 10), (50, 50), (499, 1000)])
def test_interval_of_a_share(world: str, k: int, n: int) -> None:
    """Wilson's, as scipy has it."""
    found = one(world, f"SELECT history.share_low({k}, {n}), history.share_high({k}, {n})")
    assert tuple(stats.binomtest(k, n).proportion_ci(method="wilson")) == pytest.approx(found, abs=1e-6)


def test_interval_of_a_median(world: str) -> None:
    """By order statistics: 12 waits of 0 to 11 minutes; none where there are too few."""
    found = one(
        world, "SELECT (history.quantile(array_agg(waited_s ORDER BY waited_s), 0.5)) FROM history.first_answers"
    )
    assert ([300, 120, 540],) == found
    assert ([5.0, None, None],) == one(world, "SELECT history.quantile(ARRAY[1, 5, 9], 0.5)")


def test_worse_is_seen_and_chance_is_not(postgres: str) -> None:
    """A store whose share of complaints rises from a third to most is worse; one that stays as it was is not."""
    topics = Topics()
    world = World(topics)
    week = END_MS - 7 * DAY_MS
    emissions = [*world.units(), *world.insights(600), *world.tick(END_MS)]
    emissions += [world.event(insight(3 * n, "store-1", week + n * 60_000, id=f"new:{n}")) for n in range(60)]
    write(postgres, emissions, topics)
    with reading(postgres) as connection:
        found = connection.execute(
            "SELECT unit_id, worse, difference_low > 0 FROM history.worsening ORDER BY 1"
        ).fetchall()
        then = format_time(week)
        before = connection.execute("SELECT bool_or(worse) FROM history.worsening_at(%s)", (then,)).fetchone()
    assert [("store-1", True, True), ("store-2", False, False), ("store-3", False, False)] == found
    assert (False,) == before


def test_times_and_deadlines_of_alerts(world: str) -> None:
    """What was done when: to acknowledge 10 minutes, to answer 30, resolved for half of them; and which were missed."""
    found = one(
        world,
        "SELECT count(*), avg(acknowledge_s), avg(answer_s), count(resolve_s), count(*) FILTER (WHERE is_open)"
        " FROM history.alerts WHERE unit_id = 'store-1'",
    )
    assert (20, 600.0, 1200.0, 10, 10) == found
    duties = "SELECT duty, sum(met), sum(missed) FROM history.deadlines_day GROUP BY duty ORDER BY duty"
    with reading(world) as connection:
        assert [("acknowledge", 20, 0), ("answer", 10, 10)] == connection.execute(duties).fetchall()


def test_what_is_confidential_is_seen_by_head_office_only(world: str) -> None:
    """An alert that went to head office, its case, and the insight behind it: analysts see no trace of them, in no
    view."""
    for query, hidden, seen in (
        ("SELECT count(*) FROM history.alerts", 20, 21),
        ("SELECT count(*) FROM history.alert_changes WHERE alert_id = 'store-2-30'", 0, 1),
        ("SELECT count(*) FROM history.alert_evidence WHERE alert_id = 'store-2-30'", 0, 1),
        ("SELECT count(*) FROM history.case_entries", 1, 2),
        ("SELECT count(*) FROM history.insights WHERE id = 'x:severe'", 0, 1),
        ("SELECT sum(n) FROM history.unit_day", 600, 601),
        ("SELECT sum(opened) FROM history.alerts_week", 20, 21),
    ):
        assert (query, (hidden,), (seen,)) == (query, one(world, query), one(world, query, "cem_head_office"))


def test_no_way_around_the_views(world: str) -> None:
    """An analyst reads no table, calls no upkeep, and a function of the analyst's own sees no row that is hidden."""
    for query in ("SELECT * FROM cem.alert", "SELECT cem.erase('{}', now())", "SELECT * FROM cem.position"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), reading(world) as connection:
            connection.execute(query.encode())
    with psycopg.connect(world) as connection:
        connection.execute("GRANT CREATE ON SCHEMA public TO cem_analyst")
        connection.execute("SET ROLE cem_analyst")
        connection.execute(
            "CREATE FUNCTION public.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
            " $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$"
        )
        told: list[str] = []
        connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
        connection.execute("SELECT count(*) FROM history.alerts WHERE public.tell(alert_id)")
        connection.execute("SELECT count(*) FROM history.insights WHERE public.tell(id)")
        connection.rollback()
    assert "store-1-0" in told
    assert not {"store-2-30", "x:severe"} & set(told)


def test_a_period_reads_its_months_only(world: str) -> None:
    """A condition on `hour` or on `day` leaves the other months alone, through all layers of a view."""
    for view, column in (("unit_hour", "hour"), ("unit_day", "day"), ("brand_day", "day"), ("aspect_day", "day")):
        with reading(world) as connection:
            plan = connection.execute(
                f"EXPLAIN SELECT * FROM history.{view} WHERE {column} >= %s AND {column} < %s".encode(),
                (format_time(START_MS)[:10], "2026-02-01"),
            ).fetchall()
        text = "\n".join(line for (line,) in plan)
        assert ("insight_2026_01" in text, "insight_2026_02" in text) == (True, False), text
