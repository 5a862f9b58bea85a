"""Which metrics there are, and which an expression names.

In: PromQL. Out: names. The one rule: what is neither ours nor Prometheus' own is a mistake.
"""

import re

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from pipeline import metrics

FOREIGN = {
    "up", "process_start_time_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total",
    "process_open_fds", "process_max_fds",
}  # fmt: skip
"""Of Prometheus itself, and of its client for any process."""

_WORDS = {
    "sum", "max", "min", "avg", "count", "by", "without", "on", "ignoring", "group_left", "group_right", "and", "or",
    "unless", "rate", "increase", "irate", "deriv", "delta", "changes", "absent", "abs", "vector", "timestamp", "time",
    "histogram_quantile", "topk", "label_replace", "clamp_min", "clamp_max", "offset", "bool", "max_over_time",
    "quantile", "sort_desc", "inf", "nan",
}  # fmt: skip


def defined() -> list[MetricWrapperBase]:
    """All metrics of `pipeline.metrics`."""
    return [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]


def shown_name(metric: MetricWrapperBase) -> str:
    """The name as Prometheus sees it."""
    name: str = metric._name
    return f"{name}_total" if isinstance(metric, Counter) else name


def shown_names() -> set[str]:
    """All names that an expression may use."""
    names = set(FOREIGN)
    for metric in defined():
        name = shown_name(metric)
        if isinstance(metric, Histogram):
            names |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
        else:
            assert isinstance(metric, Counter | Gauge)
            names.add(name)
    return names


def metric_names_in(expression: str) -> set[str]:
    """The names of metrics in an expression of PromQL: all words but functions, labels and what stands in quotes."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", expression)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", bare)
    bare = re.sub(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", bare)
    words = set(re.findall(r"(?<![\w$.])[A-Za-z_]\w*(?:\$\{?\w+\}?)?", bare))
    return {word for word in words if word.lower() not in _WORDS}
