"""What was understood from one post or piece of feedback about one unit. Key of `cem.events`: the unit's id.

Holds no text, no handle and no other personal data: text is in `cem.texts` under `text_ref`, the author is a keyed
hash.
"""

from typing import Annotated, Literal

import msgspec

from schemas.record import Record, Source
from schemas.time import Millis
from schemas.vocabulary import Channel, Count, Emotion, JourneyStage, SentimentLabel, Share

InsightKind = Literal["post", "reply", "repost", "review", "edit", "delete", "feedback", "answer"]
Polarity = Annotated[float, msgspec.Meta(ge=-1.0, le=1.0)]
Severity = Annotated[int, msgspec.Meta(ge=1, le=10)]


class Sentiment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """`compound` in VADER's scale, -1 to 1. `abstained`: the language is not covered, the label means nothing."""

    compound: Polarity
    label: SentimentLabel
    confidence: Share
    abstained: bool = False
    model: str


class Aspect(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that was spoken of, who is responsible for it, and how it was spoken of."""

    aspect: str
    department: str
    polarity: Polarity


class Scores(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Scores that came with the text: nps 0-10, csat 1-5, ces 1-7, rating 0-5."""

    nps: int | None = None
    csat: int | None = None
    ces: int | None = None
    rating: float | None = None


class Reach(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """How far it may have gone: the author's followers, reposts counted by the network."""

    followers: Count | None = None
    reposts: Count | None = None


class Suspicion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """How likely it is not a real customer, and why."""

    score: Share = 0.0
    reasons: tuple[str, ...] = ()


class SevereCause(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A cause for which one post is enough, the words that told it (those that the taxonomy knows; others are left out
    as …), who is responsible for it, and the severity (1 to 10) of the alert that it opens."""

    cause: str
    words: str
    department: str
    severity: Severity


class Root(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is known of the post that a repost repeats, or of which an edit brings new counters: when it was written,
    how it was meant, who could read it, the main thing that a complaint speaks of, which severe causes it told. `post`:
    its id, by `network:post`, where it is not the root of the thread."""

    event_time: Millis
    post: str | None = None
    label: SentimentLabel | None = None
    followers: Count | None = None
    main: Aspect | None = None
    severe: tuple[str, ...] = ()


class Routing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why this unit: the rule that decided, and how sure it is."""

    rule: str
    confidence: Share


class Insight(Record, frozen=True, kw_only=True, tag="insight"):
    """`id` is `network:post` or `feedback:id`; with `unit_id` it names the insight. An `edit` replaces, a `delete`
    takes out what the same id brought before. `taxonomy` found the aspects and severe causes, if there are any: its
    name and six digits of a checksum (`retail/3ac41f`), the industry before it where it is called otherwise, the model
    of main aspects behind it (`retail=my_shops/8e1b02+reasons/1f0c3a9e`). `thread` is the root post. An `answer` is the
    company's own: it says how long the thread waited for its first one."""

    id: str
    kind: InsightKind
    unit_id: str
    channel: Channel
    author: str | None = None
    event_time: Millis
    sentiment: Sentiment | None = None
    language: str | None = None
    aspects: tuple[Aspect, ...] = ()
    severe: tuple[SevereCause, ...] = ()
    taxonomy: str | None = None
    emotion: Emotion = "none"
    journey_stage: JourneyStage | None = None
    touchpoint: str | None = None
    scores: Scores = Scores()
    reach: Reach = Reach()
    thread: str | None = None
    root: Root | None = None
    text_ref: str | None = None
    fingerprint: str | None = None
    suspicion: Suspicion = Suspicion()
    routing: Routing
    customer_ref: str | None = None
    contact_consent: bool = False
    first_answer_ms: Count | None = None
    source: Source
