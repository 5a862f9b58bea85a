"""Laws of the text functions and of routing, over any text."""

import re
import unicodedata
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.directory import Directory
from pipeline.routing import route
from pipeline.text.normalise import normalise
from pipeline.text.pseudonym import Pseudonyms
from pipeline.text.redaction import mask
from schemas.unit import Position, Unit

KINDS = {"card", "email", "iban", "number", "order", "phone", "url"}

PIECES = [
    "order", "Conf", "booking", "ref", "#", "# ", ": ", " ", "  ", " is ", " number", "code", "'s", "(", ")", "-", "/",
    ".", ", ", "&amp;", " and ", "+", "@", "[", "]", "[number]", "[phone]", "a", "Ab", "ABC", "ABCDEF", "N", "_", "0",
    "1", "12", "020", "555", "0123", "1234", "12345", "4111", "4111111111111111", "123456789", "2015", "(020)", "+44",
    "555-0123", "call ", "phone", "http://", "://", "?", "=", "a@b.com", "b.co", "@x", "#tag", "GB29NWBK60161331926819",
    "NO93 8601 1117 947", "<", "&lt;", "333333333", "$", "\u20ac", "\u00e9", "\u0663", "\uff14", "\u0130", "miles",
    "A1B2C3", "2015-02-24", "01/02/2015", "10:30", "UA1234", "\u2010", "\n", "\u200d", "\u200c", "\u0301", "\u0915",
    "\u094d", "\u0627", "\U0001f468", "\ufe0f", "\u202e", "\u00a0",
]  # fmt: skip
"""What rules look for, so that texts made of these come near all of their borders."""

texts = st.one_of(
    st.text(max_size=200),
    st.text(alphabet="0123456789 -.+()/@#:aA", max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
)


def passes_luhn(digits: str) -> bool:
    """The check digit of card numbers, as in the standard's words: from the right, every second digit doubled."""
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def card_numbers(text: str) -> list[str]:
    """All stretches of whole digit groups, held apart by one separator, that are as long as a card and pass Luhn."""
    found = []
    for run in re.findall(r"\d+(?:[ .-]\d+)*", text):
        groups = re.findall(r"\d+", run)
        for first in range(len(groups)):
            for last in range(first + 1, len(groups) + 1):
                digits = "".join(groups[first:last])
                if 13 <= len(digits) <= 19 and passes_luhn(digits):
                    found.append(digits)
    return found


@given(texts)
def test_normalising_twice_changes_nothing(text: str) -> None:
    """normalise(normalise(x)) == normalise(x)."""
    once = normalise(text)

    assert normalise(once) == once


@given(texts)
def test_normal_text_is_one_clean_line(text: str) -> None:
    """NFC, no controls, no surrogates, single spaces, none at the ends."""
    normal = normalise(text)

    assert unicodedata.is_normalized("NFC", normal)
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in normal)
    assert normal == " ".join(normal.split())


@given(texts)
def test_masking_twice_changes_nothing(text: str) -> None:
    """What comes out is not masked further: a text that goes through again (an edit, a replay) stays the same."""
    once = mask(text)

    assert mask(once.text).text == once.text


@given(texts)
def test_masking_says_what_it_did(text: str) -> None:
    """Kinds are known, sorted, single; there are some if and only if the text has changed."""
    masked = mask(text)

    assert set(masked.kinds) <= KINDS
    assert list(masked.kinds) == sorted(set(masked.kinds))
    assert bool(masked.kinds) == (masked.text != text)


@given(texts)
def test_no_card_number_gets_through(text: str) -> None:
    """Nothing of 13 to 19 digits with a right check digit is left, whatever stands around it."""
    assert card_numbers(mask(text).text) == []


@given(st.text(max_size=20), st.text(alphabet="0123456789", min_size=9, max_size=30), st.text(max_size=20))
def test_no_long_number_gets_through(before: str, digits: str, after: str) -> None:
    """Nine digits in a row are masked in any text, unless they belong to a mention, a tag or a heart."""
    masked = mask(f"{before} {digits} {after}").text

    assert f" {digits} " not in masked


