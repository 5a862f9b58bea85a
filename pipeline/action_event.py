"""An action on its way into the log of its unit. In: an Action, the directory, the clock. Out: a UnitAction, and its
texts for `cem.texts`.

The one rule: the log holds no text, only references to it; and what the log cannot see for itself (which units there
are, what time it is) is decided here and answered there.
"""

from pipeline.alerts.lifecycle import Refusal
from pipeline.directory import Directory
from pipeline.hiding import hide
from pipeline.text.normalise import normalise
from pipeline.text.redaction import mask
from schemas.action import Action
from schemas.event import UnitAction
from schemas.record import Source
from schemas.text import StoredText


def event_of(action: Action, refused: Refusal | None, source: Source) -> UnitAction:
    """`refused`: why it must not take effect."""
    return UnitAction(
        id=action.id,
        alert_id=action.alert_id,
        unit_id=action.unit_id,
        action=action.action,
        actor=action.actor,
        note_ref=_note_ref(action) if action.note else None,
        we_did_ref=_we_did_ref(action) if action.we_did else None,
        resolution_code=action.resolution_code,
        dismissal_code=action.dismissal_code,
        assignee=action.assignee,
        to_unit=action.to_unit,
        to_department=action.to_department,
        until=action.until,
        refused=refused,
        event_time=action.event_time,
        source=source,
    )


def texts_of(action: Action, directory: Directory) -> list[StoredText]:
    """Its texts, masked: they go where all text goes."""
    found = ((_note_ref(action), action.note), (_we_did_ref(action), action.we_did))
    return [_stored(ref, text, action, directory) for ref, text in found if text]


def why_refused(action: Action, clock_ms: int, future_ms: int, directory: Directory) -> Refusal | None:
    """`clock_ms`: the stream clock, negative while there is none. `future_ms`: how far ahead of it is far enough."""
    if action.to_unit is not None and action.to_unit not in directory.units:
        return Refusal.UNKNOWN_UNIT
    return Refusal.FROM_THE_FUTURE if 0 <= clock_ms < action.event_time - future_ms else None


def _stored(ref: str, text: str, action: Action, directory: Directory) -> StoredText:
    masked = hide(mask(normalise(text)), (action.unit_id,), directory)
    return StoredText(id=ref, text=masked.text, masked=masked.kinds, event_time=action.event_time)


def _note_ref(action: Action) -> str:
    return f"note:{action.id}"


def _we_did_ref(action: Action) -> str:
    return f"we_did:{action.id}"
