"""`python -m tests.simulation`: many seeds, or one again.

    python -m tests.simulation --seeds 1000
    python -m tests.simulation --seed 4711
"""

import argparse
import logging
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.simulation.world import World, outcome

CHUNK = 25


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
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="(default: %(default)s)")
    given = parser.parse_args()
    _with_fixed_hashes()
    if given.seed is not None:
        return _one(given.seed)
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
    world = World(seed)
    what = outcome(seed, world)
    sys.stdout.write(f"faults: {', '.join(world.faults) or 'none'}\ndeaths: {', '.join(world.deaths) or 'none'}\n")
    sys.stdout.write(f"{world.steps} steps, {world.now:.1f} s, {world.broker.rebalances} rebalances\n")
    sys.stdout.write((what or world.verdict().report()) + "\n")
    return 0 if what is None else 1


if __name__ == "__main__":
    sys.exit(main())
