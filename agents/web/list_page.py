"""The list of alerts. In: what a query asks for, the model, the viewer. Out: a ListPage for the template.

The one rule: a filter narrows what the viewer may see and never says whether there is more elsewhere.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, get_args
from urllib.parse import urlencode

from agents.web import words
from agents.web.access import Viewer
from agents.web.cards import Card, card_of
from agents.web.forms import Option, known_departments, units_of
from agents.web.model import Model
from agents.web.moments import moment
from agents.web.urgency import Waiting, urgency
from schemas.alert import Alert
from schemas.unit import Unit

CARDS_MAX: Final = 50
SHOWN_MAX: Final = 500

SHOWS: Final[Mapping[Waiting, str]] = {"waiting": "Waiting", "snoozed": "Snoozed", "finished": "Finished"}


class Filter(NamedTuple):
    """What a query asks for; anything that makes no sense is as if it were not there."""

    show: Waiting
    unit: str
    department: str
    limit: int


class Segment(NamedTuple):
    """One of waiting, snoozed, finished."""

    name: str
    title: str
    href: str
    number: str
    current: bool


class Nothing(NamedTuple):
    """What is said where a list is empty."""

    title: str
    text: str


class ListPage(NamedTuple):
    """What `list.html` shows. `live`: the filter, for the live stream."""

    heading: str
    scope: str
    shows: tuple[Segment, ...]
    show: Waiting
    units: tuple[Option, ...]
    unit: str
    departments: tuple[Option, ...]
    department: str
    filtered: str
    cards: tuple[Card, ...]
    none: Nothing
    next: str
    more: int
    live: str


def filter_of(query: Mapping[str, str], model: Model, viewer: Viewer) -> Filter:
    """A query's `show`, `unit`, `department` and `limit`."""
    show: Waiting = next((one for one in get_args(Waiting) if one == query.get("show")), "waiting")
    unit = query.get("unit", "")
    unit = unit if unit and model.unit(viewer, unit) is not None else ""
    asked = query.get("limit", "")
    limit = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 5 else CARDS_MAX
    return Filter(show, unit, query.get("department", "")[:64], min(max(limit, CARDS_MAX), SHOWN_MAX))


def list_page(asked: Filter, model: Model, viewer: Viewer, new_id: Callable[[], str]) -> ListPage:
    """See the module's docstring."""
    unit, department = asked.unit or None, asked.department or None
    alerts = model.alerts(viewer, unit_id=unit, department=department, state=asked.show)
    counts = model.counts(viewer, unit_id=unit, department=department)
    units, departments = units_of(model, viewer), known_departments(alerts, model, viewer)
    names = [one.name for one in units if one.id == asked.unit]
    names += [one.name for one in departments if one.id == asked.department]
    left = len(alerts) - asked.limit
    return ListPage(
        heading="Alerts",
        scope=scope_of(model, viewer),
        shows=tuple(
            Segment(show, title, "/?" + _query(asked._replace(show=show)), f"{counts[show]:,}", show == asked.show)
            for show, title in SHOWS.items()
        ),
        show=asked.show,
        units=units,
        unit=asked.unit,
        departments=departments,
        department=asked.department,
        filtered=", ".join(names),
        cards=tuple(
            card_of(one, model, viewer, new_id(), order_of(one, model.now_ms)) for one in alerts[: asked.limit]
        ),
        none=_nothing(asked.show, model, viewer, filtered=bool(names)),
        next="/?" + _query(asked, limit=asked.limit + CARDS_MAX) if left > 0 and asked.limit < SHOWN_MAX else "",
        more=min(left, CARDS_MAX),
        live=_query(asked),
    )


def order_of(alert: Alert, now_ms: int) -> str:
    """A text that sorts as `urgency` does, for the script that puts a new card into its place."""
    on_time, due_ms, severity, detected_ms, alert_id = urgency(alert, now_ms)
    return f"{on_time:d}{due_ms:020d}{10 + severity:02d}{10**15 + detected_ms:016d}{alert_id}"


def looked(model: Model, viewer: Viewer) -> str:
    """When the console last knew better: `Last looked 14:05.`"""
    zone = "UTC" if (unit := _own_unit(model, viewer)) is None else unit.time_zone
    return f"Last looked {moment(model.now_ms, zone, model.now_ms).clock}."


def scope_of(model: Model, viewer: Viewer) -> str:
    """Whose matters the viewer sees."""
    unit = _own_unit(model, viewer)
    place = "All units" if viewer.unit_id is None else unit.name if unit else viewer.unit_id
    department = words.word(viewer.department, {})
    return f"{place}, {department}" if department else place


def _own_unit(model: Model, viewer: Viewer) -> Unit | None:
    return None if viewer.unit_id is None else model.unit(viewer, viewer.unit_id)


def _nothing(show: Waiting, model: Model, viewer: Viewer, *, filtered: bool) -> Nothing:
    where = " that the filter lets through" if filtered else ""
    if show == "waiting":
        return Nothing(f"Nothing waits{where}", f"{looked(model, viewer)} What comes up appears here by itself.")
    if show == "snoozed":
        return Nothing(f"Nothing is snoozed{where}", "What you put off comes back to the list at its time.")
    return Nothing(f"Nothing is finished yet{where}", "Resolved and dismissed alerts are kept here for 30 days.")


def _query(asked: Filter, limit: int = 0) -> str:
    values = {"show": asked.show, "unit": asked.unit, "department": asked.department, "limit": str(limit or "")}
    return urlencode({name: value for name, value in values.items() if value})
