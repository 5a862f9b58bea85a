"""A model of Kafka, as far as delivery depends on it: logs, transactions, fencing, a group with generations.

In: requests, which the world brings here after a while. Out: answers, or errors of Kafka. Everything here happens at
once and whole; that requests and answers take time, come late or get lost is the network's business (`world.py`).
"""

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import InvalidTxnState, ProducerFenced, UnknownMemberIdError

from agents.kafka.transport import Fenced
from tests.straight import Stored

REBALANCE_SHARE = 3.0
"""The group waits so many session time-outs for members to join again."""


class Record(NamedTuple):
    """`producer` of a transaction, None of a plain producer; a marker has no value and no key, and ends `producer`'s
    transaction."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    producer: int | None
    marker: bool = False


class Partition:
    """One log. `open`: producers with a transaction that is not ended, and where it begins here."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.open: dict[int, int] = {}
        self.aborted: set[int] = set()

    @property
    def stable(self) -> int:
        """Up to where it is decided what counts."""
        return min(self.open.values(), default=len(self.records))

    def visible(self, begin: int, count: int) -> tuple[list[tuple[int, Record]], int]:
        """Committed records from `begin` on, `count` at most, and where reading goes on."""
        found: list[tuple[int, Record]] = []
        offset = begin
        while offset < self.stable and len(found) < count:
            record = self.records[offset]
            if not record.marker and offset not in self.aborted:
                found.append((offset, record))
            offset += 1
        return found, offset


class Producer:
    """A transactional id: its epoch, what its open transaction has written, and the requests that it has seen."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.epoch = 0
        self.written: dict[TopicPartition, list[int]] = {}
        self.requests: set[tuple[int, int]] = set()


class Member:
    """A member of the group. `answer` is called with generation and partitions when it has been let in."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.joined = True
        self.answer: Callable[[int, set[TopicPartition]], None] | None = None


