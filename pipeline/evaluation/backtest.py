"""What would have been alerted: a log played once for each budget, and rules of thumb on the same complaints.

In: records of `cem.events`, and the incidents where they are known. Out: `Backtest`, which is figures by budget and
detector, by rule of thumb, and the days with most alerts. The rule: understanding does not depend on the budget, so the
log is made once; everything behind it is done again for each budget by the service's own code.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from pipeline.evaluation.incident import Incident
from pipeline.evaluation.rules import ALWAYS, NEVER, TUNABLE, Reading, Rule, Watch, tuned
from pipeline.evaluation.scoring import OUTSIDE_BUDGET, Figures, Sighting, Span, Truth, by_detector, score
from schemas.event import Event
from schemas.insight import Insight
from schemas.time import DAY_MS, format_time

DAYS_SHOWN = 10
_ORIGINALS = frozenset(("post", "reply", "review", "feedback"))


class Complaint(NamedTuple):
    """A negative original: when and by whom."""

    at_ms: int
    author: str


class Rise(NamedTuple):
    """A complaint at which there were more people than at any time of the half hour before it."""

    unit_id: str
    reading: Reading


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A day (UTC) with alerts: how many, in how many units, and by detector."""

    day: str
    alerts: int
    units: int
    detectors: dict[str, int]


class Tuned(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of thumb at a threshold. `budget`: it was tuned to the false alerts of our surge detector at this one;
    None: the threshold is the usual one."""

    rule: str
    threshold: float | None
    budget: float | None
    figures: Figures


class Backtest(msgspec.Struct, frozen=True, kw_only=True):
    """`budgets`: by budget, as text, the figures by detector, of all that share the budget, and of all. `busiest`: by
    budget the days with most alerts."""

    units: int
    starts: str
    ends: str
    days: float
    insights: int
    complaints: int
    incidents: int | None
    distractions: int | None
    budgets: dict[str, dict[str, Figures]]
    rules: list[Tuned]
    busiest: dict[str, list[Day]]


class History:
    """What is to be known of a log beside its alerts; record by record. `posts`: ids of which the time is wanted."""

    def __init__(self, posts: Iterable[str] = ()) -> None:
        self.insights = 0
        self.complaints: dict[str, list[Complaint]] = {}
        self.post_times: dict[str, int] = {}
        self._wanted = frozenset(posts)
        self._seen: set[tuple[str, str]] = set()
        self._units: set[str] = set()
        self._first = self._last = -1

    def observe(self, event: Event) -> None:
        """The next record."""
        if not isinstance(event, Insight):
            return
        at_ms = int(event.event_time)
        self.insights += 1
        self._units.add(event.unit_id)
        self._first = at_ms if self._first < 0 else min(self._first, at_ms)
        self._last = max(self._last, at_ms)
        if event.kind not in _ORIGINALS:
            return
        post = event.id.partition(":")[2]
        if post in self._wanted:
            self.post_times.setdefault(post, at_ms)
        negative = event.sentiment is not None and event.sentiment.label == "negative"
        if negative and (event.unit_id, event.id) not in self._seen:
            self._seen.add((event.unit_id, event.id))
            author = event.author or event.customer_ref or event.id
            self.complaints.setdefault(event.unit_id, []).append(Complaint(at_ms, author))

    @property
    def span(self) -> Span:
        """The units that anything was said about, from the first word to the last."""
        return Span(len(self._units), self._first, self._last)

    def rises(self) -> list[Rise]:
        """All that a rule of thumb can alert at."""
        found: list[Rise] = []
        for unit_id, complaints in sorted(self.complaints.items()):
            watch = Watch()
            for complaint in sorted(complaints):
                reading = watch.observe(complaint.at_ms, complaint.author)
                if reading.authors > reading.peak:
                    found.append(Rise(unit_id, reading))
        return found


def backtest(
    history: History,
    alerts: Mapping[float, Sequence[Sighting]],
    kinds: Mapping[str, str],
    incidents: Sequence[Incident] | None = None,
) -> Backtest:
    """All figures. `alerts`: what was sighted at each budget; `kinds`: by detector the kind of incident that it is
    there for. Raises ValueError where nothing was said about any unit."""
    span = history.span
    if not span.units:
        raise ValueError("nothing is said about any unit")
    truth = None if incidents is None else Truth(incidents, history.post_times)
    found = {budget: by_detector(seen, span, truth, kinds) for budget, seen in alerts.items()}
    surge = next((name for name, kind in kinds.items() if kind == "surge"), "budget")
    false = {budget: by[surge].false_alerts or 0 for budget, by in found.items()} if truth is not None else {}
    return Backtest(
        units=span.units,
        starts=format_time(span.starts),
        ends=format_time(span.ends),
        days=round((span.ends - span.starts) / DAY_MS, 2),
        insights=history.insights,
        complaints=sum(map(len, history.complaints.values())),
        incidents=None if truth is None else sum(map(len, truth.incidents.values())),
        distractions=None if truth is None else truth.distractions,
        budgets={f"{budget:g}": by for budget, by in found.items()},
        rules=_rules(history.rises(), span, truth, false),
        busiest={f"{budget:g}": busiest(seen) for budget, seen in alerts.items()},
    )


def busiest(seen: Iterable[Sighting]) -> list[Day]:
    """The days with most alerts, severe ones included; at most ten."""
    days: dict[int, list[Sighting]] = {}
    for sighting in seen:
        if sighting.opened:
            days.setdefault(sighting.at_ms // DAY_MS, []).append(sighting)
    most = sorted(days.items(), key=lambda day: (-len(day[1]), day[0]))[:DAYS_SHOWN]
    return [
        Day(
            day=format_time(day * DAY_MS)[:10],
            alerts=len(opened),
            units=len({sighting.unit_id for sighting in opened}),
            detectors=dict(sorted(Counter(sighting.detector for sighting in opened).items())),
        )
        for day, opened in most
    ]


def _rules(rises: Sequence[Rise], span: Span, truth: Truth | None, false: Mapping[float, int]) -> list[Tuned]:
    """Each at its usual threshold, then each at those that bring as many false alerts as ours."""
    found = [_figures(rule, None, rises, span, truth) for rule in (ALWAYS, NEVER, *TUNABLE)]
    if truth is None:
        return found
    ordinary = [rise.reading for rise in rises if not truth.at(rise.unit_id, rise.reading.at_ms)]
    for budget, alerts in false.items():
        for rule in TUNABLE:
            patient = rule._replace(count_min=3)
            levels = ((patient.stands(one.past, one.peak), patient.stands(one.past, one.authors)) for one in ordinary)
            threshold = tuned(levels, alerts)
            found.append(_figures(patient._replace(threshold=threshold), budget, rises, span, truth))
    return found


def _figures(rule: Rule, budget: float | None, rises: Sequence[Rise], span: Span, truth: Truth | None) -> Tuned:
    seen: list[Sighting] = []
    alerts: Counter[str] = Counter()
    for unit_id, reading in rises:
        if rule.stands(reading.past, reading.authors) < rule.threshold:
            continue
        opens = reading.opens(rule)
        alerts[unit_id] += opens
        seen.append(Sighting(reading.at_ms, unit_id, rule.name, f"{unit_id}/{alerts[unit_id]}", opens))
    known = rule not in (ALWAYS, NEVER)
    figures = score(seen, span, truth, frozenset(("surge",)))
    return Tuned(rule=rule.name, threshold=round(rule.threshold, 4) if known else None, budget=budget, figures=figures)


def shares_budget(detector: str) -> bool:
    """Whether the budget of false alerts is this detector's too."""
    return detector not in OUTSIDE_BUDGET
