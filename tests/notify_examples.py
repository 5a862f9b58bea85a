"""Alerts and recipients for the tests of messages."""

from typing import Any

import msgspec

from pipeline.directory import Directory
from pipeline.notify.message import Message, Part
from pipeline.notify.rules import Recipient
from schemas.alert import Alert, AlertChange, Deadlines, Work
from schemas.notified import Told
from schemas.record import Source
from schemas.time import Millis, parse_time
from schemas.unit import Unit
from tests.golden_refresh import ALERT

NOON = parse_time("2026-01-31T12:00:00Z")
"""A Saturday."""
UNITS = (
    Unit(id="acme", name="Acme", kind="brand", time_zone="UTC"),
    Unit(id="west", name="West", kind="region", parent="acme", time_zone="UTC"),
    Unit(id="store-17", name="Elm Street", kind="store", parent="west", time_zone="Europe/Berlin"),
    Unit(id="store-18", name="Oak Street", kind="store", parent="west", time_zone="Europe/Berlin"),
)
DIRECTORY = Directory(UNITS)
LABELS = {1: "info", 4: "warning", 7: "error", 9: "critical"}


def alert(
    number: int = 1, sequence: int = 1, change: AlertChange = "opened", unit: str = "store-17", **fields: Any
) -> Alert:
    """A plain alert of a unit; severity 4 unless it is said."""
    severity = fields.pop("severity", 4)
    labels = {"alertname": "NegativeSurge", "unit_id": unit, "region": "west", "brand": "acme"}
    labels |= {name: fields.pop(name) for name in ("department", "alertname") if name in fields}
    summary = fields.pop("summary", "6 complaints in an hour")
    given: dict[str, Any] = {
        "change": change, "state": "open", "alert_id": f"{unit}-{number:016x}", "sequence": sequence,
        "addressed_to": None, "severity": severity, "severity_label": LABELS[severity], "work": Work(),
        "deadlines": Deadlines(), "detected_at": NOON, "also_to": (), "schema_version": "1.0",
        "labels": msgspec.structs.replace(ALERT.labels, **labels),
        "annotations": msgspec.structs.replace(ALERT.annotations, summary=summary),
        **fields,
    }  # fmt: skip
    return msgspec.structs.replace(ALERT, **given)


def recipient(name: str = "ana", **fields: Any) -> Recipient:
    """A webhook; other kinds as keywords."""
    return Recipient(name=name, **{"kind": "webhook", "url": "https://example.com", **fields})


def source(offset: int = 0) -> Source:
    """Where a record was read."""
    return Source(topic="cem.alerts", partition=0, offset=offset)


def message(*alerts: Alert, **fields: Any) -> Message:
    """A message about these, each with one change."""
    parts = tuple(
        Part(alert=one, changes=(Told(change=one.change, sequence=one.sequence, at=Millis(NOON)),))
        for one in alerts or (alert(),)
    )
    return Message(**{"id": "msg_00ff", "recipient": "ana", "made_at": NOON, "parts": parts, **fields})
