"""A small world for the tests of the history: units, insights, alerts and cases as they stand on the topics.

In: a seed is not needed, all follows from numbers. Out: emissions in order. Two regions, three stores, two weeks.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from pipeline.emission import Emission
from schemas.alert import (
    Alert,
    AlertRouting,
    AlertSentiment,
    Amplification,
    Annotations,
    Answers,
    Deadlines,
    Detection,
    Evidence,
    Labels,
)
from schemas.case import CaseEntry
from schemas.codec import encode
from schemas.event import UnitErasure
from schemas.insight import Aspect, Insight, Reach, Routing, Scores, Sentiment, SevereCause
from schemas.record import Source
from schemas.tick import Tick
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, Millis, parse_time
from schemas.topics import Topics
from schemas.unit import Unit

START_MS = int(parse_time("2026-01-20T00:00:00Z"))
END_MS = START_MS + 36 * DAY_MS
STORES = ("store-1", "store-2", "store-3")
VERSIONS = (("m/1", "retail/3ac41f"), ("m/2", "retail/8e1b02"))
"""Model and taxonomy, before the insight of this number and from there on."""
CHANGED_FROM = 550
SOURCE = Source(topic="cem.posts", partition=0, offset=0)

UNITS = (
    Unit(id="acme", name="Acme", kind="brand", time_zone="UTC", confidential=("discrimination",)),
    Unit(id="west", name="West", kind="region", parent="acme", time_zone="UTC"),
    Unit(id="east", name="East", kind="region", parent="acme", time_zone="UTC"),
    Unit(id="store-1", name="Elm Street", kind="store", parent="west", time_zone="Europe/Berlin"),
    Unit(id="store-2", name="=Quarry Road", kind="store", parent="west", time_zone="Europe/Berlin"),
    Unit(id="store-3", name="Hill", kind="store", parent="east", time_zone="Mars/Olympus"),
)


def insight(number: int, unit_id: str = "store-1", at_ms: int | None = None, **more: Any) -> Insight:
    """One of a row of insights, an hour apart."""
    label, versions = ("negative", "neutral", "positive")[number % 3], VERSIONS[number >= CHANGED_FROM]
    fields: dict[str, Any] = {
        "id": f"x:{number}", "kind": "post", "unit_id": unit_id, "channel": ("x", "google", "web")[number % 3],
        "author": f"hmac:{number % 7}", "event_time": Millis(START_MS + number * HOUR_MS if at_ms is None else at_ms),
        "sentiment": Sentiment(compound=(-0.6, 0.0, 0.7)[number % 3], label=label, confidence=0.8, model=versions[0]),
        "language": "en", "journey_stage": ("service", "use", None)[number % 3], "text_ref": f"x:{number}",
        "aspects": (Aspect(aspect="wait_time", department="operations", polarity=-0.5),) if number % 2 else (),
        "taxonomy": versions[1] if number % 2 else None,
        "emotion": "anger" if label == "negative" else "none", "reach": Reach(followers=10), "thread": f"x:{number}",
        "scores": Scores(nps=number % 11), "fingerprint": "f", "customer_ref": "C-1",
        "routing": Routing(rule="handle", confidence=0.9), "source": SOURCE,
    }  # fmt: skip
    return Insight(**{**fields, **more})


def alert(number: int, sequence: int = 1, unit_id: str = "store-1", **more: Any) -> Alert:
    """A record of an alert that opens at noon of a day."""
    opened = START_MS + number * DAY_MS + 12 * HOUR_MS
    fields: dict[str, Any] = {
        "change": "opened", "status": "firing", "state": "open", "alert_id": f"{unit_id}-{number}",
        "sequence": sequence, "dedup_key": "k", "severity": 7, "severity_label": "error",
        "starts_at": Millis(opened), "detected_at": Millis(opened + (sequence - 1) * 10 * MINUTE_MS),
        "labels": Labels(alertname="NegativeSurge", unit_id=unit_id, department="operations", aspect="wait_time"),
        "annotations": Annotations(summary="5 complaints in an hour"),
        "detection": Detection(method="m", window_s=3600, observed=5, distinct_authors=5, baseline="unit"),
        "amplification": Amplification(reposts=4, reach=900),
        "sentiment": AlertSentiment(mean=-0.6, confidence=0.8, model="m/1"),
        "routing": AlertRouting(rule="handle", confidence=0.9),
        "deadlines": Deadlines(acknowledge_by=Millis(opened + HOUR_MS), answer_by=Millis(opened + 2 * HOUR_MS)),
        "evidence": (Evidence(post_id=f"x:{number}", network="x", author="hmac:1", text_ref=f"x:{number}"),),
    }  # fmt: skip
    return Alert(**{**fields, **more})


def entry(number: int, **more: Any) -> CaseEntry:
    """An entry of the case of the first alert of the first store."""
    fields: dict[str, Any] = {
        "alert_id": "store-1-0", "unit_id": "store-1", "number": number, "sequence": number, "change": "acknowledged",
        "actor": "maria", "event_time": Millis(START_MS + 12 * HOUR_MS + number * MINUTE_MS), "state": "acknowledged",
    }  # fmt: skip
    return CaseEntry(**{**fields, **more})


class World:
    """Emissions for the topics of one prefix. A unit's records go into one partition, as by their key."""

    def __init__(self, topics: Topics, partitions: int = 2) -> None:
        self._topics = topics
        self._partitions = partitions

    def _place(self, unit_id: str) -> int:
        return sum(unit_id.encode()) % self._partitions

    def event(self, event: Insight) -> Emission:
        """Into the log of the insight's unit."""
        return Emission(self._topics("events"), event.unit_id.encode(), encode(event), self._place(event.unit_id))

    def tick(self, at_ms: int) -> list[Emission]:
        """Into every partition of the log."""
        value = encode(Tick(event_time=Millis(at_ms), source="cem.posts/0", inputs={"cem.posts": 1}))
        return [Emission(self._topics("events"), None, value, number) for number in range(self._partitions)]

    def erasure(self, *insight_ids: str) -> list[Emission]:
        """Into every partition of the log."""
        event = UnitErasure(id="e-1", insight_ids=insight_ids, event_time=Millis(END_MS), source=SOURCE)
        return [Emission(self._topics("events"), None, encode(event), n) for n in range(self._partitions)]

    def alert(self, record: Alert) -> Emission:
        """Onto the topic of all alerts."""
        unit_id = record.labels.unit_id
        return Emission(self._topics("alerts"), unit_id.encode(), encode(record), self._place(unit_id))

    def entry(self, record: CaseEntry) -> Emission:
        """Onto the topic of cases."""
        return Emission(self._topics("cases"), record.unit_id.encode(), encode(record), self._place(record.unit_id))

    def units(self, units: tuple[Unit, ...] = UNITS) -> list[Emission]:
        """The directory."""
        return [Emission(self._topics("units"), unit.id.encode(), encode(unit), 0) for unit in units]

    def insights(self, count: int) -> Iterator[Emission]:
        """Of all stores in turn, an hour apart over the whole time."""
        step = (END_MS - START_MS) // count
        for number in range(count):
            one = insight(number, STORES[number // 3 % 3], START_MS + number * step)
            yield self.event(one)

    def story(self) -> Iterator[Emission]:
        """Something for every view."""
        yield from self.units()
        yield from self.tick(START_MS)
        yield from self.insights(600)
        answers = [
            insight(n, id=f"x:answer-{n}", kind="answer", sentiment=None, first_answer_ms=n * MINUTE_MS, aspects=())
            for n in range(12)
        ]
        yield from map(self.event, answers)
        severe = SevereCause(cause="discrimination", words="w", department="management", severity=9)
        yield self.event(insight(100, id="x:severe", severe=(severe,)))
        for day in range(20):
            first = alert(day)
            yield self.alert(first)
            yield self.alert(_then(first, 2, "acknowledged", "acknowledged"))
            if day % 2:
                answered = Answers(threads=1, answered=1, first_at=Millis(first.starts_at + 30 * MINUTE_MS))
                yield self.alert(_then(first, 3, "answered", "answered", answers=answered))
                yield self.alert(_then(first, 4, "resolved", "resolved"))
            else:
                missed = msgspec.structs.replace(first.deadlines, missed=("answer",))
                yield self.alert(_then(first, 3, "escalated", "acknowledged", deadlines=missed))
        yield self.alert(alert(30, unit_id="store-2", addressed_to="acme"))
        yield self.entry(entry(1))
        yield self.entry(entry(2, alert_id="store-2-30", unit_id="store-2", addressed_to="acme"))
        yield from self.tick(END_MS)


def _then(first: Alert, sequence: int, change: Any, state: Any, **more: Any) -> Alert:
    at = Millis(first.detected_at + (sequence - 1) * 10 * MINUTE_MS)
    return msgspec.structs.replace(first, sequence=sequence, change=change, state=state, detected_at=at, **more)
