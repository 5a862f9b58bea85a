"""Made-up posts: the same bytes for all who are measured.

In: a seed, a number. Out: units, posts about them as producers write them, and what a job that counts negative posts
per unit must come to. The one rule: everything follows from the seed and the hour, and each text names its unit by a
handle, so that the simplest rival can find it.
"""

import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from pipeline.evaluation import phrases, scenario
from pipeline.sources.timeline import input_of
from schemas.post import Author, Post
from schemas.time import DAY_MS, HOUR_MS, Millis
from schemas.topics import Topics
from schemas.unit import Unit

UNITS = 300
AUTHORS = 5_000
POSTS_AN_HOUR = 30_000
"""Of event time: however many posts there are, a unit hears as much in an hour as in any other run."""
MOODS = (("negative", "neutral", "positive"), (14, 50, 36))
"""How many of a hundred posts are what, as in `pipeline.evaluation.scenario`."""
TROUBLED_UNITS = 15
TROUBLED_SHARE = 0.05
"""Of all posts, complaints about a few units: something for all to raise alerts about."""
ALERT_EVERY = 10
NEGATIVE_MAX = -0.05
"""The rivals' job: a record for each tenth post about a unit whose compound is this or less."""
SURE = 0.4


class Record(NamedTuple):
    """A post as everybody gets it."""

    key: bytes | None
    value: bytes


class Input(NamedTuple):
    """`alerts`: handle and count of each record that the rivals' job must write, by VADER and arithmetic."""

    units: tuple[Unit, ...]
    texts: list[str]
    records: list[Record]
    alerts: set[tuple[str, int]]


def make_input(seed: int, posts: int, advance: Callable[[], None] = lambda: None) -> Input:
    """Posts whose event times spread evenly over the hours before the last full one: within what a worker on the wall
    clock takes, and always at the same place within the hours that detectors learn from."""
    random = Random(seed)
    units = make_units(seed, UNITS)
    sites = local_units(units)
    analyzer = SentimentIntensityAnalyzer()
    span_ms = posts * HOUR_MS // POSTS_AN_HOUR
    begins = int(time.time() * 1000) // HOUR_MS * HOUR_MS - span_ms
    texts: list[str] = []
    records: list[Record] = []
    negatives: Counter[str] = Counter()
    for number in range(posts):
        unit, mood = pick(random, sites)
        text = write(random, unit, mood)
        at = begins + (number + 1) * span_ms // posts
        texts.append(text)
        records.append(encoded(make_post(random, number, text, at)))
        if analyzer.polarity_scores(text)["compound"] <= NEGATIVE_MAX:
            negatives[unit.handles[0]] += 1
        advance()
    alerts = {
        (handle, count)
        for handle, total in negatives.items()
        for count in range(ALERT_EVERY, total + 1, ALERT_EVERY)
    }  # fmt: skip
    return Input(units, texts, records, alerts)


def make_units(seed: int, count: int) -> tuple[Unit, ...]:
    """A directory: `count` local units, and the regions and brands above them."""
    return scenario.generate(seed, units=count, hours=1, incidents=0).units


def local_units(units: tuple[Unit, ...]) -> list[Unit]:
    """Those that customers write about."""
    return [unit for unit in units if unit.kind not in ("region", "brand")]


def pick(random: Random, sites: list[Unit]) -> tuple[Unit, str]:
    """Whom the next post is about, and its mood."""
    if random.random() < TROUBLED_SHARE:
        return random.choice(sites[:TROUBLED_UNITS]), "negative"
    return random.choice(sites), random.choices(*MOODS)[0]


def write(random: Random, unit: Unit, mood: str) -> str:
    """A text that names its unit by a handle."""
    if mood == "negative":
        aspect = random.choice(phrases.ASPECTS[unit.industry])
        cores = phrases.HARD if random.random() < 0.3 else phrases.COMPLAINTS[aspect]
    else:
        cores = phrases.PRAISE if mood == "positive" else phrases.SMALL_TALK
    text = phrases.remark(random, mood, cores, unit.industry, long=random.random() < 0.2)
    if random.random() < 0.02:
        text += " " + phrases.say(random, random.choice(phrases.PERSONAL), unit.industry)
    return phrases.named(random, text, f"@{unit.handles[0]}")


def make_post(random: Random, number: int, text: str, at: int, author: int | None = None) -> Post:
    """Post `number`, by one of a few thousand people where it is not said by whom. `at` in milliseconds."""
    if author is None:
        author = random.randrange(AUTHORS)
    return Post(
        id=f"{number:09d}{random.getrandbits(32):08x}",
        network="x",
        author=Author(
            id=f"u-{author:08d}",
            handle=f"customer_{author}",
            followers=author * 7 % 3000,
            verified=False,
            created=Millis(at - (40 + author % 3000) * DAY_MS),
        ),
        text=text,
        language="en",
        url=f"https://x.example.com/customer_{author}/status/{number}",
        event_time=Millis(at),
    )


_TOPICS = Topics()


def encoded(post: Post) -> Record:
    """Key and value as any producer of posts writes them."""
    emission = input_of(post, _TOPICS)
    assert emission.value is not None
    return Record(emission.key, emission.value)


def sure_texts(random: Random, sites: list[Unit], mood: str, count: int) -> list[tuple[Unit, str]]:
    """Texts in a mood (`positive` or `negative`) that no scorer could mistake, with the units that they name."""
    analyzer = SentimentIntensityAnalyzer()
    sign = -1 if mood == "negative" else 1
    found: list[tuple[Unit, str]] = []
    while len(found) < count:
        unit = sites[len(found) % len(sites)]
        text = write(random, unit, mood)
        if sign * analyzer.polarity_scores(text)["compound"] >= SURE:
            found.append((unit, text))
    return found
