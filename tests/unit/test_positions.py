"""A point finds the circles that hold it, anywhere on earth, at the same cost for any number of them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.positions import CELL_UNITS_MAX, Positions, distance_m
from schemas.unit import Position

latitudes = st.floats(-90, 90) | st.sampled_from([-90.0, -89.9999, 0.0, 60.0, 89.9999, 90.0])
longitudes = st.floats(-180, 180) | st.sampled_from([-180.0, -179.9999, 0.0, 179.9999, 180.0])
circles = st.builds(
    Position, latitude=latitudes, longitude=longitudes, radius_m=st.floats(1, 50_000) | st.sampled_from([1.0, 150.0])
)


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        ((52.5163, 13.3777), (48.8584, 2.2945), 878_000),  # Brandenburg Gate, Eiffel Tower
        ((0.0, 179.9995), (0.0, -179.9995), 111),  # over the date line
        ((90.0, 0.0), (90.0, 120.0), 0),
    ],
)
def test_distance(one: tuple[float, float], other: tuple[float, float], metres: float) -> None:
    """Distances are those of a map, within 0.6 %."""
    assert distance_m(*one, *other) == pytest.approx(metres, rel=0.006, abs=1)


@given(st.lists(circles, max_size=8), st.data())
def test_what_the_grid_finds_is_what_a_loop_finds(given_circles: list[Position], data: st.DataObject) -> None:
    """Near the poles, across the date line, for large circles and small: the same units, the nearest first."""
    near = [(circle.latitude, circle.longitude) for circle in given_circles]
    latitude, longitude = data.draw(st.sampled_from(near) if near else st.tuples(latitudes, longitudes))
    latitude = max(-90.0, min(90.0, latitude + data.draw(st.floats(-0.6, 0.6))))
    longitude = (longitude + data.draw(st.floats(-180, 180) | st.floats(-0.6, 0.6)) + 180.0) % 360.0 - 180.0
    units = [(f"u{number}", circle) for number, circle in enumerate(given_circles)]
    metres = {name: distance_m(latitude, longitude, one.latitude, one.longitude) for name, one in units}
    expected = sorted((metres[name], name) for name, one in units if metres[name] <= one.radius_m)

    assert Positions(units).around(latitude, longitude) == tuple(name for _, name in expected)


def test_a_circle_is_round() -> None:
    """All the way round, a point just inside is found and one just outside is not."""
    centres = [(up, right) for up in (-80.0, -0.001, 0.001, 54.3) for right in (-179.999, -0.001, 0.001, 179.999)]
    for latitude, longitude in centres:
        positions = Positions([("u", Position(latitude=latitude, longitude=longitude, radius_m=1000))])
        for step in range(16):
            up, right = math.sin(step / 8 * math.pi), math.cos(step / 8 * math.pi)
            for share, found in ((0.98, ("u",)), (1.02, ())):
                degrees = 1000 * share / 111_195
                there = (latitude + up * degrees, longitude + right * degrees / math.cos(math.radians(latitude)))
                assert positions.around(*there) == found


def test_a_place_of_too_many_says_nothing() -> None:
    """A thousand units at one point are looked through, one more are not."""
    crowd = [(f"u{number}", Position(latitude=1, longitude=1)) for number in range(CELL_UNITS_MAX + 1)]

    assert len(Positions(crowd[1:]).around(1, 1)) == CELL_UNITS_MAX
    assert Positions(crowd).around(1, 1) == ()
