"""What is live, for Prometheus: what customers say and which alerts are open, by channel, department, region and unit.

In: insights and alert records as a worker's logs make them. Out: the metrics of `pipeline.metrics`. The rules: the way
of a record only adds to a dictionary, and `publish` (every two seconds, and when metrics are asked for) does the rest;
and the number of series is bounded: by unit up to `metrics_units_max`, then `other`; a unit that is removed, and those
whose partition has gone to another worker, take their series with them.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Protocol, get_args

from aiokafka import TopicPartition
from prometheus_client import Gauge

from pipeline import metrics
from pipeline.alerts.deadlines import done
from pipeline.alerts.lifecycle import finished
from pipeline.engine import Output
from pipeline.log import Log
from pipeline.state import Profile
from schemas.alert import Alert, Duty
from schemas.case import CaseEntry
from schemas.event import Event
from schemas.insight import Insight

OTHER = "other"
NONE = "none"
_NOT_SAID = frozenset(("answer", "edit", "delete"))
"""Kinds of insights in which no customer says something new."""
_DUTIES: tuple[Duty, ...] = get_args(Duty)
_SENTIMENTS = ("negative", "neutral", "positive", "abstained")
_PLACE = {sentiment: place for place, sentiment in enumerate(_SENTIMENTS)}
_UNKNOWN = Profile()
_RAISED = frozenset(("opened", "grown", "reopened"))
_BY_DAYS_MAX = 86_400.0
"""A post that made an alert is younger; what is older was brought late on purpose and says nothing of our speed."""


class Clocked(Protocol):
    """A partition's processor that knows how far it is in event time."""

    @property
    def clock_ms(self) -> int:
        """Event time up to which the partition is worked on; -1 while nobody knows."""
        ...


class Bounded:
    """The first values that come, up to so many, stand for themselves; all others are `other`."""

    def __init__(self, count_max: int) -> None:
        self._count_max = count_max
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        """The label for a value."""
        if value not in self._known:
            if len(self._known) >= self._count_max:
                return OTHER
            self._known.add(value)
        return value

    def forget(self, value: str) -> bool:
        """Makes room. Whether it had a label of its own."""
        known = value in self._known
        self._known.discard(value)
        return known

    def clear(self) -> None:
        """Makes room for all."""
        self._known.clear()


class Meter:
    """Counts what comes of one partition of the log. `said`: since the last `publish`, by channel, department and
    sentiment; `units`: by unit, how often each of `_SENTIMENTS`; `open`: unfinished alerts by unit and id, as their
    last records say."""

    def __init__(self, log: Log, *, wall: bool) -> None:
        self._log = log
        self._wall = wall
        self.said: dict[tuple[str, str, str], int] = {}
        self.units: dict[str, list[int]] = {}
        self.open: dict[str, dict[str, Alert]] = {}
        self.removed: set[str] = set()

    def loaded(self) -> None:
        """States were read back: their unfinished alerts are open."""
        for unit_id, state in self._log.units.items():
            if state.cases:
                found = {key: case.last for key, case in state.cases.items() if not finished(case.last.state)}
                if found:
                    self.open[unit_id] = found

    def insight(self, insight: Insight) -> None:
        """What a customer said, or the first answer to it."""
        judged = insight.sentiment
        if judged is not None and insight.kind not in _NOT_SAID:
            sentiment = "abstained" if judged.abstained else judged.label
            counts = self.units.get(insight.unit_id)
            if counts is None:
                counts = self.units[insight.unit_id] = [0] * len(_SENTIMENTS)
            counts[_PLACE[sentiment]] += 1
            aspects = insight.aspects
            key = insight.channel, aspects[0].department if aspects else NONE, sentiment
            self.said[key] = self.said.get(key, 0) + 1
        if insight.first_answer_ms is not None:
            metrics.FIRST_ANSWER_SECONDS.labels(insight.channel).observe(insight.first_answer_ms / 1000)

    def outputs(self, outputs: Iterable[Output], event: Event, append_ms: int) -> None:
        """What the engine made of an event, which was appended to the log at that time."""
        for output in outputs:
            if isinstance(output, Alert):
                self._alert(output)
                if output.change in _RAISED:
                    _observe_delay(event, append_ms, wall=self._wall)
            elif isinstance(output, CaseEntry) and output.action is not None:
                metrics.CASE_ENTRIES.labels(output.action, output.reason).inc()

    def _alert(self, alert: Alert) -> None:
        metrics.ALERTS.labels(alert.change, alert.labels.alertname, alert.severity_label).inc()
        unit_id = alert.labels.unit_id
        known = self.open.setdefault(unit_id, {})
        before = known.pop(alert.alert_id, None)
        if before is not None:
            _count_deadlines(before, alert)
        if not finished(alert.state):
            known[alert.alert_id] = alert
        state = self._log.units.get(unit_id)
        if state is not None:  # the engine forgets old ones, without a word
            known = self.open[unit_id] = {key: one for key, one in known.items() if key in state.cases}
        if not known:
            del self.open[unit_id]

    def profile_of(self, unit_id: str) -> Profile:
        """What the unit says of itself, as far as its log knows."""
        state = self._log.units.get(unit_id)
        return _UNKNOWN if state is None else state.profile


