"""The overview of a unit, a region or the brand. In: a unit, the model, the viewer. Out: a UnitPage for the template.

The one rule: units below are ranked by what is late, then by the worst that waits, then by how much does: whoever needs
help stands on top, and everybody is counted with the same eyes that open the list.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, get_args

from markupsafe import Markup

from agents.web import charts, words
from agents.web.access import Viewer
from agents.web.cards import Card, card_of
from agents.web.hours import Hour
from agents.web.list_page import looked
from agents.web.model import Model
from agents.web.urgency import due
from schemas.alert import Alert, SeverityLabel
from schemas.unit import Unit

BELOW_MAX: Final = 50
CARDS_MAX: Final = 10
LABELS: Final[tuple[SeverityLabel, ...]] = ("critical", "error", "warning", "info")
TREND_DAYS: Final = 3
"""Today and the two days before, against the three days before these."""

assert set(LABELS) == set(get_args(SeverityLabel))


class SeverityCount(NamedTuple):
    """How many wait of one severity."""

    label: SeverityLabel
    word: str
    number: int


class Below(NamedTuple):
    """One unit below."""

    id: str
    name: str
    worst: SeverityLabel | None
    worst_word: str
    late: int
    waiting: int
    complaints: int
    trend: str
    trend_title: str


class Group(NamedTuple):
    """Units of one kind below: regions, or what has nothing below itself. `more`: what is said of those left out."""

    name: str
    title: str
    units: tuple[Below, ...]
    more: str


class Above(NamedTuple):
    """One unit above that the viewer may see."""

    id: str
    name: str


class UnitPage(NamedTuple):
    """What `unit.html` shows."""

    name: str
    sub: str
    above: tuple[Above, ...]
    waiting: int
    late: int
    severities: tuple[SeverityCount, ...]
    href: str
    looked: str
    mood: Markup
    mood_words: str
    days: Markup
    week: str
    below: tuple[Group, ...]
    cards: tuple[Card, ...]


def unit_page(unit: Unit, model: Model, viewer: Viewer, new_id: Callable[[], str]) -> UnitPage:
    """See the module's docstring."""
    alerts = model.alerts(viewer, unit_id=unit.id)
    hours = model.hours(viewer, unit.id)
    counts = Counter(alert.severity_label for alert in alerts)
    return UnitPage(
        name=unit.name,
        sub=_sub(unit, model),
        above=_above(unit, model, viewer),
        waiting=len(alerts),
        late=_late(alerts, model.now_ms),
        severities=tuple(
            SeverityCount(label, words.severity(label), counts[label]) for label in LABELS if counts[label]
        ),
        href=f"/?unit={unit.id}",
        looked=f"Nothing waits. {looked(model, viewer)}",
        mood=charts.mood(hours, unit.time_zone, unit.name),
        mood_words=charts.mood_words(hours),
        days=charts.complaints(hours, unit.time_zone, unit.name),
        week=charts.summary(hours),
        below=tuple(_groups(unit, model, viewer, alerts)),
        cards=tuple(card_of(alert, model, viewer, new_id()) for alert in alerts[:CARDS_MAX]),
    )


def top_unit(model: Model, viewer: Viewer) -> str | None:
    """Where `/overview` leads: the viewer's own unit; of who may see everything, the one with most below it. None
    where no unit is known."""
    if viewer.unit_id is not None:
        return viewer.unit_id if model.unit(viewer, viewer.unit_id) is not None else None
    directory = model.directory
    tops = [unit.id for unit in model.units(viewer) if not directory.ancestors(unit.id)]
    return max(tops, key=lambda unit_id: (len(directory.descendants(unit_id)), unit_id), default=None)


def _sub(unit: Unit, model: Model) -> str:
    told = [words.word(unit.kind, {})]
    below = len(model.directory.descendants(unit.id))
    if below:
        told.append(f"{words.many(below, 'unit')} below")
    return ", ".join([*told, unit.time_zone])


def _above(unit: Unit, model: Model, viewer: Viewer) -> tuple[Above, ...]:
    found = [one for one in model.directory.ancestors(unit.id) if model.unit(viewer, one.id) is not None]
    return tuple(Above(one.id, one.name) for one in reversed(found))


def _groups(unit: Unit, model: Model, viewer: Viewer, alerts: Sequence[Alert]) -> Iterator[Group]:
    """What is right below and has units below itself, then all that has none."""
    directory = model.directory
    by_unit: dict[str, list[Alert]] = {}
    for alert in alerts:
        by_unit.setdefault(alert.labels.unit_id, []).append(alert)
    below = directory.descendants(unit.id)
    groups: list[tuple[str, str, list[Unit]]] = [
        ("above", "Regions, by what waits", []),
        ("places", "Places, by what waits", []),
    ]
    for one in model.units(viewer):
        if one.id not in below:
            continue
        if not directory.has_below(one.id):
            groups[1][2].append(one)
        elif one.parent == unit.id:
            groups[0][2].append(one)
    for name, title, units in groups:
        if units:
            ranked = _ranked(units, by_unit, model, viewer)
            left = len(units) - len(ranked)
            yield Group(name, title, tuple(ranked), f"{left:,} more with less to do." if left else "")


def _ranked(units: Sequence[Unit], by_unit: Mapping[str, list[Alert]], model: Model, viewer: Viewer) -> list[Below]:
    """Those with most to do. Complaints are counted for these only: a brand may have ten thousand units."""
    own = {
        one.id: [
            alert for unit_id in (one.id, *model.directory.descendants(one.id)) for alert in by_unit.get(unit_id, ())
        ]
        for one in units
    }
    first = sorted(units, key=lambda one: (-_late(own[one.id], model.now_ms), _worst(own[one.id]), -len(own[one.id])))
    found = [_one_below(one, own[one.id], model.hours(viewer, one.id), model.now_ms) for one in first[:BELOW_MAX]]
    return sorted(
        found, key=lambda one: (-one.late, _worst(own[one.id]), -one.waiting, -one.complaints, one.name, one.id)
    )


def _one_below(unit: Unit, alerts: Sequence[Alert], hours: Sequence[Hour], now_ms: int) -> Below:
    worst = LABELS[_worst(alerts)] if alerts else None
    trend, title = _trend(hours)
    return Below(
        id=unit.id,
        name=unit.name,
        worst=worst,
        worst_word="" if worst is None else words.severity(worst),
        late=_late(alerts, now_ms),
        waiting=len(alerts),
        complaints=sum(hour.negative for hour in hours),
        trend=trend,
        trend_title=title,
    )


def _worst(alerts: Sequence[Alert]) -> int:
    """The place of the worst severity, past the last where nothing waits."""
    return min((LABELS.index(alert.severity_label) for alert in alerts), default=len(LABELS))


def _trend(hours: Sequence[Hour]) -> tuple[str, str]:
    """An arrow, and what it means. Differences that chance would bring (two standard deviations of a Poisson count)
    have none."""
    span = TREND_DAYS * 24
    now = sum(hour.negative for hour in hours[-span:])
    before = sum(hour.negative for hour in hours[-2 * span : -span])
    if abs(now - before) < 2 * (now + before) ** 0.5 or now == before:
        return "", f"{now} in the last three days, {before} in the three before"
    arrow = "▲" if now > before else "▼"
    return arrow, f"{now} in the last three days, {before} in the three before"


def _late(alerts: Sequence[Alert], now_ms: int) -> int:
    return sum(1 for alert in alerts if (next_due := due(alert, now_ms)) is not None and next_due.missed)
