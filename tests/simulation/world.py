"""Time, chance and faults: one seed, one history.

In: a seed. Out: what was sent and what is stored at the end. The rule: all chance is the seed's, and everything that
takes time takes it from the world's clock, so that a seed gives the same history every time.
"""

import asyncio
import gc
import heapq
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from random import Random
from typing import Any
from unittest.mock import patch

from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError

from agents.parts import engine_of, limits_of, understanding_of
from agents.settings import Settings
from pipeline.control import Shape
from schemas.topics import CONSUMED, INPUTS, Topics
from tests.checked_run import Run, Sent
from tests.checker import Verdict, check
from tests.simulation.broker import Broker, Record
from tests.simulation.input import make_input
from tests.simulation.loop import Process
from tests.simulation.worker import ModelProducer, Worker
from tests.straight import Parts

SESSION_SECONDS = 6.0
FAULTS_MAX = 7
STEPS_MAX = 400_000
FAULTS_UNTIL_SECONDS = 12.0
SECONDS_MAX = 400.0
RESTART_SECONDS_MAX = 3.0
SEEDS_A_COLLECTION = 10


class Stuck(AssertionError):
    """The workers do not get done."""


class World:
    """`kinds` of faults to draw from, and how many at least."""

    def __init__(self, seed: int, kinds: Sequence[str] = (), faults_min: int = 0) -> None:
        self.random = Random(seed)
        self.now = 0.0
        self.steps = 0
        self.kinds = tuple(kinds or _FAULTS)
        self.faults_min = faults_min
        self.faults: list[str] = []
        self.deaths: list[str] = []
        width = self.random.choice((1, 2))
        self.settings = Settings(
            kafka="simulated", group="g", author_key="a key for tests only", clock="data", input_partitions=width,
            events_partitions=2, session_timeout_seconds=SESSION_SECONDS, checkpoint_seconds=1.0, hold_minutes=20.0,
            memory_hours=2.0, tick_seconds=1200.0, false_alerts_per_month=30.0,
        )  # fmt: skip
        self.topics = topics = Topics()
        widths = {"input": width, "events": 2, "one": 1}
        self.widths = {name: widths[spec.width] for name, spec in topics.specs.items()}
        self.shape = Shape(inputs={topics(name): self.widths[topics(name)] for name in INPUTS}, events=2)
        consumed = [TopicPartition(topics(name), n) for name in CONSUMED for n in range(self.widths[topics(name)])]
        self.broker = Broker(self.widths, consumed, SESSION_SECONDS)
        self.input = make_input(self.random, topics, self.shape, self.settings.tick_ms)
        self.workers: list[Worker] = []
        self.slow = 0.0
        self.lossy = False
        self.drop_fetches = False
        self.fail_produce = False
        self.stop_at_socket = False
        self.down_until = 0.0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._started = 0

    # Time

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Runs the action at that time."""
        self._count += 1
        heapq.heappush(self._queue, (max(when, self.now), self._count, action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Runs the action after so many seconds."""
        self.at(self.now + seconds, action)

    def run(self) -> None:
        """Until everything that was sent is worked off. Raises Stuck."""
        self._send_input()
        for _ in range(self.random.choice((1, 2, 2, 3))):
            self._start_worker()
        for _ in range(self.random.randint(self.faults_min, FAULTS_MAX)):
            self.at(self.random.uniform(0.0, FAULTS_UNTIL_SECONDS), self._fault)
        self._watch()
        while not self._done():
            self._step()

    def _step(self) -> None:
        self.steps += 1
        if self.steps > STEPS_MAX or self.now > SECONDS_MAX:
            raise Stuck(f"{self.broker.left()} left after {self.steps} steps and {self.now:.0f} s")
        runnable = [worker.process for worker in self.workers if worker.process.runnable]
        if runnable:
            (runnable[0] if len(runnable) == 1 else self.random.choice(runnable)).step()
        else:
            self.now, _, action = heapq.heappop(self._queue)
            action()
        while self._queue and self._queue[0][0] <= self.now:
            heapq.heappop(self._queue)[2]()

    def _done(self) -> bool:
        return self.now > FAULTS_UNTIL_SECONDS and not self._sending and self.broker.left() == 0

    def _watch(self) -> None:
        """Session time-outs, and workers that have ended themselves."""
        self.broker.pass_time(self.now)
        for worker in self.workers:
            if not worker.process.alive and not worker.replaced:
                worker.replaced = True
                self.deaths.append(worker.process.why or "killed")
                self.after(self.random.uniform(0.1, RESTART_SECONDS_MAX), self._start_worker)
        self.after(0.5, self._watch)

    # What is sent

    def _send_input(self) -> None:
        self._sending = len(self.input.emissions)
        when = 0.0
        hurry = self.random.choice((0.0, 0.02, 0.1))
        for emission in self.input.emissions:
            when += self.random.random() * hurry
            self.at(when, lambda emission=emission: self._append(emission))  # type: ignore[misc]

    def _append(self, emission: Any) -> None:
        self._sending -= 1
        record = Record(emission.key, emission.value, tuple(emission.headers), None)
        self.broker.append(TopicPartition(emission.topic, emission.partition), record)

    # The network

    async def request(self, process: Process, effect: Callable[[], Any], *, again: bool = True) -> Any:
        """A request and its answer. Where the answer is lost it is asked `again`, as clients do."""
        while True:
            if not process.alive:
                process.die("")
            future = process.create_future()
            self.after(self._delay(), lambda future=future: self._arrive(process, future, effect))  # type: ignore[misc]
            try:
                return await future
            except KafkaTimeoutError:
                if not again:
                    raise

    def _arrive(self, process: Process, future: Any, effect: Callable[[], Any]) -> None:
        if self.now < self.down_until:
            self.at(self.down_until + self._delay(), lambda: self._arrive(process, future, effect))
            return
        result: Any = None
        error: Exception | None = None
        lost = self.lossy and self.random.random() < 0.1
        if lost and self.random.random() < 0.5:
            error = KafkaTimeoutError()
        else:
            try:
                result = effect()
            except Exception as raised:
                error = raised
            if lost:
                error = KafkaTimeoutError()
        delay = self._delay() + (1.0 if lost else 0.0)
        self.after(delay, lambda: process.call_soon(_settle, future, result, error))

    def _delay(self) -> float:
        if self.random.random() < 0.02:
            return self.random.uniform(0.0, 0.5 + self.slow)
        return self.random.random() * (0.01 + self.slow / 10)

    # Workers and faults

    def _start_worker(self) -> None:
        self._started += 1
        self.workers.append(Worker(self, f"worker-{self._started}"))

    def _fault(self) -> None:
        """At this moment, or rather so many steps later: in the midst of something."""
        name = self.random.choice(self.kinds)
        wait = self.random.choice((0, self.random.randint(0, 400)))
        self.faults.append(f"{self.now:.1f} {name}")
        self._in_steps(wait, lambda: _FAULTS[name](self))

    def _in_steps(self, steps: int, action: Callable[[], None]) -> None:
        if steps <= 0:
            action()
            return
        begun = self.steps
        self.after(0.0005, lambda: self._in_steps(steps - max(1, self.steps - begun), action))

    def _victim(self) -> Worker | None:
        alive = [worker for worker in self.workers if worker.process.alive]
        return self.random.choice(alive) if alive else None

    def _kill(self) -> None:
        if (victim := self._victim()) is not None:
            victim.process.alive = False

    def _stop(self) -> None:
        if (victim := self._victim()) is not None and not victim.process.stopped:
            victim.process.stopped = True
            self.after(self.random.uniform(0.2, 3 * SESSION_SECONDS), victim.resume)

    def reaches_socket(self, process: Process) -> bool:
        """Whether it is stopped at the worst moment: behind its last look at the lease, before the request goes out."""
        if not self.stop_at_socket:
            return False
        self.stop_at_socket = False
        process.stopped = True
        self.after(self.random.uniform(0.2, 3 * SESSION_SECONDS), lambda: setattr(process, "stopped", False))
        return True

    def _terminate(self) -> None:
        if (victim := self._victim()) is not None and not victim.process.stopped:
            victim.terminate()

    def _restart_broker(self) -> None:
        self.down_until = self.now + self.random.choice((0.3, 3.0, 10.0))

    def _trouble(self, name: str, value: Any, calm: Any) -> None:
        setattr(self, name, value)
        self.after(self.random.uniform(0.5, 10.0), lambda: setattr(self, name, calm))

    def close(self) -> None:
        """Lets go of all processes."""
        self.workers.clear()
        self._queue.clear()

    # What is to be checked

    def verdict(self) -> Verdict:
        """Holds what came out to the laws."""
        parts = Parts(
            self.topics, self.shape, engine_of(self.settings), understanding_of(self.settings), limits_of(self.settings)
        )
        sent = [Sent(one.topic, one.key, one.value) for one in self.input.emissions if not one.headers]
        return check(Run(parts, sent, self.broker.stored(), self.broker.uncommitted()))


