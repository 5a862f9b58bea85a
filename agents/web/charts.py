"""Small charts as SVG inside the page. In: what was said hour by hour. Out: Markup, with a title and a description
that say in words what the picture shows.

The one rule: a picture carries no style of its own (the content policy allows none): shapes have classes, the
stylesheet has the colours. A page has at most one of each kind. Method: sparklines after Tufte, *Beautiful Evidence*
(2006): a line as small as a word, its last point marked, no axes but the one that means something.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from markupsafe import Markup, escape

from agents.web.hours import Hour
from agents.web.moments import day_of, weekday
from agents.web.words import many

WIDTH: Final = 280
HEIGHT: Final = 64
EDGE: Final = 5
STEP_HOURS: Final = 6
"""Of the mood: an hour of a local unit has too few posts to have one."""
DAYS: Final = 7
CHANGE_MIN: Final = 0.15
"""From how much on a mood is called better or worse; the scale is -1 to 1."""


class Day(NamedTuple):
    """A day on the unit's calendar and how many complained."""

    name: str
    complaints: int


def mood(hours: Sequence[Hour], about: str) -> Markup:
    """The mood over the week, -1 (all complain) to 1 (all praise), in steps of six hours. Stretches in which nobody
    said anything are gaps. `about`: the unit's name."""
    points = _moods(hours)
    title = f"Mood at {about} over 7 days"
    said = mood_words(hours)
    if not any(point is not None for point in points):
        return _svg("mood", title, said, [_middle()])
    shapes = [_middle()]
    step = (WIDTH - 2 * EDGE) / max(len(points) - 1, 1)
    run: list[str] = []
    last = (0.0, 0.0)
    for place, point in enumerate([*points, None]):
        if point is not None:
            last = (EDGE + place * step, HEIGHT / 2 - point * (HEIGHT / 2 - EDGE))
            run.append(f"{last[0]:.1f},{last[1]:.1f}")
        elif run:
            run = run if len(run) > 1 else [run[0], f"{float(run[0].split(',')[0]) + 1:.1f},{run[0].split(',')[1]}"]
            shapes.append(Markup('<polyline class="line" points="{}"/>').format(" ".join(run)))
            run = []
    shapes.append(Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="4"/>').format(*last))
    return _svg("mood", title, said, shapes)


def mood_words(hours: Sequence[Hour]) -> str:
    """The same in a sentence: how it is on the last day against the days before."""
    recent, before = _mood(hours[-24:]), _mood(hours[:-24])
    if recent is None and before is None:
        return "Nobody said anything this week."
    if recent is None:
        return f"Nothing was said in the last 24 hours; {_named(before)} before."
    if before is None:
        return f"{_named(recent).capitalize()} in the last 24 hours; nothing was said before."
    trend = "better than" if recent > before + CHANGE_MIN else "worse than" if recent < before - CHANGE_MIN else "as"
    return f"{_named(recent).capitalize()} in the last 24 hours, {trend} in the days before."


def complaints(hours: Sequence[Hour], zone_name: str, about: str) -> Markup:
    """One bar for each of the last seven days, with the figure above and the weekday below."""
    days = by_day(hours, zone_name)
    highest = max((day.complaints for day in days), default=0) or 1
    base, top = HEIGHT - 14, 14
    width = (WIDTH - 2 * EDGE) / DAYS
    shapes = []
    for place, day in enumerate(days):
        middle = EDGE + (place + 0.5) * width
        tall = max((base - top) * day.complaints / highest, 1.5)
        last = " now" if place == len(days) - 1 else ""
        shapes.append(
            Markup(
                '<rect class="bar{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"/>'
                '<text class="figure" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>'
                '<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>'
            ).format(
                last, middle - width * 0.32, base - tall, width * 0.64, tall,
                middle, base - tall - 3, day.complaints, middle, HEIGHT - 2, day.name,
            )
        )  # fmt: skip
    return _svg("days", f"Complaints per day at {about}", days_words(days), shapes)


def by_day(hours: Sequence[Hour], zone_name: str) -> list[Day]:
    """Complaints of the last seven days, today last."""
    if not hours:
        return []
    today = day_of(hours[-1].at_ms, zone_name)
    counts = dict.fromkeys(range(today - DAYS + 1, today + 1), 0)
    for hour in hours:
        day = day_of(hour.at_ms, zone_name)
        if day in counts:
            counts[day] += hour.negative
    return [Day(weekday(day), number) for day, number in counts.items()]


def days_words(days: Sequence[Day]) -> str:
    """The bars in a sentence."""
    return ", ".join(f"{day.name} {day.complaints}" for day in days) + "." if days else "Nothing is known yet."


def summary(hours: Sequence[Hour]) -> str:
    """What was said this week, in figures."""
    mentions, negative = sum(hour.mentions for hour in hours), sum(hour.negative for hour in hours)
    return f"{many(mentions, 'post')} this week, {many(negative, 'complaint')}"


def forecast(now: int, low: int, likely: int, high: int, said: str) -> Markup:
    """Reposts so far, and the interval in which the end is expected, on one line from nought."""
    scale = (WIDTH - 2 * EDGE) / max(high, now, 1)
    at = {
        name: EDGE + scale * value for name, value in (("now", now), ("low", low), ("likely", likely), ("high", high))
    }
    shapes = [
        Markup(
            '<line class="middle" x1="{edge}" x2="{end}" y1="20" y2="20"/>'
            '<rect class="expected" x="{low:.1f}" y="13" width="{width:.1f}" height="14" rx="7"/>'
            '<line class="likely" x1="{likely:.1f}" x2="{likely:.1f}" y1="11" y2="29"/>'
            '<line class="line" x1="{edge}" x2="{now:.1f}" y1="20" y2="20"/>'
            '<circle class="dot" cx="{now:.1f}" cy="20" r="5"/>'
        ).format(edge=EDGE, end=WIDTH - EDGE, width=max(at["high"] - at["low"], 2.0), **at)
    ]
    return _svg("forecast", "Forecast of reposts", said, shapes, height=40)


def _moods(hours: Sequence[Hour]) -> list[float | None]:
    return [_mood(hours[start : start + STEP_HOURS]) for start in range(0, len(hours), STEP_HOURS)]


def _mood(hours: Sequence[Hour]) -> float | None:
    mentions = sum(hour.mentions for hour in hours)
    if not mentions:
        return None
    return sum(hour.positive - hour.negative for hour in hours) / mentions


def _named(value: float | None) -> str:
    if value is None:
        return "nothing was said"
    names = ((0.4, "mostly praise"), (0.1, "more praise than complaints"), (-0.1, "mixed"))
    return next((name for least, name in names if value >= least), _complaining(value))


def _complaining(value: float) -> str:
    return "more complaints than praise" if value >= -0.4 else "mostly complaints"


def _middle() -> Markup:
    return Markup('<line class="middle" x1="0" x2="{}" y1="{}" y2="{}"/>').format(WIDTH, HEIGHT // 2, HEIGHT // 2)


def _svg(kind: str, title: str, said: str, shapes: Sequence[Markup], *, height: int = HEIGHT) -> Markup:
    return Markup(
        '<svg class="chart {kind}" viewBox="0 0 {width} {height}" role="img" focusable="false" '
        'aria-labelledby="{kind}-title {kind}-desc"><title id="{kind}-title">{title}</title>'
        '<desc id="{kind}-desc">{said}</desc>{shapes}</svg>'
    ).format(
        kind=kind, width=WIDTH, height=height, title=escape(title), said=escape(said),
        shapes=Markup("").join(shapes),
    )  # fmt: skip
