"""The directory finds units by what posts show of them, and says what is wrong with a list of them."""

from typing import Any

import pytest

from pipeline.directory import ALIAS_UNITS_MAX, Directory
from pipeline.directory_check import ProblemReason, check
from pipeline.settings_record import settings_of
from schemas.event import Ancestor
from schemas.record import Source
from schemas.unit import Closure, Hours, Position, Unit


def unit(unit_id: str, **more: Any) -> Unit:
    """A unit without a fault."""
    return Unit(**({"id": unit_id, "name": unit_id.title(), "kind": "store", "time_zone": "Europe/Berlin"} | more))


CHAIN = (
    unit("brand", kind="brand", handles=("@Pellamoor",), hashtags=("pellamoor",), aliases=("Pellamoor",)),
    unit("north", kind="region", parent="brand"),
    unit("fern-hill", parent="north", handles=("x:pellamoor_fern", "facebook:1234567"), aliases=("Fern Hill",),
         hashtags=("#FernHill",), place_ids=("place-1",)),
    unit("fern-hill-2", parent="north", aliases=("Fern Hill North", "Joe's Café")),
)  # fmt: skip


class TestAboveAndBelow:
    """A region and a brand are units; who is above whom follows from `parent` alone."""

    def test_ancestors_from_the_nearest_up(self) -> None:
        """The region comes before the brand."""
        assert Directory(CHAIN).ancestors("fern-hill") == (
            Ancestor(id="north", kind="region", name="North"),
            Ancestor(id="brand", kind="brand", name="Brand"),
        )

    def test_ancestors_end_at_an_unknown_parent(self) -> None:
        """A parent that is not there, or not yet, is no ancestor."""
        assert Directory([unit("a", parent="gone")]).ancestors("a") == ()
        assert Directory([]).ancestors("a") == ()

    def test_a_circle_ends(self) -> None:
        """Parents in a circle are a mistake, not an endless loop."""
        circle = Directory([unit("a", parent="b"), unit("b", parent="c"), unit("c", parent="a"), unit("d", parent="d")])

        assert [above.id for above in circle.ancestors("a")] == ["b", "c"]
        assert circle.descendants("a") == {"b", "c"}
        assert circle.ancestors("d") == ()
        assert circle.descendants("d") == set()
        assert circle.lowest({"a", "b"}) == ("a", "b")

    def test_what_is_usual_above_is_so_below_unless_it_says_otherwise(self) -> None:
        """A unit starts from its own figure, else from that of the nearest unit above; its log is told which."""
        directory = Directory([
            unit("brand", complaints_a_week=7.0),
            unit("north", parent="brand"),
            unit("elm", parent="north", complaints_a_week=0.5),
            unit("oak", parent="north"),
            unit("alone"),
        ], 1)  # fmt: skip
        assert [0.5, 7.0, 7.0, None, None] == [
            directory.complaints_a_week(one) for one in ("elm", "oak", "brand", "alone", "gone")
        ]
        settings = settings_of(directory, "oak", Source(topic="cem.units", partition=0, offset=1))
        assert settings.unit is not None
        assert 7.0 == settings.unit.complaints_a_week

    def test_what_is_confidential_above_is_so_below(self) -> None:
        """A brand's causes hold for all its stores, at any depth; a store may add its own, and its sisters see none."""
        chain = (
            unit("brand", confidential=("legal", "discrimination")),
            unit("north", parent="brand"),
            unit("elm", parent="north", confidential=("threat", "legal")),
            unit("oak", parent="north"),
        )
        directory = Directory(chain)
        assert directory.confidential("elm") == ("threat", "legal", "discrimination")
        assert directory.confidential("oak") == ("legal", "discrimination")
        settings = settings_of(directory, "oak", Source(topic="cem.units", partition=0, offset=0))
        assert settings.unit is not None
        assert settings.unit.confidential == ("legal", "discrimination")
        assert directory.confidential("gone") == ()

    def test_descendants(self) -> None:
        """All below, at any depth, without itself; also of a unit that only its children still know."""
        assert Directory(CHAIN).descendants("brand") == {"north", "fern-hill", "fern-hill-2"}
        assert Directory(CHAIN[1:]).descendants("brand") == {"north", "fern-hill", "fern-hill-2"}
        assert Directory(CHAIN).descendants("fern-hill") == set()

    def test_is_above(self) -> None:
        """A brand is above its stores, nothing is above itself or its siblings."""
        directory = Directory(CHAIN)

        assert directory.is_above("brand", "fern-hill")
        assert not directory.is_above("fern-hill", "brand")
        assert not directory.is_above("fern-hill", "fern-hill-2")
        assert not directory.is_above("brand", "brand")

    def test_lowest(self) -> None:
        """Of a brand and its store the store; two stores stay two."""
        directory = Directory(CHAIN)

        assert directory.lowest({"brand", "north", "fern-hill"}) == ("fern-hill",)
        assert directory.lowest({"fern-hill-2", "fern-hill"}) == ("fern-hill", "fern-hill-2")

    def test_the_last_unit_of_an_id_counts(self) -> None:
        """As in the topic: what comes later replaces what came before."""
        assert Directory([unit("a", name="Old"), unit("a", name="New")], 7).units["a"].name == "New"


