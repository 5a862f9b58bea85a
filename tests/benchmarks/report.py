"""What a person sees while it runs: bars on a terminal, a line for each thing that is done elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

COLUMNS = 126
"""Where there is no terminal."""


class Task:
    """One thing under way."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def advance(self, amount: float = 1) -> None:
        """So much more is done."""
        self._progress.advance(self._task, amount)

    def now(self, doing: str, *, total: float | None = None, done: float | None = None) -> None:
        """What it does now, and how far that is."""
        self._progress.update(self._task, description=doing, total=total, completed=done)


class Report:
    """Everything goes to standard error: standard output is for results."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        if not self._console.is_terminal:
            self._console = Console(stderr=True, width=COLUMNS)
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        quiet = not self._console.is_terminal
        self._progress = Progress(*columns, console=self._console, disable=quiet, transient=True)

    def __enter__(self) -> "Report":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def line(self, text: str) -> None:
        """A line that stays."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def task(self, doing: str, total: float | None = None) -> Iterator[Task]:
        """Something that takes a while; its bar is gone when it is done."""
        task = self._progress.add_task(doing, total=total)
        try:
            yield Task(self._progress, task)
        finally:
            self._progress.remove_task(task)
