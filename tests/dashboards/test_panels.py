"""Each query of each dashboard gives something when it is asked of real servers that have seen the real service."""

from collections.abc import Iterator

import psycopg
import pytest

from agents.parts import default_scorer
from pipeline.taxonomy import load
from tests.dashboards.change import INDUSTRY
from tests.dashboards.panels import Answer, answers, scene_here
from tests.dashboards.queries import Period, Query, all_queries, dashboards, filled, queries, values_of
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


def test_no_query_is_refused_for_what_is_chosen(scene: Scene) -> None:
    """One worker, one unit with its brand and region: what stands in their names is escaped as each server wants it."""
    worker, *_ = scene.prometheus.ask("label/instance/values", **{"match[]": 'up{job="cem-worker"}'})
    with psycopg.connect(scene.database) as connection:
        asked = "SELECT brand_id, region_id FROM history.units WHERE unit_id = %s"
        brand, region = connection.execute(asked, [scene.unit_id]).fetchone() or ("", "")
    choice = {"instance": worker, "brand": brand, "region": region, "unit": scene.unit_id}
    refused = [(str(answer.query), answer.error) for answer in answers(scene, choice) if answer.error]
    assert "." in worker
    assert [] == refused


def test_units_that_share_a_name_can_all_be_chosen(scene: Scene) -> None:
    """Of choices that look the same Grafana keeps one: no two do, whatever units, regions and brands are called."""
    period = Period(0, 1)
    for name, dashboard in dashboards().items():
        everything = values_of(dashboard, {})
        for query in queries(name, dashboard):
            if query.kind == "variable" and query.source == "postgres":
                with psycopg.connect(scene.database) as connection:
                    connection.execute("UPDATE cem.unit SET name = 'Harbour Grill'")
                    found = connection.execute(filled(query, everything, period).encode()).fetchall()
                    connection.rollback()
                assert len(found) > (query.title != "brand")
                assert len(found) == len({text for text, _ in found}), str(query)


@pytest.mark.parametrize("what", ["model", "taxonomy"])
def test_a_change_is_marked_where_it_was(scene: Scene, what: str) -> None:
    """Workers that were started again with another model and taxonomy: one mark for each, at the first post that
    they understood, with what was before and what came; and no other in all these weeks."""
    after = {"model": scene.changed.model, "taxonomy": scene.changed.taxonomy}[what]
    before = {"model": default_scorer().model, "taxonomy": load(INDUSTRY).edition}[what]
    marks = [query for query in all_queries() if query.title == f"Another {what}"]
    assert len(marks) > 2
    for query in marks:
        text = filled(query, values_of(dashboards()[query.dashboard], {}), scene.history)
        with psycopg.connect(scene.database) as connection:
            found = connection.execute(text.encode()).fetchall()
        [(at, said, tag)] = found
        assert (scene.changed_ms, what) == (round(at.timestamp() * 1000), tag)
        assert f"by {after} from here on, by {before} before" in said


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
