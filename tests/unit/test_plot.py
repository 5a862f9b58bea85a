"""A picture is whole by itself, keeps to its frame, and nothing that is written in it gets out of its text."""

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.plot import INNER_HEIGHT, LEFT, RIGHT, TOP, WIDTH, Plot, Series, svg

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = ('<script>alert("x")</script>', "a & b", "]]>", "\x00\x1b\ud800", "</text></svg>", '" onload="x', "x" * 500)


def plot(*series: Series, title: str = "Title") -> Plot:
    return Plot(title=title, x="false alerts per unit and 30 days", y="found", series=series)


def curve(*points: tuple[float, float], line: bool = True, name: str = "ours") -> Series:
    return Series(name=name, points=points, line=line)


def texts(picture: str) -> list[str]:
    return [one.text or "" for one in ET.fromstring(picture).iter(f"{SVG}text")]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_written_stays_text(text: str) -> None:
    """Title, axes and names come from files; none of them becomes an element, an attribute or a broken file."""
    hostile = Plot(title=text, subtitle=text, x=text, y=text, series=(curve((0.1, 0.5), name=text),))
    root = ET.fromstring(svg(hostile).encode())
    assert {"svg", "title", "text", "rect", "line", "path", "circle"} >= {
        one.tag.removeprefix(SVG) for one in root.iter()
    }
    assert all("on" not in name[:2] for one in root.iter() for name in one.attrib)
    assert all(len(one.text or "") <= 60 for one in root.iter())


def test_titles_axes_and_legend_are_there() -> None:
    """A picture that has to be explained is none."""
    shown = texts(svg(plot(curve((0.1, 0.5)), curve((3.0, 1.0), line=False, name="C2"))))
    assert {"Title", "false alerts per unit and 30 days", "found", "ours", "C2", "0%", "100%", "0.1", "10"} <= {*shown}


def test_nothing_false_stands_at_the_left_end() -> None:
    """0 has no logarithm, and its place says so."""
    picture = svg(plot(curve((0.0, 0.25), (1.0, 0.75))))
    assert "0" in texts(picture)
    first = next(iter(ET.fromstring(picture).iter(f"{SVG}circle")))
    assert (float(LEFT), TOP + 0.75 * INNER_HEIGHT) == (float(first.attrib["cx"]), float(first.attrib["cy"]))


numbers = st.one_of(st.floats(), st.sampled_from([0.0, -1.0, math.inf, math.nan, 1e-300, 1e300]))


@given(st.lists(st.tuples(numbers, numbers), max_size=8), st.booleans())
def test_whatever_the_figures_are_the_marks_are_inside(points: list[tuple[float, float]], line: bool) -> None:
    """Not a number, endless, negative: the picture stays one."""
    root = ET.fromstring(svg(plot(curve(*points, line=line))))
    for mark in root.iter(f"{SVG}circle"):
        assert LEFT <= float(mark.attrib["cx"]) <= WIDTH - RIGHT
        assert TOP <= float(mark.attrib["cy"])


def test_more_to_the_right_is_farther_right_by_decades() -> None:
    """From 0.1 to 1 as far as from 1 to 10."""
    marks = ET.fromstring(svg(plot(curve((10.0, 1.0), (0.1, 1.0), (1.0, 1.0))))).iter(f"{SVG}circle")
    first, second, third = [float(mark.attrib["cx"]) for mark in marks][:3]
    assert pytest.approx(third - second, abs=0.2) == second - first
    assert second > first


def test_it_is_readable_on_a_phone() -> None:
    """It shrinks to the width that there is, and is not wider than a phone needs."""
    root = ET.fromstring(svg(plot(curve((1.0, 1.0)))))
    assert "max-width:100%" in root.attrib["style"]
    assert float(root.attrib["font-size"]) * 360 / WIDTH >= 11
