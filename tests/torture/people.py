"""People who act on alerts while everything breaks: they do all that can be done, also what is refused, send cases to
other units, and ask for erasures.

In: `cem.alerts`, read as a consumer does. Out: actions and erasures, sent through the load. What becomes of them is
decided by the straight run.
"""

import threading
from random import Random
from typing import get_args

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from agents.kafka.client import kafka_python_options
from agents.settings import Settings
from pipeline.emission import Emission
from schemas.action import Action, ActionName
from schemas.alert import Alert
from schemas.codec import encode
from schemas.erasure import Erasure
from schemas.time import HOUR_MS, Millis
from schemas.topics import Topics
from tests.straight import alerts
from tests.torture.load import Load

NETWORK = "x"
DEEDS: tuple[ActionName, ...] = get_args(ActionName)


class People(threading.Thread):
    """A thread. `stop()` ends it."""

    def __init__(self, settings: Settings, load: Load, seed: int) -> None:
        super().__init__(daemon=True)
        self._settings = settings
        self._topics = Topics(settings.prefix)
        self._load = load
        self._random = Random(seed)
        self._stopping = threading.Event()
        self._number = 0
        self._units: list[str] = []

    def run(self) -> None:
        """Reads alerts and acts on some."""
        while not self._stopping.is_set():
            try:
                self._follow()
            except (KafkaError, OSError, ValueError):  # the broker is away
                self._stopping.wait(1.0)

    def stop(self) -> None:
        """Ends within a few seconds."""
        self._stopping.set()
        self.join(60)

    def _follow(self) -> None:
        consumer = KafkaConsumer(
            self._topics("alerts"),
            **kafka_python_options(self._settings),
            enable_auto_commit=False,
            auto_offset_reset="latest",
            isolation_level="read_committed",
        )
        try:
            while not self._stopping.is_set():
                for records in consumer.poll(timeout_ms=300).values():
                    for record in records:
                        self._see(alerts.decode(record.value))
        finally:
            consumer.close()

    def _see(self, alert: Alert) -> None:
        chance = self._random.random()
        if chance < 0.5:
            for _ in range(self._random.choice((1, 1, 2))):
                self._act(alert, self._random.choice(DEEDS))
        elif chance < 0.55:
            posts = tuple(one.post_id.partition(":")[2] for one in alert.evidence if one.network == NETWORK)
            self._number += 1
            erasure = Erasure(
                id=f"erasure-{self._number}",
                network=NETWORK,
                post_ids=posts[:2] or ("none",),
                actor="customer",
                event_time=alert.detected_at,
            )
            self._load.send(Emission(self._topics("erasures"), erasure.id.encode(), encode(erasure)))

    def _act(self, alert: Alert, action: ActionName) -> None:
        self._number += 1
        moves = self._units and self._random.random() < 0.5
        wanted = Action(
            id=f"action-{self._number}",
            alert_id=alert.alert_id,
            unit_id=alert.labels.unit_id,
            action=action,
            actor="manager",
            note=self._random.choice(("seen", "")),
            we_did="a second till",
            assignee="bo",
            dismissal_code="duplicate",
            to_unit=self._random.choice(self._units) if moves else None,
            to_department="kitchen",
            until=Millis(alert.detected_at + HOUR_MS),
            event_time=alert.detected_at,
        )
        self._units = [*self._units, alert.labels.unit_id][-20:]
        emission = Emission(self._topics("actions"), alert.labels.unit_id.encode(), encode(wanted))
        for _ in range(2 if self._random.random() < 0.3 else 1):
            self._load.send(emission)
