"""What a viewer may do with an alert now, as forms. In: an alert, the model, the viewer. Out: Forms, the likeliest
first, each with an id of its own for the action that it makes: sent twice it is one action.

The one rule: a form is offered only where the state allows the action and the viewer may take it; whether it takes
effect is the log's to say.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from agents.web import words
from agents.web.access import Viewer
from agents.web.cards import may_take, zone_of
from agents.web.model import Model
from agents.web.moments import moment
from pipeline.local_time import zone
from schemas.action import ActionName
from schemas.alert import Alert
from schemas.time import HOUR_MS, format_time
from schemas.unit import Unit

NOTE_LENGTH_MAX: Final = 5000
NAME_LENGTH_MAX: Final = 100
UNITS_MAX: Final = 2000
MORNING: Final = 8


class Option(NamedTuple):
    """One choice. `indent`: spaces before the name of a unit below others."""

    id: str
    name: str
    indent: str = ""


class Field(NamedTuple):
    """One thing to say. `length`: characters at most."""

    kind: Literal["area", "text", "choice", "hidden"]
    name: str
    label: str = ""
    required: bool = False
    value: str = ""
    options: tuple[Option, ...] = ()
    length: int = NOTE_LENGTH_MAX


class Form(NamedTuple):
    """One action. `primary`: what most would do next; the others are folded away. `variant` tells two forms of one
    action apart."""

    action: ActionName
    title: str
    button: str
    action_id: str
    fields: tuple[Field, ...] = ()
    hint: str = ""
    primary: bool = False
    open: bool = False
    variant: str = ""


_NOTE: Final = Field("area", "note", "Note")


def forms_of(alert: Alert, model: Model, viewer: Viewer, new_id: Callable[[], str]) -> tuple[Form, ...]:
    """All that may be done."""
    return tuple(
        form
        for make in (
            _acknowledge, _take, _reply, _resolve, _assign, _comment, _snooze, _reroute, _dismiss, _publish, _reopen,
        )
        if (form := make(alert, model, viewer, new_id)) is not None
    )  # fmt: skip


def units_of(model: Model, viewer: Viewer) -> tuple[Option, ...]:
    """The viewer's units as a tree, for a choice."""
    units = model.units(viewer)
    known = {unit.id for unit in units}
    below: dict[str | None, list[Unit]] = {}
    for unit in units:
        below.setdefault(unit.parent if unit.parent in known else None, []).append(unit)
    found: list[Option] = []
    waiting = [(unit, 0) for unit in reversed(below.get(None, []))]
    while waiting and len(found) < UNITS_MAX:
        unit, depth = waiting.pop()
        found.append(Option(unit.id, unit.name, "\u00a0\u00a0" * min(depth, 4)))
        waiting += [(child, depth + 1) for child in reversed(below.pop(unit.id, []))]
    return tuple(found)


def _acknowledge(alert: Alert, model: Model, viewer: Viewer, new_id: Callable[[], str]) -> Form | None:
    if not may_take(viewer, alert, "acknowledge", model):
        return None
    return Form("acknowledge", "Acknowledge", "Acknowledge: I look after it", new_id(), primary=True)


def _take(alert: Alert, model: Model, viewer: Viewer, new_id: Callable[[], str]) -> Form | None:
    if alert.state != "acknowledged" or not may_take(viewer, alert, "assign", model):
        return None
    fields = (Field("hidden", "assignee", value=viewer.name),)
    return Form("assign", "Assign to me", "Assign to me", new_id(), fields, primary=True, variant="-me")


def _reply(alert: Alert, model: Model, viewer: Viewer, new_id: Callable[[], str]) -> Form | None:
    if alert.state == "answered" or not may_take(viewer, alert, "reply", model):
        return None
    hint = "Answers that your own account gives on the network are seen by themselves. Tell here of calls and letters."
    field = Field("area", "note", "What the customer was told")
    return Form("reply", "Answered", "Mark as answered", new_id(), (field,), hint)


def _resolve(alert: Alert, model: Model, viewer: Viewer, new_id: Callable[[], str]) -> Form | None:
    if not may_take(viewer, alert, "resolve", model):
        return None
    fields = (
        Field("choice", "resolution_code", "What was done", True, options=_choice(words.RESOLUTIONS)),
        Field("area", "we_did", "What we did, in words that customers may read later"),
        _NOTE,
    )
    handled = alert.state in ("assigned", "answered")
    return Form("resolve", "Resolve", "Resolve", new_id(), fields, open=handled)


