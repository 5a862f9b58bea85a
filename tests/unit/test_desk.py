"""What people, replies and time make of a case: stories about one store on a manual clock. It is open from 8:00 to
20:00, and 36:00 is noon of the second day."""

from datetime import UTC, datetime

import pytest

from pipeline.alerts.desk import SNOOZE_MS_MAX
from pipeline.alerts.trail import verify
from pipeline.engine import CASES_MAX, Engine
from schemas.codec import encode
from schemas.time import Millis
from schemas.unit import Department, Hours
from tests.timeline import Timeline, clock_of, time_of

OPEN = tuple(Hours(day=day, opens="08:00", closes="20:00") for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
SERVICE = Department(name="service", acknowledge_within=60, answer_within=120, resolve_within=300)
SAFETY = Department(name="safety", acknowledge_within=20, answer_within=60, resolve_within=240)


def store(unit_id: str = "store-17") -> Timeline:
    """A store with opening hours and two departments, whose region and brand are told after it."""
    story = Timeline(Engine(), unit_id=unit_id)
    story.settings("0:01", 1, "Elm Street", opening_hours=OPEN, departments=(SAFETY, SERVICE))
    return story


def hurt(clock: str = "36:00", story: Timeline | None = None, post: str = "p") -> Timeline:
    """One post tells of an injury: a case of the safety department."""
    story = story or store()
    story.word(clock, "ana", post=post, severe=("injury",))
    return story


def test_a_record_says_by_when() -> None:
    """From the first record on: acknowledge within twenty minutes, answer within the hour, resolve within four."""
    due = hurt().last.deadlines
    assert [time_of(clock) for clock in ("36:00", "36:20", "37:00", "40:00")] == [
        due.since, due.acknowledge_by, due.answer_by, due.resolve_by
    ]  # fmt: skip


def test_nobody_does_anything() -> None:
    """A warning before each deadline, then the region, then the brand; the night is nobody's time."""
    story = hurt("43:30")
    story.wait("60:00")
    assert [
        "43:30 opened", "43:45 deadline_warning", "43:50 escalated",
        "56:10 escalated", "56:15 deadline_warning", "56:30 escalated", "57:30 escalated", "58:30 deadline_warning",
        "59:30 escalated",
    ] == story.news(deadlines=True)  # fmt: skip
    told = [
        (one.deadlines.duty, one.deadlines.level, one.also_to) for one in story.records if one.change == "escalated"
    ]
    assert [
        ("acknowledge", 1, ("west",)), ("acknowledge", 2, ("west", "acme")), ("answer", 1, ("west", "acme")),
        ("answer", 2, ("west", "acme")), ("resolve", 1, ("west", "acme")),
    ] == told  # fmt: skip
    assert ("acknowledge", "answer", "resolve") == story.records[-1].deadlines.missed


def test_what_is_done_in_time_is_not_missed() -> None:
    """Acknowledged, answered, resolved before each warning: nobody is told of anything."""
    story = hurt()
    story.act("36:05", "acknowledge")
    story.act("36:30", "reply", note_ref="note:1")
    story.act("38:00", "resolve", resolution_code="refunded", we_did_ref="we_did:1")
    story.wait("90:00")
    assert [] == [one for one in story.news(deadlines=True) if "deadline" in one or "escalated" in one]
    work = story.last.work
    assert ((), "refunded", "we_did:1") == (story.last.deadlines.missed, work.resolution_code, work.we_did_ref)


def test_our_own_reply_stops_the_clock() -> None:
    """However it was sent: the case is answered by itself, nobody has done it, only the resolution is waited for."""
    story = hurt()
    story.answer("36:10", "p")
    assert ("answered", "answered", None, None) == (
        story.last.change, story.last.state, story.last.actor, story.last.action_id
    )  # fmt: skip
    answers = story.last.answers
    assert (1, 1, time_of("36:10")) == (answers.threads, answers.answered, answers.first_at)
    story.wait("39:00")
    assert ["36:00 opened", "36:10 answered", "39:00 deadline_warning"] == story.news(deadlines=True)


def test_a_reply_elsewhere_is_no_answer() -> None:
    """In a thread that is not part of the evidence, or to a case that is finished."""
    story = hurt()
    story.word("36:01", "somebody", mood="neutral", post="other")
    story.answer("36:02", "other")
    story.act("36:03", "resolve")
    story.answer("36:04", "p")
    assert ["36:00 opened", "36:03 resolved"] == story.news()


def test_worse_is_sooner() -> None:
    """What was an error becomes critical: the deadlines of a critical matter count from then on where they are
    sooner."""
    story = Timeline()
    story.word("36:00", "ana", post="p", severe=("injury",))
    before = story.last
    for number in range(2):
        story.word(f"36:{number + 5:02}", f"b{number}", post=f"q{number}", severe=("injury",))
    assert ("error", "critical", "grown") == (before.severity_label, story.last.severity_label, story.last.change)
    assert time_of("36:30") == before.deadlines.acknowledge_by
    assert time_of("36:21") == story.last.deadlines.acknowledge_by


def test_a_department_that_takes_over_begins_anew() -> None:
    """Rerouted to a department: open again, nobody's, with that department's deadlines."""
    story = hurt()
    story.act("36:05", "assign", assignee="bo")
    entry = story.act("36:10", "reroute", to_department="service", note_ref="note:1")
    last = story.last
    assert ("rerouted", "open", "service", None) == (
        last.change,
        last.state,
        last.labels.department,
        last.work.assignee,
    )
    assert time_of("37:10") == last.deadlines.acknowledge_by
    assert ("service", "note:1", "ana") == (entry.to_department, entry.note_ref, entry.actor)


@pytest.mark.parametrize(
    ("action", "said", "reason"),
    [
        ("assign", {"assignee": None}, "needs_assignee"),
        ("comment", {}, "needs_note"),
        ("reroute", {}, "needs_target"),
        ("reroute", {"to_department": "safety"}, "already_there"),
        ("reroute", {"to_department": "kitchen"}, "unknown_department"),
        ("reroute", {"to_unit": "store-17"}, "already_there"),
        ("snooze", {}, "needs_time"),
        ("snooze", {"until": time_of("36:00")}, "time_out_of_bounds"),
        ("snooze", {"until": Millis(time_of("37:00") + SNOOZE_MS_MAX)}, "time_out_of_bounds"),
        ("dismiss", {}, "needs_code"),
        ("publish", {"we_did_ref": "we_did:1"}, "not_from_this_state"),
        ("reopen", {}, "not_from_this_state"),
        ("resolve", {"refused": "from_the_future"}, "from_the_future"),
        ("reroute", {"to_unit": "nowhere", "refused": "unknown_unit"}, "unknown_unit"),
    ],
)
def test_what_is_refused_changes_nothing(action: str, said: dict[str, object], reason: str) -> None:
    """The actor gets a clear answer; the case, its state and its chain are as they were."""
    story = hurt()
    before = encode(story.log.units["store-17"].cases[story.last.alert_id].last)
    entry = story.act("36:10", action, **said)  # type: ignore[arg-type]
    assert (False, reason, 0, "open") == (entry.accepted, entry.reason, entry.number, entry.state)
    assert ["36:00 opened"] == story.news()
    case = story.log.units["store-17"].cases[story.last.alert_id]
    assert (before, 1) == (encode(case.last), case.entries)


def test_two_managers_at_once() -> None:
    """The second is told that it was done."""
    story = hurt()
    assert story.act("36:05", "acknowledge", actor="maria").accepted
    late = story.act("36:05", "acknowledge", actor="bo")
    assert (False, "not_from_this_state", "acknowledged") == (late.accepted, late.reason, late.state)


def test_hidden_until() -> None:
    """A snooze is a note of when to look again; the deadlines go on."""
    story = hurt()
    story.act("36:05", "snooze", until=time_of("60:00"))
    assert ("open", time_of("60:00")) == (story.last.state, story.last.work.snoozed_until)
    story.wait("36:20")
    assert ["36:15 deadline_warning", "36:20 escalated"] == story.news(deadlines=True)[-2:]


def test_what_we_did_may_be_shown() -> None:
    """Only what is resolved, and only with a text."""
    story = hurt()
    story.act("36:05", "resolve")
    assert "needs_text" == story.act("36:06", "publish").reason
    assert story.act("36:07", "publish", we_did_ref="we_did:1").accepted
    assert (True, "we_did:1", "resolved") == (
        story.last.work.published, story.last.work.we_did_ref, story.last.state
    )  # fmt: skip


def test_a_case_moves_to_another_unit() -> None:
    """With its id, its numbers, its chain and its evidence; open there, with that unit's deadlines; nothing is left
    here but the way to it."""
    one, other = hurt(), store("store-18")
    one.act("36:05", "assign", assignee="bo")
    one.act("36:10", "reroute", to_unit="store-18", note_ref="note:1")
    left = one.last
    assert ("rerouted", "quiet", "store-18") == (left.change, left.status, left.work.moved_to)
    other.receive("36:11", one.transfers[-1])
    came = other.last
    assert ("rerouted", "open", "store-18", "store-17") == (
        came.change, came.state, came.labels.unit_id, came.work.moved_from
    )  # fmt: skip
    assert (left.alert_id, left.sequence + 1, left.evidence) == (came.alert_id, came.sequence, came.evidence)
    assert time_of("36:30") == came.deadlines.acknowledge_by
    assert other.act("36:20", "acknowledge").accepted
    assert ("moved", "store-18") == (lambda entry: (entry.reason, entry.to_unit))(
        one.act("36:21", "acknowledge", alert_id=left.alert_id)
    )
    entries = [entry for entry in (*one.entries, *other.entries) if entry.number]
    assert verify(encode(entry) for entry in entries) is None
    assert list(range(1, len(entries) + 1)) == [entry.number for entry in entries]


def test_a_case_may_come_back() -> None:
    """There and back again: its old unit takes it as a case of its own."""
    one, other = hurt(), store("store-18")
    one.act("36:10", "reroute", to_unit="store-18")
    other.receive("36:11", one.transfers[-1])
    other.act("36:20", "reroute", to_unit="store-17")
    one.receive("36:21", other.transfers[-1])
    assert ("open", "store-17") == (one.last.state, one.last.labels.unit_id)
    assert one.act("36:30", "resolve").accepted


def test_a_case_that_comes_twice_came_once() -> None:
    """A log that is worked through again says its transfers again: whether the case is done by then, or gone on, or
    back where it was, nothing happens."""
    one, other = hurt(), store("store-18")
    one.act("36:10", "reroute", to_unit="store-18")
    there = one.transfers[-1]
    other.receive("36:11", there)
    other.act("36:15", "resolve")
    for at in ("36:16", "36:25"):
        told = len(other.entries)
        other.receive(at, there)
        assert told == len(other.entries)
        if at == "36:16":
            other.act("36:20", "reopen")
            other.act("36:21", "reroute", to_unit="store-17")
    one.receive("36:30", other.transfers[-1])
    one.act("36:31", "resolve")
    one.receive("36:32", other.transfers[-1])
    assert ("resolved", "store-17") == (one.last.state, one.last.labels.unit_id)


def test_the_same_again_after_it_moved_is_a_new_alert() -> None:
    """What is said here once more is this unit's matter."""
    story = hurt()
    first = story.last.alert_id
    story.act("36:10", "reroute", to_unit="store-18")
    hurt("36:40", story, post="again")
    assert ("opened", 1, True) == (story.last.change, story.last.sequence, story.last.alert_id != first)


def test_what_is_confidential_stays_at_head_office() -> None:
    """It cannot be sent to another unit, and nobody above is told when it is late."""
    story = store()
    story.settings("0:02", 2, "Elm Street", confidential=("injury",))
    hurt("36:00", story)
    assert "acme" == story.last.addressed_to
    assert "confidential" == story.act("36:01", "reroute", to_unit="store-18").reason
    story.wait("48:00")
    late = [one for one in story.records if one.change == "escalated"]
    assert late and all(one.also_to == () and one.deadlines.told == () for one in late)


# Recovery


@pytest.mark.parametrize(
    ("scores", "consent", "opens"),
    [
        ({"csat": 2}, True, True), ({"csat": 3}, True, False), ({"csat": 2}, False, False),
        ({"nps": 6}, True, True), ({"nps": 7}, True, False), ({"rating": 2.0}, True, True),
        ({"rating": 2.5}, True, False), ({"ces": 7}, True, False), ({}, True, False),
    ],
)  # fmt: skip
def test_a_low_score_with_consent_opens_a_case(scores: dict[str, float], consent: bool, opens: bool) -> None:
    """At once, with the customer's reference, whatever the statistics say."""
    story = store()
    story.feedback("36:00", "C-1", consent=consent, **scores)
    assert opens == bool(story.alerts)
    if opens:
        first = story.last
        assert ("opened", "CustomerRecovery", "C-1") == (first.change, first.labels.alertname, first.work.customer_ref)


def test_what_the_same_customer_says_joins() -> None:
    """Low or not, soon or a week later, as long as the case is unfinished; another customer is another case."""
    story = store()
    first = story.feedback("36:00", "C-1", csat=1)
    alert = story.last.alert_id
    second = story.feedback("37:00", "C-1", csat=5)
    story.feedback("37:30", "C-2", csat=1)
    story.wait("100:00")
    story.news()
    third = story.feedback("200:00", "C-1", csat=2)
    assert ["200:00 reopened"] == story.news()
    assert alert == story.last.alert_id
    fourth = story.feedback("200:01", "C-1", consent=False, csat=2)
    assert {third, fourth} <= {one.post_id for one in story.last.evidence}
    assert {first, second} <= {one.post_id for record in story.alerts for one in record.evidence}
    assert 2 == len({one.alert_id for one in story.alerts})


def test_what_is_finished_is_finished() -> None:
    """After the resolution praise joins nothing, and a new low score is a new case."""
    story = store()
    story.feedback("36:00", "C-1", csat=1)
    story.act("36:10", "resolve")
    story.wait("90:00")
    story.news()
    story.feedback("91:00", "C-1", csat=5)
    assert [] == story.news()
    story.feedback("92:00", "C-1", csat=1)
    assert ["92:00 opened"] == story.news()


def test_too_many_cases_are_not_dropped_in_silence() -> None:
    """The oldest that nobody has worked on is given up, with a record that says so."""
    story = store()
    for number in range(CASES_MAX):
        story.feedback(clock_of(time_of("36:00") + number), f"C-{number}", csat=1)
    story.wait("96:00")
    story.news()
    story.feedback("97:00", "C-new", csat=1)
    assert ["97:00 opened", "97:00 dismissed"] == story.news()
    assert ("too_many_open", None, "dismissed") == (
        story.entries[-1].reason, story.entries[-1].actor, story.entries[-1].state
    )  # fmt: skip
    assert CASES_MAX == len(story.log.units["store-17"].cases)


def test_new_hours_count_from_now_on() -> None:
    """The store closes for the day: what has not been told yet comes tomorrow."""
    story = hurt()
    today = datetime.fromtimestamp(time_of("36:00") / 1000, UTC).date().isoformat()
    story.settings("36:10", 2, "Elm Street", opening_hours=OPEN, departments=(SAFETY,), holidays=(today,))
    story.wait("60:00")
    assert "56:15 deadline_warning" in story.news(deadlines=True)
