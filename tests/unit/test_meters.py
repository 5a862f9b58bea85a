"""What is live: counted by channel, department, region and unit, within a bound, and gone with what it was about."""

from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from agents.meters import OTHER, Bounded, Meter, Meters
from agents.processors import _departments
from agents.settings import Settings
from agents.units import UnitsLogProcessor
from pipeline import metrics
from pipeline.engine import Engine
from pipeline.log import Log
from pipeline.state import Case, Profile, UnitState, encode_state
from pipeline.taxonomy import load as load_taxonomy
from pipeline.taxonomy_file import shipped
from schemas.alert import Alert, Deadlines, Evidence
from schemas.codec import encode
from schemas.event import UnitSettings
from schemas.insight import Aspect, Insight, Routing, Sentiment
from schemas.record import Source
from schemas.time import Millis, parse_time
from schemas.topics import Topics
from schemas.unit import Unit

NOON = parse_time("2026-03-02T12:00:00Z")
SOURCE = Source(topic="cem.posts", partition=0, offset=0)


@pytest.fixture(autouse=True)
def _nothing_before() -> Iterator[None]:
    for name, metric in vars(metrics).items():
        if name.endswith(("INSIGHTS", "OPEN_ALERTS", "DEADLINES")) or name == "LAG_SECONDS":
            metric.clear()
    yield


