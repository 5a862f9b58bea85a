"""A run of the service as the checker sees it: what was sent, what is stored, and what each record is called.

In: records sent and records stored, as plain tuples; it knows nothing of Kafka, so that a simulation can use it too.
Out: the records of a topic, by name and content, and the straight run that they are held against. A record has one
name for ever, whoever wrote it how often.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from schemas.codec import RecordError
from tests.straight import (
    Parts,
    Stored,
    StraightRun,
    alerts,
    by_topic,
    cases,
    events,
    labels,
    letters,
    name_of_event,
    name_of_output,
    name_of_source,
    rollups,
    unrouted,
)


class Sent(NamedTuple):
    """A record as it was sent. Of one that was not acknowledged nobody knows whether it is there."""

    topic: str
    key: bytes | None
    value: bytes | None
    acknowledged: bool = True


class Run:
    """What was sent and what is stored. `uncommitted`: what a reader of uncommitted records saw of the alerts."""

    def __init__(
        self, parts: Parts, sent: Iterable[Sent], stored: Iterable[Stored], uncommitted: Iterable[Stored] = ()
    ) -> None:
        self.parts = parts
        self.sent = list(sent)
        self.stored = by_topic(stored)
        self.uncommitted = by_topic(uncommitted)

    def of(self, name: str) -> list[Stored]:
        """Records of a topic, by its short name."""
        return self.stored.get(self.parts.topics(name), [])

    @cached_property
    def straight(self) -> StraightRun:
        """What must have come out."""
        return StraightRun(self.parts, self.stored)

    @cached_property
    def named(self) -> dict[str, dict[str, Counter[bytes]]]:
        """What came out, by topic, name and content."""
        return {name: contents_of(with_names(name, self.of(name))) for name in _NAMERS}


_NAMERS: dict[str, Callable[[Stored], str | None]] = {
    "events": lambda record: name_of_event(events.decode(record.value), record.partition),
    "unrouted": lambda record: name_of_source(unrouted.decode(record.value).insight.source),
    "labels": lambda record: name_of_source(labels.decode(record.value).source),
    "deadletter": lambda record: name_of_source(letters.decode(record.value).source),
    "alerts": lambda record: name_of_output(alerts.decode(record.value)),
    "cases": lambda record: name_of_output(cases.decode(record.value)),
    "rollup": lambda record: name_of_output(rollups.decode(record.value)),
}
"""What names a record of a topic; None: it is not compared by name."""


def with_names(name: str, records: Iterable[Stored]) -> Iterator[tuple[str, Stored]]:
    """Records that have a name, in order. One that cannot be read is named by where it is."""
    for record in records:
        try:
            found = _NAMERS[name](record)
        except RecordError:
            continue  # the log's own dead letters are expected of it
        if found is not None:
            yield found, record


def contents_of(named: Iterable[tuple[str, Stored]]) -> dict[str, Counter[bytes]]:
    """How often each name has which content."""
    found: dict[str, Counter[bytes]] = defaultdict(Counter)
    for name, record in named:
        found[name][record.value or b""] += 1
    return found
