"""What the documents say is true."""

import re
from pathlib import Path

import click
import pytest

from agents.cli import Commands, main
from agents.reference import FILE, reference
from agents.settings import ABOUT, Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "deploy" / "README.md"]
OTHER_VARIABLES = {"CEM_CONFIG"}


def test_every_setting_is_described() -> None:
    """`ABOUT`, which the reference and `cem settings` show, has each setting and no other."""
    assert {*Settings.__struct_fields__} == ABOUT.keys()


def test_the_reference_is_current() -> None:
    """`deploy/reference.md` is what `make schemas` would write."""
    assert reference() == FILE.read_text()


def test_every_reason_of_a_dead_letter_is_described() -> None:
    """Each reason in the code stands in the reference."""
    code = "".join(
        path.read_text() for room in ("schemas", "pipeline", "agents") for path in (ROOT / room).rglob("*.py")
    )
    found = set(re.findall(r"(?:RecordError|_Refused)\(\s*\"(\w+)\"", code))
    found |= set(re.findall(r"return \"(\w+)\", f\"", code))
    assert set() == {reason for reason in found if f"`{reason}`:" not in FILE.read_text()}


def test_the_runbook_says_of_each_reason_what_to_do() -> None:
    """Every reason of a dead letter has a row in the runbook."""
    listed = FILE.read_text().partition("Why a record is a dead letter:")[2].partition("Why a record is unrouted")[0]
    rows = "".join(line for line in (ROOT / "deploy/README.md").read_text().splitlines() if line.startswith("| `"))
    reasons = re.findall(r"^- `(\w+)`", listed, re.M)
    assert len(reasons) > 10 and [] == [reason for reason in reasons if f"`{reason}`" not in rows]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_names_is_there(document: Path) -> None:
    """Commands, variables, make targets and files that a document names exist."""
    text = document.read_text()
    for words in re.findall(r"\bcem ((?:[a-z]+ ?){1,2})", "\n".join(re.findall(r"`[^`]+`|```.*?```", text, re.S))):
        assert _is_command(words.split()), f"cem {words}"
    variables = set(re.findall(r"CEM_[A-Z_]+[A-Z]", text)) - OTHER_VARIABLES
    assert set() == {name for name in variables if name.removeprefix("CEM_").lower() not in ABOUT}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [] == [link for link in links if not (document.parent / link).exists()]


def _is_command(words: list[str]) -> bool:
    command = main.get_command(click.Context(main), words[0]) if words[0] in Commands.modules else None
    if isinstance(command, click.Group) and len(words) > 1:
        return words[1] in command.commands
    return command is not None


def test_every_command_has_an_example() -> None:
    """`--help` of each command shows how it is used."""
    context = click.Context(main)
    for name in Commands.modules:
        command = main.get_command(context, name)
        several = command.commands.values() if isinstance(command, click.Group) else [command]
        for one in several:
            assert one is not None and "Example:" in (one.help or ""), f"{name} {one and one.name}"
