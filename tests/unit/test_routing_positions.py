"""Where a post was written is the weakest clue, and one that settles what others leave open."""

import pytest

from pipeline.directory import Directory
from tests.routes import at, find, unit

NORTH, SOUTH, FAR = (54.32, 10.135), (54.3206, 10.135), (54.4, 10.135)
"""Two points 67 m apart, and one that is nobody's."""

MALL = Directory(
    [
        unit("acme", aliases=("Acme",), hashtags=("acme",), handles=("@acme",), position=at(NORTH, 15_000)),
        unit("acme-mall", "acme", position=at(NORTH), aliases=("Mall",)),
        unit("acme-far", "acme", position=at((54.5, 10.135)), aliases=("Harbour",)),
        unit("rival-mall", "rival", position=at(SOUTH), aliases=("Mall",)),
        unit("rival", aliases=("Rival",)),
    ]
)
"""Two stores side by side; a brand whose circle is the whole town."""


class TestPosition:
    """Where it was written: the weakest clue, and one that settles what others leave open."""

    def test_in_one_circle(self) -> None:
        """Within the radius of one unit it is that unit; a brand around it is less than its store."""
        assert find(position=(54.5001, 10.1351), directory=MALL) == [("acme-far", "position")]
        assert find(position=FAR, directory=MALL) == [("acme", "position")]
        assert find(position=(0.0, 0.0), directory=MALL) == ("no_clue", [])

    def test_in_two_circles(self) -> None:
        """Two stores in one mall are both likely, the nearer one first; a person decides."""
        assert find(position=NORTH, directory=MALL) == ("ambiguous", ["acme-mall", "rival-mall"])
        assert find(position=SOUTH, directory=MALL) == ("ambiguous", ["rival-mall", "acme-mall"])

    @pytest.mark.parametrize("text", ["rude people at Acme", "@acme rude people", "rude people #acme"])
    def test_a_brand_settles_two_circles(self, text: str) -> None:
        """The brand is named and two stores are near: it is the one that belongs to the brand."""
        assert find(text, position=SOUTH, directory=MALL) == [("acme-mall", "position")]

    def test_the_text_is_stronger(self) -> None:
        """Who names another store means that one, wherever he stands."""
        assert find("the queue at Harbour", position=NORTH, directory=MALL) == [("acme-far", "alias")]

    def test_a_position_settles_two_names(self) -> None:
        """Two stores share a name, and one of them is where it was written."""
        assert find("the Mall is dirty", directory=MALL) == ("ambiguous", ["acme-mall", "rival-mall"])
        near = (NORTH[0] - 0.0012, NORTH[1])
        assert find("the Mall is dirty", position=near, directory=MALL) == [("acme-mall", "position")]
