"""`python -m tests.simulation`: many seeds, or one again.

python -m tests.simulation --seeds 1000
python -m tests.simulation --seed 4711
python -m tests.simulation --mutants
"""

import argparse
import logging
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.simulation.mutants import MUTANTS
from tests.simulation.world import World, modelled, outcome, played

CHUNK = 25
FAULTS_MIN = 3


def _outcomes(seeds: range) -> list[tuple[int, str | None]]:
    logging.disable(logging.CRITICAL)
    return [(seed, outcome(seed)) for seed in seeds]


def _with_fixed_hashes() -> None:
    """Sets of strings have one order then; else the same seed would not give the same history."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        os.execve(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]], environment)


def main() -> int:
    """The number of failed seeds decides about the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--seeds", type=int, default=1000, help="how many seeds (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="this one only, told in detail")
    parser.add_argument(
        "--mutants",
        type=int,
        metavar="SEEDS",
        nargs="?",
        const=200,
        help="break the delivery code in all known ways; each must be found within so many seeds",
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="(default: all cores)")
    given = parser.parse_args()
    _with_fixed_hashes()
    if given.seed is not None:
        return _one(given.seed)
    if given.mutants:
        with ProcessPoolExecutor(given.processes) as pool:
            return _mutants(pool, given.mutants)
    chunks = [range(at, min(at + CHUNK, given.first + given.seeds))
              for at in range(given.first, given.first + given.seeds, CHUNK)]  # fmt: skip
    console, failed, started = Console(stderr=True), [], time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
        ProcessPoolExecutor(given.processes) as pool,
    ):
        task = progress.add_task("seeds", total=given.seeds)
        for found in pool.map(_outcomes, chunks):
            progress.advance(task, len(found))
            for seed, what in found:
                if what is not None:
                    failed.append(seed)
                    console.print(f"seed {seed}: {what}", markup=False, highlight=False)
                    console.print(f"  again: python -m tests.simulation --seed {seed}", highlight=False)
    sys.stdout.write(f"{given.seeds} seeds, {len(failed)} failed, {time.monotonic() - started:.0f} s\n")
    return min(1, len(failed))


def _one(seed: int) -> int:
    with modelled():
        world = World(seed)
        what = played(world)
        sys.stdout.write(f"faults: {', '.join(world.faults) or 'none'}\ndeaths: {', '.join(world.deaths) or 'none'}\n")
        sys.stdout.write(f"{world.steps} steps, {world.now:.1f} s, {world.broker.rebalances} rebalances\n")
        sys.stdout.write((what or "all laws hold") + "\n")
    return 0 if what is None else 1


class Hunt(NamedTuple):
    """What became of a mutant: after how many seeds it was found, and by what; None where it was not."""

    name: str
    seeds: int
    found: str | None


def _hunt(name: str, seeds: int) -> Hunt:
    logging.disable(logging.CRITICAL)
    mutant = MUTANTS[name]
    with mutant.apply():
        for seed in range(seeds):
            if (what := outcome(seed, mutant.faults, FAULTS_MIN)) is not None:
                return Hunt(name, seed + 1, what)
    return Hunt(name, seeds, None)


def _mutants(pool: ProcessPoolExecutor, seeds: int) -> int:
    """Every mutant must be found."""
    table = Table("mutant", "what is wrong", "seeds", "found by")
    missed = 0
    for hunt in pool.map(_hunt, MUTANTS, [seeds] * len(MUTANTS)):
        lines = (hunt.found or "NOT FOUND").splitlines()
        laws = [line.rpartition(":")[0] for line in lines[1:] if not line.startswith("  ")] or lines
        table.add_row(hunt.name, MUTANTS[hunt.name].what, str(hunt.seeds), "; ".join(laws))
        missed += hunt.found is None
    Console(width=None if sys.stdout.isatty() else 150).print(table)
    sys.stdout.write(f"{len(MUTANTS)} mutants, {missed} not found\n")
    return min(1, missed)


if __name__ == "__main__":
    sys.exit(main())
