"""The queue of posts that found no unit. In: the model, the viewer. Out: an UnroutedPage for the template.

The one rule: the newest comes first, and who may not decide sees no buttons.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from agents.web import words
from agents.web.access import Viewer, may_assign
from agents.web.cards import place_of, zone_of
from agents.web.case_page import POST_SHOWN, Outcome
from agents.web.forms import Option, units_of
from agents.web.list_page import looked
from agents.web.model import Model
from agents.web.moments import Moment, ago, moment
from agents.web.show import Cut, Link, cut, link
from schemas.unrouted import Unrouted

POSTS_MAX: Final = 50
CANDIDATES_MAX: Final = 4


class CandidateButton(NamedTuple):
    """A unit that it might be, one tap away."""

    unit_id: str
    name: str
    why: str


class UnroutedPost(NamedTuple):
    """One post that waits."""

    id: str
    network: str
    at: Moment
    ago: str
    link: Link | None
    text: Cut | None
    length: str
    missing: str
    reason: str
    candidates: tuple[CandidateButton, ...]
    action_id: str


class UnroutedPage(NamedTuple):
    """What `unrouted.html` shows."""

    posts: tuple[UnroutedPost, ...]
    units: tuple[Option, ...]
    may_assign: bool
    outcome: Outcome | None
    looked: str
    more: str


def unrouted_page(
    model: Model, viewer: Viewer, new_id: Callable[[], str], outcome: Outcome | None = None
) -> UnroutedPage:
    """See the module's docstring."""
    waiting = model.unrouted(viewer)
    left = len(waiting) - POSTS_MAX
    return UnroutedPage(
        posts=tuple(_post(one, model, viewer, new_id) for one in reversed(waiting[-POSTS_MAX:])),
        units=units_of(model, viewer) if may_assign(viewer) else (),
        may_assign=may_assign(viewer),
        outcome=outcome,
        looked=looked(model, viewer),
        more=f"{words.many(left, 'older post')} not shown." if left > 0 else "",
    )


def _post(one: Unrouted, model: Model, viewer: Viewer, new_id: Callable[[], str]) -> UnroutedPost:
    insight, stored = one.insight, model.unrouted_text(viewer, one)
    own = viewer.unit_id
    candidates = [
        CandidateButton(
            candidate.unit_id,
            place_of(model, candidate.unit_id),
            f"{words.word(candidate.rule, words.RULES).lower()}, {candidate.confidence:.0%} sure",
        )
        for candidate in one.candidates
    ]
    zone = zone_of(model, own or (candidates[0].unit_id if candidates else ""))
    return UnroutedPost(
        id=one.id,
        network=words.word(insight.channel, words.NETWORKS),
        at=moment(insight.event_time, zone, model.now_ms),
        ago=ago(insight.event_time, model.now_ms),
        link=None if stored is None else link(stored.url),
        text=None if stored is None else cut(stored.text, POST_SHOWN),
        length=f"{0 if stored is None else len(stored.text):,}",
        missing="The text was erased or is not here yet." if insight.text_ref else "Only a score, without text.",
        reason=words.word(one.reason, words.UNROUTED),
        candidates=tuple(candidates[:CANDIDATES_MAX]),
        action_id=new_id(),
    )
