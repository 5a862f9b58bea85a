"""An alert as a card on a list, and as the head of its page. In: an alert, the model, the viewer. Out: a Card.

The one rule: all that is shown is decided here, in Python; the templates only place it.
"""

from typing import Final, NamedTuple

from agents.web import words
from agents.web.access import Viewer, may_act, may_see_unit
from agents.web.model import Model
from agents.web.moments import Moment, ago, moment
from agents.web.urgency import due, waiting
from pipeline.alerts.lifecycle import STEPS
from schemas.action import ActionName
from schemas.alert import Alert

UTC_NAME: Final = "UTC"


class DueCard(NamedTuple):
    """The next deadline: what has to be done, by when, and that in words."""

    what: str
    at: Moment
    late: bool
    text: str


class Card(NamedTuple):
    """`label` is the severity's name in the record, `severity` its word. `order` sorts cards as the list does;
    `waiting`, `where` (its unit and those above) and `department_id` are what a filter asks for."""

    alert_id: str
    sequence: int
    order: str
    waiting: str
    where: str
    department_id: str
    now_ms: int
    label: str
    severity: str
    summary: str
    unit_id: str
    place: str
    department: str
    at: Moment
    ago: str
    people: str
    spread: str
    quiet: bool
    answered: str
    state: str
    state_word: str
    owner: str
    due: DueCard | None
    confidential: bool
    may_acknowledge: bool
    action_id: str


def card_of(alert: Alert, model: Model, viewer: Viewer, action_id: str, order: str = "") -> Card:
    """`action_id`: of the one-tap acknowledgement, if it is taken."""
    now_ms, zone = model.now_ms, zone_of(model, alert.labels.unit_id)
    when = waiting(alert, now_ms)
    return Card(
        alert_id=alert.alert_id,
        sequence=alert.sequence,
        order=order,
        waiting=when,
        where=" ".join((alert.labels.unit_id, *(one.id for one in model.directory.ancestors(alert.labels.unit_id)))),
        department_id=alert.labels.department or "",
        now_ms=now_ms,
        label=alert.severity_label,
        severity=words.severity(alert.severity_label),
        summary=alert.annotations.summary,
        unit_id=alert.labels.unit_id,
        place=place_of(model, alert.labels.unit_id),
        department=words.word(alert.labels.department, {}),
        at=moment(alert.starts_at, zone, now_ms),
        ago=ago(alert.starts_at, now_ms),
        people=words.many(alert.detection.distinct_authors, "person", "people"),
        spread=_spread(alert),
        quiet=alert.status == "quiet",
        answered=_answered(alert),
        state=alert.state,
        state_word=words.word(alert.state, words.STATES),
        owner=_owner(alert, model, viewer, zone),
        due=None if when == "finished" else _due(alert, zone, now_ms),
        confidential=alert.addressed_to is not None,
        may_acknowledge=may_take(viewer, alert, "acknowledge", model),
        action_id=action_id,
    )


def may_take(viewer: Viewer, alert: Alert, action: ActionName, model: Model) -> bool:
    """Whether to offer it: the viewer may, and the state allows it. The log decides, as it may know more by then."""
    if alert.work.moved_to is not None or alert.state not in STEPS[action][1]:
        return False
    return may_act(viewer, alert, action, model.directory)


def zone_of(model: Model, unit_id: str) -> str:
    """The time zone that a unit lives by."""
    unit = model.directory.units.get(unit_id)
    return UTC_NAME if unit is None else unit.time_zone


def place_of(model: Model, unit_id: str) -> str:
    """The unit's name; its id where it is not in the directory."""
    unit = model.directory.units.get(unit_id)
    return unit_id if unit is None else unit.name


def shown_place(model: Model, viewer: Viewer, unit_id: str) -> str:
    """The same, for a viewer who may not know of the unit: then its id, which the record says anyway."""
    return place_of(model, unit_id) if may_see_unit(viewer, unit_id, model.directory) else unit_id


def _spread(alert: Alert) -> str:
    spread, told = alert.amplification, []
    if spread.reposts:
        told.append(words.many(spread.reposts, "repost"))
    if (expected := words.forecast(alert)) is not None:
        told.append(expected)
    return ", ".join(told)


def _answered(alert: Alert) -> str:
    answers = alert.answers
    return f"{answers.answered} of {answers.threads} answered" if answers.answered and answers.threads else ""


def _owner(alert: Alert, model: Model, viewer: Viewer, zone: str) -> str:
    work, now_ms = alert.work, model.now_ms
    if work.moved_to is not None:
        return "sent on to another unit"
    if waiting(alert, now_ms) == "snoozed" and work.snoozed_until is not None:
        return f"snoozed until {moment(work.snoozed_until, zone, now_ms).clock}"
    if work.assignee is not None:
        return f"with {work.assignee}"
    if alert.state == "open":
        return "nobody has it yet"
    if alert.actor is not None and alert.change == alert.state:
        return f"by {alert.actor}"
    told = (one.actor for one in reversed(model.entries(viewer, alert.alert_id)) if one.change == alert.state)
    return f"by {actor}" if (actor := next(told, None)) else ""


def _due(alert: Alert, zone: str, now_ms: int) -> DueCard | None:
    next_due = due(alert, now_ms)
    if next_due is None:
        return None
    at, what = moment(next_due.at_ms, zone, now_ms), words.DUTIES[next_due.duty]
    text = f"{what}: late since {at.clock}" if next_due.missed else f"{what} {ago(next_due.at_ms, now_ms)}"
    return DueCard(what, at, next_due.missed, text)
