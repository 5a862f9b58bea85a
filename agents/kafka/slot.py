"""One partition in one generation of a stage: where its work stands, and what is not durable yet.

In: what was saved of the partition, and what is committed of its input. Out: the position at which work begins. The
rule: the saved position is what counts; a commit only follows it, so one without its states is a loss.
"""

import asyncio
import logging

import msgspec
from aiokafka import TopicPartition

from agents.kafka.interfaces import Processor, Writer
from agents.kafka.state import POSITION_KEY, TRIAL_KEY, Position
from agents.kafka.transaction import Item
from agents.kafka.transport import StartingPoint
from agents.kafka.trial import Trial
from pipeline import metrics
from pipeline.emission import Emission

log = logging.getLogger("cem.stage")


class StateLost(RuntimeError):
    """States that must be there are not: somebody deleted a topic."""


class Slot:
    """One partition in one generation. `expected`: where the next batch begins; `position`: the next record to be
    worked on; `durable`: the position of the last checkpoint; `committed`: that of the last commit; `waiting`: for what
    was read from `expected` on, and since when; `stalled`: where it stands while there is more, and since when."""

    def __init__(self, partition: TopicPartition, generation: int, processor: Processor, writer: Writer) -> None:
        self.partition = partition
        self.generation = generation
        self.processor = processor
        self.writer = writer
        self.ready = asyncio.Event()
        self.expected = self.position = self.durable = self.committed = -1
        self.waiting: tuple[int, float] | None = None
        self.stalled: tuple[int, float] | None = None
        self.trial = Trial()
        self.trial_written = False
        self.outputs: list[Emission] = []
        self.checkpoint: asyncio.Task[None] | None = None
        self.checkpointed_at = 0.0

    @property
    def checkpointing(self) -> bool:
        """Whether a checkpoint is under way."""
        return self.checkpoint is not None and not self.checkpoint.done()

    @property
    def trial_item(self) -> Item:
        """Its trial, to be saved with its states."""
        return TRIAL_KEY, msgspec.msgpack.encode(self.trial)

    def load(self, stage: str, state_topic: str, states: dict[bytes, bytes], begin: StartingPoint, now: float) -> None:
        """Takes in what was saved in `state_topic`; `begin` is where reading begins. Raises StateLost."""
        saved, trial = states.pop(POSITION_KEY, None), states.pop(TRIAL_KEY, None)
        position = msgspec.msgpack.decode(saved, type=Position) if saved is not None else None
        if begin.committed and (position is None or position.offset < begin.offset):
            known = "knows nothing of it" if position is None else f"goes up to {position.offset} only"
            raise StateLost(
                f"offset {begin.offset} of {self.partition.topic}/{self.partition.partition} is committed, but "
                f"{state_topic} {known}: its states are lost; see `Clean start` in the runbook"
            )
        if position is not None and position.offset < begin.offset:
            metrics.GAPS.labels(stage, "retention").inc()  # the records between are gone from the input
        self.expected = self.committed = begin.offset
        self.position = max(begin.offset, position.offset) if position is not None else begin.offset
        self.durable = self.position
        self.processor.load(states, position.data if position is not None else None)
        before = msgspec.msgpack.decode(trial, type=Trial) if trial is not None else Trial()
        self.trial = before.after_restart(self.position)
        metrics.RECOVERED_STATES.labels(stage).inc(len(states))
        self.checkpointed_at = now
        self.ready.set()
        where = {"topic": self.partition.topic, "partition": self.partition.partition, "offset": self.position}
        log.info("partition taken over", extra={"stage": stage, **where, "states": len(states)})
