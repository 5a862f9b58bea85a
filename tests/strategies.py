"""Hypothesis strategies for the records: everything that the contract allows, and little that is long.

In: keyword arguments, each a strategy that replaces that of the field of the same name, so that a test narrows only
what it is about: `posts(network=st.just("x"))`. Out: strategies of valid records. Optional fields are often left out.
"""

from datetime import date
from typing import Any, get_args

from hypothesis import strategies as st

from schemas.feedback import Feedback
from schemas.insight import (
    Aspect,
    Insight,
    InsightKind,
    Reach,
    Root,
    Routing,
    Scores,
    Sentiment,
    SevereCause,
    Suspicion,
)
from schemas.post import Author, Metrics, Place, Post, PostKind
from schemas.record import Source
from schemas.time import Millis, parse_time
from schemas.unit import Closure, Department, Hours, Position, Unit
from schemas.vocabulary import Channel, Emotion, FeedbackChannel, JourneyStage, Network, SentimentLabel

Strategy = st.SearchStrategy[Any]

TIMES = st.integers(0, parse_time("9999-12-31T23:59:59.999Z")).map(Millis)
RECENT = st.integers(parse_time("2025-01-01T00:00:00Z"), parse_time("2027-01-01T00:00:00Z")).map(Millis)
TEXTS = st.text(max_size=200)
SHORT_TEXTS = st.text(max_size=40)
NAMES = st.text(min_size=1, max_size=40)
COUNTS = st.integers(0, 2**53)
SHARES = st.floats(0, 1)
POLARITIES = st.floats(-1, 1)
IDENTIFIERS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40)
UNIT_IDS = st.from_regex(r"[A-Za-z0-9-]{1,20}", fullmatch=True)
DAYS = st.dates(min_value=date(1970, 1, 1)).map(date.isoformat)
CLOCKS = st.times().map(lambda time: f"{time:%H:%M}") | st.just("24:00")


def one_of(vocabulary: Any) -> Strategy:
    """A value of a closed vocabulary."""
    return st.sampled_from(get_args(vocabulary))


def some(strategy: Strategy) -> Strategy:
    """The value, or None."""
    return st.none() | strategy


def tuples_of(strategy: Strategy, max_size: int = 3) -> Strategy:
    """A few of them."""
    return st.lists(strategy, max_size=max_size).map(tuple)


def sources() -> st.SearchStrategy[Source]:
    """Where a record may have been read."""
    return st.builds(
        Source, topic=st.sampled_from(["cem.posts", "cem.feedback"]), partition=st.integers(0, 63),
        offset=st.integers(0, 2**62), index=st.integers(0, 5),
    )  # fmt: skip


def posts(**replace: Strategy) -> st.SearchStrategy[Post]:
    """Posts of any kind and network."""
    author = st.builds(
        Author, id=IDENTIFIERS, handle=some(SHORT_TEXTS), followers=some(COUNTS), verified=some(st.booleans()),
        created=some(TIMES),
    )  # fmt: skip
    place = st.builds(
        Place, name=some(SHORT_TEXTS), latitude=some(st.floats(-90, 90)), longitude=some(st.floats(-180, 180)),
        id=some(IDENTIFIERS),
    )  # fmt: skip
    metrics = st.builds(Metrics, likes=some(COUNTS), reposts=some(COUNTS), replies=some(COUNTS), views=some(COUNTS))
    fields: dict[str, Strategy] = {
        "id": IDENTIFIERS, "network": one_of(Network), "kind": one_of(PostKind), "author": some(author), "text": TEXTS,
        "language": some(st.sampled_from(["en", "de", "pt-BR"])), "url": some(SHORT_TEXTS), "event_time": TIMES,
        "in_reply_to": some(IDENTIFIERS), "root_id": some(IDENTIFIERS), "rating": some(st.floats(0, 5)),
        "place": some(place), "unit_hint": some(SHORT_TEXTS), "metrics": some(metrics),
    }  # fmt: skip
    return st.builds(Post, **(fields | replace))


