"""All queries of the committed dashboards, with Grafana's variables and macros filled in as Grafana would.

In: `deploy/grafana/dashboards/*.json`, what is chosen, a period. Out: queries that PostgreSQL and Prometheus take. The
one rule: what is not known is not guessed: a `$` that is left over is an error.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parents[2] / "deploy" / "grafana" / "dashboards"


class Query(NamedTuple):
    """One query of a dashboard. `kind`: panel, annotation or variable; `source`: postgres or prometheus."""

    dashboard: str
    kind: str
    title: str
    source: str
    text: str
    instant: bool = False

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.kind} {self.title!r}"


class Period(NamedTuple):
    """The time that is chosen, in seconds since 1970, and how far apart Prometheus is asked for values."""

    begin: float
    end: float
    step: float = 1.0


def dashboards() -> dict[str, dict[str, Any]]:
    """File name -> dashboard."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """All panels but the headings."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries(name: str, dashboard: dict[str, Any]) -> Iterator[Query]:
    """All of a dashboard's."""
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            source = variable["datasource"]["type"]
            yield Query(name, "variable", variable["name"], source, variable["query"])
    for annotation in dashboard["annotations"]["list"]:
        source = annotation["datasource"]["type"]
        text = annotation["target"]["rawSql"] if source == "postgres" else annotation["expr"]
        yield Query(name, "annotation", annotation["name"], source, text)
    for panel in panels(dashboard):
        for target in panel["targets"]:
            title = panel["title"] if len(panel["targets"]) == 1 else f"{panel['title']} ({target['legendFormat']})"
            if panel["datasource"]["type"] == "postgres":
                yield Query(name, "panel", title, "postgres", target["rawSql"])
            else:
                yield Query(name, "panel", title, "prometheus", target["expr"], bool(target.get("instant")))


def all_queries() -> list[Query]:
    """Of all dashboards."""
    return [query for name, dashboard in dashboards().items() for query in queries(name, dashboard)]


def values_of(dashboard: dict[str, Any], chosen: Mapping[str, str]) -> dict[str, list[str] | str]:
    """Variable -> what is chosen: a list of values, or text that goes in as it is (a custom "all")."""
    found: dict[str, list[str] | str] = {}
    for variable in dashboard["templating"]["list"]:
        name = variable["name"]
        if name in chosen:
            found[name] = [chosen[name]]
        elif variable.get("includeAll") and variable.get("allValue"):
            found[name] = str(variable["allValue"])
        elif variable.get("current"):
            value = variable["current"]["value"]
            found[name] = value if isinstance(value, list) else [value]
    return found


def filled(query: Query, values: Mapping[str, list[str] | str], period: Period) -> str:
    """The query as its server gets it."""
    text = query.text
    if query.source == "postgres":
        text = re.sub(r"\$__timeFilter\(([\w.]+)\)", rf"\1 BETWEEN {_at(period.begin)} AND {_at(period.end)}", text)
        text = text.replace("$__timeFrom()", _at(period.begin)).replace("$__timeTo()", _at(period.end))
    else:
        seconds = round(period.end - period.begin)
        text = text.replace("$__rate_interval", f"{max(4, round(4 * period.step))}s").replace("$__range", f"{seconds}s")
    text = re.sub(r"\$\{(\w+):(\w+)\}", lambda found: _formatted(values[found[1]], found[2]), text)
    assert "$" not in text, f"{query}: nobody fills in {re.findall(r'[$].{0,20}', text)}"
    return text


def _formatted(value: list[str] | str, form: str) -> str:
    if isinstance(value, str):
        return value
    if form == "sqlstring":
        return ",".join("'" + one.replace("'", "''") + "'" for one in value)
    assert form == "regex", form
    return re.escape(value[0]) if len(value) == 1 else "(" + "|".join(map(re.escape, value)) + ")"


def _at(seconds: float) -> str:
    return f"'{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}'"
