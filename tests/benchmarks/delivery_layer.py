"""The rivals' smaller job on our delivery layer, so that layers can be compared like for like.

In: posts as JSON on `<prefix>.posts`; the unit is the first handle that a text names. Out: a count per unit as a state,
and a record on `<prefix>.alerts` at every tenth. The one rule: the job is the rivals', written as they write it; the
stage under it, its transactions and Faust around it are those of the service.

    CEM_KAFKA=127.0.0.1:9092 CEM_PREFIX=small CEM_GROUP=small python -m tests.benchmarks.delivery_layer
"""

import asyncio
import os
import re
from collections.abc import Collection
from typing import Any

import orjson
from aiokafka import TopicPartition
from mode.utils.logging import level_number
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from agents import app
from agents.health import HealthServer
from agents.kafka.cluster import Cluster
from agents.kafka.stage import Stage
from agents.kafka.transaction import Item
from agents.settings import Settings, load
from pipeline.emission import Emission
from schemas.topics import Topics

ALERT_EVERY = 10
NEGATIVE_MAX = -0.05


class CountNegatives:
    """A `stage.Processor`. Counts, and those that have changed since they were last saved."""

    whole_batches = False

    def __init__(self, alerts: str) -> None:
        self._alerts = alerts
        self._counts: dict[str, int] = {}
        self._changed: set[str] = set()
        self._score = SentimentIntensityAnalyzer().polarity_scores
        self._mention = re.compile(r"(?<!\w)@(\w+)")

    def load(self, states: dict[bytes, bytes], data: bytes | None) -> None:
        """See `interfaces.Processor.load`."""
        self._counts = {unit.decode(): int(count) for unit, count in states.items()}

    async def prepare(self, records: list[Any]) -> None:
        """Nothing is needed."""

    def process(self, records: list[Any]) -> list[Emission]:
        """See `interfaces.Processor.process`."""
        out: list[Emission] = []
        for record in records:
            post = orjson.loads(record.value)
            if self._score(post["text"])["compound"] > NEGATIVE_MAX:
                continue
            found = self._mention.search(post["text"])
            if found is None:
                continue
            unit = found[1]
            count = self._counts[unit] = self._counts.get(unit, 0) + 1
            self._changed.add(unit)
            if count % ALERT_EVERY == 0:
                alert = {"unit": unit, "count": count, "post_id": post["id"]}
                out.append(Emission(self._alerts, unit.encode(), orjson.dumps(alert)))
        return out

    def refuse(self, record: Any, deaths: int) -> list[Emission]:
        """Input is well made here."""
        raise AssertionError(f"a record killed the process {deaths} times")

    def save(self) -> list[Item]:
        """See `interfaces.Processor.save`."""
        changed, self._changed = self._changed, set()
        return [(unit.encode(), b"%d" % self._counts[unit]) for unit in sorted(changed)]

    def save_position(self) -> bytes:
        """Nothing is kept beside the counts."""
        return b""


class SmallService:
    """One stage, where the service has three."""

    def __init__(self, settings: Settings, kafka: Cluster) -> None:
        topics = Topics(settings.prefix)
        alerts = topics("alerts")
        stage = Stage("small", settings, topics, (topics("posts"),), kafka, lambda _: CountNegatives(alerts))
        self.stages = (stage,)

    @property
    def ready(self) -> bool:
        """See `agents.service.Service`."""
        return self.stages[0].ready

    def take_over(self, generation: int, partitions: Collection[TopicPartition]) -> None:
        """See `agents.service.Service`."""
        self.stages[0].take_over(generation, partitions)

    async def give_up(self) -> None:
        """See `agents.service.Service`."""
        await self.stages[0].give_up()

    async def tick(self) -> None:
        """See `agents.service.Service`."""
        await self.stages[0].tick()


class SmallWorker(app.Worker):
    """A worker around the small service."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.service = SmallService(settings, Cluster(settings, self._thread))  # type: ignore[assignment]
        self.health = HealthServer(settings.http_host, settings.http_port, self._why_not_ready)
        self.app = app._new_app(settings)
        self._left = False
        self._connect()


def main() -> None:
    """Until SIGTERM."""
    settings = load(os.environ).settings
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = SmallWorker(settings)
    worker.app.Worker(loglevel=level_number(settings.log_level), loop=loop, console_port=0).execute_from_commandline()


if __name__ == "__main__":
    main()
