"""The engine: step(state, event) -> outputs. The one place where the parts meet.

In: the state of one unit (which the step takes over and changes), the next event of its log and the watermark of the
log there. Out: alerts, case entries and roll-ups, in order. The rules: an alert is raised at once, at the event that
makes the difference; it becomes quiet, and hours close, on the watermark only. What comes out follows from the log
alone.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

from pipeline import likeness
from pipeline.alerts.identity import alert_id, dedup_key
from pipeline.alerts.lifecycle import Refusal, finished, take
from pipeline.detectors.detector import Detector, Finding, Signal
from pipeline.detectors.surge import SurgeDetector
from pipeline.rollup import closes, count, count_below, roll_up
from pipeline.state import Case, Profile, UnitState
from pipeline.taxonomy import Taxonomy, Topic, load
from schemas.alert import (
    Alert,
    AlertChange,
    AlertRouting,
    AlertSentiment,
    Annotations,
    Authenticity,
    Labels,
    SeverityLabel,
)
from schemas.case import CaseEntry
from schemas.event import UnitAction, UnitErasure, UnitRollup, UnitSettings
from schemas.insight import Insight
from schemas.time import DAY_MS, MINUTE_MS, Millis

HOLD_MS = 30 * MINUTE_MS
CHECK_MS = 5 * MINUTE_MS
LEARN_AGAIN_MS = DAY_MS
"""An alert that is open for longer is the new normal: the baseline learns again."""
KEEP_CASE_MS = 30 * DAY_MS
CASES_MAX = 50
ACTIONS_MAX = 50

READ_AND_ANSWER = "Read the posts, answer the customers, acknowledge the alert."

Output = Alert | CaseEntry | UnitRollup
UnitEvent = Insight | UnitSettings | UnitAction | UnitErasure | UnitRollup


class Engine:
    """`false_alerts_a_month` per unit; `hold_ms`: how long a signal must be gone before its alert is quiet;
    `taxonomies`: by industry, where others are in force than the shipped ones."""

    def __init__(
        self,
        *,
        false_alerts_a_month: float = 0.1,
        hold_ms: int = HOLD_MS,
        taxonomies: Mapping[str, Taxonomy] = MappingProxyType({}),
    ) -> None:
        self.hold_ms = hold_ms
        self._taxonomies = taxonomies
        self.detectors: tuple[Detector, ...] = (SurgeDetector(false_alerts_a_month),)

    def step(self, state: UnitState, event: UnitEvent, watermark_ms: int = -1) -> list[Output]:
        """Applies the next event of the unit's log to its state. The watermark is that of the log before the event,
        -1 while there is none."""
        outputs: list[Output] = []
        if isinstance(event, Insight):
            self._insight(state, event, watermark_ms, outputs)
        elif isinstance(event, UnitSettings):
            _settle(state, event)
        elif isinstance(event, UnitAction):
            self._action(state, event, outputs)
        elif isinstance(event, UnitRollup):
            count_below(state, event)
        else:
            self._erase(state, event, outputs)
        return outputs

    def advance(self, state: UnitState, watermark_ms: int) -> list[Output]:
        """Does, in the order of their times, all things that are due up to the watermark."""
        outputs: list[Output] = []
        while (due := self.due(state)) is not None and due <= watermark_ms:
            state.now = max(state.now, due)
            for hour in [hour for hour in state.hours if closes(hour) <= due]:
                outputs += roll_up(state, hour)
            for detector in self.detectors:
                self._settle(state, detector, due, outputs)
            for cause, firing in list(state.firing.items()):
                case = state.cases[firing]
                if case.check_at is not None and case.check_at <= due:
                    self._check(state, cause, case, due, outputs)
        return outputs

    def holds(self, state: UnitState, erasure: UnitErasure) -> bool:
        """Whether there is anything of the erased insights in what the unit remembers."""
        return any(mention.insight_id in erasure.insight_ids for mention in state.surge.mentions) or likeness.holds(
            state.likeness, erasure.insight_ids
        )

    def due(self, state: UnitState) -> int | None:
        """When something is to be done next, if nothing comes in before."""
        times: list[int] = [closes(min(state.hours))] if state.hours else []
        for alert in state.firing.values():
            check_at = state.cases[alert].check_at
            if check_at is not None:
                times.append(check_at)
        for detector in self.detectors:
            unsettled = detector.unsettled(getattr(state, detector.name))
            if unsettled is not None:
                times.append(unsettled[0])
        return min(times) if times else None

    # What happens at an insight

    def _insight(self, state: UnitState, insight: Insight, watermark_ms: int, outputs: list[Output]) -> None:
        state.now = max(state.now, int(insight.event_time))
        count(state, insight, watermark_ms)
        if insight.kind == "answer":
            return
        likeness.observe(state.likeness, insight)
        for detector in self.detectors:
            kept = getattr(state, detector.name)
            if watermark_ms >= 0:
                detector.advance(kept, self._needed_from(state, detector, watermark_ms))
            if insight.kind == "delete":
                if detector.retract(kept, insight.id) is not None:
                    self._correct(state, detector, insight.id, outputs)
                continue
            written = detector.retract(kept, insight.id) if insight.kind == "edit" else None
            seen = insight if written is None else msgspec.structs.replace(insight, event_time=Millis(written))
            if detector.observe(kept, seen):
                signal = detector.judge(kept, int(seen.event_time))
                self._act_on(state, detector, signal, insight.id, outputs)
            if written is not None:
                self._correct(state, detector, insight.id, outputs)

    def _settle(self, state: UnitState, detector: Detector, to_ms: int, outputs: list[Output]) -> None:
        """On the watermark everything is judged once more: whatever order it came in, by now it is all there."""
        kept = getattr(state, detector.name)
        found = detector.unsettled(kept)
        while found is not None and found[0] <= to_ms:
            at_ms, insight_id = found
            self._act_on(state, detector, detector.signal(kept, at_ms), insight_id, outputs)
            detector.settle(kept, at_ms)
            found = detector.unsettled(kept)

    def _act_on(
        self, state: UnitState, detector: Detector, signal: Signal | None, insight_id: str, outputs: list[Output]
    ) -> None:
        """Opens an alert, or lets the one that is firing grow."""
        if signal is None:
            return
        kept = getattr(state, detector.name)
        firing = state.firing.get(detector.name)
        if firing is None:
            self._open(state, detector, detector.evaluate(kept, signal.at_ms), insight_id, outputs)
            detector.freeze(kept, signal.at_ms, signal.at_ms + LEARN_AGAIN_MS)
        else:
            case = state.cases[firing]
            if case.calm_since is not None and signal.at_ms >= case.calm_since:
                case.calm_since = None
            if signal.severity > case.last.severity:
                self._tell(state, case, "grown", outputs, finding=detector.evaluate(kept, signal.at_ms))

    def _needed_from(self, state: UnitState, detector: Detector, watermark_ms: int) -> int:
        """What a firing alert was raised for is not forgotten (for a day at most), so that it can be corrected."""
        firing = state.firing.get(detector.name)
        if firing is None:
            return watermark_ms
        return min(watermark_ms, max(state.cases[firing].found_ms, watermark_ms - LEARN_AGAIN_MS))

    def _correct(self, state: UnitState, detector: Detector, insight_id: str, outputs: list[Output]) -> None:
        """Evidence of a firing alert was changed or taken back: say what is left."""
        firing = state.firing.get(detector.name)
        if firing is None:
            return
        case = state.cases[firing]
        if any(evidence.post_id == insight_id for evidence in case.last.evidence):
            finding = detector.evaluate(getattr(state, detector.name), case.found_ms)
            self._tell(state, case, "corrected", outputs, finding=finding)

    def _erase(self, state: UnitState, erasure: UnitErasure, outputs: list[Output]) -> None:
        likeness.forget(state.likeness, erasure.insight_ids)
        for detector in self.detectors:
            for insight_id in erasure.insight_ids:
                if detector.retract(getattr(state, detector.name), insight_id) is not None:
                    self._correct(state, detector, insight_id, outputs)

    # What happens with time

    def _check(self, state: UnitState, cause: str, case: Case, now: int, outputs: list[Output]) -> None:
        """Looks whether a firing alert has calmed down; quiet once it has been calm for the hold time."""
        detector = next(detector for detector in self.detectors if detector.name == cause)
        kept = getattr(state, cause)
        case.check_at = now + CHECK_MS
        if detector.signal(kept, now) is not None:
            case.calm_since = None
        elif case.calm_since is None:
            case.calm_since = now
        elif now - case.calm_since >= self.hold_ms:
            case.check_at, case.ended_ms = None, now
            del state.firing[cause]
            detector.freeze(kept, case.opened_ms, min(now, case.opened_ms + LEARN_AGAIN_MS))
            self._tell(state, case, "quiet", outputs)

    # What happens at an action

    def _action(self, state: UnitState, action: UnitAction, outputs: list[Output]) -> None:
        case = state.cases.get(action.alert_id)
        if case is None:
            outputs.append(_entry(action, None, Refusal.UNKNOWN_ALERT))
            return
        if action.id in case.actions:
            outputs.append(_entry(action, case.last, Refusal.ALREADY_DONE))
            return
        step = take(case.last.state, action)
        if isinstance(step, Refusal):
            outputs.append(_entry(action, case.last, step))
            return
        case.actions = [*case.actions, action.id][-ACTIONS_MAX:]
        case.last = msgspec.structs.replace(case.last, state=step.state)
        self._tell(state, case, step.change, outputs, action=action)
        outputs.append(_entry(action, case.last, None))

    # Records

    def _open(
        self, state: UnitState, detector: Detector, finding: Finding, insight_id: str, outputs: list[Output]
    ) -> None:
        profile, unit_id, now = state.profile, state.unit_id, Millis(finding.at_ms)
        identity = alert_id(unit_id, detector.name, insight_id, state.opened)
        state.opened += 1
        first = Alert(
            change="opened",
            status="firing",
            state="open",
            alert_id=identity,
            sequence=1,
            dedup_key=dedup_key(profile.brand, unit_id, detector.name),
            severity=finding.severity,
            severity_label=_severity_label(finding.severity),
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
        )
        first = self._with_finding(first, finding, state)
        _forget_old_cases(state)
        case = Case(
            cause=detector.name,
            last=first,
            opened_ms=finding.at_ms,
            found_ms=finding.at_ms,
            check_at=finding.at_ms + CHECK_MS,
        )
        state.cases[identity] = case
        state.firing[detector.name] = identity
        outputs.append(first)

    def _tell(
        self,
        state: UnitState,
        case: Case,
        change: AlertChange,
        outputs: list[Output],
        *,
        finding: Finding | None = None,
        action: UnitAction | None = None,
    ) -> None:
        """The next record of an alert."""
        last = case.last
        record = msgspec.structs.replace(
            last,
            change=change,
            sequence=last.sequence + 1,
            detected_at=Millis(max(last.detected_at, state.now if finding is None else finding.at_ms)),
            status="quiet" if case.ended_ms is not None else "firing",
            ends_at=None if case.ended_ms is None else Millis(case.ended_ms),
            actor=action.actor if action else None,
            action_id=action.id if action else None,
        )
        if finding is not None:
            record = self._with_finding(record, finding, state)
            case.found_ms = finding.at_ms
        case.last = record
        outputs.append(record)

    def _with_finding(self, alert: Alert, finding: Finding, state: UnitState) -> Alert:
        """What is seen now, in the record. Severity never falls while an alert is open."""
        severity = max(alert.severity, finding.severity)
        seen = finding.detection
        place = state.profile.name or alert.labels.unit_id
        suspected = likeness.of_evidence(state.likeness, [evidence.post_id for evidence in finding.evidence])
        topic = self._topic(state.profile.industry, finding.aspect)
        people = "1 customer" if seen.distinct_authors == 1 else f"{seen.distinct_authors} customers"
        return msgspec.structs.replace(
            alert,
            severity=severity,
            severity_label=_severity_label(severity),
            annotations=Annotations(
                summary=f"{people} complained about {place} within {seen.window_s // 60} minutes"
                f"{f', mostly about {topic.title.lower()}' if topic else ''}; {seen.expected:.1f} would be usual",
                recommended_action=(topic.recommended_action if topic else "") or READ_AND_ANSWER,
            ),
            detection=seen,
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

    def _topic(self, industry: str, aspect: str | None) -> Topic | None:
        """What the industry's taxonomy says of an aspect."""
        taxonomy = self._taxonomies.get(industry) or load(industry)
        return taxonomy.aspects.get(aspect) if aspect is not None else None


