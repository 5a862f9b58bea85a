"""What understanding a text costs beside plain vaderSentiment, and the whole enrich step with it.

    python -m tests.evaluation.speed [--json]

In: the airlines' tweets where the data is there, else texts of the project's own scenario; posts that carry them, and a
directory that they are routed in. Out: µs for a text and how many times those of the package they are. The one rule:
all of them take turns, block by block in one process, and of each block the processor time of its best round counts, so
that whatever else the machine does hits all of them or none.
"""

import argparse
import csv
import re
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

import msgspec
import orjson
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from agents.parts import default_scorer, limits_of, understanding_of
from agents.settings import Settings
from pipeline.control import Shape
from pipeline.directory import Directory
from pipeline.emission import Incoming
from pipeline.enrich import Enricher
from pipeline.evaluation import scenario
from pipeline.lane import Lane
from pipeline.saying import Listener
from pipeline.text.normalise import normalise
from pipeline.text.redaction import mask
from schemas.topics import INPUTS, Topics
from schemas.unit import Unit
from tests.benchmarks.cem import AUTHOR_KEY
from tests.benchmarks.posts import encoded, local_units, make_post, make_units, write
from tests.evaluation.data import FOLDER

TWEETS: Final = FOLDER / "airline" / "tweets.csv"
INDUSTRY: Final = "airline"
TEXTS: Final = 1_000
UNITS: Final = 300
BLOCK: Final = 20
"""Texts that one takes before it is the next one's turn."""
ROUNDS: Final = 7
SEED: Final = 1

PACKAGE: Final = "vaderSentiment"
UNDERSTAND: Final = "hear and aspects"
ENRICH: Final = "enrich step"

_MENTION: Final = re.compile(r"@\w+")
_TOPICS: Final = Topics()

Work = Callable[[int, int], None]
"""In a round (0: nothing is measured yet), the block that begins with a text."""


def measure(texts: int = TEXTS, rounds: int = ROUNDS) -> dict[str, Any]:
    """µs for a text by what was measured, and how many times those of the package ours are."""
    random = Random(SEED)
    units = tuple(msgspec.structs.replace(unit, industry=INDUSTRY) for unit in make_units(SEED, UNITS))
    written = _written(random, local_units(units), texts)
    works = {
        PACKAGE: _package(written),
        UNDERSTAND: _understanding(written),
        ENRICH: _enriching(random, units, written, rounds),
    }
    best = {name: dict.fromkeys(range(0, texts, BLOCK), float("inf")) for name in works}
    for turn in range(rounds + 1):
        for begin in range(0, texts, BLOCK):
            for name, work in works.items():
                started = time.process_time()
                work(turn, begin)
                if turn:
                    best[name][begin] = min(best[name][begin], time.process_time() - started)
    us = {name: sum(blocks.values()) / texts * 1e6 for name, blocks in best.items()}
    return {
        "texts": texts,
        "real": TWEETS.is_file(),
        "us": {name: round(one, 1) for name, one in us.items()},
        "hear_ratio": round(us[UNDERSTAND] / us[PACKAGE], 2),
        "enrich_ratio": round(us[ENRICH] / us[PACKAGE], 2),
    }


def _written(random: Random, sites: Sequence[Unit], count: int) -> list[str]:
    """Texts, each with the handle of its unit in place of whom it spoke to."""
    if TWEETS.is_file():
        with TWEETS.open(encoding="utf-8", newline="") as file:
            rows = [row["text"] for row in csv.DictReader(file)]
        spread = rows[:: max(1, len(rows) // count)][:count]
        return [
            _MENTION.sub(f"@{sites[place % len(sites)].handles[0]}", text, count=1) for place, text in enumerate(spread)
        ]
    moods = ("negative", "neutral", "positive")
    return [write(random, sites[place % len(sites)], random.choice(moods)) for place in range(count)]


def _package(texts: Sequence[str]) -> Work:
    score = SentimentIntensityAnalyzer().polarity_scores

    def work(_: int, begin: int) -> None:
        for text in texts[begin : begin + BLOCK]:
            score(text)

    return work


def _understanding(texts: Sequence[str]) -> Work:
    hear = Listener(default_scorer()).hear
    masked = [mask(normalise(text)).text for text in texts]

    def work(_: int, begin: int) -> None:
        for text in masked[begin : begin + BLOCK]:
            hear(text, industry=INDUSTRY).aspects(INDUSTRY)

    return work


def _enriching(random: Random, units: tuple[Unit, ...], texts: Sequence[str], rounds: int) -> Work:
    """Each round has posts of its own: what is there already is only counted."""
    settings = Settings(author_key=AUTHOR_KEY)
    directory, limits = Directory(units, 1), limits_of(settings)
    enricher = Enricher(
        topics=_TOPICS,
        shape=Shape(inputs={_TOPICS(name): 1 for name in INPUTS}, events=1),
        understanding=understanding_of(settings),
        directories=lambda _: directory,
        limits=limits,
    )
    lane = Lane(limits)
    posts = [
        encoded(make_post(random, number, texts[number % len(texts)], int(scenario.STARTS)))
        for number in range(len(texts) * (rounds + 1))
    ]
    records = [Incoming(_TOPICS("posts"), 0, number, key, value, (), 0) for number, (key, value) in enumerate(posts)]

    def work(turn: int, begin: int) -> None:
        first = turn * len(texts) + begin
        for record in records[first : first + min(BLOCK, len(texts) - begin)]:
            enricher.step(lane, record)

    return work


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    found = measure()
    if as_json:
        print(orjson.dumps(found).decode())
        return
    print(f"{found['texts']} {'tweets to airlines' if found['real'] else 'made-up texts'}")
    for name, us in found["us"].items():
        print(f"  {name:18} {us:6.1f} µs  {us / found['us'][PACKAGE]:5.2f} times the package")


if __name__ == "__main__":
    main()
