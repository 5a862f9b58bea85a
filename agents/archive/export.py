"""A view of the history and a period of it, row by row. In: a view of the list below, a period. Out: rows of text that
a spreadsheet shows as it is.

The one rule: what came from outside never becomes a formula. After OWASP, "CSV Injection": where a text begins with
= + - @, or goes on with one of them behind what a spreadsheet may take for the end of a cell, an apostrophe comes in
between. Numbers and times are told by their types and not by their looks, so they stay as they are.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import sql

ROWS_AT_ONCE = 2000

_FORMULA = re.compile(r"""((?:^|[,;|"'\t\r\n])\s*)([=+\-@＝＋－＠])""")
"""The last four of the characters are as wide as East Asian letters; some spreadsheets take them, too."""


class View(NamedTuple):
    """`time`: the column that a period is about, None where there is none. `unit`: whether it tells the unit."""

    name: str
    time: str | None
    unit: bool = True


def _scores(*names: str) -> list[View]:
    return [View(f"{name}_{grain}", grain) for name in names for grain in ("hour", "day")]


VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        *_scores("unit", "channel", "stage", "department", "aspect"),
        *(View(f"{name}_{grain}", grain, unit=False) for name in ("region", "brand") for grain in ("hour", "day")),
        View("week_day", "day"),
        View("emotion_day", "day"),
        View("survey_day", "day"),
        View("first_answers_day", "day"),
        View("first_answers", "hour"),
        View("insights", "hour"),
        View("mentions", "hour"),
        View("topics", "hour"),
        View("worsening", None),
        View("worsening_aspects", None),
        View("units", None),
        View("version_changes", "hour", unit=False),
        View("alerts", "hour"),
        View("open_alerts", "hour"),
        View("alert_changes", "hour"),
        View("response_day", "day"),
        View("deadlines_day", "day"),
        View("alerts_week", "week"),
        View("reach_day", "day"),
        View("case_entries", "hour"),
    )
}
"""All that can be exported. A name that is not in here never reaches the database."""


class ExportError(RuntimeError):
    """It cannot be exported. The message says why."""


class Export:
    """A context manager around one query. `columns` and `total` are known on entry; then `rows`."""

    def __init__(
        self, dsn: str, view: View, first: datetime | None, last: datetime | None, unit_id: str | None, role: str
    ) -> None:
        self._dsn = dsn
        self._view = view
        self._period = first, last
        self._unit_id = unit_id
        self._role = role
        self.columns: list[str] = []
        self.total = 0

    def __enter__(self) -> "Export":
        """Raises ExportError, psycopg.OperationalError."""
        self._connection = psycopg.connect(self._dsn, connect_timeout=10, application_name="cem export")
        try:
            self._begin()
        except psycopg.errors.InsufficientPrivilege:
            self._connection.close()
            raise ExportError(
                f"this user of the database may not read as {self._role}; an administrator can GRANT {self._role} TO it"
            ) from None
        except (
            psycopg.errors.UndefinedTable,
            psycopg.errors.InvalidSchemaName,
            psycopg.errors.UndefinedObject,
            psycopg.errors.InvalidParameterValue,  # a role that does not exist
        ):
            self._connection.close()
            raise ExportError("this database is not set up; run `cem archive --migrate-only`") from None
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _begin(self) -> None:
        """One snapshot for the count and the rows, read only, with the rights of the role and not of the user."""
        connection = self._connection
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(self._role)))
        connection.execute("SET LOCAL TIME ZONE 'UTC'")
        query, parameters = self._query()
        counted = connection.execute(sql.SQL("SELECT count(*) FROM ({}) counted").format(query), parameters).fetchone()
        self.total = int((counted or (0,))[0])
        self._cursor = connection.cursor(name="export")
        self._cursor.execute(query, parameters)
        self.columns = [column.name for column in self._cursor.description or ()]

    def _query(self) -> tuple[sql.Composed, list[Any]]:
        view, (first, last) = self._view, self._period
        conditions: list[sql.Composable] = []
        parameters: list[Any] = []
        limits: tuple[tuple[datetime | None, LiteralString], ...] = ((first, ">="), (last, "<"))
        for limit, sign in limits:
            if limit is not None and view.time is not None:
                condition = sql.SQL("{column} {sign} {limit}::{kind}").format(
                    column=sql.Identifier(view.time),
                    sign=sql.SQL(sign),
                    limit=sql.Placeholder(),
                    kind=sql.SQL("timestamptz" if view.time == "hour" else "date"),
                )
                conditions.append(condition)
                parameters.append(limit)
        if self._unit_id is not None:
            conditions.append(sql.SQL("unit_id = {}").format(sql.Placeholder()))
            parameters.append(self._unit_id)
        where = sql.SQL("WHERE {}").format(sql.SQL(" AND ").join(conditions)) if conditions else sql.SQL("")
        order = sql.SQL("ORDER BY {}").format(sql.Identifier(view.time)) if view.time else sql.SQL("")
        query = sql.SQL("SELECT * FROM {} {} {}").format(sql.Identifier("history", view.name), where, order)
        return query, parameters

    def rows(self) -> Iterator[list[str]]:
        """Cells of one row after the other, safe for a spreadsheet."""
        while found := self._cursor.fetchmany(ROWS_AT_ONCE):
            for row in found:
                yield [cell(value) for value in row]


def cell(value: Any) -> str:
    """A value as a spreadsheet may see it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S") + f".{value.microsecond // 1000:03d}Z"
    if isinstance(value, date):
        return value.isoformat()
    text = ";".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    text = _FORMULA.sub(r"\1'\2", text)
    return f"'{text}" if text.startswith(("\t", "\r", "\n")) else text
