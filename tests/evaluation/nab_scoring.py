"""NAB's scoring function: what it is worth to detect each row of a series, and how much of it scores bring in.

In: for each file the number of rows, the labelled windows, and a score for each row. Out: 0 for no detection at all,
100 for a perfect one; one threshold for all files, the best one where none is given, as NAB's optimiser takes it.

Source: Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms", 2015: a window is worth the more the
earlier it is detected, a false alarm costs the more the further it is behind a window, the first 15 % of a file (at
most 750 rows) are probation and count for nothing.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

PROBATION = 0.15
PROBATION_ROWS_MAX = 750


class Profile(NamedTuple):
    """What a detected window, a false alarm and a missed window weigh."""

    hit: float
    false_alarm: float
    missed: float


PROFILES = {
    "standard": Profile(1.0, 0.11, 1.0),
    "reward_low_FP_rate": Profile(1.0, 0.22, 1.0),
    "reward_low_FN_rate": Profile(1.0, 0.11, 2.0),
}


class Labelled(NamedTuple):
    """A file: how many rows, and the first and last row of each labelled window, in order."""

    rows: int
    windows: tuple[tuple[int, int], ...]


class Result(NamedTuple):
    """`score` 0 to 100 (below 0 where false alarms cost more than all hits bring)."""

    score: float
    threshold: float
    windows_hit: int
    false_rows: int


class Judged(NamedTuple):
    """What a row brings if it is detected; `window`: the number of the window it is in."""

    gain: float
    window: int | None


def judged(file: Labelled, profile: Profile) -> Iterator[tuple[int, Judged]]:
    """Each row behind the probation."""
    probation = min(math.floor(PROBATION * file.rows), PROBATION_ROWS_MAX)
    for row in range(probation, file.rows):
        inside = next((place for place, (first, last) in enumerate(file.windows) if first <= row <= last), None)
        if inside is not None:
            first, last = file.windows[inside]
            length = last - first + 1
            yield row, Judged(profile.hit * _sigmoid((row - last - 1) / length) / _sigmoid(-1.0), inside)
            continue
        behind = [window for window in file.windows if window[1] < row]
        gain = _sigmoid((row - behind[-1][1]) / (behind[-1][1] - behind[-1][0])) if behind else -1.0
        yield row, Judged(profile.false_alarm * gain, None)


def _sigmoid(place: float) -> float:
    return -1.0 if place > 3.0 else 2.0 / (1.0 + math.exp(5.0 * place)) - 1.0


class Scorer:
    """Scores any detector on the files that it is made for."""

    def __init__(self, files: Mapping[str, Labelled], profile: str) -> None:
        self.profile = PROFILES[profile]
        self.windows = {name: len(file.windows) for name, file in files.items()}
        self._judged = {name: list(judged(file, self.profile)) for name, file in files.items()}

    def best(self, scores: Mapping[str, Sequence[float]]) -> Result:
        """At the threshold that brings the most on these files."""
        return max(self._by_threshold(scores), key=lambda result: result.score)

    def at(self, threshold: float, scores: Mapping[str, Sequence[float]]) -> Result:
        """At this threshold."""
        last = self._nothing(scores)
        for result in self._by_threshold(scores):
            if result.threshold < threshold:
                break
            last = result
        return last._replace(threshold=threshold)

    def _nothing(self, scores: Mapping[str, Sequence[float]]) -> Result:
        return Result(0.0, math.inf, 0, 0)

    def _by_threshold(self, scores: Mapping[str, Sequence[float]]) -> Iterator[Result]:
        """All thresholds from the highest; a score of 0 detects nothing."""
        rows = [
            (scores[name][row], one.gain, None if one.window is None else (name, one.window))
            for name in scores
            for row, one in self._judged[name]
            if scores[name][row] > 0
        ]
        rows.sort(key=lambda row: -row[0])
        missed, windows = -self.profile.missed, sum(self.windows[name] for name in scores)
        worst, total, false_rows = missed * windows, missed * windows, 0
        hit: dict[tuple[str, int], float] = {}
        yield self._nothing(scores)
        for place, (threshold, gain, window) in enumerate(rows):
            if window is None:
                total, false_rows = total + gain, false_rows + 1
            elif gain > (before := hit.get(window, missed)):
                total += gain - before
                hit[window] = gain
            if place + 1 == len(rows) or rows[place + 1][0] < threshold:
                score = 100.0 * (total - worst) / (self.profile.hit * windows - worst)
                yield Result(score, threshold, len(hit), false_rows)
