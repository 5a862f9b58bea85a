"""History as a stream: records in order of event time, with the ticks of the data clock between them.

In: posts and feedback. Out: emissions for the input topics. The rule: a tick is written to the inputs in use, and to
no others, before the first record that is not earlier.
"""

from collections.abc import Iterable, Iterator

from pipeline.control import Shape, tick_records
from pipeline.emission import Emission
from schemas.codec import encode
from schemas.feedback import Feedback
from schemas.post import Post
from schemas.topics import Topics

Record = Post | Feedback


def in_order(records: Iterable[Record]) -> list[Record]:
    """By event time; at the same time as they came."""
    return sorted(records, key=lambda record: record.event_time)


def input_of(record: Record, topics: Topics) -> Emission:
    """A record for its input topic, keyed as the topic says."""
    if isinstance(record, Post):
        return Emission(topics("posts"), record.thread.encode(), encode(record))
    return Emission(topics("feedback"), record.id.encode(), encode(record))


def ticked(records: list[Record], topics: Topics, shape: Shape, tick_ms: int) -> Iterator[Emission]:
    """Records (in order) and ticks. The last tick is the end of the last record's place on the grid."""
    if not records:
        return
    end_ms = (records[-1].event_time // tick_ms + 1) * tick_ms
    used = {input_of(record, topics).topic for record in records}
    busy = Shape(inputs={topic: count for topic, count in shape.inputs.items() if topic in used}, events=0)
    last_ms = -1
    for record in records:
        tick_at = record.event_time // tick_ms * tick_ms
        if tick_at > last_ms:
            last_ms = tick_at
            yield from tick_records(busy, tick_at)
        yield input_of(record, topics)
    yield from tick_records(busy, end_ms)
