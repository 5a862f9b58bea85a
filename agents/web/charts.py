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
from agents.web.show import clean
from agents.web.words import many

WIDTH: Final = 280
HEIGHT: Final = 84
FORECAST_WIDTH: Final = 340
TICKS: Final = 16
"""Room for weekdays below."""
EDGE: Final = 6
STEP_HOURS: Final = 6
DAY_HOURS: Final = 24
"""The mood is that of a whole day: an hour of a local unit has too few posts to have one, and nights have none."""
DAYS: Final = 7
SCALE_MIN: Final = 0.3
"""So much mood fills the picture at least; small changes are not blown up."""
CHANGE_MIN: Final = 0.15
"""From how much on a mood is called better or worse; the scale is -1 to 1."""


class Day(NamedTuple):
    """A day on the unit's calendar and how many complained."""

    name: str
    complaints: int


def mood(hours: Sequence[Hour], zone_name: str, about: str) -> Markup:
    """How it was in the 24 hours up to each point of the week, every six hours: praise above the middle, complaints
    below. Where nobody said anything for a day there is a gap. `about`: the unit's name."""
    points = _moods(hours)
    title, said = f"Mood at {about} over 7 days", mood_words(hours)
    middle = (HEIGHT - TICKS) / 2
    shapes = [Markup('<line class="middle" x1="0" x2="{}" y1="{}" y2="{}"/>').format(WIDTH, middle, middle)]
    highest = max((abs(point) for point in points if point is not None), default=0.0)
    scale = (middle - EDGE) / max(highest, SCALE_MIN)
    step = (WIDTH - 2 * EDGE) / max(len(points) - 1, 1)
    run: list[tuple[float, float]] = []
    last: tuple[float, float] | None = None
    for place, point in enumerate([*points, None]):
        if point is not None:
            last = (EDGE + place * step, middle - point * scale)
            run.append(last)
        elif run:
            shapes.append(_run(run, middle))
            run = []
    if last is not None:
        shapes.append(Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="4"/>').format(*last))
    width = (WIDTH - 2 * EDGE) / DAYS
    for place, day in enumerate(by_day(hours, zone_name)):
        shapes.append(_tick(EDGE + (place + 0.5) * width, day.name))
    return _svg("mood", title, said, shapes)


def mood_words(hours: Sequence[Hour]) -> str:
    """The same in a sentence: how it is on the last day against the days before."""
    recent, before = _mood(hours[-DAY_HOURS:]), _mood(hours[:-DAY_HOURS])
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
    base, top = HEIGHT - TICKS, 14
    width = (WIDTH - 2 * EDGE) / DAYS
    shapes = []
    for place, day in enumerate(days):
        middle = EDGE + (place + 0.5) * width
        tall = max((base - top) * day.complaints / highest, 1.5)
        last = " now" if place == len(days) - 1 else ""
        shapes.append(
            Markup(
                '<rect class="bar{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"/>'
                '<text class="figure" x="{:.1f}" y="{:.1f}" text-anchor="middle">{:,}</text>'
            ).format(
                last, middle - width * 0.32, base - tall, width * 0.64, tall, middle, base - tall - 3, day.complaints
            )
        )
        shapes.append(_tick(middle, day.name))
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
    scale = (FORECAST_WIDTH - 2 * EDGE) / max(high, now, 1)
    at_now, at_low, at_likely, at_high = (EDGE + scale * value for value in (now, low, likely, high))
    shapes = [
        Markup(
            '<line class="middle" x1="{}" x2="{}" y1="20" y2="20"/>'
            '<rect class="expected" x="{:.1f}" y="12" width="{:.1f}" height="16" rx="8"/>'
            '<line class="likely" x1="{:.1f}" x2="{:.1f}" y1="10" y2="30"/>'
            '<line class="line" x1="{}" x2="{:.1f}" y1="20" y2="20"/>'
            '<circle class="dot" cx="{:.1f}" cy="20" r="5"/>'
        ).format(
            EDGE, FORECAST_WIDTH - EDGE, at_low, max(at_high - at_low, 2.0), at_likely, at_likely, EDGE, at_now, at_now
        )
    ]
    shapes += [
        Markup('<text class="tick" x="{:.1f}" y="{}" text-anchor="{}">{}</text>').format(x, y, anchor, text)
        for x, y, anchor, text in (
            (at_now, 8, "middle" if at_now > 40 else "start", f"{now:,} now"),
            (at_low, 42, "middle" if at_low > 40 else "start", f"{low:,}"),
            (at_high, 42, "end", f"{high:,}"),
        )
    ]
    return _svg("forecast", "Forecast of reposts", said, shapes, size=(FORECAST_WIDTH, 46))


def _moods(hours: Sequence[Hour]) -> list[float | None]:
    ends = range(STEP_HOURS, len(hours) + 1, STEP_HOURS)
    return [_mood(hours[max(end - DAY_HOURS, 0) : end]) for end in ends]


def _run(points: Sequence[tuple[float, float]], middle: float) -> Markup:
    """A stretch without a gap: the line, and the area between it and the middle."""
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    area = f"{points[0][0]:.1f},{middle:.1f} {line} {points[-1][0]:.1f},{middle:.1f}"
    return Markup('<polygon class="area" points="{}"/><polyline class="line" points="{}"/>').format(area, line)


def _tick(x: float, text: str) -> Markup:
    return Markup('<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(x, HEIGHT - 2, text)


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


def _svg(
    kind: str, title: str, said: str, shapes: Sequence[Markup], *, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> Markup:
    return Markup(
        '<svg class="chart {kind}" viewBox="0 0 {width} {height}" role="img" focusable="false" '
        'aria-labelledby="{kind}-title {kind}-desc"><title id="{kind}-title">{title}</title>'
        '<desc id="{kind}-desc">{said}</desc>{shapes}</svg>'
    ).format(
        kind=kind, width=size[0], height=size[1], title=escape(clean(title)), said=escape(clean(said)),
        shapes=Markup("").join(shapes),
    )  # fmt: skip
