"""The image is small, not root, made from the lock files, and its health check asks what the worker answers.

In: `deploy/Dockerfile`, `.dockerignore`, the lock files. Out: verdicts. The one rule: no Docker is needed; what a build
would find out is read from the files, and what the health check does is done.
"""

import asyncio
import fnmatch
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from agents.cli import Commands
from agents.health import HealthServer
from agents.settings import Settings

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BUILD_TOOLS = r"\b(pip|uv|apt-get|gcc|make|git|curl)\b"


class Instruction(NamedTuple):
    stage: int
    word: str
    rest: str


def read_dockerfile() -> list[Instruction]:
    """The instructions in order, each with the number of its stage, continued lines joined, comments left out."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "deploy/Dockerfile").read_text(), flags=re.MULTILINE)
    instructions: list[Instruction] = []
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            stage = sum(instruction.word == "FROM" for instruction in instructions) + (word == "FROM") - 1
            instructions.append(Instruction(stage, word, " ".join(rest.split())))
    return instructions


DOCKERFILE = read_dockerfile()
FINAL = [instruction for instruction in DOCKERFILE if instruction.stage == DOCKERFILE[-1].stage]


def only(word: str) -> str:
    """The argument of the one instruction of this kind in the final stage."""
    [found] = [instruction.rest for instruction in FINAL if instruction.word == word]
    return found


def copied() -> list[str]:
    """Everything that a COPY takes from the build context."""
    rests = [i.rest.split() for i in DOCKERFILE if i.word == "COPY" and not i.rest.startswith("--from")]
    return [source for *sources, _ in rests for source in sources]


def in_context(path: str) -> bool:
    """Whether `.dockerignore` lets a path through: the last pattern that fits it or a parent decides."""
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    parts = Path(path).parts
    parents = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    ignored = False
    for pattern in patterns:
        wanted = pattern.removeprefix("!")
        forms = (wanted, wanted.removeprefix("**/")) if wanted.startswith("**/") else (wanted,)
        if any(fnmatch.fnmatch(parent, form) for parent in parents for form in forms):
            ignored = not pattern.startswith("!")
    return not ignored


def locked(name: str) -> dict[str, str]:
    """Package -> version, of a lock file."""
    pins = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in pins}


class TestBuild:
    @pytest.mark.parametrize("source", copied())
    def test_every_source_is_in_the_context(self, source: str) -> None:
        """What a COPY takes is in the repository, and `.dockerignore` lets it through."""
        assert (ROOT / source).exists()
        assert in_context(source)

    @pytest.mark.parametrize(
        "path", [".git/config", ".venv/bin/python", ".env", "tests/golden/tick.full.json", "agents/__pycache__/a.pyc"]
    )
    def test_nothing_else_is_in_the_context(self, path: str) -> None:
        """History, secrets, tests and made files stay out of the image's layers."""
        assert not in_context(path)

    def test_the_whole_package_is_built(self) -> None:
        """All that the wheel is made of is copied."""
        packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
        files = [PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]]
        assert {*packages, *files, "pyproject.toml"} <= set(copied())

    def test_every_install_is_checked_by_hash(self) -> None:
        """A package comes from a lock file by its hash; only the wheel that was built here needs none."""
        steps = [step for i in DOCKERFILE if i.word == "RUN" for step in i.rest.split(" && ")]
        installs = [step for step in steps if re.search(r"\b(install|build)\b", step)]
        assert len(installs) == 4
        for step in installs:
            assert "--require-hashes" in step or step.endswith("--no-deps dist/*.whl")

    def test_the_python_is_one_that_the_project_takes(self) -> None:
        """Both stages have the same slim Python, which the project's `requires-python` admits."""
        images = [i.rest.split()[0] for i in DOCKERFILE if i.word == "FROM"]
        version = re.fullmatch(r"python:(\d+\.\d+)-slim", images[0])
        assert images == [images[0]] * 2
        assert version and version[1] in SpecifierSet(PROJECT["project"]["requires-python"])


class TestLockFiles:
    def test_the_image_runs_what_was_tested(self) -> None:
        """What the service runs on is locked to the versions that the tests ran on."""
        assert locked("requirements-run.lock").items() <= locked("requirements.lock").items()

    def test_no_tools_of_development_in_the_image(self) -> None:
        """What only development needs is not in the image."""
        groups = PROJECT["dependency-groups"]["dev"]
        tools = {canonicalize_name(Requirement(line).name) for line in groups}
        assert tools & locked("requirements-run.lock").keys() == set()

    @pytest.mark.parametrize(
        ("name", "wanted"),
        [
            ("requirements-run.lock", PROJECT["project"]["dependencies"]),
            ("requirements.lock", PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]),
            ("requirements.lock", PROJECT["build-system"]["requires"]),
        ],
    )
    def test_the_lock_files_follow_the_project(self, name: str, wanted: list[str]) -> None:
        """Each dependency is locked to a version that pyproject.toml admits; else `make lock` was forgotten."""
        pins = locked(name)
        for requirement in map(Requirement, wanted):
            assert pins[canonicalize_name(requirement.name)] in requirement.specifier


class TestImage:
    def test_not_root(self) -> None:
        """The process runs as a fixed number that is not root's, which a cluster can check without asking the image."""
        user, group = only("USER").split(":")
        assert int(user) >= 10_000 and int(group) >= 10_000

    def test_no_build_tools(self) -> None:
        """The final stage installs nothing: it copies what the first one made."""
        assert [i.rest for i in FINAL if i.word == "RUN" and re.search(BUILD_TOOLS, i.rest)] == []
        assert next(i.rest for i in FINAL if i.word == "COPY") == "--from=build /opt/cem /opt/cem"

    def test_runs_a_command_that_there_is(self) -> None:
        """The image starts `cem run`, and any other command by its name."""
        assert json.loads(only("ENTRYPOINT"))[0] in PROJECT["project"]["scripts"]
        assert json.loads(only("CMD"))[0] in Commands.modules

    def test_stops_in_good_order(self) -> None:
        """Stopping the container sends the signal on which a worker gives up its partitions."""
        assert only("STOPSIGNAL") == "SIGTERM"

    def test_labels_say_which_version(self) -> None:
        """The image carries the project's own version and license."""
        labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', only("LABEL")))
        assert labels["version"] == PROJECT["project"]["version"]
        assert labels["licenses"] == PROJECT["project"]["license"]
        assert labels["title"] and labels["description"]


class TestHealthCheck:
    @staticmethod
    def command(port: int) -> list[str]:
        """The health check as the image runs it, at another port."""
        check = json.loads(only("HEALTHCHECK").partition(" CMD ")[2])
        asked = f"http://127.0.0.1:{Settings().http_port}/"
        assert check[0] == "python" and asked in check[-1]
        return [sys.executable, *check[1:-1], check[-1].replace(asked, f"http://127.0.0.1:{port}/")]

    def test_asks_the_default_port(self) -> None:
        """The port that is exposed and asked is the one that a worker listens on by default."""
        assert int(only("EXPOSE")) == Settings().http_port

    def test_passes_while_the_worker_answers(self) -> None:
        """Live is enough: a worker that is not ready yet is healthy; one that does not answer is not."""

        async def ask() -> tuple[int, int]:
            server = HealthServer("127.0.0.1", 0, lambda: "reading states back")
            await server.start()
            alive = await asyncio.to_thread(subprocess.run, self.command(server.port), capture_output=True)
            await server.stop()
            dead = await asyncio.to_thread(subprocess.run, self.command(server.port), capture_output=True)
            return alive.returncode, dead.returncode

        assert asyncio.run(ask()) == (0, 1)