def shown(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def said(unit_id: str, label: Any = "negative", **fields: Any) -> Insight:
    """What a customer said about a unit."""
    given: dict[str, Any] = {
        "id": "x:1", "kind": "post", "unit_id": unit_id, "channel": "x", "event_time": Millis(NOON),
        "sentiment": Sentiment(compound=0.0, label=label, confidence=0.5, model="m"),
        "routing": Routing(rule="handle", confidence=1.0), "source": SOURCE, **fields,
    }  # fmt: skip
    return Insight(**given)


def alert(unit_id: str = "store-1", state: Any = "open", change: Any = "opened", **fields: Any) -> Alert:
    """A record of one alert of a unit, as the engine writes it."""
    base: dict[str, Any] = {
        "change": change, "status": "firing", "state": state, "alert_id": f"{unit_id}-1", "sequence": 1,
        "dedup_key": "k", "severity": 7, "severity_label": "error", "startsAt": "2026-03-02T12:00:00Z",
        "detectedAt": "2026-03-02T12:00:00Z",
        "labels": {"alertname": "NegativeSurge", "unit_id": unit_id, "department": "kitchen"},
        "annotations": {"summary": "s"},
        "detection": {"method": "m", "window_s": 1, "observed": 1, "distinct_authors": 1, "baseline": "unit"},
        "sentiment": {"mean": -0.5, "confidence": 0.5, "model": "m"}, "routing": {"rule": "handle", "confidence": 1},
        "schema_version": "1.0",
    }  # fmt: skip
    made = msgspec.convert(base, Alert, strict=False, dec_hook=lambda _, value: Millis(NOON))
    return msgspec.structs.replace(made, **fields)


def new(units_max: int = 500, *units: UnitState) -> tuple[Meters, Meter, Log]:
    """The meters of a worker with one partition of the log, in which there are these units."""
    meters = Meters(units_max=units_max, departments={"kitchen", "service"}, wall=False)
    log = Log(Engine())
    log.units.update({unit.unit_id: unit for unit in units})
    return meters, meters.meter(log), log


def test_what_is_said_is_counted_four_ways() -> None:
    """By channel, department of the main aspect, region and unit, each with the sentiment; edits say nothing new."""
    meters, meter, _ = new(500, UnitState(unit_id="store-1", profile=Profile(region="west")))
    kitchen = (Aspect(aspect="taste", department="kitchen", polarity=-0.5),)
    meter.insight(said("store-1", aspects=kitchen))
    meter.insight(said("store-1", "positive", channel="google"))
    meter.insight(said("store-1", kind="edit"))
    meter.insight(said("store-1", sentiment=None))
    meters.publish()
    assert 1 == shown("cem_insights_total", channel="x", sentiment="negative")
    assert 1 == shown("cem_insights_total", channel="google", sentiment="positive")
    assert 1 == shown("cem_department_insights_total", department="kitchen", sentiment="negative")
    assert 1 == shown("cem_department_insights_total", department="none", sentiment="positive")
    assert 1 == shown("cem_region_insights_total", region="west", sentiment="negative")
    assert 1 == shown("cem_unit_insights_total", unit_id="store-1", sentiment="positive")


def test_what_is_not_scored_is_no_mood() -> None:
    """Where the scorer abstained the label means nothing, and is not shown."""
    meters, meter, _ = new()
    meter.insight(said("u", sentiment=Sentiment(compound=0, label="neutral", confidence=0, abstained=True, model="m")))
    meters.publish()
    assert 1 == shown("cem_insights_total", channel="x", sentiment="abstained")
    assert shown("cem_insights_total", channel="x", sentiment="neutral") is None


def test_units_beyond_the_bound_are_counted_together() -> None:
    """So many units have series of their own; nothing is lost of the others."""
    meters, meter, _ = new(2)
    for number in range(5):
        meter.insight(said(f"store-{number}"))
    meters.publish()
    assert 1 == shown("cem_unit_insights_total", unit_id="store-1", sentiment="negative")
    assert shown("cem_unit_insights_total", unit_id="store-2", sentiment="negative") is None
    assert 3 == shown("cem_unit_insights_total", unit_id=OTHER, sentiment="negative")


def test_a_department_that_no_taxonomy_names_is_no_label() -> None:
    """A name that a person gave could be any text, and any number of them."""
    meters, meter, log = new()
    written = msgspec.structs.replace(alert().labels, department="<Maria's people>")
    log.units["store-1"] = UnitState(unit_id="store-1", cases={"store-1-1": None})  # type: ignore[dict-item]
    meter.outputs([alert(labels=written)], said("store-1"), NOON)
    meters.publish()
    assert 1 == shown("cem_department_open_alerts", department=OTHER)


def test_all_departments_of_taxonomies_are_labels() -> None:
    """Each department that a taxonomy in force names, also those that it has from the one it extends."""
    expected = {name for industry in shipped() for name in load_taxonomy(industry).departments}
    assert expected == _departments(Settings())


def test_a_removed_unit_takes_its_series_along_and_makes_room() -> None:
    """Its counts go, another unit has its place, and what still comes about it is counted among the others."""
    meters, meter, log = new(1, UnitState(unit_id="store-1"))
    meter.insight(said("store-1"))
    meters.publish()
    log.units["store-1"].profile = Profile(removed=True)
    meter.removed.add("store-1")
    meter.insight(said("store-1"))
    meter.insight(said("store-2"))
    meters.publish()
    assert shown("cem_unit_insights_total", unit_id="store-1", sentiment="negative") is None
    assert 1 == shown("cem_unit_insights_total", unit_id="store-2", sentiment="negative")
    assert 1 == shown("cem_unit_insights_total", unit_id=OTHER, sentiment="negative")


def test_open_alerts_are_those_that_nobody_has_finished() -> None:
    """Open at the first record, still when acknowledged, not when resolved; and what was read back is open, too."""
    meters, meter, _ = new(500, UnitState(unit_id="store-1", profile=Profile(region="west"), cases={"store-1-1": None}))  # type: ignore[dict-item]
    evidence = tuple(Evidence(post_id=str(n), network=net, author=None, text_ref=None) for n, net in enumerate("xyy"))
    meter.outputs([alert(evidence=evidence)], said("store-1"), NOON)
    meter.outputs([alert(state="acknowledged", change="acknowledged", evidence=evidence)], said("store-1"), NOON)
    meters.publish()
    assert 1 == shown("cem_open_alerts", alertname="NegativeSurge", severity="error")
    assert 1 == shown("cem_region_open_alerts", region="west")
    assert 1 == shown("cem_channel_open_alerts", channel="y")
    assert 1 == shown("cem_unit_open_alerts", unit_id="store-1")
    meter.outputs([alert(state="resolved", change="resolved")], said("store-1"), NOON)
    meters.publish()
    assert shown("cem_unit_open_alerts", unit_id="store-1") is None


def test_alerts_that_the_engine_has_forgotten_are_not_open() -> None:
    """It keeps so many cases of a unit; of what it lets go no record tells."""
    meters, meter, log = new(500, UnitState(unit_id="store-1", cases={"store-1-1": None}))  # type: ignore[dict-item]
    meter.outputs([alert()], said("store-1"), NOON)
    log.units["store-1"].cases = {"store-1-2": None}  # type: ignore[dict-item]
    meter.outputs([alert(alert_id="store-1-2")], said("store-1"), NOON)
    meters.publish()
    assert 1 == shown("cem_unit_open_alerts", unit_id="store-1")


def test_deadlines_are_counted_once_each_as_met_or_missed() -> None:
    """Acknowledged late is missed, once, however often it is told; answered and resolved in time are met. What was
    dismissed was no duty, and a time that never comes is no deadline."""
    _, meter, _ = new(500, UnitState(unit_id="store-1", cases={"store-1-1": None}))  # type: ignore[dict-item]
    due = Deadlines(acknowledge_by=Millis(NOON), answer_by=Millis(NOON), resolve_by=Millis(NOON))
    late = msgspec.structs.replace(due, missed=("acknowledge",))

    def tell(state: Any, change: Any, deadlines: Deadlines) -> None:
        meter.outputs([alert(state=state, change=change, deadlines=deadlines)], said("store-1"), NOON)

    tell("open", "opened", due)
    tell("open", "escalated", late)
    tell("open", "escalated", late)
    tell("acknowledged", "acknowledged", late)
    tell("answered", "answered", late)
    tell("resolved", "resolved", late)
    found = {
        (duty, outcome): shown("cem_deadlines_total", duty=duty, outcome=outcome)
        for duty in ("acknowledge", "answer", "resolve")
        for outcome in ("met", "missed")
    }
    expected = {("acknowledge", "missed"): 1, ("answer", "met"): 1, ("resolve", "met"): 1}
    assert expected == {key: value for key, value in found.items() if value}
    tell("open", "opened", due)
    tell("dismissed", "dismissed", due)
    assert 1 == shown("cem_deadlines_total", duty="resolve", outcome="met")


def test_the_log_tells_the_meters() -> None:
    """What goes through a partition of the log is counted; when its unit is removed, the unit's series go; what cannot
    be read is counted as a dead letter of the log; and what is read back is open."""
    meters = Meters(units_max=500, departments=(), wall=False)
    enricher: Any = SimpleNamespace(
        dead_letter_reasons=Counter(), outcomes=Counter(), unrouted_reasons=Counter(), abstentions=Counter(),
        dead_letter=lambda record, reason, detail: enricher.dead_letter_reasons.update([reason]),
    )  # fmt: skip
    processor = UnitsLogProcessor(0, Topics(), Engine(), enricher, meters)
    before = shown("cem_dead_letters_total", reason="not_json") or 0

    def process(*values: bytes) -> None:
        record = {"topic": "cem.events", "partition": 0, "offset": 0, "key": b"", "headers": (), "timestamp": NOON}
        processor.process([SimpleNamespace(value=value, **record) for value in values])
        meters.publish()

    unit = Unit(id="store-9", name="Elm Street", kind="store", time_zone="UTC")
    process(encode(UnitSettings(unit_id="store-9", unit=unit, version=1, source=SOURCE)), encode(said("store-9")), b"{")
    assert 1 == shown("cem_unit_insights_total", unit_id="store-9", sentiment="negative")
    assert 1 == (shown("cem_dead_letters_total", reason="not_json") or 0) - before
    process(encode(UnitSettings(unit_id="store-9", unit=None, version=2, source=SOURCE)))
    assert shown("cem_unit_insights_total", unit_id="store-9", sentiment="negative") is None

    kept = UnitState(
        unit_id="store-8", cases={"store-8-1": Case(cause="surge", last=alert("store-8"), opened_ms=int(NOON))}
    )
    processor.load({b"store-8": encode_state(kept)}, None)
    meters.publish()
    assert 1 == shown("cem_unit_open_alerts", unit_id="store-8")


class At:
    """A partition that is worked on up to a time."""

    def __init__(self, clock_ms: int) -> None:
        self.clock_ms = clock_ms


def test_lag_is_told_in_event_time_and_goes_with_its_partition() -> None:
    """On the data clock: behind the newest time seen. Of a partition that was given up nothing is said."""
    meters, meter, _ = new()
    meters.follow(TopicPartition("cem.posts", 0), At(NOON))
    meters.follow(TopicPartition("cem.posts", 1), At(NOON - 90_000))
    meters.follow(TopicPartition("cem.feedback", 0), At(-1))
    meter.insight(said("store-1"))
    meters.publish()
    assert (0, 90) == tuple(shown("cem_lag_seconds", topic="cem.posts", partition=number) for number in "01")
    assert shown("cem_lag_seconds", topic="cem.feedback", partition="0") is None
    meters.given_up()
    assert shown("cem_lag_seconds", topic="cem.posts", partition="1") is None
    assert shown("cem_unit_insights_total", unit_id="store-1", sentiment="negative") is None


@given(st.lists(st.text(max_size=3)), st.integers(0, 5))
def test_never_more_labels_than_the_bound(values: list[str], count_max: int) -> None:
    """Whatever comes, in whatever order: so many labels and `other`; a known value keeps its own."""
    bounded = Bounded(count_max)
    first = [bounded(value) for value in values]
    assert len(set(first) - {OTHER}) <= count_max
    assert first == [bounded(value) for value in values]
