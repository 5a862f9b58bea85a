"""The enrich agent's core: every input record becomes something, whatever its bytes are."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.emission import Emission, Incoming
from schemas.action import Action
from schemas.codec import encode
from schemas.deadletter import DeadLetter
from schemas.erasure import Erasure
from schemas.event import UnitAction, UnitErasure, UnitSettings
from schemas.feedback import Feedback
from schemas.insight import Insight
from schemas.post import Author, Place, Post
from schemas.tick import CONTROL_HEADER, CONTROL_VERSION, Tick, Version
from schemas.time import DAY_MS, Millis
from schemas.topics import INPUTS
from schemas.unit import Position, Unit
from tests.input_partition import (
    BRAND,
    NOON,
    SHAPE,
    STORE,
    TOPICS,
    Partition,
    events,
    insights,
    no_unit,
    refusals,
    texts,
)

GOOD = encode(Post(id="p1", network="x", event_time=NOON))


@pytest.mark.parametrize(
    ("value", "reason", "word"),
    [
        (b"{nonsense", "not_json", ""),
        (b"[]", "invalid_field", "array"),
        (b'{"id":7,"network":"x","event_time":"2026-03-02T12:00:00Z"}', "invalid_field", "`id`"),
        (b'{"id":"a","event_time":"2026-03-02T12:00:00Z"}', "missing_field", "`network`"),
        (GOOD.replace(b'"x"', b'"friendster"'), "invalid_field", "`network`"),
        (GOOD[:-1] + b',"text":"' + b"x" * 10_000_000 + b'"}', "too_large", "bytes"),
        (GOOD[:-1] + b',"text":"' + b"x" * 60_000 + b'"}', "invalid_field", "`text`"),
        (b'{"id":"a\x00b"}', "not_json", ""),
        (GOOD.replace(b"p1", b"p\\u0000"), "invalid_field", "`id`"),
        (GOOD.replace(b"p1", b"p\xff"), "not_utf8", ""),
        (GOOD.replace(b'"1.0"', b'"7.0"'), "unknown_version", "7.0"),
        (None, "tombstone", "tombstone"),
        (encode(Post(id="p", network="x", event_time=Millis(NOON + 2 * DAY_MS))), "future", "clock"),
        (encode(Post(id="p", network="x", event_time=Millis(NOON - 60 * DAY_MS))), "past", "CEM_CLOCK=data"),
    ],
)
def test_bad_posts_are_dead_letters(value: bytes | None, reason: str, word: str) -> None:
    """One letter, with the reason, a detail that helps, the source and the bytes; the next record is worked on."""
    partition = Partition()
    partition.tick(NOON)
    (letter,) = refusals(partition.feed(value, b"key"))
    assert reason == letter.reason
    assert word in letter.detail
    assert (TOPICS("posts"), 1, 2, b"key") == (*_place(letter), letter.key)
    assert value is None or (letter.bytes == value[: 1024 * 1024] and letter.bytes_total == len(value))
    assert [insight.unit_id for insight in insights(partition.post())] == ["store-17"]


def _place(letter: DeadLetter) -> tuple[str, int, int]:
    return letter.source.topic, letter.source.partition, letter.source.offset


def test_without_a_tick_no_time_is_too_early_or_too_late() -> None:
    """Times are judged against the stream clock only; before the first tick there is none."""
    assert len(insights(Partition().post(event_time=Millis(NOON + 900 * DAY_MS)))) == 1


def test_an_empty_text_is_no_opinion() -> None:
    """A post without text is an insight that abstains, without a text reference."""
    (insight,) = insights(Partition().post(text="", unit_hint="store-17"))
    assert insight.text_ref is None
    assert insight.sentiment is not None and insight.sentiment.abstained


def test_feedback_of_an_unknown_unit_is_unrouted_and_an_action_refused() -> None:
    """Neither vanishes: feedback waits for a person, an action is a dead letter that names the unit."""
    feedback = Feedback(id="f", channel="web", unit_id="nowhere", event_time=NOON)
    assert no_unit(Partition("feedback").feed(encode(feedback))) == ["unknown_unit"]
    action = Action(id="a", alert_id="nowhere-1", unit_id="nowhere", action="acknowledge", actor="m", event_time=NOON)
    (letter,) = refusals(Partition("actions").feed(encode(action)))
    assert (letter.reason, "'nowhere'" in letter.detail) == ("unknown_unit", True)


def test_the_same_post_twice_counts_once() -> None:
    """The second copy makes nothing."""
    partition = Partition()
    assert len(insights(partition.post())) == 1
    assert partition.post() == []


def test_a_delete_before_its_post_keeps_it_from_counting() -> None:
    """The delete is unrouted and erases the text; the post that comes later leaves no text and takes itself back."""
    partition = Partition()
    out = partition.post(kind="delete")
    assert no_unit(out) == ["unknown_post"]
    assert (b"x:p1", None) in [(one.key, one.value) for one in out if one.topic == TOPICS("texts")]
    later = partition.post()
    assert [insight.kind for insight in insights(later)] == ["delete"]
    assert [one for one in later if one.topic == TOPICS("texts")] == []


def test_edit_and_delete_go_where_the_post_went() -> None:
    """Even if their own text names another unit."""
    partition = Partition()
    partition.post()
    (edit,) = insights(partition.post(kind="edit", text="I meant @oak"))
    (delete,) = insights(partition.post(kind="delete", text=""))
    assert [(one.id, one.kind, one.unit_id) for one in (edit, delete)] == [
        ("x:p1", "edit", "store-17"),
        ("x:p1", "delete", "store-17"),
    ]


def test_replies_and_reposts_follow_the_thread() -> None:
    """They name no unit; the original's is theirs."""
    partition = Partition()
    partition.post()
    for kind in ("reply", "repost"):
        (insight,) = insights(partition.post(id=kind, kind=kind, text="so true", in_reply_to="p1", root_id="p1"))
        assert (insight.unit_id, insight.routing.rule, insight.thread) == ("store-17", "thread", "x:p1")


