"""Post or Feedback -> what was said: masked text, sentiment, pseudonym. Everything but the unit.

The one rule: what leaves here holds no personal data. The text is masked, the author is a keyed hash.
"""

import msgspec

from pipeline.sentiment.scorer import Scorer
from pipeline.text.normalise import normalise
from pipeline.text.pseudonym import Pseudonyms
from pipeline.text.redaction import mask
from schemas.feedback import Feedback
from schemas.insight import Insight, InsightKind, Reach, Routing, Scores
from schemas.post import Post
from schemas.record import Source
from schemas.text import StoredText

NO_ROUTING = Routing(rule="none", confidence=0.0)


class Understood(msgspec.Struct, frozen=True):
    """An insight that still lacks its unit, and the text that it refers to (None where there is none)."""

    insight: Insight
    text: StoredText | None


class Understanding:
    """Scorer and key are all that it needs to know."""

    def __init__(self, scorer: Scorer, pseudonyms: Pseudonyms) -> None:
        self._scorer = scorer
        self._pseudonyms = pseudonyms

    def of_post(self, post: Post, kind: InsightKind, source: Source) -> Understood:
        """A post, reply, repost, review or edit; an own answer is not scored, it is no opinion of a customer."""
        identity = post_ref(post)
        masked = mask(normalise(post.text))
        text = masked.text
        author = self._pseudonyms.author(post.network, post.author.id) if post.author else None
        opinion = kind not in ("answer", "delete")
        metrics = post.metrics
        insight = Insight(
            id=identity,
            kind=kind,
            unit_id="",
            channel=post.network,
            author=author,
            event_time=post.event_time,
            sentiment=self._scorer.score(text, language=post.language, rating=post.rating) if opinion else None,
            scores=Scores(rating=post.rating),
            reach=Reach(
                followers=post.author.followers if post.author else None,
                reposts=metrics.reposts if metrics else None,
            ),
            thread=f"{post.network}:{post.thread}",
            text_ref=identity if text and kind != "delete" else None,
            routing=NO_ROUTING,
            source=source,
        )
        if not text:
            return Understood(insight, None)
        stored = StoredText(
            id=identity,
            text=text,
            language=post.language,
            author=author,
            url=post.url,
            masked=masked.kinds,
            event_time=post.event_time,
        )
        return Understood(insight, stored)

    def of_feedback(self, feedback: Feedback, source: Source) -> Understood:
        """A survey's answers; without a text it has scores only."""
        identity = feedback_ref(feedback)
        masked = mask(normalise(feedback.text))
        text = masked.text
        rating = feedback.rating if feedback.rating is not None else feedback.csat
        insight = Insight(
            id=identity,
            kind="feedback",
            unit_id="",
            channel=feedback.channel,
            author=self._pseudonyms.author("customer", feedback.customer_ref) if feedback.customer_ref else None,
            event_time=feedback.event_time,
            sentiment=self._scorer.score(text, language=feedback.language, rating=rating),
            journey_stage=feedback.journey_stage,
            touchpoint=mask(normalise(feedback.touchpoint)).text if feedback.touchpoint else None,
            scores=Scores(nps=feedback.nps, csat=feedback.csat, ces=feedback.ces, rating=feedback.rating),
            text_ref=identity if text else None,
            routing=NO_ROUTING,
            customer_ref=feedback.customer_ref,
            contact_consent=feedback.contact_consent,
            source=source,
        )
        if not text:
            return Understood(insight, None)
        stored = StoredText(
            id=identity, text=text, language=feedback.language, masked=masked.kinds, event_time=feedback.event_time
        )
        return Understood(insight, stored)


def post_ref(post: Post) -> str:
    """The id of a post's insight and text: ids are unique within a network only."""
    return f"{post.network}:{post.id}"


def feedback_ref(feedback: Feedback) -> str:
    """The id of a feedback's insight and text."""
    return f"feedback:{feedback.id}"
