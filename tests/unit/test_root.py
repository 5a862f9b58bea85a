"""What the enrich agent tells of the post that is passed on, and what becomes of counters that are polled."""

from typing import Any

import msgspec
import pytest

from pipeline.memory import Memo
from schemas.insight import Insight, Root
from schemas.post import Author, Metrics
from schemas.time import HOUR_MS, Millis
from tests.input_partition import NOON, TOPICS, Partition, insights, no_unit, refusals

LATER = Millis(NOON + HOUR_MS)
AUTHOR = Author(id="7", handle="ana", followers=1200)


def passed_on(partition: Partition, **fields: Any) -> Insight:
    """The insight of a repost of p1."""
    repost = {"id": "r1", "kind": "repost", "text": "", "event_time": LATER, "author": Author(id="8", followers=30)}
    (insight,) = insights(partition.post(**{**repost, "root_id": "p1", "in_reply_to": "p1", **fields}))
    return insight


def told(insight: Insight) -> Root | None:
    """What it tells of its root, but for what that is about."""
    return insight.root and msgspec.structs.replace(insight.root, main=None)


def polled(partition: Partition, **fields: Any) -> list[Any]:
    """What becomes of p1 with a counter, as a connector that polls sends it."""
    return partition.post(**{"kind": "edit", "text": "", "event_time": LATER, "metrics": Metrics(reposts=40), **fields})


@pytest.mark.parametrize(
    ("text", "label"), [("awful food, never again @elm", "negative"), ("lovely food @elm", "positive")]
)
def test_a_repost_tells_of_its_root(text: str, label: Any) -> None:
    """When it was written, how it was meant, who could read it; its own followers are the resharer's."""
    partition = Partition()
    partition.post(text=text, author=AUTHOR)
    insight = passed_on(partition)
    assert Root(event_time=NOON, label=label, followers=1200) == told(insight)
    assert ("x:p1", 30) == (insight.thread, insight.reach.followers)


def test_a_repost_of_a_reply_names_the_reply() -> None:
    """What spreads is the reply, not the post that it replies to; a repost of a repost is one of what that repeats."""
    partition = Partition()
    partition.post(text="lovely @elm")
    partition.post(id="p2", kind="reply", text="awful food, never again", root_id="p1", in_reply_to="p1")
    assert told(passed_on(partition, in_reply_to="p2")) == Root(event_time=NOON, post="x:p2", label="negative")
    passed_on(partition, id="rude", text="awful food, never again")
    again = passed_on(partition, id="r2", in_reply_to="rude")
    assert again.root == Root(event_time=NOON, label="positive")
    bare = passed_on(partition, id="r3", root_id=None, in_reply_to="p2")
    assert told(bare) == Root(event_time=NOON, post="x:p2", label="negative")


def test_what_is_not_known_is_not_told() -> None:
    """Nothing of a root that was never seen, was deleted, or is in a language that is not covered; the company's own
    posts are no complaints."""
    assert passed_on(Partition(), unit_hint="store-17").root is None
    for texts in (("awful @elm", None), ("Das Essen war kalt und die Bedienung war unfreundlich @elm", "")):
        partition = Partition()
        partition.post(text=texts[0])
        if texts[1] is None:
            partition.post(kind="delete")
        assert passed_on(partition).root is None
    partition = Partition()
    partition.post(text="awful weather, we stay closed", author=Author(id="1", handle="@elm"))
    root = passed_on(partition).root
    assert root is not None and root.label == "neutral"


def test_a_repost_tells_what_the_complaint_is_about() -> None:
    """The main aspect, so that the alert has a department; nothing of praise, which nobody has to mend."""
    partition = Partition()
    (insight,) = insights(partition.post(text="we waited an hour for our cold food, awful @elm"))
    root = passed_on(partition).root
    assert root is not None and insight.aspects[0] == root.main
    partition = Partition()
    partition.post(text="lovely food, quick service @elm")
    root = passed_on(partition).root
    assert root is not None and root.main is None


@pytest.mark.parametrize("text", ["", "awful food, never again @elm"])
def test_a_polled_counter_replaces_nothing(text: str) -> None:
    """Without a text or with the same: a bare edit with the counter and what is known of the post; its stored text
    stays, and so does how it was meant."""
    partition = Partition()
    partition.post(text="awful food, never again @elm", author=AUTHOR)
    out = polled(partition, text=text, author=AUTHOR)
    assert [TOPICS("events")] == [one.topic for one in out]
    (insight,) = insights(out)
    assert (insight.kind, insight.sentiment, insight.text_ref, insight.aspects) == ("edit", None, None, ())
    assert (insight.reach.reposts, insight.event_time, insight.unit_id) == (40, LATER, "store-17")
    assert Root(event_time=NOON, label="negative", followers=1200) == told(insight)
    assert passed_on(partition).root == insight.root


def test_a_true_edit_is_read_again() -> None:
    """Another text, or other stars: what it says now counts, for reposts too, counters or not."""
    partition = Partition()
    partition.post(text="awful food, never again @elm", rating=1.0)
    (insight,) = insights(polled(partition, text="lovely food @elm", rating=5.0))
    assert insight.sentiment is not None and insight.sentiment.label == "positive"
    assert insight.root is not None and insight.root.event_time == NOON
    root = passed_on(partition).root
    assert root is not None and root.label == "positive"
    (insight,) = insights(polled(partition, text="", rating=1.0))
    assert insight.sentiment is not None
    (insight,) = insights(polled(partition, metrics=None))
    assert insight.sentiment is not None


def test_counters_of_what_waits_for_a_person_change_nothing() -> None:
    """It waits with what was understood of it, and the counters come again."""
    partition = Partition()
    assert ["no_clue"] == no_unit(partition.post(text="awful food"))
    assert [] == polled(partition)


def test_a_negative_number_of_followers_or_reposts_is_refused() -> None:
    """A dead letter that names the field; none is fine."""
    partition = Partition()
    for field, text in (("followers", b'"author":{"id":"a","followers":-1}'), ("reposts", b'"metrics":{"reposts":-3}')):
        value = b'{"id":"p9","network":"x","event_time":"2026-03-02T12:00:00Z",' + text + b"}"
        (letter,) = refusals(partition.feed(value))
        assert (letter.reason, field in letter.detail) == ("invalid_field", True)
    (insight,) = insights(partition.post(author=Author(id="a", followers=0), metrics=Metrics(reposts=0)))
    assert (0, 0) == (insight.reach.followers, insight.reach.reposts)


def test_what_was_remembered_before_is_read() -> None:
    """A memo of an earlier version has no mood; it is not known."""
    old = msgspec.msgpack.encode((3, 4, 5, ("u",), True))
    memo = msgspec.msgpack.decode(old, type=Memo)
    assert Memo(offset=3, seen_at=4, event_time=5, units=("u",), answered=True) == memo
    assert Root(event_time=Millis(5)) == memo.root()
