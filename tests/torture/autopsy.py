"""What a worker knows when it is asked why it stands still: `SIGNAL` -> its log.

In: a signal that Faust has no use for. Out: its slots, how far reading is, what Faust has paused, and our own tasks of
the main loop.
"""

import asyncio
import signal
import sys
from collections.abc import Iterator
from typing import Any

SIGNAL = signal.SIGRTMIN


def on_request() -> None:
    """To be called before the worker is made."""
    import agents.app

    start = agents.app.Worker.start

    async def started(self: Any) -> None:
        asyncio.get_running_loop().add_signal_handler(SIGNAL, _tell, self)
        await start(self)

    agents.app.Worker.start = started  # type: ignore[method-assign]


def _tell(worker: Any) -> None:
    lines = ["AUTOPSY"]
    for part in (_flow, _slots, _tasks):
        try:
            lines += part(worker)
        except BaseException as error:
            lines.append(f"{part.__name__}: {error!r}")
    print("\n".join(lines), file=sys.__stderr__, flush=True)


def _flow(worker: Any) -> Iterator[str]:
    app, consumer = worker.app, worker.app.consumer
    yield f"generation {app.consumer_generation_id} rebalancing {app.rebalancing} flow {consumer.flow_active}"
    yield f"active {_short(consumer._active_partitions)} waiting {_short(consumer._waiting)}"
    yield f"paused {_short(consumer._paused_partitions)} assigned {_short(consumer.assignment())}"


def _short(partitions: Any) -> list[str]:
    return sorted(f"{partition.topic.partition('.')[2]}/{partition.partition}" for partition in partitions or ())


def _slots(worker: Any) -> Iterator[str]:
    thread = worker.app.consumer._thread
    assignment = thread._consumer._subscription.subscription.assignment
    for stage in getattr(worker, "service", worker).stages:
        yield f"{stage.name}: {_plain(stage)}"
        for partition, slot in stage._slots.items():
            state = assignment.state_value(partition)
            fetch = None if state is None else (state._position, state._status, state.highwater, state.lso)
            reading = thread.reading(partition)
            yield f"{stage.name} {_short([partition])} {_plain(slot)} reading {reading} fetch, status, end, LSO {fetch}"


def _plain(thing: Any) -> dict[str, Any]:
    """What can be read at a glance among the attributes."""
    kinds = (int, float, str, bool, tuple, asyncio.Event, asyncio.Lock, asyncio.Task, type(None))
    return {name: value for name, value in vars(thing).items() if isinstance(value, kinds)}


def _tasks(_: Any) -> Iterator[str]:
    """Each task of ours with the whole chain of what it waits for."""
    for task in asyncio.all_tasks():
        chain, waits = [], task.get_coro()
        while waits is not None and hasattr(waits, "cr_frame"):
            if waits.cr_frame is not None:
                code = waits.cr_frame.f_code
                chain.append(f"{code.co_filename.rpartition('/')[2]}:{waits.cr_frame.f_lineno} {code.co_name}")
            waits = waits.cr_await
        if any(name in step for step in chain for name in ("stage.py", "transaction.py", "state.py", "app.py")):
            yield f"task {' > '.join(chain)} > {waits!r}"[:600]
