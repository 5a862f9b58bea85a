"""What the console knows: the newest record counts, in any order; urgency; texts; hours; and it stays bounded."""

from collections.abc import Sequence
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.web import alerts, cases
from agents.web.access import Viewer
from agents.web.hours import HOURS, Week, total
from agents.web.model import Model
from agents.web.texts import Texts
from agents.web.urgency import urgency, waiting
from schemas.alert import Alert, Deadlines, Work
from schemas.case import CaseEntry
from schemas.event import UnitRollup
from schemas.record import Source
from schemas.text import StoredText
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, Millis
from tests.web import history, world
from tests.web.evening import NOW
from tests.web.world import make_alert

HEAD = Viewer("h", "head_office")


def filled() -> Model:
    """The whole world."""
    made = Model()
    world.fill(made)
    return made


def text(key: str, said: str = "said", at: int = NOW) -> StoredText:
    """A text."""
    return StoredText(id=key, text=said, event_time=Millis(at))


@given(st.permutations(range(1, 7)))
def test_the_newest_record_of_an_alert_counts_in_whatever_order_they_come(order: Sequence[int]) -> None:
    """A repeat and an older one change nothing and say so."""
    alert, known = make_alert("elm-street", "abcd"), Model()
    newest = 0
    for sequence in [*order, *order]:
        changed = known.apply_alert(msgspec.structs.replace(alert, sequence=sequence))
        assert (changed is not None) is (sequence > newest)
        newest = max(newest, sequence)
        assert newest == known.alerts(HEAD, state="all")[0].sequence


def test_a_case_that_was_sent_on_is_the_other_units() -> None:
    """From the record under its new unit on; the old one has it no more."""
    known = Model()
    for unit in world.units():
        known.apply_unit(unit.id, unit)
    alert = make_alert("elm-street", "abcd")
    left = world.next_of(alert, change="rerouted", work=Work(moved_to="mill-lane"))
    labels = msgspec.structs.replace(alert.labels, unit_id="mill-lane", region="south")
    there = msgspec.structs.replace(alert, sequence=3, labels=labels, work=Work(moved_from="elm-street"))
    old, new = Viewer("o", "unit", "elm-street"), Viewer("n", "unit", "mill-lane")
    for record, of_old, of_new in ((alert, 1, 0), (left, 0, 0), (there, 0, 1)):
        known.apply_alert(record)
        assert (of_old, of_new) == (len(known.alerts(old)), len(known.alerts(new)))
    assert [] == known.alerts(old, state="all")


def test_what_is_late_comes_first_then_what_is_due_then_what_is_worst() -> None:
    """A duty that was missed and then done does not count any more."""
    made = {
        "late": make_alert("elm-street", "0001", severity=3, age=5_000),
        "very late": make_alert("elm-street", "0002", severity=3, age=9_000),
        "due soon": make_alert("elm-street", "0003", severity=7, age=25),
        "due later": make_alert("elm-street", "0004", severity=9, age=1, deadlines={
            "acknowledge_by": Millis(NOW + HOUR_MS), "answer_by": None, "resolve_by": None}),
        "worse": make_alert("elm-street", "0005", severity=9, deadlines=_NONE),
        "better": make_alert("elm-street", "0006", severity=3, deadlines=_NONE),
    }  # fmt: skip
    known = Model()
    known.wall_ms = NOW
    for alert in Random(1).sample(list(made.values()), len(made)):
        known.apply_alert(alert)
    names = {alert.alert_id: name for name, alert in made.items()}
    expected = ["very late", "late", "due soon", "due later", "worse", "better"]
    assert expected == [names[alert.alert_id] for alert in known.alerts(HEAD)]


_NONE = {"acknowledge_by": None, "answer_by": None, "resolve_by": None}


