"""Workers that are started, killed, stopped, sent away and started again.

In: settings. Out: running workers, and how each of them ended. The rule: every process belongs to a guard that ends
it when we are gone, and every wait is bounded.
"""

import contextlib
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

from agents.kafka.guard import Guard
from agents.settings import ENVIRONMENT_PREFIX, Settings

COMMAND = (sys.executable, "-m", "tests.torture.worker")
LEAVE_SECONDS_MAX = 40.0
RESTART_SECONDS = 1.0
"""What a supervisor waits before it starts a worker again."""
LOG_LINES_SHOWN = 60


class Worker:
    """One place in the fleet. `home` holds its log, its temporary files, and what `worker.py` is told; without `folder`
    to keep it in, it is gone in the end, however we end."""

    def __init__(self, number: int, settings: Settings, folder: Path | None, *, static: bool) -> None:
        self.number = number
        self.home = folder.resolve() / f"worker-{number}" if folder else Path(tempfile.mkdtemp(prefix="cem-torture-"))
        self.wanted = True
        self.stopped = False
        self.starts = 0
        self.pid = 0
        self.log = self.home / "worker.log"
        self.temporary = self.home / "tmp"
        self.temporary.mkdir(parents=True)
        values = {name: getattr(settings, name) for name in Settings.__struct_fields__}
        if static:
            values["instance"] = f"torture-{number}"
        environment = {ENVIRONMENT_PREFIX + name.upper(): str(value) for name, value in values.items()}
        environment |= {
            "PYTHONPATH": os.pathsep.join(str(Path(path).resolve()) for path in sys.path),
            "TMPDIR": str(self.temporary),
        }
        environment |= {"TORTURE_FOLDER": str(self.home), "PYTHONFAULTHANDLER": "1"}
        self._guard = Guard(COMMAND, self.log, None if folder else self.home, environment)

    def start(self) -> None:
        """Runs it afresh."""
        self.wanted, self.stopped = True, False
        self.starts += 1
        self.pid = int(self._guard.ask("start"))

    def ended(self) -> str | None:
        """How it ended, None while it runs."""
        state = self._guard.ask("poll")
        return None if state == "running" else state.removeprefix("exited ")

    def kill(self) -> None:
        """SIGKILL."""
        self._guard.ask("kill")

    def signal(self, number: int) -> None:
        """Any signal; nothing if it is gone, because its process id may be another's by now."""
        if self.pid and self.ended() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def is_stopped(self) -> bool:
        """Whether the process stands still."""
        with contextlib.suppress(OSError, IndexError):
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] in "Tt"
        return False

    def resident_mib(self) -> float:
        """Memory that it holds; 0 if it is gone."""
        with contextlib.suppress(OSError):
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        return 0.0

    def log_tail(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        return f"--- worker {self.number} ({self.log})\n" + "\n".join(lines)

    def close(self) -> None:
        """Ends it, whatever it does."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        self._guard.stop()


class Fleet:
    """A context manager. `supervise` is to be called a few times a second: it starts again whoever has ended and is
    wanted. `exits` counts how processes ended that nobody had killed."""

    def __init__(self, settings: Settings, folder: Path | None = None, *, static: bool = False) -> None:
        self._settings = settings
        self._static = static
        self._folder = folder
        self.workers: list[Worker] = []
        self.exits: Counter[str] = Counter()
        self.late_to_leave = 0
        self._again_at: dict[int, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends all processes."""
        for worker in self.workers:
            worker.close()
        self.workers.clear()

    def hire(self) -> Worker:
        """One more worker."""
        number = len(self.workers)
        worker = Worker(number, self._settings, self._folder, static=self._static)
        self.workers.append(worker)
        worker.start()
        return worker

    def supervise(self) -> None:
        """Starts again who has ended."""
        now = time.monotonic()
        for worker in self.workers:
            if not worker.wanted or worker.ended() is None:
                continue
            due = self._again_at.get(worker.number)
            if due is None:
                self.exits[worker.ended() or ""] += 1
                self._again_at[worker.number] = now + RESTART_SECONDS
            elif now >= due:
                del self._again_at[worker.number]
                worker.start()

    def running(self) -> list[Worker]:
        """Those that run and do not stand still."""
        return [worker for worker in self.workers if worker.wanted and not worker.stopped and worker.ended() is None]

    def dismiss(self, *workers: Worker) -> None:
        """SIGTERM to these, or to all: they leave in good order. Who does not within a bounded time is counted, and
        killed."""
        leaving = list(workers or self.workers)
        for worker in leaving:
            worker.wanted = False
            worker.signal(signal.SIGCONT)
            worker.stopped = False
            worker.signal(signal.SIGTERM)
        deadline = time.monotonic() + LEAVE_SECONDS_MAX
        while any(worker.ended() is None for worker in leaving) and time.monotonic() < deadline:
            time.sleep(0.1)
        for worker in leaving:
            if worker.ended() is None:
                self.late_to_leave += 1
                worker.kill()

    def log_tails(self) -> str:
        """The ends of all logs."""
        return "\n".join(worker.log_tail() for worker in self.workers)
