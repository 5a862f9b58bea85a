"""Severe: one post alone is enough. Somebody was hurt or fell ill, was discriminated against, threatens, sues, had his
data in wrong hands, a child was in danger.

In: insights with severe causes, each with the words that told it (`Said.severe`). Out: for each cause what the last
24 hours say of it. The one rule: no statistics; the first post opens the alert, further people make it worse, by one
step for every two of them. Outside the budget of false alerts, which is for what is statistical.

Source: none is needed; section 7 of the design names these causes as those that need no statistics.
"""

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from pipeline.detectors.detector import Finding, Signal
from pipeline.detectors.mention import Mention, aspects_of, mention_of, most, told
from schemas.alert import Detection
from schemas.insight import Insight
from schemas.time import DAY_MS, MINUTE_MS
from schemas.unit import Unit

WINDOW_MS: Final = DAY_MS
GRACE_MS: Final = 10 * MINUTE_MS
"""How late behind the watermark an insight may come and still have its whole window."""
REPORTS_MAX: Final = 50
"""Of one cause."""
WORDS_MAX: Final = 10
PEOPLE_A_STEP: Final = 2
"""So many further people are one step of severity."""
SEVERITY_MAX: Final = 10

_KINDS: Final = frozenset(("post", "reply", "review", "feedback", "edit"))


