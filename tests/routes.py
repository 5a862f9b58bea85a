"""Two brands with stores, and how a post finds its way to them: the units concerned, or why there is none.

In: a text and other clues. Out: what `pipeline/routing.py` says, in short. The directory is the small one here unless
another is given.
"""

from typing import Any

from pipeline.directory import Directory
from pipeline.routing import NoUnit, route
from schemas.unit import Position, Unit


def unit(unit_id: str, parent: str | None = None, **clues: Any) -> Unit:
    """A unit with clues."""
    return Unit(id=unit_id, name=f"{unit_id.title()} Store", kind="store", parent=parent, time_zone="UTC", **clues)


DIRECTORY = Directory(
    [
        unit("acme", handles=("@acme",), aliases=("Acme",), hashtags=("acme",)),
        unit("north", "acme", handles=("@acme_north",)),
        unit("kiel", "north", handles=("x:acme_kiel",), aliases=("Kiel", "Main Street"), place_ids=("p-kiel", "p-mall"),
             hashtags=("AcmeKiel",)),
        unit("bremen", "north", handles=("@acme_bremen",), aliases=("Bremen",), hashtags=("acmebremen", "sale")),
        unit("rival", handles=("@rival", "@rival.example"), aliases=("Rival",)),
        unit("rival-kiel", "rival", aliases=("Main Street",), hashtags=("sale",), place_ids=("p-mall",)),
    ]
)  # fmt: skip


def find(text: str = "", **clues: Any) -> Any:
    """(unit, rule) of each unit that is concerned, or the reason why there is none, and the candidates."""
    shown: dict[str, Any] = {"network": "x", "text": text, "directory": DIRECTORY}
    found = route(**shown | clues)
    if isinstance(found, NoUnit):
        return found.reason, [candidate.unit_id for candidate in found.candidates]
    return [(routed.unit_id, routed.routing.rule) for routed in found]


def at(point: tuple[float, float], radius_m: float = 150.0) -> Position:
    """A unit's position."""
    return Position(latitude=point[0], longitude=point[1], radius_m=radius_m)
