"""One partition of an input in front of the enrich agent's core, and what comes out of it, told apart by topic.

In: records as connectors write them, ticks, versions; the directories of a brand with two stores. Out: emissions, and
the insights, refusals and unrouted posts among them. No Kafka: `Partition.feed` counts the offsets.
"""

from collections.abc import Sequence
from typing import Any

from pipeline.control import Shape
from pipeline.directory import Directory
from pipeline.emission import Emission, Incoming
from pipeline.enrich import Enricher
from pipeline.lane import Lane, Limits
from pipeline.saying import Listener
from pipeline.sentiment.vader import VaderScorer
from pipeline.text.pseudonym import Pseudonyms
from pipeline.understanding import Understanding
from schemas.assignment import Label
from schemas.codec import Codec, encode
from schemas.deadletter import DeadLetter
from schemas.event import Event
from schemas.insight import Insight
from schemas.post import Post
from schemas.text import StoredText
from schemas.tick import CONTROL_HEADER, CONTROL_TICK, CONTROL_VERSION, Tick, Version
from schemas.time import Millis, parse_time
from schemas.topics import INPUTS, Topics
from schemas.unit import Unit
from schemas.unrouted import Unrouted

NOON = parse_time("2026-03-02T12:00:00Z")
TOPICS = Topics()
SHAPE = Shape(inputs={TOPICS(name): 3 if name in ("posts", "feedback") else 1 for name in INPUTS}, events=4)
BRAND = Unit(id="acme", name="Acme", kind="brand", time_zone="UTC")
STORE = Unit(id="store-17", name="Elm", kind="store", parent="acme", time_zone="UTC", handles=("@elm",))
OTHER = Unit(id="store-18", name="Oak", kind="store", parent="acme", time_zone="UTC", handles=("@oak",))
DIRECTORIES = {0: Directory([], 0), 1: Directory([BRAND, STORE, OTHER], 1), 2: Directory([BRAND, STORE], 2)}

events: Codec[Event] = Codec(Event)
letters = Codec[DeadLetter](DeadLetter)
unrouted = Codec[Unrouted](Unrouted)
labels = Codec[Label](Label)
texts = Codec[StoredText](StoredText)


class Partition:
    """One input partition, fed record by record. With `units`, one version of the directory, which has these."""

    def __init__(self, name: str = "posts", version: int = 1, units: Sequence[Unit] = ()) -> None:
        self.topic = TOPICS(name)
        limits = Limits()
        understanding = Understanding(Listener(VaderScorer()), Pseudonyms(b"0123456789abcdef"))
        known = {version: Directory(units, version)} if units else DIRECTORIES
        self.enricher = Enricher(
            topics=TOPICS, shape=SHAPE, understanding=understanding, directories=known.__getitem__, limits=limits
        )
        self.lane = Lane(limits)
        self.offset = 0
        if version:
            self.control(CONTROL_VERSION, encode(Version(directory=version)))

    def feed(self, value: bytes | None, key: bytes = b"k", headers: Any = ()) -> list[Emission]:
        """What becomes of a value."""
        record = Incoming(self.topic, 1, self.offset, key, value, headers, NOON)
        self.offset += 1
        return self.enricher.step(self.lane, record)

    def control(self, kind: bytes, value: bytes) -> list[Emission]:
        """What becomes of a tick or a version."""
        return self.feed(value, CONTROL_HEADER.encode(), ((CONTROL_HEADER, kind),))

    def tick(self, time_ms: int) -> list[Emission]:
        """A tick of the stream clock."""
        return self.control(CONTROL_TICK, encode(Tick(event_time=Millis(time_ms), inputs={self.topic: 3})))

    def post(self, **fields: Any) -> list[Emission]:
        """What becomes of a post."""
        given = {"id": "p1", "network": "x", "text": "awful @elm", "event_time": NOON, **fields}
        return self.feed(encode(Post(**given)))


def insights(out: list[Emission]) -> list[Insight]:
    """The insights among emissions."""
    found = [events.decode(one.value) for one in out if one.topic == TOPICS("events")]
    return [event for event in found if isinstance(event, Insight)]


def refusals(out: list[Emission]) -> list[DeadLetter]:
    """The dead letters among emissions."""
    return [letters.decode(one.value) for one in out if one.topic == TOPICS("deadletter")]


def no_unit(out: list[Emission]) -> list[str]:
    """Why records found no unit."""
    return [unrouted.decode(one.value).reason for one in out if one.topic == TOPICS("unrouted")]
