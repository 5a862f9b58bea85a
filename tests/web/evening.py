"""When and where the small world is: a Friday evening, a group of restaurants."""

from schemas.time import parse_time

NOW = parse_time("2026-03-13T18:42:00Z")
"""A Friday evening in London, in winter time."""
ZONE = "Europe/London"
BRAND = "marlow"
PLACES = {
    "elm-street": ("Elm Street", "north"), "harbour-quay": ("Harbour Quay", "north"),
    "station-square": ("Station Square", "north"), "mill-lane": ("Mill Lane", "south"),
    "castle-gate": ("Castle Gate", "south"), "orchard-park": ("Orchard Park", "south"),
}  # fmt: skip