class TestLookUp:
    """What posts show leads to units."""

    @pytest.mark.parametrize("handle", ["pellamoor", "@pellamoor", "@PELLAMOOR", " @Pellamoor "])
    def test_handle_in_any_spelling(self, handle: str) -> None:
        """With or without `@`, in any case, on any network."""
        assert Directory(CHAIN).by_handle("reddit", handle) == ("brand",)

    def test_handle_of_one_network(self) -> None:
        """The same name on another network is somebody else."""
        assert Directory(CHAIN).by_handle("x", "@pellamoor_fern") == ("fern-hill",)
        assert Directory(CHAIN).by_handle("instagram", "@pellamoor_fern") == ()

    def test_handle_of_several_units(self) -> None:
        """A handle that several units claim gives all of them, sorted."""
        directory = Directory(
            [unit("b", handles=("@us",)), unit("a", handles=("x:us",)), unit("c", handles=("bluesky:us",))]
        )

        assert directory.by_handle("x", "us") == ("a", "b")
        assert Directory([unit("b", handles=("us",)), unit("a", handles=("us",))]).by_handle("x", "us") == ("a", "b")

    def test_hashtag_place_and_alias(self) -> None:
        """Case and accents do not count; a place's id counts letter by letter; a name can be asked for, too."""
        directory = Directory(CHAIN)

        assert directory.by_hashtag("#fernhill") == ("fern-hill",)
        assert directory.by_hashtag("FERNHILL") == ("fern-hill",)
        assert directory.by_place_id("place-1") == ("fern-hill",)
        assert directory.by_place_id("PLACE-1") == ()
        assert directory.by_alias("joe's  CAFE") == ("fern-hill-2",)
        assert directory.by_alias("Fern-Hill-2") == ("fern-hill-2",)
        assert directory.by_alias("") == ()

    def test_owner(self) -> None:
        """Own posts are known by the handle, or by the id where the unit names it for that network."""
        directory = Directory(CHAIN)

        assert directory.owner_of("x", "Pellamoor", "99") == "brand"
        assert directory.owner_of("facebook", None, "1234567") == "fern-hill"
        assert directory.owner_of("facebook", "somebody", "1234567") == "fern-hill"
        assert directory.owner_of("x", None, "1234567") is None
        assert directory.owner_of("x", None, "pellamoor") is None
        assert directory.owner_of("x", None, None) is None


def named(directory: Directory, text: str) -> list[str]:
    """All units that are named in a text, sorted."""
    return sorted({unit_id for ids in directory.names_in(text) for unit_id in ids})


