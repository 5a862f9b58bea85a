"""The two commands keep their promise: from nothing to a working set-up, quick the second time, never a riddle.

In: this checkout, and a copy of it without `.venv`. Out: verdicts. The one rule: `make` is run as a person runs it,
with nothing inherited from the `make` that may have started these tests.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMISED = {
    "help", "setup", "demo", "test", "test-fast", "check", "laws", "simulate", "torture", "bench", "evaluate",
    "schemas", "compiled", "lock", "wheel", "clean",
}  # fmt: skip
DOCUMENTED = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
NO_ADDRESSES = (
    "requirements.lock",
    "requirements-run.lock",
    "requirements-bench.lock",
    "pyproject.toml",
    "Makefile",
    ".ci/run",
    "deploy/Dockerfile",
    ".dockerignore",
    "docker-compose.kafka.yml",
)
INHERITED = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "PYTHONPATH", "VIRTUAL_ENV")
SUMMARY = "== 3 passed in 0.12s =="


def without_uv() -> str:
    """PATH as on a machine that has never heard of uv."""
    return os.pathsep.join(
        folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "uv").exists()
    )


def run(*command: str, folder: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in INHERITED} | variables
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `git clone` gives, at a path with a space in it."""
    folder = tmp_path_factory.mktemp("clone") / "social cem"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in ("agents", "pipeline", "schemas"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "deploy" / "postgres", folder / "deploy" / "postgres")
    return folder