def test_only_the_first_own_answer_is_timed() -> None:
    """The company's own posts are answers, not mentions."""
    partition = Partition()
    partition.post()
    own = {"author": Author(id="1", handle="@Elm"), "kind": "reply", "in_reply_to": "p1", "root_id": "p1"}
    (first,) = insights(partition.post(id="a1", text="sorry", event_time=Millis(NOON + 5000), **own))
    (second,) = insights(partition.post(id="a2", text="better?", event_time=Millis(NOON + 9000), **own))
    assert [(one.kind, one.first_answer_ms, one.sentiment) for one in (first, second)] == [
        ("answer", 5000, None),
        ("answer", None, None),
    ]


def test_a_post_about_two_units_is_two_insights() -> None:
    """Indexes tell them apart; settings come first, with index 0, once for each unit."""
    partition = Partition()
    found = [
        events.decode(one.value)
        for one in partition.post(text="@elm and @oak are awful")
        if one.topic == TOPICS("events")
    ]
    expected = [(kind, f"store-{number}") for number in (17, 18) for kind in (UnitSettings, Insight)]
    assert expected == [(type(one), one.unit_id) for one in found if not isinstance(one, Tick | UnitErasure)]
    assert [one.source.index for one in found if not isinstance(one, Tick)] == [0, 1, 0, 2]
    again = [events.decode(one.value) for one in partition.post(id="p2") if one.topic == TOPICS("events")]
    assert [Insight] == [type(one) for one in again]


def test_settings_carry_no_handles_and_name_what_is_above() -> None:
    """The log does without the clues that find a unit."""
    settings_ = events.decode(Partition().post()[1].value)
    assert isinstance(settings_, UnitSettings) and settings_.unit is not None
    assert (settings_.unit.handles, [one.id for one in settings_.ancestors]) == ((), ["acme"])


def test_a_tick_goes_to_every_partition_of_the_log() -> None:
    """With its source and what is ticked together; an older tick says what is known already."""
    partition = Partition()
    out = partition.tick(NOON)
    assert [(TOPICS("events"), number) for number in range(4)] == [(one.topic, one.partition) for one in out]
    tick = events.decode(out[0].value)
    assert isinstance(tick, Tick)
    assert (tick.event_time, tick.source, tick.inputs) == (NOON, "cem.posts/1", {"cem.posts": 3})
    older = events.decode(partition.tick(NOON - 5000)[0].value)
    assert isinstance(older, Tick) and older.event_time == NOON


