"""The delivery code, broken on purpose: what the simulation is worth is what it finds.

In: a name of `MUTANTS`. Out: a context in which the service has that flaw. Each was a way to lose or double something
in a prototype, in an earlier version of this service, or in Faust and aiokafka themselves. `faults` are those that
bring it out, so that few seeds are needed.
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple
from unittest.mock import patch

from agents.directory import DirectoryFollower
from agents.enrich import EnrichProcessor
from agents.kafka.stage import Stage
from agents.kafka.state import POSITION_KEY
from agents.kafka.transaction import TransactionalWriter
from agents.units import UnitsLogProcessor
from pipeline.directory import Directory
from pipeline.memory import Memory
from tests.simulation.broker import Broker, Partition, Producer
from tests.simulation.worker import Port

ENDS = ("kill", "stop", "terminate", "join", "lost answers", "failed sends", "slow network")
DROPS = ("dropped fetches",)
STALE = ("stop at the socket", "stop", "slow network")


class Mutant(NamedTuple):
    """`what` is wrong; `apply` gives the context; `faults` to be drawn from."""

    what: str
    apply: Callable[[], Any]
    faults: tuple[str, ...] = ENDS


def _replaced(owner: Any, name: str, new: Any) -> Callable[[], Any]:
    return lambda: patch.object(owner, name, new)


# What a checkpoint is

_write = TransactionalWriter.write


async def _commit_first(self: Stage, slot: Any, outputs: Any, states: Any, position: int) -> None:
    await self._kafka.commit(slot.generation, {slot.partition: position}, 20.0)
    await slot.writer.write(outputs, states)
    slot.durable = slot.committed = position


async def _outputs_first(self: TransactionalWriter, emissions: Any, states: Any) -> None:
    await _write(self, emissions, ())
    await _write(self, (), states)


async def _states_first(self: TransactionalWriter, emissions: Any, states: Any) -> None:
    await _write(self, (), states)
    await _write(self, emissions, ())


async def _position_apart(self: TransactionalWriter, emissions: Any, states: Any) -> None:
    states = list(states)
    await _write(self, emissions, [item for item in states if item[0] != POSITION_KEY])
    await _write(self, (), [item for item in states if item[0] == POSITION_KEY])


async def _unacknowledged(self: TransactionalWriter, groups: Any) -> None:
    await self._producer.begin_transaction()
    for (topic, partition), group in groups.items():
        for builder in self._batches(group):
            await self._producer.send_batch(builder, topic, partition=partition)
    await self._producer.commit_transaction()


async def _goes_on(self: Stage, slot: Any, outputs: Any, states: Any, position: int) -> None:
    try:
        await slot.writer.write(outputs, states)
    except Exception:
        slot.writer = self._kafka.writer(self._state_of(slot.partition))
        await slot.writer.start()
    await self._kafka.commit(slot.generation, {slot.partition: position}, 20.0)
    slot.durable = slot.committed = position


async def _states_late(self: Stage, slot: Any, outputs: Any, states: Any, position: int) -> None:
    await asyncio.sleep(0.2)
    late = [item for item in states if item[0].startswith(b"\x00")] + slot.processor.save()
    known = {key for key, _ in late}
    await slot.writer.write(outputs, [*(item for item in states if item[0] not in known), *late])
    await self._kafka.commit(slot.generation, {slot.partition: position}, 20.0)
    slot.durable = slot.committed = position


async def _position_ahead(self: Stage, slot: Any, records: list[Any]) -> None:
    slot.position = records[-1].offset + 1
    for at in range(0, len(records), 2):
        await self._checkpoint_what_is_due(slot)
        await asyncio.sleep(0)
        slot.outputs += slot.processor.process(records[at : at + 2])


# Who may write

_numbers = itertools.count()
_init_writer = TransactionalWriter.__init__


def _own_name(self: TransactionalWriter, settings: Any, state: Any) -> None:
    _init_writer(self, settings, state)
    self._producer._id += f"-{next(_numbers)}"


async def _read_before_fence(self: Stage, slots: Any) -> None:
    partitions = [slot.partition for slot in slots]
    states = await self._kafka.read_states([self._state_of(partition) for partition in partitions])
    begin = await self._kafka.starting_points(partitions, 20.0)
    await asyncio.sleep(8.0)  # a large state, a slow broker
    await asyncio.gather(*(slot.writer.start() for slot in slots))
    for slot in slots:
        state, now = self._state_of(slot.partition), asyncio.get_running_loop().time()
        slot.load(self.name, state.topic, states[state], begin[slot.partition], now)


def _known(self: Broker, transactional_id: str, epoch: int) -> Producer:
    return self._producers[transactional_id]


# What is read

_contiguous = Stage._contiguous


async def _no_guard(self: Stage, slot: Any, batch: Any) -> Any:
    slot.expected = max(slot.expected, batch.begin)
    return await _contiguous(self, slot, batch)


async def _second_gap_is_real(self: Stage, slot: Any, batch: Any) -> Any:
    seen = self.__dict__.setdefault("_gaps", {})
    if batch.begin > slot.expected:
        if seen.get(slot) == slot.expected:
            slot.expected = batch.begin
        seen[slot] = slot.expected
    return await _contiguous(self, slot, batch)


def _nothing_missed(self: Stage, slot: Any) -> None:
    reading = self._kafka.reading(slot.partition)
    if reading is not None and reading.handed_on == slot.expected < reading.position:
        slot.expected = reading.position
        slot.position = max(slot.position, reading.position)


def _passes_everything(self: Stage, slot: Any) -> None:
    reading = self._kafka.reading(slot.partition)
    if reading is not None and slot.expected < reading.position:
        slot.expected = reading.position
        slot.position = max(slot.position, reading.position)


def _uncommitted(self: Partition, begin: int, count: int) -> Any:
    found = [(at, one) for at, one in enumerate(self.records[begin : begin + count], begin) if not one.marker]
    return found, min(len(self.records), begin + count)


async def _no_states(self: Port, partitions: Any) -> Any:
    found = await _read_states(self, partitions)
    return {one: {key: value for key, value in states.items() if key == POSITION_KEY} for one, states in found.items()}


_read_states = Port.read_states


# What is kept

_load_units, _load_lane, _put = UnitsLogProcessor.load, EnrichProcessor.load, Memory.put


def _no_watermark(self: UnitsLogProcessor, states: Any, data: bytes | None) -> None:
    _load_units(self, states, None)


def _no_lane(self: EnrichProcessor, states: Any, data: bytes | None) -> None:
    _load_lane(self, states, None)


def _changes_unsaved(self: Memory, key: str, memo: Any) -> None:
    known = key in self._memos
    _put(self, key, memo)
    if known:
        self._dirty.discard(key)


def _newest(self: DirectoryFollower, version: int) -> Directory:
    return _at(self, self._read_to)


_at = DirectoryFollower.at

MUTANTS: dict[str, Mutant] = {
    "commit before the transaction": Mutant(
        "the offset is committed before outputs and states are there", _replaced(Stage, "_save", _commit_first)
    ),
    "outputs before states": Mutant(
        "outputs in one transaction, states in the next", _replaced(TransactionalWriter, "write", _outputs_first)
    ),
    "states before outputs": Mutant(
        "states in one transaction, outputs in the next", _replaced(TransactionalWriter, "write", _states_first)
    ),
    "position apart": Mutant(
        "the position is not in the transaction of what it stands for",
        _replaced(TransactionalWriter, "write", _position_apart),
    ),
    "unacknowledged batches": Mutant(
        "the transaction is committed without a look at its batches",
        _replaced(TransactionalWriter, "_write", _unacknowledged),
    ),
    "goes on after an error": Mutant(
        "a failed transaction does not end the process", _replaced(Stage, "_save", _goes_on)
    ),
    "states taken late": Mutant(
        "states are newer than the position saved with them", _replaced(Stage, "_save", _states_late)
    ),
    "position ahead of the work": Mutant(
        "a checkpoint in the midst of a batch takes the position of its end",
        _replaced(Stage, "_process", _position_ahead),
    ),
    "no fence": Mutant(
        "every process has writers of its own names", _replaced(TransactionalWriter, "__init__", _own_name), STALE
    ),
    "states read before the fence": Mutant(
        "an earlier owner may still write behind what was read", _replaced(Stage, "_load", _read_before_fence), STALE
    ),
    "broker that does not fence": Mutant("old epochs are taken", _replaced(Broker, "_known", _known), STALE),
    "no contiguity guard": Mutant("dropped fetches go unseen", _replaced(Stage, "_contiguous", _no_guard), DROPS),
    "second gap is real": Mutant(
        "who looks back once and sees a gap again goes on", _replaced(Stage, "_contiguous", _second_gap_is_real), DROPS
    ),
    "nothing is missed": Mutant(
        "a dropped fetch with nothing behind it is waited for",
        _replaced(Stage, "_follow_reading", _nothing_missed),
        DROPS,
    ),
    "passes everything": Mutant(
        "the position goes along with reading, not with work", _replaced(Stage, "_follow_reading", _passes_everything)
    ),
    "reads the uncommitted": Mutant("aborted records count", _replaced(Partition, "visible", _uncommitted)),
    "states not read back": Mutant("a new owner begins with nothing", _replaced(Port, "read_states", _no_states)),
    "unsaved watermark": Mutant(
        "a new owner does not know the time", _replaced(UnitsLogProcessor, "load", _no_watermark)
    ),
    "unsaved lane": Mutant(
        "a new owner knows neither clock nor version of the directory", _replaced(EnrichProcessor, "load", _no_lane)
    ),
    "dropped mark": Mutant(
        "what changes about a post that is known is not saved", _replaced(Memory, "put", _changes_unsaved)
    ),
    "newest directory": Mutant(
        "decides under the newest directory, not the one in force", _replaced(DirectoryFollower, "at", _newest)
    ),
}
