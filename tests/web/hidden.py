"""A world in which not everything is everybody's, and every route by which one could look at it. What is not for
everybody holds a word that nothing else holds."""

import re
from typing import Any

import msgspec

from agents.web.access import Viewer
from agents.web.model import Model
from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.insight import SevereCause
from schemas.text import StoredText
from schemas.time import Millis
from schemas.unrouted import Candidate
from tests.web import guests, world
from tests.web.console import Console
from tests.web.evening import NOW
from tests.web.world import make_alert

SOUTH, CONFIDENTIAL, KITCHEN = "SECRET-OF-SOUTH", "SECRET-OF-HEAD-OFFICE", "SECRET-OF-KITCHEN"
MOVED = "SECRET-OF-MOVED"


def secrets() -> Model:
    """Two regions; what is not for everybody holds a word that nothing else holds: of the other region, of head office
    (an alert, its text behind an ordinary alert too, and an unrouted post), of another department; of a case that went
    on to another unit."""
    model = Model()
    for unit in world.units():
        name = f"{SOUTH} place" if unit.parent == "south" or unit.id == "south" else unit.name
        confidential = ("discrimination",) if unit.id == "marlow" else ()
        model.apply_unit(unit.id, msgspec.structs.replace(unit, name=name, confidential=confidential))

    def story(unit_id: str, digits: str, word: str, **given: Any) -> Alert:
        alert = make_alert(unit_id, digits, summary=f"{word} summary", recommended=f"{word} action", **given)
        model.apply_alert(alert)
        for one in alert.evidence:
            if one.text_ref not in shared:
                model.apply_text(one.text_ref or "", _text(one.text_ref or "", word))
        action = f"action-{digits}"
        entry = CaseEntry(
            alert_id=alert.alert_id, unit_id=unit_id, addressed_to=alert.addressed_to, number=1, sequence=1,
            action_id=action, action="comment", actor=f"{word} actor", note_ref=f"note:{action}",
            assignee=f"{word} assignee", event_time=NOW, change="commented",
        )  # fmt: skip
        model.apply_entry(entry)
        model.apply_text(f"note:{action}", _text(f"note:{action}", word))
        return alert

    shared: set[str] = {"x:dead0"}
    model.apply_text("x:dead0", _text("x:dead0", CONFIDENTIAL))
    story("mill-lane", "5011", SOUTH)
    story("south", "5012", SOUTH, state="resolved")
    story("harbour-quay", "dead", CONFIDENTIAL, addressed_to="marlow", texts=1)
    story("harbour-quay", "feed", "plain", labels={"department": "operations"})
    surge = story("harbour-quay", "face", "plain", labels={"department": "operations"}, texts=1)
    again = msgspec.structs.replace(surge.evidence[0], text_ref="x:dead0")
    model.apply_alert(world.next_of(surge, evidence=(*surge.evidence, again)))
    story("harbour-quay", "cafe", KITCHEN, labels={"department": "kitchen"})
    story("elm-street", "1e1a", "elm")
    moved = story("harbour-quay", "90e5", "plain", labels={"department": "operations"})
    labels = msgspec.structs.replace(moved.labels, unit_id="mill-lane", region="south")
    annotations = msgspec.structs.replace(moved.annotations, summary=MOVED)
    model.apply_alert(world.next_of(moved, labels=labels, annotations=annotations))
    for one, word, candidates, severe in (
        ("p1", SOUTH, ("mill-lane",), ()),
        ("p2", CONFIDENTIAL, ("harbour-quay",), ("discrimination",)),
        ("p3", CONFIDENTIAL, (), ("discrimination",)),
        ("p4", "plain", ("harbour-quay", "mill-lane"), ()),
    ):
        unrouted = guests.unrouted()[0]
        causes = tuple(SevereCause(cause=cause, words="", department="a", severity=9) for cause in severe)
        insight = msgspec.structs.replace(unrouted.insight, id=one, text_ref=f"text:{one}", severe=causes)
        found = tuple(Candidate(unit_id=unit, rule="alias", confidence=0.5) for unit in candidates)
        model.apply_unrouted(one, msgspec.structs.replace(unrouted, id=one, insight=insight, candidates=found))
        model.apply_text(f"text:{one}", _text(f"text:{one}", word))
    model.wall_ms = NOW
    model.set_connected(True, NOW)
    return model


def _text(key: str, word: str) -> StoredText:
    return StoredText(id=key, text=f"{word} text", url=f"https://x.example/{word}", event_time=Millis(NOW - 1))


IDS = {
    "alert_id": tuple(f"{unit}-{digits * 4}" for unit, digits in (
        ("mill-lane", "5011"), ("south", "5012"), ("harbour-quay", "dead"), ("harbour-quay", "cafe"),
        ("harbour-quay", "face"), ("harbour-quay", "90e5"))),
    "unit_id": ("mill-lane", "south", "harbour-quay", "north", "marlow"),
    "action_id": ("action-5011", "action-5012", "action-dead", "action-cafe", "action-90e5"),
    "insight_id": ("p1", "p2", "p3", "p4"),
    "name": ("console.js",),
}  # fmt: skip
"""What stands for each part of a route's path. A route with a new part has to be added here."""
QUERIES = ("", "?state=all&limit=200", "?show=finished&limit=200", "?show=all&unit=mill-lane", "?unit=south&state=all",
           "?department=kitchen&state=all", "?sent=action-dead", "?sent=p1", "?sent=p2", "?cursor=W10=")  # fmt: skip

LISTS = ("/", "/unrouted", "/units/harbour-quay", "/api/v1/alerts", "/api/v1/units", "/api/v1/unrouted",
         "/api/v1/units/harbour-quay")  # fmt: skip
"""Where all of these are tried."""

HIDDEN: dict[str, tuple[tuple[Any, ...], set[str]]] = {
    "unit": (("unit", "harbour-quay"), {SOUTH, CONFIDENTIAL, MOVED}),
    "department": (("department", "harbour-quay", "operations"), {SOUTH, CONFIDENTIAL, KITCHEN, MOVED}),
    "region": (("region", "north"), {SOUTH, CONFIDENTIAL, MOVED}),
    "brand": (("region", "marlow"), {CONFIDENTIAL}),
    "auditor of a region": (("auditor", "north"), {SOUTH, CONFIDENTIAL, MOVED}),
    "unit that is not there": (("unit", "nowhere"), {SOUTH, CONFIDENTIAL, KITCHEN, MOVED}),
    "unit without one": (("unit",), {SOUTH, CONFIDENTIAL, KITCHEN, MOVED}),
    "region without one": (("region",), {SOUTH, CONFIDENTIAL, KITCHEN, MOVED}),
}


def paths_of(console: Console, method: str) -> list[str]:
    """Every route of the application, with every id in each part of its path."""
    found: list[str] = []
    for route in console.app.router.routes():
        if route.method != method or route.resource is None:
            continue
        paths = [route.resource.canonical]
        for part in re.findall(r"{(\w+)}", paths[0]):
            assert part in IDS, f"{paths[0]}: say in IDS what {part} may be"
            paths = [path.replace(f"{{{part}}}", one) for path in paths for one in IDS[part]]
        found += paths
    return found


HEAD = Viewer("head", "head_office")