def test_versions_never_go_back() -> None:
    """A unit removed in version 2 stays removed when a late record names version 1."""
    partition = Partition(version=2)
    partition.control(CONTROL_VERSION, encode(Version(directory=1)))
    assert no_unit(partition.post(text="awful @oak")) == ["no_clue"]


def test_a_changed_directory_is_told_to_logs_and_inputs() -> None:
    """Settings to the changed unit and those below it, a version record to every partition of every other input."""
    partition = Partition("units", version=0)
    out = partition.enricher.directory_changed(
        partition.lane, ["acme"], Incoming(TOPICS("units"), 0, 0, b"acme", b"", (), 0)
    )
    told = [events.decode(one.value) for one in out if one.topic == TOPICS("events")]
    assert [one.unit_id for one in told if isinstance(one, UnitSettings)] == ["acme", "store-17", "store-18"]
    versions = {(one.topic, one.partition) for one in out if dict(one.headers).get(CONTROL_HEADER) == CONTROL_VERSION}
    assert {(topic, number) for topic, width in SHAPE.inputs.items() for number in range(width)} - {
        (TOPICS("units"), 0)
    } == versions


def test_an_actions_text_goes_to_the_texts() -> None:
    """The log carries a reference."""
    action = Action(
        id="a1", alert_id="store-17-1", unit_id="store-17", action="resolve", actor="maria",
        note="called 0171 2345678", we_did="New till", event_time=NOON,
    )  # fmt: skip
    out = Partition("actions").feed(encode(action))
    stored = {one.key: texts.decode(one.value).text for one in out if one.topic == TOPICS("texts")}
    assert stored == {b"note:a1": "called [phone]", b"we_did:a1": "New till"}
    told = events.decode(out[-1].value)
    assert isinstance(told, UnitAction)
    assert (told.note_ref, told.we_did_ref, told.source.index) == ("note:a1", "we_did:a1", 1)


def test_an_erasure_takes_texts_away_and_is_told_to_every_log() -> None:
    """By post ids; by author it is refused, in words, and nothing is done by halves."""
    erasure = Erasure(id="e", network="x", post_ids=("p1",), actor="dpo", event_time=NOON)
    out = Partition("erasures").feed(encode(erasure))
    assert Emission(TOPICS("texts"), b"x:p1", None) == out[0]
    told = [events.decode(one.value) for one in out[1:]]
    assert [one.insight_ids for one in told if isinstance(one, UnitErasure)] == [("x:p1",)] * 4
    by_author = Erasure(id="e", network="x", author_id="1", actor="dpo", event_time=NOON)
    assert [one.reason for one in refusals(Partition("erasures").feed(encode(by_author)))] == ["unsupported"]


names = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=6, max_size=9).map("qz".__add__)


@settings(max_examples=150, deadline=None)
@given(names, names, names, names, st.sampled_from(["post", "reply", "repost", "review", "edit", "delete"]))
def test_nothing_personal_goes_further(author: str, handle: str, mail: str, words: str, kind: Any) -> None:
    """Author, handle, address and text are in no emission but the texts, and the e-mail address in none."""
    url = f"https://example.org/{handle}/status/1"
    partition = Partition()
    out = partition.post(
        kind=kind, text=f"awful {words} mail {mail}@example.com @elm", url=url,
        author=Author(id=author, handle=f"@{handle}"), place=Place(name=words),
    )  # fmt: skip
    for one in out:
        said = (one.key or b"") + (one.value or b"")
        assert f"{mail}@".encode() not in said
        if one.topic != TOPICS("texts"):
            assert [piece for piece in (author, handle, words) if piece.encode() in said] == []


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(INPUTS),
    st.none() | st.binary(max_size=300) | st.sampled_from([GOOD, b"{}", b"null", b"[" * 5000, b'{"id":"\\ud800"}']),
    st.binary(max_size=20),
    st.lists(st.tuples(st.sampled_from([CONTROL_HEADER, "x"]), st.binary(max_size=8)), max_size=2),
)
def test_nothing_is_ever_raised(name: str, value: bytes | None, key: bytes, headers: list[tuple[str, bytes]]) -> None:
    """Whatever comes, the step gives emissions."""
    assert isinstance(Partition(name).feed(value, key, tuple(headers)), list)


