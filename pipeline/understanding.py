"""Post or Feedback -> an insight: masked text, what it says, pseudonym. Everything but the unit.

The one rule: what leaves here holds no personal data. The text is masked, the author is a keyed hash.
"""

import msgspec

from pipeline.saying import DEFAULT_INDUSTRY, Listener, Said, Told
from pipeline.text.normalise import normalise
from pipeline.text.pseudonym import Pseudonyms
from pipeline.text.redaction import Masked, mask
from schemas.feedback import Feedback
from schemas.insight import Insight, InsightKind, Reach, Routing, Scores, Suspicion
from schemas.post import Post
from schemas.record import Source
from schemas.text import StoredText

NO_ROUTING = Routing(rule="none", confidence=0.0)
NO_SCORES = Scores()
UNSUSPECTED: Suspicion = next(one.default for one in msgspec.structs.fields(Insight) if one.name == "suspicion")
"""The default itself, which is not written out."""
NOTHING_TOLD = Told((), (), None)
NPS_STAR = 2.5
"""Points of the net promoter score that are as much as a star: 0 to 10 are 1 to 5 stars."""


class Understood(msgspec.Struct, frozen=True):
    """An insight that still lacks its unit, in the terms of the industry that it most likely is about, and the text
    that it refers to (None where there is none). `said`: None of what is no opinion of a customer."""

    insight: Insight
    text: StoredText | None
    said: Said | None = None

    def told(self, industry: str) -> Told:
        """What it says in the terms of the unit's industry."""
        insight = self.insight
        return self.said.tell(industry) if self.said else Told(insight.aspects, insight.severe, insight.taxonomy)


class Understanding:
    """What understands texts, and the key that authors are hashed with, are all that it needs to know."""

    def __init__(self, listener: Listener, pseudonyms: Pseudonyms) -> None:
        self._hear = listener.hear
        self._pseudonyms = pseudonyms

    def of_post(
        self,
        post: Post,
        kind: InsightKind,
        source: Source,
        masked: Masked | None = None,
        industry: str = DEFAULT_INDUSTRY,
    ) -> Understood:
        """A post, reply, repost, review or edit; an own answer is not scored, it is no opinion of a customer. `masked`:
        its text, where that is known already; `industry`: the one that it most likely is about."""
        identity = post_ref(post)
        masked = masked or mask(normalise(post.text))
        text = masked.text
        writer, metrics = post.author, post.metrics
        author = self._pseudonyms.author(post.network, writer.id) if writer else None
        said = None
        if kind not in ("answer", "delete"):
            said = self._hear(
                text,
                kind=kind,
                stated=post.language,
                rating=post.rating,
                author=writer,
                event_time=post.event_time,
                industry=industry,
            )
        told = said.tell(industry) if said else NOTHING_TOLD
        insight = Insight(
            id=identity,
            kind=kind,
            unit_id="",
            channel=post.network,
            author=author,
            event_time=post.event_time,
            sentiment=said.judgement.sentiment if said else None,
            language=said.language.language if said else None,
            aspects=told.aspects,
            severe=told.severe,
            taxonomy=told.taxonomy,
            emotion=said.felt.emotion if said else "none",
            journey_stage=said.met.stage if said else None,
            touchpoint=said.met.touchpoint if said else None,
            scores=NO_SCORES if post.rating is None else Scores(rating=post.rating),
            reach=Reach(
                followers=writer.followers if writer else None,
                reposts=metrics.reposts if metrics else None,
            ),
            thread=f"{post.network}:{post.thread}",
            text_ref=identity if text and kind != "delete" else None,
            fingerprint=said.fingerprint if said else None,
            suspicion=said.suspicion if said else UNSUSPECTED,
            routing=NO_ROUTING,
            source=source,
        )
        if not text:
            return Understood(insight, None, said)
        stored = StoredText(
            id=identity,
            text=text,
            language=said.language.language if said else post.language,
            author=author,
            url=post.url,
            masked=masked.kinds,
            event_time=post.event_time,
        )
        return Understood(insight, stored, said)

    def of_feedback(self, feedback: Feedback, source: Source, industry: str = DEFAULT_INDUSTRY) -> Understood:
        """A survey's answers; without a text it has scores only."""
        identity = feedback_ref(feedback)
        masked = mask(normalise(feedback.text))
        text = masked.text
        said = self._hear(text, kind="feedback", stated=feedback.language, rating=_stars(feedback), industry=industry)
        told = said.tell(industry)
        touchpoint = mask(normalise(feedback.touchpoint)).text if feedback.touchpoint else None
        insight = Insight(
            id=identity,
            kind="feedback",
            unit_id="",
            channel=feedback.channel,
            author=self._pseudonyms.author("customer", feedback.customer_ref) if feedback.customer_ref else None,
            event_time=feedback.event_time,
            sentiment=said.judgement.sentiment,
            language=said.language.language,
            aspects=told.aspects,
            severe=told.severe,
            taxonomy=told.taxonomy,
            emotion=said.felt.emotion,
            journey_stage=feedback.journey_stage or said.met.stage,  # what it states itself goes before its words
            touchpoint=touchpoint or said.met.touchpoint,
            scores=Scores(nps=feedback.nps, csat=feedback.csat, ces=feedback.ces, rating=feedback.rating),
            text_ref=identity if text else None,
            fingerprint=said.fingerprint,
            suspicion=said.suspicion,
            routing=NO_ROUTING,
            customer_ref=feedback.customer_ref,
            contact_consent=feedback.contact_consent,
            source=source,
        )
        if not text:
            return Understood(insight, None, said)
        stored = StoredText(
            id=identity,
            text=text,
            language=said.language.language,
            masked=masked.kinds,
            event_time=feedback.event_time,
        )
        return Understood(insight, stored, said)


def _stars(feedback: Feedback) -> float | None:
    """The score that came with a text, as stars: its rating, its satisfaction (1-5), or its recommendation (0-10)."""
    if feedback.rating is not None:
        return feedback.rating
    if feedback.csat is not None:
        return float(feedback.csat)
    return None if feedback.nps is None else 1.0 + feedback.nps / NPS_STAR


def post_ref(post: Post) -> str:
    """The id of a post's insight and text: ids are unique within a network only."""
    return f"{post.network}:{post.id}"


def feedback_ref(feedback: Feedback) -> str:
    """The id of a feedback's insight and text."""
    return f"feedback:{feedback.id}"