def feedback(**replace: Strategy) -> st.SearchStrategy[Feedback]:
    """Feedback of any channel."""
    fields: dict[str, Strategy] = {
        "id": IDENTIFIERS, "channel": one_of(FeedbackChannel), "unit_id": UNIT_IDS, "touchpoint": some(SHORT_TEXTS),
        "journey_stage": some(one_of(JourneyStage)), "nps": some(st.integers(0, 10)), "csat": some(st.integers(1, 5)),
        "ces": some(st.integers(1, 7)), "rating": some(st.floats(0, 5)), "text": TEXTS,
        "language": some(st.sampled_from(["en", "de", "pt-BR"])), "order_id": some(IDENTIFIERS),
        "employee_ref": some(IDENTIFIERS), "customer_ref": some(IDENTIFIERS), "contact_consent": st.booleans(),
        "event_time": TIMES,
    }  # fmt: skip
    return st.builds(Feedback, **(fields | replace))


def insights(**replace: Strategy) -> st.SearchStrategy[Insight]:
    """Insights of any kind; their parts need not fit together."""
    sentiment = st.builds(
        Sentiment, compound=POLARITIES, label=one_of(SentimentLabel), confidence=SHARES, abstained=st.booleans(),
        model=NAMES,
    )  # fmt: skip
    aspects = st.builds(Aspect, aspect=NAMES, department=NAMES, polarity=POLARITIES)
    severe = st.builds(SevereCause, cause=NAMES, words=NAMES, department=NAMES, severity=st.integers(1, 10))
    root = st.builds(
        Root, event_time=TIMES, post=some(IDENTIFIERS), label=some(one_of(SentimentLabel)), followers=some(COUNTS),
        main=some(aspects), severe=tuples_of(NAMES),
    )  # fmt: skip
    fields: dict[str, Strategy] = {
        "id": IDENTIFIERS, "kind": one_of(InsightKind), "unit_id": UNIT_IDS, "channel": one_of(Channel),
        "author": some(NAMES), "event_time": TIMES, "sentiment": some(sentiment),
        "aspects": tuples_of(aspects), "severe": tuples_of(severe), "root": some(root),
        "emotion": one_of(Emotion), "journey_stage": some(one_of(JourneyStage)), "touchpoint": some(SHORT_TEXTS),
        "scores": st.builds(
            Scores, nps=some(st.integers(0, 10)), csat=some(st.integers(1, 5)), ces=some(st.integers(1, 7)),
            rating=some(st.floats(0, 5)),
        ),
        "reach": st.builds(Reach, followers=some(COUNTS), reposts=some(COUNTS)), "thread": some(IDENTIFIERS),
        "text_ref": some(IDENTIFIERS), "fingerprint": some(NAMES),
        "suspicion": st.builds(Suspicion, score=SHARES, reasons=tuples_of(NAMES)),
        "routing": st.builds(Routing, rule=NAMES, confidence=SHARES), "customer_ref": some(IDENTIFIERS),
        "contact_consent": st.booleans(), "first_answer_ms": some(COUNTS), "source": sources(),
    }  # fmt: skip
    return st.builds(Insight, **(fields | replace))


def units(**replace: Strategy) -> st.SearchStrategy[Unit]:
    """Units, regions and brands."""
    minutes = some(st.integers(1, 525_600))
    fields: dict[str, Strategy] = {
        "id": UNIT_IDS, "name": NAMES, "kind": one_of(Unit.__annotations__["kind"]),
        "industry": one_of(Unit.__annotations__["industry"]), "parent": some(UNIT_IDS), "aliases": tuples_of(NAMES),
        "handles": tuples_of(NAMES), "hashtags": tuples_of(NAMES), "place_ids": tuples_of(IDENTIFIERS),
        "position": some(
            st.builds(
                Position, latitude=st.floats(-90, 90), longitude=st.floats(-180, 180), radius_m=st.floats(1, 50_000)
            )
        ),
        "time_zone": st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu"]),
        "opening_hours": tuples_of(
            st.builds(Hours, day=one_of(Hours.__annotations__["day"]), opens=CLOCKS, closes=CLOCKS)
        ),
        "holidays": tuples_of(DAYS),
        "closures": tuples_of(st.builds(Closure, first=DAYS, last=DAYS, reason=some(SHORT_TEXTS))),
        "languages": tuples_of(st.sampled_from(["en", "de", "es"])),
        "departments": tuples_of(
            st.builds(
                Department, name=NAMES, owner=some(SHORT_TEXTS), acknowledge_within=minutes, answer_within=minutes,
                resolve_within=minutes,
            )
        ),
        "escalation": tuples_of(NAMES), "confidential": tuples_of(NAMES),
        "complaints_a_week": some(st.floats(0.01, 1_000_000)), "staff": tuples_of(NAMES),
    }  # fmt: skip
    return st.builds(Unit, **(fields | replace))
