"""How early and how cleanly surges are found: five series of brand mentions, a count every 5 minutes, scored as NAB
scores; beside it plain rules through the same scoring, and what is published.

    python -m tests.evaluation.nab [--json] [--sensitivity]

One threshold for all files. `best`: the one that brings the most on these files, as NAB's optimiser takes it and as the
published figures were made. `shipped`: 0.6, which is half as large again as the largest before. `left_out`: each file
at the threshold that is best for the other four. `--sensitivity` moves each constant by itself, and chooses constants
and threshold for each file on the other four.
"""

import csv
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson

from agents.cli.series import ALERT_SCORE
from pipeline import series
from schemas.time import HOUR_MS
from tests.evaluation.data import FOLDER
from tests.evaluation.nab_scoring import PROFILES, Labelled, Result, Scorer

ROWS_HOUR = 12
Scores = dict[str, list[float]]

CHANGES: dict[str, tuple[Any, ...]] = {
    "FADE_HALF_LIFE_HOURS": (7 * 24, 14 * 24),
    "OPEN": (0.4, 0.6),
    "GROWTH": (1.3, 1.5),
    "CALM_MS": (9 * HOUR_MS, 18 * HOUR_MS),
    "CROWD": (1.0, 5.0),
    "LEARN_HOURS": (18, 30),
    "OUTBREAK_SIGMAS": (2.0, 4.0),
    "SPANS_MINUTES": ((30, 24 * 60), (120, 24 * 60), (60, 18 * 60), (60, 36 * 60), (15, 60, 24 * 60)),
}


def measure(sensitivity: bool = False) -> dict[str, Any]:
    """All figures; `skipped` and why, where the data is absent."""
    folder = FOLDER / "nab"
    if not folder.is_dir():
        return {"skipped": f"there is no folder {folder}: surges are not measured on real series"}
    times, counts, files = _read()
    scorers = {profile: Scorer(files, profile) for profile in PROFILES}
    ours = _ours(times, counts)
    rivals = {name: {file: rule(counts[file]) for file in counts} for name, rule in RIVALS.items()}
    published = json.loads((folder / "leaderboard.json").read_text("utf-8"))
    standard = scorers["standard"]
    found: dict[str, Any] = {
        "best": {profile: _shown(scorer.best(ours)) for profile, scorer in scorers.items()},
        "shipped": {profile: _shown(scorer.at(ALERT_SCORE, ours)) for profile, scorer in scorers.items()},
        "left_out": _left_out(standard, [ours]),
        "rivals": {
            name: {
                **{profile: round(scorer.best(scores).score, 2) for profile, scorer in scorers.items()},
                "left_out": _left_out(standard, [scores])["all"],
            }
            for name, scores in rivals.items()
        },
        "published": dict(sorted(published.items(), key=lambda item: -item[1]["standard"])),
        "scored_rows": {file: sum(score > 0 for score in scores) for file, scores in ours.items()},
    }
    if sensitivity:
        found["sensitivity"] = _sensitivity(standard, times, counts, ours)
    return found


