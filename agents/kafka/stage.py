"""A stage: takes partitions over, works through their records, makes the work durable, gives partitions up.

In: batches of a generation. Out: emissions, states, offsets. The rules of delivery, in the order in which they matter:

- The writer of a partition's states is fenced before the states are read.
- A batch is taken only if it begins where the last one ended.
- A checkpoint is: outputs acknowledged, then states and position written, then the offset committed.
- Before partitions are given up: finish, checkpoint, commit. Whatever cannot be handled ends the process.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Any, Protocol

import msgspec
from aiokafka import TopicPartition

from agents.kafka.crash import die
from agents.kafka.outbox import Acknowledgement, Outbox
from agents.kafka.state import POSITION_KEY, TRIAL_KEY, Item, Position, StateWriter, read_states
from agents.kafka.transport import Batch, ConsumerThread, StartingPoint
from agents.kafka.trial import Trial
from agents.settings import Settings
from pipeline import metrics
from pipeline.emission import Emission
from schemas.topics import Topics

ACKNOWLEDGE_SECONDS_MAX = 30.0
COMMIT_SECONDS_MAX = 20.0
LOAD_SECONDS_MAX = 300.0


class Processor(Protocol):
    """What a stage does with one partition: pure, but for `prepare`."""

    def load(self, states: dict[bytes, bytes], data: bytes | None) -> None:
        """Takes in what was saved; `data` is None for a partition that nothing is known of."""
        ...

    async def prepare(self, records: list[Any]) -> None:
        """Gets what is needed to work on the records. May wait, bounded."""
        ...

    def process(self, records: list[Any]) -> list[Emission]:
        """Works on records, in order."""
        ...

    def refuse(self, record: Any, deaths: int) -> list[Emission]:
        """Puts a record aside that the process died of."""
        ...

    def save(self) -> list[Item]:
        """States changed since the last call."""
        ...

    def save_position(self) -> bytes:
        """What is kept beside the states."""
        ...


class StateLost(RuntimeError):
    """States that must be there are not: somebody deleted a topic."""


class Slot:
    """One partition in one generation."""

    def __init__(self, partition: TopicPartition, generation: int, processor: Processor, writer: StateWriter) -> None:
        self.partition = partition
        self.generation = generation
        self.processor = processor
        self.writer = writer
        self.ready = asyncio.Event()
        self.expected = -1
        self.position = -1
        self.saved_position = -1
        self.gap_seen: tuple[int, int] | None = None
        self.trial = Trial()
        self.trial_written = False
        self.unacknowledged: list[Acknowledgement] = []
        self.checkpoint: asyncio.Task[None] | None = None
        self.checkpointed_at = 0.0


class Stage:
    """`new_processor` makes what works on one partition; `thread` gives Faust's consumer thread."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        topics: Topics,
        inputs: Collection[str],
        outbox: Outbox,
        new_processor: Callable[[TopicPartition], Processor],
        thread: Callable[[], ConsumerThread],
    ) -> None:
        self.name = name
        self.inputs = tuple(inputs)
        self._settings = settings
        self._topics = topics
        self._outbox = outbox
        self._new_processor = new_processor
        self._thread = thread
        self._slots: dict[TopicPartition, Slot] = {}
        self._lock = asyncio.Lock()
        self._loading: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """All partitions that it owns have their states."""
        return all(slot.ready.is_set() for slot in self._slots.values())

    def owns(self, topic: str, partition: int) -> bool:
        """Whether it works on this partition now."""
        slot = self._slots.get(TopicPartition(topic, partition))
        return slot is not None and slot.ready.is_set()

    # Taking over

    def take_over(self, generation: int, partitions: Collection[TopicPartition]) -> None:
        """Partitions of a new generation. States are read in the background; batches wait for them."""
        if self._slots:
            die(f"{self.name}: new partitions while the old ones were not given up")
        for partition in partitions:
            if partition.topic in self.inputs:
                state = TopicPartition(self._topics.state(partition.topic), partition.partition)
                writer = StateWriter(self._settings, state)
                self._slots[partition] = Slot(partition, generation, self._new_processor(partition), writer)
        self._loading = asyncio.ensure_future(self._load(list(self._slots.values())))

    async def _load(self, slots: list[Slot]) -> None:
        try:
            started = time.monotonic()
            await asyncio.gather(*(slot.writer.start() for slot in slots))
            state_of = {
                slot.partition: TopicPartition(self._topics.state(slot.partition.topic), slot.partition.partition)
                for slot in slots
            }
            states = await read_states(self._settings, state_of.values())
            begin = await self._thread().starting_points(list(state_of), COMMIT_SECONDS_MAX) if slots else {}
            for slot in slots:
                self._load_slot(slot, states[state_of[slot.partition]], begin[slot.partition])
            metrics.RECOVERY_SECONDS.labels(self.name).observe(time.monotonic() - started)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            die(f"{self.name}: states could not be read back", error)

    def _load_slot(self, slot: Slot, states: dict[bytes, bytes], begin: StartingPoint) -> None:
        saved, trial = states.pop(POSITION_KEY, None), states.pop(TRIAL_KEY, None)
        position = msgspec.msgpack.decode(saved, type=Position) if saved is not None else None
        if position is None and begin.committed:
            name = self._topics.state(slot.partition.topic)
            raise StateLost(
                f"offset {begin.offset} of {slot.partition.topic}/{slot.partition.partition} is committed, but "
                f"{name} knows nothing of it: its states are lost; see `Clean start` in the runbook"
            )
        if position is not None and position.offset < begin.offset:
            metrics.GAPS.labels(self.name, "retention").inc()  # the records between are gone from the input
        slot.expected = slot.saved_position = begin.offset
        slot.position = max(begin.offset, position.offset) if position is not None else begin.offset
        slot.processor.load(states, position.data if position is not None else None)
        before = msgspec.msgpack.decode(trial, type=Trial) if trial is not None else Trial()
        slot.trial = before.after_restart(slot.position)
        metrics.RECOVERED_STATES.labels(self.name).inc(len(states))
        slot.checkpointed_at = time.monotonic()
        slot.ready.set()

    # Working

    async def handle(self, batch: Batch) -> None:
        """Works on a batch; ends the process on anything that it cannot handle."""
        try:
            slot = self._slots.get(batch.partition)
            if slot is None or slot.generation != batch.generation:
                return
            await asyncio.wait_for(slot.ready.wait(), LOAD_SECONDS_MAX)
            async with self._lock:
                if self._slots.get(batch.partition) is slot:
                    await self._work(slot, batch.records)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            die(f"{self.name}: {batch.partition.topic}/{batch.partition.partition}", error)

    async def _work(self, slot: Slot, records: list[Any]) -> None:
        records = self._contiguous(slot, records)
        if not records:
            return
        metrics.RECORDS_IN.labels(slot.partition.topic).inc(len(records))
        metrics.BATCH_RECORDS.labels(self.name).observe(len(records))
        await slot.processor.prepare(records)
        self._check_lease()
        if not slot.trial_written:
            slot.trial = slot.trial.begun(slot.position)
            await slot.writer.write([self._trial_item(slot)])
            slot.trial_written = True
        while records:
            if slot.trial.convicted:
                await self._refuse(slot, records.pop(0))
                continue
            share = slot.trial.records_max or len(records)
            await self._process(slot, records[:share])
            records = records[share:]
            if slot.trial.deaths:
                await self._checkpoint_now(slot, more=bool(records))
                slot.trial_written = bool(records)
        if time.monotonic() - slot.checkpointed_at >= self._settings.checkpoint_seconds:
            await self._begin_checkpoint(slot)

    def _contiguous(self, slot: Slot, records: list[Any]) -> list[Any]:
        """The records from where the last batch ended. At a gap it seeks back once; if what is fetched then begins at
        the same place, the records between are really not there (compaction, markers of transactions)."""
        first = records[0].offset
        if first > slot.expected:
            if slot.gap_seen is None or slot.gap_seen[0] != slot.expected:
                slot.gap_seen = (slot.expected, first)
                metrics.GAPS.labels(self.name, "seek").inc()
                self._thread().seek(slot.partition, slot.expected)
                return []
            if first > slot.gap_seen[1]:
                return []  # fetched before the seek
            metrics.GAPS.labels(self.name, "real").inc()
        slot.gap_seen = None
        begin = max(slot.expected, slot.position)
        slot.expected = max(slot.expected, records[-1].offset + 1)
        return records if first >= begin else [record for record in records if record.offset >= begin]

    async def _process(self, slot: Slot, records: list[Any]) -> None:
        started = time.monotonic()
        emissions = slot.processor.process(records)
        metrics.BATCH_SECONDS.labels(self.name).observe(time.monotonic() - started)
        await self._sent(slot, emissions, records[-1].offset)

    async def _refuse(self, slot: Slot, record: Any) -> None:
        await self._sent(slot, slot.processor.refuse(record, slot.trial.deaths), record.offset)
        await self._checkpoint_now(slot)

    async def _sent(self, slot: Slot, emissions: list[Emission], last_offset: int) -> None:
        slot.unacknowledged = [one for one in slot.unacknowledged if not one.done()]
        slot.unacknowledged += await self._outbox.send(emissions)
        slot.position = last_offset + 1

    def _check_lease(self) -> None:
        """Only makes a stale worker die sooner; what protects the states is the fence."""
        left = self._thread().lease_seconds()
        if left <= 0:
            die(f"{self.name}: no heartbeat was answered for too long ({-left:.1f} s past the lease)")

    # Making durable

    async def tick(self) -> None:
        """To be called a few times a second: checkpoints what is due and not being worked on."""
        if self._lock.locked():
            return
        async with self._lock:
            now = time.monotonic()
            for slot in list(self._slots.values()):
                self._show_lag(slot)
                age = now - slot.checkpointed_at
                due = slot.position > slot.saved_position and age >= self._settings.checkpoint_seconds
                if due and slot.ready.is_set() and (slot.checkpoint is None or slot.checkpoint.done()):
                    await self._begin_checkpoint(slot)

    def _show_lag(self, slot: Slot) -> None:
        end = self._thread().end_offset(slot.partition)
        if end is not None and slot.ready.is_set():
            labels = (slot.partition.topic, str(slot.partition.partition))
            metrics.LAG_RECORDS.labels(*labels).set(max(0, end - slot.position))

    async def _begin_checkpoint(self, slot: Slot, *, more: bool = True) -> None:
        """Takes what is to be saved now; the waiting goes on in the background, one checkpoint at a time."""
        if slot.checkpoint is not None:
            await slot.checkpoint
        slot.checkpointed_at = time.monotonic()
        if slot.position <= slot.saved_position:
            return
        slot.trial = slot.trial.after_success(slot.position, more=more)
        position = Position(offset=slot.position, data=slot.processor.save_position())
        items: list[Item] = [
            *slot.processor.save(), (POSITION_KEY, msgspec.msgpack.encode(position)), self._trial_item(slot)
        ]  # fmt: skip
        waiting, slot.unacknowledged = slot.unacknowledged, []
        slot.saved_position = slot.position
        slot.checkpoint = asyncio.ensure_future(self._save(slot, waiting, items, slot.position))

    async def _checkpoint_now(self, slot: Slot, *, more: bool = True) -> None:
        await self._begin_checkpoint(slot, more=more)
        if slot.checkpoint is not None:
            await slot.checkpoint

    async def _save(self, slot: Slot, waiting: list[Acknowledgement], items: list[Item], position: int) -> None:
        try:
            started = time.monotonic()
            if waiting:
                await asyncio.wait_for(asyncio.gather(*waiting), ACKNOWLEDGE_SECONDS_MAX)
            self._check_lease()
            await slot.writer.write(items)
            await self._thread().commit(slot.generation, {slot.partition: position}, COMMIT_SECONDS_MAX)
            metrics.CHECKPOINT_SECONDS.labels(self.name).observe(time.monotonic() - started)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            die(f"{self.name}: checkpoint of {slot.partition.topic}/{slot.partition.partition}", error)

    @staticmethod
    def _trial_item(slot: Slot) -> Item:
        return TRIAL_KEY, msgspec.msgpack.encode(slot.trial)

    # Giving up

    async def give_up(self) -> None:
        """Finishes the batch at hand, checkpoints, commits and forgets everything. To be bounded by the caller."""
        if self._loading is not None:
            self._loading.cancel()
        async with self._lock:
            slots = list(self._slots.values())
            loaded = [slot for slot in slots if slot.ready.is_set()]
            if any(slot.position > slot.saved_position for slot in loaded):
                self._check_lease()
            await asyncio.gather(*(self._checkpoint_now(slot, more=False) for slot in loaded))
            self._slots = {}
        await asyncio.gather(*(slot.writer.stop() for slot in slots), return_exceptions=True)
