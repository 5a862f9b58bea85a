"""The arena: a service under a prefix of its own, its load, its fleet, its wreckers, and the verdict at the end.

In: brokers and a plan. Out: a verdict. Used by the tests of CI and by the long campaign alike.
"""

import logging
import secrets
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import msgspec
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from agents.kafka.admin import Admin, AdminError
from agents.kafka.client import kafka_python_options
from agents.kafka.units import publish
from agents.parts import engine_of, limits_of, understanding_of
from agents.settings import load as load_settings
from pipeline.control import Shape
from pipeline.evaluation.scenario import generate
from schemas.topics import CONSUMED, Topics
from tests.checked_run import Run, Sent
from tests.checker import LAWS, Law, Verdict, check
from tests.straight import Parts, Stored
from tests.torture import autopsy
from tests.torture.brokers import Brokers
from tests.torture.fleet import Fleet
from tests.torture.load import Load
from tests.torture.observe import Positions, drained, stored
from tests.torture.people import People
from tests.torture.wreck import GONE_SECONDS, Wreckers

KEY = "a key for tests only"
DRAIN_SECONDS_MAX = 120.0
UNITS = 15
READY_SECONDS_MAX = 60.0
AUTOPSY_SECONDS = 3.0
"""For workers to say why they stand still."""
COMPACTED = {
    "segment.ms": "1000",
    "min.cleanable.dirty.ratio": "0.01",
    "max.compaction.lag.ms": "1000",
    "delete.retention.ms": "100",
}


