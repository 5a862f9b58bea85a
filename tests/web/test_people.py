"""Roles of people: the file, mistakes in it, who gets which."""

from pathlib import Path

import pytest

from agents.settings import SettingsError
from agents.web.access import Viewer
from agents.web.identify import networks
from agents.web.people import PeopleError, read_people

FILE = """
[[people]]
group = "stores"
role = "auditor"
unit_id = "north"

[[people]]
email = "Maria@example.com"
role = "department"
unit_id = "elm-street"
department = "kitchen"

[[people]]
group = "bosses"
role = "head_office"
"""


def test_a_person_counts_before_a_group_and_the_first_group_before_others(tmp_path: Path) -> None:
    """An address without regard to case, a group exactly."""
    file = tmp_path / "roles.toml"
    file.write_text(FILE)
    people = read_people(str(file))
    maria = Viewer("maria@example.com", "department", "elm-street", "kitchen")
    assert maria == people.viewer("maria@example.com", ["bosses"])
    assert Viewer("tom", "auditor", "north") == people.viewer("tom", ["bosses", "stores"])
    assert Viewer("tom", "head_office") == people.viewer("tom", ["x", "bosses"])
    assert people.viewer("tom", ["Bosses"]) is None
    assert read_people("").viewer("tom", ["bosses"]) is None


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ('[[people]]\nrole = "auditor"', "email or group"),
        ('[[people]]\nrole = "auditor"\nemail = "a"\ngroup = "b"', "email or group"),
        ('[[people]]\nrole = "unit"\nemail = "a"', "needs a unit"),
        ('[[people]]\nrole = "department"\nunit_id = "u"\nemail = "a"', "needs a department"),
        ('[[people]]\nrole = "king"\nemail = "a"', "king"),
        ('[[people]]\nrole = "auditor"\nemail = "a"\nunit = "b"', "unit"),
        ('[people]\nrole = "auditor"', "people"),
        ("[[people]", "roles.toml"),
        ("\xff", "roles.toml"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, content: str, word: str) -> None:
    """And nobody gets a role from a file that has one."""
    file = tmp_path / "roles.toml"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(PeopleError, match=r"roles\.toml") as told:
        read_people(str(file))
    assert word in str(told.value)
    with pytest.raises(PeopleError):
        read_people(str(tmp_path / "none.toml"))


@pytest.mark.parametrize("wrong", ["10.0.0.0/99", "proxy.example.com", "10.0.0.1;10.0.0.2", "10.0.0.0/8/8"])
def test_addresses_of_proxies_are_addresses(wrong: str) -> None:
    """Of machines or networks, of both families."""
    assert 3 == len(networks("10.0.0.7, 10.1.2.3/16,2001:db8::/32"))
    with pytest.raises(SettingsError, match="web_trusted_proxies"):
        networks(wrong)
