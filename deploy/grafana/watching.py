"""Panels over what Prometheus has scraped: rates, quantiles, numbers of now.

In: names of metrics. Out: panels. The one rule: only workers that are chosen at the top count.
"""

from deploy.grafana.asking import PROMETHEUS, prom
from deploy.grafana.panel import Panel, Unit

Row = tuple[str, list[Panel]]
"""A heading, then panels."""
HERE = 'job="cem-worker",instance=~"$instance"'
"""Without a format: `:regex` escapes the dots of an address once, and PromQL wants it twice in a string."""
RATE = "$__rate_interval"
NEGATIVE = ',sentiment="negative"'


def lines(
    title: str,
    about: str,
    unit: Unit,
    *expressions: tuple[str, str],
    width: int = 8,
    stacked: bool = False,
    low: float | None = 0,
) -> Panel:
    """A panel over time."""
    return Panel(
        "lines", title, about, unit, prom(*expressions), width=width, stacked=stacked, low=low, source=PROMETHEUS
    )


def rate(metric: str, by: str, where: str = "") -> str:
    """How much a second, by labels."""
    return f"sum by ({by}) (rate({metric}{{{HERE}{where}}}[{RATE}]))"


def quantile(q: float, metric: str, by: str = "") -> str:
    """A quantile of a histogram."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket{{{HERE}}}[{RATE}])))"


def number(
    title: str, about: str, unit: Unit, *expressions: tuple[str, str], steps: tuple[tuple[float, str], ...] = ()
) -> Panel:
    """A panel with numbers of now."""
    return Panel(
        "stat", title, about, unit, prom(*expressions, instant=True), width=4, height=5, steps=steps, source=PROMETHEUS
    )