def test_nobody_waits_for_an_answer_to_the_company() -> None:
    """In a thread that the company began, its own replies answer nobody; a customer's question is answered once."""
    partition = Partition()
    own: dict[str, Any] = {"author": Author(id="1", handle="@elm"), "root_id": "news"}
    thread: dict[str, Any] = {"kind": "reply", "root_id": "news"}
    out = partition.post(id="news", text="we open at nine", **{**own, "root_id": None})
    out += partition.post(**{**own, **thread}, id="more", text="and on Sunday", in_reply_to="news")
    out += partition.post(**thread, id="ask", text="on Monday?", in_reply_to="news", event_time=Millis(NOON + 1000))
    for number, after in ((1, 5000), (2, 9000)):
        out += partition.post(
            **{**own, **thread}, id=f"yes{number}", text="yes", in_reply_to="ask", event_time=Millis(NOON + after)
        )
    answers = {one.id: one.first_answer_ms for one in insights(out) if one.kind == "answer"}
    assert {"x:news": None, "x:more": None, "x:yes1": 4000, "x:yes2": None} == answers


@pytest.mark.parametrize("append_ms", [-1, 0, 2**62])
def test_a_letter_bears_whatever_time_the_producer_wrote(append_ms: int) -> None:
    """Kafka keeps a producer's own timestamp, and some write microseconds."""
    partition = Partition()
    record = Incoming(partition.topic, 1, 9, b"k", b"{nonsense", (), append_ms)
    assert ["not_json"] == [letter.reason for letter in refusals(partition.enricher.step(partition.lane, record))]


def test_a_position_finds_the_unit() -> None:
    """Both degrees are needed; where the post was written counts within a unit's radius."""
    units = [BRAND, Unit(**{**{name: getattr(STORE, name) for name in STORE.__struct_fields__},
                            "position": Position(latitude=1.0, longitude=2.0)})]  # fmt: skip
    partition = Partition(units=units)
    (insight,) = insights(partition.post(text="awful", place=Place(latitude=1.0, longitude=2.0)))
    assert (insight.unit_id, insight.routing.rule) == ("store-17", "position")
    assert no_unit(partition.post(id="p2", text="awful", place=Place(latitude=1.0))) == ["no_clue"]


def test_staff_and_addresses_are_hidden_and_the_list_stays() -> None:
    """Texts of posts, surveys, touchpoints and notes hide who works there and where somebody lives; an address may
    still find the unit; neither the log nor the alerts learn who is on the list."""
    store = Unit(
        id="store-17", name="Elm", kind="store", time_zone="UTC", handles=("@elm",), aliases=("45 Harbour Road",),
        staff=("Maria Gonzalez",),
    )  # fmt: skip
    said = "Maria was rude; I live at 12 Acacia Avenue"

    def partition(name: str) -> Partition:
        return Partition(name, units=[store])

    def kept(out: list[Emission]) -> list[tuple[str, tuple[str, ...]]]:
        found = [texts.decode(one.value) for one in out if one.topic == TOPICS("texts")]
        assert not any(b"Gonzalez" in (one.value or b"") for one in out)
        return [(text.text, text.masked) for text in found]

    hidden = ("[staff] was rude; I live at [address]", ("address", "staff"))
    out = partition("posts").post(text=f"{said} @elm")
    assert kept(out) == [(hidden[0] + " @elm", hidden[1])]
    out = partition("posts").post(text="rude people at 45 Harbour Road")
    assert ([one.routing.rule for one in insights(out)], kept(out)[0][0][-15:]) == (["alias"], "45 Harbour Road")
    assert kept(partition("posts").post(text=said)) == [hidden]
    feedback = Feedback(
        id="f", channel="web", unit_id="store-17", text=said, touchpoint="Maria's till", event_time=NOON
    )
    out = partition("feedback").feed(encode(feedback))
    assert (kept(out), [one.touchpoint for one in insights(out)]) == ([hidden], ["[staff]'s till"])
    action = Action(
        id="a", alert_id="store-17-1", unit_id="store-17", action="comment", actor="m", note=said, event_time=NOON
    )
    assert kept(partition("actions").feed(encode(action))) == [hidden]
