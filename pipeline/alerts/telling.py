"""The next record of an alert, and the entry of its case that says the same.

In: a case, what changed, who did it or what happened by itself. Out: Alert and CaseEntry, in this order. The one rule:
there is no record without an entry, and no entry of the chain without a record.
"""

from typing import Any

import msgspec

from pipeline.alerts.deadlines import Reminder
from pipeline.alerts.lifecycle import Refusal
from pipeline.alerts.trail import seal
from pipeline.state import Case
from schemas.alert import Alert, AlertChange
from schemas.case import CaseEntry
from schemas.event import UnitAction
from schemas.time import Millis


def tell(
    case: Case,
    change: AlertChange,
    at_ms: int,
    *,
    action: UnitAction | None = None,
    reminder: Reminder | None = None,
    reason: str = "done",
) -> tuple[Alert, CaseEntry]:
    """What has changed is in the case already. `reason`: why, where it happened by itself for one."""
    last = case.last
    case.last = last = msgspec.structs.replace(
        last,
        change=change,
        sequence=last.sequence + 1,
        detected_at=Millis(max(last.detected_at, at_ms)),
        status="quiet" if case.ended_ms is not None else "firing",
        ends_at=None if case.ended_ms is None else Millis(case.ended_ms),
        actor=action.actor if action else None,
        action_id=action.id if action else None,
        answers=msgspec.structs.replace(last.answers, threads=len(case.threads), answered=len(case.answered)),
    )
    entry = seal(
        CaseEntry(
            alert_id=last.alert_id,
            unit_id=last.labels.unit_id,
            addressed_to=last.addressed_to,
            number=0,
            sequence=last.sequence,
            change=change,
            status=last.status,
            state=last.state,
            severity=last.severity,
            department=last.labels.department,
            duty=reminder.duty if reminder else None,
            level=reminder.level if reminder else None,
            told=(reminder.to,) if reminder and reminder.to else (),
            reason=reason,
            event_time=last.detected_at,
            **(_said(action) if action else {}),
        ),
        case.entries + 1,
        case.hash,
    )
    case.entries, case.hash = entry.number, entry.hash
    return last, entry


def refuse(action: UnitAction, last: Alert | None, reason: Refusal | str, moved_to: str | None = None) -> CaseEntry:
    """The answer to an action that has changed nothing. `last`: the alert's last record, if there is one here."""
    said = _said(action)
    if moved_to is not None:
        said["to_unit"] = moved_to
    return CaseEntry(
        alert_id=action.alert_id,
        unit_id=action.unit_id,
        addressed_to=last.addressed_to if last else None,
        number=0,
        sequence=last.sequence if last else 0,
        accepted=False,
        reason=str(reason),
        status=last.status if last else None,
        state=last.state if last else None,
        event_time=action.event_time,
        **said,
    )


def _said(action: UnitAction) -> dict[str, Any]:
    """What an action says, in the entry's words."""
    return {
        "action_id": action.id,
        "action": action.action,
        "actor": action.actor,
        "note_ref": action.note_ref,
        "we_did_ref": action.we_did_ref,
        "resolution_code": action.resolution_code,
        "dismissal_code": action.dismissal_code,
        "assignee": action.assignee,
        "to_unit": action.to_unit,
        "to_department": action.to_department,
        "until": action.until,
    }
