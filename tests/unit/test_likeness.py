"""What only shows across authors: copies and bursts, in bounded memory, whatever is repeated, edited or deleted."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.authenticity import Reason
from pipeline.engine import Engine
from pipeline.fingerprint import NEAR_MAX
from pipeline.likeness import KEPT_MAX, LikenessState, forget, holds, observe, of_evidence, suspicion
from pipeline.state import UnitState, decode_state, encode_state
from schemas.alert import Alert, Authenticity
from schemas.event import UnitErasure
from schemas.insight import Insight, Suspicion
from schemas.record import Source
from schemas.time import HOUR_MS, MINUTE_MS, Millis
from tests.streams import START_MS, insight

TEXT = "0123456789abcdef"
OTHER = "fedcba9876543210"
NONE = Suspicion()


def said(number: int, at_ms: int = START_MS, **changes: Any) -> Insight:
    """An insight `x:<number>` by an author of its own, with the fingerprint of one text, unless said otherwise."""
    made = insight(number, at_ms, author=changes.pop("author", str(number)), kind=changes.pop("kind", "post"))
    return msgspec.structs.replace(made, **{"fingerprint": TEXT, **changes})


def remembered(*insights: Insight) -> LikenessState:
    state = LikenessState()
    for one in insights:
        observe(state, one)
    return state


def found(state: LikenessState, number: int) -> Suspicion | None:
    return suspicion(state, f"x:{number}")


def test_the_same_text_by_others_is_suspicious() -> None:
    """The more other authors wrote it the more, for the first as for the last."""
    scores = []
    for authors in range(1, 6):
        state = remembered(*(said(number) for number in range(authors)))
        first, last = found(state, 0), found(state, authors - 1)
        assert first == last
        assert first is not None
        scores.append(first.score)

    assert [0.0, 0.4, 0.6, 0.75, 0.75] == scores


def test_small_edits_hide_no_copy_and_strangers_are_none() -> None:
    """Near is near, up to the bound of the fingerprints; one bit more is another text."""
    near, far = (f"{int(TEXT, 16) ^ (2**bits - 1):016x}" for bits in (NEAR_MAX, NEAR_MAX + 1))

    assert Suspicion(score=0.4, reasons=("near_duplicate",)) == found(remembered(said(0), said(1, fingerprint=near)), 0)
    assert NONE == found(remembered(said(0), said(1, fingerprint=far)), 0)


def test_who_says_the_same_twice_has_copied_nobody() -> None:
    """People repeat themselves; without a fingerprint or an author there is nothing to compare."""
    assert NONE == found(remembered(said(0, author="a"), said(1, author="a")), 1)
    assert NONE == found(remembered(said(0, fingerprint=None), said(1, fingerprint=None)), 1)
    assert NONE == found(remembered(said(0, author=None), said(1, author=None)), 1)


def test_reposts_and_answers_are_no_copies() -> None:
    """A repost is a copy by its nature, an answer is the company's own."""
    state = remembered(said(0), said(1, kind="repost"), said(2, kind="answer"))

    assert [NONE, None, None] == [found(state, number) for number in range(3)]


def test_copies_count_for_a_day() -> None:
    """Up to 24 hours apart, not longer."""
    assert 0.4 == (found(remembered(said(0), said(1, START_MS + 24 * HOUR_MS)), 1) or NONE).score
    assert NONE == found(remembered(said(0), said(1, START_MS + 24 * HOUR_MS + 1000)), 1)


def test_a_burst_by_one_author() -> None:
    """Six posts within an hour are a burst, five are an angry customer, six over a day are a regular one."""
    times = [START_MS + number * MINUTE_MS for number in range(6)]
    burst = [said(number, time, author="a", fingerprint=None) for number, time in enumerate(times)]
    slow = [said(number, START_MS + number * HOUR_MS, author="a", fingerprint=None) for number in range(6)]

    assert Suspicion(score=0.4, reasons=("burst",)) == found(remembered(*burst), 5)
    assert NONE == found(remembered(*burst[:5]), 4)
    assert NONE == found(remembered(*slow), 5)


def test_its_own_signs_and_those_across_authors_add_up() -> None:
    """What the text itself is suspected of is kept, reasons and all."""
    own = Suspicion(score=0.5, reasons=(Reason.LINK, Reason.OFFER))
    state = remembered(said(0, suspicion=own), said(1))

    assert Suspicion(score=0.7, reasons=("near_duplicate", "offer", "link")) == found(state, 0)


def test_a_reason_of_another_version_is_left_out() -> None:
    """What this version does not know cannot stop it."""
    state = remembered(said(0, suspicion=Suspicion(score=0.5, reasons=("reason_of_tomorrow", "link"))))

    assert Suspicion(score=0.5, reasons=("link",)) == found(state, 0)


def test_a_repeat_changes_nothing() -> None:
    """The same id again, with whatever in it, was there already."""
    state = remembered(said(0), said(1))
    before = msgspec.msgpack.encode(state)
    observe(state, said(1, START_MS + HOUR_MS, author="x", fingerprint=OTHER))

    assert before == msgspec.msgpack.encode(state)


