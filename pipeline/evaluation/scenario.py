"""A small labelled world. In: a seed and its size. Out: units, what customers wrote about them in order of event time,
and the incidents hidden in it.

The one rule: everything follows from the seed. One `random.Random(seed)`, no clock, no other source, so that the same
seed gives the same bytes anywhere. Beside the incidents nothing is a burst: complaints about a unit within any hour are
capped (`_QuietHour`), so that an alert that is not in the list of incidents is a false one.
"""

import math
from bisect import bisect_left, bisect_right, insort
from random import Random
from typing import get_args

import msgspec

from pipeline.evaluation import phrases
from pipeline.evaluation.incident import Incident
from pipeline.evaluation.sites import QUIET, Site, directory
from schemas.feedback import Feedback
from schemas.post import Author, Metrics, Place, Post, PostKind
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Millis
from schemas.unit import Unit
from schemas.vocabulary import FeedbackChannel, JourneyStage, Network

STARTS = Millis(1_767_571_200_000)
"""Monday, 2026-01-05T00:00:00Z."""
FIRST_INCIDENT_MS = 30 * HOUR_MS
INCIDENT_GAP_MS = 4 * HOUR_MS
"""Between two incidents at one unit."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """`units` holds brands, then regions, then local units; `records` are sorted by event time."""

    seed: int
    starts: Millis
    ends: Millis
    units: tuple[Unit, ...]
    records: tuple[Post | Feedback, ...]
    incidents: tuple[Incident, ...]


def generate(seed: int, *, units: int = 36, hours: int = 48, incidents: int = 6, starts: Millis = STARTS) -> Scenario:
    """A world of `units` local units over `hours`. Raises ValueError where the incidents do not fit."""
    if units < 1 or hours < 1 or incidents < 0:
        raise ValueError("a scenario has at least one unit and one hour, and no negative number of incidents")
    random = Random(seed)  # noqa: S311 - a repeatable world, nothing secret
    ends = Millis(starts + hours * HOUR_MS)
    parents, sites = directory(random, units)
    slots = _slots(random, [site for site in sites if site.rate <= QUIET], starts, ends, incidents)
    world = _World(random, ends)
    for site in sites:
        world.ordinary_days(site, starts, hours)
    planted = [world.incident(site, begins, length) for site, begins, length in slots]
    return Scenario(
        seed=seed,
        starts=starts,
        ends=ends,
        units=(*parents, *(site.unit for site in sites)),
        records=tuple(sorted(world.records, key=lambda record: record.event_time)),
        incidents=tuple(sorted(planted, key=lambda incident: incident.starts)),
    )


# The directory.


def _slots(random: Random, quiet: list[Site], starts: int, ends: int, count: int) -> list[tuple[Site, int, int]]:
    """Where and when the incidents are: (unit, first moment, length). By day in the unit's own time if that can be."""
    taken: list[tuple[Site, int, int]] = []
    order = random.sample(quiet, len(quiet))
    for number in range(count):
        site, length = order[number % len(order)], random.randint(30 * MINUTE_MS, 50 * MINUTE_MS)
        first, last = starts + FIRST_INCIDENT_MS, ends - length - 10 * MINUTE_MS
        free = [
            at for at in range(first, last, MINUTE_MS)
            if all(other is not site or abs(at - begun) >= INCIDENT_GAP_MS for other, begun, _ in taken)
        ]  # fmt: skip
        if not free:
            raise ValueError(f"{count} incidents do not fit: use more units or more hours (at least 32)")
        awake = [at for at in free if 8 <= (at // HOUR_MS + site.utc_offset) % 24 < 21]
        taken.append((site, random.choice(awake or free) + random.randrange(MINUTE_MS), length))
    return taken


# The people and what they write.

_SOCIAL: tuple[Network, ...] = ("x", "x", "x", "facebook", "facebook", "instagram", "bluesky", "mastodon", "reddit")
_REVIEWS: tuple[Network, ...] = ("google", "google", "google", "yelp", "tripadvisor", "trustpilot", "facebook")
_CHANNELS: tuple[FeedbackChannel, ...] = get_args(FeedbackChannel)
_STAGES: tuple[JourneyStage, ...] = get_args(JourneyStage)
_MOODS = ("negative", "neutral", "positive")
_CLUES = ("handle", "alias", "hashtag", "hint", "place", "position", "none")
_CLUE_WEIGHTS = (32, 30, 9, 11, 9, 4, 5)
_FIRST = ("ana", "ben", "cleo", "dov", "edda", "finn", "gus", "hana", "ines", "kit", "lou", "mira", "noor", "oz", "pia")
_LAST = ("runs", "reads", "west", "_b", "cooks", "on_tour", "q", "_lane", "fm", "writes", "bike", "_says", "paints")


class _QuietHour:
    """Keeps complaints about one unit from becoming a burst: at most `limit` of them within any hour."""

    def __init__(self, rate: float) -> None:
        self._limit = 2 if rate < 2.5 else 3 if rate < 6 else 4
        self._times: list[int] = []

    def admits(self, at: int) -> bool:
        """Whether one more fits; if so it is counted."""
        low, high = bisect_left(self._times, at - HOUR_MS), bisect_right(self._times, at + HOUR_MS)
        near = sorted([*self._times[low:high], at])
        starts = (bisect_right(near, moment + HOUR_MS) - place for place, moment in enumerate(near))
        if max(starts) > self._limit:
            return False
        insort(self._times, at)
        return True


class _World:
    """Records as they are made up. Whatever would happen after `ends` does not."""

    def __init__(self, random: Random, ends: int) -> None:
        self.records: list[Post | Feedback] = []
        self._random = random
        self._ends = ends
        self._ids: set[str] = set()
        self._regulars: dict[Network, list[Author]] = {}

    def ordinary_days(self, site: Site, starts: int, hours: int) -> None:
        """Counts by a gamma-Poisson model: the hour's mean is itself drawn around what the time of day expects. One
        survey comes early, so that whoever learns from the first mention on knows a day when an incident comes."""
        random, calm = self._random, _QuietHour(site.rate)
        self._feedback(site.unit, starts + random.randrange(min(hours, 4) * HOUR_MS), "neutral")
        for hour in range(starts, starts + hours * HOUR_MS, HOUR_MS):
            mean = site.mentions(hour) * random.gammavariate(3.0, 1 / 3.0)
            for at in sorted(hour + random.randrange(HOUR_MS) for _ in range(_poisson(random, mean))):
                mood = random.choices(_MOODS, (14, 50, 36))[0]
                if mood == "negative" and not calm.admits(at):
                    mood = "neutral"
                kind = random.random()
                if kind < 0.12:
                    self._feedback(site.unit, at, mood)
                elif kind < 0.27:
                    self._follow_up(site.unit, self._review(site.unit, at, mood), mood, calm)
                else:
                    self._follow_up(site.unit, self._social(site.unit, at, mood), mood, calm)

    def incident(self, site: Site, begins: int, length: int) -> Incident:
        """Many people, one cause; a few write twice. Each names the unit."""
        random, unit = self._random, site.unit
        cause = random.choice(phrases.ASPECTS[unit.industry])
        people = [self._stranger(random.choice(_SOCIAL), modest=True) for _ in range(random.randint(10, 25))]
        crowd = people + random.sample(people, k=random.randint(0, 3))
        times = [0, length, *(int(random.triangular(0, length, length * 0.4)) for _ in crowd[2:])]
        cores = random.sample(phrases.COMPLAINTS[cause], k=len(phrases.COMPLAINTS[cause]))
        posts = []
        for number, ((network, author), after) in enumerate(zip(crowd, sorted(times), strict=True)):
            turned = tuple(cores[number % len(cores) :] + cores[: number % len(cores)])
            text = phrases.remark(random, "negative", turned[:3], unit.industry, first=turned[0])
            name = f"@{unit.handles[0]}" if random.random() < 0.55 else random.choice(unit.aliases)
            at, hint = begins + after, unit.id if random.random() < 0.2 else None
            posts.append(self._post(network, author, at, phrases.named(random, text, name), unit_hint=hint))
            self._follow_up(unit, posts[-1], "negative", None, reposts=random.choice((0, 0, 0, 1, 3)))
        return Incident(
            unit_id=unit.id,
            cause=cause,
            starts=posts[0].event_time,
            ends=posts[-1].event_time,
            posts=len(posts),
            authors=len(people),
            size=len(people),
            post_ids=tuple(post.id for post in posts),
        )

    def _text(self, industry: str, mood: str, *, long: bool = False) -> tuple[str, str]:
        """A text and its language."""
        random = self._random
        if mood == "negative":
            aspect = random.choice(phrases.ASPECTS[industry])
            cores = phrases.HARD if random.random() < 0.3 else phrases.COMPLAINTS[aspect]
        else:
            cores = phrases.PRAISE if mood == "positive" else phrases.SMALL_TALK
        if mood == "neutral" and random.random() < 0.04:
            language, phrase = random.choice(phrases.FOREIGN)
            return phrases.say(random, phrase, industry), language
        text = phrases.remark(random, mood, cores, industry, long=long)
        if random.random() < 0.02:
            text += " " + phrases.say(random, random.choice(phrases.PERSONAL), industry)
        return text, "en"

    def _social(self, unit: Unit, at: int, mood: str) -> Post:
        random, network = self._random, self._random.choice(_SOCIAL)
        author = self._someone(network, modest=mood == "negative")
        text, language = self._text(unit.industry, mood)
        clue = random.choices(_CLUES, _CLUE_WEIGHTS)[0]
        hint = place = None
        if clue == "handle":
            text = phrases.named(random, text, f"@{unit.handles[0]}")
        elif clue == "alias":
            text = phrases.named(random, text, random.choice((unit.name, *unit.aliases)))
        elif clue == "hashtag":
            text = phrases.named(random, text, f"#{unit.hashtags[0]}")
        elif clue == "hint":
            hint = unit.id
        elif clue == "place":
            place = Place(name=unit.name, id=unit.place_ids[0])
        elif clue == "position" and unit.position is not None:
            place = Place(
                latitude=round(unit.position.latitude + random.uniform(-0.0006, 0.0006), 6),
                longitude=round(unit.position.longitude + random.uniform(-0.0006, 0.0006), 6),
            )
        elif random.random() < 0.3:
            text = phrases.named(random, text, unit.name.split()[0])
        return self._post(network, author, at, text, language=language, unit_hint=hint, place=place)

    def _review(self, unit: Unit, at: int, mood: str) -> Post:
        random, network = self._random, self._random.choice(_REVIEWS)
        text, language = self._text(unit.industry, mood, long=random.random() < 0.5)
        stars = random.choice({"negative": (1, 1, 2), "neutral": (3, 4), "positive": (4, 5, 5)}[mood])
        place = Place(name=unit.name, id=unit.place_ids[0]) if random.random() < 0.6 else None
        hint = unit.id if place is None else None
        return self._post(network, self._someone(network, modest=True), at, text, "review", language=language,
                          rating=float(stars), place=place, unit_hint=hint)  # fmt: skip

    def _feedback(self, unit: Unit, at: int, mood: str) -> None:
        random, low = self._random, mood == "negative"
        asked = random.choice(("nps", "csat", "both"))
        nps = random.choice({"negative": (0, 1, 2, 3, 4), "neutral": (7, 7, 8), "positive": (9, 9, 10)}[mood])
        csat = random.choice({"negative": (1, 1, 2), "neutral": (3, 4), "positive": (5, 5, 4)}[mood])
        text, language = self._text(unit.industry, mood) if random.random() < 0.6 else ("", "en")
        self.records.append(
            Feedback(
                id=self._new_id("fb"),
                channel=random.choice(_CHANNELS),
                unit_id=unit.id,
                journey_stage=random.choice(_STAGES) if random.random() < 0.7 else None,
                nps=None if asked == "csat" else nps,
                csat=None if asked == "nps" else csat,
                ces=random.randint(2, 7) if random.random() < 0.15 else None,
                text=text,
                language=language if text else None,
                order_id=f"A{random.randrange(10**5, 10**6)}" if random.random() < 0.4 else None,
                customer_ref=f"cust-{random.randrange(10**6):06d}",
                contact_consent=random.random() < (0.1 if low else 0.3),
                event_time=Millis(at),
            )
        )

    def _follow_up(self, unit: Unit, post: Post, mood: str, calm: _QuietHour | None, reposts: int = -1) -> None:
        """What comes after a post: others and the author reply, pass it on, the company answers, it is changed or
        taken back. `calm` None: it is part of an incident, which keeps its posts. `reposts` -1: some, now and then."""
        random, author = self._random, post.author
        if post.kind == "post":
            before, at = post, int(post.event_time)
            for _ in range(random.choices((0, 1, 2, 3), (80, 13, 5, 2))[0]):
                at += int(random.expovariate(1 / (25 * MINUTE_MS))) + 20 * SECOND_MS
                joins = calm is not None and mood == "negative" and random.random() < 0.3 and calm.admits(at)
                saying = phrases.say(random, random.choice(phrases.ME_TOO if joins else phrases.CHATTER), unit.industry)
                again = not joins and author is not None and random.random() < 0.25
                who = author if again and author else self._someone(post.network, modest=joins)
                before = self._post(post.network, who, at, saying, "reply", in_reply_to=before.id, root_id=post.id)
            if reposts < 0:
                reposts = random.randint(1, 2 if mood == "negative" else 5) if random.random() < 0.05 else 0
            at = int(post.event_time)
            for _ in range(reposts):
                at += int(random.expovariate(1 / (12 * MINUTE_MS))) + 5 * SECOND_MS
                who = self._someone(post.network, modest=mood == "negative")
                self._post(post.network, who, at, "", "repost", in_reply_to=post.id, root_id=post.id)
        if random.random() < {"negative": 0.45, "neutral": 0.05, "positive": 0.12}[mood]:
            at = int(post.event_time + random.lognormvariate(math.log(40), 0.8) * MINUTE_MS)
            own = Author(id=f"acct-{unit.handles[0]}", handle=unit.handles[0], followers=1800, verified=True)
            pool = phrases.ANSWERS[2:] if mood == "positive" else (*phrases.ANSWERS[:2], phrases.ANSWERS[3])
            saying = phrases.say(random, random.choice(pool), unit.industry)
            self._post(post.network, own, at, saying, "reply", in_reply_to=post.id, root_id=post.id)
        changed = random.random()
        if calm is not None and changed < 0.04:
            at = Millis(post.event_time + int(random.expovariate(1 / (50 * MINUTE_MS))) + 30 * SECOND_MS)
            if changed < 0.026:
                text = f"{post.text} {phrases.say(random, random.choice(phrases.EDITS), unit.industry)}"
                self._add(msgspec.structs.replace(post, kind="edit", text=text, event_time=at))
            else:
                self._add(Post(id=post.id, network=post.network, kind="delete", author=author, event_time=at))
        elif calm is not None and changed > 0.996:
            self._add(post)

    def _post(
        self, network: Network, author: Author, at: int, text: str, kind: PostKind = "post", *,
        language: str = "en", in_reply_to: str | None = None, root_id: str | None = None, rating: float | None = None,
        place: Place | None = None, unit_hint: str | None = None,
    ) -> Post:  # fmt: skip
        random, identity = self._random, self._new_id(network[:2])
        seen = int((author.followers or 0) * random.uniform(0.05, 0.6))
        post = Post(
            id=identity,
            network=network,
            kind=kind,
            author=author,
            text=text,
            language=language if text and random.random() < 0.7 else None,
            url=f"https://{network}.example/p/{identity}",
            event_time=Millis(at),
            in_reply_to=in_reply_to,
            root_id=root_id,
            rating=rating,
            place=place,
            unit_hint=unit_hint,
            metrics=Metrics(likes=seen // 40, views=seen) if kind == "post" and random.random() < 0.6 else None,
        )
        self._add(post)
        return post

    def _add(self, post: Post) -> None:
        if post.event_time < self._ends:
            self.records.append(post)

    def _someone(self, network: Network, *, modest: bool) -> Author:
        """Often somebody who has written before. `modest`: not one whose word alone makes news."""
        regulars = self._regulars.setdefault(network, [])
        if regulars and self._random.random() < 0.35:
            author = self._random.choice(regulars)
            if not modest or (author.followers or 0) < 2000:
                return author
        regulars.append(self._stranger(network, modest=modest)[1])
        return regulars[-1]

    def _stranger(self, network: Network, *, modest: bool) -> tuple[Network, Author]:
        """Somebody new. Followers have a heavy tail: half have under a hundred, one in a few thousand a million."""
        random = self._random
        most = 1_500 if modest else 2_000_000
        followers = min(int(40 * random.paretovariate(0.85)) - 40 + random.randrange(30), most)
        name = f"{random.choice(_FIRST)}{random.choice(_LAST)}{random.randrange(1000)}"
        created = STARTS - int(random.uniform(40, 4000) * DAY_MS)
        return network, Author(id=self._new_id("u"), handle=name, followers=followers, verified=followers > 50_000,
                               created=Millis(created))  # fmt: skip

    def _new_id(self, prefix: str) -> str:
        while (identity := f"{prefix}-{self._random.getrandbits(44):011x}") in self._ids:
            pass
        self._ids.add(identity)
        return identity


def _poisson(random: Random, mean: float) -> int:
    """A Poisson count (Knuth's product of uniforms; means here are below 60)."""
    count, product, limit = 0, random.random(), math.exp(-mean)
    while product > limit:
        count, product = count + 1, product * random.random()
    return count
