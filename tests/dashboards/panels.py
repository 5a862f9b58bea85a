"""What each query of each dashboard gives in the scene: `python -m tests.dashboards.panels` prints it.

In: a scene. Out: for each query how many series or rows, or an error. The one rule: what is no number (NaN, null in all
columns) is nothing.
"""

import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import NamedTuple

import psycopg

from tests.dashboards.prometheus import Prometheus
from tests.dashboards.queries import Period, Query, dashboards, filled, queries, values_of
from tests.dashboards.scene import Scene, played
from tests.postgres import PostgresServer, folder_of_programs

LABEL_VALUES = "label_values("


class Answer(NamedTuple):
    """What a query gave: series of Prometheus, rows of PostgreSQL; `empty`: columns that are null in all rows."""

    query: Query
    count: int
    error: str = ""
    empty: tuple[str, ...] = ()


@contextmanager
def scene_here() -> Iterator[Scene]:
    """With the programs of this machine. Raises LookupError, saying which is missing."""
    prometheus, programs = shutil.which("prometheus"), folder_of_programs()
    if prometheus is None:
        raise LookupError("Prometheus is not installed (apt-get install prometheus)")
    if programs is None:
        raise LookupError("PostgreSQL is not installed (apt-get install postgresql)")
    with PostgresServer(programs) as server, played(prometheus, server.database()) as scene:
        yield scene


def answers(scene: Scene, choice: Mapping[str, str] = MappingProxyType({})) -> Iterator[Answer]:
    """Of all queries of all dashboards, with everything chosen but what `choice` (variable -> value) says; on the page
    of one unit, that unit."""
    with psycopg.connect(scene.database, autocommit=True) as connection:
        connection.execute("SET ROLE cem_analyst")  # what a Grafana of analysts may see
        for name, dashboard in dashboards().items():
            chosen = {"unit": scene.unit_id} if name == "unit" else {}
            values = values_of(dashboard, {**choice, **chosen})
            for query in queries(name, dashboard):
                try:
                    if query.source == "postgres":
                        count, empty = _rows(connection, filled(query, values, scene.history))
                        yield Answer(query, count, empty=empty)
                    else:
                        text = filled(query, values, scene.watched)
                        yield Answer(query, _series(scene.prometheus, query, text, scene.watched))
                except (AssertionError, psycopg.Error, KeyError) as error:
                    yield Answer(query, 0, f"{type(error).__name__}: {error}"[:400])


def _rows(connection: psycopg.Connection[tuple[object, ...]], text: str) -> tuple[int, tuple[str, ...]]:
    """Rows with something in them (a row of zeros and nothing else shows nothing), and columns without anything."""
    cursor = connection.execute(text.encode())
    rows = cursor.fetchall()
    names = [column.name for column in cursor.description or ()]
    empty = tuple(name for at, name in enumerate(names) if all(row[at] is None for row in rows))
    return sum(any(value not in (None, 0) for value in row) for row in rows), empty


def _series(prometheus: Prometheus, query: Query, text: str, period: Period) -> int:
    """Series with at least one number."""
    if text.startswith(LABEL_VALUES):
        series, label = text.removeprefix(LABEL_VALUES).removesuffix(")").rsplit(",", 1)
        found: list[str] = prometheus.ask(f"label/{label.strip()}/values", **{"match[]": series})
        return len(found)
    if query.instant:
        result = prometheus.ask("query", query=text, time=period.end)["result"]
        return _with_numbers([one["value"]] for one in result)
    asked = {"start": period.begin, "end": period.end, "step": period.step}
    result = prometheus.ask("query_range", query=text, **asked)["result"]
    return _with_numbers(one["values"] for one in result)


def _with_numbers(series: Iterable[list[list[object]]]) -> int:
    return sum(any(value != "NaN" for _, value in samples) for samples in series)


def main() -> None:
    """Prints a line for each query. Exit code 1 if any gives nothing."""
    empty = 0
    try:
        with scene_here() as scene:
            for answer in answers(scene):
                what = "rows" if answer.query.source == "postgres" else "series"
                more = answer.error or (f"(nothing in {', '.join(answer.empty)})" if answer.empty else "")
                print(f"{answer.count:6} {what:6}  {answer.query}  {more}".rstrip())
                empty += not answer.count
    except LookupError as error:
        sys.exit(str(error))
    print(f"{empty} give nothing" if empty else "each gives something")
    sys.exit(bool(empty))


if __name__ == "__main__":
    main()
