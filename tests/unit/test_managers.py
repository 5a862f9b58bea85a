"""Simulated managers: the same seed does the same, every way of dealing with an alert comes, all of it is allowed."""

from collections import Counter
from pathlib import Path
from random import Random
from typing import get_args

import msgspec
import pytest

from pipeline.alerts.lifecycle import Refusal, take
from pipeline.evaluation.managers import ROUND, Managers, Way
from pipeline.evaluation.sites import directory
from schemas.action import Action, ActionName
from schemas.alert import Alert, AlertState, Deadlines
from schemas.codec import Codec
from schemas.event import UnitAction
from schemas.record import Source
from schemas.time import HOUR_MS, MINUTE_MS, Millis
from tests.streams import START_MS

PARENTS, SITES = directory(Random(1), 11)
UNITS = [*PARENTS, *(site.unit for site in SITES)]
GOLDEN = Codec[Alert](Alert).decode((Path(__file__).parents[1] / "golden" / "alert.full.json").read_bytes())
BY = Millis(START_MS + 30 * MINUTE_MS)


def alert(number: int, **changes: object) -> Alert:
    """The `number`th, about a unit of its own, to be acknowledged within half an hour."""
    unit = SITES[number % len(SITES)].unit
    labels = msgspec.structs.replace(GOLDEN.labels, unit_id=unit.id, department=unit.departments[0].name)
    opened = msgspec.structs.replace(
        GOLDEN, alert_id=f"{unit.id}-{number:016x}", change="opened", state="open", addressed_to=None, labels=labels,
        deadlines=Deadlines(since=Millis(START_MS), acknowledge_by=BY),
    )  # fmt: skip
    return msgspec.structs.replace(opened, **changes)


def one_round(seed: int = 0) -> dict[int, list[Action]]:
    """What becomes of as many alerts as there are places in a round."""
    managers = Managers(seed, UNITS)
    return {number: managers.notice(alert(number), START_MS) for number in range(len(ROUND))}


def test_the_same_seed_does_the_same() -> None:
    """And another one something else."""
    assert one_round(3) == one_round(3)
    assert one_round(3) != one_round(4)


def test_a_round_shows_every_action_and_every_way() -> None:
    """So that a small demo shows all states."""
    assert {*Way} == {*ROUND}
    done = Counter(action.action for actions in one_round().values() for action in actions)
    assert {*get_args(ActionName)} - {"reply"} <= {*done}
    asked = alert(0, labels=msgspec.structs.replace(alert(0).labels, alertname="CustomerRecovery"))
    assert "reply" in {action.action for action in Managers(0, UNITS).notice(asked, START_MS)}


@pytest.mark.parametrize("seed", range(len(ROUND)))
def test_what_managers_do_is_allowed(seed: int) -> None:
    """From each state to the next, one after the other, none before anybody knows of it."""
    for actions in one_round(seed).values():
        state: AlertState = "open"
        times = [action.event_time for action in actions]
        assert times == sorted({*times}), "in order, no two at once"
        assert all(time > START_MS for time in times)
        for action in actions:
            said = {
                name: getattr(action, name) for name in ("id", "alert_id", "unit_id", "action", "actor", "assignee")
            }
            said |= {name: getattr(action, name) for name in ("to_unit", "to_department", "until", "dismissal_code")}
            note = "note" if action.note else None
            source = Source(topic="cem.actions", partition=0, offset=0)
            step = take(state, UnitAction(**said, note_ref=note, event_time=action.event_time, source=source))
            assert not isinstance(step, Refusal), (action, step)
            assert action.until is None or 0 < action.until - action.event_time < 3 * HOUR_MS
            state = step.state


def test_some_are_in_time_and_some_are_late() -> None:
    """Before the deadline or behind it, as the way says."""
    for number, actions in one_round().items():
        way = ROUND[number]
        if way in (Way.IN_TIME, Way.DISMISSED, Way.SNOOZED, Way.CAME_BACK):
            assert actions[0].event_time < BY
        elif way is Way.LATE:
            assert actions[0].event_time > BY
        elif way is Way.NEVER:
            assert actions == []


def test_an_alert_is_noticed_once_and_late_if_it_has_to_be() -> None:
    """What is known, or is no opening, makes nobody act; whoever hears of it late acts at once."""
    managers = Managers(0, UNITS)
    assert managers.notice(alert(0, change="grown"), START_MS) == []
    late = managers.notice(alert(0), BY + HOUR_MS)
    assert BY + HOUR_MS < late[0].event_time <= BY + HOUR_MS + MINUTE_MS
    assert managers.notice(alert(0), START_MS) == []


def test_what_is_confidential_stays_with_head_office() -> None:
    """Whatever way it would have gone."""
    for seed in range(len(ROUND)):
        actions = Managers(seed, UNITS).notice(alert(1, addressed_to="pellamoor"), START_MS)
        assert {"head-office"} == {action.actor for action in actions}
        assert "reroute" not in {action.action for action in actions}
