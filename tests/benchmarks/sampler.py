"""A sampling profiler beside a worker: `py-spy` looks a few hundred times a second at what holds Python's lock.

In: a process. Out: how often which module was at work, as shares. The one rule: the process is neither stopped for it
nor knows of it; a profiler that hooks every call would measure itself.
"""

import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.benchmarks.worker import BenchmarkError

SAMPLES_A_SECOND = 200
SHOWN_SHARE_MIN = 0.01
STOP_SECONDS_MAX = 30.0
_OURS = ("agents", "pipeline", "schemas")
_OPTIONS = ("--gil", "--nonblocking", "--format", "raw", "--rate", str(SAMPLES_A_SECOND), "--duration", "unlimited")


class Sampler:
    """Looks from when it is made until `stop`."""

    def __init__(self, pid: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="cem-bench-profile-")
        self._stacks = Path(self._folder.name) / "stacks.txt"
        program = Path(sys.executable).with_name("py-spy")
        command = [program, "record", "--pid", str(pid), "--output", self._stacks, *_OPTIONS]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def stop(self) -> dict[str, float]:
        """Shares by module, the largest first. Raises BenchmarkError where the system does not let it look."""
        self._process.send_signal(signal.SIGINT)
        output, _ = self._process.communicate(timeout=STOP_SECONDS_MAX)
        if not self._stacks.exists():
            raise BenchmarkError(f"py-spy saw nothing: {output.strip()}")
        seen = modules(self._stacks.read_text())
        self._folder.cleanup()
        shares = {name: number / seen.total() for name, number in seen.most_common()}
        shown = {name: share for name, share in shares.items() if share >= SHOWN_SHARE_MIN}
        return {**shown, "everything else": 1 - sum(shown.values())}


def modules(stacks: str) -> Counter[str]:
    """Lines `frame;frame;… number` -> how often which module was the innermost: of ours the file, of others the
    package. A frame is `function (path:line)`, and paths begin where imports do."""
    found: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, number = line.rpartition(" ")
        path = stack.rpartition(";")[2].rpartition(" (")[2].rpartition(":")[0]
        first = path.partition("/")[0].removesuffix(".py")
        found[path if first in _OURS else first] += int(number)
    return found
