"""What the enrich agent makes of a partition follows from its records, and can be read, whoever works on it and when.

A partition here is a drawn list of posts of a few people in a few threads, with ticks and versions between them.
"""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.control import Shape
from pipeline.directory import Directory
from pipeline.emission import Emission, Incoming
from pipeline.enrich import Enricher
from pipeline.lane import Lane, Limits
from pipeline.saying import Listener
from pipeline.sentiment.vader import VaderScorer
from pipeline.text.pseudonym import Pseudonyms
from pipeline.understanding import Understanding
from schemas.assignment import Assignment, Label
from schemas.codec import Codec, encode
from schemas.deadletter import DeadLetter
from schemas.event import Event, UnitSettings
from schemas.insight import Insight, Routing
from schemas.post import Author, Post
from schemas.record import Source
from schemas.text import StoredText
from schemas.tick import CONTROL_ASSIGNMENT, CONTROL_HEADER, CONTROL_TICK, CONTROL_VERSION, Tick, Version
from schemas.time import DAY_MS, HOUR_MS, Millis
from schemas.topics import INPUTS, Topics
from schemas.unit import Unit
from schemas.unrouted import Unrouted
from tests.strategies import feedback, posts

START_MS = 20_000 * DAY_MS
TOPICS = Topics()
SHAPE = Shape(inputs={TOPICS(name): 2 for name in INPUTS}, events=3)
BRAND = Unit(id="acme", name="Acme", kind="brand", time_zone="UTC")
STORES = tuple(
    Unit(id=f"store-{n}", name=f"Store {n}", kind="store", parent="acme", time_zone="UTC", handles=(f"@shop{n}",))
    for n in (1, 2, 3)
)
DIRECTORIES = [Directory([BRAND, *STORES[:count]], version) for version, count in enumerate((1, 3, 2))]
LIMITS = Limits(memory_ms=6 * HOUR_MS, memory_entries_max=5, future_ms=DAY_MS)
"""So small that things are forgotten in these tests."""
UNDERSTANDING = Understanding(Listener(VaderScorer()), Pseudonyms(b"a key of the tests"))

CODECS: dict[str, Codec[Any]] = {
    TOPICS("events"): Codec(Event), TOPICS("texts"): Codec(StoredText), TOPICS("unrouted"): Codec(Unrouted),
    TOPICS("deadletter"): Codec(DeadLetter), TOPICS("labels"): Codec(Label),
}  # fmt: skip

ids = st.sampled_from([f"p{number}" for number in range(7)])
people = st.sampled_from([("1", "ana"), ("2", "ben"), ("3", "shop1"), ("4", "Shop2")])
said = st.sampled_from(["awful @shop1", "lovely @shop2", "@shop1 @shop2 terrible", "so true", "", "@shop3 is closed"])
moments = st.integers(0, 20 * HOUR_MS).map(lambda after: Millis(START_MS + after))

drawn_posts = st.builds(
    lambda who, **fields: Post(network="x", author=Author(id=who[0], handle=who[1]), **fields),
    who=people,
    id=ids,
    kind=st.sampled_from(["post", "reply", "reply", "repost", "edit", "edit", "delete"]),
    text=said,
    in_reply_to=st.none() | ids,
    root_id=st.none() | ids,
    event_time=moments,
)
drawn_assignments = st.builds(
    lambda identity, unit_id, kind: Assignment(
        unit_id=unit_id,
        actor="maria",
        event_time=Millis(START_MS),
        unrouted=Unrouted(
            id=f"x:{identity}",
            reason="no_clue",
            insight=Insight(
                id=f"x:{identity}",
                kind=kind,
                unit_id="",
                channel="x",
                event_time=Millis(START_MS),
                routing=Routing(rule="none", confidence=0.0),
                source=Source(topic=TOPICS("posts"), partition=1, offset=0),
            ),
        ),
    ),
    identity=ids,
    unit_id=st.sampled_from(["store-1", "store-2", "nowhere"]),
    kind=st.sampled_from(["post", "reply", "delete"]),
)
records = st.lists(
    st.one_of(
        drawn_posts.map(lambda post: (encode(post), ())),
        drawn_posts.map(lambda post: (encode(post), ())),
        moments.map(lambda time: (encode(Tick(event_time=time)), ((CONTROL_HEADER, CONTROL_TICK),))),
        st.integers(0, 2).map(lambda n: (encode(Version(directory=n)), ((CONTROL_HEADER, CONTROL_VERSION),))),
        drawn_assignments.map(lambda one: (encode(one), ((CONTROL_HEADER, CONTROL_ASSIGNMENT),))),
        st.binary(max_size=8).map(lambda value: (value, ())),
    ),
    min_size=10,
    max_size=60,
)


def _enricher() -> Enricher:
    return Enricher(
        topics=TOPICS, shape=SHAPE, understanding=UNDERSTANDING, directories=DIRECTORIES.__getitem__, limits=LIMITS
    )


def _incoming(offset: int, value: bytes, headers: Any, topic: str = "posts") -> Incoming:
    return Incoming(TOPICS(topic), 1, offset, b"k", value, headers, START_MS)


