"""Which alert comes first. In: alerts and the time. Out: which duty is next, by when, and a key to sort by.

The one rule: what is late comes first, then what is due soonest, then what is worst; the same alerts always come in the
same order.
"""

from typing import Literal, NamedTuple, get_args

from pipeline.alerts.deadlines import done
from pipeline.alerts.lifecycle import finished
from schemas.alert import Alert, Duty

Waiting = Literal["waiting", "snoozed", "finished"]
"""For whom an alert waits: for somebody now, for somebody later, for nobody."""

_NEVER = 2**63


class Due(NamedTuple):
    """The next duty that is not done, when it is due in milliseconds, and whether that has passed."""

    duty: Duty
    at_ms: int
    missed: bool


def due(alert: Alert, now_ms: int) -> Due | None:
    """What has to be done next; None where nothing has to, or never."""
    deadlines = alert.deadlines
    times = (deadlines.acknowledge_by, deadlines.answer_by, deadlines.resolve_by)
    found = [
        Due(duty, at_ms, at_ms <= now_ms or duty in deadlines.missed)
        for duty, at_ms in zip(get_args(Duty), times, strict=True)
        if at_ms is not None and not done(duty, alert.state)
    ]
    return min(found, key=lambda one: (not one.missed, one.at_ms), default=None)


def waiting(alert: Alert, now_ms: int) -> Waiting:
    """Whether somebody has to look at it now. What went on to another unit is finished here."""
    if finished(alert.state) or alert.work.moved_to is not None:
        return "finished"
    until = alert.work.snoozed_until
    return "snoozed" if until is not None and until > now_ms else "waiting"


def urgency(alert: Alert, now_ms: int) -> tuple[bool, int, int, int, str]:
    """A key: the most urgent sorts first. What is finished comes by its last record, the newest first."""
    if waiting(alert, now_ms) == "finished":
        return (True, _NEVER, 0, -alert.detected_at, alert.alert_id)
    next_due = due(alert, now_ms)
    if next_due is None:
        return (True, _NEVER, -alert.severity, -alert.detected_at, alert.alert_id)
    return (not next_due.missed, next_due.at_ms, -alert.severity, -alert.detected_at, alert.alert_id)
