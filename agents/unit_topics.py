"""A topic for each unit's alerts, there before anything is said of the unit.

In: a directory. Out: nothing; when `ensure` returns, every unit of it has its topic.
"""

import asyncio

from agents.kafka.admin import Admin
from agents.settings import Settings
from pipeline.directory import Directory
from schemas.topics import Topics

ADMIN_SECONDS_MAX = 120.0
TOPIC_SECONDS_MAX = 0.05
"""For each topic besides: 10,000 of them took 29 s on a broker that had nothing else to do, and 134 s on a busy one."""


class UnitTopics:
    """Asks the broker once for each unit."""

    def __init__(self, settings: Settings, topics: Topics) -> None:
        self._settings = settings
        self._topics = topics
        self._version = 0
        self._there: set[str] = set()

    async def ensure(self, directory: Directory) -> None:
        """Makes the topics that are missing. Raises AdminError or TimeoutError."""
        if directory.version <= self._version:
            return
        new = [unit_id for unit_id in directory.units if unit_id not in self._there]
        if new:
            seconds_max = ADMIN_SECONDS_MAX + len(new) * TOPIC_SECONDS_MAX
            await asyncio.wait_for(asyncio.to_thread(self._apply, new), seconds_max)
            self._there.update(new)
        self._version = directory.version

    def _apply(self, unit_ids: list[str]) -> None:
        with Admin(self._settings, self._topics) as admin:
            admin.apply(unit_ids)
