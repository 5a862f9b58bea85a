"""Posts: replies, reposts, edits, deletes, and what the company itself answers.

In: the lane of a partition and its next post. Out: emissions, in order, and what the lane remembers of the post. The
rule: what is known of a post decides what becomes of another that names it: the same again is counted once, an edit
goes where the post went, what is deleted stays deleted whichever comes first.
"""

from collections.abc import Callable

import msgspec

from pipeline.directory import Directory
from pipeline.dispatch import Dispatch, Outcome
from pipeline.emission import Emission, Incoming
from pipeline.lane import Lane, Limits
from pipeline.memory import Memo
from pipeline.refusal import check_time, source_of
from pipeline.routing import NoUnit, Routed, route
from pipeline.saying import DEFAULT_INDUSTRY
from pipeline.text.normalise import normalise
from pipeline.text.redaction import mask
from pipeline.understanding import Understanding, Understood, post_ref
from schemas.insight import Root, Routing
from schemas.post import Post
from schemas.topics import Topics


class Posts:
    """`directories` gives the directory as of a version."""

    def __init__(
        self,
        topics: Topics,
        understanding: Understanding,
        directories: Callable[[int], Directory],
        limits: Limits,
        dispatch: Dispatch,
    ) -> None:
        self._texts = topics("texts")
        self._unrouted = topics("unrouted")
        self._understanding = understanding
        self._directories = directories
        self._limits = limits
        self._send = dispatch.send
        self._outcomes = dispatch.outcomes

    def step(self, lane: Lane, record: Incoming, post: Post, out: list[Emission]) -> None:
        """The next post of the lane's partition. Raises Refused."""
        check_time(lane, self._limits, post.event_time)
        directory = self._directories(lane.position.version)
        key = post_ref(post)
        known = lane.memory.get(key)
        if post.kind == "delete":
            self._delete(lane, record, post, known, directory, out)
            return
        if known is not None and known.deleted:
            understood = self._understanding.of_post(post, "delete", source_of(record))
            found = self._find_units(lane, post, understood.text.text if understood.text else "", directory)
            self._send(lane, record, understood, found, directory, out)
            self._outcomes[Outcome.DELETED] += 1
            return
        if known is not None and post.kind != "edit":
            self._outcomes[Outcome.DUPLICATE] += 1
            return
        owner = directory.owner_of(post.network, post.author.handle, post.author.id) if post.author else None
        if owner is not None:
            self._own_answer(lane, record, post, known, owner, directory, out)
            return
        if known is not None and post.kind == "edit" and known.brings_counters_only(post):
            self._counters(lane, record, post, known, directory, out)
            return
        kind = "post" if post.kind == "edit" and (known is None or not known.units) else post.kind
        masked = mask(normalise(post.text))
        if known is not None and known.units:
            found = _again(known.units, "same_post")
        else:
            found = self._find_units(lane, post, masked.text, directory)
        industry = _likely_industry(found, directory)
        understood = self._understanding.of_post(post, kind, source_of(record), masked, industry)
        root = known.root() if known is not None and kind == "edit" else _passed_on(lane, post)
        if root is not None:
            understood = msgspec.structs.replace(
                understood, insight=msgspec.structs.replace(understood.insight, root=root)
            )
        units = self._send(lane, record, understood, found, directory, out)
        memo = known or lane.memo(record.offset, post.event_time, units)
        if units != memo.units:
            if not memo.units:
                out.append(Emission(self._unrouted, key.encode(), None))
            memo.units = units
        sentiment = understood.insight.sentiment
        complains = kind != "repost" and sentiment is not None and sentiment.label == "negative"
        memo.learn(understood.insight, post, understood.insight.aspects if complains else ())
        lane.memory.put(key, memo)

    def _counters(
        self, lane: Lane, record: Incoming, post: Post, known: Memo, directory: Directory, out: list[Emission]
    ) -> None:
        """A connector that polls says how often a post was passed on by now. Its text and what was understood of it
        stay: the insight has no sentiment, so it replaces nothing. What has found no unit waits as it was."""
        if not known.units:
            self._outcomes[Outcome.DUPLICATE] += 1
            return
        bare = msgspec.structs.replace(post, text="", rating=None)
        understood = self._understanding.of_post(bare, "delete", source_of(record))  # so that nothing is heard in it
        insight = msgspec.structs.replace(understood.insight, kind="edit", root=known.root())
        self._send(lane, record, Understood(insight, None), _again(known.units, "same_post"), directory, out)

    def _find_units(self, lane: Lane, post: Post, text: str, directory: Directory) -> list[Routed] | NoUnit:
        """`text`: as it is masked."""
        thread: tuple[str, ...] = ()
        if post.in_reply_to is not None or post.root_id is not None:
            originals = (lane.memory.get(_ref(post, one)) for one in (post.in_reply_to, post.root_id))
            thread = next((memo.units for memo in originals if memo is not None and memo.units), ())
        if post.kind == "repost" and thread:
            return _again(thread, "thread")
        return route(
            network=post.network,
            text=text,
            hint=post.unit_hint,
            place_id=post.place.id if post.place else None,
            position=_position(post),
            thread_units=thread,
            directory=directory,
        )

    def _own_answer(
        self,
        lane: Lane,
        record: Incoming,
        post: Post,
        known: Memo | None,
        owner: str,
        directory: Directory,
        out: list[Emission],
    ) -> None:
        """The company's own post: the answer to a thread, or a word of its own that concerns its own unit only. Nobody
        waits for an answer to what the company itself wrote."""
        understood = self._understanding.of_post(post, "answer", source_of(record))
        keys = (_ref(post, post.root_id), _ref(post, post.in_reply_to))
        asked_key, asked = next(
            ((key, memo) for key in keys if (memo := lane.memory.get(key)) is not None and not memo.own), (None, None)
        )
        units = asked.units if asked is not None and asked.units else (owner,)
        insight = understood.insight
        if asked_key is not None and asked is not None and not asked.answered:
            insight = msgspec.structs.replace(insight, first_answer_ms=max(0, post.event_time - asked.event_time))
            asked.answered = True
            lane.memory.put(asked_key, asked)
        self._send(lane, record, Understood(insight, understood.text), _again(units, "own_handle"), directory, out)
        if known is None:
            memo = lane.memo(record.offset, post.event_time, units)
            memo.own = True
            memo.learn(insight)
            lane.memory.put(post_ref(post), memo)
        self._outcomes[Outcome.OWN_ANSWER] += 1

    def _delete(
        self,
        lane: Lane,
        record: Incoming,
        post: Post,
        known: Memo | None,
        directory: Directory,
        out: list[Emission],
    ) -> None:
        """Takes a post back. Its text is erased, whether it is known or not; a post that comes after is not counted."""
        key = post_ref(post)
        bare = msgspec.structs.replace(post, text="", url=None)
        understood = self._understanding.of_post(bare, "delete", source_of(record))
        found: list[Routed] | NoUnit = _again(known.units, "same_post") if known is not None else []
        if known is not None and known.deleted:
            self._outcomes[Outcome.DUPLICATE] += 1
            return
        if not found:
            found = NoUnit(reason="unknown_post", candidates=())
        self._send(lane, record, understood, found, directory, out)
        out.append(Emission(self._texts, key.encode(), None))
        memo = known or lane.memo(record.offset, post.event_time, ())
        memo.deleted = True
        lane.memory.put(key, memo)
        self._outcomes[Outcome.DELETED] += 1


def _likely_industry(found: list[Routed] | NoUnit, directory: Directory) -> str:
    """That of the unit which it most likely is about."""
    likely = found.candidates if isinstance(found, NoUnit) else found
    return directory.industry_of(likely[0].unit_id) if likely else DEFAULT_INDUSTRY


def _position(post: Post) -> tuple[float, float] | None:
    place = post.place
    if place is None or place.latitude is None or place.longitude is None:
        return None
    return place.latitude, place.longitude


def _passed_on(lane: Lane, post: Post) -> Root | None:
    """What is remembered of the post that a repost repeats. A repost of a repost repeats what that one did."""
    if post.kind != "repost":
        return None
    thread = _ref(post, post.root_id)
    for key in (_ref(post, post.in_reply_to), thread):
        memo = lane.memory.get(key)
        if memo is not None and memo.mood is not None and not memo.deleted:
            return memo.root(None if key == thread else key)
    return None


def _ref(post: Post, other_id: str | None) -> str | None:
    return None if other_id is None or other_id == post.id else f"{post.network}:{other_id}"


def _again(units: tuple[str, ...], rule: str) -> list[Routed]:
    return [Routed(unit_id, Routing(rule=rule, confidence=0.9)) for unit_id in units]
