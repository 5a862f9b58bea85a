"""The guard: a small process between us and a server that we start (an embedded Kafka's Java, the demo's worker).

In: a command line, a log file, a folder to remove at the end (or none), files to hold open, and words on a pipe.
Out: one line for each word:

    start   runs the command line afresh         → its process id
    poll    asks for the state of the last run   → "running" or "exited <code>"
    kill    SIGKILLs the server                  → "exited <code>"
    stop    ends the guard, with no answer

The one rule: when the parent is gone, so are the server and the temporary folder, however the parent ended. A
process that dies by SIGKILL cannot clean up after itself, but its end of the pipe closes, and that the guard
sees. The guard runs this file as a script on the standard library alone, so that it starts in a few
milliseconds, and in its own session, so that Ctrl-C in the terminal reaches the parent and nobody else.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing import connection
from pathlib import Path

STOP_SECONDS_MAX = 10.0
"""How long the server may take to stop cleanly before it is killed."""

ANSWER_SECONDS_MAX = 15.0


class GuardLostError(Exception):
    """The guard did not answer: something else ended it, or it hangs."""


class Guard:
    """The parent's side: starts the guard process, which then waits for words.

    `command` is what `start` runs, `log` gets its output, `temporary` is removed when the guard ends, `environment`
    is added to ours. `held` are open files that guard and server keep open as long as they live: locks.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        temporary: Path | None,
        environment: Mapping[str, str] | None = None,
        held: Sequence[int] = (),
    ) -> None:
        self._log = log
        self._temporary = temporary
        with log.open("ab") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - this file and the caller's own command
                [sys.executable, "-IS", __file__, str(temporary or ""), str(log), ",".join(map(str, held)), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
                pass_fds=held,
                env={**os.environ, **(environment or {})},
            )

    def ask(self, word: str) -> str:
        """Send a word and return the answer to it; raise GuardLostError where none comes."""
        assert self._process.stdin is not None and self._process.stdout is not None
        answer = ""
        with contextlib.suppress(BrokenPipeError):
            print(word, file=self._process.stdin, flush=True)
            if connection.wait([self._process.stdout.fileno()], ANSWER_SECONDS_MAX):
                answer = self._process.stdout.readline().strip()
        if not answer:
            raise GuardLostError(
                f"the guard process {self._process.pid} did not answer `{word}`, so "
                f"something ended it: call stop(), which clears up, and start again; the log is {self._log}"
            )
        return answer

    def stop(self) -> None:
        """End the server, the guard and the temporary folder; by force where the guard cannot do it."""
        with contextlib.suppress(subprocess.TimeoutExpired, BrokenPipeError):
            self._process.communicate("stop\n", timeout=STOP_SECONDS_MAX + ANSWER_SECONDS_MAX)
        if self._process.returncode != 0:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # its own session: the guard and the server
            self._process.wait()
            if self._temporary is not None:
                shutil.rmtree(self._temporary, ignore_errors=True)


def _serve(temporary: str, log: str, held: str, command: list[str]) -> None:
    """Answer the parent's words until it says stop, closes the pipe or is gone; then clean up."""
    server: subprocess.Popen[bytes] | None = None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that the clean-up below still runs
    try:
        for word in _words():
            if word == "start":
                if server is not None:
                    _end(server)
                server = _start(log, [int(file) for file in held.split(",") if file], command)
                answer = str(server.pid)
            elif word == "stop":
                break
            elif server is None:
                answer = "exited 0"
            elif word == "kill":
                server.kill()
                answer = f"exited {server.wait()}"
            else:
                answer = "running" if server.poll() is None else f"exited {server.returncode}"
            print(answer, flush=True)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if server is not None:
            _end(server)
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)


def _words() -> Iterator[str]:
    """Yield the parent's words until the parent is gone.

    The end of the pipe tells at once. A process that the parent forked may hold the pipe open, though, so the
    parent's process id is watched too.
    """
    parent = os.getppid()
    while os.getppid() == parent:
        if select.select([0], [], [], 1.0)[0]:
            received = os.read(0, 4096)
            if not received:
                return
            yield from received.decode().split()


def _start(log: str, held: list[int], command: list[str]) -> subprocess.Popen[bytes]:
    """Run the server with its output at the end of the log, beside which the report of a crash goes too."""
    with Path(log).open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - the parent's own command line
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=Path(log).parent,
            pass_fds=held,
        )


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
