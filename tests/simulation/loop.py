"""A process of the simulation: an event loop of its own that the world runs step by step.

A step is one callback of the loop, so a process can be killed, or stopped, at any await. Time is the world's; it goes
on while a process is stopped, as it does for real ones.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol


class Clock(Protocol):
    """What a process needs of the world."""

    now: float

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Runs the action at that time."""
        ...


class Death(SystemExit):
    """The process ends here. A SystemExit, because asyncio lets no other exception out of a step."""


class Process(asyncio.AbstractEventLoop):
    """`alive` until it dies; `stopped` between SIGSTOP and SIGCONT. `why` it ended itself."""

    def __init__(self, clock: Clock, name: str) -> None:
        self._clock = clock
        self._ready: deque[asyncio.Handle] = deque()
        self._kept: list[Any] = []  # a task that is collected runs its `finally`: a killed process runs nothing
        self.name = name
        self.alive = True
        self.stopped = False
        self.why = ""

    @property
    def runnable(self) -> bool:
        """Whether there is a step to be made."""
        return self.alive and not self.stopped and bool(self._ready)

    def step(self) -> None:
        """Makes one step."""
        handle = self._ready.popleft()
        if handle.cancelled():
            return
        asyncio._set_running_loop(self)
        try:
            handle._run()
        except Death:
            self.alive = False
        finally:
            asyncio._set_running_loop(None)

    def die(self, why: str) -> None:
        """Ends itself; nothing that is under way here counts any more."""
        if self.alive:
            self.alive, self.why = False, why
            raise Death

    # What asyncio asks of a loop

    def time(self) -> float:
        return self._clock.now

    def call_soon(
        self, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._clock.at(when, lambda: self._ready.append(handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is passed over when its time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Any = None
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self._kept.append(task)
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What nobody handles ends a process: Faust's app crash does."""
        if self.alive and "exception" in context and "destroyed" not in str(context.get("message")):
            self.alive, self.why = False, f"not handled: {context['exception']!r}"
