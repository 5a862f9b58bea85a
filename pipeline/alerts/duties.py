"""Duties of a case: what was promised when it began, what happens when time passes over it.

In: a unit's profile and state, a case, times. Out: deadlines in the case's last record, and warnings and escalations as
records. The one rule: what the record shows and what will happen come from the same promises.
"""

import msgspec

from pipeline.alerts import deadlines
from pipeline.alerts.deadlines import Promise
from pipeline.alerts.lifecycle import finished
from pipeline.alerts.telling import tell
from pipeline.opening import Opening, opening_of
from pipeline.state import Case, Profile, UnitState
from schemas.alert import Alert, Deadlines
from schemas.case import CaseEntry
from schemas.time import Millis


def begin(state: UnitState, case: Case, at_ms: int) -> None:
    """All duties are new: the case was opened, reopened, or has come to this unit or department."""
    case.promises = _promised(state.profile, case.last, at_ms)
    case.last = msgspec.structs.replace(case.last, deadlines=Deadlines(since=Millis(at_ms)))
    plan(state, case)


def worsen(state: UnitState, case: Case, at_ms: int) -> None:
    """It is more severe than it was: what would be promised now counts where it is sooner."""
    opening, new = opening_of(state.profile.schedule), _promised(state.profile, case.last, at_ms)
    case.promises = tuple(
        before if deadlines.done(before.duty, case.last.state) else deadlines.sooner(opening, before, now)
        for before, now in zip(case.promises, new, strict=True)
    )
    plan(state, case)


def plan(state: UnitState, case: Case) -> None:
    """After any change of state, promises or settings: by when, and what happens next by itself."""
    profile, alert = state.profile, case.last
    opening = opening_of(profile.schedule)
    by = {promise.duty: deadlines.deadline(opening, promise) for promise in case.promises}
    shown = msgspec.structs.replace(
        alert.deadlines,
        acknowledge_by=by.get("acknowledge"),
        answer_by=by.get("answer"),
        resolve_by=by.get("resolve"),
    )
    case.last = msgspec.structs.replace(alert, deadlines=shown)
    following = _following(opening, profile, case)
    case.remind_at = None if following is None else int(following[1].at_ms)
    look_ahead(state)


def look_ahead(state: UnitState) -> None:
    """When the next step of any case is due."""
    state.remind_at = min((case.remind_at for case in state.cases.values() if case.remind_at is not None), default=None)


def remind(state: UnitState, due_ms: int) -> list[Alert | CaseEntry]:
    """Everything that is due by now, of all cases."""
    outputs: list[Alert | CaseEntry] = []
    for case in state.cases.values():
        while case.remind_at is not None and case.remind_at <= due_ms:
            outputs += _remind(state, case)
    look_ahead(state)
    return outputs


def _remind(state: UnitState, case: Case) -> tuple[Alert | CaseEntry, ...]:
    profile, shown = state.profile, case.last.deadlines
    following = _following(opening_of(profile.schedule), profile, case)
    if following is None:  # the state is of an older version, which knew less of the unit
        case.remind_at = None
        return ()
    promise, step = following
    promise.told += 1
    late = step.change == "escalated"
    told = (*shown.told, step.to) if step.to is not None and step.to not in shown.told else shown.told
    heard = (*case.last.also_to, *told)
    also = tuple(one for one in profile.above if one in heard)
    case.last = msgspec.structs.replace(
        case.last,
        also_to=also,
        deadlines=msgspec.structs.replace(
            shown,
            missed=(*shown.missed, step.duty) if late and step.duty not in shown.missed else shown.missed,
            duty=step.duty,
            level=step.level,
            told=told,
        ),
    )
    plan(state, case)
    return tell(case, step.change, step.at_ms, reminder=step)


def _following(opening: Opening, profile: Profile, case: Case) -> tuple[Promise, deadlines.Reminder] | None:
    if finished(case.last.state):
        return None
    return deadlines.next_step(opening, case.promises, _chain(profile, case.last), case.last.state)


def _chain(profile: Profile, alert: Alert) -> tuple[str, ...]:
    """Whom a miss is told, one after the other. Above head office, which has what is confidential, is nobody."""
    return () if alert.addressed_to is not None else deadlines.chain_of(profile.escalation, profile.above)


def _promised(profile: Profile, alert: Alert, at_ms: int) -> tuple[Promise, ...]:
    department = profile.department(alert.labels.department)
    return deadlines.promises(at_ms, deadlines.terms_of(department, alert.severity_label))
