"""A process that is measured: started, watched, gone when we are gone.

In: a command and its environment. Out: whether it runs, and what it has used. The one rule: a worker that ends by
itself is an error, told with the end of its log.
"""

import math
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from agents.kafka.guard import Guard

ROOT = Path(__file__).parents[2]
LOG_LINES_SHOWN = 40
_CPU_TICKS = os.sysconf("SC_CLK_TCK")


class BenchmarkError(Exception):
    """A measurement did not come about. The message says why."""


class Command(NamedTuple):
    """Arguments for this Python, and what is set in the environment."""

    arguments: Sequence[str]
    environment: Mapping[str, str]


class Usage(NamedTuple):
    """What a process has used so far. `cpu_seconds`: of all its threads. `waited_seconds`: how long its main thread
    stood in line for a core, which is what a machine that is busy with other things takes from it. `memory_bytes_max`:
    the most that was resident at once. nan where the system has no `/proc`."""

    cpu_seconds: float
    waited_seconds: float
    memory_bytes_max: float

    def since(self, before: "Usage") -> "Usage":
        """What was used between the two; memory as it is."""
        return Usage(
            self.cpu_seconds - before.cpu_seconds, self.waited_seconds - before.waited_seconds, self.memory_bytes_max
        )


def used_by(pid: int) -> Usage:
    """What a process has used so far."""
    process = Path("/proc") / str(pid)
    try:
        ticks = process.joinpath("stat").read_text().rpartition(")")[2].split()[11:13]
        waited_ns = process.joinpath("schedstat").read_text().split()[1]
        status = process.joinpath("status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return Usage(math.nan, math.nan, math.nan)
    high_water = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")), "nan")
    return Usage(sum(map(int, ticks)) / _CPU_TICKS, int(waited_ns) / 1e9, float(high_water) * 1024)


def resident_bytes(pid: int) -> float:
    """What a process holds in memory now; nan where the system has no `/proc`."""
    try:
        status = (Path("/proc") / str(pid) / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return math.nan
    return float(next((line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")), "nan")) * 1024


class Worker:
    """A context manager: starts on entry; on exit SIGTERM, and SIGKILL if that is not enough."""

    def __init__(self, command: Command) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cem-bench-"))
        self._log = self.folder / "worker.log"
        environment = {**command.environment, "PYTHONPATH": str(ROOT), "TMPDIR": str(self.folder)}
        self._guard = Guard((sys.executable, *command.arguments), self._log, self.folder, environment)
        self.pid = 0

    def __enter__(self) -> "Worker":
        self.pid = int(self._guard.ask("start"))
        return self

    def __exit__(self, *_: object) -> None:
        self._guard.stop()

    def check(self) -> None:
        """Raises BenchmarkError if it is gone."""
        if (state := self._guard.ask("poll")) != "running":
            raise BenchmarkError(f"the worker ended by itself ({state}); the end of its log:\n{self.log_tail()}")

    def usage(self) -> Usage:
        """What it has used so far."""
        return used_by(self.pid)

    def resident_bytes(self) -> float:
        """What it holds in memory now."""
        return resident_bytes(self.pid)

    def log_tail(self) -> str:
        """The end of its log; Faust moves the cursor about in it."""
        lines = self._log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        return "\n".join("".join(filter(str.isprintable, line)) for line in lines)
