"""Whose surroundings hold a point. In: units with a position and a radius. Out: for a point the units that have it in
their circle, the nearest first.

The one rule: a look-up costs the same for ten units as for ten thousand. Each circle is kept in the cells that it
touches, of a grid whose cells are at least as wide as itself, so four at most; a point lies in one cell of each grid.
Distances are great circles on a sphere, at most 0.6 % off.
"""

import math
from collections.abc import Iterable
from typing import Final

from schemas.unit import Position

CELL_UNITS_MAX: Final = 1000
"""A place that more units share says nothing, and would make a look-up cost more with every unit."""

_METRES_PER_RADIAN: Final = 6_371_008.8
_FINEST: Final = 17
"""Grid n has cells of 360 / 2^n degrees: 300 m on the finest, the whole earth on grid 0."""

Cell = tuple[int, int, int]
_Circle = tuple[float, float, float, str]


class Positions:
    """A grid for each size of circles. Ids are those of units."""

    def __init__(self, positions: Iterable[tuple[str, Position]]) -> None:
        self._cells: dict[Cell, list[_Circle]] = {}
        for unit_id, position in positions:
            circle = (position.latitude, position.longitude, position.radius_m, unit_id)
            for cell in _cells_of(position):
                self._cells.setdefault(cell, []).append(circle)
        self._grids = sorted({grid for grid, _, _ in self._cells})

    def around(self, latitude: float, longitude: float) -> tuple[str, ...]:
        """The units whose circle holds the point (degrees, WGS 84), the nearest first."""
        found: list[tuple[float, str]] = []
        for grid in self._grids:
            circles = self._cells.get(_cell(grid, latitude, longitude), ())
            if len(circles) <= CELL_UNITS_MAX:
                for at_latitude, at_longitude, radius_m, unit_id in circles:
                    metres = distance_m(latitude, longitude, at_latitude, at_longitude)
                    if metres <= radius_m:
                        found.append((metres, unit_id))
        return tuple([unit_id for _, unit_id in sorted(found)])


def distance_m(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Metres between two points given in degrees (haversine)."""
    here, there = math.radians(latitude), math.radians(other_latitude)
    across = math.sin(math.radians(other_longitude - longitude) / 2)
    along = math.sin((there - here) / 2)
    chord = along * along + math.cos(here) * math.cos(there) * across * across
    return 2 * _METRES_PER_RADIAN * math.asin(min(1.0, math.sqrt(chord)))


def _cells_of(position: Position) -> set[Cell]:
    """The cells at the corners of the box around a circle: a box that is no wider than a cell touches no others."""
    angle = position.radius_m / _METRES_PER_RADIAN * 1.000_001
    high = math.degrees(angle)
    narrow = math.cos(math.radians(position.latitude))
    wide = math.degrees(math.asin(math.sin(angle) / narrow)) if math.sin(angle) < narrow else 180.0  # holds a pole
    grid = max(0, min(_FINEST, math.floor(math.log2(180.0 / max(high, wide)))))
    return {
        _cell(grid, position.latitude + up, position.longitude + right)
        for up in (-high, high)
        for right in (-wide, wide)
    }


def _cell(grid: int, latitude: float, longitude: float) -> Cell:
    count = 1 << grid
    return grid, math.floor((latitude + 90.0) * count / 360.0), math.floor((longitude + 180.0) * count / 360.0) % count
