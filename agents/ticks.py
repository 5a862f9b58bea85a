"""Ticks of the wall clock: the leader (who owns `cem.units`) writes them on a fixed grid into all inputs.

With `clock = data` nobody ticks here: `cem ingest` writes the ticks between the records.
"""

import time

from pipeline.control import Shape, tick_records
from pipeline.emission import Emission


class Ticker:
    """To be asked at least once a second by the owner of `cem.units`."""

    def __init__(self, tick_ms: int, shape: Shape) -> None:
        self._grid_ms = tick_ms
        self._shape = shape
        self._last_ms = 0

    def due(self) -> list[Emission]:
        """The tick of this moment's place on the grid, once."""
        now_ms = int(time.time() * 1000) // self._grid_ms * self._grid_ms
        if now_ms <= self._last_ms:
            return []
        self._last_ms = now_ms
        return tick_records(self._shape, now_ms)
