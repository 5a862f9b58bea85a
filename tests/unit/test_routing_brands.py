"""A brand is known by its name too, and has the posts of which nobody says which store."""

from typing import Any

import pytest

from pipeline.directory import Directory
from schemas.unit import Unit
from tests.routes import find, unit

BRANDS = Directory(
    [
        Unit(id="gap", name="Gap", kind="brand", time_zone="UTC", handles=("@gap",), hashtags=("gapjeans",)),
        unit("gap-kiel", "gap", aliases=("Kiel", "Main Street")),
        Unit(id="cafe", name="Caf\u00e9 Rossi", kind="brand", time_zone="UTC"),
        unit("cafe-kiel", "cafe", aliases=("Kiel", "Main Street")),
        Unit(id="joes", name="Joe's Diner", kind="brand", time_zone="UTC"),
        Unit(id="ab", name="AB", kind="brand", time_zone="UTC"),
        Unit(id="other", name="Lonely Store", kind="store", time_zone="UTC"),
    ]
)
"""Two brands, each with a store in the same street of the same town."""


class TestBrands:
    """A brand is known by its name too, and has the posts of which nobody says which store."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Gap never answers", [("gap", "alias")]),
            ("GAP NEVER ANSWERS", [("gap", "alias")]),
            ("rude people in all Cafe Rossi", [("cafe", "alias")]),
            ("nice, Joes Diner", [("joes", "alias")]),
            ("nice, Joe\u2019s Diner", [("joes", "alias")]),
            ("@gap never answers", [("gap", "handle")]),
            ("my #gapjeans are torn", [("gap", "hashtag")]),
            ("mind the gap", ("no_clue", [])),
            ("AB", ("no_clue", [])),
            ("Lonely Store", ("no_clue", [])),
        ],
    )
    def test_without_a_store(self, text: str, expected: Any) -> None:
        """It is the brand's own; a word that is a name by chance, in lower case, is none."""
        assert find(text, directory=BRANDS) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Gap in Kiel never answers", [("gap-kiel", "alias")]),
            ("Cafe Rossi, Main Street", [("cafe-kiel", "alias")]),
            ("@gap why is Kiel closed", [("gap-kiel", "alias")]),
            ("why is Kiel closed #gapjeans", [("gap-kiel", "hashtag")]),
            ("why is Kiel closed", ("ambiguous", ["cafe-kiel", "gap-kiel"])),
            ("Gap or Cafe Rossi in Kiel?", ("ambiguous", ["cafe-kiel", "gap-kiel"])),
        ],
    )
    def test_with_a_town(self, text: str, expected: Any) -> None:
        """A town where several have a store means the store of the brand that is named."""
        assert find(text, directory=BRANDS) == expected
