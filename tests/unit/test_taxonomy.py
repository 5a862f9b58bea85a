"""A taxonomy file is read whole or refused with everything that is wrong with it."""

import re
import tomllib
from pathlib import Path

import pytest

from pipeline.taxonomy import Taxonomy, load, parse
from pipeline.taxonomy_file import COMMON, FILE_LENGTH_MAX, TaxonomyError, shipped, shipped_causes, shipped_text

SMALL = """
name = "kiosk"
version = 3
default = "snacks"

[sets]
drinks = "tea|coffee|beer*"

[departments]
counter = "Counter"

[aspects.snacks]
department = "counter"
recommended_action = "Taste it."
strong = ["cold {drinks}"]
phrases = ["{drinks}"]
weak = ["cup*"]
"""
DOCUMENT = Path(__file__).parents[2] / "deploy" / "taxonomy.md"


def mistakes(text: str, others: dict[str, str] | None = None) -> list[str]:
    """What is said about a file; it must be refused."""
    known = others or {}
    with pytest.raises(TaxonomyError) as refused:
        parse(text, lambda name: known.get(name) or shipped_text(name))
    return refused.value.messages


class TestAFile:
    def test_says_who_is_responsible(self) -> None:
        """Name, version, aspects and departments are those of the file; a title that is not given is the name."""
        kiosk = parse(SMALL)
        topic = kiosk.aspects["snacks"]
        assert ("kiosk/3", "Kiosk", "snacks") == (kiosk.identity, kiosk.title, kiosk.default)
        assert ("Snacks", "counter", "Taste it.") == (topic.title, topic.department, topic.recommended_action)

    def test_extends_a_shipped_one(self) -> None:
        """What stands in the other stays; phrases are added; `without` takes aspects out."""
        text = """
        name = "my_shops"
        extends = "retail"
        without = ["store"]
        [aspects.billing]
        phrases = ["loyalty points"]
        """
        mine, retail = parse(text), load("retail")
        assert set(retail.aspects) - {"store"} == set(mine.aspects)
        assert retail.aspects["billing"] == mine.aspects["billing"]
        assert ["billing"] == [meaning.topic for _, _, meaning in mine.phrases.find(["loyalty", "points"])]
        assert retail.default == mine.default
        assert retail.severe == mine.severe

    def test_replaces_them_all(self) -> None:
        """Without `extends` nothing else is known."""
        assert ["snacks"] == list(parse(SMALL).aspects)

    def test_extends_another_file(self) -> None:
        """Files stand on files: a set of the lower one is known in the upper one."""
        upper = 'name = "bar"\nextends = "kiosk"\n[aspects.snacks]\nphrases = ["warm {drinks}"]\n'
        assert "bar/1" == parse(upper, {"kiosk": SMALL}.get).identity


class TestEdition:
    def test_is_the_name_and_six_digits(self) -> None:
        """Short, because each insight carries it."""
        assert re.fullmatch("kiosk/[0-9a-f]{6}", parse(SMALL).edition)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("version = 3", "version = 4"),
            ("cold {drinks}", "lukewarm {drinks}"),
            ("tea|coffee", "tea|mocha|coffee"),
            ('department = "counter"', 'department = "counter"\nweight = 2'),
            ('counter = "Counter"', 'counter = "Counter"\n[severe.a]\ndepartment = "counter"\nphrases = ["hurt"]'),
        ],
    )
    def test_another_content_is_another_edition(self, before: str, after: str) -> None:
        """Whatever is found by, also severe causes, even where the author forgets to count the version up."""
        assert before in SMALL
        assert parse(SMALL).edition != parse(SMALL.replace(before, after)).edition

    def test_what_it_stands_on_counts(self) -> None:
        """A file that did not change says something else when the one below it does."""
        upper = 'name = "bar"\nextends = "kiosk"\n'
        changed = SMALL.replace("coffee", "cocoa")
        assert parse(upper, {"kiosk": SMALL}.get).edition != parse(upper, {"kiosk": changed}.get).edition

    def test_how_it_is_written_counts_for_nothing(self) -> None:
        """Comments, empty lines, the order of keys and of aspects."""
        lines = SMALL.strip().replace('name = "kiosk"\nversion = 3', '# ours\nversion = 3\n\nname = "kiosk"')
        assert parse(SMALL).edition == parse(lines).edition


