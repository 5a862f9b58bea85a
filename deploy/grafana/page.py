"""A dashboard: variables at the top, marks, links to the others, rows of panels.

In: panels in reading order. Out: the SDK's dashboard. The one rule: no panel lies on another.
"""

from collections.abc import Sequence
from typing import Any, Self

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.asking import POSTGRES, filled
from deploy.grafana.panel import Panel

PAGE_WIDTH = 24


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


def choices(name: str, key: str, where: str) -> str:
    """Names and ids to choose from, those last that are of removed units only. Grafana keeps one of those that look the
    same, so what shares its name with another is shown with its id."""
    return f"""
        SELECT CASE WHEN count(*) OVER (PARTITION BY name) > 1 THEN name || ' (' || id || ')' ELSE name END AS __text,
               id AS __value
        FROM (SELECT coalesce({name}, {key}) AS name, {key} AS id, bool_and(removed) AS gone
              FROM history.units WHERE {key} IS NOT NULL AND {where} GROUP BY 1, 2) choices
        ORDER BY gone, 1 LIMIT 20000"""


def unit_variables(*, single: bool = False) -> list[Builder[model.VariableModel]]:
    """Brand, region and unit, each a choice within the one before."""
    brand = query_variable("brand", "Brand", "Only units of these brands", choices("brand", "brand_id", "true"))
    region = query_variable(
        "region", "Region", "Only units of these regions",
        choices("region", "region_id", "('*' IN (${brand:sqlstring}) OR brand_id IN (${brand:sqlstring}))"),
    )  # fmt: skip
    unit = query_variable(
        "unit", "Unit", "One store, restaurant, branch" if single else "Only these units",
        choices("unit", "unit_id", "{regions}"), all_value=None if single else "'*'",
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
