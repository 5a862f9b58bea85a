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
from pipeline.alerts import desk, duties, record
from pipeline.alerts.lifecycle import finished
from pipeline.alerts.telling import tell
from pipeline.budget import share
from pipeline.detectors.cascade import CascadeDetector
from pipeline.detectors.detector import Detector, Finding, Signal
from pipeline.detectors.influential import InfluentialDetector
from pipeline.detectors.recovery import Limits, RecoveryDetector
from pipeline.detectors.severe import SevereDetector
from pipeline.detectors.surge import SurgeDetector
from pipeline.opening import schedule_of
from pipeline.rollup import closes, count, count_below, roll_up
from pipeline.state import Case, Profile, UnitState
from pipeline.taxonomy import Taxonomy, load
from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.event import UnitAction, UnitErasure, UnitRollup, UnitSettings, UnitTransfer
from schemas.insight import Insight
from schemas.time import DAY_MS, MINUTE_MS, Millis

HOLD_MS = 30 * MINUTE_MS
CHECK_MS = 5 * MINUTE_MS
LEARN_AGAIN_MS = DAY_MS
"""An alert that is open for longer is the new normal: the baseline learns again."""
SAME_AGAIN_MS = DAY_MS
"""What comes back so soon after its alert was quiet is the same matter, not a new one."""
KEEP_CASE_MS = 30 * DAY_MS
CASES_MAX = 100

Output = Alert | CaseEntry | UnitRollup | UnitTransfer
UnitEvent = Insight | UnitSettings | UnitAction | UnitErasure | UnitRollup | UnitTransfer


