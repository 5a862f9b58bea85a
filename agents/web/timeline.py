"""The history of a case as lines to read. In: entries, the oldest first. Out: Lines, the newest first.

The one rule: what was refused is shown too, with why; nothing is left out or put together.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from agents.web import words
from agents.web.access import Viewer
from agents.web.cards import shown_place
from agents.web.model import Model
from agents.web.moments import Moment, moment
from agents.web.show import Cut, cut
from schemas.alert import Alert
from schemas.case import CaseEntry

NOTE_SHOWN: Final = 400
_NO_REASON: Final = ("done", "already_done")


class Line(NamedTuple):
    """One entry: what happened, who did it, more about it, its place in the chain (0: no link of it)."""

    kind: Literal["step", "signal", "deadline", "refused"]
    title: str
    actor: str
    more: str
    at: Moment
    number: int
    note: Cut | None
    we_did: Cut | None


def timeline(entries: Sequence[CaseEntry], alert: Alert, model: Model, viewer: Viewer, zone: str) -> list[Line]:
    """All entries as lines."""
    return [_line(entry, alert, model, viewer, zone) for entry in reversed(entries)]


def _line(entry: CaseEntry, alert: Alert, model: Model, viewer: Viewer, zone: str) -> Line:
    title, kind, more = _title(entry), _kind(entry), _more(entry, model, viewer, zone)
    return Line(
        kind=kind,
        title=title,
        actor=entry.actor or "",
        more=more,
        at=moment(entry.event_time, zone, model.now_ms),
        number=entry.number,
        note=_text(entry.note_ref, alert, model, viewer),
        we_did=_text(entry.we_did_ref, alert, model, viewer),
    )


def _kind(entry: CaseEntry) -> Literal["step", "signal", "deadline", "refused"]:
    if not entry.accepted:
        return "refused"
    if entry.change in ("deadline_warning", "escalated"):
        return "deadline"
    return "signal" if entry.actor is None else "step"


def _title(entry: CaseEntry) -> str:
    if not entry.accepted:
        return f"Refused: {words.word(entry.action, words.ACTIONS).lower()}"
    if entry.change == "escalated" and entry.duty:
        return f"Not {words.DUTIES_DONE[entry.duty].lower()} in time"
    if entry.change == "deadline_warning" and entry.duty:
        return f"{words.DUTIES[entry.duty]}: the deadline comes near"
    if entry.change == "assigned" and entry.assignee:
        return f"Assigned to {entry.assignee}"
    return words.word(entry.change or entry.action, words.CHANGES)


def _more(entry: CaseEntry, model: Model, viewer: Viewer, zone: str) -> str:
    if not entry.accepted:
        return words.refused(entry.reason)
    told = [] if entry.reason in _NO_REASON else [words.refused(entry.reason)]
    if entry.change == "escalated":
        names = [shown_place(model, viewer, one) for one in entry.told]
        told.append(f"told to {', '.join(names)}" if names else "nobody is above")
    if entry.change in ("opened", "grown") and entry.severity is not None:
        told.append(f"severity {entry.severity} of 10")
    if entry.resolution_code is not None:
        told.append(words.word(entry.resolution_code, words.RESOLUTIONS))
    if entry.dismissal_code is not None:
        told.append(words.word(entry.dismissal_code, words.DISMISSALS))
    if entry.to_unit is not None:
        told.append(f"to {shown_place(model, viewer, entry.to_unit)}")
    if entry.to_department is not None:
        told.append(f"to {words.word(entry.to_department, {})}")
    if entry.until is not None:
        told.append(f"until {moment(entry.until, zone, model.now_ms).clock}")
    return ", ".join(told)


def _text(reference: str | None, alert: Alert, model: Model, viewer: Viewer) -> Cut | None:
    """A note; where it was erased, that."""
    if reference is None:
        return None
    stored = model.text(viewer, alert, reference)
    return cut("(the text was erased or has not arrived yet)" if stored is None else stored.text, NOTE_SHOWN)
