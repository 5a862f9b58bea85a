"""`cem scenario` writes a world that the other commands take, and says what is wrong with what was asked for."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agents.cli import main
from agents.cli.scenario import FILES
from pipeline.evaluation.incident import INCIDENT_KINDS, Incident
from schemas.codec import Codec

SMALL = ("--units", "4", "--days", "4", "--rates", "0.2", "2", "--incidents", "surge=2,severe=1", "--seed", "3")


def scenario(out: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["scenario", "--out", str(out), *arguments])


def test_the_files_are_there_and_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The units are a directory without mistakes, a replay runs through the records, the truth can be read."""
    monkeypatch.setenv("CEM_AUTHOR_KEY", "a" * 32)
    out = tmp_path / "world"
    made = scenario(out, *SMALL, "--json")
    assert (0, 4) == (made.exit_code, json.loads(made.stdout)["units"])
    assert set(FILES) == {path.name for path in out.iterdir()}
    checked = CliRunner().invoke(main, ["units", "check", str(out / "units.toml")])
    assert (0, "nothing wrong") == (checked.exit_code, checked.stdout.strip()[-13:])
    inputs = [str(out / name) for name in ("posts.jsonl", "feedback.jsonl")]
    replayed = CliRunner().invoke(main, ["replay", *inputs, "--units", str(out / "units.toml")])
    assert 0 == replayed.exit_code, replayed.output
    assert "could not be read" not in replayed.output
    codec: Codec[Incident] = Codec(Incident)
    incidents = [codec.decode(line) for line in (out / "incidents.jsonl").read_bytes().splitlines()]
    assert ["severe", "surge", "surge"] == sorted(incident.kind for incident in incidents)


def test_the_summary_counts_what_was_written(tmp_path: Path) -> None:
    """And scenario.json says how the world was made."""
    summary = json.loads(scenario(tmp_path, *SMALL, "--json").stdout)
    told = json.loads((tmp_path / "scenario.json").read_text())
    for name in ("posts", "feedback", "incidents"):
        assert summary[name] == len((tmp_path / f"{name}.jsonl").read_bytes().splitlines()) == told[name]
    assert told["settings"]["seed"] == 3
    assert {"surge": 2, "severe": 1} == {kind: count for kind, count in told["settings"]["incidents"].items() if count}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """In all files."""
    first, second = tmp_path / "first", tmp_path / "second"
    scenario(first, *SMALL)
    scenario(second, *SMALL)
    assert {name: (first / name).read_bytes() for name in FILES} == {
        name: (second / name).read_bytes() for name in FILES
    }


def test_one_number_is_for_each_kind(tmp_path: Path) -> None:
    """Of incidents, and of distractions."""
    scenario(tmp_path, *SMALL, "--incidents", "1")
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "incidents.jsonl").read_bytes().splitlines()]
    assert sorted(INCIDENT_KINDS) == sorted(kinds)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--units", "0"), "a world has 1 to 100000 units"),
        (("--days", "1"), "a world lasts 2 to 3660 days"),
        (("--rates", "3", "1"), "the lower first"),
        (("--dispersion", "0.5"), "1 (Poisson) to 100"),
        (("--starts", "tomorrow"), "--starts: 'tomorrow' is not a time"),
        (("--starts", "0001-01-01"), "from 1970 on"),
        (("--starts", "9999-12-30"), "before the year 9999"),
        (("--incidents", "many"), "--incidents is a number"),
        (("--incidents", "fires=3"), "there is no kind 'fires'; there are surge, cascade"),
        (("--incidents", "-1"), "of each kind there are 0 to"),
        (("--incidents", "severe=5000"), "5000 incidents do not fit into 4 units and 4 days"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """And nothing is written."""
    result = scenario(tmp_path / "world", *SMALL, *arguments)
    assert 2 == result.exit_code
    assert said in result.output
    assert 1 == len(result.output.strip().splitlines())
    assert not (tmp_path / "world").exists()


def test_a_folder_that_cannot_be_made_is_a_mistake(tmp_path: Path) -> None:
    """Such as one below a file."""
    (tmp_path / "file").touch()
    result = scenario(tmp_path / "file" / "world", *SMALL)
    assert 2 == result.exit_code
    assert "file/world" in result.output
