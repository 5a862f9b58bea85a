"""What dashboards are made of: queries, panels, variables, annotations, links.

In: a title in plain words, a unit, a description that says how to read it, a query. Out: builders of the Grafana
Foundation SDK. The one rule: a panel without a title, unit or description cannot be made.

Filters: each query of PostgreSQL about units says `{units}` where the variables brand, region and unit decide. "All" is
`'*'`, which is no id: a list of ten thousand units in a query would help nobody.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Self

from grafana_foundation_sdk.builders import barchart, common, dashboard, stat, table, timeseries
from grafana_foundation_sdk.builders.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

POSTGRES = model.DataSourceRef(type_val="postgres", uid="cem-history")
PROMETHEUS = model.DataSourceRef(type_val="prometheus", uid="cem-prometheus")

UNITS = (
    "('*' IN (${brand:sqlstring}) OR brand_id IN (${brand:sqlstring}))"
    " AND ('*' IN (${region:sqlstring}) OR region_id IN (${region:sqlstring}))"
    " AND ('*' IN (${unit:sqlstring}) OR unit_id IN (${unit:sqlstring}))"
)
REGIONS = (
    "('*' IN (${brand:sqlstring}) OR brand_id IN (${brand:sqlstring}))"
    " AND ('*' IN (${region:sqlstring}) OR region_id IN (${region:sqlstring}))"
)
ONE_UNIT = "unit_id = ${unit:sqlstring}"
PAGE_WIDTH = 24
BEFORE_TOO = "hour >= $__timeFrom()::timestamptz - interval '7 days' AND hour < $__timeTo()"
"""What is new in a period was not there in the week before; to look at all of history would take too long."""
STEP = "date_bin(${step:sqlstring}::interval, {at}, timestamptz '2001-01-01 00:00Z')"
"""Steps of a week begin on Monday."""

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "#8e8e8e"
COLOURS = {
    "negative": RED, "neutral": GREY, "positive": GREEN, "abstained": BLUE,
    "critical": "dark-red", "error": RED, "warning": ORANGE, "info": BLUE, "met": GREEN, "missed": RED,
}  # fmt: skip
"""What they are called everywhere is also what they look like everywhere."""

Kind = Literal["lines", "bars", "stat", "table", "ranking"]
Unit = Literal["short", "percentunit", "s", "bytes", "ops", "none", "dtdurations", "cps"]


class SqlData(Dataquery):
    """A query of PostgreSQL as Grafana keeps it. The SDK has none."""

    def __init__(self, sql: str, ref_id: str, form: str) -> None:
        self.sql, self.ref_id, self.form = sql, ref_id, form

    def to_json(self) -> dict[str, object]:
        """As the SDK's own queries do."""
        return {
            "refId": self.ref_id, "datasource": POSTGRES, "editorMode": "code", "rawQuery": True, "rawSql": self.sql,
            "format": self.form,
        }  # fmt: skip


class SqlQuery(Builder[Dataquery]):
    """Builds it; `{units}` and `{step}` are filled in."""

    def __init__(self, sql: str, ref_id: str = "A", form: str = "table") -> None:
        self._data = SqlData(filled(sql), ref_id, form)

    def build(self) -> Dataquery:
        """The query."""
        return self._data


def filled(sql: str) -> str:
    """The short words of this file -> SQL with Grafana's variables."""
    for word, meaning in (("{units}", UNITS), ("{regions}", REGIONS), ("{one}", ONE_UNIT)):
        sql = sql.replace(word, meaning)
    for at in ("hour", "opened_at", "event_time", "detected_at"):
        sql = sql.replace(f"{{step {at}}}", STEP.replace("{at}", at))
    return " ".join(sql.split())


