"""One partition of `cem.events`: its units, its watermark, and what is due.

In: the committed records of the partition, in order, each once (`agents/kafka` sees to that). Out: what the engine
makes of them. The rule: the watermark is the smallest tick over the sources that are ticked together.
"""

import heapq
from collections import Counter
from enum import StrEnum

import msgspec

from pipeline.engine import Engine, Output
from pipeline.state import UnitState, decode_state, encode_state
from schemas.event import Event, UnitErasure
from schemas.tick import Tick


class Applied(StrEnum):
    """What became of a record of the log."""

    APPLIED = "applied"
    TICK = "tick"


_APPLIED, _TICK = Applied.APPLIED.value, Applied.TICK.value  # to hash a member of an enum takes a call


class Clock(msgspec.Struct):
    """The last tick of each source (`cem.posts/3`), and the watermark: -1 until all sources that are ticked together
    have ticked. It never goes back."""

    ticks: dict[str, int] = {}
    watermark_ms: int = -1

    def tick(self, tick: Tick) -> None:
        """Takes a tick in; one that is not newer than what is known of its source changes nothing."""
        if tick.event_time <= self.ticks.get(tick.source, -1):
            return
        self.ticks[tick.source] = int(tick.event_time)
        together = [f"{topic}/{number}" for topic, width in tick.inputs.items() for number in range(width)]
        smallest = min((self.ticks.get(source, -1) for source in together), default=-1)
        self.watermark_ms = max(self.watermark_ms, smallest)


class Log:
    """`outcomes` counts what became of records, for metrics."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.units: dict[str, UnitState] = {}
        self.clock = Clock()
        self.outcomes: Counter[str] = Counter()
        self._dirty: set[str] = set()
        self._due: list[tuple[int, str]] = []
        self._scheduled: dict[str, int] = {}

    def load(self, value: bytes) -> None:
        """Takes in one unit's saved state."""
        state = decode_state(value)
        self.units[state.unit_id] = state
        self._schedule(state)

    def load_clock(self, value: bytes) -> None:
        """Takes in the saved watermark."""
        self.clock = msgspec.msgpack.decode(value, type=Clock)

    def save_clock(self) -> bytes:
        """The watermark, to be saved together with the states."""
        return msgspec.msgpack.encode(self.clock)

    def take_dirty(self) -> list[tuple[bytes, bytes]]:
        """The states that have changed since the last call, as key and value."""
        dirty, self._dirty = self._dirty, set()
        return [(unit_id.encode(), encode_state(self.units[unit_id])) for unit_id in sorted(dirty)]

    def apply(self, event: Event) -> list[Output]:
        """The next record of the partition."""
        if isinstance(event, Tick):
            self.outcomes[_TICK] += 1
            before = self.clock.watermark_ms
            self.clock.tick(event)
            return self._pass_time() if self.clock.watermark_ms > before else []
        if isinstance(event, UnitErasure):
            return self._erase(event)
        state = self.units.get(event.unit_id)
        if state is None:
            state = self.units[event.unit_id] = UnitState(unit_id=event.unit_id)
        outputs = self._engine.step(state, event, self.clock.watermark_ms)
        self._dirty.add(state.unit_id)
        self._schedule(state)
        self.outcomes[_APPLIED] += 1
        return outputs

    def _erase(self, erasure: UnitErasure) -> list[Output]:
        """Goes to every unit that holds something of it."""
        holders = [unit for unit in self.units.values() if self._engine.holds(unit, erasure)]
        holders.sort(key=lambda unit: unit.unit_id)
        self._dirty.update(unit.unit_id for unit in holders)
        self.outcomes[_APPLIED] += 1
        return [output for unit in holders for output in self._engine.step(unit, erasure)]

    def _schedule(self, state: UnitState) -> None:
        """Remembers when the unit is due; an entry that is later than one already there waits for it."""
        due, known = self._engine.due(state), self._scheduled.get(state.unit_id)
        if due is not None and (known is None or due < known):
            self._scheduled[state.unit_id] = due
            heapq.heappush(self._due, (due, state.unit_id))

    def _pass_time(self) -> list[Output]:
        """Lets time pass for the units that have something to do; the others cost nothing."""
        watermark = self.clock.watermark_ms
        outputs: list[Output] = []
        while self._due and self._due[0][0] <= watermark:
            due, unit_id = heapq.heappop(self._due)
            if self._scheduled.get(unit_id) != due:
                continue
            del self._scheduled[unit_id]
            state = self.units[unit_id]
            if self._engine.due(state) == due:  # else it has become later: it takes its place again
                outputs.extend(self._engine.advance(state, watermark))
                self._dirty.add(unit_id)
            self._schedule(state)
        return outputs
