"""The case side of an alert: which action leads from which state to which, and why a step is refused.

In: the state of the case and an action. Out: a Step (new state and the change it makes) or a Refusal, never a bare
bool. The signal side (`status`) is none of its business.
"""

from enum import StrEnum
from typing import NamedTuple

from schemas.action import ActionName
from schemas.alert import AlertChange, AlertState
from schemas.event import UnitAction


class Refusal(StrEnum):
    """Why an action changed nothing."""

    UNKNOWN_ALERT = "unknown_alert"
    ALREADY_DONE = "already_done"
    NOT_FROM_THIS_STATE = "not_from_this_state"
    NEEDS_CODE = "needs_code"
    NOT_OFFERED = "not_offered"


class Step(NamedTuple):
    """A step that is taken."""

    state: AlertState
    change: AlertChange


_UNFINISHED: frozenset[AlertState] = frozenset(("open", "acknowledged", "assigned", "answered"))
_FINISHED: frozenset[AlertState] = frozenset(("resolved", "verified", "dismissed"))

_STEPS: dict[ActionName, tuple[frozenset[AlertState], AlertState, AlertChange]] = {
    "acknowledge": (frozenset(("open",)), "acknowledged", "acknowledged"),
    "assign": (frozenset(("open", "acknowledged", "assigned")), "assigned", "assigned"),
    "resolve": (_UNFINISHED, "resolved", "resolved"),
    "dismiss": (_UNFINISHED, "dismissed", "dismissed"),
    "reopen": (_FINISHED, "open", "reopened"),
}


def take(state: AlertState, action: UnitAction) -> Step | Refusal:
    """The step that `action` makes from `state`, or why it makes none."""
    rule = _STEPS.get(action.action)
    if rule is None:
        return Refusal.NOT_OFFERED
    allowed, target, change = rule
    if state not in allowed:
        return Refusal.NOT_FROM_THIS_STATE
    if action.action == "dismiss" and action.dismissal_code is None:
        return Refusal.NEEDS_CODE
    return Step(target, change)


def finished(state: AlertState) -> bool:
    """Nobody has to do anything about it any more."""
    return state in _FINISHED