class Panel(NamedTuple):
    """What is the same for all kinds. `width` in 24ths of the page, `height` in Grafana's units. `per_field`: units of
    single columns; `links`: columns that lead somewhere; `hidden`: columns that only links need."""

    kind: Kind
    title: str
    description: str
    unit: Unit
    queries: Sequence[Builder[Dataquery]]
    width: int = 12
    height: int = 8
    stacked: bool = False
    low: float | None = None
    high: float | None = None
    per_field: dict[str, str] = {}
    links: dict[str, tuple[str, str]] = {}
    hidden: Sequence[str] = ()
    right: Sequence[str] = ()
    steps: Sequence[tuple[float, str]] = ()
    source: model.DataSourceRef = POSTGRES

    def build(self) -> Any:
        """The SDK's builder."""
        assert self.title and self.unit and len(self.description) > 20, self.title
        made: Any = {
            "lines": self._lines, "bars": self._lines, "stat": self._stat, "table": self._table,
            "ranking": self._ranking,
        }[self.kind]()  # fmt: skip
        made.title(self.title).description(self.description).unit(self.unit)
        made.datasource(self.source).targets(list(self.queries)).no_value("nothing in this period")
        if self.low is not None:
            made.min(self.low)
        if self.high is not None:
            made.max(self.high)
        if self.steps:
            made.thresholds(_thresholds(self.steps))
        for name, colour in self._colours().items():
            made.override_by_name(name, [_value("color", {"mode": "fixed", "fixedColor": colour})])
        for name, unit in self.per_field.items():
            made.override_by_name(name, [_value("unit", unit)])
        for name, (title, url) in self.links.items():
            made.override_by_name(name, [_value("links", [{"title": title, "url": url}])])
        for name in self.hidden:
            made.override_by_name(name, [_value("custom.hidden", True)])
        for name in self.right:
            made.override_by_name(
                name,
                [
                    _value("unit", "short"), _value("custom.axisPlacement", "right"),
                    _value("custom.drawStyle", "bars"), _value("custom.fillOpacity", 15),
                    _value("custom.lineWidth", 0), _value("color", {"mode": "fixed", "fixedColor": GREY}),
                ],
            )  # fmt: skip
        return made

    def _colours(self) -> dict[str, str]:
        """Of the series that it may have by those names."""
        if self.kind not in ("lines", "bars", "ranking"):
            return {}
        asked = json.dumps([query.build() for query in self.queries], cls=JSONEncoder)
        every = re.search(r"\{\{(sentiment|severity|outcome)\}\}", asked)
        return {name: colour for name, colour in COLOURS.items() if every or f'\\"{name}\\"' in asked}

    def _lines(self) -> Any:
        made = timeseries.Panel().tooltip(common.VizTooltipOptions().mode(common_model.TooltipDisplayMode.MULTI))
        made.legend(
            common.VizLegendOptions()
            .display_mode(common_model.LegendDisplayMode.LIST)
            .placement(common_model.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        made.fill_opacity(60 if self.kind == "bars" else 8).line_width(0 if self.kind == "bars" else 2)
        made.show_points(common_model.VisibilityMode.AUTO).span_nulls(self.kind == "lines")
        if self.kind == "bars":
            made.draw_style(common_model.GraphDrawStyle.BARS)
        if self.stacked:
            made.stacking(common.StackingConfig().mode(common_model.StackingMode.NORMAL).group("A"))
        return made

    def _stat(self) -> Any:
        return (
            stat.Panel()
            .graph_mode(common_model.BigValueGraphMode.NONE)
            .color_mode(common_model.BigValueColorMode.VALUE if self.steps else common_model.BigValueColorMode.NONE)
            .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("/.*/"))
            .text_mode(common_model.BigValueTextMode.VALUE_AND_NAME)
        )

    def _table(self) -> Any:
        return table.Panel().cell_height(common_model.TableCellHeight.SM)

    def _ranking(self) -> Any:
        made = barchart.Panel().orientation(common_model.VizOrientation.HORIZONTAL)
        if self.stacked:
            made.stacking(common_model.StackingMode.NORMAL)
        return made


def sql(text: str, *, series: bool = False, ref_id: str = "A") -> list[Builder[Dataquery]]:
    """One query of PostgreSQL; `series`: a column `time`, a text that names the series, numbers."""
    return [SqlQuery(text, ref_id, "time_series" if series else "table")]


def prom(*expressions: tuple[str, str], instant: bool = False, as_table: bool = False) -> list[Builder[Dataquery]]:
    """Queries of Prometheus, each with how its series are called."""
    queries: list[Builder[Dataquery]] = []
    for ref_id, (expression, legend) in zip("ABCDEF", expressions, strict=False):
        query = PrometheusQuery().expr(expression).legend_format(legend).ref_id(ref_id)
        query = query.instant() if instant or as_table else query.range()
        if as_table:
            query = query.format(PromQueryFormat.TABLE)
        queries.append(query)
    return queries


def query_variable(
    name: str, label: str, about: str, query: str, *, all_value: str | None = "'*'", source: Any = POSTGRES
) -> dashboard.QueryVariable:
    """A choice among what a query gives; with `all_value` several, and all of them at first."""
    made = dashboard.QueryVariable(name).label(label).description(about).datasource(source).query(filled(query))
    made.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(model.VariableSort.DISABLED)
    if all_value is None:
        return made
    made.multi(True).include_all(True).all_value(all_value)
    return made.current(model.VariableOption(selected=True, text=["All"], value=["$__all"]))


def unit_variables(*, single: bool = False) -> list[Builder[model.VariableModel]]:
    """Brand, region and unit, each a choice within the one before."""
    brand = query_variable(
        "brand", "Brand", "Only units of these brands",
        "SELECT DISTINCT brand AS __text, brand_id AS __value FROM history.units WHERE brand_id IS NOT NULL ORDER BY 1",
    )  # fmt: skip
    region = query_variable(
        "region", "Region", "Only units of these regions",
        "SELECT DISTINCT region AS __text, region_id AS __value FROM history.units WHERE region_id IS NOT NULL "
        "AND ('*' IN (${brand:sqlstring}) OR brand_id IN (${brand:sqlstring})) ORDER BY 1",
    )  # fmt: skip
    unit = query_variable(
        "unit", "Unit", "One store, restaurant, branch" if single else "Only these units",
        "SELECT unit AS __text, unit_id AS __value FROM history.units WHERE {regions} ORDER BY removed, 1 LIMIT 20000",
        all_value=None if single else "'*'",
    )  # fmt: skip
    return [brand, region, unit]


def step_variable(default: str = "1 day") -> dashboard.CustomVariable:
    """How wide a step in time is."""
    options = [("hour", "1 hour"), ("day", "1 day"), ("week", "7 days")]
    chosen = {value: model.VariableOption(selected=value == default, text=text, value=value) for text, value in options}
    return (
        dashboard.CustomVariable("step")
        .label("Step")
        .description("How much one point or bar covers")
        .values(",".join(f"{text} : {value}" for text, value in options))
        .options(list(chosen.values()))
        .current(chosen[default])
    )


def console_variable() -> dashboard.TextBoxVariable:
    """Where the console is, for links to posts and cases."""
    return (
        dashboard.TextBoxVariable("console")
        .label("Console")
        .description("Address of the console (cem web), for links to alerts and posts")
        .default_value("http://localhost:8090")
    )


class SqlAnnotationData(model.AnnotationQuery):
    """An annotation from PostgreSQL; the SDK's has no place for a query."""

    sql: str = ""

    def to_json(self) -> dict[str, object]:
        """With the query as its target."""
        query = SqlData(self.sql, "Anno", "table").to_json()
        return {**super().to_json(), "target": query}


class SqlAnnotation(Builder[model.AnnotationQuery]):
    """Marks in all panels over time: columns time, timeend, title, text, tags."""

    def __init__(self, name: str, colour: str, text: str, *, enable: bool = True) -> None:
        self._data = SqlAnnotationData(name=name, datasource=POSTGRES, enable=enable, icon_color=colour)
        self._data.sql = filled(text)

    def build(self) -> model.AnnotationQuery:
        """The annotation."""
        return self._data


class PrometheusAnnotationData(model.AnnotationQuery):
    """An annotation from Prometheus, with a step and words."""

    title, text = "", ""

    def to_json(self) -> dict[str, object]:
        """With what Prometheus' data source asks for."""
        more = {"step": "60s", "titleFormat": self.title, "textFormat": self.text, "useValueForTime": False}
        return {**super().to_json(), **more}


class PrometheusAnnotation(Builder[model.AnnotationQuery]):
    """Marks where an expression is above 0."""

    def __init__(self, name: str, colour: str, expression: str, title: str) -> None:
        self._data = PrometheusAnnotationData(
            name=name, datasource=PROMETHEUS, enable=True, icon_color=colour, expr=expression
        )
        self._data.title = title

    def build(self) -> model.AnnotationQuery:
        """The annotation."""
        return self._data


def annotations(where: str) -> list[Builder[model.AnnotationQuery]]:
    """Alerts, and changes of what understands texts. `where`: which units."""
    return [
        SqlAnnotation(
            "Alerts",
            RED,
            "SELECT opened_at AS time, coalesce(quiet_at, opened_at) AS timeend, "
            "alertname || ' at ' || coalesce(unit, unit_id) AS title, "
            "'severity ' || severity || ', ' || state AS text, severity_label AS tags "
            f"FROM history.alerts WHERE $__timeFilter(opened_at) AND {where} ORDER BY 1 LIMIT 500",
        ),
        SqlAnnotation(
            "Another model",
            BLUE,
            "SELECT min(event_time) AS time, 'scored by ' || model || ' from here on' AS text, 'model' AS tags "
            f"FROM history.insights WHERE {BEFORE_TOO} AND model IS NOT NULL GROUP BY model "
            "HAVING min(event_time) >= $__timeFrom() ORDER BY 1",
        ),
        SqlAnnotation(
            "Another taxonomy",
            YELLOW,
            "SELECT first AS time, 'first spoken of: ' || string_agg(aspect, ', ' ORDER BY aspect) || "
            "' (another taxonomy, or a new matter)' AS text, 'taxonomy' AS tags "
            "FROM (SELECT aspect, min(hour) AS first, min(min(hour)) OVER () AS earliest FROM history.topics "
            f"WHERE {BEFORE_TOO} GROUP BY aspect) aspects "
            "WHERE first >= greatest($__timeFrom(), earliest + interval '7 days') GROUP BY first ORDER BY 1",
        ),
    ]


def dashboard_link(title: str, uid: str) -> dashboard.DashboardLink:
    """To another dashboard, with time and variables."""
    return (
        dashboard.DashboardLink(title)
        .type(model.DashboardLinkType.LINK)
        .url(f"/d/{uid}")
        .keep_time(True)
        .include_vars(True)
        .icon("dashboard")
    )


class Page:
    """A dashboard that grows from top to bottom."""

    def __init__(self, title: str, uid: str, about: str, *, days: str = "now-28d") -> None:
        self.uid = uid
        self._y = 0
        self._made = (
            dashboard.Dashboard(title)
            .uid(uid)
            .description(about)
            .tags(["social-cem"])
            .time(days, "now")
            .timezone("browser")
            .tooltip(model.DashboardCursorSync.CROSSHAIR)
            .week_start("monday")
            .refresh("5m" if days != "now-3h" else "30s")
        )

    def variables(self, *variables: Builder[model.VariableModel]) -> Self:
        """What can be chosen at the top."""
        for variable in variables:
            self._made.with_variable(variable)
        return self

    def annotated(self, marks: Sequence[Builder[model.AnnotationQuery]]) -> Self:
        """Marks over time."""
        for mark in marks:
            self._made.annotation(mark)
        return self

    def links(self, others: dict[str, str]) -> Self:
        """To the other dashboards: uid -> title."""
        for uid, title in others.items():
            if uid != self.uid:
                self._made.link(dashboard_link(title, uid))
        return self

    def row(self, title: str, *panels: Panel) -> Self:
        """A heading and what is under it."""
        place = model.GridPos(x=0, y=self._y, w=PAGE_WIDTH, h=1)
        self._made.with_row(dashboard.Row(title).grid_pos(place))
        x, y, lowest = 0, self._y + 1, self._y + 1
        for panel in panels:
            if x + panel.width > PAGE_WIDTH:
                x, y = 0, lowest
            place = model.GridPos(x=x, y=y, w=panel.width, h=panel.height)
            self._made.with_panel(panel.build().grid_pos(place))
            x, lowest = x + panel.width, max(lowest, y + panel.height)
        self._y = lowest
        return self

    def build(self) -> model.Dashboard:
        """The dashboard, its panels numbered."""
        made = self._made.build()
        for number, panel in enumerate(made.panels or [], 1):
            panel.id_val = number
        return made


def _thresholds(steps: Sequence[tuple[float, str]]) -> dashboard.ThresholdsConfig:
    first = model.Threshold(value=None, color=GREEN)
    return (
        dashboard.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([first, *(model.Threshold(value=value, color=colour) for value, colour in steps)])
    )


def _value(name: str, value: object) -> model.DynamicConfigValue:
    return model.DynamicConfigValue(id_val=name, value=value)
