"""The VADER scorer beside the package: microseconds for a text, on the same texts, in one run.

In: the real tweets where they are, else texts made with the phrases of `pipeline.evaluation`. Out: a table, or one
JSON object. The one rule: the two take turns, round by round and block by block, so that whatever else the machine
does hits both; all four numbers are computed by both. `first` is ours with an empty memory of tokens, as after a start.

    python -m tests.benchmarks.vader
"""

import argparse
import csv
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from pipeline.evaluation import phrases
from pipeline.sentiment.polarity import Vader

DATA = Path(__file__).parents[3] / "shared" / "data"
BLOCK = 500
"""Texts that one contender scores before it is the other's turn."""
MADE = 3_000


class Real(NamedTuple):
    """A file with a text in each row."""

    path: Path
    column: str | int

    def texts(self) -> list[str]:
        """All of them, as they are."""
        with self.path.open(encoding="utf-8", newline="") as file:
            if isinstance(self.column, str):
                return [row[self.column] for row in csv.DictReader(file)]
            return [line.rstrip("\n").split("\t")[self.column] for line in file]


REAL = {
    "airline": Real(DATA / "airline" / "tweets.csv", "text"),
    "vader": Real(DATA / "vader" / "tweets.tsv", 2),
    "tweeteval": Real(DATA / "tweeteval" / "sentiment.csv", "text"),
    "care": Real(DATA / "care" / "conversations.csv", "text"),
    "comments": Real(DATA / "comment_spam" / "youtube02-katyperry.csv", "CONTENT"),
}


class Result(NamedTuple):
    """Microseconds for a text, the median of the rounds; `ratio` is the median of the rounds' ratios."""

    source: str
    texts: int
    package_us: float
    ours_us: float
    first_us: float
    ratio: float
    ratio_min: float
    ratio_max: float


def made_texts(seed: int = 1) -> list[str]:
    """What invented customers write: complaints, praise and small talk."""
    random = Random(seed)
    texts = []
    for _ in range(MADE):
        industry = random.choice(sorted(phrases.ASPECTS))
        mood = random.choice(("negative", "neutral", "positive"))
        cores = {
            "negative": phrases.COMPLAINTS[random.choice(phrases.ASPECTS[industry])],
            "neutral": phrases.SMALL_TALK,
            "positive": phrases.PRAISE,
        }[mood]
        texts.append(phrases.remark(random, mood, cores, industry, long=random.random() < 0.2))
    return texts


def measure(rounds: int, texts_max: int | None = None) -> list[Result]:
    """Each source of texts; the made ones only if there are no real ones."""
    sources = {name: real.texts() for name, real in REAL.items() if real.path.exists()} or {"made": made_texts()}
    return [_measure(name, texts[:texts_max], rounds) for name, texts in sources.items()]


def _measure(source: str, texts: Sequence[str], rounds: int) -> Result:
    package = SentimentIntensityAnalyzer().polarity_scores
    ours = Vader().polarity
    first = _seconds(ours, texts)
    seconds = [_round(package, ours, texts) for _ in range(rounds)]
    ratios = [slow / fast for slow, fast in seconds]
    each = 1e6 / len(texts)
    return Result(
        source=source,
        texts=len(texts),
        package_us=statistics.median(slow for slow, _ in seconds) * each,
        ours_us=statistics.median(fast for _, fast in seconds) * each,
        first_us=first * each,
        ratio=statistics.median(ratios),
        ratio_min=min(ratios),
        ratio_max=max(ratios),
    )


def _round(
    package: Callable[[str], object], ours: Callable[[str], object], texts: Sequence[str]
) -> tuple[float, float]:
    package_seconds = ours_seconds = 0.0
    for start in range(0, len(texts), BLOCK):
        block = texts[start : start + BLOCK]
        package_seconds += _seconds(package, block)
        ours_seconds += _seconds(ours, block)
    return package_seconds, ours_seconds


def _seconds(score: Callable[[str], object], texts: Sequence[str]) -> float:
    started = time.process_time()
    for text in texts:
        score(text)
    return time.process_time() - started


def as_table(results: Sequence[Result]) -> Table:
    """For people."""
    table = Table(title=f"VADER, microseconds for a text, Python {platform.python_version()}")
    for heading in ("texts of", "texts", "package", "ours", "ours, first", "× package", "lowest – highest"):
        table.add_column(heading, justify="left" if heading == "texts of" else "right")
    for result in results:
        table.add_row(
            result.source,
            f"{result.texts:,}",
            f"{result.package_us:.1f}",
            f"{result.ours_us:.1f}",
            f"{result.first_us:.1f}",
            f"{result.ratio:.1f}",
            f"{result.ratio_min:.1f} – {result.ratio_max:.1f}",
        )
    return table


def main() -> int:
    """See the docstring of the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.vader", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--rounds", type=int, default=7, help="turns of each contender (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output, the table beside it")
    arguments = parser.parse_args()
    results = measure(arguments.rounds)
    Console(stderr=arguments.json).print(as_table(results))
    if arguments.json:
        data = {"python": platform.python_version(), "results": [result._asdict() for result in results]}
        sys.stdout.buffer.write(msgspec.json.encode(data) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