class Report(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A post that tells a cause: the words that told it, whose department it is, how severe one such post is."""

    mention: Mention
    words: str
    department: str
    severity: int


class SevereState(msgspec.Struct, omit_defaults=True):
    """`causes`: by cause the reports of the last 24 hours, by event time, at most 50. Empty for nearly every unit."""

    causes: dict[str, list[Report]] = {}


class SevereDetector:
    """Has nothing to be set: how severe a cause is stands in the taxonomy."""

    name = "severe"
    alertname = "SeverePost"
    state_type = SevereState
    takes_confidential = True
    takes_edits = False

    def observe(self, state: SevereState, insight: Insight) -> bool:
        """See `Detector.observe`. Whoever has no author counts as somebody of his own."""
        if not insight.severe or insight.kind not in _KINDS or self.holds(state, insight.id):
            return False
        mention, changed = mention_of(insight), False
        for one in insight.severe:
            reports = state.causes.setdefault(one.cause, [])
            report = Report(mention, one.words, one.department, one.severity)
            insort(reports, report, key=_place)
            changed |= _bound(reports) is not report
        return changed

    def retract(self, state: SevereState, insight_id: str) -> int | None:
        """See `Detector.retract`."""
        time_ms = None
        for cause, reports in list(state.causes.items()):
            for place, report in enumerate(reports):
                if report.mention.insight_id == insight_id:
                    time_ms = report.mention.event_time
                    del reports[place]
                    break
            if not reports:
                del state.causes[cause]
        return time_ms

    def holds(self, state: SevereState, insight_id: str) -> bool:
        """See `Detector.holds`."""
        return any(report.mention.insight_id == insight_id for reports in state.causes.values() for report in reports)

    def judge(self, state: SevereState, insight: Insight) -> Sequence[Signal]:
        """See `Detector.judge`: the windows that end at the insight, or at a report up to 24 hours later."""
        found = []
        for cause in dict.fromkeys(severe.cause for severe in insight.severe):
            windows = _windows(state.causes.get(cause, []), int(insight.event_time))
            signals = [Signal(at_ms, _severity(window), f"{self.name}:{cause}") for at_ms, window in windows]
            if signals:
                found.append(max(signals, key=lambda signal: (signal.severity, -signal.at_ms)))
        return found

    def signal(self, state: SevereState, cause: str, at_ms: int) -> Signal | None:
        """See `Detector.signal`."""
        window = self._window(state, cause, at_ms)
        return Signal(at_ms, _severity(window), cause) if window else None

    def calm(self, state: SevereState, cause: str, at_ms: int) -> bool:
        """See `Detector.calm`: nobody said so for 24 hours."""
        return not self._window(state, cause, at_ms)

    def evaluate(self, state: SevereState, cause: str, at_ms: int) -> Finding:
        """See `Detector.evaluate`: the 24 hours that end at `at_ms`. `aspect` is the cause, by its name in the
        taxonomy."""
        reports = self._window(state, cause, at_ms)
        mentions = [report.mention for report in reports]
        return Finding(
            at_ms=at_ms,
            active=bool(reports),
            detection=Detection(
                method="severe_phrase",
                window_s=WINDOW_MS // 1000,
                observed=len(reports),
                distinct_authors=_people(reports),
                baseline="none",
                words=tuple(dict.fromkeys(report.words for report in reports))[:WORDS_MAX],
                aspects=aspects_of(mentions),
            ),
            severity=_severity(reports),
            ends_when="nobody says so again for 24 hours",
            **told(mentions)
            | {
                "aspect": cause.removeprefix(f"{self.name}:"),
                "department": most(report.department for report in reports),
            },
        )

    def freeze(self, state: SevereState, cause: str, from_ms: int, to_ms: int) -> None:
        """See `Detector.freeze`. There is nothing to learn."""

    def end(self, state: SevereState, cause: str, at_ms: int) -> None:
        """See `Detector.end`. What was said is not forgotten: it alone makes no new alert."""

    def configure(self, state: SevereState, unit: Unit) -> None:
        """See `Detector.configure`. Which causes are confidential is the engine's business."""

    def advance(self, state: SevereState, watermark_ms: int) -> None:
        """See `Detector.advance`."""
        closed = watermark_ms - WINDOW_MS - GRACE_MS
        for cause, reports in list(state.causes.items()):
            if _time(reports[0]) <= closed:
                del reports[: bisect_right(reports, closed, key=_time)]
                if not reports:
                    del state.causes[cause]

    def summary(self, finding: Finding, place: str, topic: str | None) -> str:
        """See `Detector.summary`. `topic`: the title of the severe cause."""
        people = finding.detection.distinct_authors
        told = topic or (finding.aspect or "").replace("_", " ").capitalize()
        who = "1 customer" if people == 1 else f"{people} customers"
        return f"{told}: {who} wrote so about {place} within {finding.detection.window_s // 3600} hours"

    def _window(self, state: SevereState, cause: str, at_ms: int) -> list[Report]:
        return _between(state.causes.get(cause.removeprefix(f"{self.name}:"), []), at_ms)


def _bound(reports: list[Report]) -> Report | None:
    """Takes out the oldest of whoever wrote most where there are too many, so that one person who writes a thousand
    times does not push out the others."""
    if len(reports) <= REPORTS_MAX:
        return None
    wrote = Counter(report.mention.author for report in reports)
    worst = max(wrote.values())
    place = next(place for place, report in enumerate(reports) if wrote[report.mention.author] == worst)
    return reports.pop(place)


def _between(reports: list[Report], at_ms: int) -> list[Report]:
    """Those of the 24 hours that end at `at_ms`."""
    return reports[bisect_right(reports, at_ms - WINDOW_MS, key=_time) : bisect_right(reports, at_ms, key=_time)]


def _windows(reports: list[Report], event_time: int) -> Iterator[tuple[int, list[Report]]]:
    """The windows with a report of this time in them, by their ends."""
    later = {_time(one) for one in reports if event_time < _time(one) < event_time + WINDOW_MS}
    for at_ms in (event_time, *sorted(later)):
        if window := _between(reports, at_ms):
            yield at_ms, window


def _severity(reports: list[Report]) -> int:
    """Severity 1 to 10: of the worst post, and a step for every two further people."""
    if not reports:
        return 1
    worst = max(report.severity for report in reports)
    return min(SEVERITY_MAX, worst + (_people(reports) - 1) // PEOPLE_A_STEP)


def _people(reports: list[Report]) -> int:
    return len({report.mention.author for report in reports})


def _time(report: Report) -> int:
    return report.mention.event_time


def _place(report: Report) -> tuple[int, str]:
    return report.mention.event_time, report.mention.insight_id
