"""The wreckers: what is done to workers and brokers while records flow.

In: a list of deeds, and a seed that says to whom and when. Out: counts of what was done. The rule: everything is
decided by the seed but the moment at which the machine gets to it, and whatever was broken is whole again at the end.
"""

import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

from tests.torture.brokers import Brokers
from tests.torture.fleet import Fleet, Worker
from tests.torture.worker import POINTS

WORST_SECONDS_MAX = 15.0
"""How long to wait for a worker to come to the request that it is to stop at."""
WHOLE_SECONDS_MAX = 180.0
"""For brokers to start and their replicas to be in step again."""
AWAY_SECONDS = (1.0, 6.0)
GONE_SECONDS = 60.0

Later = Callable[[], float | None]
"""What is to be done then; it gives seconds after which it wants to be called again, or None."""

DEEDS = ("kill", "stop", "worst", "leave", "join", "broker", "gone", "wipe")


class Wreckers:
    """`work` is called a few times a second. `say` gets a line for each deed."""

    def __init__(
        self,
        fleet: Fleet,
        brokers: Brokers | None,
        session_seconds: float,
        seed: int,
        *,
        work: Callable[[], None],
        say: Callable[[str], None],
        gone_seconds: float = GONE_SECONDS,
    ) -> None:
        self.done: Counter[str] = Counter()
        self._fleet = fleet
        self._brokers = brokers
        self._session = session_seconds
        self._random = Random(seed)
        self._work = work
        self._say = say
        self._gone = gone_seconds
        self._broker_down = False
        self._later: list[tuple[float, Later]] = []

    def run(self, deeds: Sequence[str], every_seconds: float) -> None:
        """All deeds, in an order by chance, about so far apart; then waits until everything is whole again."""
        order = [*deeds]
        self._random.shuffle(order)
        for deed in order:
            self._wait(every_seconds * self._random.uniform(0.5, 1.5))
            self._do(deed)
        while self._later:
            self._wait(0.1)

    def do(self, deed: str) -> None:
        """One deed, and what follows from it."""
        self._do(deed)
        while self._later:
            self._wait(0.1)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            self._work()
            self._fleet.supervise()
            for entry in [entry for entry in self._later if entry[0] <= time.monotonic()]:
                self._later.remove(entry)
                again = entry[1]()
                if again is not None:
                    self._after(again, entry[1])
            if time.monotonic() >= until:
                return
            time.sleep(min(0.1, max(0.0, until - time.monotonic())))

    def _after(self, seconds: float, later: Later) -> None:
        self._later.append((time.monotonic() + seconds, later))

    def _do(self, deed: str) -> None:
        name, _, point = deed.partition(":")
        if name in ("broker", "gone"):
            self._hurt_broker(self._gone if name == "gone" else self._random.uniform(*AWAY_SECONDS), name)
        elif name == "join":
            self._join()
        else:
            while not self._fleet.running():
                self._wait(0.2)
            worker = self._random.choice(self._fleet.running())
            if name == "worst":
                self._stop_at(worker, point or self._random.choice([*POINTS]))
            else:
                {"kill": self._kill, "stop": self._stop, "leave": self._leave, "wipe": self._wipe}[name](worker)

    # Workers

    def _kill(self, worker: Worker) -> None:
        self._say(f"kill -9 worker {worker.number}")
        worker.kill()
        self.done["kills"] += 1

    def _wipe(self, worker: Worker) -> None:
        """Its local files are damaged, then gone; it must not miss them."""
        self._say(f"kill -9 worker {worker.number}, and its local files are gone")
        worker.kill()
        for file in [file for file in worker.temporary.rglob("*") if file.is_file()]:
            file.write_bytes(b"\x00damaged")
        shutil.rmtree(worker.temporary)
        worker.temporary.mkdir()
        self.done["kills"] += 1
        self.done["wipes"] += 1

    def _stop(self, worker: Worker) -> None:
        seconds = self._session + self._random.uniform(*AWAY_SECONDS)
        self._say(f"SIGSTOP worker {worker.number} for {seconds:.1f} s")
        worker.stopped = True
        worker.signal(signal.SIGSTOP)
        self.done["stops"] += 1
        self._after(seconds, lambda: self._go_on(worker))

    def _go_on(self, worker: Worker) -> None:
        self._say(f"SIGCONT worker {worker.number}")
        worker.signal(signal.SIGCONT)
        worker.stopped = False

    def _stop_at(self, worker: Worker, point: str) -> None:
        self._say(f"worker {worker.number} is to stop at {point}")
        flag, until = worker.home / "stop-at", time.monotonic() + WORST_SECONDS_MAX
        flag.write_text(point)

        def look() -> float | None:
            if flag.exists() and time.monotonic() < until:
                return 0.05
            flag.unlink(missing_ok=True)
            deadline = time.monotonic() + 1.0
            while not worker.is_stopped() and time.monotonic() < deadline:
                time.sleep(0.01)
            if worker.is_stopped():
                seconds = self._session + self._random.uniform(*AWAY_SECONDS)
                self._say(f"worker {worker.number} stands still at {point}, for {seconds:.1f} s")
                worker.stopped = True
                self.done["stops"] += 1
                self.done[f"worst {point}"] += 1
                self._after(seconds, lambda: self._go_on(worker))
            return None

        self._after(0.05, look)

    def _leave(self, worker: Worker) -> None:
        self._say(f"SIGTERM worker {worker.number}")
        worker.wanted = False
        worker.signal(signal.SIGTERM)
        self.done["leaves"] += 1
        until = time.monotonic() + 40.0

        def back() -> float | None:
            if worker.ended() is None:
                if time.monotonic() < until:
                    return 0.2
                self._fleet.late_to_leave += 1
                worker.kill()
            self._say(f"worker {worker.number} comes back")
            worker.start()
            self.done["joins"] += 1
            return None

        self._after(self._random.uniform(*AWAY_SECONDS), back)

    def _join(self) -> None:
        spare = next((worker for worker in self._fleet.workers if not worker.wanted and worker.ended()), None)
        if spare is not None:
            spare.start()
        worker = spare or self._fleet.hire()
        self._say(f"worker {worker.number} joins")
        self.done["joins"] += 1

        def leave() -> None:
            self._say(f"worker {worker.number} leaves")
            worker.wanted = False
            worker.signal(signal.SIGTERM)
            self.done["leaves"] += 1

        self._after(self._session + self._random.uniform(*AWAY_SECONDS), leave)

    # Brokers

    def _hurt_broker(self, seconds: float, name: str) -> None:
        if self._brokers is None:
            raise ValueError("this broker is not ours to kill")
        until = time.monotonic() + WHOLE_SECONDS_MAX
        while self._broker_down or not self._brokers.whole():
            if time.monotonic() > until:
                raise TimeoutError("the brokers did not get whole again")
            self._wait(0.5)
        self._say(f"kill -9 broker, for {seconds:.1f} s")
        self._brokers.kill()
        self._broker_down = True
        self.done["broker_restarts"] += 1
        self.done[name] += 1
        self._after(seconds, self._revive)

    def _revive(self) -> None:
        assert self._brokers is not None
        self._brokers.revive()
        self._broker_down = False
        self._say("broker is back")
