"""Back pressure: more input than the worker can do, for a while.

In: an arena with one worker and a port for its metrics. Out: what was seen of its memory and its lag. The worker is
made slow rather than the load quick, so that the same happens on every machine.
"""

import time
import urllib.request
from typing import NamedTuple

from tests.torture.arena import Arena, Plan

SLOW_SECONDS = 0.005
"""For each post: at most 200 a second, a tenth of the load."""
PLAN = Plan(name="flood", workers=1, rate=2000.0, text=" " + "x" * 4000)
MIB = 2**20


class Flood(NamedTuple):
    """Memory of the worker before and at most, how much was sent meanwhile, the greatest lag, and whether the worker
    lived."""

    before_mib: float
    peak_mib: float
    sent_mib: float
    lag_max: float
    lived: bool

    @property
    def bounded(self) -> bool:
        """Memory grew by less than half of what was sent."""
        return self.peak_mib - self.before_mib < self.sent_mib / 2


def flood(arena: Arena, port: int, seconds: float) -> Flood:
    """The load goes on while the worker is slow; when this returns it is quick again."""
    arena.start()
    worker = arena.fleet.workers[0]
    time.sleep(2)
    pid, before, sent_before = worker.pid, worker.resident_mib(), arena.load.count
    (worker.home / "slow").write_text(str(SLOW_SECONDS))
    until, peak, lag_max = time.monotonic() + seconds, 0.0, 0.0
    while time.monotonic() < until:
        time.sleep(0.5)
        arena.load.check()
        peak = max(peak, worker.resident_mib())
        lag_max = max(lag_max, _lag(port))
    sent_mib = (arena.load.count - sent_before) * len(arena.plan.text) / MIB
    (worker.home / "slow").unlink()
    found = Flood(before, peak, sent_mib, lag_max, worker.ended() is None and worker.pid == pid)
    arena.say(f"{found}")
    return found


def _lag(port: int) -> float:
    """Records of all topics that are there and not worked on, as the worker shows them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("cem_lag_records{"))
