"""How dashboards ask PostgreSQL and Prometheus.

In: SQL with our short words, PromQL. Out: queries as Grafana keeps them. The one rule: each query about units says
`{units}` where the variables brand, region and unit decide. "All" is `'*'`, which is no id: a list of ten thousand
units in a query would help nobody.
"""

from grafana_foundation_sdk.builders.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import dashboard as model

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
STEP = "date_bin(${step:sqlstring}::interval, {at}, timestamptz '2001-01-01 00:00Z')"
"""Steps of a week begin on Monday."""


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
    for at in ("hour", "opened_at"):
        sql = sql.replace(f"{{step {at}}}", STEP.replace("{at}", at))
    return " ".join(sql.split())


def sql(text: str, *, series: bool = False) -> list[Builder[Dataquery]]:
    """One query of PostgreSQL; `series`: a column `time`, a text that names the series, numbers."""
    return [SqlQuery(text, "A", "time_series" if series else "table")]


def prom(*expressions: tuple[str, str], instant: bool = False) -> list[Builder[Dataquery]]:
    """Queries of Prometheus, each with how its series are called."""
    queries: list[Builder[Dataquery]] = []
    for ref_id, (expression, legend) in zip("ABCDEF", expressions, strict=False):
        query = PrometheusQuery().expr(expression).legend_format(legend).ref_id(ref_id)
        query = query.instant() if instant else query.range()
        queries.append(query)
    return queries
