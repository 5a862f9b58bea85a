"""Which messages are due and what is in each, as timelines."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.notify.plan import CHANGES_MAX, OPEN_MESSAGES_MAX, PARTS_MAX, Delivery
from pipeline.notify.retry import DELAY_S_MAX, delay_s, next_try
from schemas.alert import Work
from schemas.time import HOUR_MS, MINUTE_MS, parse_time
from tests.notify_desk import NIGHT, Desk
from tests.notify_examples import NOON, alert, recipient

MIDNIGHT = parse_time("2026-01-31T23:00:00Z")
MORNING = parse_time("2026-02-01T06:00:00Z")


def told(deliveries: list[Delivery]) -> list[list[tuple[str, list[int]]]]:
    """For each message its alerts and their sequences."""
    return [
        [(part.alert.alert_id, [change.sequence for change in part.changes]) for part in one.message.parts]
        for one in deliveries
    ]


def test_changes_of_a_unit_within_the_group_time_are_one_message() -> None:
    """The first waits 20 seconds; what came about the unit until then, of any alert, goes with it; others do not."""
    desk = Desk()
    desk.take(alert(1))
    desk.now_ms += 10_000
    desk.take(alert(1, 2, "grown"), alert(2), alert(3, unit="store-18"))
    assert [] == desk.round()
    assert NOON + 20_000 == desk.plan.next_at()
    desk.now_ms = NOON + 20_000
    [one] = desk.round()
    assert [[(alert(1).alert_id, [1, 2]), (alert(2).alert_id, [1])]] == told([one])
    assert (NOON + 20_000, NOON + 20_000) == (one.message.made_at, one.due_at)
    desk.now_ms += 10_000
    assert [[(alert(3, unit="store-18").alert_id, [1])]] == told(desk.round())


@pytest.mark.parametrize("fields", [{"severity": 9}, {"alertname": "SeverePost"}])
def test_what_is_severe_goes_at_once_and_takes_others_along(fields: dict[str, Any]) -> None:
    """Neither the group time nor quiet hours hold it."""
    desk = Desk(recipient(quiet_hours=NIGHT))
    desk.take(alert(1))
    desk.take(alert(2, **fields))
    assert [[(alert(2).alert_id, [1]), (alert(1).alert_id, [1])]] == [sorted(told(desk.round())[0], reverse=True)]
    desk.now_ms = MIDNIGHT
    desk.take(alert(3, **fields))
    assert [[(alert(3).alert_id, [1])]] == told(desk.round())


def test_quiet_hours_end_with_one_summary() -> None:
    """All that came in the night, about any unit, is one message in the morning."""
    desk = Desk(recipient(quiet_hours=NIGHT), now_ms=MIDNIGHT)
    desk.take(alert(1), alert(1, 2, "resolved"), alert(2, unit="store-18"))
    assert MORNING == desk.plan.next_at()
    desk.now_ms = MORNING - 1
    assert [] == desk.round()
    desk.now_ms = MORNING
    [one] = desk.round()
    assert {alert(1).alert_id, alert(2, unit="store-18").alert_id} == {
        part.alert.alert_id for part in one.message.parts
    }


def test_what_becomes_severe_in_the_night_is_told_in_the_night() -> None:
    """With what was held back of the same alert; the others still wait."""
    desk = Desk(recipient(quiet_hours=NIGHT), now_ms=MIDNIGHT)
    desk.take(alert(1), alert(2), alert(1, 2, "grown", severity=9))
    assert [[(alert(1).alert_id, [1, 2])]] == told(desk.round())


def test_what_a_slow_message_kept_back_is_not_told_in_the_night_either() -> None:
    """It was due in the evening, the message before it came through at midnight: it waits for the morning."""
    desk = Desk(recipient(quiet_hours=NIGHT), now_ms=parse_time("2026-01-31T20:00:00Z"))
    desk.take(alert(1, severity=4))
    desk.now_ms += 20_000
    [first] = desk.round()
    desk.take(alert(1, 2, "grown"))
    desk.now_ms = MIDNIGHT
    desk.settle(first, "delivered")
    assert [] == desk.round()
    desk.now_ms = MORNING
    assert [[(alert(1).alert_id, [2])]] == told(desk.round())


def test_a_retry_waits_for_the_morning_too() -> None:
    """But that of a critical alert does not."""
    desk = Desk(recipient(quiet_hours=NIGHT), now_ms=parse_time("2026-01-31T20:00:00Z"))
    desk.take(alert(1), alert(2, unit="store-18", severity=9))
    desk.now_ms += 20_000
    slow = {one.message.parts[0].alert.severity: one for one in desk.round()}
    desk.now_ms = MIDNIGHT - MINUTE_MS
    for one in slow.values():
        desk.settle(one, "again")
    desk.now_ms = MIDNIGHT
    assert [9] == [one.message.parts[0].alert.severity for one in desk.round()]
    desk.now_ms = MORNING
    [one] = desk.round()
    assert (4, MORNING) == (one.message.parts[0].alert.severity, one.since), "the night is no time of trying"


def test_pagerduty_gets_a_message_for_each_alert() -> None:
    """There, an incident is one alert."""
    desk = Desk(recipient(kind="pagerduty", group_seconds=0))
    desk.take(alert(1), alert(2), alert(1, 2, "acknowledged"))
    assert [[(alert(1).alert_id, [1, 2])], [(alert(2).alert_id, [1])]] == told(desk.round())


@pytest.mark.parametrize("which", [{"departments": ("kitchen",)}, {"people": ("ana",)}])
def test_an_incident_ends_though_the_case_is_somebody_elses_by_then(which: dict[str, Any]) -> None:
    """It would stay open in PagerDuty for ever. What others do about the case meanwhile wakes nobody here; and who was
    never told of it is not told of its end."""
    told_of, never = (recipient(name, kind="pagerduty", group_seconds=0, **which) for name in ("told", "never"))
    mine = {"department": "kitchen", "work": Work(assignee="ana")}
    others = {"department": "service", "work": Work(assignee="bo")}
    desk = Desk(told_of)
    desk.take(alert(1, 1, "opened", **mine))
    desk.take(alert(1, 2, "rerouted", **others), alert(1, 3, "escalated", **others))
    desk.take(alert(1, 4, "resolved", state="resolved", **others))
    assert [[("store-17-0000000000000001", [1, 4])]] == told(desk.round())
    other = Desk(never)
    other.take(alert(1, 4, "resolved", state="resolved", **others))
    assert [] == other.round()


def test_an_alert_that_was_sent_to_another_unit_is_told_in_full() -> None:
    """The records of both units count, whichever is read first."""
    desk = Desk(recipient(group_seconds=0))
    here = alert(1, 2, "rerouted", unit="store-18", alert_id="moved")
    desk.take(here, alert(1, 1, unit="store-17", alert_id="moved"))
    assert {("moved", (2,)), ("moved", (1,))} == {
        (one, tuple(sequences)) for message in told(desk.round()) for one, sequences in message
    }


def test_messages_that_do_not_get_through_let_changes_join() -> None:
    """So many are open at once; the rest of a unit's changes becomes one message when there is room."""
    desk = Desk(recipient(group_seconds=0))
    first = []
    for number in range(OPEN_MESSAGES_MAX + 5):
        desk.take(alert(number))
        first += desk.round()
    assert OPEN_MESSAGES_MAX == len(first)
    assert None is desk.plan.next_at(lambda one: one.message.id in desk.under_way)
    desk.settle(first[0], "delivered")
    assert [5] == [len(one.message.parts) for one in desk.round()]


