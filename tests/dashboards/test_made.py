"""What Grafana reads is what the code makes, complete in itself, and holds no secret."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dashboards.names import metric_names_in, shown_names
from tests.dashboards.queries import FOLDER, Query, all_queries, dashboards, panels

PROVISIONING = FOLDER.parent / "provisioning"
ALL_PANELS = [(name, panel) for name, dashboard in dashboards().items() for panel in panels(dashboard)]
SOURCES = {
    source["uid"]: source
    for source in yaml.safe_load((PROVISIONING / "datasources" / "cem.yml").read_text())["datasources"]
}


def panel_ids(value: Any) -> str:
    return f"{value[0]}: {value[1]['title']}"


def test_the_committed_dashboards_are_current() -> None:
    """`deploy/grafana/dashboards` holds what `make schemas` would write, and nothing else."""
    pytest.importorskip("grafana_foundation_sdk", reason="the Grafana Foundation SDK is not installed (make setup)")
    from deploy.grafana.make import made

    assert {path: path.read_text() for path in FOLDER.glob("*.json")} == made()


@pytest.mark.parametrize("place", ALL_PANELS, ids=panel_ids)
def test_a_panel_says_what_it_is_and_how_to_read_it(place: tuple[str, dict[str, Any]]) -> None:
    """A title in plain words, a unit, a description of a sentence or more, and a query."""
    _, panel = place
    assert re.match(r"[A-Z][a-z]", panel["title"])
    assert "_" not in panel["title"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert re.search(r"[a-z].{20,}[.]", panel["description"], re.S)
    assert panel["targets"]


@pytest.mark.parametrize("place", ALL_PANELS, ids=panel_ids)
def test_text_stays_text_and_a_cell_without_a_value_says_nothing_of_the_period(
    place: tuple[str, dict[str, Any]],
) -> None:
    """Grafana formats the store 4711 as 4.71 K, also in links, and writes the words of an empty panel into each empty
    cell, unless columns say otherwise. Numbers of now come without their time."""
    _, panel = place
    said = [(rule["matcher"], rule["properties"]) for rule in panel["fieldConfig"]["overrides"]]
    text = ({"id": "byType", "options": "string"}, [{"id": "unit", "value": "string"}])
    empty = ({"id": "byRegexp", "options": "/.*/"}, [{"id": "noValue", "value": "–"}])
    assert (panel["type"] in ("table", "barchart")) == (text in said)
    assert (panel["type"] == "table") == (empty in said)
    assert panel["type"] != "stat" or panel["options"]["reduceOptions"]["fields"] == ""


def test_panels_do_not_lie_on_each_other() -> None:
    """Each place of the page belongs to one panel."""
    for name, dashboard in dashboards().items():
        taken: dict[tuple[int, int], str] = {}
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    assert x < 24, (name, panel["title"])
                    assert (x, y) not in taken, (name, panel["title"], taken.get((x, y)))
                    taken[x, y] = panel["title"]


def test_dashboards_lead_to_each_other_and_to_what_there_is() -> None:
    """Each has links to all others; each link within a panel names a dashboard, or a page of the console."""
    uids = {dashboard["uid"] for dashboard in dashboards().values()}
    for dashboard in dashboards().values():
        assert uids - {dashboard["uid"]} == {link["url"].removeprefix("/d/") for link in dashboard["links"]}
        for url in re.findall(r'"url": "([^"]+)"', json.dumps(dashboard)):
            assert re.match(rf"/d/({'|'.join(uids)})\b|\$\{{console\}}/(alerts|units)/\$", url), url


def test_brand_region_and_unit_can_be_chosen() -> None:
    """On each dashboard about units, in that order, each within the one before."""
    for name, dashboard in dashboards().items():
        variables = [variable["name"] for variable in dashboard["templating"]["list"]]
        assert (["instance"] if name == "health" else ["brand", "region", "unit", "step"]) == variables[:4]


@pytest.mark.parametrize("query", [query for query in all_queries() if query.source == "prometheus"], ids=str)
def test_dashboards_are_about_metrics_that_there_are(query: Query) -> None:
    """A panel about a name that nobody writes would stay empty."""
    expression = re.sub(r"^label_values\((.*),\s*\w+\)$", r"\1", query.text)
    assert set() == metric_names_in(expression) - shown_names()


def test_dashboards_and_provisioning_mean_the_same_sources() -> None:
    """Each panel's source is provided, of its type."""
    for _, panel in ALL_PANELS:
        source = panel["datasource"]
        assert SOURCES[source["uid"]]["type"] == source["type"]


def test_provisioning_holds_no_secret() -> None:
    """Addresses, users and passwords come from the environment; a password is kept as Grafana keeps secrets.
    It may have a `$`: what is named in {} Grafana fills in twice."""
    history = SOURCES["cem-history"]
    assert "$HISTORY_PASSWORD" == history["secureJsonData"]["password"]
    for source in SOURCES.values():
        assert re.fullmatch(r"\$\{(HISTORY|METRICS)_\w+\}", source["url"])


def test_only_views_for_analysts_are_asked() -> None:
    """No query needs more rights than the role cem_analyst has: all it reads is in the schema `history`."""
    for query in all_queries():
        if query.source == "postgres":
            assert not re.search(r"\bcem\.", query.text), str(query)
            assert re.search(r"\bhistory\.", query.text), str(query)


def test_grafana_finds_the_dashboards_in_the_folder_that_is_mounted() -> None:
    """The provider reads one folder, and nothing in Grafana changes it."""
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "cem.yml").read_text())["providers"]
    assert not provider["allowUiUpdates"]
    assert Path(provider["options"]["path"]).is_absolute()
