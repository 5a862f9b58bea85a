"""A log of units with nothing before it: insights and ticks straight into `cem.events`, as the enrich agent writes.

In: numbers of units and insights. Out: records. The one rule: each unit hears as much in an hour, however many there
are, and time passes. Each unit of a directory has an alert topic of its own, and a hundred thousand topics would
measure the broker; so there is no directory here, and whoever works through this log must be told not to raise alerts
(`NO_ALERTS`). Nothing else differs from the service as it runs.
"""

import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from schemas.codec import encode
from schemas.insight import Insight, Reach, Routing, Sentiment
from schemas.record import Source
from schemas.tick import Tick
from schemas.time import HOUR_MS, MINUTE_MS, Millis
from tests.benchmarks.broker import Broker
from tests.benchmarks.cem import Service, is_behind
from tests.benchmarks.contender import Contender, Look
from tests.benchmarks.posts import AUTHORS, MOODS, Input, Record
from tests.benchmarks.worker import BenchmarkError, Command

NO_ALERTS = {"false_alerts_per_month": 1e-300, "clock": "data"}
MENTIONS_AN_HOUR = 2
TICK_MS = 10 * MINUTE_MS
KEPT_WHOLE = {"cleanup.policy": "compact", "min.compaction.lag.ms": str(7 * 24 * HOUR_MS)}
"""For a state topic of which it matters how much was written, not how much compaction has left."""
_COMPOUNDS = {"negative": -0.5, "neutral": 0.0, "positive": 0.5}


class UnitsLog(Contender):
    """The units' stage of the service alone, over a log of insights. Done when the offset behind the last of them is
    committed. `number` insights about `units` units."""

    key = "units"
    title = "units' log"

    def __init__(self, broker: Broker, run_id: str, *, units: int, number: int, http_port: int) -> None:
        super().__init__(broker, run_id)
        self.units = units
        self._number = number
        self._http_port = http_port
        self.service = Service(broker, run_id, partitions=1, **NO_ALERTS)
        self.events = self.service.topics("events")
        self.state = self.service.topics.state(self.events)

    def prepare(self, given: Input | None, advance: Callable[[int], None]) -> None:
        """The input is made here; what is given is nothing."""
        self.broker.create({self.state: 1}, KEPT_WHOLE)
        self.service.prepare()
        self._last = self.broker.preload(self.events, records(self.service, self.units, self._number), advance)

    def commands(self) -> list[Command]:
        """See Contender."""
        return [self.service.command(http_port=self._http_port)]

    def durable(self, look: Look) -> int:
        """Ticks are counted with the insights: there are few."""
        return look.get((self.events, 0), 0)

    def finished(self, look: Look) -> bool:
        """See Contender."""
        return is_behind(look, self.events, self._last)

    def check(self, given: Input | None) -> None:
        """No unit's state is missing."""
        keys: set[bytes] = set()
        self.broker.read(self.state, lambda record: keys.add(record.key))
        found = sum(not key.startswith(b"\0") for key in keys)
        if found != self.units:
            raise BenchmarkError(f"{self.title}: {found} of {self.units} units have a state")

    def input_topics(self) -> tuple[str, ...]:
        """See Contender."""
        return (self.events,)


def records(service: Service, units: int, number: int) -> Iterator[Record]:
    """`number` insights about `units` units, and ticks between them. Each unit is named about as often as the others,
    in no order."""
    random = Random(units)
    posts = service.topics("posts")
    span_ms = number * HOUR_MS // (units * MENTIONS_AN_HOUR)
    begins = next_tick = int(time.time() * 1000) // HOUR_MS * HOUR_MS - span_ms
    turn: list[int] = []
    for place in range(number):
        if not turn:
            turn = random.sample(range(units), units)
        at = begins + place * span_ms // number
        while next_tick <= at:
            yield Record(None, encode(_tick(posts, next_tick, place)))
            next_tick += TICK_MS
        insight = _insight(random, posts, turn.pop(), at, place)
        yield Record(insight.unit_id.encode(), encode(insight))


def _tick(topic: str, at: int, offset: int) -> Tick:
    return Tick(event_time=Millis(at), source=f"{topic}/0", offset=offset, inputs={topic: 1})


def _insight(random: Random, topic: str, unit: int, at: int, place: int) -> Insight:
    label: Any = random.choices(*MOODS)[0]
    identity = f"x:{place:09d}{random.getrandbits(32):08x}"
    return Insight(
        id=identity,
        kind="post",
        unit_id=f"unit-{unit:06d}",
        channel="x",
        author=f"hmac:{random.randrange(AUTHORS):032x}",
        event_time=Millis(at),
        sentiment=Sentiment(compound=_COMPOUNDS[label], label=label, confidence=0.8, model="vader"),
        reach=Reach(followers=random.randrange(3000)),
        thread=identity,
        text_ref=identity,
        routing=Routing(rule="handle", confidence=0.95),
        source=Source(topic=topic, partition=0, offset=place, index=1),
    )