def _decoded(out: list[Emission]) -> list[Any]:
    """What was emitted, read as its consumers read it. None for a tombstone."""
    read = []
    for one in out:
        assert one.value is not None or one.topic in (TOPICS("texts"), TOPICS("unrouted"))
        read.append(None if one.value is None else CODECS[one.topic].decode(one.value))
    return read


def _without_announcements(out: list[Emission]) -> list[Emission]:
    return [one for one, event in zip(out, _decoded(out), strict=True) if not isinstance(event, UnitSettings)]


def _wrote(identity: str, who: tuple[str, str] = ("1", "ana"), **fields: Any) -> tuple[bytes, Any]:
    author = Author(id=who[0], handle=who[1])
    return encode(Post(id=identity, network="x", author=author, event_time=Millis(START_MS), **fields)), ()


SHOP = ("3", "shop1")
VERSION_1 = (encode(Version(directory=1)), ((CONTROL_HEADER, CONTROL_VERSION),))
TWO_ANSWERS = [VERSION_1, _wrote("p0"), *(_wrote(f"p{n}", SHOP, kind="reply", in_reply_to="p0") for n in (1, 2))]
OWN_EDIT = [
    VERSION_1, _wrote("p0", SHOP), *(_wrote(f"p{n}") for n in (1, 2, 3, 4)), _wrote("p0", SHOP, kind="edit"),
    _wrote("p5"), _wrote("p1"),
]  # fmt: skip
"""What is oldest stays oldest when it is edited, so that `p5` pushes out the same post for everybody."""


@settings(max_examples=200, deadline=None)
@example(partition=TWO_ANSWERS, cuts={2, 3})
@example(partition=OWN_EDIT, cuts={7})
@given(partition=records, cuts=st.sets(st.integers(0, 60), max_size=40))
def test_a_hand_over_changes_no_decision(partition: list[tuple[bytes, Any]], cuts: set[int]) -> None:
    """What is saved of a lane at any point is all that it needs: who takes over decides as who gave up would have. Only
    settings may be announced again."""
    enricher, straight, lane = _enricher(), Lane(LIMITS), Lane(LIMITS)
    saved: dict[bytes, bytes] = {}
    for offset, (value, headers) in enumerate(partition):
        if offset in cuts:
            for key, memo in lane.memory.take_dirty():
                if memo is None:
                    saved.pop(key, None)
                else:
                    saved[key] = memo
            position, lane = lane.save_position(), Lane(LIMITS)
            lane.memory.load([(key.decode(), memo) for key, memo in sorted(saved.items())])
            lane.load_position(position)
        record = _incoming(offset, value, headers)
        expected, came = enricher.step(straight, record), enricher.step(lane, record)
        assert _without_announcements(expected) == _without_announcements(came)
        assert len(expected) <= len(came)
    assert straight.save_position() == lane.save_position()


@settings(max_examples=200, deadline=None)
@given(partition=records)
def test_nothing_vanishes_and_places_are_unique(partition: list[tuple[bytes, Any]]) -> None:
    """Each record of a partition is counted once; what comes of it in the log can be told apart by its place; no unit
    gets an insight before its settings; memory stays within its bound."""
    enricher, lane = _enricher(), Lane(LIMITS)
    told: set[str] = set()
    for offset, (value, headers) in enumerate(partition):
        enricher.outcomes.clear()
        out = enricher.step(lane, _incoming(offset, value, headers))
        assert headers or enricher.outcomes, "what is no control record has become something"
        places = []
        for event in _decoded(out):
            if isinstance(event, UnitSettings):
                told.add(event.unit_id)
                assert 0 == event.source.index
            elif isinstance(event, Insight):
                assert event.unit_id in told
                places.append(event.source.index)
                assert (TOPICS("posts"), 1, offset) == (event.source.topic, event.source.partition, event.source.offset)
        assert list(range(1, len(places) + 1)) == places
        assert len(lane.memory) <= LIMITS.memory_entries_max


@settings(max_examples=200, deadline=None)
@given(post=posts(), survey=feedback())
def test_whatever_the_contract_allows_is_readable_behind_the_agent(post: Post, survey: Any) -> None:
    """Any valid record becomes records that their consumers can read, in the topics that are named for them."""
    enricher = _enricher()
    for record, topic in ((post, "posts"), (survey, "feedback")):
        lane = Lane(LIMITS)
        lane.position.version = 1
        out = enricher.step(lane, _incoming(0, encode(record), (), topic))
        assert out
        assert {one.topic for one in out} <= CODECS.keys()
        _decoded(out)


@settings(max_examples=100, deadline=None)
@given(partition=records)
def test_a_deleted_post_leaves_no_text(partition: list[tuple[bytes, Any]]) -> None:
    """Once a delete was read, the text of that post is gone and does not come back while the delete is remembered."""
    enricher, lane = _enricher(), Lane(LIMITS)
    texts: dict[bytes | None, bytes | None] = {}
    for offset, (value, headers) in enumerate(partition):
        for one in enricher.step(lane, _incoming(offset, value, headers)):
            if one.topic == TOPICS("texts"):
                texts[one.key] = one.value
        for number in range(7):
            memo = lane.memory.get(f"x:p{number}")
            assert memo is None or not memo.deleted or texts.get(f"x:p{number}".encode()) is None