class Engine:
    """`false_alerts_a_month`: per unit, the budget of everything statistical; `hold_ms`: how long a signal must be gone
    before its alert is quiet; `taxonomies`: by industry, where others are in force than the shipped ones; `recovery`:
    up to which scores a customer who asked to be called gets a case."""

    def __init__(
        self,
        *,
        false_alerts_a_month: float = 0.1,
        hold_ms: int = HOLD_MS,
        taxonomies: Mapping[str, Taxonomy] = MappingProxyType({}),
        recovery: Limits = Limits(),  # noqa: B008 - frozen
    ) -> None:
        self.hold_ms = hold_ms
        self._taxonomies = taxonomies
        self.detectors: tuple[Detector, ...] = (
            SevereDetector(),
            RecoveryDetector(recovery),
            CascadeDetector(share("cascade", false_alerts_a_month)),
            InfluentialDetector(share("influential", false_alerts_a_month)),
            SurgeDetector(share("surge", false_alerts_a_month)),
        )
        self._by_name = {detector.name: detector for detector in self.detectors}

    def step(self, state: UnitState, event: UnitEvent, watermark_ms: int = -1) -> list[Output]:
        """Applies the next event of the unit's log to its state. The watermark is that of the log before the event,
        -1 while there is none."""
        outputs: list[Output] = []
        if isinstance(event, Insight):
            self._insight(state, event, watermark_ms, outputs)
        elif isinstance(event, UnitSettings):
            self._settle_in(state, event)
        elif isinstance(event, UnitAction):
            outputs += desk.act(state, event, lambda case: self._let_go(state, case))
        elif isinstance(event, UnitTransfer):
            outputs += desk.receive(state, event)
            _forget_old_cases(state, outputs)
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
            for cause, firing in list(state.firing.items()):
                case = state.cases[firing]
                if case.check_at is not None and case.check_at <= due:
                    self._check(state, cause, case, due, outputs)
            if state.remind_at is not None and state.remind_at <= due:
                outputs += duties.remind(state, due)
            after = self.due(state)
            assert after is None or after > due, "what was due is done"
        return outputs

    def holds(self, state: UnitState, erasure: UnitErasure) -> bool:
        """Whether there is anything of the erased insights in what the unit remembers."""
        return likeness.holds(state.likeness, erasure.insight_ids) or any(
            detector.holds(getattr(state, detector.name), insight_id)
            for detector in self.detectors
            for insight_id in erasure.insight_ids
        )

    def due(self, state: UnitState) -> int | None:
        """When something is to be done next, if nothing comes in before."""
        times: list[int] = [closes(min(state.hours))] if state.hours else []
        if state.remind_at is not None:
            times.append(state.remind_at)
        for alert in state.firing.values():
            check_at = state.cases[alert].check_at
            if check_at is not None:
                times.append(check_at)
        return min(times) if times else None

    # What happens at an insight

    def _insight(self, state: UnitState, insight: Insight, watermark_ms: int, outputs: list[Output]) -> None:
        state.now = max(state.now, int(insight.event_time))
        count(state, insight, watermark_ms)
        if insight.kind == "answer":
            outputs += desk.answered(state, insight)
            return
        confidential = bool(state.profile.confidential) and _is_confidential(state, insight)
        if confidential:
            insight = _for_head_office(state, insight)
        else:
            likeness.observe(state.likeness, insight)
        for detector in self.detectors:
            kept = getattr(state, detector.name)
            if watermark_ms >= 0:
                detector.advance(kept, self._needed_from(state, detector, watermark_ms))
            if insight.kind == "delete":
                if detector.retract(kept, insight.id) is not None:
                    self._correct(state, detector, insight.id, outputs)
                continue
            written = None
            if insight.kind == "edit" and not detector.takes_edits and insight.sentiment is not None:
                written = detector.retract(kept, insight.id)
            seen = insight if written is None else msgspec.structs.replace(insight, event_time=Millis(written))
            if (not confidential or detector.takes_confidential) and detector.observe(kept, seen):
                for signal in detector.judge(kept, seen):
                    self._act_on(state, detector, signal, seen, outputs)
            if written is not None:
                self._correct(state, detector, insight.id, outputs)
        if insight.kind == "feedback" and insight.customer_ref is not None and not confidential:
            outputs += desk.joined(state, insight)

    def _act_on(
        self, state: UnitState, detector: Detector, signal: Signal, insight: Insight, outputs: list[Output]
    ) -> None:
        """Opens an alert, or lets the one that is firing grow."""
        kept, cause = getattr(state, detector.name), signal.cause
        firing = state.firing.get(cause)
        if firing is not None:
            self._grow(state, detector, state.cases[firing], signal, insight, outputs)
            return
        finding = detector.evaluate(kept, cause, signal.at_ms)
        case = self._same_matter(state, cause, signal.at_ms)
        if case is None:
            self._open(state, detector, cause, finding, insight, outputs)
        else:
            case.ended_ms, case.calm_since, case.check_at = None, None, signal.at_ms + CHECK_MS
            case.opened_ms = signal.at_ms
            state.firing[cause] = case.last.alert_id
            case.last = self._with_finding(state, case, finding)
            outputs += tell(case, "reopened", finding.at_ms)
        detector.freeze(kept, cause, signal.at_ms, signal.at_ms + LEARN_AGAIN_MS)

    def _grow(
        self,
        state: UnitState,
        detector: Detector,
        case: Case,
        signal: Signal,
        insight: Insight,
        outputs: list[Output],
    ) -> None:
        """Says so only where it is a step worse, has passed the next size, or concerns another department."""
        if case.calm_since is not None and signal.at_ms >= case.calm_since:
            case.calm_since = None
        worse = signal.severity > case.last.severity or signal.grown_past > case.grown_past
        if not worse and (not insight.aspects or insight.aspects[0].department in case.departments):
            return
        finding = detector.evaluate(getattr(state, detector.name), case.cause, signal.at_ms)
        if worse or (finding.department is not None and finding.department not in case.departments):
            before = case.last.severity_label
            case.last = self._with_finding(state, case, finding)
            if case.last.severity_label != before:
                duties.worsen(state, case, finding.at_ms)
            outputs += tell(case, "grown", finding.at_ms)

    @staticmethod
    def _same_matter(state: UnitState, cause: str, at_ms: int) -> Case | None:
        """The last alert of the cause, if it became quiet only lately and nobody has finished it. A customer's case is
        the same as long as it is unfinished."""
        for case in reversed(state.cases.values()):
            if case.cause == cause:
                lately = case.ended_ms is not None and at_ms - case.ended_ms <= SAME_AGAIN_MS
                lately |= cause.startswith("recovery:") and case.ended_ms is not None
                return case if lately and not finished(case.last.state) else None
        return None

    def _needed_from(self, state: UnitState, detector: Detector, watermark_ms: int) -> int:
        """What firing alerts were raised for is not forgotten (for a day at most), so that it can be corrected."""
        if not state.firing:
            return watermark_ms
        found = [case.found_ms for case in self._firing(state, detector)]
        return min(watermark_ms, max(min(found), watermark_ms - LEARN_AGAIN_MS)) if found else watermark_ms

    def _firing(self, state: UnitState, detector: Detector) -> list[Case]:
        """The cases of a detector that are firing."""
        return [state.cases[alert] for cause, alert in state.firing.items() if cause.partition(":")[0] == detector.name]

    def _correct(self, state: UnitState, detector: Detector, insight_id: str, outputs: list[Output]) -> None:
        """Evidence of a firing alert was changed or taken back: say what is left."""
        for case in self._firing(state, detector) if state.firing else ():
            if any(evidence.post_id == insight_id for evidence in case.last.evidence):
                finding = detector.evaluate(getattr(state, detector.name), case.cause, case.found_ms)
                case.last = self._with_finding(state, case, finding)
                outputs += tell(case, "corrected", finding.at_ms)

    def _erase(self, state: UnitState, erasure: UnitErasure, outputs: list[Output]) -> None:
        likeness.forget(state.likeness, erasure.insight_ids)
        for detector in self.detectors:
            for insight_id in erasure.insight_ids:
                if detector.retract(getattr(state, detector.name), insight_id) is not None:
                    self._correct(state, detector, insight_id, outputs)

    # What happens with time and with new settings

    def _check(self, state: UnitState, cause: str, case: Case, now: int, outputs: list[Output]) -> None:
        """Looks whether a firing alert has calmed down; quiet once it has been calm for the hold time."""
        detector = self._by_name[cause.partition(":")[0]]
        kept = getattr(state, detector.name)
        case.check_at = now + CHECK_MS
        if not detector.calm(kept, cause, now):
            case.calm_since = None
        elif case.calm_since is None:
            case.calm_since = now
        elif now - case.calm_since >= self.hold_ms:
            self._end(state, case, now)
            outputs += tell(case, "quiet", now)

    def _end(self, state: UnitState, case: Case, now: int) -> None:
        """The signal of an alert has ended."""
        detector = self._by_name[case.cause.partition(":")[0]]
        kept = getattr(state, detector.name)
        case.check_at, case.ended_ms = None, now
        del state.firing[case.cause]
        detector.freeze(kept, case.cause, case.opened_ms, min(now, case.opened_ms + LEARN_AGAIN_MS))
        detector.end(kept, case.cause, now)

    def _let_go(self, state: UnitState, case: Case) -> None:
        """A case leaves the unit: what it told is not this unit's any more."""
        if state.firing.get(case.cause) == case.last.alert_id:
            self._end(state, case, state.now)

    def _settle_in(self, state: UnitState, settings: UnitSettings) -> None:
        """New settings; older ones than those in force change nothing."""
        if settings.version <= state.profile.version:
            return
        state.profile = _profile(state.profile, settings)
        if settings.unit is not None:
            for detector in self.detectors:
                detector.configure(getattr(state, detector.name), settings.unit)
        for case in state.cases.values():
            duties.plan(state, case)

    # Records

    def _open(
        self,
        state: UnitState,
        detector: Detector,
        cause: str,
        finding: Finding,
        insight: Insight,
        outputs: list[Output],
    ) -> None:
        secret = _is_confidential(state, insight)
        first = record.opened(state, detector, cause, finding, insight.id, to_head_office=secret)
        state.opened += 1
        case = Case(cause=cause, last=first, opened_ms=finding.at_ms, check_at=finding.at_ms + CHECK_MS)
        case.last = self._with_finding(state, case, finding)
        state.cases[first.alert_id] = case
        state.firing[cause] = first.alert_id
        duties.begin(state, case, finding.at_ms)
        outputs += tell(case, "opened", finding.at_ms)
        _forget_old_cases(state, outputs)

    def _with_finding(self, state: UnitState, case: Case, finding: Finding) -> Alert:
        """The last record with what is seen now."""
        case.found_ms = finding.at_ms
        case.grown_past = max(case.grown_past, finding.grown_past)
        if finding.department is not None and finding.department not in case.departments:
            case.departments = [*case.departments, finding.department]
        desk.follow(case, finding.threads)
        detector = self._by_name[case.cause.partition(":")[0]]
        taxonomy = self._taxonomies.get(state.profile.industry) or load(state.profile.industry)
        return record.with_finding(case.last, finding, detector, state.profile, state.likeness, taxonomy)