def _read() -> tuple[dict[str, list[int]], dict[str, list[float]], dict[str, Labelled]]:
    times: dict[str, list[int]] = {}
    counts: dict[str, list[float]] = {}
    files: dict[str, Labelled] = {}
    for name, spans in sorted(json.loads((FOLDER / "nab" / "windows.json").read_text("utf-8")).items()):
        with (FOLDER / "nab" / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        at = {row["timestamp"]: place for place, row in enumerate(rows)}
        short = name.removeprefix("Twitter_volume_").removesuffix(".csv")
        times[short] = [_time_ms(row["timestamp"]) for row in rows]
        counts[short] = [float(row["value"]) for row in rows]
        files[short] = Labelled(len(rows), tuple((at[first[:19]], at[last[:19]]) for first, last in spans))
    return times, counts, files


def _time_ms(stamp: str) -> int:
    return round(datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp() * 1000)


def _ours(times: Mapping[str, Sequence[int]], counts: Mapping[str, Sequence[float]]) -> Scores:
    """As `cem series` scores them."""
    found: Scores = {}
    for file in counts:
        one = series.CountSeries()
        pairs = zip(times[file], counts[file], strict=True)
        found[file] = [round(one.observe(time_ms, count).score, 6) for time_ms, count in pairs]
    return found


def _shown(result: Result) -> dict[str, Any]:
    return {**result._asdict(), "score": round(result.score, 2)}


def _left_out(scorer: Scorer, candidates: Sequence[Scores]) -> dict[str, float]:
    """Each file with what is best for the others: which of the candidates, and the threshold. `all`: by windows."""
    found: dict[str, float] = {}
    for file in candidates[0]:
        others = [{name: scores[name] for name in scores if name != file} for scores in candidates]
        results = [scorer.best(scores) for scores in others]
        chosen = max(range(len(results)), key=lambda place: results[place].score)
        found[file] = round(scorer.at(results[chosen].threshold, {file: candidates[chosen][file]}).score, 2)
    windows = sum(scorer.windows.values())
    found["all"] = round(sum(score * scorer.windows[file] for file, score in found.items()) / windows, 2)
    return found


def _sensitivity(
    scorer: Scorer, times: Mapping[str, Sequence[int]], counts: Mapping[str, Sequence[float]], ours: Scores
) -> dict[str, Any]:
    """One constant changed at a time; the best threshold, and the one that is shipped."""
    found: dict[str, Any] = {}
    tried = [ours]
    for name, values in CHANGES.items():
        for value in values:
            with _changed(name, value):
                tried.append(_ours(times, counts))
            best, shipped = scorer.best(tried[-1]), scorer.at(ALERT_SCORE, tried[-1])
            found[f"{name}={value}"] = {"best": round(best.score, 2), "shipped": round(shipped.score, 2)}
    found["left_out_with_constants"] = _left_out(scorer, tried)
    return found


@contextmanager
def _changed(name: str, value: Any) -> Iterator[None]:
    before = getattr(series, name)
    setattr(series, name, value)
    try:
        yield
    finally:
        setattr(series, name, before)


# Rules to compare with; the higher the more of an anomaly, from the row and earlier ones.


def _sigmas(counts: Sequence[float]) -> list[float]:
    """Mean and standard deviation of all before."""
    scores, total, squares = [], 0.0, 0.0
    for before, count in enumerate(counts):
        mean = total / before if before else count
        deviation = math.sqrt(max(1.0, squares / before - mean * mean)) if before else 1.0
        scores.append(max(0.0, (count - mean) / deviation))
        total, squares = total + count, squares + count * count
    return scores


def _poisson(counts: Sequence[float]) -> list[float]:
    """How unlikely a Poisson count is at the mean of all before: the exponent of Chernoff's bound of its tail."""
    scores, total = [], 0.0
    for before, count in enumerate(counts):
        mean = (total + 1.0) / (before + 1.0)
        scores.append(count * math.log(count / mean) - count + mean if count > mean else 0.0)
        total += count
    return scores


def _hours(counts: Sequence[float]) -> list[float]:
    """The sum of the hour that ends at each row."""
    sums, total = [], 0.0
    for row, count in enumerate(counts):
        total += count - (counts[row - ROWS_HOUR] if row >= ROWS_HOUR else 0.0)
        sums.append(total)
    return sums


def _past_twelve(counts: Sequence[float]) -> list[float]:
    """The last hour against the mean of the twelve before it."""
    return _against(counts, lag_hours=1, hours=12, rule=lambda hour, past: hour / max(1.0, sum(past) / len(past)))


def _ears_c2(counts: Sequence[float]) -> list[float]:
    """EARS C2 (Hutwagner 2003) with hours for days: standard deviations above seven, after two that are left out."""

    def rule(hour: float, past: list[float]) -> float:
        mean = sum(past) / len(past)
        return max(0.0, (hour - mean) / max(1.0, math.sqrt(sum((one - mean) ** 2 for one in past) / (len(past) - 1))))

    return _against(counts, lag_hours=3, hours=7, rule=rule)


def _against(
    counts: Sequence[float], lag_hours: int, hours: int, rule: Callable[[float, list[float]], float]
) -> list[float]:
    sums = _hours(counts)
    first = (lag_hours + hours) * ROWS_HOUR
    past = range(lag_hours * ROWS_HOUR, first, ROWS_HOUR)
    return [rule(sums[row], [sums[row - back] for back in past]) if row >= first else 0.0 for row in range(len(sums))]


RIVALS: dict[str, Callable[[Sequence[float]], list[float]]] = {
    "mean + k sigma": _sigmas,
    "Poisson": _poisson,
    "last hour / past 12": _past_twelve,
    "EARS C2, hours": _ears_c2,
}


def main() -> None:
    """Prints the figures."""
    found = measure(sensitivity="--sensitivity" in sys.argv[1:])
    if "--json" in sys.argv[1:] or "skipped" in found:
        print(orjson.dumps(found).decode())
        return
    for name in ("best", "shipped"):
        for profile, one in found[name].items():
            print(
                f"{name:8} {profile:20} {one['score']:6.2f}  threshold {one['threshold']:.3f}  "
                f"{one['windows_hit']} windows, {one['false_rows']} false rows"
            )
    print("left out, standard:", "  ".join(f"{file} {score:.1f}" for file, score in found["left_out"].items()))
    for name, by in (*found["rivals"].items(), *found["published"].items()):
        left_out = f"  left out {by['left_out']:6.2f}" if "left_out" in by else "  published"
        print(f"{name:20} " + "  ".join(f"{profile} {by[profile]:6.2f}" for profile in PROFILES) + left_out)
    for name, one in found.get("sensitivity", {}).items():
        print(f"{name:36}", one)


if __name__ == "__main__":
    main()
