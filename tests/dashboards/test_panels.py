"""Each query of each dashboard gives something when it is asked of real servers that have seen the real service."""

from collections.abc import Iterator

import pytest

from tests.dashboards.panels import Answer, answers, scene_here
from tests.dashboards.queries import Query, all_queries
from tests.dashboards.scene import Scene

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

NEEDS_MANY = {"low", "high"}
"""Ends of an interval that there are for many values only."""


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """The scene, played once."""
    try:
        with scene_here() as scene:
            yield scene
    except LookupError as error:
        if isinstance(error, KeyError | IndexError):  # a mistake, not a program that is missing
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def answered(scene: Scene) -> dict[Query, Answer]:
    """All answers."""
    return {answer.query: answer for answer in answers(scene)}


@pytest.mark.parametrize("query", all_queries(), ids=str)
def test_a_panel_shows_something(answered: dict[Query, Answer], query: Query) -> None:
    """The query is understood, and gives more than nothing: neither a panel nor a column is always empty."""
    answer = answered[query]
    assert "" == answer.error
    assert answer.count > 0
    assert set() == set(answer.empty) - NEEDS_MANY


def test_the_rules_are_looked_at_without_an_error(scene: Scene) -> None:
    """Prometheus evaluates each of our rules on what the service shows, and understands it."""
    rules = [rule for group in scene.prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert rules
    assert [] == [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"]


def test_a_healthy_service_alarms_nobody(scene: Scene) -> None:
    """In the whole scene, in which bad input came but nothing was broken, no critical rule has fired."""
    firing = [
        alert["labels"]["alertname"]
        for alert in scene.prometheus.ask("alerts")["alerts"]
        if alert["state"] == "firing" and alert["labels"]["severity"] == "critical"
    ]
    assert [] == firing
