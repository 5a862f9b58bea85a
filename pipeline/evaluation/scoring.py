"""Alerts against incidents: what was found, how soon, and how much was raised for nothing.

In: sightings (an alert opened, or grew), and the incidents of a scenario, or none. Out: figures by detector. The rules:
an incident is found by the first alert of its unit that opens or grows between its start and an hour after its end; an
alert that was there for no incident is a false one, and so is one that was there for a distraction only.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

import msgspec

from pipeline.evaluation.incident import Incident
from schemas.alert import Alert
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS

FOUND_WITHIN_MS = HOUR_MS
MONTH_MS = 30 * DAY_MS
WEEK_MS = 7 * DAY_MS
RAISES = frozenset(("opened", "grown", "reopened"))
"""Changes that tell of something new; `reopened` only where no person did it."""
OUTSIDE_BUDGET = frozenset(("SeverePost", "CustomerRecovery"))
"""Alerts that need no statistics: the budget of false alerts is not theirs."""


class Sighting(NamedTuple):
    """An alert opened (`opened`), grew or came back. `detector`: who says so; `alert`: the same for all sightings of
    one alert."""

    at_ms: int
    unit_id: str
    detector: str
    alert: str
    opened: bool


class Span(NamedTuple):
    """What was looked at: so many units, for so long."""

    units: int
    starts: int
    ends: int

    @property
    def unit_months(self) -> float:
        """Units times months of 30 days."""
        return self.units * max(1, self.ends - self.starts) / MONTH_MS

    @property
    def unit_weeks(self) -> float:
        """Units times weeks."""
        return self.units * max(1, self.ends - self.starts) / WEEK_MS


class Spread(msgspec.Struct, frozen=True):
    """Of how many, the one in the middle and the one that nine of ten do not exceed."""

    median: float
    p90: float


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Of one detector, or of several together. Rates are per unit; a month has 30 days. Without a truth there are only
    the alerts. `found` and `planted`: incidents by kind, of its own kind only where the detector has one; `recall` is
    their share. Delays are those of the incidents that were found: posts of the incident, minutes from its start."""

    alerts: int
    alerts_a_month: float
    alerts_a_week: float
    false_alerts: int | None = None
    false_alerts_a_month: float | None = None
    precision: float | None = None
    recall: float | None = None
    found: dict[str, int] = {}
    planted: dict[str, int] = {}
    delay_posts: Spread | None = None
    delay_minutes: Spread | None = None


class Truth:
    """The incidents of a scenario. `post_times`: when the posts that incidents name were written, as far as known."""

    def __init__(self, incidents: Iterable[Incident], post_times: Mapping[str, int]) -> None:
        self.incidents: dict[str, list[Incident]] = {}
        self.distractions = 0
        self._moments: dict[Incident, list[int]] = {}
        for incident in sorted(incidents, key=lambda one: one.starts):
            if incident.kind == "distraction":
                self.distractions += 1
                continue
            self.incidents.setdefault(incident.unit_id, []).append(incident)
            self._moments[incident] = sorted(post_times[post] for post in incident.post_ids if post in post_times)

    def at(self, unit_id: str, at_ms: int) -> list[Incident]:
        """The incidents of the unit that an alert of this moment finds."""
        return [
            incident
            for incident in self.incidents.get(unit_id, ())
            if incident.starts <= at_ms <= incident.ends + FOUND_WITHIN_MS
        ]

    def posts(self, incident: Incident, at_ms: int) -> int | None:
        """How many of its posts were written by then; None where their times are not known."""
        moments = self._moments[incident]
        return bisect_right(moments, at_ms) if moments else None


def sightings(alerts: Iterable[Alert]) -> list[Sighting]:
    """What of the records of alerts makes a difference."""
    return [
        Sighting(int(alert.detected_at), alert.labels.unit_id, alert.labels.alertname, alert.alert_id,
                 alert.change == "opened")
        for alert in alerts
        if alert.change in RAISES and alert.action_id is None
    ]  # fmt: skip


def score(
    seen: Sequence[Sighting], span: Span, truth: Truth | None = None, kinds: frozenset[str] | None = None
) -> Figures:
    """The figures of some sightings. `kinds`: recall is asked for these kinds of incidents only."""
    opened = [sighting for sighting in seen if sighting.opened]
    alerts = {sighting.alert for sighting in opened}
    rates = {
        "alerts": len(alerts),
        "alerts_a_month": len(alerts) / span.unit_months,
        "alerts_a_week": len(alerts) / span.unit_weeks,
    }
    if truth is None:
        return Figures(**rates)  # type: ignore[arg-type]
    useful: set[str] = set()
    first: dict[Incident, int] = {}
    for sighting in sorted(seen):
        for incident in truth.at(sighting.unit_id, sighting.at_ms):
            useful.add(sighting.alert)
            first.setdefault(incident, sighting.at_ms)
    wanted = [
        incident
        for incidents in truth.incidents.values()
        for incident in incidents
        if kinds is None or incident.kind in kinds
    ]
    found = {incident: first[incident] for incident in wanted if incident in first}
    false = len(alerts - useful)
    posts = [truth.posts(incident, at_ms) for incident, at_ms in found.items()]
    return Figures(
        **rates,  # type: ignore[arg-type]
        false_alerts=false,
        false_alerts_a_month=false / span.unit_months,
        precision=1.0 - false / len(alerts) if alerts else None,
        recall=len(found) / len(wanted) if wanted else None,
        found=_by_kind(found),
        planted=_by_kind(wanted),
        delay_posts=spread([count for count in posts if count is not None]),
        delay_minutes=spread([(at_ms - incident.starts) / MINUTE_MS for incident, at_ms in found.items()]),
    )


def by_detector(
    seen: Sequence[Sighting], span: Span, truth: Truth | None, kinds: Mapping[str, str]
) -> dict[str, Figures]:
    """Figures of each detector, then `budget` (all that share the budget, asked for what they are there for) and `all`.
    `kinds`: the kind of incident that each detector is there for; those that raised nothing are among the results
    too."""
    names = sorted({*kinds, *(sighting.detector for sighting in seen)})
    found = {
        name: score(
            [sighting for sighting in seen if sighting.detector == name],
            span,
            truth,
            frozenset((kinds[name],)) if name in kinds else None,
        )
        for name in names
    }
    within = frozenset(kind for name, kind in kinds.items() if name not in OUTSIDE_BUDGET)
    found["budget"] = score([one for one in seen if one.detector not in OUTSIDE_BUDGET], span, truth, within)
    found["all"] = score(seen, span, truth)
    return found


def spread(values: Sequence[float]) -> Spread | None:
    """Median and 90th percentile, None of nothing."""
    if not values:
        return None
    return Spread(float(median(values)), float(sorted(values)[-(-len(values) * 9 // 10) - 1]))


def _by_kind(incidents: Iterable[Incident]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for incident in incidents:
        counts[incident.kind] = counts.get(incident.kind, 0) + 1
    return dict(sorted(counts.items()))
