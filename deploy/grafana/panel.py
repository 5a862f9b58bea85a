"""One panel of a dashboard.

In: a title in plain words, a unit, a description that says how to read it, queries. Out: a builder of the Grafana
Foundation SDK. The one rule: a panel without a title, unit or description cannot be made.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from grafana_foundation_sdk.builders import barchart, common, dashboard, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.asking import POSTGRES

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "#8e8e8e"
COLOURS = {
    "negative": RED, "neutral": GREY, "positive": GREEN, "abstained": BLUE,
    "critical": "dark-red", "error": RED, "warning": ORANGE, "info": BLUE, "met": GREEN, "missed": RED,
}  # fmt: skip
"""What they are called everywhere is also what they look like everywhere."""

TEXT = model.DynamicConfigValue(id_val="unit", value="string")
"""Grafana shows text that looks like a number as one, in the panel's unit, and leads links there: 4711 as 4.71 K."""
NUMBERS = ""
"""Which columns a panel with numbers shows. All of them (`/.*/`) would be the time, too."""

Kind = Literal["lines", "bars", "stat", "table", "ranking"]
Unit = Literal["short", "percentunit", "s", "bytes", "none", "dtdurations", "cps"]


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
            .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields(NUMBERS))
            .text_mode(common_model.BigValueTextMode.VALUE_AND_NAME)
        )

    def _table(self) -> Any:
        made = table.Panel().cell_height(common_model.TableCellHeight.SM)
        return made.override_by_regexp("/.*/", [_value("noValue", "–")]).override_by_field_type("string", [TEXT])

    def _ranking(self) -> Any:
        made = barchart.Panel().orientation(common_model.VizOrientation.HORIZONTAL)
        made.override_by_field_type("string", [TEXT])
        if self.stacked:
            made.stacking(common_model.StackingMode.NORMAL)
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
