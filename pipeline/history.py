"""What a unit has lived, hour by hour, and what is usual for it because of that.

In: how many people complained in each hour, in whatever order hours are counted; stretches that are not to be learned.
Out: the baseline as of a time. The one rule: what is known at a time follows from the counts of the hours before it,
never from how far the watermark has come; that decides only what is learned for good and forgotten.

Silence is learned only with the next busy hour, so that it is never split in two.
"""

from collections.abc import Iterator
from operator import attrgetter

import msgspec

from pipeline.baseline import Baseline
from pipeline.local_time import hour_of_week
from schemas.time import HOUR_MS

HOURS_MAX = 72
"""Hours that may wait to be learned. Where no watermark closes them, the oldest are learned all the same."""


class Frozen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A stretch of an alert, in milliseconds."""

    start: int
    end: int


class History(msgspec.Struct, omit_defaults=True):
    """`hours`: how many people complained in hours that the baseline has not learned yet, by hours since the epoch.
    `learned`: the end of the last hour learned, at first the first hour of which anything is known; -1 before.
    `frozen`: what is not learned. `group_rate`: complaints an hour at units like this one."""

    hours: dict[int, int] = {}
    learned: int = -1
    frozen: list[Frozen] = []
    time_zone: str = "UTC"
    group_rate: float | None = None
    baseline: Baseline | None = None

    def watch(self, hour: int) -> None:
        """Something was seen in this hour: from here on silence is silence. The first may come in any order."""
        if self.learned < 0 or (hour < self.learned and self.baseline is None):
            self.learned = hour

    def count(self, hour: int, people: int) -> None:
        """So many more people complained in this hour, or fewer; an hour that was learned stays as it is."""
        if hour >= self.learned:
            self.hours[hour] = self.hours.get(hour, 0) + people
            if self.hours[hour] <= 0:
                del self.hours[hour]
            if len(self.hours) > HOURS_MAX:
                self.close(min(self.hours) + 1)

    def close(self, before: int) -> None:
        """Learns the busy hours before this one; what comes for them from now on is too late to be learned."""
        if self.hours and min(self.hours) < before:
            self.baseline, self.learned = self.as_of(before)
            self.hours = {hour: people for hour, people in self.hours.items() if hour >= before}
            self.frozen = [stretch for stretch in self.frozen if stretch.end > self.learned * HOUR_MS]

    def freeze(self, from_ms: int, to_ms: int) -> None:
        """Learn nothing of this stretch. A later call with the same start changes its end."""
        self.frozen = [*(stretch for stretch in self.frozen if stretch.start != from_ms), Frozen(from_ms, to_ms)]

    def configure(self, time_zone: str, complaints_an_hour: float | None) -> None:
        """The clock that people there live by, and what is usual at units like this one."""
        self.time_zone, self.group_rate = time_zone, complaints_an_hour
        if self.baseline is not None:
            self.baseline.group_rate = complaints_an_hour

    def as_of(self, before: int) -> tuple[Baseline, int]:
        """The baseline with all busy hours before `before`, and the end of the last of them. What is returned may be
        the history's own: not to be changed."""
        baseline = self.baseline or Baseline(group_rate=self.group_rate)
        learned = self.learned
        busy = [hour for hour in self.hours if learned <= hour < before and not self._is_frozen(hour)]
        if busy:
            baseline = baseline.copy()
            for hour in sorted(busy):
                for first, last in self._open(learned, hour):
                    baseline.learn_silence(first, self.of_week(first), last - first)
                baseline.learn(hour, self.of_week(hour), self.hours[hour])
                learned = hour + 1
        return baseline, learned

    def level(self, baseline: Baseline, learned: int, before: int) -> Baseline:
        """A copy of a baseline that has learned up to `learned`, and whose level goes on to learn up to `before`."""
        level = msgspec.structs.replace(baseline)
        for hour in sorted(hour for hour in self.hours if learned <= hour < before and not self._is_frozen(hour)):
            self._pass_silence(level, learned, hour)
            level.pass_hour(self.hours[hour], level.week.factor(self.of_week(hour)))
            learned = hour + 1
        self._pass_silence(level, learned, before)
        return level

    def of_week(self, hour: int) -> int:
        """The hour of the week on the unit's clock."""
        return hour_of_week(hour, self.time_zone)

    def exposure(self, baseline: Baseline, start_ms: int, end_ms: int) -> float:
        """For how many usual hours a stretch of time stands; more than nothing."""
        first, last, week = start_ms // HOUR_MS, end_ms // HOUR_MS, baseline.week
        of_week = self.of_week(first)
        exposure = week.exposure(of_week, last - first + 1)
        exposure -= week.factor(of_week) * (start_ms - first * HOUR_MS) / HOUR_MS
        exposure -= week.factor(self.of_week(last)) * (1.0 - (end_ms - last * HOUR_MS) / HOUR_MS)
        return max(exposure, 1e-3)

    def _pass_silence(self, level: Baseline, from_hour: int, to_hour: int) -> None:
        for first, last in self._open(from_hour, to_hour):
            hours = level.heard(last - first)
            level.pass_silence(level.week.exposure(self.of_week(first), hours), hours)

    def _open(self, from_hour: int, to_hour: int) -> Iterator[tuple[int, int]]:
        """The stretches between the two that are to be learned."""
        for stretch in sorted(self.frozen, key=attrgetter("start")) if self.frozen else ():
            first = max(from_hour, stretch.start // HOUR_MS)
            last = min(to_hour, -(-stretch.end // HOUR_MS))
            if last > first:
                if first > from_hour:
                    yield from_hour, first
                from_hour = last
        if to_hour > from_hour:
            yield from_hour, to_hour

    def _is_frozen(self, hour: int) -> bool:
        start_ms = hour * HOUR_MS
        return bool(self.frozen) and any(
            stretch.start < start_ms + HOUR_MS and start_ms < stretch.end for stretch in self.frozen
        )