class TestMistakes:
    def test_all_of_them_at_once(self) -> None:
        """A department that is missing, one that there is not, a bad pattern, a key that nobody knows: one answer."""
        told = mistakes(
            'name = "x"\ncolour = "red"\n[departments]\nshop = "Shop"\n[aspects.a]\ndepartment = "moon"\n'
            'phrases = ["..", "fine"]\n[aspects.b]\nphrase = ["one"]\nweak = ["two"]\n'
        )
        assert 5 == len(told)
        assert "`colour`: not known here" in told[0]
        assert "`aspects.b.phrase`: not known here; did you mean `phrases`?" == told[1]
        assert "`aspects.a.department`: there is no department 'moon'" in told[2]
        assert "`aspects.a.phrases`: '..' cannot be used" in told[3]
        assert "`aspects.b.department`: missing; write one of shop" == told[4]

    def test_departments(self) -> None:
        """A department that is missing, or that there is not, is named with what there is."""
        told = mistakes(SMALL + '[aspects.a]\nphrases = ["one"]\n[aspects.b]\ndepartment = "moon"\nweak = ["two"]\n')
        assert [
            "`aspects.a.department`: missing; write one of counter",
            "`aspects.b.department`: there is no department 'moon'; add it under [departments] or write one of counter",
        ] == told

    @pytest.mark.parametrize(
        ("files", "circle"),
        [
            ({"a": 'name = "a"\nextends = "a"'}, "a -> a"),
            ({"a": 'name = "a"\nextends = "b"', "b": 'name = "b"\nextends = "a"'}, "a -> b -> a"),
            ({"a": 'name = "a"\nextends = "b"', "b": 'name = "b"\nextends = "b"'}, "b -> b"),
            ({"a": 'name = "retail"\nextends = "retail"'}, "retail -> retail"),
        ],
    )
    def test_circles(self, files: dict[str, str], circle: str) -> None:
        """Files that stand on themselves are refused, with the way round."""
        told = mistakes(files["a"], files)
        assert [f"`extends`: goes in a circle, {circle}; give the file a name of its own or take one out"] == told

    def test_too_many_files_on_top_of_each_other(self) -> None:
        """The way down is bounded."""
        files = {f"f{number}": f'name = "f{number}"\nextends = "f{number + 1}"' for number in range(50)}
        [told] = mistakes(files["f0"], files)
        assert "more than 8 files" in told

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ('extends = "nothing"', "`extends`: there is no taxonomy 'nothing'"),
            ('default = "moon"', "`default`: there is no aspect 'moon'"),
            ('without = ["moon"]', "`without`: there is no aspect 'moon'"),
            ("version = 0", "`version`: '0' cannot be used"),
            ('title = ""', "`title`: '' cannot be used"),
            ('ignored = ["Late"]', "write it in small letters"),
            ('ignored = ["{moon} night"]', "names {moon}, a set that there is not"),
            ('ignored = "one"', "`ignored`: write a list of texts"),
        ],
    )
    def test_says_where_and_what_to_write(self, line: str, told: str) -> None:
        """One mistake, one sentence."""
        text = SMALL.replace('default = "snacks"', line) if line.startswith("default") else line + SMALL
        text = text.replace("version = 3", "") if line.startswith("version") else text
        [message] = mistakes(text)
        assert told in message

    @pytest.mark.parametrize(
        ("lines", "told"),
        [
            ('[aspects.a]\ndepartment = "counter"', "`aspects.a`: has no phrases"),
            ('[aspects.a]\ndepartment = "counter"\nweight = 50\nweak = ["x"]', "`aspects.a.weight`: '50' cannot be"),
            ('[aspects."A b"]\ndepartment = "counter"\nweak = ["x"]', "`aspects`: the name 'A b' cannot be used"),
            ('[severe.a]\ndepartment = "counter"\nweak = ["x"]', "`severe.a.weak`: not known here"),
            (
                '[severe.a]\ndepartment = "counter"\nseverity = 11\nphrases = ["x"]',
                "`severe.a.severity`: '11' cannot be used; write a whole number from 1 to 10",
            ),
            (
                '[severe.a]\ndepartment = "counter"\nannounced = 1\nphrases = ["x"]',
                "`severe.a.announced`: '1' cannot be used; write true or false",
            ),
            ('[aspects.a]\ndepartment = "counter"\nseverity = 3\nweak = ["x"]', "`aspects.a.severity`: not known here"),
            ('[aspects]\na = "one"', "`aspects.a`: write a table"),
            ('[aspects.a]\ndepartment = "counter"\nweak = ["a|{moon}"]', "names {moon}, a set that there is not"),
        ],
    )
    def test_topics(self, lines: str, told: str) -> None:
        """What is wrong within an aspect or a severe cause is told with its name."""
        text = SMALL.replace("[aspects.snacks]", "[aspects.other]\n[aspects.snacks]") if "[aspects]" in lines else SMALL
        text = 'name = "x"\n[departments]\ncounter = "c"\n' + lines if "[aspects]" in lines else text + lines
        assert told in mistakes(text)[0]

    @pytest.mark.parametrize("text", ["", "name = ", "\x00", "[" * 5_000, "x" * (FILE_LENGTH_MAX + 1)])
    def test_no_taxonomy_at_all(self, text: str) -> None:
        """Any text is answered, and nothing but TaxonomyError leaves."""
        assert mistakes(text)

    def test_a_name_that_is_not_shipped(self) -> None:
        """The names that there are are listed."""
        with pytest.raises(TaxonomyError, match="there is no taxonomy 'moon'; use one of airline, bank"):
            load("moon")