class Meters:
    """Those of a worker. `departments`: the names that may be labels; `wall`: whether event times are of now."""

    def __init__(self, *, units_max: int, departments: Collection[str], wall: bool) -> None:
        self._departments = frozenset(departments)
        self._wall = wall
        self._units = Bounded(units_max)
        self._regions = Bounded(units_max)
        self._meters: list[Meter] = []
        self._clocks: dict[TopicPartition, Clocked] = {}

    def meter(self, log: Log) -> Meter:
        """For a partition of the log that this worker takes over."""
        meter = Meter(log, wall=self._wall)
        self._meters.append(meter)
        return meter

    def follow(self, partition: TopicPartition, clocked: Clocked) -> None:
        """Shows from now on how far a partition is behind."""
        self._clocks[partition] = clocked

    def given_up(self) -> None:
        """This worker owns no partition any more: what is true of one is for its next owner to say."""
        self.publish()
        self._meters, self._clocks = [], {}
        for by_partition in (metrics.LAG_RECORDS, metrics.LAG_SECONDS, metrics.WATERMARK_SECONDS):
            by_partition.clear()
        metrics.UNIT_INSIGHTS.clear()
        self._units.clear()
        self._publish_open()

    def publish(self) -> None:
        """What was counted and what is open -> metrics."""
        for meter in self._meters:
            self._forget_removed(meter)
        self._publish_said()
        self._publish_open()
        self._publish_lag()

    def _forget_removed(self, meter: Meter) -> None:
        for unit_id in meter.removed:
            if meter.profile_of(unit_id).removed and self._units.forget(unit_id):
                for sentiment in _SENTIMENTS:
                    metrics.UNIT_INSIGHTS.remove(unit_id, sentiment)
        meter.removed.clear()

    def _labels(self, meter: Meter, unit_id: str) -> tuple[str, str]:
        """Region and unit, as they may be shown."""
        profile = meter.profile_of(unit_id)
        return self._regions(profile.region or NONE), OTHER if profile.removed else self._units(unit_id)

    def _department(self, name: str | None) -> str:
        return NONE if name is None else name if name in self._departments or name == NONE else OTHER

    def _publish_said(self) -> None:
        channels: Counter[tuple[str, str]] = Counter()
        departments: Counter[tuple[str, str]] = Counter()
        regions: Counter[tuple[str, str]] = Counter()
        units: Counter[tuple[str, str]] = Counter()
        for meter in self._meters:
            said, by_unit = meter.said, meter.units
            meter.said, meter.units = {}, {}
            for (channel, department, sentiment), count in said.items():
                channels[channel, sentiment] += count
                departments[self._department(department), sentiment] += count
            for unit_id, counts in by_unit.items():
                region, unit = self._labels(meter, unit_id)
                for sentiment, count in zip(_SENTIMENTS, counts, strict=True):
                    if count:
                        regions[region, sentiment] += count
                        units[unit, sentiment] += count
        for metric, found in (
            (metrics.INSIGHTS, channels),
            (metrics.DEPARTMENT_INSIGHTS, departments),
            (metrics.REGION_INSIGHTS, regions),
            (metrics.UNIT_INSIGHTS, units),
        ):
            for labels, count in found.items():
                metric.labels(*labels).inc(count)

    def _publish_open(self) -> None:
        kinds: Counter[tuple[str, ...]] = Counter()
        channels: Counter[tuple[str, ...]] = Counter()
        departments: Counter[tuple[str, ...]] = Counter()
        regions: Counter[tuple[str, ...]] = Counter()
        units: Counter[tuple[str, ...]] = Counter()
        for meter in self._meters:
            for unit_id, alerts in meter.open.items():
                region, unit = self._labels(meter, unit_id)
                regions[(region,)] += len(alerts)
                units[(unit,)] += len(alerts)
                for alert in alerts.values():
                    kinds[alert.labels.alertname, alert.severity_label] += 1
                    channels[(_main_channel(alert),)] += 1
                    departments[(self._department(alert.labels.department),)] += 1
        for gauge, counts in (
            (metrics.OPEN_ALERTS, kinds),
            (metrics.CHANNEL_OPEN_ALERTS, channels),
            (metrics.DEPARTMENT_OPEN_ALERTS, departments),
            (metrics.REGION_OPEN_ALERTS, regions),
            (metrics.UNIT_OPEN_ALERTS, units),
        ):
            _show(gauge, counts)

    def _publish_lag(self) -> None:
        """The stream clock is the wall's; on the data clock, the newest time that this worker has seen."""
        known = {partition: one.clock_ms for partition, one in self._clocks.items() if one.clock_ms >= 0}
        stream_ms = time.time() * 1000 if self._wall else max(known.values(), default=0)
        for (topic, partition), clock_ms in known.items():
            metrics.LAG_SECONDS.labels(topic, str(partition)).set(max(0.0, stream_ms - clock_ms) / 1000)


