"""What became of an action: the history of a case on `cem.cases` (key: the unit that its alert is addressed to). Also
the answer to the actor."""

from schemas.action import ActionName
from schemas.alert import AlertState, AlertStatus
from schemas.record import Record
from schemas.time import Millis


class CaseEntry(Record, frozen=True, kw_only=True):
    """`accepted` is False where the step was refused; then `reason` says why and nothing has changed. `addressed_to`:
    where the alert was, if that is not its unit."""

    alert_id: str
    unit_id: str
    addressed_to: str | None = None
    sequence: int
    action_id: str
    action: ActionName
    actor: str
    accepted: bool
    reason: str
    status: AlertStatus | None = None
    state: AlertState | None = None
    note_ref: str | None = None
    resolution_code: str | None = None
    dismissal_code: str | None = None
    event_time: Millis
