"""The desk: where people's actions, the company's own replies and cases from other units reach the cases of a unit.

In: a unit's state and an action, an answer or a transfer. Out: records of alerts with their entries, refusals, a
transfer to another unit. The rules: an action takes effect once; what is refused changes nothing and is answered; a
case that moves takes its id, its numbers and the end of its chain along.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from pipeline.alerts import duties
from pipeline.alerts.identity import dedup_key
from pipeline.alerts.lifecycle import UNFINISHED, Refusal, Step, take
from pipeline.alerts.telling import refuse, tell
from pipeline.detectors.mention import EVIDENCE_MAX
from pipeline.state import Case, UnitState
from schemas.alert import Alert, Answers, Deadlines, Evidence, Work
from schemas.case import CaseEntry
from schemas.event import UnitAction, UnitTransfer
from schemas.insight import Insight
from schemas.record import Source
from schemas.time import DAY_MS, Millis

ACTIONS_MAX: Final = 50
THREADS_MAX: Final = 100
MOVED_MAX: Final = 50
RECEIVED_MAX: Final = 200
SNOOZE_MS_MAX: Final = 30 * DAY_MS

Told = Alert | CaseEntry | UnitTransfer
Value = TypeVar("Value")


def act(state: UnitState, action: UnitAction, let_go: Callable[[Case], None]) -> list[Told]:
    """What becomes of an action. `let_go` ends the signal of a case that leaves the unit."""
    case = state.cases.get(action.alert_id)
    if case is None:
        moved_to = state.moved.get(action.alert_id)
        return [refuse(action, None, Refusal.MOVED if moved_to else Refusal.UNKNOWN_ALERT, moved_to)]
    if action.id in case.actions:
        return [refuse(action, case.last, Refusal.ALREADY_DONE)]
    if action.refused is not None:
        return [refuse(action, case.last, action.refused)]
    step = take(case.last.state, action)
    if isinstance(step, Step):
        step = _why_not(state, case, action) or step
    if isinstance(step, Refusal):
        return [refuse(action, case.last, step)]
    case.actions = [*case.actions, action.id][-ACTIONS_MAX:]
    at_ms = max(int(case.last.detected_at), int(action.event_time))
    if action.to_unit is not None and action.action == "reroute":
        return _send_away(state, case, action, step, at_ms, let_go)
    return _apply(state, case, action, step, at_ms)


def _why_not(state: UnitState, case: Case, action: UnitAction) -> Refusal | None:
    """What stands against a step beside the state of the case."""
    last = case.last
    match action.action:
        case "reroute" if action.to_unit == state.unit_id:
            return Refusal.ALREADY_THERE
        case "reroute" if action.to_unit is not None and last.addressed_to is not None:
            return Refusal.CONFIDENTIAL
        case "reroute" if action.to_unit is None and action.to_department == last.labels.department:
            return Refusal.ALREADY_THERE
        case "reroute" if action.to_unit is None and not _has_department(state, action.to_department):
            return Refusal.UNKNOWN_DEPARTMENT
        case "snooze" if action.until is not None and not 0 < action.until - action.event_time <= SNOOZE_MS_MAX:
            return Refusal.TIME_OUT_OF_BOUNDS
        case "publish" if action.we_did_ref is None and last.work.we_did_ref is None:
            return Refusal.NEEDS_TEXT
    return None


def _has_department(state: UnitState, name: str | None) -> bool:
    """A unit that lists none may have any."""
    return not state.profile.departments or state.profile.department(name) is not None


def _apply(state: UnitState, case: Case, action: UnitAction, step: Step, at_ms: int) -> list[Told]:
    """A step that stays within the unit."""
    last = case.last
    labels = last.labels
    if action.action == "reroute":
        labels = msgspec.structs.replace(labels, department=action.to_department)
    case.last = msgspec.structs.replace(last, state=step.state, labels=labels, work=_work(last.work, action))
    if action.action in ("reroute", "reopen"):
        case.answered = []
        case.last = msgspec.structs.replace(case.last, answers=Answers())
        duties.begin(state, case, at_ms)
    else:
        duties.plan(state, case)
    return list(tell(case, step.change, at_ms, action=action))


def _work(work: Work, action: UnitAction) -> Work:
    """What the action makes of the work on a case."""
    match action.action:
        case "assign":
            return msgspec.structs.replace(work, assignee=action.assignee)
        case "snooze":
            return msgspec.structs.replace(work, snoozed_until=action.until)
        case "resolve":
            code, did = action.resolution_code, action.we_did_ref or work.we_did_ref
            return msgspec.structs.replace(work, resolution_code=code, we_did_ref=did, snoozed_until=None)
        case "dismiss":
            return msgspec.structs.replace(work, dismissal_code=action.dismissal_code, snoozed_until=None)
        case "publish":
            return msgspec.structs.replace(work, we_did_ref=action.we_did_ref or work.we_did_ref, published=True)
        case "reroute":
            return msgspec.structs.replace(work, assignee=None, snoozed_until=None)
        case "reopen":
            return msgspec.structs.replace(
                work, resolution_code=None, dismissal_code=None, published=False, snoozed_until=None
            )
    return work


# A case that belongs to another unit


def _send_away(
    state: UnitState, case: Case, action: UnitAction, step: Step, at_ms: int, let_go: Callable[[Case], None]
) -> list[Told]:
    assert action.to_unit is not None
    let_go(case)
    case.ended_ms = at_ms if case.ended_ms is None else case.ended_ms
    work = msgspec.structs.replace(_work(case.last.work, action), moved_to=action.to_unit)
    case.last = msgspec.structs.replace(case.last, state=step.state, work=work)
    told = tell(case, step.change, at_ms, action=action)
    del state.cases[case.last.alert_id]
    duties.look_ahead(state)
    _remember(state.moved, case.last.alert_id, action.to_unit, MOVED_MAX)
    transfer = UnitTransfer(
        unit_id=action.to_unit,
        alert=case.last,
        number=case.entries,
        hash=case.hash,
        threads=tuple(case.threads),
        event_time=Millis(at_ms),
        source=Source(topic="", partition=0, offset=0),  # filled in where the record is read
    )
    return [*told, transfer]


def receive(state: UnitState, transfer: UnitTransfer) -> list[Told]:
    """A case that comes from another unit: it begins anew here, under its old id. Who is above here and has heard of it
    goes on hearing of it. Said again, as a log does that is worked through once more, it changes nothing."""
    alert, profile = transfer.alert, state.profile
    if transfer.number <= state.received.get(alert.alert_id, -1):
        return []
    _remember(state.received, alert.alert_id, transfer.number, RECEIVED_MAX)
    state.moved.pop(alert.alert_id, None)
    at_ms, here = int(transfer.event_time), state.unit_id
    heard = (*alert.also_to, alert.labels.unit_id)
    labels = msgspec.structs.replace(
        alert.labels, brand=profile.brand, region=profile.region, unit_id=here, unit_kind=profile.kind
    )
    came = msgspec.structs.replace(
        alert,
        dedup_key=dedup_key(profile.brand, here, alert.alert_id),
        state="open",
        also_to=tuple(one for one in profile.above if one in heard),
        labels=labels,
        deadlines=Deadlines(),
        work=msgspec.structs.replace(alert.work, moved_from=alert.labels.unit_id, moved_to=None),
    )
    case = Case(
        cause=f"rerouted:{alert.alert_id}",
        last=came,
        opened_ms=at_ms,
        found_ms=at_ms,
        ended_ms=at_ms if alert.ends_at is None else int(alert.ends_at),
        threads=list(transfer.threads),
        entries=transfer.number,
        hash=transfer.hash,
    )
    state.cases[alert.alert_id] = case
    duties.begin(state, case, at_ms)
    return list(tell(case, "rerouted", at_ms))


def _remember(known: dict[str, Value], alert_id: str, value: Value, count_max: int) -> None:
    """As the newest of so many."""
    known.pop(alert_id, None)
    known[alert_id] = value
    while len(known) > count_max:
        del known[next(iter(known))]


# What a customer says again


def joined(state: UnitState, feedback: Insight) -> list[Told]:
    """Further feedback of a customer whose case is unfinished: it joins it as evidence."""
    outputs: list[Told] = []
    for case in state.cases.values():
        last = case.last
        if last.work.customer_ref != feedback.customer_ref or last.state not in UNFINISHED:
            continue
        if any(one.post_id == feedback.id for one in last.evidence):
            continue
        new = Evidence(post_id=feedback.id, network=feedback.channel, author=None, text_ref=feedback.text_ref)
        evidence = (*last.evidence, new)
        left_out = last.evidence_left_out + max(0, len(evidence) - EVIDENCE_MAX)
        case.last = msgspec.structs.replace(last, evidence=evidence[-EVIDENCE_MAX:], evidence_left_out=left_out)
        outputs += tell(case, "grown", int(feedback.event_time))
    return outputs


# The company's own reply


def answered(state: UnitState, answer: Insight) -> list[Told]:
    """An own reply in a thread of an alert's evidence: the customer has an answer, however it was sent."""
    outputs: list[Told] = []
    for case in state.cases.values():
        thread = answer.thread
        if thread is None or thread in case.answered or thread not in case.threads or case.last.state not in UNFINISHED:
            continue
        case.answered = [*case.answered, thread]
        if case.last.state != "answered":  # a further reply is counted, and told with the next record
            at_ms = int(answer.event_time)
            first = msgspec.structs.replace(case.last.answers, first_at=Millis(at_ms))
            case.last = msgspec.structs.replace(case.last, state="answered", answers=first)
            duties.plan(state, case)
            outputs += tell(case, "answered", at_ms)
    return outputs


def follow(case: Case, threads: tuple[str, ...]) -> None:
    """The evidence has more threads now."""
    new = [thread for thread in threads if thread not in case.threads]
    if new:
        case.threads = [*case.threads, *new][-THREADS_MAX:]
