"""The rivals: how each is set up and started, and what shows that its work is durable.

What each does is in a file of its own, written as its users would write it: `naive_faust.py`, `quix.py`,
`bytewax_flow.py`, `confluent_loop.py`.
"""

import pickle
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.contender import DURABLE_SECONDS, Look, Rival
from tests.benchmarks.posts import Input
from tests.benchmarks.worker import Command


class NaiveFaust(Rival):
    """Faust, as its tutorial shows it: durable are its table's changelog and the committed offset. (Faust does not
    wait for the first before it commits the second; that is its users' risk and not measured here.)"""

    key = "naive_faust"
    title = "naive Faust"
    packages = ("faust-streaming",)

    def prepare(self, given: Input, advance: Callable[[int], None]) -> None:
        """The changelog too, as Faust itself would make it: it comes up faster that way."""
        changelog = f"{self.run_id}-negatives-changelog"
        self.broker.create({changelog: self.partitions}, {"cleanup.policy": "compact"})
        super().prepare(given, advance)

    def commands(self) -> list[Command]:
        """See Contender."""
        arguments = ["-m", "tests.benchmarks.naive_faust", "worker", "--without-web", "-l", "warn"]
        return [
            Command(
                arguments,
                {
                    "NAIVE_KAFKA": self.broker.bootstrap,
                    "NAIVE_APP": self.run_id,
                    "NAIVE_PARTITIONS": str(self.partitions),
                    "NAIVE_COMMIT_SECONDS": str(DURABLE_SECONDS),
                },
            )
        ]


class Quix(Rival):
    """Quix Streams: durable are a changelog topic behind its RocksDB store, and the offset that it commits at each
    checkpoint, after the changelog is flushed."""

    key = "quix"
    title = "Quix Streams"
    packages = ("quixstreams", "confluent-kafka")

    def commands(self) -> list[Command]:
        """See Contender."""
        environment = {
            "QUIX_KAFKA": self.broker.bootstrap,
            "QUIX_GROUP": self.run_id,
            "QUIX_COMMIT_SECONDS": str(DURABLE_SECONDS),
        }
        return [Command(["-m", "tests.benchmarks.quix"], environment)]


class Bytewax(Rival):
    """Bytewax: durable is its recovery store, SQLite on the local disk. It commits nothing to Kafka; its position is
    in the store: that of the last snapshot before the epoch from which it would resume."""

    key = "bytewax"
    title = "Bytewax"
    packages = ("bytewax", "confluent-kafka")

    def prepare(self, given: Input, advance: Callable[[int], None]) -> None:
        """See Contender."""
        super().prepare(given, advance)
        self._folder = tempfile.TemporaryDirectory(prefix="cem-bench-bytewax-")
        from bytewax.recovery import init_db_dir  # only where this rival is measured

        init_db_dir(Path(self._folder.name), 1)

    def commands(self) -> list[Command]:
        """See Contender."""
        arguments = ["-m", "bytewax.run", "tests.benchmarks.bytewax_flow:flow", "-r", self._folder.name]
        arguments += ["-s", str(round(DURABLE_SECONDS)), "-b", "0"]
        return [Command(arguments, {"BYTEWAX_KAFKA": self.broker.bootstrap, "BYTEWAX_NAME": self.run_id})]

    def look(self) -> Look:
        """The source's position as of the snapshot that it would resume from. Keys are `0-topic`."""
        (part,) = Path(self._folder.name).glob("part-*.sqlite3")
        store = sqlite3.connect(f"file:{part}?mode=ro", uri=True, timeout=10)
        try:
            rows = store.execute(
                "SELECT state_key, ser_change, MAX(snap_epoch) FROM snaps WHERE step_id LIKE '%kafka_input' "
                "AND snap_epoch < (SELECT worker_frontier FROM fronts) GROUP BY state_key"
            ).fetchall()
        finally:
            store.close()
        found = {}
        for name, position, _ in rows:
            number, _, topic = name.partition("-")
            found[topic, int(number)] = max(0, pickle.loads(position))
        return found

    def written_bytes(self) -> dict[str, int]:
        """The store beside the topic."""
        sizes = {path.name: path.stat().st_size for path in Path(self._folder.name).iterdir()}
        return {**super().written_bytes(), "recovery store": sum(sizes.values())}


class ConfluentLoop(Rival):
    """A loop over confluent-kafka: durable are its counts in a compacted topic, and the offset that it commits after
    they are acknowledged."""

    key = "confluent"
    title = "confluent-kafka loop"
    packages = ("confluent-kafka",)

    def prepare(self, given: Input, advance: Callable[[int], None]) -> None:
        """See Contender."""
        self.broker.create({f"{self.run_id}.counts": 1}, {"cleanup.policy": "compact"})
        super().prepare(given, advance)

    def commands(self) -> list[Command]:
        """See Contender."""
        environment = {
            "LOOP_KAFKA": self.broker.bootstrap,
            "LOOP_NAME": self.run_id,
            "LOOP_COMMIT_SECONDS": str(DURABLE_SECONDS),
        }
        return [Command(["-m", "tests.benchmarks.confluent_loop"], environment)]
