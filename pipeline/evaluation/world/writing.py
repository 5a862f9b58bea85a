"""Posts and feedback about one unit, written. In: a unit, a moment, a mood. Out: a record that a connector would send.

The one rule: what is a complaint names its unit in a way that routing can follow, so that the number of complaints is
the number that was drawn. Texts are those of `pipeline.evaluation.phrases`.
"""

from random import Random
from typing import Any, Final, Literal, get_args

from pipeline.evaluation import phrases
from pipeline.evaluation.world.locals import Local
from pipeline.evaluation.world.people import REVIEWS, SOCIAL, person
from pipeline.evaluation.world.sentences import LOUD
from schemas.feedback import Feedback
from schemas.post import Author, Metrics, Place, Post, PostKind
from schemas.time import Millis
from schemas.vocabulary import FeedbackChannel, JourneyStage, Network

Mood = Literal["negative", "neutral", "positive"]

FEEDBACK: Final = 0.05
REVIEW: Final = 0.2
"""Shares of mentions; the rest are posts."""
HARD: Final = 0.2
"""The share of complaints without a word that VADER knows."""
JEST: Final = 0.01
"""The share of happy texts that speak of killing and suing in jest."""
FOREIGN: Final = 0.04
PERSONAL: Final = 0.02

_CLUES: Final = ("handle", "alias", "hashtag", "hint", "place", "position", "none")
_WEIGHTS: Final = (32, 30, 9, 12, 12, 3, 2)
_CHANNELS: Final[tuple[FeedbackChannel, ...]] = get_args(FeedbackChannel)
_STAGES: Final[tuple[JourneyStage, ...]] = get_args(JourneyStage)
_STARS: Final[dict[str, tuple[int, ...]]] = {"negative": (1, 1, 2), "neutral": (3, 3, 4), "positive": (4, 5, 5)}
_NPS: Final[dict[str, tuple[int, ...]]] = {
    "negative": (0, 1, 2, 3, 4), "neutral": (7, 7, 8), "positive": (9, 9, 10),
}  # fmt: skip


