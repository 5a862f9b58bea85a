"""History becomes a stream: in order, with a tick before whatever is not earlier."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.control import Shape
from pipeline.emission import Emission
from pipeline.sources.timeline import Record, in_order, input_of, ticked
from schemas.codec import Codec, encode
from schemas.feedback import Feedback
from schemas.post import Post
from schemas.tick import CONTROL_HEADER, CONTROL_TICK, Tick
from schemas.time import Millis
from schemas.topics import INPUTS, Topics

TICK_MS = 10_000
START = 5_000_000 * TICK_MS
TOPICS = Topics()
POSTS, FEEDBACK = TOPICS("posts"), TOPICS("feedback")
SHAPE = Shape(inputs={TOPICS(name): 2 for name in INPUTS}, events=3)

ticks = Codec[Tick](Tick)


def post(after_ms: int, identity: str = "p", **fields: Any) -> Post:
    """A post so long after the start."""
    return Post(id=identity, network="x", event_time=Millis(START + after_ms), **fields)


def survey(after_ms: int, identity: str = "f") -> Feedback:
    """A survey so long after the start."""
    return Feedback(id=identity, channel="web", unit_id="store-17", event_time=Millis(START + after_ms))


def tick_of(emission: Emission) -> int | None:
    """Milliseconds after the start that a tick tells, None for a record."""
    if (CONTROL_HEADER, CONTROL_TICK) in emission.headers:
        return ticks.decode(emission.value).event_time - START
    assert emission.headers == ()
    return None


def story(records: list[Record], topic: str, partition: int = 0) -> list[int | bytes | None]:
    """What one partition reads: ticks as numbers, records as bytes (records go to their key's partition, so to all)."""
    read: list[int | bytes | None] = []
    for emission in ticked(records, TOPICS, SHAPE, TICK_MS):
        if emission.topic == topic and emission.partition in (None, partition):
            tick = tick_of(emission)
            read.append(emission.value if tick is None else tick)
    return read


def test_a_tick_stands_before_the_first_record_that_is_not_earlier() -> None:
    """On the grid, and after the last record one more, that closes its place."""
    early, just, late = post(3, "a"), post(TICK_MS, "b"), post(4 * TICK_MS + 5, "c")
    assert [0, encode(early), TICK_MS, encode(just), 4 * TICK_MS, encode(late), 5 * TICK_MS] == story(
        [early, just, late], POSTS
    )


def test_records_of_one_place_share_a_tick() -> None:
    """A tick is not repeated."""
    one, two = post(1, "a"), post(TICK_MS - 1, "b")
    assert [0, encode(one), encode(two), TICK_MS] == story([one, two], POSTS)


def test_all_partitions_of_the_inputs_in_use_tick_together() -> None:
    """Each partition of posts and feedback hears the same time; inputs that are not in use are left alone and are not
    waited for."""
    records: list[Record] = [post(1), survey(3 * TICK_MS)]
    by_partition: dict[tuple[str, int | None], list[int]] = {}
    for emission in ticked(records, TOPICS, SHAPE, TICK_MS):
        tick = tick_of(emission)
        if tick is not None:
            by_partition.setdefault((emission.topic, emission.partition), []).append(tick)
            assert {POSTS: 2, FEEDBACK: 2} == ticks.decode(emission.value).inputs
    assert {(topic, number): [0, 3 * TICK_MS, 4 * TICK_MS] for topic in (POSTS, FEEDBACK) for number in (0, 1)} == (
        by_partition
    )


def test_posts_alone_do_not_wait_for_feedback() -> None:
    """A file of posts only ticks posts only."""
    assert {POSTS} == {emission.topic for emission in ticked([post(1)], TOPICS, SHAPE, TICK_MS)}


def test_no_records_no_ticks() -> None:
    """An empty file says nothing about time."""
    assert [] == list(ticked([], TOPICS, SHAPE, TICK_MS))


def test_records_are_keyed_as_their_topics_say() -> None:
    """Posts by thread, feedback by id, with the bytes that a producer would send."""
    reply = post(0, "r", kind="reply", root_id="root", in_reply_to="p")
    assert Emission(POSTS, b"root", encode(reply)) == input_of(reply, TOPICS)
    assert Emission(POSTS, b"p", encode(post(0))) == input_of(post(0), TOPICS)
    assert Emission(FEEDBACK, b"f", encode(survey(0))) == input_of(survey(0), TOPICS)


def test_order_is_by_event_time_and_then_as_they_came() -> None:
    """A file with the newest first is turned round; equals keep their order."""
    first, second, third, fourth = post(1, "d"), post(5, "b"), survey(5, "a"), post(9, "c")
    assert [first, second, third, fourth] == in_order([fourth, second, third, first])


@given(
    after=st.lists(st.integers(0, 50 * TICK_MS), min_size=1, max_size=40), surveys=st.lists(st.booleans(), max_size=40)
)
def test_no_record_is_lost_and_none_is_late(after: list[int], surveys: list[bool]) -> None:
    """All records come once and in order; ticks rise; none is ahead of a record behind it; the last is ahead of all."""
    kinds = [*surveys, *[False] * len(after)]
    records = in_order(
        survey(time, f"f{number}") if kinds[number] else post(time, f"p{number}") for number, time in enumerate(after)
    )
    sent, told = [], -1
    for emission in ticked(records, TOPICS, SHAPE, TICK_MS):
        tick = tick_of(emission)
        if tick is None:
            sent.append(emission)
            assert told <= records[len(sent) - 1].event_time - START < told + TICK_MS
        else:
            assert told <= tick
            told = tick
    assert [input_of(record, TOPICS) for record in records] == sent
    assert all(before.event_time <= after.event_time for before, after in pairwise(records))
    assert told > records[-1].event_time - START
