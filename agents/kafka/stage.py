"""A stage: takes partitions over, works through their records, makes the work durable, gives partitions up.

In: batches of a generation. Out: checkpoints. The rules of delivery, in the order in which they matter:

- The writer of a partition is fenced before its states are read.
- A batch is taken only if it begins where the last one ended.
- A checkpoint is one transaction: the outputs, the changed states, and the position in the input that they stand for.
  The offset committed to the group after it is a mark for people and for whoever starts next; the position is what
  counts.
- Before partitions are given up: finish, checkpoint, commit. Whatever cannot be handled ends the process.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from agents.kafka.crash import die
from agents.kafka.interfaces import Kafka, Processor
from agents.kafka.slot import Slot
from agents.kafka.state import POSITION_KEY, Position
from agents.kafka.transaction import Item
from agents.kafka.transport import Batch
from agents.logs.outputs import Outputs
from agents.settings import Settings
from pipeline import metrics
from pipeline.emission import Emission
from schemas.topics import Topics

COMMIT_SECONDS_MAX = 20.0
LOAD_SECONDS_MAX = 300.0
LAG_SECONDS_MAX = 10.0
STALL_SECONDS_MAX = 60.0
MISSING_SECONDS_MAX = 3.0
"""What was read must have arrived by then while nothing else is worked on."""
OUTPUTS_MAX = 20_000
"""So many records of a partition wait for their transaction at most; then the work waits."""
SLICE_RECORDS = 20
"""So many are worked on between two looks at the clock."""
TURN_SECONDS = 0.004
"""How long work holds the event loop. A transaction takes some twenty turns of it, and a fetch some more."""


log = logging.getLogger("cem.stage")


class Stage:
    """`new_processor` makes what works on one partition."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        topics: Topics,
        inputs: Collection[str],
        kafka: Kafka,
        new_processor: Callable[[TopicPartition], Processor],
    ) -> None:
        self.name = name
        self.inputs = tuple(inputs)
        self._settings = settings
        self._topics = topics
        self._kafka = kafka
        self._new_processor = new_processor
        self._said = Outputs(topics)
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

    def emit(self, topic: str, partition: int, emissions: Iterable[Emission]) -> None:
        """Sends records that come of no record, as the owner of this partition; with its next checkpoint."""
        self._slots[TopicPartition(topic, partition)].outputs.extend(emissions)

    # Taking over

    def take_over(self, generation: int, partitions: Collection[TopicPartition]) -> None:
        """Partitions of a new generation. States are read in the background; batches wait for them."""
        if self._slots:
            die(f"{self.name}: new partitions while the old ones were not given up")
        for partition in partitions:
            if partition.topic in self.inputs:
                writer = self._kafka.writer(self._state_of(partition))
                self._slots[partition] = Slot(partition, generation, self._new_processor(partition), writer)
        self._loading = asyncio.ensure_future(self._load(list(self._slots.values())))

    def _state_of(self, partition: TopicPartition) -> TopicPartition:
        return TopicPartition(self._topics.state(partition.topic), partition.partition)

    async def _load(self, slots: list[Slot]) -> None:
        try:
            started = _now()
            await asyncio.gather(*(slot.writer.start() for slot in slots))
            partitions = [slot.partition for slot in slots]
            states = await self._kafka.read_states([self._state_of(partition) for partition in partitions])
            begin = await self._kafka.starting_points(partitions, COMMIT_SECONDS_MAX) if slots else {}
            for slot in slots:
                state = self._state_of(slot.partition)
                slot.load(self.name, state.topic, states[state], begin[slot.partition], _now())
            metrics.RECOVERY_SECONDS.labels(self.name).observe(_now() - started)
        except BaseException as error:
            if is_cancelled(error):
                raise
            die(f"{self.name}: states could not be read back", error)

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
                    await self._work(slot, batch)
        except BaseException as error:
            if is_cancelled(error):
                raise
            die(f"{self.name}: {batch.partition.topic}/{batch.partition.partition}", error)

    async def _work(self, slot: Slot, batch: Batch) -> None:
        """All awaits see what a checkpoint may take: position, outputs and states of the same records. What is expected
        next moves at the end only: where this ends in between, the rest of the batch is a gap, and is read again."""
        records = await self._contiguous(slot, batch)
        if records is None:
            return
        if records:
            metrics.RECORDS_IN.labels(slot.partition.topic).inc(len(records))
            metrics.BATCH_RECORDS.labels(self.name).observe(len(records))
            await slot.processor.prepare(records)
            self._check_lease()
            if not slot.trial_written:
                await self._begin_trial(slot)
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
        slot.expected = max(slot.expected, batch.end)
        slot.position = max(slot.position, slot.expected)
        await self._checkpoint_what_is_due(slot)

    async def _contiguous(self, slot: Slot, batch: Batch) -> list[Any] | None:
        """The records from where the last batch ended. None at a gap: it seeks back, as far as the records before the
        batch are still there."""
        if batch.begin > slot.expected:
            first = await self._kafka.first_offset(slot.partition, COMMIT_SECONDS_MAX)
            if first > slot.expected:
                metrics.GAPS.labels(self.name, "retention").inc()
                slot.expected = min(first, batch.begin)
            if batch.begin > slot.expected:
                metrics.GAPS.labels(self.name, "seek").inc()
                self._kafka.seek(slot.partition, slot.expected)
                return None
        begin = max(slot.expected, slot.position)
        records = batch.records
        return records if records[0].offset >= begin else [record for record in records if record.offset >= begin]

    async def _begin_trial(self, slot: Slot) -> None:
        """Says durably that work begins, where the next owner would begin as well."""
        if slot.checkpoint is not None:
            await slot.checkpoint
        slot.trial = slot.trial.begun(slot.durable)
        await slot.writer.write((), (slot.trial_item,))
        slot.trial_written = True

    async def _process(self, slot: Slot, records: list[Any]) -> None:
        """Works on records, a slice at a time, and lets others have the event loop now and then: transactions and
        fetches go on meanwhile, and what is due is made durable. Under suspicion that is for the caller to do."""
        begun = turned = _now()
        size = len(records) if slot.processor.whole_batches else SLICE_RECORDS
        for at in range(0, len(records), size):
            some = records[at : at + size]
            slot.outputs += slot.processor.process(some)
            slot.position = some[-1].offset + 1
            if (now := _now()) - turned >= TURN_SECONDS:
                if not slot.trial.deaths:
                    await self._checkpoint_what_is_due(slot)
                await asyncio.sleep(0)
                turned = _now()
        metrics.BATCH_SECONDS.labels(self.name).observe(now - begun)

    async def _refuse(self, slot: Slot, record: Any) -> None:
        slot.outputs += slot.processor.refuse(record, slot.trial.deaths)
        slot.position = record.offset + 1
        await self._checkpoint_now(slot)

    def _check_lease(self) -> None:
        """Only makes a stale worker die sooner; what protects the log and the states is the fence."""
        left = self._kafka.lease_seconds()
        if left <= 0:
            die(f"{self.name}: no heartbeat was answered for too long ({-left:.1f} s past the lease)")

    # Making durable

    async def _checkpoint_what_is_due(self, slot: Slot) -> None:
        if len(slot.outputs) > OUTPUTS_MAX or (self._due(slot) and not slot.checkpointing):
            await self._begin_checkpoint(slot)

    async def tick(self) -> None:
        """To be called many times a second: checkpoints what is due and not being worked on."""
        if self._lock.locked():
            return
        async with self._lock:
            for slot in list(self._slots.values()):
                if slot.ready.is_set():
                    self._follow_reading(slot)
                    if self._due(slot) and not slot.checkpointing:
                        await self._begin_checkpoint(slot)

    def _due(self, slot: Slot) -> bool:
        """Outputs wait for `output_seconds`, states and positions for `checkpoint_seconds`."""
        age = _now() - slot.checkpointed_at
        if slot.outputs:
            return age >= self._settings.output_seconds
        return slot.position > slot.committed and age >= self._settings.checkpoint_seconds

    def _follow_reading(self, slot: Slot) -> None:
        """Where all that was read is worked on, and reading has gone on without finding a record, the position goes
        along: else a partition that ends with the marker of a transaction would never be done. Where something was
        read and does not arrive, and nothing comes behind it that would show the gap, it is read again."""
        reading, now = self._kafka.reading(slot.partition), _now()
        if reading is None or reading.handed_on <= slot.expected:
            slot.waiting = None
            if reading is not None and reading.handed_on == slot.expected < reading.position:
                slot.expected = reading.position
                slot.position = max(slot.position, reading.position)
        elif slot.waiting is None or slot.waiting[0] != slot.expected:
            slot.waiting = (slot.expected, now)
        elif now - slot.waiting[1] > MISSING_SECONDS_MAX:
            slot.waiting = None
            metrics.GAPS.labels(self.name, "seek").inc()
            self._kafka.seek(slot.partition, slot.expected)

    def publish(self) -> None:
        """How it stands -> metrics."""
        now, slots = _now(), self._slots.values()
        unsaved = [
            now - slot.checkpointed_at for slot in slots if slot.ready.is_set() and slot.position > slot.committed
        ]
        metrics.PARTITIONS.labels(self.name).set(len(slots))
        metrics.RECOVERING_PARTITIONS.labels(self.name).set(sum(not slot.ready.is_set() for slot in slots))
        metrics.UNSAVED_SECONDS.labels(self.name).set(max(unsaved, default=0.0))
        metrics.CHECKPOINT_FAILURES.labels(self.name).set(max((slot.trial.deaths for slot in slots), default=0))

    async def measure_lag(self) -> None:
        """Asks the broker how far the partitions go: what was fetched tells nothing of what waits behind it. Where no
        answer comes the gauges keep their values; that Kafka is away is told elsewhere."""
        slots = {slot.partition: slot for slot in self._slots.values() if slot.ready.is_set()}
        ends: Mapping[TopicPartition, int] = {}
        try:
            ends = await self._kafka.end_offsets(slots, LAG_SECONDS_MAX) if slots else {}
        except (KafkaError, ConsumerStoppedError, TimeoutError):
            return
        except BaseException as error:
            if is_cancelled(error):
                raise
            die(f"{self.name}: lag", error)
        for partition, end in ends.items():
            slot = slots[partition]
            if self._slots.get(partition) is slot:
                self._look_for_stall(slot, end)
                labels = (partition.topic, str(partition.partition))
                metrics.LAG_RECORDS.labels(*labels).set(max(0, end - slot.position))

    def _look_for_stall(self, slot: Slot, end: int) -> None:
        """A partition of ours that has records, and none of them arrives while nothing is worked on: Faust or aiokafka
        have lost it. The next start gets it back."""
        now = _now()
        if end <= slot.position or slot.stalled is None or slot.stalled[0] != slot.position or self._lock.locked():
            slot.stalled = (slot.position, now)
        elif now - slot.stalled[1] > STALL_SECONDS_MAX:
            where = f"{slot.partition.topic}/{slot.partition.partition}"
            die(f"{self.name}: {end - slot.position} records of {where} wait and do not arrive")

    async def _begin_checkpoint(self, slot: Slot, *, more: bool = True) -> None:
        """Takes what is to be saved now; the writing goes on in the background, one checkpoint at a time."""
        if slot.checkpoint is not None:
            await slot.checkpoint
        slot.checkpointed_at = _now()
        if slot.position <= slot.committed and not slot.outputs:
            return
        slot.trial = slot.trial.after_success(slot.position, more=more)
        position = Position(offset=slot.position, data=slot.processor.save_position())
        states: list[Item] = [
            *slot.processor.save(), (POSITION_KEY, msgspec.msgpack.encode(position)), slot.trial_item
        ]  # fmt: skip
        outputs, slot.outputs = slot.outputs, []
        slot.checkpoint = asyncio.ensure_future(self._save(slot, outputs, states, slot.position))

    async def _checkpoint_now(self, slot: Slot, *, more: bool = True) -> None:
        await self._begin_checkpoint(slot, more=more)
        if slot.checkpoint is not None:
            await slot.checkpoint

    async def _save(self, slot: Slot, outputs: list[Emission], states: list[Item], position: int) -> None:
        try:
            started = _now()
            self._check_lease()
            await slot.writer.write(outputs, states)
            slot.durable = position
            await self._kafka.commit(slot.generation, {slot.partition: position}, COMMIT_SECONDS_MAX)
            slot.committed = position
            metrics.CHECKPOINT_SECONDS.labels(self.name).observe(_now() - started)
            self._count(outputs)
        except BaseException as error:
            if is_cancelled(error):
                raise
            die(f"{self.name}: checkpoint of {slot.partition.topic}/{slot.partition.partition}", error)

    def _count(self, outputs: list[Emission]) -> None:
        units = self._topics.unit_alerts("")
        for topic, count in Counter(emission.topic for emission in outputs).items():
            metrics.RECORDS_OUT.labels("unit" if topic.startswith(units) else topic).inc(count)
        self._said.tell(outputs)

    # Giving up

    async def give_up(self) -> None:
        """Finishes the batch at hand, checkpoints, commits and forgets everything. To be bounded by the caller."""
        if self._loading is not None:
            self._loading.cancel()
        log.info("giving up all partitions", extra={"stage": self.name, "partitions": len(self._slots)})
        async with self._lock:
            slots = list(self._slots.values())
            loaded = [slot for slot in slots if slot.ready.is_set()]
            if any(slot.position > slot.committed for slot in loaded):
                self._check_lease()
            await asyncio.gather(*(self._checkpoint_now(slot, more=False) for slot in loaded))
            self._slots = {}
        await asyncio.gather(*(slot.writer.stop() for slot in slots), return_exceptions=True)


def _now() -> float:
    """The loop's own clock, in seconds: the simulation has one of its own."""
    return asyncio.get_running_loop().time()


def is_cancelled(error: BaseException) -> bool:
    """Whether somebody has cancelled this very task. A cancellation that comes out of something that it waited for is
    an error like any other: passed on, it would end the task in silence."""
    if not isinstance(error, asyncio.CancelledError):
        return False
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
