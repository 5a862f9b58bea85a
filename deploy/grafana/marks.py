"""Marks over time: alerts, another model, another taxonomy, what happens to workers.

In: which units. Out: annotations. The one rule: a mark says in its words what it is.
"""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.asking import POSTGRES, PROMETHEUS, SqlData, filled
from deploy.grafana.panel import BLUE, RED, YELLOW


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
            "SELECT opened_at AS time, coalesce(quiet_at, opened_at) AS timeend, alertname || ' at ' || "
            "coalesce(unit, unit_id) AS title, 'severity ' || severity || ', ' || state AS text, severity_label AS "
            "tags "
            f"FROM history.alerts WHERE $__timeFilter(opened_at) AND {where} ORDER BY 1 LIMIT 500",
        ),
        SqlAnnotation(
            "Another model",
            BLUE,
            "SELECT at AS time, 'texts are scored by ' || version || ' from here on, by ' || before || ' before' AS "
            "text, what AS tags "
            "FROM history.version_changes WHERE what = 'model' AND $__timeFilter(at) ORDER BY 1 LIMIT 500",
        ),
        SqlAnnotation(
            "Another taxonomy",
            YELLOW,
            "SELECT min(at) AS time, string_agg('aspects are found by ' || version || ' from here on, by ' || before "
            "|| ' before', '; ' ORDER BY industry, at) AS text, what AS tags "
            "FROM history.version_changes WHERE what = 'taxonomy' AND $__timeFilter(at) GROUP BY hour, what "
            "ORDER BY 1 LIMIT 500",
        ),
    ]
