"""The labelled texts that quality is measured on: they stay beside the project, and what needs them skips without them.

Texts are normalised, as the scorer gets them, and each is there once.
"""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from pipeline.text.normalise import normalise

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "data"

REASONS: Final = {
    "Customer Service Issue": "customer_service",
    "Late Flight": "late_flight",
    "Cancelled Flight": "cancelled_flight",
    "Lost Luggage": "lost_luggage",
    "Damaged Luggage": "damaged_luggage",
    "Bad Flight": "bad_flight",
    "Flight Booking Problems": "booking",
    "Flight Attendant Complaints": "flight_attendants",
    "longlines": "long_lines",
}
"""Reasons of the airline tweets that say one -> aspects of the taxonomy. "Can't Tell" is none."""


class Labelled(NamedTuple):
    """`label`: as the data has it; `group`: the brand or file that it is from."""

    text: str
    label: str
    group: str = ""


class Rated(NamedTuple):
    """`rating`: mean of what people gave, -4 to 4."""

    text: str
    rating: float


def missing() -> str | None:
    """A sentence where the data is not there."""
    return None if FOLDER.is_dir() else f"there is no folder {FOLDER}: nothing is measured on real texts"


def airline() -> list[Labelled]:
    """Tweets to three airlines, by their sentiment."""
    return [
        Labelled(normalise(row["text"]), row["airline_sentiment"], row["airline"])
        for row in _once(_rows("airline/tweets.csv"), "tweet_id")
    ]


def complaints() -> list[Labelled]:
    """The airline tweets that state a reason, by it."""
    return [
        Labelled(normalise(row["text"]), REASONS[row["negativereason"]], row["airline"])
        for row in _once(_rows("airline/tweets.csv"), "tweet_id")
        if row["negativereason"] in REASONS
    ]


def tweeteval() -> list[Labelled]:
    """Tweets about anything."""
    return [Labelled(normalise(row["text"]), row["label"]) for row in _rows("tweeteval/sentiment.csv")]


def rated() -> list[Rated]:
    """VADER's own tweets, rated by people."""
    lines = (FOLDER / "vader" / "tweets.tsv").read_text("utf-8").splitlines()
    columns = (line.split("\t") for line in lines if line)
    return [Rated(normalise(text), float(rating)) for _, rating, text in columns]


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _once(rows: Iterable[dict[str, str]], key: str) -> Iterator[dict[str, str]]:
    seen: set[str] = set()
    for row in rows:
        if row[key] not in seen:
            seen.add(row[key])
            yield row