class TestAliasesInText:
    """Names in a text are found as words, whatever the number of units."""

    @pytest.mark.parametrize(
        "text",
        ["the Fern Hill store", "FERN HILL!", "fern-hill", "at Fern\u00a0Hill's", "(fern hill)", "F\u00e9rn H\u00efll",
         "#nice @Fern Hill"],
    )  # fmt: skip
    def test_found(self, text: str) -> None:
        """In any case, with accents or without, between any signs."""
        assert named(Directory(CHAIN), text) == ["fern-hill"]

    @pytest.mark.parametrize("text", ["", "Fern", "Fernhill", "Hill Fern", "Fern Hills", "northfern hill"])
    def test_not_found(self, text: str) -> None:
        """Whole words in their order, or nothing."""
        assert named(Directory(CHAIN), text) == []

    def test_the_longer_name_is_meant(self) -> None:
        """ "Fern Hill North" is not "Fern Hill"; who names both means both."""
        assert named(Directory(CHAIN), "queue at Fern Hill North again") == ["fern-hill-2"]
        inner = unit("inner", aliases=("Hill North",))
        assert named(Directory([*CHAIN, inner]), "queue at Fern Hill North again") == ["fern-hill-2"]
        assert named(Directory(CHAIN), "from Fern Hill to Fern Hill North") == ["fern-hill", "fern-hill-2"]

    def test_overlapping_names_are_both_meant(self) -> None:
        """Names that share a word in the middle are both candidates."""
        directory = Directory([unit("a", aliases=("North Bank",)), unit("b", aliases=("Bank Station",))])

        assert named(directory, "North Bank Station") == ["a", "b"]

    @pytest.mark.parametrize("text", ["Joes Cafe", "joe's caf\u00e9", "JOE\u2019S CAFE\u0301"])
    def test_apostrophes_may_be_left_out(self, text: str) -> None:
        """People write Joes for Joe's."""
        assert named(Directory(CHAIN), text) == ["fern-hill-2"]

    def test_scripts_without_spaces(self) -> None:
        """A name is found in Japanese, Chinese and Thai, and in Korean with an ending glued to it."""
        names = {"jp": "\u6771\u4eac\u99c5\u524d", "kr": "\uac15\ub0a8\uc810", "th": "\u0e2a\u0e22\u0e32\u0e21"}
        directory = Directory([unit(unit_id, aliases=(name,)) for unit_id, name in names.items()])

        for unit_id, name in names.items():
            assert named(directory, f"\u6614{name}\uc740 \u0e14\u0e35") == [unit_id]

    def test_what_everybody_is_called_says_nothing(self) -> None:
        """An alias of too many units names none of them, and costs nothing."""
        crowd = [unit(f"u{number}", aliases=("The Shop",)) for number in range(ALIAS_UNITS_MAX + 1)]

        assert named(Directory(crowd), "the shop") == []
        assert len(named(Directory(crowd[1:]), "the shop")) == ALIAS_UNITS_MAX


