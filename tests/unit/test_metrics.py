"""Metrics are named by Prometheus' rules, say what they are, are used, documented, and bounded."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import Counter, Histogram, generate_latest
from prometheus_client.metrics import MetricWrapperBase

from pipeline import metrics
from tests.dashboards.names import defined, shown_name

ROOT = Path(__file__).parents[2]
LABELS = {
    "action", "alertname", "change", "channel", "department", "duty", "kind", "language", "outcome", "partition",
    "reason", "recipient", "region", "route", "sentiment", "severity", "stage", "status", "table", "topic",
    "unit_id", "what",
}  # fmt: skip
"""Each of a closed vocabulary, of the topics' own, or bounded (`Bounded`): language, region, unit_id; department: those
of the taxonomies; recipient: those of the operator's file."""
NOT_BASE_UNITS = re.compile(r"_(ms|millis\w*|minutes?|hours?|days?|kb|mb|kib|mib|percent|pct)(_|$)")


@pytest.mark.parametrize("metric", defined(), ids=shown_name)
def test_a_metric_is_named_by_the_rules(metric: MetricWrapperBase) -> None:
    """Prefix, snake case, base units, `_total` for what only grows and for nothing else."""
    name = shown_name(metric)
    assert re.fullmatch(r"cem(_[a-z]+)+", name)
    assert NOT_BASE_UNITS.search(name) is None
    assert isinstance(metric, Counter) == name.endswith("_total")
    assert not re.search(r"_(count|sum|bucket|info)$", name)
    if "_seconds" in name:
        assert name.endswith("_seconds"), "the unit is last"
    if isinstance(metric, Histogram):
        assert name.endswith(("_seconds", "_records", "_bytes"))


@pytest.mark.parametrize("metric", defined(), ids=shown_name)
def test_a_metric_says_what_it_is_and_is_used(metric: MetricWrapperBase) -> None:
    """It has a help text, stands in the reference, and code sets it."""
    assert len(metric._documentation) > 10
    assert f"| `{shown_name(metric)}` |" in (ROOT / "deploy" / "reference.md").read_text()
    constant = next(name for name, value in vars(metrics).items() if value is metric)
    code = "".join(path.read_text() for path in (ROOT / "agents").rglob("*.py"))
    assert f"metrics.{constant}" in code


@pytest.mark.parametrize("metric", defined(), ids=shown_name)
def test_no_label_is_without_bound(metric: MetricWrapperBase) -> None:
    """Labels are of closed vocabularies or bounded by code; none holds what somebody wrote."""
    assert set(metric._labelnames) <= LABELS


def test_promtool_finds_nothing_wrong_with_what_is_shown() -> None:
    """Prometheus' own linter is content with names, helps and types."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; it comes with Prometheus")
    for metric in defined():
        if metric._labelnames:
            metric.labels(*("x" for _ in metric._labelnames))
    shown = b"\n".join(
        block for block in re.split(rb"\n(?=# HELP )", generate_latest()) if block.startswith(b"# HELP cem_")
    )
    try:
        done = subprocess.run([promtool, "check", "metrics"], input=shown + b"\n", capture_output=True, timeout=60)
    finally:
        for metric in defined():
            metric.clear()
    complaints = [line for line in done.stderr.decode().splitlines() if "_created" not in line]
    assert (0, []) == (done.returncode if complaints else 0, complaints)