def _severity_label(severity: int) -> SeverityLabel:
    if severity >= 9:
        return "critical"
    if severity >= 6:
        return "error"
    return "warning" if severity >= 4 else "info"


def _entry(action: UnitAction, alert: Alert | None, refusal: Refusal | None) -> CaseEntry:
    return CaseEntry(
        alert_id=action.alert_id,
        unit_id=action.unit_id,
        sequence=alert.sequence if alert else 0,
        action_id=action.id,
        action=action.action,
        actor=action.actor,
        accepted=refusal is None,
        reason="done" if refusal is None else refusal.value,
        status=alert.status if alert else None,
        state=alert.state if alert else None,
        note_ref=action.note_ref,
        resolution_code=action.resolution_code,
        dismissal_code=action.dismissal_code,
        event_time=action.event_time,
    )


def _settle(state: UnitState, settings: UnitSettings) -> None:
    """New settings; older ones than those in force change nothing."""
    if settings.version <= state.profile.version:
        return
    unit = settings.unit
    by_kind = {ancestor.kind: ancestor.id for ancestor in reversed(settings.ancestors)}
    state.profile = Profile(
        version=settings.version,
        name=unit.name if unit else state.profile.name,
        kind=unit.kind if unit else state.profile.kind,
        industry=unit.industry if unit else state.profile.industry,
        region=by_kind.get("region"),
        brand=by_kind.get("brand"),
        above=tuple(ancestor.id for ancestor in settings.ancestors),
        removed=unit is None,
    )


def _forget_old_cases(state: UnitState) -> None:
    """Bounds the memory of cases: those that are quiet and finished go after 30 days, the oldest quiet ones when
    there are too many."""
    quiet = sorted((case.ended_ms, key) for key, case in state.cases.items() if case.ended_ms is not None)
    too_many = len(state.cases) - CASES_MAX + 1
    for number, (ended, key) in enumerate(quiet):
        old = ended < state.now - KEEP_CASE_MS and finished(state.cases[key].last.state)
        if old or number < too_many:
            del state.cases[key]


def outputs_of(alerts: Iterable[Output]) -> list[Alert]:
    """Only the alerts among outputs."""
    return [output for output in alerts if isinstance(output, Alert)]