class TestCheck:
    """What is wrong with a list of units is said in sentences, before anything is published."""

    def test_nothing_wrong(self) -> None:
        """A list as it should be has no problems."""
        assert check(CHAIN) == []

    @pytest.mark.parametrize(
        ("units", "expected"),
        [
            (
                [unit(f"u{number}", position=Position(latitude=1, longitude=1)) for number in range(1001)],
                [(f"u{number}", "position", ProblemReason.POSITION_TOO_COMMON) for number in range(1001)],
            ),
            ([unit("a", staff=("Maria", "M.", "-"))], [("a", "staff", ProblemReason.BAD_STAFF)] * 2),
            (
                [unit("b"), unit("a", parent="b", confidential=("racism", "legal"))],
                [("a", "confidential", ProblemReason.UNKNOWN_CAUSE)],
            ),
            ([unit("a", confidential=("legal",))], [("a", "confidential", ProblemReason.NO_HEAD_OFFICE)]),
            ([unit("b", confidential=("legal",)), unit("a", parent="b")], []),
            ([unit("a"), unit("a")], [("a", "id", ProblemReason.DUPLICATE_ID)]),
            ([unit("a"), unit("A")], [("A", "id", ProblemReason.ID_DIFFERS_BY_CASE)]),
            ([unit("a", parent="b")], [("a", "parent", ProblemReason.UNKNOWN_PARENT)]),
            ([unit("a", parent="a")], [("a", "parent", ProblemReason.PARENT_CYCLE)]),
            (
                [unit("c", parent="a"), unit("a", parent="b"), unit("b", parent="c"), unit("d", parent="c")],
                [("a", "parent", ProblemReason.PARENT_CYCLE)],
            ),
            ([unit("a", time_zone="Europe/Berln")], [("a", "time_zone", ProblemReason.UNKNOWN_TIME_ZONE)]),
            ([unit("a", aliases=("A1",))], [("a", "aliases", ProblemReason.ALIAS_TOO_SHORT)]),
            ([unit("a", aliases=("!!!",))], [("a", "aliases", ProblemReason.ALIAS_TOO_SHORT)]),
            ([unit("a", handles=("@",))], [("a", "handles", ProblemReason.BAD_HANDLE)]),
            ([unit("a", handles=("two words",))], [("a", "handles", ProblemReason.BAD_HANDLE)]),
            ([unit("a", handles=("twitter:us",))], [("a", "handles", ProblemReason.BAD_HANDLE)]),
            ([unit("a", hashtags=("two words",))], [("a", "hashtags", ProblemReason.BAD_HASHTAG)]),
            ([unit("a", holidays=("2026-02-30",))], [("a", "holidays", ProblemReason.BAD_DAY)]),
            (
                [unit("a", closures=(Closure(first="2026-08-14", last="2026-08-01"),))],
                [("a", "closures", ProblemReason.CLOSURE_REVERSED)],
            ),
            (
                [unit("a", opening_hours=(Hours(day="mon", opens="24:00", closes="06:00"),))],
                [("a", "opening_hours", ProblemReason.BAD_HOURS)],
            ),
        ],
    )
    def test_problem(self, units: list[Unit], expected: list[tuple[str, str, ProblemReason]]) -> None:
        """Each mistake is found once, at its unit and key, with a sentence that names the unit."""
        problems = check(units)

        assert [(found.unit_id, found.field, found.reason) for found in problems] == expected
        assert all(repr(found.unit_id) in found.detail and found.field in found.detail for found in problems)

    @pytest.mark.parametrize("handles", [("@us", "US"), ("@us", "x:us"), ("x:us", "@us"), ("x:us", "x:@US")])
    def test_a_handle_belongs_to_one_unit(self, handles: tuple[str, str]) -> None:
        """Both units are told, and each hears of the other; a brand may not share with its store either."""
        brand, store = (
            unit("brand", kind="brand", handles=handles[:1]),
            unit("store", parent="brand", handles=handles[1:]),
        )
        problems = check([brand, store])

        assert [found.reason for found in problems] == [ProblemReason.DUPLICATE_HANDLE] * 2
        assert "'store'" in problems[0].detail
        assert "'brand'" in problems[1].detail

    def test_a_handle_on_two_networks_is_two(self) -> None:
        """The same name on two networks may belong to two units."""
        assert check([unit("a", handles=("x:us",)), unit("b", handles=("facebook:us",))]) == []

    def test_a_place_belongs_to_one_unit(self) -> None:
        """Both units are told."""
        problems = check([unit("a", place_ids=("p",)), unit("b", place_ids=("p",))])

        assert [found.reason for found in problems] == [ProblemReason.DUPLICATE_PLACE_ID] * 2

    def test_a_time_zone_is_suggested(self) -> None:
        """A slip of the finger is answered with the name that was meant."""
        assert "'Europe/Berlin'" in check([unit("a", time_zone="Europe/Berln")])[0].detail

    def test_an_alias_of_everybody_is_reported(self) -> None:
        """What is not looked for is said to be so."""
        crowd = [unit(f"u{number}", aliases=("The Shop",)) for number in range(ALIAS_UNITS_MAX + 1)]

        assert {found.reason for found in check(crowd)} == {ProblemReason.ALIAS_TOO_COMMON}

    def test_everything_is_said_at_once(self) -> None:
        """One mistake does not hide the next, and the order is that of the units."""
        problems = check([unit("a", parent="x", time_zone="Nowhere", aliases=("b",)), unit("b", handles=("",))])

        assert [(found.unit_id, found.field) for found in problems] == [
            ("a", "time_zone"), ("a", "parent"), ("a", "aliases"), ("b", "handles"),
        ]  # fmt: skip


def test_causes_of_ones_own_taxonomy_may_be_confidential() -> None:
    """A user's own severe cause is known once it is said; a slip is told with what was meant."""
    units = [unit("b"), unit("a", parent="b", confidential=("theft",))]
    assert check(units, causes=("theft",)) == []
    [problem] = check([unit("b"), unit("a", parent="b", confidential=("discriminaton",))])
    assert problem.detail.endswith("is no severe cause; did you mean 'discrimination'?")
