"""A worker process beside us: started, started again when it ends itself, gone when we are gone.

In: settings. Out: a running worker. For the demo and for tests; in production systemd, Kubernetes or docker compose
do this.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from agents.kafka.guard import Guard
from agents.settings import ENVIRONMENT_PREFIX, Settings

RESTARTS_MAX = 10
LOG_LINES_SHOWN = 30

_COMMAND = (sys.executable, "-m", "agents.cli", "run")


class WorkerError(RuntimeError):
    """The worker ends itself again and again. The message shows the end of its log."""


class Supervisor:
    """A context manager. `check` is to be called now and then. `command` runs something else than `cem run`."""

    def __init__(self, settings: Settings, command: Sequence[str] = _COMMAND) -> None:
        folder = Path(tempfile.mkdtemp(prefix="cem-worker-"))
        self.log = folder / "worker.log"
        self._guard = Guard(command, self.log, folder, _environment(settings))
        self.restarts = 0
        self.pid = 0

    def __enter__(self) -> "Supervisor":
        self.pid = int(self._guard.ask("start"))
        return self

    def __exit__(self, *_: object) -> None:
        self._guard.stop()

    def kill(self) -> None:
        """SIGKILL to the worker, for tests of crashes; `check` starts it again."""
        self._guard.ask("kill")

    def check(self) -> None:
        """Starts the worker again if it has ended. Raises WorkerError when that happens too often."""
        state = self._guard.ask("poll")
        if state == "running":
            return
        self.restarts += 1
        if self.restarts > RESTARTS_MAX:
            raise WorkerError(f"the worker ended again and again ({state}); the end of its log:\n{self.log_tail()}")
        self.pid = int(self._guard.ask("start"))

    def log_tail(self, lines: int = LOG_LINES_SHOWN) -> str:
        """The end of the worker's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _environment(settings: Settings) -> dict[str, str]:
    """The settings as a child process finds them again; it must find our packages, too."""
    values = {name: getattr(settings, name) for name in Settings.__struct_fields__}
    environment = {ENVIRONMENT_PREFIX + name.upper(): str(value) for name, value in values.items()}
    return {**environment, "PYTHONPATH": ":".join(path for path in sys.path if path)}
