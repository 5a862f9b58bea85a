"""What a detector remembers of an insight: enough to count it, to show it as evidence and to say what it was about.

In: insights, or the mentions that a finding rests on. Out: mentions, and what they say together. The one rule: no text
and no name; the author is a hash.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from schemas.alert import Evidence
from schemas.insight import Insight

EVIDENCE_MAX = 10
THREADS_MAX = 50
ASPECTS_MAX = 3

Value = TypeVar("Value")


class Mention(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One insight. `text_ref`: empty where it is the insight's own id, as it nearly always is. `aspect`, `department`:
    of the main thing that it speaks of. `thread`: None where the insight's own id is its thread."""

    event_time: int
    insight_id: str
    author: str
    network: str
    text_ref: str | None
    compound: float
    confidence: float
    model: str
    rule: str
    rule_confidence: float
    aspect: str | None = None
    department: str | None = None
    stage: str | None = None
    language: str | None = None
    thread: str | None = None


def author_of(insight: Insight) -> str:
    """Who said it. Whoever has no author counts as somebody of his own."""
    return insight.author or insight.customer_ref or insight.id


def mention_of(insight: Insight) -> Mention:
    """What is remembered of an insight; one without a sentiment counts as neutral."""
    sentiment = insight.sentiment
    main = insight.aspects[0] if insight.aspects else None
    return Mention(
        event_time=int(insight.event_time),
        insight_id=insight.id,
        author=author_of(insight),
        network=insight.channel,
        text_ref="" if insight.text_ref == insight.id else insight.text_ref,
        compound=sentiment.compound if sentiment else 0.0,
        confidence=sentiment.confidence if sentiment else 0.0,
        model=sentiment.model if sentiment else "",
        rule=insight.routing.rule,
        rule_confidence=insight.routing.confidence,
        aspect=main.aspect if main else None,
        department=main.department if main else None,
        stage=insight.journey_stage,
        language=insight.language,
        thread=None if insight.thread == insight.id else insight.thread,
    )


def told(mentions: Sequence[Mention]) -> dict[str, Any]:
    """The fields of a Finding that say what evidence says together: mood, languages, main aspect, weakest routing,
    the newest mentions as references and the newest threads."""
    kept = mentions[-EVIDENCE_MAX:]
    weakest = min(mentions, key=lambda mention: (mention.rule_confidence, mention.rule), default=None)
    count = max(1, len(mentions))
    aspect, department = most((mention.aspect, mention.department) for mention in mentions) or (None, None)
    return {
        "evidence": tuple(
            Evidence(post_id=one.insight_id, network=one.network, author=_shown(one), text_ref=_text_ref(one))
            for one in kept
        ),
        "evidence_left_out": len(mentions) - len(kept),
        "threads": tuple(dict.fromkeys(one.thread or one.insight_id for one in mentions[-THREADS_MAX:])),
        "sentiment_mean": round(sum(mention.compound for mention in mentions) / count, 4),
        "sentiment_confidence": round(sum(mention.confidence for mention in mentions) / count, 4),
        "model": mentions[-1].model if mentions else "",
        "languages": tuple(sorted({mention.language for mention in mentions if mention.language is not None})),
        "aspect": aspect,
        "department": department,
        "journey_stage": most(mention.stage for mention in mentions),
        "routing_rule": weakest.rule if weakest else "",
        "routing_confidence": weakest.rule_confidence if weakest else 0.0,
    }


def aspects_of(mentions: Iterable[Mention]) -> tuple[str, ...]:
    """What they are about, the most frequent first, of as many the one that was said first."""
    said = Counter(mention.aspect for mention in mentions if mention.aspect is not None)
    return tuple(aspect for aspect, _ in said.most_common(ASPECTS_MAX))


def most(values: Iterable[Value]) -> Value | None:
    """What most of them say; of as many the one that was said first, None if nobody says anything."""
    said = Counter(value for value in values if value is not None and value != (None, None))
    return max(said, key=said.__getitem__, default=None)


def _shown(mention: Mention) -> str | None:
    return mention.author if mention.author.startswith("hmac:") else None


def _text_ref(mention: Mention) -> str | None:
    return mention.insight_id if mention.text_ref == "" else mention.text_ref
