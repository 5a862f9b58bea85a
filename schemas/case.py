"""The history of a case on `cem.cases` (key: the unit that its alert is addressed to): one entry for each record of its
alert, and the answer to each action.

Entries of one alert are a chain: `hash` is the SHA-256 of the entry's own bytes without it, and these hold the `hash`
of the entry before (`pipeline/alerts/trail.py`). An action that was refused has changed nothing: its answer has
`number` 0 and is no link of the chain.
"""

from schemas.action import ActionName, DismissalCode
from schemas.alert import AlertChange, AlertState, AlertStatus, Duty
from schemas.record import Record
from schemas.time import Millis


class CaseEntry(Record, frozen=True, kw_only=True):
    """`number`: its place in the chain, from 1. `sequence`: the alert's record that says the same. `accepted` is False
    where an action was refused; then `reason` says why. `actor` None: it happened by itself (`change` says what).
    `duty`, `level`, `told`: of a warning or an escalation. Texts are references into `cem.texts`: they can be erased,
    the chain stays whole. `hash` is the last field, so that it can be cut off."""

    alert_id: str
    unit_id: str
    addressed_to: str | None = None
    number: int
    sequence: int
    change: AlertChange | None = None
    action_id: str | None = None
    action: ActionName | None = None
    actor: str | None = None
    accepted: bool = True
    reason: str = "done"
    status: AlertStatus | None = None
    state: AlertState | None = None
    severity: int | None = None
    department: str | None = None
    note_ref: str | None = None
    we_did_ref: str | None = None
    resolution_code: str | None = None
    dismissal_code: DismissalCode | None = None
    assignee: str | None = None
    to_unit: str | None = None
    to_department: str | None = None
    until: Millis | None = None
    duty: Duty | None = None
    level: int | None = None
    told: tuple[str, ...] = ()
    event_time: Millis
    previous: str = ""
    hash: str = ""