def test_an_edit_replaces_and_a_delete_takes_out() -> None:
    """What was edited into another text is no copy any more, at the time of its first writing."""
    state = remembered(said(0), said(1), said(1, START_MS + HOUR_MS, kind="edit", fingerprint=OTHER))

    assert NONE == found(state, 0)
    assert NONE == found(remembered(said(0), said(1), said(1, kind="delete")), 0)
    assert None is found(remembered(said(1), said(1, kind="delete")), 1)
    assert LikenessState() == remembered(said(1, kind="delete"))


def test_an_erasure_forgets() -> None:
    """And is known to concern the unit as long as there is anything to forget."""
    state = remembered(said(0), said(1))

    assert holds(state, ("x:1",))
    forget(state, ("x:1", "x:77"))
    assert not holds(state, ("x:1", "x:77"))
    assert NONE == found(state, 0)


def test_the_state_is_bounded_and_small() -> None:
    """The last 200 of ten thousand, at about 30 bytes each."""
    state = LikenessState()
    for number in range(10_000):
        observe(state, said(number, START_MS + number, suspicion=Suspicion(score=0.9, reasons=tuple(Reason))))

    assert KEPT_MAX == len(state.recent)
    assert found(state, 9_999) is not None
    assert len(msgspec.msgpack.encode(state)) <= 34 * KEPT_MAX


def test_it_survives_being_saved_with_the_unit() -> None:
    """A state that was written and read back says the same."""
    unit = UnitState(unit_id="store-17", likeness=remembered(said(0), said(1), said(2, author=None, fingerprint=None)))
    back = decode_state(encode_state(unit))

    assert unit.likeness == back.likeness
    assert found(unit.likeness, 0) == found(back.likeness, 0)


def test_a_state_of_before_is_read() -> None:
    """States that were saved when there was no likeness go on without."""
    assert LikenessState() == decode_state(msgspec.msgpack.encode({"unit_id": "store-17"})).likeness


def test_evidence_is_as_suspicious_as_its_mean() -> None:
    """Reasons of most come first; what is not remembered any more says nothing."""
    state = remembered(said(0), said(1), said(2, fingerprint=OTHER, suspicion=Suspicion(score=0.1, reasons=("link",))))

    assert Suspicion(score=0.3, reasons=("near_duplicate", "link")) == of_evidence(state, ["x:0", "x:1", "x:2", "x:9"])
    assert NONE == of_evidence(state, ["x:9"])


steps = st.tuples(
    st.sampled_from(("post", "reply", "edit", "delete", "repost", "answer")),
    st.integers(0, 9),
    st.integers(0, 40 * 60),
    st.sampled_from((None, TEXT, OTHER)),
)


@settings(deadline=None)
@given(st.lists(steps, max_size=30), st.integers(0, 30))
def test_a_restart_changes_nothing(some: list[tuple[Any, int, int, str | None]], cut: int) -> None:
    """Whatever comes in whatever order: a state read back goes on as the one that stayed."""
    insights = [
        said(number, START_MS + minute * MINUTE_MS, kind=kind, fingerprint=text, author=str(number % 3))
        for kind, number, minute, text in some
    ]
    stayed = remembered(*insights)
    moved = remembered(*insights[:cut])
    moved = msgspec.msgpack.decode(msgspec.msgpack.encode(moved), type=LikenessState)
    for one in insights[cut:]:
        observe(moved, one)

    assert msgspec.msgpack.encode(stayed) == msgspec.msgpack.encode(moved)


def alerts_of(engine: Engine, state: UnitState, events: list[Any]) -> list[Alert]:
    return [out for event in events for out in engine.step(state, event) if isinstance(out, Alert)]


def test_an_alert_says_how_authentic_its_evidence_is() -> None:
    """Copies by a crowd raise the same alert as honest complaints, and the alert says what they look like."""
    calm = insight(99, START_MS - 48 * HOUR_MS, mood="neutral")
    times = [START_MS + number * MINUTE_MS for number in range(9)]
    copies = [said(number, time) for number, time in enumerate(times)]
    honest = [said(number, time, fingerprint=None) for number, time in enumerate(times)]
    engine = Engine()
    of_copies = alerts_of(engine, UnitState(unit_id="store-17"), [calm, *copies])
    of_honest = alerts_of(engine, UnitState(unit_id="store-17"), [calm, *honest])

    assert [(alert.change, alert.severity) for alert in of_honest] == [(a.change, a.severity) for a in of_copies]
    assert Authenticity(suspicion=0.75, reasons=("near_duplicate",)) == of_copies[-1].authenticity
    assert Authenticity() == of_honest[-1].authenticity


@pytest.mark.parametrize("mood", ["negative", "neutral"])
def test_an_erasure_reaches_what_no_detector_remembers(mood: str) -> None:
    """Also a friendly insight is erased: the log asks every unit that holds anything of it."""
    engine, state = Engine(), UnitState(unit_id="store-17")
    engine.step(state, msgspec.structs.replace(insight(1, START_MS, mood=mood), fingerprint=TEXT))
    source = Source(topic="cem.erasures", partition=0, offset=1, index=0)
    erasure = UnitErasure(id="e", insight_ids=("x:1",), event_time=Millis(START_MS), source=source)

    assert engine.holds(state, erasure)
    engine.step(state, erasure)
    assert not engine.holds(state, erasure)
