"""The ordinary life of one unit: what is written about it, and what becomes of that.

In: the settings and a unit. Out: records as they arrive. The one rule: it follows from the seed and the unit alone;
memory holds only what is still to come of posts that were written. Complaints have the mean and the dispersion asked
for; what follows a post (replies, reposts, answers of the company) is small talk, so that it adds no complaints.
"""

import heapq
import math
from collections.abc import Iterator, Sequence
from operator import itemgetter
from random import Random
from typing import Final

import msgspec

from pipeline.evaluation import phrases
from pipeline.evaluation.world.arrivals import Arrival, arrivals_of
from pipeline.evaluation.world.locals import Local
from pipeline.evaluation.world.settings import WorldSettings
from pipeline.evaluation.world.spreading import FOLLOWED_MS, ordinary_reposts, polls, repost_ages
from pipeline.evaluation.world.timed import Timed
from pipeline.evaluation.world.writing import Mood, Pen
from schemas.post import Metrics, Post
from schemas.time import HOUR_MS, MINUTE_MS, SECOND_MS, Millis

RETURNING: Final = 0.1
"""The share that regulars write."""
NEUTRAL: Final = 0.5
"""Of what is no complaint; the rest is praise."""
LATE: Final = 0.01
LATE_MS: Final = MINUTE_MS
LATE_MS_MAX: Final = 8 * MINUTE_MS
TWICE: Final = 0.004
EDITED: Final = 0.026
DELETED: Final = 0.014
ANSWERED: Final[dict[Mood, float]] = {"negative": 0.45, "neutral": 0.05, "positive": 0.12}


def history(settings: WorldSettings, local: Local) -> Iterator[Timed]:
    """All that happens at a unit but for what is planted, by arrival, until the world ends."""
    pen = Pen(Random(f"{settings.seed}/words/{local.unit.id}"), local)  # noqa: S311 - a repeatable world
    waiting: list[tuple[int, int, Post]] = []
    serial = 0
    for (at, who), mood in _mentions(settings, local):
        while waiting and waiting[0][0] <= at:
            yield _come(waiting)
        record = pen.mention(at, who, mood)
        late = pen.random.random() < LATE
        delay = min(LATE_MS_MAX, int(pen.random.expovariate(1 / LATE_MS))) if late else 0
        if isinstance(record, Post):
            for later, what in follow_up(pen, record, mood, settings):
                if later < settings.ends:
                    serial += 1
                    heapq.heappush(waiting, (later, serial, what))
            if delay:
                serial += 1
                heapq.heappush(waiting, (at + delay, serial, record))
                continue
        yield Timed(at, record)
    while waiting:
        yield _come(waiting)


def follow_up(pen: Pen, post: Post, mood: Mood, settings: WorldSettings) -> Iterator[tuple[int, Post]]:
    """What comes of an ordinary post: others reply and pass it on, the company answers, it is changed or taken back, or
    sent twice. With the times of arrival, in no order."""
    random, at = pen.random, int(post.event_time)
    reposts = 0
    if post.kind == "post":
        reposts = ordinary_reposts(random)
        for number in range(random.choices((0, 1, 2), (88, 9, 3))[0]):
            later = at + (number + 1) * 20 * SECOND_MS + int(random.expovariate(1 / (25 * MINUTE_MS)))
            again = random.random() < 0.25 and post.author is not None
            who = post.author if again and post.author else pen.stranger(later)
            yield later, pen.reply(post, later, who, phrases.CHATTER)
    if reposts:
        yield from passed_on(pen, post, repost_ages(random, reposts), settings)
    if random.random() < ANSWERED[mood]:
        later = at + int(random.lognormvariate(math.log(40), 0.8) * MINUTE_MS)
        pool = phrases.ANSWERS[2:] if mood == "positive" else (*phrases.ANSWERS[:2], phrases.ANSWERS[3])
        yield later, pen.reply(post, later, pen.own(), pool)
    fate = random.random()
    if fate < TWICE:
        yield at + int(random.uniform(SECOND_MS, HOUR_MS)), post
    elif fate < TWICE + EDITED + DELETED and not reposts:
        later = at + LATE_MS_MAX + int(random.expovariate(1 / (50 * MINUTE_MS)))
        if fate < TWICE + EDITED:
            text = f"{post.text} {phrases.say(random, random.choice(phrases.EDITS), pen.unit.industry)}"
            yield later, msgspec.structs.replace(post, kind="edit", text=text, event_time=Millis(later))
        else:
            yield (
                later,
                Post(id=post.id, network=post.network, kind="delete", author=post.author, event_time=Millis(later)),
            )


def passed_on(pen: Pen, post: Post, ages: Sequence[int], settings: WorldSettings) -> Iterator[tuple[int, Post]]:
    """Reposts of these ages, made one by one as they are asked for; or, where only counters are seen, the post again
    with its total at each poll that found more."""
    at = int(post.event_time)
    if not settings.counters:
        for age in ages:
            yield at + age, pen.repost(post, at + age)
        return
    likes = post.metrics.likes if post.metrics else None
    for age, total in polls(ages, min(FOLLOWED_MS, settings.ends - at)):
        metrics = Metrics(likes=(likes or 0) + 2 * total, reposts=total)
        yield at + age, msgspec.structs.replace(post, kind="edit", event_time=Millis(at + age), metrics=metrics)


def _mentions(settings: WorldSettings, local: Local) -> Iterator[tuple[Arrival, Mood]]:
    """Who writes when, in which mood. Complaints are a stream of their own."""
    means = local.means(settings.starts, settings.hours)

    def stream(name: str, share: float) -> Iterator[Arrival]:
        own = Random(f"{settings.seed}/{name}/{local.unit.id}")  # noqa: S311 - a repeatable world
        scaled = (share * mean for mean in means)
        return arrivals_of(own, scaled, dispersion=settings.dispersion, starts=settings.starts, returning=RETURNING)

    moods = Random(f"{settings.seed}/moods/{local.unit.id}")  # noqa: S311 - a repeatable world
    return _in_moods(moods, stream("complaints", settings.negative), stream("others", 1.0 - settings.negative))


def _in_moods(
    random: Random, complaints: Iterator[Arrival], others: Iterator[Arrival]
) -> Iterator[tuple[Arrival, Mood]]:
    """By time. The two streams number their people alike: odd ones complain."""
    for one, odd in heapq.merge(((one, 1) for one in complaints), ((one, 0) for one in others), key=itemgetter(0)):
        mood: Mood = "negative" if odd else "neutral" if random.random() < NEUTRAL else "positive"
        yield Arrival(one.event_time, f"{one.author[0]}{2 * int(one.author[1:]) + odd}"), mood


def _come(waiting: list[tuple[int, int, Post]]) -> Timed:
    at, _, record = heapq.heappop(waiting)
    return Timed(at, record)