class Broker:
    """`partitions_of` gives the width of each topic; `consumed` are the partitions that the group shares out."""

    def __init__(self, partitions_of: dict[str, int], consumed: list[TopicPartition], session_seconds: float) -> None:
        self.widths = partitions_of
        self.logs: dict[TopicPartition, Partition] = defaultdict(Partition)
        self.committed: dict[TopicPartition, int] = {}
        self.generation = 0
        self.rebalances = 0
        self._consumed = consumed
        self._session_seconds = session_seconds
        self._producers: dict[str, Producer] = {}
        self._members: dict[str, Member] = {}
        self._assigned: dict[str, set[TopicPartition]] = {}
        self._rebalance_until: float | None = None

    # Writing

    def append(self, partition: TopicPartition, record: Record) -> int:
        """A plain producer's record."""
        self.logs[partition].records.append(record)
        return len(self.logs[partition].records) - 1

    def init_producer(self, transactional_id: str) -> int:
        """A new epoch; what the one before left open is aborted. The epoch."""
        producer = self._producers.setdefault(transactional_id, Producer(len(self._producers)))
        self._end(producer, commit=False)
        producer.epoch += 1
        return producer.epoch

    def produce(
        self, transactional_id: str, epoch: int, request: int, partition: TopicPartition, records: list[Record]
    ) -> None:
        """A batch of a transaction; said again (its answer was lost) it is not written again."""
        producer = self._known(transactional_id, epoch)
        if (epoch, request) in producer.requests:
            return
        producer.requests.add((epoch, request))
        log = self.logs[partition]
        log.open.setdefault(producer.number, len(log.records))
        offsets = producer.written.setdefault(partition, [])
        for record in records:
            offsets.append(len(log.records))
            log.records.append(record._replace(producer=producer.number))

    def end(self, transactional_id: str, epoch: int, request: int) -> None:
        """Commits; said again it has happened."""
        producer = self._known(transactional_id, epoch)
        if (epoch, request) not in producer.requests:
            producer.requests.add((epoch, request))
            self._end(producer, commit=True)

    def expire(self, transactional_id: str, epoch: int) -> None:
        """The transaction took too long: the broker aborts it, and refuses the writer."""
        producer = self._producers[transactional_id]
        if producer.epoch == epoch and producer.written:
            self._end(producer, commit=False)
            producer.epoch += 1

    def _known(self, transactional_id: str, epoch: int) -> Producer:
        producer = self._producers[transactional_id]
        if producer.epoch != epoch:
            raise ProducerFenced(f"{transactional_id}: epoch {epoch}, it is {producer.epoch} now")
        return producer

    def _end(self, producer: Producer, *, commit: bool) -> None:
        for partition, offsets in producer.written.items():
            log = self.logs[partition]
            if producer.number not in log.open:
                raise InvalidTxnState
            del log.open[producer.number]
            if not commit:
                log.aborted.update(offsets)
            log.records.append(Record(None, None, (), producer.number, marker=True))
        producer.written = {}

    # Reading

    def latest(self, partition: TopicPartition) -> dict[bytes, bytes]:
        """The latest committed value of each key."""
        found: dict[bytes, bytes] = {}
        for _, record in self.logs[partition].visible(0, 10**9)[0]:
            assert record.key is not None
            found.pop(record.key, None)
            if record.value is not None:
                found[record.key] = record.value
        return found

    def stored(self) -> list[Stored]:
        """All committed records."""
        return [
            Stored(where.topic, where.partition, offset, record.key, record.value, record.headers, 0)
            for where, log in sorted(self.logs.items())
            for offset, record in log.visible(0, 10**9)[0]
        ]

    def uncommitted(self) -> list[Stored]:
        """All records, whatever became of their transactions."""
        return [
            Stored(where.topic, where.partition, offset, record.key, record.value, record.headers, 0)
            for where, log in sorted(self.logs.items())
            for offset, record in enumerate(log.records)
            if not record.marker
        ]

    def left(self) -> int:
        """Records and markers before which the group has not yet committed."""
        return sum(len(self.logs[where].records) - self.committed.get(where, 0) for where in self._consumed)

    # The group

    def commit(self, member: str, generation: int, offsets: dict[TopicPartition, int]) -> None:
        """As a member of the generation, or Fenced."""
        assigned = self._assigned.get(member, set())
        if member not in self._members or generation != self.generation or not offsets.keys() <= assigned:
            raise Fenced(f"generation {generation} is over, it is {self.generation} now")
        self.committed.update(offsets)

    def heartbeat(self, member: str, generation: int, now: float) -> bool:
        """Whether all is well; if not, it has to join again. Raises UnknownMemberIdError."""
        self._expire_members(now)
        if member not in self._members:
            raise UnknownMemberIdError
        self._members[member].deadline = now + self._session_seconds
        return generation == self.generation and self._rebalance_until is None

    def join(self, member: str, now: float, answer: Callable[[int, set[TopicPartition]], None]) -> None:
        """Wants to be in; `answer` comes when all have joined, or those that have not are out."""
        self._expire_members(now)
        if self._rebalance_until is None:
            self._begin_rebalance(now)
        entry = self._members.setdefault(member, Member(0.0))
        entry.deadline, entry.joined, entry.answer = now + self._session_seconds, True, answer
        self._maybe_share_out(now)

    def leave(self, member: str, now: float) -> None:
        """Says good-bye."""
        if self._members.pop(member, None) is not None:
            self._begin_rebalance(now)
            self._maybe_share_out(now)

    def pass_time(self, now: float) -> None:
        """Members whose session has ended are out; a rebalance ends by its time limit."""
        self._expire_members(now)
        self._maybe_share_out(now)

    def _expire_members(self, now: float) -> None:
        waiting = {name for name, member in self._members.items() if member.answer is not None}
        gone = [name for name, member in self._members.items() if member.deadline < now and name not in waiting]
        for name in gone:
            del self._members[name]
        if gone:
            self._begin_rebalance(now)

    def _begin_rebalance(self, now: float) -> None:
        if self._rebalance_until is None:
            self._rebalance_until = now + REBALANCE_SHARE * self._session_seconds
            for member in self._members.values():
                member.joined = member.answer is not None

    def _maybe_share_out(self, now: float) -> None:
        if self._rebalance_until is None:
            return
        if now >= self._rebalance_until:
            for name in [name for name, member in self._members.items() if not member.joined]:
                del self._members[name]
        if not self._members or not all(member.joined for member in self._members.values()):
            return
        self._rebalance_until = None
        self.generation += 1
        self.rebalances += 1
        names = sorted(self._members)
        self._assigned = {name: set() for name in names}
        for number, partition in enumerate(self._consumed):
            self._assigned[names[(number + self.generation) % len(names)]].add(partition)
        for name in names:
            member = self._members[name]
            member.deadline = now + self._session_seconds
            answer, member.answer = member.answer, None
            if answer is not None:
                answer(self.generation, set(self._assigned[name]))
