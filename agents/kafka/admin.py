"""Administration with kafka-python: topics as `schemas/topics.py` describes them, created and checked.

In: the wanted topics. Out: what was created and what is not as it should be. The rule: `apply` deletes and narrows
nothing; a difference in partitions is reported, because it is a person's decision.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, NoError
from kafka.structs import OffsetAndMetadata

from agents.kafka.group import described
from agents.kafka.reach import UnreachableError, connect, sentence
from agents.settings import Settings
from pipeline.control import Shape
from schemas.topics import INPUTS, Topic, Topics

TOPICS_AT_ONCE = 500
TOPICS_NAMED = 5
DROP_SECONDS_MAX = 120.0
ALREADY_EXISTS = 36
"""Kafka's error code; another worker was faster."""


Done = Callable[[int, int], None]


def missing_topics(names: Sequence[str]) -> str:
    """That these topics are missing, in one sentence however many they are, and what to do."""
    if len(names) == 1:
        return f"topic {names[0]} is missing; run `cem topics apply`"
    told = ", ".join(names[:TOPICS_NAMED]) + (f" and {len(names) - TOPICS_NAMED} more" * (len(names) > TOPICS_NAMED))
    return f"topics {told} are missing; run `cem topics apply`"


class AdminError(RuntimeError):
    """Kafka cannot be reached, or refuses. The message says what to do."""


class Admin:
    """A context manager around kafka-python's client."""

    def __init__(self, settings: Settings, topics: Topics) -> None:
        self._settings = settings
        self._topics = topics
        self._client: Any = None

    def __enter__(self) -> "Admin":
        try:
            self._client = connect(self._settings, KafkaAdminClient, client_id="cem-admin")
        except UnreachableError as error:
            raise AdminError(str(error)) from None
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def existing(self) -> dict[str, int]:
        """Topics under our prefix, with their numbers of partitions. Raises AdminError."""
        try:
            names = [name for name in self._client.list_topics() if name.startswith(f"{self._topics.prefix}.")]
        except KafkaError as error:
            raise AdminError(sentence(self._settings, error)) from None
        return {topic["name"]: len(topic["partitions"]) for topic in self._described(names)}

    def ids(self, names: Iterable[str]) -> dict[str, str]:
        """Kafka's ids of these topics: one that was deleted and made anew has another. Raises AdminError."""
        return {topic["name"]: str(topic["topic_id"]) for topic in self._described(list(names))}

    def _described(self, names: list[str]) -> list[dict[str, Any]]:
        try:
            return list(self._client.describe_topics(names)) if names else []
        except KafkaError as error:
            raise AdminError(sentence(self._settings, error)) from None

    def apply(self, unit_ids: Iterable[str] = (), done: Done = lambda made, all_of: None) -> list[str]:
        """Creates what is missing: all topics, and those of these units; `done` is told how many of how many are there
        after each step. Gives the names of the new ones."""
        there = self.existing()
        wanted = {name: (spec, self.width(spec)) for name, spec in self._topics.specs.items()}
        unit_spec = self._topics.unit_alerts_spec()
        wanted |= {self._topics.unit_alerts(unit_id): (unit_spec, 1) for unit_id in unit_ids}
        missing = {name: how for name, how in wanted.items() if name not in there}
        self._create(missing, done)
        return sorted(missing)

    def _create(self, missing: dict[str, tuple[Topic, int]], done: Done) -> None:
        new = {
            name: {
                "num_partitions": width,
                "replication_factor": self._settings.replication_factor,
                "configs": spec.configs(),
            }
            for name, (spec, width) in missing.items()
        }
        names = list(new)
        for start in range(0, len(names), TOPICS_AT_ONCE):
            part = {name: new[name] for name in names[start : start + TOPICS_AT_ONCE]}
            try:
                result = self._client.create_topics(part, raise_errors=False)
                refused = [topic for topic in result["topics"] if topic["error_code"] not in (0, ALREADY_EXISTS)]
                if not refused:
                    self._client.wait_for_topics(list(part), timeout_ms=30_000)
            except KafkaError as error:
                raise AdminError(f"topics could not be created: {sentence(self._settings, error)}") from None
            if refused:
                first = refused[0]
                raise AdminError(f"topic {first['name']} could not be created: {first['error_message']}")
            done(min(start + TOPICS_AT_ONCE, len(names)), len(names))

    def members(self, group: str = "") -> int:
        """How many members a group has, that of the workers if none is named. Raises AdminError."""
        try:
            return len(described(self._client, group or self._settings.group).get("members") or ())
        except KafkaError as error:
            raise AdminError(sentence(self._settings, error)) from None

    def commit(self, offsets: Mapping[Any, int]) -> None:
        """Where the group is to go on, by partition; nobody may be at work in it. Raises AdminError."""
        wanted = {TopicPartition(*one): OffsetAndMetadata(offset, "", -1) for one, offset in offsets.items()}
        try:
            refused = self._client.alter_group_offsets(self._settings.group, wanted)
        except KafkaError as error:
            raise AdminError(sentence(self._settings, error)) from None
        for (topic, number, *_), why in refused.items():
            if why is not NoError:
                raise AdminError(
                    f"the group {self._settings.group!r} does not take offsets of {topic}/{number}: {why()}"
                )

    def delete_all(self) -> None:
        """Deletes all topics under the prefix: for a demo's own prefix only."""
        self._client.delete_topics(list(self.existing()))

    def drop(self, names: Collection[str]) -> None:
        """Deletes these topics, waits until they are gone, and forgets what workers and `cem notify` have read. Raises
        AdminError."""
        try:
            self._client.delete_topics(list(names))
            until = time.monotonic() + DROP_SECONDS_MAX
            while {*self.existing()} & {*names}:
                if time.monotonic() > until:
                    raise AdminError("Kafka has not deleted all of them yet; look again in a while")
                time.sleep(0.2)
            groups = (self._settings.group, self._topics.notify_group)
            known = [one for one in groups if described(self._client, one).get("group_state") not in (None, "Dead")]
            if known:
                self._client.delete_groups(known)
        except KafkaError as error:
            raise AdminError(sentence(self._settings, error)) from None

    def width(self, spec: Topic) -> int:
        """How many partitions a topic is created with."""
        return {
            "input": self._settings.input_partitions,
            "events": self._settings.events_partitions,
            "one": 1,
        }[spec.width]

    def problems(self, *, each: bool = False) -> list[str]:
        """What a worker could not live with, one sentence each. `each`: one for each missing topic, too."""
        there = self.existing()
        missing = sorted(name for name in self._topics.specs if name not in there)
        together = [[name] for name in missing] if each else [missing] if missing else []
        wrong = [missing_topics(names) for names in together]
        for name in self._topics.specs:
            state = self._topics.state(name)
            if name in there and state in there and there[name] != there[state]:
                wrong.append(
                    f"topic {state} has {there[state]} partitions but {name} has {there[name]}; they must agree"
                )
        units, erasures = self._topics("units"), self._topics("erasures")
        wrong += [f"topic {name} must have one partition" for name in (units, erasures) if there.get(name, 1) != 1]
        return wrong

    def shape(self) -> Shape:
        """The numbers of partitions as they are."""
        there = self.existing()
        return Shape(
            inputs={self._topics(name): there[self._topics(name)] for name in INPUTS},
            events=there[self._topics("events")],
        )
