"""Follows `cem.units` while running: the directory as of any version.

A version is an offset in `cem.units`: the directory as of N is what the records before N make. In: nothing but the
topic. Out: `at(N)`. The rule: who needs version N waits with `reach(N)`; nobody sees a directory that is newer than
the version in force for the record at hand.
"""

import asyncio
from collections import OrderedDict
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.kafka.client import aiokafka_options
from agents.kafka.crash import die
from agents.settings import Settings
from pipeline import metrics
from pipeline.directory import Directory
from schemas.codec import Codec, RecordError
from schemas.tick import CONTROL_HEADER
from schemas.topics import Topics
from schemas.unit import Unit

REACH_SECONDS_MAX = 60.0
SNAPSHOTS_MAX = 4

_codec = Codec[Unit](Unit)


class DirectoryFollower:
    """Keeps the records of `cem.units`, and the last few snapshots."""

    def __init__(self, settings: Settings, topics: Topics) -> None:
        self._settings = settings
        self._partition = TopicPartition(topics("units"), 0)
        self._records: list[tuple[int, str, Unit | None]] = []
        self._snapshots: OrderedDict[int, Directory] = OrderedDict()
        self._read_to = 0
        self._moved = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to read. Raises KafkaError if no broker answers."""
        consumer = AIOKafkaConsumer(
            **aiokafka_options(self._settings),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
        )
        await consumer.start()
        consumer.assign([self._partition])
        self._task = asyncio.ensure_future(self._follow(consumer))

    async def stop(self) -> None:
        """Stops reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _follow(self, consumer: Any) -> None:
        try:
            while True:
                fetched = await consumer.getmany(timeout_ms=500)
                for record in fetched.get(self._partition, []):
                    self.take(record)
                position = await consumer.position(self._partition)
                if position > self._read_to:
                    async with self._moved:
                        self._read_to = position
                        self._moved.notify_all()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            die("following the directory", error)
        finally:
            await consumer.stop()

    def take(self, record: Any) -> None:
        """One record of `cem.units`. What is no unit is left out here; the enrich agent dead-letters it."""
        if dict(record.headers).get(CONTROL_HEADER) is not None:
            return
        if record.value is None:
            self._records.append((record.offset, record.key.decode("utf-8", "replace"), None))
            return
        try:
            unit = _codec.decode(record.value)
        except RecordError:
            return
        if record.key == unit.id.encode():
            self._records.append((record.offset, unit.id, unit))

    async def reach(self, version: int) -> None:
        """Waits until everything before `version` is read. Raises TimeoutError."""
        if self._read_to >= version:
            return
        async with asyncio.timeout(REACH_SECONDS_MAX), self._moved:
            await self._moved.wait_for(lambda: self._read_to >= version)

    def newest(self) -> Directory:
        """The directory as far as it is read, for those who decide nothing that is ever decided again."""
        return self.at(self._records[-1][0] + 1 if self._records else 0)

    def at(self, version: int) -> Directory:
        """The directory as of `version`, which must have been reached."""
        found = self._snapshots.get(version)
        if found is not None:
            self._snapshots.move_to_end(version)
            return found
        if version > self._read_to:
            raise AssertionError(f"version {version} of the directory is not read yet, only {self._read_to}")
        units: dict[str, Unit] = {}
        for offset, unit_id, unit in self._records:
            if offset < version:
                units.pop(unit_id, None)
                if unit is not None:
                    units[unit_id] = unit
        self._snapshots[version] = directory = Directory(units.values(), version)
        if len(self._snapshots) > SNAPSHOTS_MAX:
            self._snapshots.popitem(last=False)
        metrics.UNITS.set(len(directory.units))
        return directory
