"""One of those who are compared, in one run of its own under names of its own.

In: a broker, a name for the run, a number of partitions. Out: input in place, a command that starts a worker, how many
posts are durable, whether all came out as it should. The one rule: whoever implements this says in its docstring what
it does, what makes its work durable, and what is looked at to know it.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

import orjson

from tests.benchmarks.broker import Broker
from tests.benchmarks.posts import Input
from tests.benchmarks.worker import BenchmarkError, Command

Look = Mapping[tuple[str, int], int]
"""How far a group was at one moment: committed offsets by topic and partition."""

DURABLE_SECONDS = 1.0
"""Everybody is told to make its work durable at least this often. The service shows what it has made, in transactions
with states and positions, ten times as often, and is left to it."""


class Contender(ABC):
    """`key` is its name in files, `title` in tables. `packages` are those whose versions matter."""

    key: ClassVar[str]
    title: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ()
    partitions: int = 1

    def __init__(self, broker: Broker, run_id: str) -> None:
        self.broker = broker
        self.run_id = run_id

    @classmethod
    def missing(cls) -> str | None:
        """The first package that it needs and that is not installed here."""
        for package in cls.packages:
            try:
                version(package)
            except PackageNotFoundError:
                return package
        return None

    @abstractmethod
    def prepare(self, given: Input, advance: Callable[[int], None]) -> None:
        """Topics, and the input in them."""

    @abstractmethod
    def commands(self) -> list[Command]:
        """What starts its workers; usually one."""

    def started(self, pids: list[int]) -> None:  # noqa: B027 - most need not know
        """Called with the processes of its workers."""

    def look(self) -> Look:
        """How far its workers are now."""
        return self.broker.committed_by_partition(self.run_id)

    @abstractmethod
    def durable(self, look: Look) -> int:
        """How many posts would not be read again if the workers died at that moment."""

    @abstractmethod
    def finished(self, look: Look) -> bool:
        """Whether all effects of all posts were durable at that moment."""

    @abstractmethod
    def check(self, given: Input) -> None:
        """Raises BenchmarkError unless all that should have come out did."""

    def input_topics(self) -> tuple[str, ...]:
        """Topics that hold nothing but the input."""
        return (f"{self.run_id}.posts",)

    def written_bytes(self) -> dict[str, int]:
        """What its workers have written to the broker's disk (or their own), by topic (or place), the input aside.
        Names are without that of the run; the topics of units are taken together."""
        sizes = self.broker.sizes(self.run_id)
        return by_topic({name: size for name, size in sizes.items() if name not in self.input_topics()}, self.run_id)


def by_topic(sizes: Mapping[str, int], run_id: str) -> dict[str, int]:
    """Sizes by names without that of the run; the topics of units are taken together."""
    found: Counter[str] = Counter()
    for name, size in sizes.items():
        short = name.replace(run_id, "").strip(".-")
        found["alerts.unit" if short.startswith("alerts.unit.") else short] += size
    return dict(found)


class Rival(Contender):
    """Counts negative posts per unit and writes a record for each tenth, as JSON with `unit` and `count`, to
    `<run>.alerts`; reads `<run>.posts` as consumer group `<run>`, and is done when all of it is committed."""

    def prepare(self, given: Input, advance: Callable[[int], None]) -> None:
        """See Contender."""
        self.posts, self.alerts = f"{self.run_id}.posts", f"{self.run_id}.alerts"
        self.broker.create({self.posts: self.partitions, self.alerts: self.partitions})
        self.broker.preload(self.posts, given.records, advance)
        self._target = len(given.records)

    def durable(self, look: Look) -> int:
        """See Contender."""
        return sum(offset for (topic, _), offset in look.items() if topic == self.posts)

    def finished(self, look: Look) -> bool:
        """See Contender."""
        return self.durable(look) >= self._target

    def check(self, given: Input) -> None:
        """See Contender."""
        found: list[tuple[str, int]] = []

        def take(record: Any) -> None:
            alert = orjson.loads(record.value)
            found.append((alert["unit"], alert["count"]))

        self.broker.read(self.alerts, take)
        if set(found) != given.alerts or len(found) != len(given.alerts):
            raise BenchmarkError(
                f"{self.title}: {len(found)} records came out, {len(given.alerts)} were to be expected, of which "
                f"{len(given.alerts & set(found))} are there"
            )
