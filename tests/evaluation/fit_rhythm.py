"""The day and the week of `pipeline/evaluation/world/rhythm.py`, fitted.

In: the tweets to two airlines (the third's begin in the midst, because of how they were collected) and five series of
mentions of brands. Out: 24 and 7 figures with the mean 1, printed as the file holds them. The one rule: each source
weighs the same, and within it each day, so that a burst is one day of many. Times are taken as New York's, where most
of both comes from (the series have no zone; they are read as UTC).

`python -m tests.evaluation.fit_rhythm`
"""

import csv
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from statistics import fmean, median
from zoneinfo import ZoneInfo

from tests.evaluation.data import FOLDER

ZONE = ZoneInfo("America/New_York")
WHOLE_HOURS = 24
WEEKS = 14
"""Days that a source needs to say something about the week; the tweets to airlines are of one with an event in it."""
Counted = tuple[datetime, float]


def sources() -> Iterator[list[Counted]]:
    """Local times with counts, by source."""
    with (FOLDER / "airline" / "tweets.csv").open(encoding="utf-8", newline="") as lines:
        yield [
            (datetime.fromisoformat(row["tweet_created"]).astimezone(ZONE), 1.0)
            for row in csv.DictReader(lines) if row["airline"] != "American"
        ]  # fmt: skip
    for file in sorted((FOLDER / "nab").glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            yield [
                (datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC).astimezone(ZONE), float(row["value"]))
                for row in csv.DictReader(lines)
            ]


def whole_days(counted: Iterable[Counted]) -> dict[date, list[float]]:
    """Counts by hour of each day but the first and the last, which are cut off."""
    days: dict[date, list[float]] = defaultdict(lambda: [0.0] * WHOLE_HOURS)
    for moment, count in counted:
        days[moment.date()][moment.hour] += count
    return {day: days[day] for day in sorted(days)[1:-1] if sum(days[day])}


def of_day(days: dict[date, list[float]]) -> list[float]:
    """The mean over the days of an hour's share of its day, times 24."""
    return [24 * fmean(counts[hour] / sum(counts) for counts in days.values()) for hour in range(WHOLE_HOURS)]


def of_week(days: dict[date, list[float]]) -> list[float]:
    """The median of the days' counts by weekday, with the mean 1."""
    totals: dict[int, list[float]] = defaultdict(list)
    for day, counts in days.items():
        totals[day.weekday()].append(sum(counts))
    middles = [median(totals[weekday]) for weekday in range(7)]
    return [middle / fmean(middles) for middle in middles]


def smooth(day: list[float]) -> list[float]:
    """Each hour with a quarter of its neighbours'."""
    return [(day[hour - 1] + 2 * day[hour] + day[(hour + 1) % 24]) / 4 for hour in range(WHOLE_HOURS)]


def fitted() -> tuple[list[float], list[float]]:
    """The figures of the day and of the week, two decimals."""
    found = [whole_days(counted) for counted in sources()]
    day = smooth([fmean(column) for column in zip(*map(of_day, found), strict=True)])
    week = [fmean(column) for column in zip(*(of_week(days) for days in found if len(days) > WEEKS), strict=True)]
    return [round(value, 2) for value in day], [round(value, 2) for value in week]


if __name__ == "__main__":
    if not (FOLDER / "nab").is_dir():
        sys.exit(f"the data is not here: {FOLDER}")
    for figures in fitted():
        print(figures)