logging.getLogger("kafka").setLevel(logging.CRITICAL)  # brokers die here: every line of its would say so


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One torture. `deeds`: how often each is done; `rate`: records a second, `bad` of them malformed, at least
    `malformed` in all; `compact`: states are compacted all the time; `seconds_between` deeds."""

    name: str
    deeds: dict[str, int] = {}
    inputs: int = 3
    events: int = 3
    workers: int = 3
    brokers: int = 1
    clock: str = "data"
    rate: float = 300.0
    bad: float = 0.03
    malformed: int = 0
    seconds_between: float = 3.0
    static: bool = False
    compact: bool = False
    gone_seconds: float = GONE_SECONDS
    text: str = ""

    @property
    def all_deeds(self) -> list[str]:
        """Every deed as often as it is to be done."""
        return [deed for deed, count in self.deeds.items() for _ in range(count)]


def _tick_seconds(plan: Plan) -> float:
    """So far apart in the scenario's time that ticks are not most of what there is: each goes from every partition of
    the inputs to every partition of the log."""
    return 200.0 * plan.inputs * max(1.0, plan.rate / 300)


class Arena:
    """A context manager; entering it starts everything."""

    def __init__(
        self,
        bootstrap: str,
        plan: Plan,
        seed: int,
        *,
        brokers: Brokers | None = None,
        folder: Path | None = None,
        **overrides: Any,
    ) -> None:
        self.plan = plan
        self.seed = seed
        self.began = time.monotonic()
        prefix = f"t-{secrets.token_hex(4)}"
        given = {
            "kafka": bootstrap, "prefix": prefix, "group": prefix, "author_key": KEY, "clock": plan.clock,
            "http_port": 0, "input_partitions": plan.inputs, "events_partitions": plan.events,
            "session_timeout_seconds": 6, "replication_factor": plan.brokers, "hold_minutes": 10.0,
            "future_minutes": 240.0,
            "tick_seconds": 1.0 if plan.clock == "wall" else _tick_seconds(plan), **overrides,
        }  # fmt: skip
        self.settings = load_settings({}, None, **given).settings
        self.topics = Topics(prefix)
        self.fleet = Fleet(self.settings, folder, static=plan.static)
        self.shape = Shape(inputs={}, events=0)
        self._brokers = brokers
        self._stack = ExitStack()
        self._positions: Positions | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            scenario = generate(self.seed, units=UNITS, hours=36, incidents=3)
            self.shape = self.apply_topics()
            if self.plan.compact:
                self._compact()
            publish(self.settings, self.topics, [*scenario.units])
            stack.enter_context(self.fleet)
            plan = self.plan
            self.load = Load(
                self.settings, self.shape, scenario, self.seed, rate=plan.rate, bad=plan.bad, text=plan.text
            )
            self.people = People(self.settings, self.load, self.seed)
            self.wreckers = Wreckers(
                self.fleet,
                self._brokers,
                self.settings.session_timeout_seconds,
                self.seed,
                work=self.load.check,
                say=self.say,
                gone_seconds=self.plan.gone_seconds,
            )
            for _ in range(self.plan.workers):
                self.fleet.hire()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def say(self, line: str) -> None:
        """Progress, on standard error."""
        elapsed = time.monotonic() - self.began
        print(f"{elapsed:7.1f} {self.plan.name}: {line}", file=sys.stderr, flush=True)

    def start(self) -> None:
        """Begins the load, and waits until something of it is worked off."""
        self.load.start()
        self.people.start()
        with Positions(self.settings) as positions:
            deadline = time.monotonic() + READY_SECONDS_MAX
            while positions.none("events"):
                positions.poll()
                self.fleet.supervise()
                self.load.check()
                if time.monotonic() > deadline:
                    raise TimeoutError(f"the workers do nothing:\n{self.fleet.log_tails()}")

    def torture(self) -> None:
        """All deeds of the plan under load."""
        self.wreckers.run(self.plan.all_deeds, self.plan.seconds_between)

    def until_enough(self) -> None:
        """More load, until a lap of the scenario is done, with its incidents, and enough of it was malformed."""
        while not self.load.laps or self.load.malformed < self.plan.malformed:
            self.load.check()
            self.fleet.supervise()
            time.sleep(0.2)

    def finish(self) -> list[Sent]:
        """Ends the load once it was enough, waits until all is worked off, lets the workers leave in good order. Gives
        what was sent."""
        self.until_enough()
        self.people.stop()
        sent = self.load.stop()
        self.say(f"{len(sent)} records sent, {self.load.malformed} of them malformed; draining")
        with Positions(self.settings) as positions:
            left = drained(positions, self.fleet.supervise, DRAIN_SECONDS_MAX)
        if left:
            for worker in self.fleet.running():
                worker.signal(autopsy.SIGNAL)
            time.sleep(AUTOPSY_SECONDS)
            self.say(f"not everything was worked off: {left}\n{self.fleet.log_tails()}")
        self.say("worked off")
        self.fleet.dismiss()
        return sent

    def verdict(self, sent: Sequence[Sent], laws: Sequence[tuple[str, Law]] = LAWS) -> Verdict:
        """Holds all that is on the broker to the laws."""
        run = self.run(sent)
        self.say(f"{len(self.all)} records read")
        found = check(run, laws)
        self.say(found.report())
        self.say(f"deeds {dict(self.wreckers.done)}, exits {dict(self.fleet.exits)}, late {self.fleet.late_to_leave}")
        return found

    def run(self, sent: Sequence[Sent]) -> Run:
        """All that is on the broker."""
        self.all = stored(self.settings)
        uncommitted = stored(self.settings, only=self.topics("alerts"), isolation="read_uncommitted")
        return Run(self.parts, sent, self.all, uncommitted)

    def stored(self, name: str) -> list[Stored]:
        """The records of the topics whose short names begin so."""
        return stored(self.settings, only=self.topics(name))

    @property
    def parts(self) -> Parts:
        """The core as this service is set up."""
        settings = self.settings
        return Parts(self.topics, self.shape, engine_of(settings), understanding_of(settings), limits_of(settings))

    def apply_topics(self) -> Shape:
        """Brokers that have just started may be too busy to answer at once."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        while True:
            try:
                with Admin(self.settings, self.topics) as admin:
                    admin.apply()
                    return admin.shape()
            except AdminError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1.0)

    def _compact(self) -> None:
        names = [self.topics.state(self.topics(name)) for name in CONSUMED]
        client = KafkaAdminClient(**kafka_python_options(self.settings))
        try:
            client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, COMPACTED) for name in names])
        finally:
            client.close()
