"""What `make compiled` made says what the sources say. Skips where nothing was compiled, or something older."""

import filecmp
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "compiled"

SAY = """
import importlib, sys
from agents.parts import default_scorer
from pipeline.evaluation import scenario
from pipeline.saying import Listener
from pipeline.sentiment.polarity import Vader
from pipeline.text.normalise import normalise
from pipeline.text.redaction import mask

for name in sys.argv[1:]:
    print(importlib.import_module(name).__file__, file=sys.stderr)
written = [record.text for record in scenario.generate(1, units=12, hours=12, incidents=0).records if record.text]
texts = [
    "The shit! Cool story, bro :) sooo GOOD but never so late",
    "call 0171 234 5678, order number #48121, sam@example.com http://x.example/?a=1",
    "Der Flug war furchtbar und niemand hat uns geholfen",
    *written,
    *map(str.upper, written[:100]),
    *(" ".join(written[start : start + 40]) for start in range(0, 400, 40)),
]
listener, vader = Listener(default_scorer()), Vader()
for text in texts:
    masked = mask(normalise(text))
    said = listener.hear(masked.text, rating=4.0 if len(text) % 3 == 0 else None, industry="restaurant")
    print(masked, vader.polarity(text), said.reading.words, said.reading.clauses, said.reading.raw, said.judgement)
    print(said.language, said.felt, said.met, said.suspicion, said.fingerprint)
    print(said.aspects("restaurant"), said.aspects("airline"))
"""


def script() -> ModuleType:
    """`deploy/compiled.py`, which is in no package."""
    spec = importlib.util.spec_from_file_location("compiled", ROOT / "deploy" / "compiled.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COMPILED = script()
NAMES = [module.removesuffix(".py").replace("/", ".") for module in COMPILED.MODULES]


def test_what_is_compiled_says_the_same(tmp_path: Path) -> None:
    """To the last character, of every text; and it is the compiled form that was asked."""
    if not (FOLDER / COMPILED.MARK).is_file():
        pytest.skip("nothing is compiled here: make compiled")
    if not all((FOLDER / one).is_file() and filecmp.cmp(ROOT / one, FOLDER / one, shallow=False) for one in sources()):
        pytest.skip("what is compiled here is of other sources: make compiled")

    pure, files = said(ROOT, tmp_path)
    compiled, compiled_files = said(FOLDER, tmp_path)

    assert [ROOT / module for module in COMPILED.MODULES] == files
    assert all(one.suffix != ".py" and FOLDER in one.parents for one in compiled_files)
    assert pure == compiled


def sources() -> list[Path]:
    """What is compiled, and what it reads."""
    folders = (ROOT / "pipeline" / name for name in ("text", "sentiment", "lexicons", "taxonomies"))
    read = [path for folder in folders for path in folder.rglob("*.*") if path.suffix in (".py", ".toml")]
    return [*map(Path, COMPILED.MODULES), *(path.relative_to(ROOT) for path in read)]


def said(path: Path, where: Path) -> tuple[list[str], list[Path]]:
    """What the packages in a folder say of the texts, and which files the modules are."""
    done = subprocess.run(
        [sys.executable, "-c", SAY, *NAMES],
        cwd=where,
        env={**os.environ, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines(), [Path(line) for line in done.stderr.splitlines()]


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """What was not made by the script is not removed."""
    (tmp_path / "thesis.txt").write_text("mine")

    done = subprocess.run([sys.executable, ROOT / "deploy" / "compiled.py", tmp_path], capture_output=True, text=True)

    assert 2 == done.returncode
    assert str(tmp_path) in done.stderr
    assert "mine" == (tmp_path / "thesis.txt").read_text()


def test_what_is_compiled_is_there() -> None:
    """No module of the list was moved or removed."""
    assert all((ROOT / module).is_file() for module in COMPILED.MODULES)
