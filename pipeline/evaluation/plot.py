"""A plot of figures as SVG: curves and points over a logarithmic axis, readable on a phone.

In: a `Plot`, which is titles, axes and series. Out: the text of an SVG file that needs nothing else: no script, no
font, no reference to elsewhere. The one rule: whatever text comes in, it comes out as text.
"""

import math
from collections.abc import Iterator, Sequence
from html import escape

import msgspec

WIDTH, TOP, LEFT, RIGHT = 480, 74, 62, 18
INNER_HEIGHT, LEGEND_LINE, MARGIN = 300, 24, 58
FONT = 15
TEXT_MAX = 60
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555")
"""Okabe and Ito's, which the colour-blind can tell apart."""
DASHES = ("", "6 4", "2 3", "8 3 2 3")
MARKS = ("circle", "square", "triangle", "diamond")


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """`points`: x and y. `line`: they are joined, from left to right."""

    name: str
    points: tuple[tuple[float, float], ...]
    line: bool = False


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """`x` and `y` name the axes, with their units. y goes from 0 to 1; x is logarithmic, and what is 0 on it stands at
    its left end."""

    title: str
    subtitle: str = ""
    x: str
    y: str
    series: tuple[Series, ...]


def svg(plot: Plot) -> str:
    """The plot as SVG. Points that are no numbers are left out."""
    series = [
        Series(name=one.name, line=one.line, points=tuple(sorted(filter(_finite, one.points)))) for one in plot.series
    ]
    first, last = _decades([x for one in series for x, _ in one.points])
    height = TOP + INNER_HEIGHT + MARGIN + LEGEND_LINE * len(series) + 12
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" style="max-width:100%;height:auto" font-family="sans-serif" font-size="{FONT}" fill="#222">',
        f"<title>{_text(plot.title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{LEFT}" y="26" font-size="18" font-weight="bold">{_text(plot.title)}</text>',
        f'<text x="{LEFT}" y="48" font-size="13" fill="#555">{_text(plot.subtitle)}</text>',
        *_axes(plot, first, last, any(x <= 0 for one in series for x, _ in one.points)),
    ]
    for number, one in enumerate(series):
        lines += _drawn(one, number, first, last)
        lines += _legend(one, number, TOP + INNER_HEIGHT + MARGIN + 14 + LEGEND_LINE * number)
    return "\n".join([*lines, "</svg>", ""])


def _axes(plot: Plot, first: int, last: int, zero: bool) -> Iterator[str]:
    bottom, right = TOP + INNER_HEIGHT, WIDTH - RIGHT
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _y(share)
        yield f'<line x1="{LEFT}" y1="{y:g}" x2="{right}" y2="{y:g}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 5:g}" text-anchor="end">{share:.0%}</text>'
    step = max(1, math.ceil((last - first) / 6))
    for decade in range(first, last + 1, step):
        x = _x(10.0**decade, first, last)
        label = "0" if zero and decade == first else f"{10.0**decade:g}"
        yield f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#ddd"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{label}</text>'
    yield f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#222"/>'
    middle = TOP + INNER_HEIGHT / 2
    yield f'<text x="{(LEFT + right) / 2:g}" y="{bottom + 44}" text-anchor="middle">{_text(plot.x)}</text>'
    yield (
        f'<text x="16" y="{middle:g}" text-anchor="middle" transform="rotate(-90 16 {middle:g})">{_text(plot.y)}</text>'
    )


def _drawn(series: Series, number: int, first: int, last: int) -> Iterator[str]:
    colour = COLOURS[number % len(COLOURS)]
    places = [(_x(x, first, last), _y(y)) for x, y in series.points]
    if series.line and len(places) > 1:
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{_dash(number)}/>'
    for x, y in places:
        yield _mark(x, y, number)


def _legend(series: Series, number: int, y: int) -> Iterator[str]:
    if series.line:
        yield (
            f'<path d="M{LEFT} {y}h34" stroke="{COLOURS[number % len(COLOURS)]}" stroke-width="2" fill="none"'
            f"{_dash(number)}/>"
        )
    yield _mark(LEFT + 17, y, number)
    yield f'<text x="{LEFT + 44}" y="{y + 5}">{_text(series.name)}</text>'


def _dash(number: int) -> str:
    dash = DASHES[number % len(DASHES)]
    return f' stroke-dasharray="{dash}"' if dash else ""


def _mark(x: float, y: float, number: int) -> str:
    colour, shape = COLOURS[number % len(COLOURS)], MARKS[number % len(MARKS)]
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>'
    outline = {
        "square": ((-5, -5), (5, -5), (5, 5), (-5, 5)),
        "triangle": ((0, -6), (6, 5), (-6, 5)),
        "diamond": ((0, -7), (7, 0), (0, 7), (-7, 0)),
    }[shape]
    corners = " ".join(f"{x + across:.1f},{y + down:.1f}" for across, down in outline)
    return f'<polygon points="{corners}" fill="{colour}"/>'


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten that hold all values above 0, at least two; one less where there is a 0, which stands there."""
    above = [value for value in values if value > 0]
    first = math.floor(math.log10(min(above, default=0.1)))
    last = max(first + 1, math.ceil(math.log10(max(above, default=1.0))))
    return (first - 1 if len(above) < len(values) else first), last


def _x(value: float, first: int, last: int) -> float:
    share = (math.log10(value) - first) / (last - first) if value > 0 else 0.0
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(value: float) -> float:
    return TOP + INNER_HEIGHT * (1.0 - min(1.0, max(0.0, value)))


def _finite(point: tuple[float, float]) -> bool:
    return all(math.isfinite(one) for one in point)


def _text(text: str) -> str:
    """Escaped, bounded, and without characters that XML does not allow."""
    shown = "".join(one if one.isprintable() else " " for one in text[: 2 * TEXT_MAX])
    return escape(shown if len(shown) <= TEXT_MAX else shown[: TEXT_MAX - 1] + "…")
