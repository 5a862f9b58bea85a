"""History as a stream: records in order of event time, with the ticks of the data clock between them.

In: posts and feedback. Out: emissions for the input topics. The rule: a tick is written to the inputs in use, and to
no others, before the first record that is not earlier.
"""

from collections.abc import Collection, Iterable, Iterator

from pipeline.control import Shape, tick_records
from pipeline.emission import Emission
from schemas.action import Action
from schemas.codec import encode
from schemas.feedback import Feedback
from schemas.post import Post
from schemas.topics import Topics

Record = Post | Feedback


class Grid:
    """The ticks of some inputs, as far as they were written. `at_ms`: the last one, -1 before the first."""

    def __init__(self, inputs: Collection[str], shape: Shape, tick_ms: int) -> None:
        counts = {topic: count for topic, count in shape.inputs.items() if topic in inputs}
        self._shape = Shape(inputs=counts, events=0)
        self._tick_ms = tick_ms
        self.at_ms = -1

    def until(self, time_ms: int) -> list[Emission]:
        """The tick of a time's place on the grid, if it was not written yet."""
        tick_at = time_ms // self._tick_ms * self._tick_ms
        if tick_at <= self.at_ms:
            return []
        self.at_ms = tick_at
        return tick_records(self._shape, tick_at)


def in_order(records: Iterable[Record]) -> list[Record]:
    """By event time; at the same time as they came."""
    return sorted(records, key=lambda record: record.event_time)


def input_of(record: Record | Action, topics: Topics) -> Emission:
    """A record for its input topic, keyed as the topic says."""
    if isinstance(record, Post):
        return Emission(topics("posts"), record.thread.encode(), encode(record))
    if isinstance(record, Action):
        return Emission(topics("actions"), record.unit_id.encode(), encode(record))
    return Emission(topics("feedback"), record.id.encode(), encode(record))


def ticked(records: list[Record], topics: Topics, shape: Shape, tick_ms: int) -> Iterator[Emission]:
    """Records (in order) and ticks. The last tick is the end of the last record's place on the grid."""
    if not records:
        return
    grid = Grid({input_of(record, topics).topic for record in records}, shape, tick_ms)
    for record in records:
        yield from grid.until(record.event_time)
        yield input_of(record, topics)
    yield from grid.until(records[-1].event_time + tick_ms)
