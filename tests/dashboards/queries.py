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
MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")
"""What Grafana's data source for PostgreSQL takes for one of its macros; one that it does not know is an error."""
SPECIAL = re.compile(r"[$^*{}\[\]+?.()|]")
"""What Grafana's data source for Prometheus escapes in a variable without a format of its own: twice, for PromQL's
string and for the expression in it. The format `regex` escapes once, which PromQL refuses."""


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
    """The time that is chosen, in seconds since 1970, how far apart Prometheus is asked for values, and how often it
    looks (what the data source is told as `timeInterval`)."""

    begin: float
    end: float
    step: float = 1.0
    scrape: float = 1.0


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
    """The query as its server gets it: variables first, as Grafana's pages do, then macros, as its server does."""
    text = re.sub(
        r"\$\{(\w+)(?::(\w+))?\}|\$(?!__)(\w+)",
        lambda found: _formatted(values[found[1] or found[3]], found[2] or query.source),
        query.text,
    )
    if query.source == "postgres":
        text = MACRO.sub(lambda found: _macro(found[1], found[2], period), text)
    else:
        rate_ms = round(1000 * max(period.step + period.scrape, 4 * period.scrape))
        text = text.replace("$__rate_interval", f"{rate_ms}ms")
        text = text.replace("$__range", f"{round(period.end - period.begin)}s")
    assert "$" not in text, f"{query}: nobody fills in {re.findall(r'[$].{0,20}', text)}"
    return text


def _macro(name: str, inside: str, period: Period) -> str:
    begin, end = (f"'{_at(seconds)}'" for seconds in (period.begin, period.end))
    known = {"__timeFilter": f"{inside} BETWEEN {begin} AND {end}", "__timeFrom": begin, "__timeTo": end}
    assert name in known, f"we know no macro {name}"
    return known[name]


def _formatted(value: list[str] | str, form: str) -> str:
    if isinstance(value, str):
        return value
    if form == "sqlstring":
        return ",".join("'" + one.replace("'", "''").replace('"', '\\"') + "'" for one in value)
    assert form == "prometheus", f"we know no format {form}"
    escaped = [SPECIAL.sub(r"\\\\\g<0>", one.replace("\\", "\\" * 4)) for one in value]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _at(seconds: float) -> str:
    """To the millisecond, as Grafana's pages ask; no zeros at the end, as Go writes times."""
    moment = datetime.fromtimestamp(round(seconds, 3), UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}".rstrip("0").rstrip(".") + "Z"
