"""Understanding, compiled: the same sources, a third less time for a post. Optional; the pure form stands alone.

    python deploy/compiled.py [FOLDER]     # build/compiled, if none is given; `make compiled` also compares
    PYTHONPATH=FOLDER cem run

In: the packages of this checkout. Out: a folder with copies of them, in which the modules below are compiled too (by
mypyc, which comes with mypy). The one rule: nothing in the checkout changes, so what is edited is what runs, unless
somebody asks for the folder. It is for the Python and the machine that made it, and is to be made anew after a change.

Needs a C compiler, the headers of Python, setuptools and mypy. Exit code 2 and a sentence where one is missing, or
where the folder holds something else.
"""

import importlib.util
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("schemas", "pipeline", "agents")
MODULES = (
    "pipeline/text/automaton.py",
    "pipeline/text/phrases.py",
    "pipeline/text/reading.py",
    "pipeline/text/redaction.py",
    "pipeline/fingerprint.py",
    "pipeline/sentiment/polarity.py",
    "pipeline/sentiment/words.py",
    "pipeline/sentiment/care.py",
    "pipeline/sentiment/signs.py",
    "pipeline/sentiment/label.py",
    "pipeline/sentiment/customer.py",
    "pipeline/aspects.py",
    "pipeline/emotion.py",
    "pipeline/journey.py",
    "pipeline/authenticity.py",
    "pipeline/text/address.py",
    "pipeline/hiding.py",
    "pipeline/routing.py",
    "pipeline/saying.py",
    "pipeline/understanding.py",
    "pipeline/dispatch.py",
    "pipeline/posts.py",
    "pipeline/enrich.py",
)
"""Where the time of a post goes. Of a module that is not named the source runs: mypyc takes no struct with a factory of
defaults (`msgspec.field`), and no `cached_property` keeps anything."""

MARK = ".made-by-compiled"
"""In a folder that may be made anew."""

_SETTINGS = """[mypy]
strict = True
[mypy-vaderSentiment.*]
ignore_missing_imports = True
follow_imports = skip
"""
_SETUP = """from mypyc.build import mypycify
from setuptools import setup

modules = mypycify(["--config-file", "mypy.ini", *{modules!r}], opt_level="2", group_name="cem")
setup(name="cem-compiled", packages=[], ext_modules=modules)
"""
_IGNORED = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")


def missing() -> str | None:
    """A sentence where something that is needed is not there."""
    for package in ("mypyc", "setuptools"):
        if importlib.util.find_spec(package) is None:
            return f"{package} is not installed here; install it into this environment: it is needed to compile"
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        return f"there is no C compiler ({compiler}) on this machine"
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").is_file():
        return "the headers of Python (Python.h) are not installed on this machine"
    return None


def build(folder: Path) -> None:
    """Fills the folder, in the place of what is there. Raises CalledProcessError where a module cannot be compiled."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for package in PACKAGES:
            shutil.copytree(ROOT / package, work / package, ignore=_IGNORED)
        (work / "mypy.ini").write_text(_SETTINGS, "utf-8")
        (work / "setup.py").write_text(_SETUP.format(modules=MODULES), "utf-8")
        done = subprocess.run(
            [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"],
            cwd=work,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            print(done.stdout, file=sys.stderr)
            done.check_returncode()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / MARK).touch()
        for package in PACKAGES:
            shutil.copytree(work / package, folder / package)
        for one in (*work.glob("*.so"), *work.glob("*.pyd")):
            shutil.copy2(one, folder)


def main() -> int:
    """Build, and say where."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "compiled").resolve()
    if folder.exists() and not (folder / MARK).is_file():
        print(f"nothing was compiled: {folder} is there and was not made by this script; name another", file=sys.stderr)
        return 2
    if (problem := missing()) is not None:
        print(f"nothing was compiled: {problem}", file=sys.stderr)
        return 2
    build(folder)
    print(f"{len(MODULES)} modules are compiled in {folder}; use them with PYTHONPATH={folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
