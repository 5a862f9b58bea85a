"""What a person decides about a post that found no unit takes effect once, and what follows the post follows it."""

from typing import Any

from pipeline.emission import Emission
from schemas.assignment import Assignment
from schemas.codec import encode
from schemas.feedback import Feedback
from schemas.tick import CONTROL_ASSIGNMENT
from schemas.time import DAY_MS
from schemas.unrouted import Unrouted
from tests.input_partition import NOON, TOPICS, Partition, insights, labels, refusals, unrouted


def open_cases(out: list[Emission]) -> list[Unrouted]:
    """What is waiting for a person among emissions."""
    return [unrouted.decode(one.value) for one in out if one.topic == TOPICS("unrouted") and one.value is not None]


def assign(partition: Partition, waiting: Unrouted, unit_id: str = "store-18") -> list[Emission]:
    """Somebody decides."""
    decided = Assignment(unit_id=unit_id, actor="maria", event_time=NOON, unrouted=waiting)
    return partition.control(CONTROL_ASSIGNMENT, encode(decided))


def lost_post(partition: Partition, **fields: Any) -> Unrouted:
    """A post that found no unit."""
    (waiting,) = open_cases(partition.post(**{"text": "awful soup", **fields}))
    return waiting


def test_an_assigned_post_goes_its_way() -> None:
    """Settings and the whole insight to the unit's log, from where the decision was made; a label; a tombstone."""
    partition = Partition()
    waiting = lost_post(partition)
    out = assign(partition, waiting)

    (insight,) = insights(out)
    assert (insight.id, insight.unit_id, insight.kind, insight.text_ref) == ("x:p1", "store-18", "post", "x:p1")
    assert (insight.routing.rule, insight.routing.confidence) == ("person", 1.0)
    assert insight.sentiment == waiting.insight.sentiment
    assert (insight.source.offset, insight.source.index) == (partition.offset - 1, 1)
    assert [one.topic for one in out] == [TOPICS(name) for name in ("events", "events", "labels", "unrouted")]
    label = labels.decode(out[2].value)
    assert (out[2].key, label.id, label.unit_id, label.reason, label.actor, label.text_ref) == (
        b"unit/x:p1", "x:p1", "store-18", "no_clue", "maria", "x:p1"
    )  # fmt: skip
    assert (out[3].key, out[3].value) == (b"x:p1", None)


def test_what_follows_an_assigned_post_follows_it() -> None:
    """Replies, replies to older replies that found no unit either, reposts, edits and deletes go to the same unit."""
    partition = Partition()
    waiting = lost_post(partition)
    thread = {"root_id": "p1", "text": "so true"}
    assert open_cases(partition.post(id="r1", kind="reply", in_reply_to="p1", **thread))
    assign(partition, waiting)

    kinds = {}
    for kind, fields in {
        "reply": {"id": "r2", "in_reply_to": "r1", **thread},
        "repost": {"id": "r3", "in_reply_to": "p1", **thread},
        "edit": {"text": "awful fish"},
        "delete": {},
    }.items():
        (insight,) = insights(partition.post(kind=kind, **fields))
        kinds[kind] = (insight.kind, insight.unit_id)
    assert kinds == {kind: (kind, "store-18") for kind in ("reply", "repost", "edit", "delete")}


def test_an_assignment_takes_effect_once() -> None:
    """Said again it changes nothing; another unit is refused; also after the post had been forgotten."""
    for forgotten in (False, True):
        partition = Partition()
        waiting = lost_post(partition)
        if forgotten:
            partition.tick(NOON + 3 * DAY_MS)
        assert len(insights(assign(partition, waiting))) == 1
        assert assign(partition, waiting) == []
        (letter,) = refusals(assign(partition, waiting, "store-17"))
        assert (letter.reason, letter.control, "'store-18'" in letter.detail) == (
            "already_assigned",
            "assignment",
            True,
        )
        assert partition.post(text="awful soup") == []


def test_an_assignment_that_makes_no_sense_is_a_dead_letter() -> None:
    """A unit that is not there, a post that was deleted meanwhile, another partition than the post's: refused, and
    whoever decides otherwise later is heard."""
    partition = Partition()
    waiting = lost_post(partition)
    (letter,) = refusals(assign(partition, waiting, "nowhere"))
    assert (letter.reason, "'nowhere'" in letter.detail) == ("unknown_unit", True)
    (letter,) = refusals(assign(Partition("feedback"), waiting))
    assert (letter.reason, "cem.posts/1" in letter.detail) == ("wrong_partition", True)
    (letter,) = refusals(partition.control(CONTROL_ASSIGNMENT, b"{}"))
    assert letter.reason == "missing_field"
    assert len(insights(assign(partition, waiting))) == 1

    waiting = lost_post(partition, id="p2")
    partition.post(id="p2", kind="delete")
    (letter,) = refusals(assign(partition, waiting))
    assert letter.reason == "taken_back"


def test_feedback_is_assigned_too() -> None:
    """A survey of a unit that nobody knows goes where a person says."""
    partition = Partition("feedback")
    feedback = Feedback(id="f", channel="web", unit_id="nowhere", nps=2, event_time=NOON)
    (waiting,) = open_cases(partition.feed(encode(feedback)))
    (insight,) = insights(assign(partition, waiting))
    assert (insight.id, insight.unit_id, insight.scores.nps) == ("feedback:f", "store-18", 2)
    assert partition.feed(encode(feedback)) == []


def test_an_edit_that_names_the_unit_closes_the_matter() -> None:
    """The post counts from then on, as a post; it waits for nobody any more, and nobody can assign it elsewhere."""
    partition = Partition()
    waiting = lost_post(partition)
    out = partition.post(kind="edit", text="awful soup @elm")
    (insight,) = insights(out)
    assert (insight.kind, insight.unit_id) == ("post", "store-17")
    assert [(one.key, one.value) for one in out if one.topic == TOPICS("unrouted")] == [(b"x:p1", None)]
    assert [letter.reason for letter in refusals(assign(partition, waiting))] == ["already_assigned"]
