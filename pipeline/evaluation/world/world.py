"""A labelled world. In: settings. Out: units, records in the order of their arrival, and the incidents hidden in them.

The one rule: everything follows from the settings; each unit and each incident has random streams of its own, named
after the seed and itself. A unit's records are made while they are asked for and merged by time, so that a world may be
larger than memory. What is fitted to real data, and how, is told by `rhythm`, `people` and `spreading`.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator
from operator import itemgetter

from pipeline.evaluation.incident import Incident
from pipeline.evaluation.world.history import history
from pipeline.evaluation.world.incidents import Planting
from pipeline.evaluation.world.locals import Local, above, locals_of
from pipeline.evaluation.world.plan import Planned, plan
from pipeline.evaluation.world.settings import WorldSettings
from pipeline.evaluation.world.timed import Timed
from schemas.unit import Unit


class World:
    """Raises ValueError where the incidents do not fit. `units`: brands, then regions, then local units."""

    def __init__(self, settings: WorldSettings) -> None:
        self.settings = settings
        self.locals = locals_of(settings)
        self.units: tuple[Unit, ...] = (*above(), *(local.unit for local in self.locals))
        self._planned = plan(settings, self.locals)

    def incidents(self) -> Iterator[Incident]:
        """The truth, by start."""
        for planned in sorted(self._planned, key=lambda one: (one.starts, one.number)):
            yield self._planting(planned).truth

    def records(self) -> Iterator[Timed]:
        """All posts and feedback, by arrival; those of one moment by unit."""
        by_unit: dict[int, list[Planned]] = defaultdict(list)
        for planned in self._planned:
            by_unit[planned.unit].append(planned)
        return heapq.merge(*(self._unit(local, by_unit[local.number]) for local in self.locals), key=itemgetter(0))

    def _unit(self, local: Local, planned: list[Planned]) -> Iterator[Timed]:
        """Whatever happens at one unit."""
        return heapq.merge(history(self.settings, local), *map(self._records, planned), key=itemgetter(0))

    def _records(self, planned: Planned) -> Iterator[Timed]:
        yield from self._planting(planned).records()

    def _planting(self, planned: Planned) -> Planting:
        return Planting(self.settings, self.locals[planned.unit], planned)