def test_what_is_snoozed_comes_back_at_its_time() -> None:
    """Until then it does not wait; what is resolved or sent on waits for nobody."""
    alert = make_alert("elm-street", "abcd", work=Work(snoozed_until=Millis(NOW)))
    assert ["snoozed", "waiting"] == [waiting(alert, NOW + shift) for shift in (-1, 0)]
    assert "finished" == waiting(msgspec.structs.replace(alert, state="resolved"), NOW - 1)
    assert "finished" == waiting(make_alert("a", "abcd", work=Work(moved_to="b")), NOW)


@given(st.integers(0, 2**32))
def test_urgency_is_one_order(seed: int) -> None:
    """Whatever order alerts are in, they are sorted the same way."""
    alerts = world.alerts()
    shuffled = Random(seed).sample(alerts, len(alerts))
    assert sorted(alerts, key=lambda one: urgency(one, NOW)) == sorted(shuffled, key=lambda one: urgency(one, NOW))


def test_lists_are_of_the_units_below_and_of_a_department() -> None:
    """Filters narrow what a viewer sees, and never widen it."""
    known = filled()
    everything = known.alerts(HEAD, state="all")
    assert len(world.alerts()) == len(everything)
    north = known.alerts(HEAD, unit_id="north", state="all")
    assert {"elm-street", "harbour-quay", "station-square"} == {one.labels.unit_id for one in north}
    assert {"kitchen"} == {one.labels.department for one in known.alerts(HEAD, department="kitchen", state="all")}
    assert [] == known.alerts(Viewer("u", "unit", "mill-lane"), unit_id="north", state="all")


def test_countdowns_go_by_the_data_where_there_is_no_wall_clock() -> None:
    """Then the newest time of posts, alerts and hours counts, and not that of people's notes."""
    known = Model()
    known.apply_text("x:1", text("x:1", at=NOW))
    known.apply_text("note:1", text("note:1", at=NOW + DAY_MS))
    assert NOW == known.now_ms
    known.wall_ms = NOW + 5
    assert NOW + 5 == known.now_ms


def test_texts_are_found_through_an_alert_that_is_seen_and_an_erasure_takes_them() -> None:
    """Whether the text or the alert came first; a reference of another alert finds nothing."""
    known = filled()
    alert = known.alerts(HEAD, unit_id="elm-street")[0]
    reference = alert.evidence[0].text_ref
    assert known.text(HEAD, alert, reference) is not None
    assert known.text(HEAD, alert, "x:c3d40") is None
    assert known.text(Viewer("u", "unit", "mill-lane"), alert, reference) is None
    known.apply_text(reference or "", None)
    assert known.text(HEAD, alert, reference) is None


def test_notes_belong_to_the_history_of_their_alert() -> None:
    """They are found by its entries only."""
    known = filled()
    alert_id = "station-square-e5f6e5f6e5f6e5f6"
    noted = [one for one in known.entries(HEAD, alert_id) if one.note_ref]
    notes = [note for entry in noted if (note := known.note(HEAD, entry)) is not None]
    assert ["note:n1", "note:n2"] == [note.id for note in notes]
    stranger = Viewer("u", "unit", "mill-lane")
    assert [None, None] == [known.note(stranger, entry) for entry in noted]
    assert [] == known.entries(stranger, alert_id)


def test_a_history_is_in_order_and_refusals_stand_where_they_were_given() -> None:
    """Whatever order entries come in, and however often."""
    said = [one for one in history.entries() if one.alert_id.startswith("station-square")]
    known = Model()
    for entry in [*reversed(said), *said]:
        known.apply_entry(entry)
    known.apply_alert(next(alert for alert in world.alerts() if alert.alert_id == said[0].alert_id))
    assert said == known.entries(HEAD, said[0].alert_id)


def test_the_first_answer_to_an_action_stays() -> None:
    """Sent again it is told that it was done already: that is a success; a refusal is one until it is accepted."""
    known = Model()
    done = CaseEntry(alert_id="a", unit_id="u", number=1, sequence=2, action_id="x", event_time=NOW)
    again = msgspec.structs.replace(done, number=0, accepted=False, reason="already_done")
    refused = msgspec.structs.replace(again, reason="not_from_this_state")
    for entry, expected in ((refused, refused), (done, done), (again, done), (refused, done)):
        known.apply_entry(entry)
        assert expected == known.answer("x")
    assert cases.accepted(again) and not cases.accepted(refused)