def _is_confidential(state: UnitState, insight: Insight) -> bool:
    """Whether only head office may know of it: by what it says, or what the post says that it passes on."""
    told = [severe.cause for severe in insight.severe]
    if insight.root is not None:
        told += insight.root.severe
    return any(cause in state.profile.confidential for cause in told)


def _for_head_office(state: UnitState, insight: Insight) -> Insight:
    """Without the causes that are not confidential: their alerts are the unit's, and this must not be in them. Head
    office sees the whole post."""
    severe = tuple(one for one in insight.severe if one.cause in state.profile.confidential)
    return msgspec.structs.replace(insight, severe=severe)


def _profile(before: Profile, settings: UnitSettings) -> Profile:
    unit = settings.unit
    by_kind = {ancestor.kind: ancestor.id for ancestor in reversed(settings.ancestors)}
    return Profile(
        version=settings.version,
        name=unit.name if unit else before.name,
        kind=unit.kind if unit else before.kind,
        industry=unit.industry if unit else before.industry,
        region=by_kind.get("region"),
        brand=by_kind.get("brand"),
        above=tuple(ancestor.id for ancestor in settings.ancestors),
        confidential=unit.confidential if unit else before.confidential,
        schedule=schedule_of(unit) if unit else before.schedule,
        departments=unit.departments if unit else before.departments,
        escalation=unit.escalation if unit else before.escalation,
        removed=unit is None,
    )


def _forget_old_cases(state: UnitState, outputs: list[Output]) -> None:
    """Bounds the memory of cases: those that are quiet and finished go after 30 days. Where there are too many the
    oldest finished ones go, then the oldest that nobody has worked on: that is told."""
    quiet = [(case.ended_ms, key) for key, case in state.cases.items() if case.ended_ms is not None]
    done = sorted(one for one in quiet if finished(state.cases[one[1]].last.state))
    undone = sorted(one for one in quiet if not finished(state.cases[one[1]].last.state))
    too_many = len(state.cases) - CASES_MAX
    for number, (ended, key) in enumerate(done):
        if ended < state.now - KEEP_CASE_MS or number < too_many:
            del state.cases[key]
    for _, key in undone[: max(0, len(state.cases) - CASES_MAX)]:
        case = state.cases.pop(key)
        case.last = msgspec.structs.replace(case.last, state="dismissed")
        outputs += tell(case, "dismissed", state.now, reason="too_many_open")
    duties.look_ahead(state)


def outputs_of(alerts: Iterable[Output]) -> list[Alert]:
    """Only the alerts among outputs."""
    return [output for output in alerts if isinstance(output, Alert)]
