"""The case side of an alert: which action leads from which state to which, and why a step is refused.

In: the state of the case and an action. Out: a Step (new state and the change it makes) or a Refusal, never a bare
bool. The signal side (`status`) is none of its business.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from schemas.action import ActionName
from schemas.alert import AlertChange, AlertState
from schemas.event import UnitAction


class Refusal(StrEnum):
    """Why an action changed nothing."""

    UNKNOWN_ALERT = "unknown_alert"
    MOVED = "moved"
    ALREADY_DONE = "already_done"
    NOT_FROM_THIS_STATE = "not_from_this_state"
    NEEDS_CODE = "needs_code"
    NEEDS_ASSIGNEE = "needs_assignee"
    NEEDS_NOTE = "needs_note"
    NEEDS_TARGET = "needs_target"
    NEEDS_TIME = "needs_time"
    NEEDS_TEXT = "needs_text"
    TIME_OUT_OF_BOUNDS = "time_out_of_bounds"
    UNKNOWN_UNIT = "unknown_unit"
    UNKNOWN_DEPARTMENT = "unknown_department"
    ALREADY_THERE = "already_there"
    CONFIDENTIAL = "confidential"
    FROM_THE_FUTURE = "from_the_future"


class Step(NamedTuple):
    """A step that is taken."""

    state: AlertState
    change: AlertChange


UNFINISHED: Final[frozenset[AlertState]] = frozenset(("open", "acknowledged", "assigned", "answered"))
_FINISHED: Final[frozenset[AlertState]] = frozenset(("resolved", "verified", "dismissed"))


def _all_to(target: AlertState, *states: AlertState) -> dict[AlertState, AlertState]:
    return dict.fromkeys(states, target)


def _as_they_are(*states: AlertState) -> dict[AlertState, AlertState]:
    return {state: state for state in states}


STEPS: Final[dict[ActionName, tuple[AlertChange, dict[AlertState, AlertState]]]] = {
    "acknowledge": ("acknowledged", _all_to("acknowledged", "open")),
    "assign": (
        "assigned", {**_all_to("assigned", "open", "acknowledged", "assigned"), **_as_they_are("answered")},
    ),
    "comment": ("commented", _as_they_are(*UNFINISHED, *_FINISHED)),
    "reply": ("answered", _all_to("answered", *UNFINISHED)),
    "reroute": ("rerouted", _all_to("open", *UNFINISHED)),
    "snooze": ("snoozed", _as_they_are(*UNFINISHED)),
    "resolve": ("resolved", _all_to("resolved", *UNFINISHED)),
    "dismiss": ("dismissed", _all_to("dismissed", *UNFINISHED)),
    "reopen": ("reopened", _all_to("open", *_FINISHED)),
    "publish": ("published", _as_they_are("resolved", "verified")),
}  # fmt: skip
"""What an action says of an alert, and from which state it leads to which."""


def take(state: AlertState, action: UnitAction) -> Step | Refusal:
    """The step that `action` makes from `state`, or why it makes none. Whether what it refers to is there is asked
    elsewhere (`desk`)."""
    change, targets = STEPS[action.action]
    target = targets.get(state)
    if target is None:
        return Refusal.NOT_FROM_THIS_STATE
    return _lacks(action) or Step(target, change)


def _lacks(action: UnitAction) -> Refusal | None:
    """What the action needs and does not say."""
    match action.action:
        case "dismiss" if action.dismissal_code is None:
            return Refusal.NEEDS_CODE
        case "assign" if action.assignee is None:
            return Refusal.NEEDS_ASSIGNEE
        case "comment" if action.note_ref is None:
            return Refusal.NEEDS_NOTE
        case "reroute" if action.to_unit is None and action.to_department is None:
            return Refusal.NEEDS_TARGET
        case "snooze" if action.until is None:
            return Refusal.NEEDS_TIME
    return None


def finished(state: AlertState) -> bool:
    """Nobody has to do anything about it any more."""
    return state in _FINISHED
