"""What leaves as CSV is what the view holds, and can be opened in a spreadsheet whatever is in it."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from agents.archive.export import VIEWS, Export, ExportError, cell
from agents.cli import main
from agents.settings import Settings, shown
from tests.postgres import PASSWORD


def export(dsn: str, *arguments: object) -> Result:
    """Runs the command."""
    return CliRunner().invoke(main, ["export", *map(str, arguments)], env={"CEM_POSTGRES": dsn})


def fill(dsn: str, *ids: str) -> None:
    """A unit with a hostile name, and insights with such ids."""
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "INSERT INTO cem.unit (unit_id, name, kind, industry, time_zone)"
            " VALUES ('store-1', '=HYPERLINK(\"http://evil\")', 'store', 'retail', 'UTC')"
        )
        for number, one in enumerate(ids):
            at = f"2026-01-{number + 1:02d}T10:00Z"
            connection.execute(
                "INSERT INTO cem.insight (event_time, hour, day, log_partition, log_offset, routing_confidence, id,"
                " unit_id, kind, channel, emotion, routing_rule, compound, label, aspects)"
                " VALUES (%s, %s, %s, 0, %s, 1, %s, 'store-1', 'post', 'x', 'none', 'handle', -0.5, 'negative', %s)",
                (at, at, at[:10], number, one, ["price", "@x"]),
            )


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_hostile_cells_are_no_formulas_and_numbers_are_numbers(postgres: str, tmp_path: Path) -> None:
    """Each kind of beginning that OWASP names gets an apostrophe; a negative number gets none."""
    ids = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=x", 'a";=1', "a,b;=cmd|' /C calc'!A0", "fine"]
    fill(postgres, *ids)
    result = export(postgres, "insights", "--out", tmp_path / "out.csv")
    assert 0 == result.exit_code, result.output
    found = rows(tmp_path / "out.csv")
    assert ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx"] == [row["id"] for row in found][:5]
    assert "fine" == found[-1]["id"]
    assert {"-0.5"} == {row["compound"] for row in found}
    assert {"price;'@x"} == {row["aspects"] for row in found}
    assert "2026-01-01T10:00:00.000Z" == found[0]["event_time"]


@given(st.text(alphabet=st.sampled_from("=+-@,;|\"'\t\r\n a1\uff1d"), max_size=8))
def test_no_text_begins_a_formula(text: str) -> None:
    """Whatever a text holds, nothing in it stands where a spreadsheet would take it for a formula; and nothing but
    apostrophes was added."""
    made = cell(text)
    assert not re.search(r"(^|[,;|\"\t\r\n])\s*[=+\-@]", made.replace("'", "\x00"))
    assert text.replace("'", "") == made.replace("'", "")


@pytest.mark.parametrize("value, expected", [(-5, "-5"), (-0.25, "-0.25"), (None, ""), (True, "true"), ([], "")])
def test_what_is_no_text_stays_as_it_is(value: Any, expected: str) -> None:
    """Numbers stay numbers, and nothing is an empty cell."""
    assert expected == cell(value)


def test_period_and_unit(postgres: str, tmp_path: Path) -> None:
    """The first day is a part of the period and the last is not; --json says what was written."""
    fill(postgres, *(f"x:{n}" for n in range(5)))
    arguments = ["insights", "--from", "2026-01-02", "--to", "2026-01-04", "--unit", "store-1", "--json"]
    result = export(postgres, *arguments, "--out", tmp_path / "out.csv")
    assert 2 == json.loads(result.output)["rows"]
    assert ["x:1", "x:2"] == [row["id"] for row in rows(tmp_path / "out.csv")]
    export(postgres, *arguments, "--unit", "store-2", "--out", tmp_path / "out.csv")
    assert [] == rows(tmp_path / "out.csv")


@pytest.mark.parametrize(
    "arguments, says",
    [
        (("pg_shadow",), "'pg_shadow' is not one of"),
        (("insights; DROP TABLE cem.insight",), "is not one of"),
        (("unit_day", "--from", "yesterday"), "neither a day such as"),
        (("unit_day", "--from", "2026-01-01T10:00"), "has no offset from UTC"),
        (("unit_day", "--from", "2026-01-02", "--to", "2026-01-01"), "ends before it begins"),
        (("brand_day", "--unit", "store-1"), "has no units"),
        (("worsening", "--from", "2026-01-01"), "is as of now"),
    ],
)
def test_mistakes_are_told(postgres: str, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    """One line, exit code 2, and nothing is written."""
    result = export(postgres, *arguments, "--out", tmp_path / "out.csv")
    assert (2, True) == (result.exit_code, says in result.output), result.output
    assert [] == list(tmp_path.iterdir())


def test_a_unit_is_a_value_and_no_sql(postgres: str, tmp_path: Path) -> None:
    """What a person gives is bound, never pasted."""
    fill(postgres, "x:1")
    result = export(postgres, "insights", "--unit", "' OR true --", "--out", tmp_path / "out.csv")
    assert (0, []) == (result.exit_code, rows(tmp_path / "out.csv"))


def test_no_secret_is_told(postgres: str, tmp_path: Path) -> None:
    """Neither an address that cannot be read nor one where nobody answers brings the password to light."""
    for dsn in (postgres.replace("postgresql://", "postgresql "), postgres.rpartition("/")[0] + "/nothing-here"):
        result = export(dsn, "units", "--out", tmp_path / "out.csv")
        assert 2 == result.exit_code
        assert PASSWORD not in result.output
    assert "********" == shown(Settings(postgres=postgres), "postgres")


def test_an_empty_database_is_told(postgres_server: Any, tmp_path: Path) -> None:
    """Who exports before anything was set up learns what to do."""
    result = export(postgres_server.database(migrated=False), "units", "--out", tmp_path / "out.csv")
    assert (2, True) == (result.exit_code, "--migrate-only" in result.output), result.output


def test_a_role_that_nobody_has_made_is_told(postgres: str) -> None:
    """On a server where no archive was ever set up there are no roles either: the same words, and no traceback."""
    with (
        pytest.raises(ExportError, match="not set up; run `cem archive --migrate-only`"),
        Export(postgres, VIEWS["units"], None, None, None, "nobody_made_it"),
    ):
        raise AssertionError("it was read all the same")
