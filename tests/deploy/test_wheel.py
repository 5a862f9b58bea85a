"""The wheel holds the service and nothing else, and works where nothing of this checkout is at hand.

In: this checkout. Out: verdicts on the wheel that is built from it, installed in a virtual environment of its own with
the packages of `requirements-run.lock`. The one rule: commands run in an empty folder with nothing inherited.
"""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from agents.cli import Commands
from agents.settings import Settings
from schemas.documents import documents

ROOT = Path(__file__).parents[2]
UV = str(Path(sys.executable).with_name("uv"))
PACKAGES = ("agents", "pipeline", "schemas")


def run(*command: str, folder: Path = ROOT, stdin: str = "") -> str:
    """What a command prints; it must succeed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CEM_", "PYTHON"))}
    done = subprocess.run(
        command, cwd=folder, env=environment, input=stdin, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as `make wheel` builds it."""
    out = tmp_path_factory.mktemp("wheel")
    run(UV, "build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", str(out))
    [built] = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def cem(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """`cem` of an environment with the wheel and what it runs on."""
    folder = tmp_path_factory.mktemp("installed")
    python = str(folder / "venv/bin/python")
    run(UV, "venv", "--python", sys.executable, str(folder / "venv"))
    run(UV, "pip", "install", "--python", python, "--require-hashes", "-r", "requirements-run.lock")
    run(UV, "pip", "install", "--python", python, "--no-deps", str(wheel))
    return str(folder / "venv/bin/cem")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return tmp_path


def test_holds_the_three_packages_and_nothing_else(wheel: Path) -> None:
    """Every source file of the three packages is inside; no tests, no tools, no made files."""
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    migrations = {f"agents/archive/migrations/{path.name}" for path in (ROOT / "deploy" / "postgres").iterdir()}
    assert inside == sources | migrations


def test_holds_the_contract(wheel: Path) -> None:
    """The JSON Schemas and the AsyncAPI document travel with it, for whoever writes a consumer."""
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if name.endswith(".json")}
    assert inside >= {f"schemas/{name}" for name in documents()} >= {"schemas/asyncapi.json"}


def test_says_what_it_is(wheel: Path) -> None:
    """License and readme are inside, one command is installed, and no index will take it."""
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA")]
        [commands] = [archive.read(name).decode() for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert [name for name in archive.namelist() if name.endswith("/licenses/LICENSE")]
    assert "Classifier: Private :: Do Not Upload" in metadata.splitlines()
    assert commands == "[console_scripts]\ncem = agents.cli:main\n"


def test_help(cem: str, empty: Path) -> None:
    """`cem --help` lists every command, and each command's module is inside and can be loaded."""
    listed = run(cem, "--help", folder=empty)
    for name in Commands.modules:
        assert f"\n  {name} " in listed
        assert run(cem, name, "--help", folder=empty).startswith(f"Usage: cem {name} ")


def test_scores_a_line_of_text(cem: str, empty: Path) -> None:
    """Text goes in, a line of JSON comes out: data files that scoring needs are inside, too."""
    [line] = run(cem, "score", folder=empty, stdin="The staff was rude and the food was awful\n").splitlines()
    scored = json.loads(line)
    assert (scored["label"], scored["compound"] < -0.5) == ("negative", True)


def test_shows_its_settings(cem: str, empty: Path) -> None:
    """Every setting has its default where nothing is set."""
    shown = json.loads(run(cem, "settings", "--json", folder=empty))
    assert shown.keys() == set(Settings.__struct_fields__)
    assert {row["origin"] for row in shown.values()} == {"default"}


def test_leaves_nothing_behind(cem: str, empty: Path) -> None:
    """Commands that only read write nothing into the folder that they are called in."""
    run(cem, "score", folder=empty, stdin="fine\n")
    run(cem, "settings", folder=empty)
    assert list(empty.iterdir()) == []
