"""What is planted, as it happens. In: the settings, a unit, a Planned. Out: its records, and the truth about it.

The one rule: both follow from the seed and the incident's number alone, so that the truth can be told without making
the records again; what is planted is neither changed nor taken back.
"""

from array import array
from collections.abc import Iterator
from random import Random
from typing import Final

from pipeline.evaluation import phrases
from pipeline.evaluation.incident import POST_IDS_MAX, Incident
from pipeline.evaluation.world.history import passed_on
from pipeline.evaluation.world.locals import Local
from pipeline.evaluation.world.people import SOCIAL, advertiser, person
from pipeline.evaluation.world.plan import Planned
from pipeline.evaluation.world.sentences import PRAISE_CAMPAIGN, SEVERE, SPAM
from pipeline.evaluation.world.settings import WorldSettings
from pipeline.evaluation.world.spreading import FOLLOWED_MS, growing_ages, ordinary_reposts, repost_ages
from pipeline.evaluation.world.timed import Timed
from pipeline.evaluation.world.writing import Pen
from schemas.post import Author, Post
from schemas.time import Millis
from schemas.vocabulary import Network

INFLUENTIAL_REPOSTS: Final = (5, 100)
GROWING: Final = 0.5
"""The share of cascades that grow from person to person; the others have an audience at once, as the real ones."""
AUDIENCE: Final = {True: (50, 1_000), False: (1_000, 15_000)}
"""Followers of whoever starts a cascade, by whether it grows."""


class Planting:
    """One incident. `originals`: its posts; `ages`: when the first of them is passed on (milliseconds after it)."""

    def __init__(self, settings: WorldSettings, local: Local, planned: Planned) -> None:
        self.planned = planned
        self._settings = settings
        self._random = Random(f"{settings.seed}/incident/{planned.number}")  # noqa: S311 - a repeatable world
        self._pen = Pen(self._random, local, series=f"i{planned.number}-")
        self._grows = planned.kind == "cascade" and self._random.random() < GROWING
        self.originals = self._originals()
        self.ages = array("q", self._ages())

    @property
    def truth(self) -> Incident:
        """As it is measured against."""
        planned, last = self.planned, self.originals[-1].event_time
        spread = planned.kind in ("cascade", "influential") and self.ages
        return Incident(
            kind=planned.kind,
            unit_id=self._pen.unit.id,
            cause=planned.cause,
            starts=self.originals[0].event_time,
            ends=Millis(self.originals[0].event_time + self.ages[-1]) if spread else last,
            posts=len(self.originals),
            authors=len(self.originals) + (len(self.ages) if spread else 0),
            size=planned.size,
            post_ids=tuple(post.id for post in self.originals[:POST_IDS_MAX]),
        )

    def records(self) -> Iterator[Timed]:
        """By arrival; what is passed on is made while it is asked for."""
        yield Timed(self.originals[0].event_time, self.originals[0])
        if len(self.originals) == 1:
            for arrives, post in passed_on(self._pen, self.originals[0], self.ages, self._settings):
                yield Timed(arrives, post)
        for post in self.originals[1:]:
            yield Timed(post.event_time, post)

    def _originals(self) -> list[Post]:
        random, planned = self._random, self.planned
        if planned.kind in ("surge", "distraction"):
            times = sorted(planned.starts + self._after() for _ in range(planned.size))
            cores = self._cores()
            return [self._one(at, number, cores) for number, at in enumerate(times)]
        network = random.choice(SOCIAL)
        return [self._single(planned.starts, network)]

    def _after(self) -> int:
        """A moment of a surge or campaign: most come in its first half."""
        return int(self._random.triangular(0, self.planned.span_ms, self.planned.span_ms * 0.4))

    def _cores(self) -> tuple[str, ...]:
        cause, random = self.planned.cause, self._random
        if self.planned.kind == "surge":
            return tuple(random.sample(phrases.COMPLAINTS[cause], k=len(phrases.COMPLAINTS[cause])))
        return (random.choice(PRAISE_CAMPAIGN if cause == "praise" else SPAM),)

    def _one(self, at: int, number: int, cores: tuple[str, ...]) -> Post:
        """One of many, each by somebody else."""
        random, pen = self._random, self._pen
        network = random.choice(SOCIAL)
        if self.planned.kind == "surge":
            return pen.complaint(at, pen.stranger(at), network, cores, number)
        make = advertiser if self.planned.cause == "spam" else person
        return pen.said(at, make(random, pen.name("s"), at), network, cores[0])

    def _single(self, at: int, network: Network) -> Post:
        random, planned, pen = self._random, self.planned, self._pen
        if planned.kind == "severe":
            return pen.complaint(at, pen.stranger(at), network, (random.choice(SEVERE[planned.cause]),), 0)
        followed = planned.size if planned.kind == "influential" else random.randint(*AUDIENCE[self._grows])
        author: Author = person(random, pen.name("s"), at, followed=followed)
        cores = phrases.COMPLAINTS[planned.cause]
        return pen.complaint(at, author, network, cores, random.randrange(len(cores)))

    def _ages(self) -> list[int]:
        kind, random = self.planned.kind, self._random
        if kind in ("surge", "distraction"):
            return []
        count = self.planned.size if kind == "cascade" else random.randint(*INFLUENTIAL_REPOSTS)
        if kind == "severe":
            count = ordinary_reposts(random)
        return (growing_ages if self._grows else repost_ages)(
            random, count, min(FOLLOWED_MS, self._settings.ends - self.planned.starts)
        )
