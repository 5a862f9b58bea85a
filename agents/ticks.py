"""Ticks of the wall clock: the leader (who owns `cem.units`) writes them on a fixed grid into all inputs.

With `clock = data` nobody ticks here: `cem ingest` writes the ticks between the records.
"""

import time

from agents.kafka.outbox import Outbox
from agents.settings import Settings
from pipeline.control import Shape, tick_records


class Ticker:
    """To be called at least once a second by the owner of `cem.units`."""

    def __init__(self, settings: Settings, shape: Shape, outbox: Outbox) -> None:
        self._grid_ms = settings.tick_ms
        self._shape = shape
        self._outbox = outbox
        self._last_ms = 0

    async def tick(self) -> None:
        """Writes the tick of this moment's place on the grid, once."""
        now_ms = int(time.time() * 1000) // self._grid_ms * self._grid_ms
        if now_ms > self._last_ms:
            self._last_ms = now_ms
            await self._outbox.send(tick_records(self._shape, now_ms))