@given(st.from_regex(r"[a-z][a-z0-9.+_-]{0,20}[a-z0-9]@[a-z][a-z0-9-]{0,20}(\.[a-z]{2,8}){1,3}", fullmatch=True), texts)
def test_no_email_address_gets_through(address: str, text: str) -> None:
    """An address that stands alone is masked, whatever the rest of the text is."""
    assert address not in mask(f"{address} {text}").text


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_pseudonyms_are_told_apart(network: str, author: str, other_network: str, other: str) -> None:
    """Two authors have two names, the same author has one."""
    pseudonyms = Pseudonyms(b"0123456789abcdef")
    same = (network, author) == (other_network, other)

    assert same == (pseudonyms.author(network, author) == pseudonyms.author(other_network, other))


IDS = ["a", "b", "c", "d", "e"]
CLUES = ["alpha", "beta", "gamma delta", "gamma"]
PLACES = [Position(latitude=north, longitude=0, radius_m=radius) for north in (0, 0.001) for radius in (90, 150)]


@st.composite
def unit_lists(draw: st.DrawFn) -> list[Unit]:
    """A few units with few clues, so that they share them; parents may be missing or go in circles."""
    some = st.lists(st.sampled_from(CLUES), max_size=2).map(tuple)
    return [
        Unit(
            id=unit_id,
            name=draw(st.sampled_from(CLUES)),
            kind=draw(st.sampled_from(["store", "brand"])),
            time_zone="UTC",
            parent=draw(st.sampled_from([None, *IDS, "gone"])),
            aliases=draw(some),
            handles=tuple(handle.replace(" ", "_") for handle in draw(some)),
            hashtags=tuple(tag.replace(" ", "") for tag in draw(some)),
            place_ids=draw(some),
            position=draw(st.sampled_from([None, *PLACES])),
        )
        for unit_id in draw(st.lists(st.sampled_from(IDS), unique=True))
    ]


posts = st.fixed_dictionaries(
    {
        "network": st.just("x"),
        "text": st.one_of(
            st.lists(
                st.sampled_from(["@alpha", "@beta", "@gamma_delta", "#alpha", "#gammadelta", *CLUES, "and", "soup"]),
                max_size=6,
            ).map(" ".join),
            texts,
        ),
        "hint": st.sampled_from([None, "", "nobody", *IDS, *CLUES]),
        "place_id": st.sampled_from([None, "nowhere", *CLUES]),
        "position": st.sampled_from([None, (0.0, 0.0), (0.0005, 0.0), (0.001, 0.0), (50.0, 8.0)]),
        "thread_units": st.lists(st.sampled_from([*IDS, "gone"]), max_size=3, unique=True).map(tuple),
    }
)


@given(unit_lists().flatmap(lambda units: st.tuples(st.just(units), st.permutations(units))), posts)
def test_routing_does_not_depend_on_the_order_of_units(
    lists: tuple[list[Unit], list[Unit]], post: dict[str, Any]
) -> None:
    """The directory is a set: read back in another order it decides the same."""
    units, shuffled = lists

    assert route(**post, directory=Directory(units)) == route(**post, directory=Directory(shuffled))


@given(unit_lists(), posts)
def test_routing_names_known_units_in_order(units: list[Unit], post: dict[str, Any]) -> None:
    """Units that are concerned exist, are sorted and single; candidates exist; a reason is never empty."""
    found = route(**post, directory=Directory(units))
    known = {unit.id for unit in units}
    if isinstance(found, list):
        ids = [routed.unit_id for routed in found]
        assert ids
        assert ids == sorted(set(ids))
    else:
        ids = [candidate.unit_id for candidate in found.candidates]
        assert found.reason
    assert set(ids) <= known


@given(unit_lists())
def test_above_and_below_agree(units: list[Unit]) -> None:
    """A unit is below another exactly if that one is among its ancestors, whatever the parents are."""
    directory = Directory(units)
    for above in directory.units:
        expected = {below for below in directory.units if any(one.id == above for one in directory.ancestors(below))}
        assert directory.descendants(above) & set(directory.units) == expected
        assert {below for below in directory.units if directory.is_above(above, below)} == expected
