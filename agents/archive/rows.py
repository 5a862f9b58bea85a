"""Records as rows of the history: which columns there are, and what of a record goes into each.

In: one record and where it stood. Out: a line for COPY. The one rule: references and scores, no text; authors are the
keyed hashes that the insight carries.
"""

from typing import NamedTuple

import msgspec

from agents.archive.copying import flag, hour_and_day, line, number, numbers, text, texts, time
from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.insight import Insight, Sentiment
from schemas.unit import Unit

INSIGHT_COLUMNS = (
    "event_time, hour, day, log_partition, log_offset, followers, reposts, first_answer_ms, edited_at, deleted_at, "
    "compound, confidence, rating, suspicion, routing_confidence, nps, csat, ces, abstained, contact_consent, id, "
    "unit_id, kind, channel, label, model, language, emotion, journey_stage, touchpoint, author, thread, text_ref, "
    "fingerprint, routing_rule, customer_ref, aspects, departments, polarities, severe, suspicion_reasons, taxonomy"
)
BATCH_COLUMNS = f"{INSIGHT_COLUMNS}, written, known, earlier_followers, earlier_reposts"
"""What a batch says about an insight: also whether there is more than counters or a delete, whether it speaks of a row
that may be as old as can be, and counters that came before it."""
ALERT_COLUMNS = (
    "alert_id, sequence, detected_at, hour, day, starts_at, ends_at, change, status, state, severity, severity_label, "
    "alertname, unit_id, department, aspect, journey_stage, addressed_to, actor, action_id, summary, acknowledge_by, "
    "answer_by, resolve_by, missed, reposts, reach, forecast, forecast_low, forecast_high, supercritical, observed, "
    "expected, evidence, log_partition, log_offset, payload"
)
CASE_COLUMNS = (
    "alert_id, number, log_partition, log_offset, event_time, hour, day, sequence, unit_id, addressed_to, change, "
    "action, action_id, actor, accepted, reason, status, state, severity, department, note_ref, we_did_ref, "
    "resolution_code, dismissal_code, assignee, to_unit, to_department, until, duty, level, hash"
)
UNIT_COLUMNS = "unit_id, name, kind, industry, parent_id, time_zone, own_confidential, removed"

_NOTHING_HEARD = Sentiment(compound=0.0, label="neutral", confidence=0.0, model="")


class Place(NamedTuple):
    """Where a record stood."""

    partition: int
    offset: int


def insight_columns(insight: Insight, place: Place, edited_ms: int | None, deleted_ms: int | None) -> str:
    """The columns of INSIGHT_COLUMNS."""
    sentiment = insight.sentiment
    heard = sentiment or _NOTHING_HEARD
    scores, reach, aspects = insight.scores, insight.reach, insight.aspects
    at = insight.event_time
    return "\t".join(
        (
            time(at),
            hour_and_day(at),
            str(place.partition),
            str(place.offset),
            number(reach.followers),
            number(reach.reposts),
            number(insight.first_answer_ms),
            time(edited_ms),
            time(deleted_ms),
            number(heard.compound if sentiment else None),
            number(heard.confidence if sentiment else None),
            number(scores.rating),
            repr(insight.suspicion.score),
            repr(insight.routing.confidence),
            number(scores.nps),
            number(scores.csat),
            number(scores.ces),
            flag(heard.abstained),
            flag(insight.contact_consent),
            text(insight.id),
            text(insight.unit_id),
            insight.kind,
            insight.channel,
            text(heard.label if sentiment else None),
            text(heard.model if sentiment else None),
            text(insight.language),
            insight.emotion,
            text(insight.journey_stage),
            text(insight.touchpoint),
            text(insight.author),
            text(insight.thread),
            text(insight.text_ref),
            text(insight.fingerprint),
            text(insight.routing.rule),
            text(insight.customer_ref),
            texts(tuple([one.aspect for one in aspects])),
            texts(tuple([one.department for one in aspects])),
            numbers([one.polarity for one in aspects]),
            texts(tuple([one.cause for one in insight.severe])),
            texts(insight.suspicion.reasons),
            text(insight.taxonomy),
        )
    )


def alert_line(alert: Alert, place: Place, value: bytes) -> str:
    """A row of ALERT_COLUMNS. `value`: the record's bytes, which become the payload."""
    labels, spread, deadlines = alert.labels, alert.amplification, alert.deadlines
    return line(
        text(alert.alert_id),
        str(alert.sequence),
        time(alert.detected_at),
        hour_and_day(alert.detected_at),
        time(alert.starts_at),
        time(alert.ends_at),
        alert.change,
        alert.status,
        alert.state,
        str(alert.severity),
        alert.severity_label,
        text(labels.alertname),
        text(labels.unit_id),
        text(labels.department),
        text(labels.aspect),
        text(labels.journey_stage),
        text(alert.addressed_to),
        text(alert.actor),
        text(alert.action_id),
        text(alert.annotations.summary),
        time(deadlines.acknowledge_by),
        time(deadlines.answer_by),
        time(deadlines.resolve_by),
        texts(deadlines.missed),
        str(spread.reposts),
        str(spread.reach),
        number(spread.forecast),
        number(spread.low),
        number(spread.high),
        flag(spread.supercritical),
        str(alert.detection.observed),
        number(alert.detection.expected),
        texts(tuple([one.post_id for one in alert.evidence])),
        str(place.partition),
        str(place.offset),
        text(_storable(value)),
    )


def _storable(value: bytes) -> str:
    """JSON that PostgreSQL takes: it has no U+0000 in texts, however it is written."""
    if b"\\u0000" in value:
        value = msgspec.json.encode(_without_nul(msgspec.json.decode(value)))
    return value.decode("utf-8", "replace")


def _without_nul(value: object) -> object:
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, list):
        return [_without_nul(one) for one in value]
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(one) for key, one in value.items()}
    return value


def case_line(entry: CaseEntry, place: Place) -> str:
    """A row of CASE_COLUMNS."""
    return line(
        text(entry.alert_id),
        str(entry.number),
        str(place.partition),
        str(place.offset),
        time(entry.event_time),
        hour_and_day(entry.event_time),
        str(entry.sequence),
        text(entry.unit_id),
        text(entry.addressed_to),
        text(entry.change),
        text(entry.action),
        text(entry.action_id),
        text(entry.actor),
        flag(entry.accepted),
        text(entry.reason),
        text(entry.status),
        text(entry.state),
        number(entry.severity),
        text(entry.department),
        text(entry.note_ref),
        text(entry.we_did_ref),
        text(entry.resolution_code),
        text(entry.dismissal_code),
        text(entry.assignee),
        text(entry.to_unit),
        text(entry.to_department),
        time(entry.until),
        text(entry.duty),
        number(entry.level),
        text(entry.hash),
    )


def unit_line(unit_id: str, unit: Unit | None) -> str:
    """A row of UNIT_COLUMNS; of a unit that was removed only which one it was."""
    if unit is None:
        return line(text(unit_id), "", "other", "other", "\\N", "UTC", "{}", "t")
    return line(
        text(unit.id),
        text(unit.name),
        unit.kind,
        unit.industry,
        text(unit.parent),
        text(unit.time_zone),
        texts(unit.confidential),
        "f",
    )