def test_messages_and_changes_are_bounded() -> None:
    """A message has a hundred alerts at most; of an alert's changes the last hundred are listed, the others counted."""
    desk = Desk(recipient(quiet_hours=NIGHT, group_seconds=0), now_ms=MIDNIGHT)
    desk.take(*(alert(number) for number in range(PARTS_MAX + 1)))
    desk.take(*(alert(0, sequence, "grown") for sequence in range(2, CHANGES_MAX + 4)))
    desk.now_ms = MORNING
    found = desk.round()
    assert sorted([PARTS_MAX, 1]) == sorted(len(one.message.parts) for one in found)
    noisy = next(part for one in found for part in one.message.parts if part.alert.alert_id == alert(0).alert_id)
    assert (CHANGES_MAX, 3, CHANGES_MAX + 3) == (
        len(noisy.changes), noisy.changes_left_out, noisy.changes[-1].sequence
    )  # fmt: skip


def test_nobody_is_told_of_evidence() -> None:
    """What is kept and sent has no posts and no authors; how many there were is counted."""
    desk = Desk(recipient(group_seconds=0))
    desk.take(alert())
    [one] = desk.round()
    assert ((), 3) == (one.message.parts[0].alert.evidence, one.message.parts[0].alert.evidence_left_out)
    assert not any(b"hmac" in value for value in desk.kept.values())


def test_who_is_no_recipient_any_more_is_told_nothing() -> None:
    """What waited for him is dropped and counted, and does not come back with him."""
    desk = Desk(recipient("ana"), recipient("bo"))
    desk.take(alert(1))
    desk.keep()
    desk.crash(recipient("bo"))
    desk.keep()
    assert 1 == desk.plan.dropped
    desk.now_ms += HOUR_MS
    assert ["bo"] == [one.recipient.name for one in desk.round()]
    desk.crash(recipient("ana"))
    assert [] == desk.round()


def test_old_marks_are_forgotten() -> None:
    """As Kafka forgets them; what is still to be told is not."""
    desk = Desk(recipient(group_seconds=0))
    desk.take(alert(1))
    [one] = desk.round()
    desk.settle(one, "delivered")
    desk.take(alert(2))
    desk.keep()
    assert 0 == desk.plan.forget(NOON + 29 * 24 * HOUR_MS)
    assert 1 == desk.plan.forget(NOON + 31 * 24 * HOUR_MS)
    assert [[(alert(2).alert_id, [1])]] == told(desk.round())


@given(st.integers(1, 200), st.floats(0, 1), st.floats(0, 7200))
def test_delays_grow_are_bounded_and_respect_what_was_asked(tries: int, random: float, after_s: float) -> None:
    """A random share of a time that doubles, half an hour at most, but not sooner than the recipient said."""
    found = delay_s(tries, 2.0, random, after_s)
    assert after_s <= found <= max(min(2.0 * 2.0 ** (tries - 1), DELAY_S_MAX), after_s)
    assert delay_s(tries, 2.0, 1.0) <= delay_s(tries + 1, 2.0, 1.0)


def test_a_message_is_given_up_after_so_many_tries_or_hours() -> None:
    """What comes first."""
    person = recipient(tries_max=3, give_up_hours=1.0)
    assert NOON + 4_000 == next_try(person, NOON, 2, NOON, 1.0, 0.0)
    assert None is next_try(person, NOON, 3, NOON, 1.0, 0.0)
    assert None is next_try(person, NOON, 1, NOON + HOUR_MS, 1.0, 0.0)
    assert None is next_try(person, NOON, 1, NOON, 0.0, 3601.0)
