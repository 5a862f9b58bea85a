"""What cannot be taken in: why, and the letter about it. In: a record, or the time that it claims. Out: nothing, or
Refused; a dead letter.

The one rule: nothing is lost. The letter says where the record came from, why it was refused, in a sentence that tells
what to do, and holds its bytes.
"""

from pipeline.emission import Emission, Incoming
from pipeline.lane import Lane, Limits
from schemas.codec import encode
from schemas.deadletter import DEAD_LETTER_BYTES_MAX, DeadLetter
from schemas.record import Source
from schemas.tick import CONTROL_HEADER
from schemas.time import DAY_MS, TIME_MS_MAX, Millis, format_time


class Refused(Exception):
    """Ends the work on a record whose content makes no sense; becomes a dead letter."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail


def check_time(lane: Lane, limits: Limits, event_time: int) -> None:
    """Raises Refused for what is too far from the stream clock, either way."""
    check_future(lane, limits, event_time)
    clock = lane.position.clock_ms
    if clock >= 0 and event_time < clock - limits.past_ms:
        raise Refused(
            "past",
            f"`event_time` {format_time(event_time)} is more than {limits.past_ms // DAY_MS} days behind the stream "
            f"clock {format_time(clock)}; to work through history set CEM_CLOCK=data",
        )


def check_future(lane: Lane, limits: Limits, event_time: int) -> None:
    """Raises Refused for what is too far ahead of the stream clock."""
    clock = lane.position.clock_ms
    if clock >= 0 and event_time > clock + limits.future_ms:
        raise Refused(
            "future",
            f"`event_time` {format_time(event_time)} is more than {limits.future_ms // 60_000} minutes ahead of the "
            f"stream clock {format_time(clock)}; check the sender's clock",
        )


def letter_of(record: Incoming, reason: str, detail: str, tries: int, topic: str) -> Emission:
    """The letter about a record, for the topic of dead letters."""
    source = source_of(record)
    value = record.value
    control = dict(record.headers).get(CONTROL_HEADER) if record.headers else None
    letter = DeadLetter(
        source=source,
        key=record.key[:1024] if record.key else record.key,
        control=None if control is None else control[:64].decode("utf-8", "replace"),
        reason=reason,
        detail=detail,
        bytes=None if value is None else value[:DEAD_LETTER_BYTES_MAX],
        bytes_total=len(value or b""),
        tries=tries,
        ingest_time=Millis(min(max(record.append_ms, 0), TIME_MS_MAX)),  # a producer may have set it to anything
    )
    return Emission(topic, f"{source.stream}/{source.offset}".encode(), encode(letter))


def source_of(record: Incoming, index: int = 0) -> Source:
    """Where a record came from. `index`: of several that were made of it."""
    return Source(topic=record.topic, partition=record.partition, offset=record.offset, index=index)
