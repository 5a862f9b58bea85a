"""What is hidden in a text depends on the units that it is about."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.directory import Directory
from pipeline.hiding import hide
from pipeline.text.redaction import Masked, mask
from schemas.unit import Unit
from tests.evaluation.masking import measure

DIRECTORY = Directory(
    [
        Unit(id="acme", name="Acme", kind="brand", time_zone="UTC", staff=("Berta Boss",)),
        Unit(id="kiel", name="Kiel", kind="store", parent="acme", time_zone="UTC", staff=("Maria",),
             aliases=("45 Harbour Road",)),
        Unit(id="bremen", name="Bremen", kind="store", parent="acme", time_zone="UTC", staff=("Juan",)),
    ]
)  # fmt: skip
TEXT = "Maria, Juan and Berta Boss know me"


def test_staff_of_the_unit_and_of_those_above_and_below() -> None:
    """A store's text hides the store's people and the brand's, a brand's text those of all its stores."""
    assert hide(mask(TEXT), ("kiel",), DIRECTORY) == Masked("[staff], Juan and [staff] know me", ("staff",))
    assert hide(mask(TEXT), ("acme",), DIRECTORY).text == "[staff], [staff] and [staff] know me"
    assert hide(mask(TEXT), ("kiel", "bremen"), DIRECTORY).text == "[staff], [staff] and [staff] know me"


def test_all_staff_where_nobody_knows_what_it_is_about() -> None:
    """A text without a unit waits for a person; until then everybody's people are hidden."""
    assert hide(mask(TEXT), (), DIRECTORY).text == "[staff], [staff] and [staff] know me"


def test_a_units_own_address_stays() -> None:
    """Where the store is says nothing about a person; where the customer lives does."""
    text = "rude people at 45 Harbour Road; I live at 46 Harbour Road, call 212-555-0123"
    hidden = hide(mask(text), ("kiel",), DIRECTORY)
    assert hidden.text == "rude people at 45 Harbour Road; I live at [address], call [phone]"
    assert hidden.kinds == ("address", "phone")


def test_what_is_hidden_stays_hidden() -> None:
    """Done again it changes nothing; where there is nothing to hide it is the same object."""
    once = hide(mask(f"{TEXT} at 46 Harbour Road"), (), DIRECTORY)
    assert hide(once, (), DIRECTORY) is once


pieces = st.sampled_from(
    [
        "Maria",
        "berta",
        "Boss",
        "B.",
        "Mr",
        "Will",
        "12",
        "Elm Street",
        "Calle",
        "Straße",
        "[staff]",
        "O'",
        "3",
        "\u0663",
    ]
) | st.text(max_size=5)


@given(st.lists(pieces, max_size=12), st.sampled_from([" ", "", "'", ", "]))
def test_any_text_can_be_hidden(parts: list[str], gap: str) -> None:
    """Whatever the text, nothing is raised, and doing it again changes nothing."""
    once = hide(mask(gap.join(parts)), (), DIRECTORY)
    assert hide(once, (), DIRECTORY).text == once.text


def test_how_well_it_is_done() -> None:
    """On the sentences made up by hand: of all that leads to a person nine of ten are hidden, of phones, addresses and
    staff nearly all; and what is hidden led to a person."""
    measured = measure()
    assert measured["recall"]["all"]["share"] >= 0.9
    assert {kind for kind in ("phone", "address", "staff") if measured["recall"][kind]["share"] < 0.9} == set()
    assert measured["precision"]["all"]["share"] >= 0.97
