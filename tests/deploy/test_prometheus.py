"""Prometheus' rules and settings: right by Prometheus' own tool, tested each way, and about metrics that there are.

In: `deploy/prometheus`. Out: verdicts. The one rule: what Prometheus itself can check is checked by it.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Gauge

from tests.dashboards.names import defined, metric_names_in, shown_name, shown_names
from tests.dashboards.queries import all_queries

ROOT = Path(__file__).parents[2]
HERE = ROOT / "deploy" / "prometheus"
RULES = yaml.safe_load((HERE / "rules.yml").read_text())
TESTS = yaml.safe_load((HERE / "rules_test.yml").read_text())
CONFIG = yaml.safe_load((HERE / "prometheus.yml").read_text())
JOBS = {"cem-worker", "cem-web", "cem-notify", "cem-archive"}


def all_rules() -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"]]


def alert_ids(rule: dict[str, Any]) -> str:
    return str(rule["alert"])


@pytest.mark.parametrize(
    "words",
    [("check", "rules", "rules.yml"), ("check", "config", "prometheus.yml"), ("test", "rules", "rules_test.yml")],
    ids=" ".join,
)
def test_promtool_finds_nothing_wrong(words: tuple[str, ...]) -> None:
    """Rules and settings can be read, and each rule fires and keeps quiet as its tests say."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; it comes with Prometheus")
    done = subprocess.run([promtool, *words], cwd=HERE, capture_output=True, text=True, timeout=60)
    assert (0, "") == (done.returncode, done.stderr if done.returncode else ""), done.stdout + done.stderr


@pytest.mark.parametrize("fires", [True, False], ids=["fires", "keeps quiet"])
@pytest.mark.parametrize("rule", all_rules(), ids=alert_ids)
def test_every_rule_is_tested_both_ways(rule: dict[str, Any], fires: bool) -> None:
    """There is a test in which it fires, and one in which it does not."""
    tests = [one for story in TESTS["tests"] for one in story["alert_rule_test"] if one["alertname"] == rule["alert"]]
    assert any(bool(one["exp_alerts"]) is fires for one in tests)


@pytest.mark.parametrize("rule", all_rules(), ids=alert_ids)
def test_every_rule_says_how_bad_what_and_where_to_read_on(rule: dict[str, Any]) -> None:
    """A severity, a summary, a description, and an entry in the runbook under the alert's own name."""
    assert rule["labels"]["severity"] in ("warning", "critical")
    notes = rule["annotations"]
    assert {"summary", "description", "runbook_url"} == notes.keys()
    assert f"../README.md#{rule['alert'].lower()}" == notes["runbook_url"]
    runbook = (ROOT / "deploy" / "README.md").read_text()
    headings = [heading.strip().lower() for heading in re.findall(r"^#+ (.+)$", runbook, re.M)]
    assert rule["alert"].lower() in headings, f"deploy/README.md has no entry {rule['alert']}"


@pytest.mark.parametrize("rule", all_rules(), ids=alert_ids)
def test_rules_are_about_metrics_that_there_are(rule: dict[str, Any]) -> None:
    """A rule about a name that nobody writes would never fire."""
    assert set() == metric_names_in(rule["expr"]) - shown_names()


def test_gauges_that_every_process_shows_are_asked_of_one_job() -> None:
    """A gauge without labels is 0 in each process that never sets it: who asks for it says whose it is."""
    bare = {shown_name(metric) for metric in defined() if isinstance(metric, Gauge) and not metric._labelnames}
    asked = [(rule["alert"], rule["expr"]) for rule in all_rules()]
    asked += [(str(query), query.text) for query in all_queries() if query.source == "prometheus"]
    for who, expression in asked:
        for name in bare:
            assert not re.search(rf"\b{name}\b(?!{{job=)", expression), f"{who}: {name}"


def test_jobs_are_those_that_rules_go_by() -> None:
    """Each job named in a rule is asked by Prometheus, and each of ours is missed when it is gone."""
    asked = {job["job_name"] for job in CONFIG["scrape_configs"]}
    named = {job for rule in all_rules() for job in re.findall(r'job="([^"]+)"', rule["expr"])}
    watched = {job for rule in all_rules() for job in re.findall(r'^up{job="([^"]+)"} == 0', rule["expr"])}
    assert named <= asked
    assert JOBS == watched
