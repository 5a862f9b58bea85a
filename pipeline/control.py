"""Control records: time and versions, written between the records of every input.

In: a time or a version, and how many partitions there are. Out: one record for each partition.
"""

import msgspec

from pipeline.emission import Emission
from schemas.codec import encode
from schemas.tick import CONTROL_HEADER, CONTROL_TICK, CONTROL_VERSION, Tick, Version
from schemas.time import Millis


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How many partitions each input has, and the log."""

    inputs: dict[str, int]
    events: int


def version_records(shape: Shape, version: Version, but: str = "") -> list[Emission]:
    """`version` for every partition of every input `but` one."""
    value = encode(version)
    return [
        _control_record(topic, partition, CONTROL_VERSION, value)
        for topic, partition in _partitions(shape)
        if topic != but
    ]


def tick_records(shape: Shape, time_ms: int) -> list[Emission]:
    """A tick for every partition of every input."""
    value = encode(Tick(event_time=Millis(time_ms), inputs=shape.inputs))
    return [_control_record(topic, partition, CONTROL_TICK, value) for topic, partition in _partitions(shape)]


def _partitions(shape: Shape) -> list[tuple[str, int]]:
    return [(topic, partition) for topic, count in shape.inputs.items() for partition in range(count)]


def _control_record(topic: str, partition: int, control: bytes, value: bytes) -> Emission:
    """With a key, because a compacted topic takes no record without."""
    return Emission(topic, CONTROL_HEADER.encode(), value, partition, ((CONTROL_HEADER, control),))
