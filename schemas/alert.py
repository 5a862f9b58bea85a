"""What an alert consumer reads on `cem.alerts` (key: the unit that it is addressed to) and
`cem.alerts.unit.<id>` (key: alert) of that unit and of those above that an escalation has reached.

CloudEvents 1.0 in Kafka's binary mode: the value is this record, the attributes are headers (`cloud_event_headers`).
`status` is the signal, `state` is the case; neither ever changes the other. `alert_id` and `sequence` name a record:
a repeat carries the same pair and the same bytes.
"""

from typing import Literal

import msgspec

from schemas.action import DismissalCode
from schemas.record import Record, _version
from schemas.time import Millis, format_time

AlertStatus = Literal["firing", "quiet"]
AlertState = Literal["open", "acknowledged", "assigned", "answered", "resolved", "verified", "dismissed"]
AlertChange = Literal[
    "opened", "grown", "quiet", "acknowledged", "assigned", "answered", "resolved", "verified", "dismissed",
    "reopened", "commented", "rerouted", "snoozed", "published", "deadline_warning", "escalated", "corrected",
]  # fmt: skip
SeverityLabel = Literal["info", "warning", "error", "critical"]
Duty = Literal["acknowledge", "answer", "resolve"]
"""What has to be done by a deadline, in order."""


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the payload: always complete on the wire, also where a value is null."""


class Labels(_Part, frozen=True, kw_only=True):
    """What the alert is about, for routing and grouping."""

    alertname: str
    brand: str | None = None
    region: str | None = None
    unit_id: str
    unit_kind: str | None = None
    department: str | None = None
    aspect: str | None = None
    journey_stage: str | None = None


class Annotations(_Part, frozen=True, kw_only=True):
    """What a person reads. `ends_when`: what has to happen for the alert to become quiet."""

    summary: str
    recommended_action: str | None = None
    ends_when: str | None = None


class Detection(_Part, frozen=True, kw_only=True):
    """Why: what was seen against what was expected in the window, and how unlikely that is: `p_value` of
    `distinct_authors` under the `baseline` with a variance of `dispersion` times the mean. `rarity`: how often chance
    would bring as much in 30 days; an alert is raised up to `rarity_max`, its share of the budget of false alerts.
    These are null where nothing statistical decided; `words` are then those that did, as far as the taxonomy knows
    them; others are left out as …. `aspects`: what the evidence is about, the most frequent first."""

    method: str
    window_s: int
    observed: int
    distinct_authors: int
    expected: float | None = None
    p_value: float | None = None
    rarity: float | None = None
    rarity_max: float | None = None
    dispersion: float | None = None
    baseline: str
    cold_start: bool = False
    words: tuple[str, ...] = ()
    aspects: tuple[str, ...] = ()


class Amplification(_Part, frozen=True, kw_only=True):
    """How it spreads; reposts and reach are counts of people and posts, `low` and `high` an 80 % interval."""

    reposts: int = 0
    reach: int = 0
    branching: float | None = None
    branching_low: float | None = None
    branching_high: float | None = None
    supercritical: bool | None = None
    forecast: int | None = None
    low: int | None = None
    high: int | None = None


class AlertSentiment(_Part, frozen=True, kw_only=True):
    """The evidence's mood: mean compound and confidence."""

    mean: float
    confidence: float
    model: str
    languages: tuple[str, ...] = ()


class Authenticity(_Part, frozen=True, kw_only=True):
    """Mean suspicion of the evidence, and why."""

    suspicion: float = 0.0
    reasons: tuple[str, ...] = ()


class AlertRouting(_Part, frozen=True, kw_only=True):
    """The weakest routing among the evidence."""

    rule: str
    confidence: float


class Deadlines(_Part, frozen=True, kw_only=True):
    """By when, in the unit's opening hours, counted from `since`; null where that time never comes. `missed`: the
    duties that were not done in time. `duty` and `level`: what the last warning or escalation was about, and how many
    above the unit were told; `told`: who they are, the nearest first."""

    since: Millis | None = None
    acknowledge_by: Millis | None = None
    answer_by: Millis | None = None
    resolve_by: Millis | None = None
    missed: tuple[Duty, ...] = ()
    duty: Duty | None = None
    level: int = 0
    told: tuple[str, ...] = ()


class Answers(_Part, frozen=True, kw_only=True):
    """The company's own replies: in how many of the `threads` of the evidence there is one, and when the first came."""

    threads: int = 0
    answered: int = 0
    first_at: Millis | None = None


class Work(_Part, frozen=True, kw_only=True):
    """What people have made of it so far: whose it is, until when it is hidden, how it ended. `we_did_ref` refers to
    `cem.texts`; `published` says that it may be shown in public. `customer_ref`: the company's own reference of the
    customer who asked to be called. `moved_from`, `moved_to`: the unit that it was rerouted from, or to."""

    assignee: str | None = None
    snoozed_until: Millis | None = None
    resolution_code: str | None = None
    dismissal_code: DismissalCode | None = None
    we_did_ref: str | None = None
    published: bool = False
    customer_ref: str | None = None
    moved_from: str | None = None
    moved_to: str | None = None


class Evidence(_Part, frozen=True, kw_only=True):
    """One post behind the alert. Its text and address are in `cem.texts` under `text_ref`."""

    post_id: str
    network: str
    author: str | None
    text_ref: str | None


class Alert(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One change of one alert, complete in itself. `addressed_to`: the unit whose topic it is on, where that is
    not the one that it is about: head office, for what is confidential. `also_to`: the units above that an escalation
    has reached; from then on they get every record too."""

    schema_version: str = msgspec.field(default_factory=_version)
    change: AlertChange
    status: AlertStatus
    state: AlertState
    alert_id: str
    sequence: int
    dedup_key: str
    addressed_to: str | None = None
    also_to: tuple[str, ...] = ()
    parent_alert_id: str | None = None
    severity: int
    severity_label: SeverityLabel
    starts_at: Millis = msgspec.field(name="startsAt")
    detected_at: Millis = msgspec.field(name="detectedAt")
    ends_at: Millis | None = msgspec.field(name="endsAt", default=None)
    actor: str | None = None
    action_id: str | None = None
    labels: Labels
    annotations: Annotations
    detection: Detection
    amplification: Amplification = Amplification()
    sentiment: AlertSentiment
    authenticity: Authenticity = Authenticity()
    routing: AlertRouting
    deadlines: Deadlines = Deadlines()
    answers: Answers = Answers()
    work: Work = Work()
    evidence: tuple[Evidence, ...] = ()
    evidence_left_out: int = 0


def cloud_event_headers(alert: Alert) -> list[tuple[str, bytes]]:
    """The CloudEvents attributes of a record, for Kafka's binary content mode."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{alert.alert_id}/{alert.sequence}".encode()),
        ("ce_source", f"/cem/units/{alert.labels.unit_id}".encode()),
        ("ce_type", f"cem.alert.{alert.change}".encode()),
        ("ce_subject", alert.alert_id.encode()),
        ("ce_time", format_time(alert.detected_at).encode()),
        ("content-type", b"application/json"),
    ]