class Pen:
    """Writes about one unit, for one stretch of its life: `series` tells its ids from those of other stretches."""

    def __init__(self, random: Random, local: Local, series: str = "") -> None:
        self.random = random
        self.local = local
        self.unit = local.unit
        self._names = local.unit.aliases
        self._series = f"{local.number}-{series}"
        self._written = 0
        self._regulars: dict[str, Author] = {}

    def mention(self, at: int, who: str, mood: Mood) -> Post | Feedback:
        """Something new: a survey, a review or a post. `who`: as `Arrival` has it."""
        kind = self.random.random()
        if kind < FEEDBACK:
            return self.feedback(at, who, mood)
        if kind < FEEDBACK + REVIEW:
            return self._review(at, who, mood)
        return self._social(at, who, mood)

    def feedback(self, at: int, who: str, mood: Mood) -> Feedback:
        """An answer to a survey."""
        random, asked = self.random, self.random.random()
        text, language = self._text(mood) if random.random() < 0.6 else ("", "en")
        return Feedback(
            id=self.name("fb"),
            channel=random.choice(_CHANNELS),
            unit_id=self.unit.id,
            journey_stage=random.choice(_STAGES) if random.random() < 0.5 else None,
            nps=random.choice(_NPS[mood]) if asked < 0.7 else None,
            csat=random.choice(_STARS[mood]) if asked > 0.4 else None,
            text=text,
            language=language if text else None,
            customer_ref=f"customer-{self._series}{who}",
            contact_consent=random.random() < (0.1 if mood == "negative" else 0.3),
            event_time=Millis(at),
        )

    def complaint(self, at: int, author: Author, network: Network, cores: tuple[str, ...], first: int) -> Post:
        """A post that names the unit, around one of the cores."""
        random = self.random
        turned = cores[first % len(cores) :] + cores[: first % len(cores)]
        text = phrases.remark(random, "negative", turned[:3], self.unit.industry, first=turned[0])
        name = f"@{self.unit.handles[0]}" if random.random() < 0.55 else random.choice(self._names)
        return self.post(network, author, at, phrases.named(random, text, name))

    def said(self, at: int, author: Author, network: Network, template: str) -> Post:
        """A post after a template that holds the unit's name itself (`{name}`), and maybe a `{number}`."""
        random = self.random
        name = random.choice((*self._names, f"@{self.unit.handles[0]}"))
        filled = template.replace("{name}", name).replace("{number}", str(random.randrange(100)))
        return self.post(network, author, at, phrases.say(random, filled, self.unit.industry))

    def reply(self, to: Post, at: int, author: Author, pool: tuple[str, ...]) -> Post:
        """An answer in the thread of a post, naming nobody."""
        text = phrases.say(self.random, self.random.choice(pool), self.unit.industry)
        return self.post(to.network, author, at, text, "reply", in_reply_to=to.id, root_id=to.thread)

    def repost(self, of: Post, at: int) -> Post:
        """Somebody new passes a post on."""
        name = self.name("p")
        who = person(self.random, name, at)
        return Post(
            id=f"{of.network[:2]}-{name}",
            network=of.network,
            kind="repost",
            author=who,
            event_time=Millis(at),
            in_reply_to=of.id,
            root_id=of.thread,
        )

    def own(self) -> Author:
        """The unit's own account."""
        handle = self.unit.handles[0]
        return Author(id=f"acct-{handle}", handle=handle, followers=1800, verified=True)

    def author(self, who: str, at: int) -> Author:
        """Whoever `who` is: a regular is always the same."""
        known = self._regulars.get(who)
        if known is None:
            known = person(self.random, f"{self._series}{who}", at)
            if who.startswith("r"):
                self._regulars[who] = known
        return known

    def stranger(self, at: int) -> Author:
        """Somebody who has not written before."""
        return person(self.random, self.name("s"), at)

    def name(self, prefix: str) -> str:
        """An id that nobody else has, in this unit or another."""
        self._written += 1
        return f"{self._series}{prefix}{self._written}"

    def post(
        self, network: Network, author: Author, at: int, text: str, kind: PostKind = "post", **fields: Any
    ) -> Post:
        """A post as the network has it."""
        random, identity = self.random, f"{network[:2]}-{self.name('')}"
        seen = int((author.followers or 0) * random.uniform(0.05, 0.6))
        return Post(
            id=identity,
            network=network,
            kind=kind,
            author=author,
            text=text,
            url=f"https://{network}.example/p/{identity}",
            event_time=Millis(at),
            metrics=Metrics(likes=seen // 40, views=seen) if kind == "post" and random.random() < 0.6 else None,
            **{"language": "en" if random.random() < 0.7 else None, **fields},
        )

    def _social(self, at: int, who: str, mood: Mood) -> Post:
        random, unit = self.random, self.unit
        network = SOCIAL[int(who[1:]) % len(SOCIAL)]
        text, language = self._text(mood)
        clue = (
            random.choices(_CLUES[:5], _WEIGHTS[:5])[0] if mood == "negative" else random.choices(_CLUES, _WEIGHTS)[0]
        )
        fields: dict[str, Any] = {} if language == "en" else {"language": language}
        if clue == "handle":
            text = phrases.named(random, text, f"@{unit.handles[0]}")
        elif clue == "alias":
            text = phrases.named(random, text, random.choice(self._names))
        elif clue == "hashtag":
            text = phrases.named(random, text, f"#{unit.hashtags[0]}")
        elif clue == "hint":
            fields["unit_hint"] = unit.id
        elif clue == "place":
            fields["place"] = Place(name=unit.name, id=unit.place_ids[0])
        elif clue == "position" and unit.position is not None:
            fields["place"] = Place(
                latitude=round(unit.position.latitude + random.uniform(-0.0006, 0.0006), 6),
                longitude=round(unit.position.longitude + random.uniform(-0.0006, 0.0006), 6),
            )
        return self.post(network, self.author(who, at), at, text, **fields)

    def _review(self, at: int, who: str, mood: Mood) -> Post:
        random = self.random
        network = REVIEWS[int(who[1:]) % len(REVIEWS)]
        text, language = self._text(mood, long=random.random() < 0.5)
        named = random.random() < 0.6
        return self.post(
            network, self.author(who, at), at, text, "review",
            language=language,
            rating=float(random.choice(_STARS[mood])),
            place=Place(name=self.unit.name, id=self.unit.place_ids[0]) if named else None,
            unit_hint=None if named else self.unit.id,
        )  # fmt: skip

    def _text(self, mood: Mood, *, long: bool = False) -> tuple[str, str]:
        """A text and its language."""
        random, industry = self.random, self.unit.industry
        if mood == "negative":
            hard = random.random() < HARD
            cores = phrases.HARD if hard else phrases.COMPLAINTS[random.choice(phrases.ASPECTS[industry])]
        elif mood == "positive":
            cores = LOUD if random.random() < JEST else phrases.PRAISE
        elif random.random() < FOREIGN:
            language, template = random.choice(phrases.FOREIGN)
            return phrases.say(random, template, industry), language
        else:
            cores = phrases.SMALL_TALK
        text = phrases.remark(random, mood, cores, industry, long=long)
        if random.random() < PERSONAL:
            text += " " + phrases.say(random, random.choice(phrases.PERSONAL), industry)
        return text, "en"
