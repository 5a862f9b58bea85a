"""A units file is read, or whoever wrote it learns all that is wrong with it at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.units_file import UnitsFileError, parse_units, write_units
from schemas.unit import Unit
from tests.strategies import units

GOOD = """
[[units]]
id = "store-17"
name = "Harbour Street"
kind = "store"
time_zone = "Europe/Berlin"
"""


def messages(text: str) -> list[str]:
    """What is said about a file that is refused."""
    with pytest.raises(UnitsFileError) as error:
        parse_units(text)
    assert str(error.value) == "\n".join(error.value.messages)
    return error.value.messages


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "\ufeff" + GOOD,
        '[defaults]\nkind = "store"\ntime_zone = "Europe/Berlin"\n[[units]]\nid = "store-17"\nname = "Harbour Street"',
        '{"id":"store-17","name":"Harbour Street","kind":"store","time_zone":"Europe/Berlin"}\n\n',
        '{\n "id":"store-17",\n "name":"Harbour Street", "kind":"store", "time_zone":"Europe/Berlin"\n}',
        ' [\n{"id":"store-17","name":"Harbour Street","kind":"store","time_zone":"Europe/Berlin"}]',
        '{"defaults": {"kind":"store"}, "units":'
        ' [{"id":"store-17","name":"Harbour Street","time_zone":"Europe/Berlin"}]}',
    ],
    ids=["toml", "byte order mark", "toml with defaults", "lines", "object", "array", "object with units"],
)
def test_forms(text: str) -> None:
    """The same unit, in each form that a file may have."""
    assert parse_units(text) == parse_units(GOOD)
    assert parse_units(text)[0].name == "Harbour Street"


def test_units_keep_their_order() -> None:
    """TOML or lines: the first unit of the file is the first of the list."""
    line = '{"id":"%s","name":"A","kind":"store","time_zone":"UTC"}\n'

    assert [unit.id for unit in parse_units(line % "b" + line % "a")] == ["b", "a"]


def test_a_unit_overrides_defaults() -> None:
    """What stands at the unit counts."""
    units = parse_units('[defaults]\ntime_zone = "UTC"\nlanguages = ["en"]\n' + GOOD)

    assert (units[0].time_zone, units[0].languages) == ("Europe/Berlin", ("en",))


def test_days_and_times_without_quotes() -> None:
    """TOML has days and times of its own, and they mean what they say."""
    unit = parse_units(
        GOOD + "holidays = [2026-12-25]\nclosures = [{first = 2026-08-01, last = 2026-08-14}]\n"
        'opening_hours = [{day = "mon", opens = 09:00:00, closes = "18:00"}]'
    )[0]

    assert unit.holidays == ("2026-12-25",)
    assert unit.closures[0].last == "2026-08-14"
    assert (unit.opening_hours[0].opens, unit.opening_hours[0].closes) == ("09:00", "18:00")


def test_own_keys_are_let_be() -> None:
    """A key that nobody knows belongs to somebody; the unit is the same."""
    assert parse_units(GOOD + 'city = "Kiel"\nx_cost_centre = 12') == parse_units(GOOD)


def test_a_slip_in_a_key_is_no_own_key() -> None:
    """Handles under `handels` would never be found, and nobody would notice."""
    assert messages(GOOD + 'handels = ["@us"]') == [
        "unit 1 ('store-17'): `handels`: not known; did you mean `handles`?"
    ]


def test_a_missing_time_zone() -> None:
    """The message says which unit, which key and what to write."""
    assert messages(GOOD.replace('time_zone = "Europe/Berlin"', "")) == [
        "unit 1 ('store-17'): `time_zone`: missing; add the zone that its clocks show, such as "
        'time_zone = "Europe/Berlin"'
    ]


@pytest.mark.parametrize("unit_id", ["store_17", "store.17", "store 17", "", " ", "caf\u00e9", "a" * 129, "a\\n"])
def test_an_id_that_no_topic_can_have(unit_id: str) -> None:
    """The id becomes a part of a topic's name, and the message says so."""
    said = messages(GOOD.replace("store-17", unit_id))

    assert len(said) == 1
    assert "`id`: " in said[0]
    assert "letters, digits and '-' only, 128 at most, because it becomes a part of a topic's name" in said[0]


def test_all_mistakes_at_once() -> None:
    """All keys of all units: nobody has to try again for the next message."""
    said = messages(
        '[[units]]\nid = "a_b"\nname = 3\nkind = "shop"\n[[units]]\nid = "c"\nname = "C"\nkind = "store"\n'
        'time_zone = "UTC"\naliases = "one"\nholidays = ["25.12."]\nposition = {latitude = 100, longitude = 2}\n'
        'departments = [{name = "service"}, {name = "billing", acknowledge_within = 0}]'
    )

    assert [message.partition("; ")[0] for message in said] == [
        "unit 1 ('a_b'): `id`: 'a_b' cannot be used",
        "unit 1 ('a_b'): `name`: expected `str`, got `int`",
        "unit 1 ('a_b'): `kind`: 'shop' cannot be used",
        "unit 1 ('a_b'): `time_zone`: missing",
        "unit 2 ('c'): `aliases`: expected a list, got `str`",
        "unit 2 ('c'): `position.latitude`: expected `float` <= 90.0",
        "unit 2 ('c'): `holidays[0]`: '25.12.' cannot be used",
        "unit 2 ('c'): `departments[1].acknowledge_within`: expected `int` >= 1",
    ]
    assert all("; " in message for message in said)
    assert "write one of store, restaurant, branch" in said[2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no units; begin each with a line [[units]] and give it at least id, name, kind and time_zone"),
        ("# nothing\n", "no units; begin each with"),
        ("[]", "no units; begin each with"),
        (GOOD + "what is this", "this is not TOML: Expected '=' after a key in a key/value pair (at line 7, column 6)"),
        (GOOD + "\nopens = 09:00\n", "(at line 8, column 10): 'opens = 09:00'"),
        ("id,name\nstore-17,Harbour Street\n", "this is not TOML: "),
        ('[units]\nid = "a"', "`units`: is a table; begin each unit with a line [[units]], in double brackets"),
        ('[[unit]]\nid = "a"', "`unit`: not known here; units stand under [[units]]"),
        ('{"units": 3}', "`units`: is a number; begin each unit"),
        ("defaults = 3\n" + GOOD, "`defaults`: is a number; write a table [defaults]"),
        ('[defaults]\nid = "a"\n' + GOOD, "defaults: `id`: every unit needs an id of its own"),
        ('[{"id": "a"', "this is not JSON: "),
        ("{", "this is neither JSON nor lines of JSON: line 1"),
        ('{"id": "a"}\n{oops}', "line 2: is not JSON: "),
        ('[{"id": "a"}, 3]', "unit 2: is a number; write a table or object"),
        ("[{" * 100_000, "this is not JSON: "),
    ],
)
def test_not_a_units_file(text: str, said: str) -> None:
    """Whatever the text is, there is a message that helps, with the line where one is to blame."""
    assert any(said in message for message in messages(text)), messages(text)


@given(st.lists(units(), min_size=1, max_size=3))
def test_what_is_written_is_read_again(listed: list[Unit]) -> None:
    """Whatever the names hold: quotes, line ends, control characters, any script."""
    assert listed == parse_units(write_units(listed))
