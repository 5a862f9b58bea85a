"""The records of an alert: what is told when it opens and when a finding changes it.

In: a unit's profile, a detector, what it found. Out: Alert. The one rule: a record is complete in itself,
and severity never falls while an alert is open.
"""

import msgspec

from pipeline import likeness
from pipeline.alerts.identity import alert_id, dedup_key
from pipeline.detectors.detector import Detector, Finding
from pipeline.likeness import LikenessState
from pipeline.state import Profile, UnitState
from pipeline.taxonomy import Taxonomy
from schemas.alert import (
    Alert,
    AlertRouting,
    AlertSentiment,
    Annotations,
    Authenticity,
    Labels,
    SeverityLabel,
    Work,
)
from schemas.time import Millis

READ_AND_ANSWER = "Read the posts, answer the customers, acknowledge the alert."


def opened(
    state: UnitState, detector: Detector, cause: str, finding: Finding, insight_id: str, *, to_head_office: bool
) -> Alert:
    """The first record of an alert, still without what was found, and not yet told. `insight_id`: what made the
    difference."""
    profile, unit_id, now = state.profile, state.unit_id, Millis(finding.at_ms)
    return Alert(
        change="opened",
        status="firing",
        state="open",
        alert_id=alert_id(unit_id, cause, insight_id, state.opened),
        sequence=0,
        dedup_key=dedup_key(profile.brand, unit_id, cause),
        addressed_to=profile.head_office if to_head_office else None,
        severity=finding.severity,
        severity_label=severity_label(finding.severity),
        starts_at=now,
        detected_at=now,
        labels=Labels(
            alertname=detector.alertname,
            brand=profile.brand,
            region=profile.region,
            unit_id=unit_id,
            unit_kind=profile.kind,
            department=finding.department,
            aspect=finding.aspect,
            journey_stage=finding.journey_stage,
        ),
        annotations=Annotations(summary=""),
        detection=finding.detection,
        sentiment=AlertSentiment(mean=0.0, confidence=0.0, model=finding.model),
        routing=AlertRouting(rule=finding.routing_rule, confidence=finding.routing_confidence),
        work=Work(customer_ref=finding.customer_ref),
    )


def with_finding(
    alert: Alert, finding: Finding, detector: Detector, profile: Profile, kept: LikenessState, taxonomy: Taxonomy
) -> Alert:
    """What is seen now, in the record."""
    severity = max(alert.severity, finding.severity)
    place = profile.name or alert.labels.unit_id
    suspected = likeness.of_evidence(kept, [evidence.post_id for evidence in finding.evidence])
    name = finding.aspect or ""
    topic = taxonomy.aspects.get(name) or taxonomy.severe.get(name)
    return msgspec.structs.replace(
        alert,
        severity=severity,
        severity_label=severity_label(severity),
        annotations=Annotations(
            summary=detector.summary(finding, place, topic.title if topic else None),
            recommended_action=(topic.recommended_action if topic else "") or READ_AND_ANSWER,
            ends_when=finding.ends_when,
        ),
        detection=finding.detection,
        amplification=finding.amplification,
        sentiment=AlertSentiment(
            mean=finding.sentiment_mean,
            confidence=finding.sentiment_confidence,
            model=finding.model,
            languages=finding.languages,
        ),
        authenticity=Authenticity(suspicion=suspected.score, reasons=suspected.reasons),
        routing=AlertRouting(rule=finding.routing_rule, confidence=finding.routing_confidence),
        evidence=finding.evidence,
        evidence_left_out=finding.evidence_left_out,
    )


def severity_label(severity: int) -> SeverityLabel:
    """Severity 1 to 10 in Alertmanager's and PagerDuty's words."""
    if severity >= 9:
        return "critical"
    if severity >= 6:
        return "error"
    return "warning" if severity >= 4 else "info"