def _assign(alert: Alert, model: Model, viewer: Viewer, new_id: Callable[[], str]) -> Form | None:
    if not may_take(viewer, alert, "assign", model):
        return None
    owner = alert.work.assignee or ""
    fields = (Field("text", "assignee", "Who", True, owner, length=NAME_LENGTH_MAX), _NOTE)
    return Form("assign", words.ACTIONS["assign"], "Assign", new_id(), fields)


def _comment(alert: Alert, model: Model, viewer: Viewer, new_id: Callable[[], str]) -> Form | None:
    if not may_take(viewer, alert, "comment", model):
        return None
    return Form("comment", "Comment", "Add comment", new_id(), (Field("area", "note", "Comment", True),))


def _snooze(alert: Alert, model: Model, viewer: Viewer, new_id: Callable[[], str]) -> Form | None:
    if not may_take(viewer, alert, "snooze", model):
        return None
    now_ms, zone_name = model.now_ms, zone_of(model, alert.labels.unit_id)
    options = tuple(
        Option(format_time(at_ms), f"{title} ({moment(at_ms, zone_name, now_ms).clock})")
        for title, at_ms in _later(now_ms, zone_name)
    )
    fields = (Field("choice", "until", "Until", True, options=options), _NOTE)
    hint = "It leaves the list until then. Deadlines run on."
    return Form("snooze", "Snooze", "Snooze", new_id(), fields, hint)


def _reroute(alert: Alert, model: Model, viewer: Viewer, new_id: Callable[[], str]) -> Form | None:
    if not may_take(viewer, alert, "reroute", model):
        return None
    here = alert.labels.unit_id
    fields = []
    confidential = alert.addressed_to is not None
    units = () if confidential else tuple(one for one in units_of(model, viewer) if one.id != here)
    if units:
        fields.append(Field("choice", "to_unit", "To another unit", options=(Option("", "Stays here"), *units)))
    unit = model.directory.units.get(here)
    departments = () if unit is None else unit.departments
    names = [one.name for one in departments if one.name != alert.labels.department]
    if names:
        options = (Option("", "Stays as it is"), *(Option(name, words.word(name, {})) for name in names))
        fields.append(Field("choice", "to_department", "To another department", options=options))
    if not fields:
        return None
    hint = "The history goes with it, and deadlines begin anew."
    return Form("reroute", words.ACTIONS["reroute"], "Send on", new_id(), (*fields, _NOTE), hint)


def _dismiss(alert: Alert, model: Model, viewer: Viewer, new_id: Callable[[], str]) -> Form | None:
    if not may_take(viewer, alert, "dismiss", model):
        return None
    fields = (Field("choice", "dismissal_code", "Why", True, options=_choice(words.DISMISSALS)), _NOTE)
    return Form("dismiss", "Dismiss", "Dismiss", new_id(), fields)


def _publish(alert: Alert, model: Model, viewer: Viewer, new_id: Callable[[], str]) -> Form | None:
    if alert.work.published or not may_take(viewer, alert, "publish", model):
        return None
    told = alert.work.we_did_ref is not None
    stored = model.text(viewer, alert, alert.work.we_did_ref)
    field = Field("area", "we_did", "What we did", not told, "" if stored is None else stored.text)
    hint = "It may then be shown on the unit's public page."
    return Form("publish", "Publish", "Publish what we did", new_id(), (field,), hint)


def _reopen(alert: Alert, model: Model, viewer: Viewer, new_id: Callable[[], str]) -> Form | None:
    if not may_take(viewer, alert, "reopen", model):
        return None
    return Form("reopen", words.ACTIONS["reopen"], words.ACTIONS["reopen"], new_id(), (_NOTE,))


def _choice(named: Mapping[str, str]) -> tuple[Option, ...]:
    return (Option("", "Choose"), *(Option(code, name) for code, name in named.items()))


def _later(now_ms: int, zone_name: str) -> list[tuple[str, int]]:
    """Times to come back, by the unit's own clock."""
    local = datetime.fromtimestamp(now_ms / 1000, zone(zone_name))
    morning = local.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    tomorrow = morning + timedelta(days=1)
    monday = morning + timedelta(days=7 - local.weekday())
    found = [("In an hour", now_ms + HOUR_MS), ("In four hours", now_ms + 4 * HOUR_MS)]
    found.append(("Tomorrow morning", int(tomorrow.timestamp() * 1000)))
    if monday != tomorrow:
        found.append(("Monday morning", int(monday.timestamp() * 1000)))
    return found


def known_departments(alerts: Iterable[Alert], model: Model, viewer: Viewer) -> tuple[Option, ...]:
    """The departments of these alerts and of the viewer's units, for a filter."""
    names = {alert.labels.department for alert in alerts}
    names |= {one.name for unit in model.units(viewer) for one in unit.departments}
    return tuple(Option(name, words.word(name, {})) for name in sorted(one for one in names if one))