def test_a_revoked_token_stays_revoked() -> None:
    """Whatever record of it comes later."""
    from schemas.token import Token

    token = Token(id="a", name="n", role="auditor", hash="h", made_by="m", made_at=NOW, expires_at=Millis(NOW + 1))
    revoked = msgspec.structs.replace(token, revoked_at=NOW)
    known = Model()
    for record in (token, revoked, token):
        known.apply_token("a", record)
    assert revoked == known.token("a")
    known.apply_token("b", token)
    assert known.token("b") is None


# Hours


def rollup(child_id: str, hour: int, mentions: int = 1, above: str = "north") -> UnitRollup:
    """An hour, counted from NOW's."""
    return UnitRollup(
        unit_id=above, child_id=child_id, hour=Millis((NOW // HOUR_MS + hour) * HOUR_MS), mentions=mentions,
        negative=mentions, positive=0, source=Source(topic="r", partition=0, offset=0),
    )  # fmt: skip


@given(st.lists(st.tuples(st.integers(-300, 0), st.integers(0, 50)), max_size=60))
def test_a_week_is_what_was_told_last_of_each_of_its_hours(told: list[tuple[int, int]]) -> None:
    """Against a plain dictionary, in any order."""
    week, plain = Week(), dict[int, int]()
    for hour, mentions in told:
        week.put(rollup("a", hour, mentions))
        plain[hour] = mentions
    found = {one.at_ms: one.mentions for one in total([week], NOW)}
    newest = max((hour for hour, _ in told), default=0)
    for hour in range(-HOURS + 1, 1):
        if hour > newest - HOURS and not _was_forgotten(told, hour):
            assert plain.get(hour, 0) == found[(NOW // HOUR_MS + hour) * HOUR_MS]


def _was_forgotten(told: list[tuple[int, int]], hour: int) -> bool:
    """Told when a much newer one was known already."""
    newest = -(10**9)
    for one, _ in told:
        newest = max(newest, one)
        if one == hour and hour <= newest - HOURS:
            return True
    return False


def test_a_region_is_the_sum_of_the_units_below_and_each_hour_counts_once() -> None:
    """Though every unit tells it to its region and to its brand, and again after a crash."""
    known = Model()
    for unit in world.units():
        known.apply_unit(unit.id, unit)
    known.wall_ms = NOW
    for above in ("north", "marlow", "north"):
        known.apply_rollup(rollup("elm-street", -1, 3, above))
        known.apply_rollup(rollup("harbour-quay", -1, 4, above))
    known.apply_rollup(rollup("mill-lane", -1, 5, "south"))
    for unit_id, expected in (("elm-street", 3), ("north", 7), ("marlow", 12), ("castle-gate", 0)):
        hours = known.hours(HEAD, unit_id)
        assert expected == sum(hour.mentions for hour in hours)
        assert len(hours) in (0, HOURS)
    assert [] == known.hours(Viewer("u", "unit", "elm-street"), "north")


# Bounds


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of alerts the finished and oldest are forgotten first, with their histories; of texts those that nothing refers
    to; of histories the oldest entries; of histories without an alert the oldest."""
    monkeypatch.setattr(alerts, "ALERTS_MAX", 40)
    monkeypatch.setattr(alerts, "_ROOM", 5)
    monkeypatch.setattr(cases, "ENTRIES_MAX", 10)
    monkeypatch.setattr(cases, "UNKNOWN_MAX", 10)
    known = Model(texts_max=20)
    known.wall_ms = NOW
    open_one = make_alert("elm-street", "0000", age=60 * 24 * 60)
    known.apply_alert(open_one)
    for number in range(1, 200):
        alert = make_alert("elm-street", f"{number:04d}", age=number, state="resolved", texts=1)
        known.apply_alert(alert)
        known.apply_text(alert.evidence[0].text_ref or "", text(alert.evidence[0].text_ref or ""))
        known.apply_text(f"other:{number}", text(f"other:{number}"))
        known.apply_entry(_entry(alert, 1))
        known.apply_entry(_entry(open_one, number))
        known.apply_entry(_entry(make_alert("nowhere", f"{number:04d}"), 1))
    kept = known.alerts(HEAD, state="all")
    assert 35 <= len(kept) <= 40
    assert open_one.alert_id in [alert.alert_id for alert in kept]
    assert len(known._texts) <= 20 + 40
    assert [*range(190, 200)] == [entry.number for entry in known.entries(HEAD, open_one.alert_id)]
    assert len(known._cases._histories) <= 40 + 10


def _entry(alert: Alert, number: int) -> CaseEntry:
    return CaseEntry(
        alert_id=alert.alert_id, unit_id=alert.labels.unit_id, number=number, sequence=number, event_time=NOW,
        note_ref=f"note:{alert.alert_id}{number}",
    )  # fmt: skip


def test_what_is_finished_is_forgotten_after_a_month() -> None:
    """What is not, stays; what is forgotten leaves nothing behind."""
    known = Model()
    known.wall_ms = NOW
    old = 31 * 24 * 60
    waits = make_alert("elm-street", "0001", age=old)
    done = make_alert("elm-street", "0002", age=old, state="dismissed", addressed_to="marlow")
    for alert in (waits, done, make_alert("elm-street", "0003", age=29 * 24 * 60, state="resolved")):
        known.apply_alert(alert)
        known.apply_entry(_entry(alert, 1))
    known.forget()
    assert {"elm-street-" + "0001" * 4, "elm-street-" + "0003" * 4} == {
        one.alert_id for one in known.alerts(HEAD, state="all")
    }
    assert 0 == len(known._confided)


@given(st.lists(st.tuples(st.sampled_from(["put", "erase", "refer", "release"]), st.integers(0, 9)), max_size=60))
def test_texts_that_are_referred_to_are_kept(steps: list[tuple[str, int]]) -> None:
    """Against plain sets: what was put, not erased and is referred to is there; of the others at most three."""
    texts, there, references = Texts(newest_max=3), set[int](), dict[int, int]()
    for step, number in steps:
        key = str(number)
        if step == "put":
            texts.put(key, text(key))
            there.add(number)
        elif step == "erase":
            texts.put(key, None)
            there.discard(number)
        elif step == "refer":
            references[number] = references.get(number, 0) + 1
            texts.refer([key])
            there -= {one for one in there if texts.get(str(one)) is None}
        elif references.get(number):
            references[number] -= 1
            texts.release([key])
        for one in range(10):
            if one in there and references.get(one) and texts.get(str(one)) is None:
                raise AssertionError(f"{one} is gone")
            assert one in there or texts.get(str(one)) is None
        there -= {one for one in there if texts.get(str(one)) is None}
        unreferred = [one for one in range(10) if not references.get(one) and texts.get(str(one)) is not None]
        assert len(unreferred) <= 3
        assert texts.wanted(key) is bool(references.get(number))


def test_deadlines_that_are_done_do_not_count() -> None:
    """An acknowledged alert whose acknowledgement was late is not late any more."""
    late = Deadlines(
        acknowledge_by=Millis(NOW - MINUTE_MS), answer_by=Millis(NOW + HOUR_MS), resolve_by=Millis(NOW + DAY_MS),
        missed=("acknowledge",),
    )  # fmt: skip
    alert = msgspec.structs.replace(make_alert("elm-street", "abcd"), deadlines=late)
    assert (False, True) == tuple(
        urgency(msgspec.structs.replace(alert, state=state), NOW)[0] for state in ("open", "acknowledged")
    )
