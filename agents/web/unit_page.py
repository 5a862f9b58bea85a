"""The overview of a unit, a region or the brand. In: a unit, the model, the viewer. Out: a UnitPage for the template.

The one rule: units below are ranked by what is late, then by the worst that waits, then by how much does: whoever needs
help stands on top, and everybody is counted with the same eyes that open the list.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    below = {one: model.directory.units[one] for one in model.directory.descendants(unit.id)}
    right_below = [one for one in below.values() if one.parent == unit.id]
    groups = _groups(right_below, below.values(), alerts, model, viewer)
    return _page(
        unit.name, _sub(unit, model), unit.time_zone, _above(unit, model, viewer), f"/?unit={unit.id}", alerts,
        model.hours(viewer, unit.id), groups, model, viewer, new_id,
    )  # fmt: skip


def everything(model: Model, viewer: Viewer, new_id: Callable[[], str]) -> UnitPage:
    """The same for who may see all, where there are several brands."""
    alerts = model.alerts(viewer)
    tops = top_units(model, viewer)
    known = [hours for one in tops if (hours := model.hours(viewer, one.id))]
    total = [
        Hour(one[0].at_ms, *(sum(counts) for counts in zip(*(hour[1:] for hour in one), strict=True)))
        for one in zip(*known, strict=True)
    ]
    groups = _groups(tops, model.units(viewer), alerts, model, viewer)
    sub, zone = words.many(len(model.directory.units), "unit"), tops[0].time_zone
    return _page("All units", sub, zone, (), "/", alerts, total, groups, model, viewer, new_id)


def _page(
    name: str,
    sub: str,
    zone: str,
    above: tuple[Above, ...],
    href: str,
    alerts: Sequence[Alert],
    hours: Sequence[Hour],
    groups: Iterator[Group],
    model: Model,
    viewer: Viewer,
    new_id: Callable[[], str],
) -> UnitPage:
    counts = Counter(alert.severity_label for alert in alerts)
    return UnitPage(
        name=name,
        sub=sub,
        above=above,
        waiting=len(alerts),
        late=_late(alerts, model.now_ms),
        severities=tuple(
            SeverityCount(label, words.severity(label), counts[label]) for label in LABELS if counts[label]
        ),
        href=href,
        looked=f"Nothing waits. {looked(model, viewer)}",
        mood=charts.mood(hours, zone, name),
        mood_words=charts.mood_words(hours),
        days=charts.complaints(hours, zone, name),
        week=charts.summary(hours),
        below=tuple(groups),
        cards=tuple(card_of(alert, model, viewer, new_id()) for alert in alerts[:CARDS_MAX]),
    )


def top_units(model: Model, viewer: Viewer) -> list[Unit]:
    """Where an overview begins: the viewer's own unit; for who may see everything, all that have none above."""
    if viewer.unit_id is not None:
        own = model.unit(viewer, viewer.unit_id)
        return [] if own is None else [own]
    return [unit for unit in model.units(viewer) if not model.directory.ancestors(unit.id)]


def _sub(unit: Unit, model: Model) -> str:
    told = [words.word(unit.kind, {})]
    below = len(model.directory.descendants(unit.id))
    if below:
        told.append(f"{words.many(below, 'unit')} below")
    return ", ".join([*told, unit.time_zone])


def _above(unit: Unit, model: Model, viewer: Viewer) -> tuple[Above, ...]:
    found = [one for one in model.directory.ancestors(unit.id) if model.unit(viewer, one.id) is not None]
    return tuple(Above(one.id, one.name) for one in reversed(found))


def _groups(
    right_below: Iterable[Unit], below: Iterable[Unit], alerts: Sequence[Alert], model: Model, viewer: Viewer
) -> Iterator[Group]:
    """What is right below and has units below itself, then all that has none."""
    directory = model.directory
    by_unit: dict[str, list[Alert]] = {}
    for alert in alerts:
        by_unit.setdefault(alert.labels.unit_id, []).append(alert)
    above = [one for one in right_below if directory.has_below(one.id)]
    places = [one for one in below if not directory.has_below(one.id)]
    title = "Brands" if any(one.kind == "brand" for one in above) else "Regions"
    for name, heading, units in (("above", title, above), ("places", "Places", places)):
        if units:
            ranked = _ranked(units, by_unit, model, viewer)
            left = len(units) - len(ranked)
            more = f"{left:,} more with less to do." if left else ""
            yield Group(name, f"{heading}, by what waits", tuple(ranked), more)


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