def stub(folder: Path, name: str, script: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return str(folder / name)


class TestTargets:
    def test_make_alone_lists_all(self) -> None:
        """`make` without a target lists each target with one line about it, and changes nothing."""
        done = run("make")
        lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
        assert (done.returncode, done.stderr) == (0, "")
        assert [line[0] for line in lines] == DOCUMENTED
        assert all(len(line) == 2 for line in lines)

    def test_nothing_promised_is_missing_or_hidden(self) -> None:
        """Every promised target is documented, and every phony target is."""
        phony = re.findall(r"^\.PHONY: (.*[a-z]) *$", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(DOCUMENTED) == PROMISED == set(phony[0].split())

    @pytest.mark.parametrize("target", DOCUMENTED)
    def test_every_target_can_be_made(self, target: str) -> None:
        """make knows how to make each target, down to its last prerequisite."""
        done = run("make", "-n", target)
        assert (done.returncode, done.stderr) == (0, "")

    def test_check_is_all_that_ci_runs(self) -> None:
        """`make check` runs linter, formatter, types, import contracts and made documents; the tests come last."""
        steps = [line for line in run("make", "-n", "check").stdout.splitlines() if line.startswith(".venv/bin/")]
        wanted = ["ruff check", "ruff format --check", "mypy", "lint-imports"]
        wanted += ["python -m schemas.documents --check", "python -m agents.reference --check"]
        wanted += ["python -m deploy.grafana.make --check"]
        wanted += ["python -m pytest --numprocesses 2 --dist loadfile"]
        assert [step.strip() for step in steps if "uv " not in step] == [f".venv/bin/{step}" for step in wanted]

    def test_arguments_are_passed_on(self) -> None:
        """ARGS reach the command behind a target, also through `make check`."""
        for target, command in (("test", "pytest"), ("check", "pytest"), ("demo", "cem demo"), ("test-fast", "pytest")):
            last = run("make", "-n", target, "ARGS=--some-option").stdout.splitlines()[-1]
            assert command in last and last.endswith(" --some-option")


class TestSetUp:
    @pytest.fixture(scope="class")
    def first(self, checkout: Path) -> subprocess.CompletedProcess[str]:
        return run("make", "setup", f"PYTHON={sys.executable}", folder=checkout, PATH=without_uv())

    def test_from_nothing(self, checkout: Path, first: subprocess.CompletedProcess[str]) -> None:
        """A machine without uv gets a working `cem`, with a progress line for each step."""
        assert first.returncode == 0, first.stderr
        steps = [line.removeprefix("==> ") for line in first.stdout.splitlines() if line.startswith("==> ")]
        version = f"Python {sys.version.split()[0]}"
        assert steps == [
            f"Making .venv with {version}",
            "Fetching uv",
            "Installing the packages of requirements.lock",
            ".venv is ready",
        ]
        assert run(".venv/bin/cem", "--version", folder=checkout).stdout.startswith("cem, version ")

    @pytest.mark.usefixtures("first")
    def test_exactly_the_lock_file(self, checkout: Path) -> None:
        """What is installed is what the lock file names, each in its version, beside the project itself and pip."""
        frozen = run(".venv/bin/uv", "pip", "freeze", "--python", ".venv/bin/python", folder=checkout).stdout
        installed = set(re.findall(r"^(\S+==\S+)$", frozen, re.MULTILINE))
        seeds = {pin for pin in installed if pin.split("==")[0] in ("pip", "setuptools")}
        locked = set(re.findall(r"^(\S+==\S+) \\$", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
        conditional = set(re.findall(r"^(\S+==\S+) ;", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
        assert locked <= installed - (seeds - locked) <= locked | conditional

    @pytest.mark.usefixtures("first")
    def test_the_second_time_costs_nothing(self, checkout: Path) -> None:
        """A set-up that is up to date takes no step, and well under a second."""
        start = time.monotonic()
        done = run("make", "setup", folder=checkout)
        seconds = time.monotonic() - start
        assert (done.returncode, done.stdout, done.stderr) == (0, "==> .venv is ready\n", "")
        assert seconds < 1.0

    @pytest.mark.usefixtures("first")
    @pytest.mark.parametrize("changed", ["pyproject.toml", "Makefile", "requirements.lock"])
    def test_what_changed_is_taken_over(self, checkout: Path, changed: str) -> None:
        """A new lock file, project file or Makefile is followed at the next call."""
        os.utime(checkout / changed)
        assert "pip sync" in run("make", "-n", "setup", folder=checkout).stdout

    @pytest.mark.usefixtures("first")
    def test_a_change_is_followed_in_place(self, checkout: Path) -> None:
        """After a change, .venv is brought up to date by the uv in it, which survives that, instead of made anew."""
        os.utime(checkout / "requirements.lock")
        done = run("make", "setup", folder=checkout, PATH=without_uv())
        assert done.returncode == 0, done.stderr
        assert done.stdout == "==> Installing the packages of requirements.lock\n==> .venv is ready\n"
        assert (checkout / ".venv/bin/uv").exists()
        assert "pip sync" not in run("make", "-n", "setup", folder=checkout).stdout

    @pytest.mark.usefixtures("first")
    def test_a_moved_checkout_is_set_up_again(self, checkout: Path) -> None:
        """A checkout that was moved does not go on with a .venv that points to the old place."""
        moved = checkout.rename(checkout.with_name("elsewhere"))
        planned = run("make", "-n", "setup", folder=moved).stdout
        moved.rename(checkout)
        assert "pip sync" in planned
        assert "pip sync" not in run("make", "-n", "setup", folder=checkout).stdout

    def test_no_python_is_said_clearly(self, checkout: Path, tmp_path: Path) -> None:
        """Without a Python of 3.11 or newer one line says so, and a .venv that is there stays."""
        old = stub(tmp_path / "old", "python3", "exit 1")
        elsewhere = shutil.copytree(checkout, tmp_path / "clone", ignore=shutil.ignore_patterns(".venv"))
        (elsewhere / ".venv").mkdir()
        (elsewhere / ".venv/kept").touch()
        done = run("make", "setup", f"PYTHON={old}", folder=elsewhere)
        assert done.returncode == 2
        assert done.stderr.splitlines()[0] == (
            f"No Python 3.11 or newer here (tried {old}). Install one, or name one: make setup PYTHON=/path/to/python3"
        )
        assert (elsewhere / ".venv/kept").exists()

    def test_no_ensurepip_is_said_clearly(self, checkout: Path, tmp_path: Path) -> None:
        """Where Python cannot make virtual environments, as on a bare Debian, one line says what to install."""
        bare = stub(
            tmp_path / "bare", "python3", f'case "$*" in *ensurepip*) exit 1;; esac\nexec "{sys.executable}" "$@"'
        )
        elsewhere = shutil.copytree(checkout, tmp_path / "clone", ignore=shutil.ignore_patterns(".venv"))
        done = run("make", "setup", f"PYTHON={bare}", folder=elsewhere, PATH=without_uv())
        assert done.returncode == 2
        assert "apt-get install python3-venv" in done.stderr.splitlines()[0]
        assert not (elsewhere / ".venv").exists()

    def test_uv_on_the_path_needs_no_ensurepip(self, checkout: Path, tmp_path: Path) -> None:
        """Where uv is installed already it is used, and Python needs no pip."""
        bare = stub(
            tmp_path / "bare", "python3", f'case "$*" in *ensurepip*) exit 1;; esac\nexec "{sys.executable}" "$@"'
        )
        uv = Path(sys.executable).with_name("uv")
        stub(tmp_path / "bin", "uv", f'exec "{uv}" "$@"')
        elsewhere = shutil.copytree(checkout, tmp_path / "clone", ignore=shutil.ignore_patterns(".venv"))
        path = os.pathsep.join((str(tmp_path / "bin"), without_uv()))
        done = run("make", "setup", f"PYTHON={bare}", folder=elsewhere, PATH=path)
        assert done.returncode == 0, done.stderr
        assert "Fetching uv" not in done.stdout
        assert (elsewhere / ".venv/bin/cem").exists()
        assert not (elsewhere / ".venv/bin/pip").exists()


class TestContinuousIntegration:
    @pytest.mark.parametrize("code", [0, 1, 5])
    def test_ends_with_the_tests_summary_and_exit_code(self, tmp_path: Path, code: int) -> None:
        """The last line of `.ci/run` is pytest's summary, its exit code pytest's, also when tests fail."""
        done = self.ci(
            tmp_path, f"check: ; @$(MAKE) --no-print-directory test\ntest: ; @echo '{SUMMARY}'; exit {code}\n"
        )
        assert done.stdout.splitlines()[-1] == SUMMARY
        assert (done.returncode, done.stderr) == (code, "")

    def test_a_step_that_cannot_run_fails(self, tmp_path: Path) -> None:
        """An error of make's own is shown and is a failure."""
        done = self.ci(tmp_path, "check: missing-file\n")
        assert (done.returncode, "missing-file" in done.stdout) == (2, True)

    def test_lines_come_as_they_are(self, tmp_path: Path) -> None:
        """Backslashes, leading spaces and a last line without an end come through unchanged."""
        done = self.ci(tmp_path, "check: ; @printf '  a\\\\nb\\n  end'\n")
        assert done.stdout == "  a\\nb\n  end\n"

    @staticmethod
    def ci(folder: Path, makefile: str) -> subprocess.CompletedProcess[str]:
        (folder / ".ci").mkdir()
        shutil.copy(ROOT / ".ci/run", folder / ".ci/run")
        (folder / "Makefile").write_text(makefile)
        return run("bash", ".ci/run", folder=folder)


OWN = {"http://127.0.0.1", "http://localhost", "http://prometheus"}
"""This machine, and services beside each other."""


class TestAddresses:
    @pytest.mark.parametrize("name", NO_ADDRESSES)
    def test_no_registry_is_named(self, name: str) -> None:
        """No file fixes where packages come from: whoever uses a mirror need not change any of them."""
        text = (ROOT / name).read_text()
        hosts = set(re.findall(r"[\w-]+\.(?:org|io|com|net|dev)\b", text, re.IGNORECASE))
        urls = set(re.findall(r"https?://[^\s'\"/:]+", text)) - OWN
        options = set(re.findall(r"--(?:extra-)?index-url|--default-index|--find-links", text))
        assert hosts | urls | options == set()
