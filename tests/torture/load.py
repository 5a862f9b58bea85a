"""The load: posts and feedback of a scenario, lap after lap, malformed records among them, sent until told to stop.

In: a scenario, a seed, a rate. Out: what was sent, and whether it was acknowledged. The rule: one idempotent producer
sends everything in order, so that ticks of the data clock stand behind what came before them.
"""

import threading
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
from kafka import KafkaProducer

from agents.kafka.client import kafka_python_options
from agents.settings import Settings
from pipeline.control import Shape
from pipeline.emission import Emission
from pipeline.evaluation.scenario import Scenario
from pipeline.sources.timeline import Record, input_of, ticked
from schemas.post import Post
from schemas.time import Millis
from schemas.topics import Topics
from tests.checked_run import Sent
from tests.torture.malformed import malformed

DELIVERY_MS_MAX = 300_000
"""A broker may be gone for a minute, and come back slowly."""
FLUSH_SECONDS_MAX = 300.0


class Load(threading.Thread):
    """A thread. `rate` records a second, `bad` of them (0 to 1) malformed; `stop()` ends and flushes it."""

    def __init__(
        self,
        settings: Settings,
        shape: Shape,
        scenario: Scenario,
        seed: int,
        *,
        rate: float,
        bad: float,
        text: str = "",
    ) -> None:
        super().__init__(daemon=True)
        self.malformed = 0
        self.latest_ms = 0
        self.laps = 0
        self._settings = settings
        self._topics = Topics(settings.prefix)
        self._shape = shape
        self._scenario = scenario
        self._random = Random(seed)
        self._rate = rate
        self._bad = bad
        self._text = text
        self._producer: Any = None
        self._sent: list[tuple[Emission, Any]] = []
        self._stopping = threading.Event()
        self._failed: BaseException | None = None

    def run(self) -> None:
        """Sends at the rate, as well as it can."""
        try:
            self._producer = KafkaProducer(
                **kafka_python_options(self._settings),
                enable_idempotence=True,
                acks="all",
                linger_ms=20,
                batch_size=512 * 1024,
                delivery_timeout_ms=DELIVERY_MS_MAX,
                max_block_ms=DELIVERY_MS_MAX,
                max_request_size=8 * 1024 * 1024,
            )
            self._send_all()
        except BaseException as error:  # shown by `check`
            self._failed = error

    def send(self, emission: Emission) -> None:
        """One record more, from any thread."""
        future = self._producer.send(
            emission.topic,
            key=emission.key,
            value=emission.value,
            partition=emission.partition,
            headers=list(emission.headers),
        )
        if not emission.headers:  # ticks are not what the customer sends
            self._sent.append((emission, future))

    @property
    def count(self) -> int:
        """Records sent so far."""
        return len(self._sent)

    def check(self) -> None:
        """Raises what went wrong."""
        if self._failed is not None:
            raise RuntimeError("the load failed") from self._failed

    def stop(self) -> list[Sent]:
        """Ends the load when everything is acknowledged or given up. Gives what was sent. Raises what went wrong."""
        self._stopping.set()
        self.join(FLUSH_SECONDS_MAX)
        self.check()
        self._producer.flush(timeout=FLUSH_SECONDS_MAX)
        sent = [
            Sent(emission.topic, emission.key, emission.value, bool(future.succeeded()))
            for emission, future in self._sent
        ]
        self._producer.close(timeout=10)
        return sent

    def _send_all(self) -> None:
        began, number = time.monotonic(), 0
        for emission in self._emissions():
            if self._stopping.is_set():
                return
            self.send(emission)
            number += not emission.headers
            ahead = began + number / self._rate - time.monotonic()
            if ahead > 0.02:
                self._stopping.wait(ahead)

    def _emissions(self) -> Iterator[Emission]:
        while True:
            records = [self._in_lap(record, self.laps) for record in self._scenario.records]
            if self._settings.clock == "data":
                emissions = ticked(records, self._topics, self._shape, self._settings.tick_ms)
            else:
                emissions = (input_of(_now(record), self._topics) for record in records)
            self.latest_ms = int(records[0].event_time)
            posts = [record for record in records if isinstance(record, Post)]
            for emission in emissions:
                if not emission.headers and self._random.random() < self._bad:
                    self.malformed += 1
                    name, key, value = malformed(self._random, self._random.choice(posts))
                    yield Emission(self._topics(name), key, value)
                yield emission
            self.laps += 1

    def _in_lap(self, record: Record, lap: int) -> Record:
        """The same again, later, under other ids."""
        later = Millis(record.event_time + lap * (self._scenario.ends - self._scenario.starts))
        if not isinstance(record, Post):
            return msgspec.structs.replace(record, id=_id(record.id, lap), event_time=later)
        return msgspec.structs.replace(
            record,
            id=_id(record.id, lap),
            in_reply_to=record.in_reply_to and _id(record.in_reply_to, lap),
            root_id=record.root_id and _id(record.root_id, lap),
            text=record.text + self._text,
            event_time=later,
        )


def _id(given: str, lap: int) -> str:
    return f"{given}.{lap}" if lap else given


def _now(record: Record) -> Record:
    return msgspec.structs.replace(record, event_time=Millis(time.time() * 1000))
