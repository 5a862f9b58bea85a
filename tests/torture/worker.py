"""A worker with weak points: `python -m tests.torture.worker` is `cem run`, but for what the files in the folder
`TORTURE_FOLDER` tell it.

- `stop-at`: holds the name of a request; the worker stops itself (SIGSTOP) with the next such request in its hands,
  between its last check and the socket. The file is removed first.
- `slow`: holds seconds; while it is there, each post takes so long.
- A post whose text has the word `deadlypoison` ends the process.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, EndTxnRequest, TxnOffsetCommitRequest

from pipeline.understanding import Understanding
from tests.torture import autopsy

POISON = "deadlypoison"
POINTS = {
    "state": (ProduceRequest, ".state."),
    "log": (ProduceRequest, ".events"),
    "alerts": (ProduceRequest, ".alerts"),
    "begin": (AddPartitionsToTxnRequest, ""),
    "end": (EndTxnRequest, ""),
    "offsets": ((OffsetCommitRequest, TxnOffsetCommitRequest), ""),
}
"""Requests by name: their kind, and what one of their topics holds."""


def stop_at_the_worst_moment(folder: Path) -> None:
    """Every request of this process passes `send`; what follows there is the socket."""
    flag, send = folder / "stop-at", AIOKafkaConnection.send

    def guarded(self: Any, request: Any, expect_response: bool = True) -> Any:
        if flag.exists() and _is_at(request, flag.read_text()):
            flag.unlink(missing_ok=True)
            os.kill(os.getpid(), signal.SIGSTOP)
        return send(self, request, expect_response)

    AIOKafkaConnection.send = guarded  # type: ignore[method-assign]


def _is_at(request: Any, point: str) -> bool:
    if point not in POINTS:
        return False
    kind, part = POINTS[point]
    return isinstance(request, kind) and (not part or any(part in topic for topic, _ in request._topics))


def die_of_poison(folder: Path) -> None:
    """And be slow."""
    understand, slow = Understanding.of_post, folder / "slow"

    def deadly(self: Any, post: Any, *how: Any) -> Any:
        if POISON in post.text:
            os._exit(1)
        if slow.exists():
            time.sleep(float(slow.read_text() or 0))
        return understand(self, post, *how)

    Understanding.of_post = deadly  # type: ignore[method-assign]


if __name__ == "__main__":
    stop_at_the_worst_moment(Path(os.environ["TORTURE_FOLDER"]))
    die_of_poison(Path(os.environ["TORTURE_FOLDER"]))
    autopsy.on_request()
    from agents.cli import main

    main(["run"])