def _settle(future: Any, result: Any, error: Exception | None) -> None:
    if not future.done():
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


_FAULTS: dict[str, Callable[[World], None]] = {
    "kill": World._kill,
    "stop": World._stop,
    "stop at the socket": lambda world: setattr(world, "stop_at_socket", True),
    "terminate": World._terminate,
    "join": World._start_worker,
    "broker down": World._restart_broker,
    "slow network": lambda world: world._trouble("slow", 2.0, 0.0),
    "lost answers": lambda world: world._trouble("lossy", True, False),
    "dropped fetches": lambda world: world._trouble("drop_fetches", True, False),
    "failed sends": lambda world: world._trouble("fail_produce", True, False),
}


def outcome(seed: int, kinds: Sequence[str] = (), faults_min: int = 0) -> str | None:
    """One history: None if all laws hold, else what is wrong."""
    with modelled():
        what = played(World(seed, kinds, faults_min))
        if seed % SEEDS_A_COLLECTION == 0:
            gc.collect()  # where no process runs
    return what


def played(world: World) -> str | None:
    """Lets it run, and judges."""
    try:
        world.run()
        verdict = world.verdict()
    except Stuck as stuck:
        return f"stuck: {stuck}"
    finally:
        world.close()
    return None if verdict.ok else verdict.report()


@contextmanager
def modelled() -> Iterator[None]:
    """The model's producer and the model's death in place of the real ones. What killed processes leave is cleared
    away at the end, where no process runs: it must not end another one."""

    def die(why: str, error: BaseException | None = None) -> None:
        process = asyncio._get_running_loop()
        if isinstance(process, Process) and not isinstance(error, GeneratorExit):
            process.die(f"{why}: {error!r}" if error is not None else why)

    with ExitStack() as stack:
        for place in ("agents.kafka.stage.die", "agents.directory.die"):
            stack.enter_context(patch(place, die))
        stack.enter_context(patch("agents.kafka.transaction.AIOKafkaProducer", ModelProducer))
        stack.enter_context(patch("agents.kafka.stage.STALL_SECONDS_MAX", math.inf))  # here a stall is to be seen
        stack.enter_context(patch("agents.kafka.stage.SLICE_RECORDS", 2))  # batches are small here, and
        stack.enter_context(patch("agents.kafka.stage.TURN_SECONDS", 0.0))  # work takes no time
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore", RuntimeWarning)  # of coroutines whose process was killed before they began
        gc.disable()
        try:
            yield
        finally:
            gc.enable()