def _show(gauge: Gauge, counts: Counter[tuple[str, ...]]) -> None:
    """Only what there is: a series that has nothing open any more goes."""
    gauge.clear()
    for labels, count in counts.items():
        gauge.labels(*labels).set(count)


def _main_channel(alert: Alert) -> str:
    networks = Counter(one.network for one in alert.evidence)
    return min(networks, key=lambda network: (-networks[network], network), default=NONE)


def _count_deadlines(before: Alert, alert: Alert) -> None:
    """A duty that is missed from now on, or was done in time just now. What was dismissed was no duty."""
    missed = alert.deadlines.missed
    due = (alert.deadlines.acknowledge_by, alert.deadlines.answer_by, alert.deadlines.resolve_by)
    for duty, by_ms in zip(_DUTIES, due, strict=True):
        if duty in missed:
            if duty not in before.deadlines.missed:
                metrics.DEADLINES.labels(duty, "missed").inc()
        elif by_ms is not None and _done_just_now(duty, before, alert):
            metrics.DEADLINES.labels(duty, "met").inc()


def _done_just_now(duty: Duty, before: Alert, alert: Alert) -> bool:
    return alert.state != "dismissed" and done(duty, alert.state) and not done(duty, before.state)


def _observe_delay(event: Event, append_ms: int, *, wall: bool) -> None:
    now = time.time()
    metrics.ALERT_DELAY_SECONDS.observe(max(0.0, now - append_ms / 1000))
    if wall and isinstance(event, Insight):
        age = max(0.0, now - event.event_time / 1000)
        if age <= _BY_DAYS_MAX:
            metrics.POST_TO_ALERT_SECONDS.observe(age)