@pytest.mark.parametrize("name", shipped())
class TestShipped:
    def test_loads(self, name: str) -> None:
        """Every industry that a unit may have has a taxonomy, with a default and severe causes."""
        taxonomy = load(name)
        assert isinstance(taxonomy, Taxonomy)
        assert taxonomy.default in taxonomy.aspects
        assert {"injury", "illness", "discrimination", "threat", "legal", "data_leak", "minors"} == set(taxonomy.severe)
        assert shipped_causes() == set(taxonomy.severe)
        assert {"advertising", "unwanted_contact"} <= set(taxonomy.aspects)

    def test_everybody_is_told_what_to_do(self, name: str) -> None:
        """Each aspect and cause has a title, a department that there is, and an action as a sentence."""
        taxonomy = load(name)
        for topic in (*taxonomy.aspects.values(), *taxonomy.severe.values()):
            assert topic.department in taxonomy.departments
            assert topic.title[0].isupper()
            assert topic.recommended_action[0].isupper() and topic.recommended_action.endswith(".")

    def test_nothing_is_written_twice(self, name: str) -> None:
        """A pattern stands in one list of one aspect: a second one would never be asked."""
        text = shipped_text(name)
        assert text is not None
        aspects = tomllib.loads(text)["aspects"]
        patterns = [
            pattern
            for table in aspects.values()
            for key in ("strong", "phrases", "weak")
            for pattern in table.get(key, [])
        ]
        assert sorted(set(patterns)) == sorted(patterns)


def test_airline_has_the_nine() -> None:
    """The aspects of airlines that others rely on keep their names."""
    nine = {
        "customer_service", "late_flight", "cancelled_flight", "lost_luggage", "damaged_luggage", "bad_flight",
        "booking", "flight_attendants", "long_lines",
    }  # fmt: skip
    assert nine <= set(load("airline").aspects)


def test_common_is_no_taxonomy() -> None:
    """It has no default and is only there to stand on."""
    with pytest.raises(TaxonomyError, match="there is no taxonomy 'common'"):
        load(COMMON)


def test_the_example_of_the_documentation_works() -> None:
    """What users are shown can be loaded, and does what is said."""
    example = DOCUMENT.read_text("utf-8").split("```toml\n")[1].split("```")[0]
    taxonomy = parse(example)
    assert "my_bakeries/1" == taxonomy.identity
    assert "bread" in taxonomy.aspects and "food_quality" in taxonomy.aspects
    assert "ambience" not in taxonomy.aspects


def test_how_severe_a_cause_is() -> None:
    """As the file says, and 8 where it says nothing; a file that extends another may say something else."""
    mine = parse(
        'name = "mine"\nextends = "retail"\n[severe.injury]\nseverity = 10\n'
        '[severe.theft]\ndepartment = "safety"\nphrases = ["stole my bag"]\n'
    )
    assert (10, 8, 9) == tuple(mine.severe[cause].severity for cause in ("injury", "theft", "threat"))
    assert (False, True) == (mine.severe["injury"].announced, mine.severe["legal"].announced)
