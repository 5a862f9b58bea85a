"""Enrich: the records of one input partition, in order -> records for the log, texts, unrouted, dead letters.

In: a Lane (what is remembered of the partition) and the next record. Out: emissions, in order. The rules: whatever
the bytes are, nothing is raised and nothing vanishes; and what is decided follows from the lane and the record alone,
so that a repeat decides as the first time did (versions of the directory and time are records of the partition too).
"""

from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec

from pipeline.action_event import event_of, texts_of, why_refused
from pipeline.assignment import label_of, refusal
from pipeline.control import Shape, version_records
from pipeline.directory import Directory
from pipeline.emission import Emission, Incoming
from pipeline.hiding import hide
from pipeline.journey import Touchpoint
from pipeline.lane import Lane, Limits
from pipeline.memory import Memo
from pipeline.refusal import Refused, check_future, check_time, letter_of, source_of
from pipeline.routing import NoUnit, Routed, route
from pipeline.saying import DEFAULT_INDUSTRY
from pipeline.settings_record import settings_of
from pipeline.text.normalise import normalise
from pipeline.text.redaction import Masked, mask
from pipeline.understanding import Understanding, Understood, feedback_ref, post_ref
from schemas.action import Action
from schemas.assignment import Assignment
from schemas.codec import Codec, RecordError, encode
from schemas.erasure import Erasure
from schemas.event import UnitErasure
from schemas.feedback import Feedback
from schemas.insight import Root, Routing
from schemas.post import Post
from schemas.text import StoredText
from schemas.tick import CONTROL_ASSIGNMENT, CONTROL_HEADER, CONTROL_TICK, Tick, Version
from schemas.time import Millis
from schemas.topics import Topics
from schemas.unit import Unit
from schemas.unrouted import Unrouted


class Outcome(StrEnum):
    """What became of an input record. Dead letters carry their own reason."""

    ROUTED = "routed"
    UNROUTED = "unrouted"
    OWN_ANSWER = "own_answer"
    DUPLICATE = "duplicate"
    DELETED = "deleted"
    SETTINGS = "settings"
    ACTION = "action"
    ASSIGNED = "assigned"
    ERASURE = "erasure"
    DEAD_LETTER = "dead_letter"


_version_codec = Codec[Version](Version)
_tick_codec = Codec[Tick](Tick)
_assignment_codec = Codec[Assignment](Assignment)


class Enricher:
    """`directories` gives the directory as of a version. `outcomes` counts what became of records, and
    `dead_letter_reasons`, `unrouted_reasons` why, `abstentions` by language, for metrics."""

    def __init__(
        self,
        *,
        topics: Topics,
        shape: Shape,
        understanding: Understanding,
        directories: Callable[[int], Directory],
        limits: Limits,
    ) -> None:
        self._topics = topics
        self._shape = shape
        self._understanding = understanding
        self._directories = directories
        self._limits = limits
        self._units = topics("units")
        self._events = topics("events")
        self._texts = topics("texts")
        self._unrouted = topics("unrouted")
        self._steps: dict[str, tuple[Codec[msgspec.Struct], Callable[..., None]]] = {
            topics("posts"): (Codec(Post), self._post),
            topics("feedback"): (Codec(Feedback), self._feedback),
            topics("actions"): (Codec(Action), self._action),
            topics("erasures"): (Codec(Erasure), self._erasure),
        }
        self._unit_codec = Codec[Unit](Unit)
        self.outcomes: Counter[str] = Counter()
        self.dead_letter_reasons: Counter[str] = Counter()
        self.unrouted_reasons: Counter[str] = Counter()
        self.abstentions: Counter[str] = Counter()

    def step(self, lane: Lane, record: Incoming) -> list[Emission]:
        """The next record of the lane's partition."""
        out: list[Emission] = []
        try:
            if record.headers and (control := dict(record.headers).get(CONTROL_HEADER)) is not None:
                self._control(lane, record, control, out)
            elif record.topic == self._units:
                self._check_unit(record)
            else:
                codec, work = self._steps[record.topic]
                work(lane, record, codec.decode(record.value), out)
        except (RecordError, Refused) as refused:
            del out[:]
            out.append(self.dead_letter(record, refused.reason, refused.detail))
        return out

    # Time and versions

    def _control(self, lane: Lane, record: Incoming, control: bytes, out: list[Emission]) -> None:
        if control == CONTROL_ASSIGNMENT:
            self._assign(lane, record, _assignment_codec.decode(record.value), out)
            return
        if control != CONTROL_TICK:
            version = _version_codec.decode(record.value)
            lane.position.version = max(lane.position.version, version.directory)
            return
        tick = _tick_codec.decode(record.value)
        lane.position.clock_ms = max(lane.position.clock_ms, int(tick.event_time))
        lane.memory.expire(lane.position.clock_ms)
        forwarded = Tick(
            event_time=Millis(lane.position.clock_ms),
            source=f"{record.topic}/{record.partition}",
            offset=record.offset,
            inputs=tick.inputs,
        )
        value = encode(forwarded)
        out.extend(Emission(self._events, None, value, partition) for partition in range(self._shape.events))

    # The directory

    def _check_unit(self, record: Incoming) -> None:
        if record.value is None:
            return
        unit = self._unit_codec.decode(record.value)
        if record.key != unit.id.encode():
            raise Refused("wrong_key", f"the key must be the unit's id {unit.id!r}")

    def directory_changed(self, lane: Lane, changed: Iterable[str], last: Incoming) -> list[Emission]:
        """After records of `cem.units` up to `last`: the new settings to the logs of the changed units and of those
        below them, and a version record to every partition of every input."""
        version = last.offset + 1
        before, after = self._directories(lane.position.version), self._directories(version)
        lane.position.version = version
        concerned = set(changed)
        for unit_id in list(concerned):
            concerned |= after.descendants(unit_id) | before.descendants(unit_id)
        out = [
            Emission(self._events, unit_id.encode(), encode(settings_of(after, unit_id, source_of(last))))
            for unit_id in sorted(concerned)
            if unit_id in after.units or unit_id in before.units
        ]
        self.outcomes[Outcome.SETTINGS] += len(out)
        return out + version_records(self._shape, Version(directory=version), but=last.topic)

    # Posts

    def _post(self, lane: Lane, record: Incoming, post: Post, out: list[Emission]) -> None:
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
            self.outcomes[Outcome.DELETED] += 1
            return
        if known is not None and post.kind != "edit":
            self.outcomes[Outcome.DUPLICATE] += 1
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
        memo = known or self._memo(lane, record, post.event_time, units)
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
            self.outcomes[Outcome.DUPLICATE] += 1
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
            memo = self._memo(lane, record, post.event_time, units)
            memo.own = True
            memo.learn(insight)
            lane.memory.put(post_ref(post), memo)
        self.outcomes[Outcome.OWN_ANSWER] += 1

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
            self.outcomes[Outcome.DUPLICATE] += 1
            return
        if not found:
            found = NoUnit(reason="unknown_post", candidates=())
        self._send(lane, record, understood, found, directory, out)
        out.append(Emission(self._texts, key.encode(), None))
        memo = known or self._memo(lane, record, post.event_time, ())
        memo.deleted = True
        lane.memory.put(key, memo)
        self.outcomes[Outcome.DELETED] += 1

    # What a person decides

    def _assign(self, lane: Lane, record: Incoming, assignment: Assignment, out: list[Emission]) -> None:
        """What found no unit goes its way after all, and what follows it later goes there too. Said again it changes
        nothing. The text is where it was."""
        directory = self._directories(lane.position.version)
        insight, source = assignment.unrouted.insight, source_of(record)
        key, known = insight.id, lane.memory.get(insight.id)
        if refused := refusal(assignment, source, known, directory.units):
            raise Refused(*refused)
        if known is not None and known.units:
            self.outcomes[Outcome.DUPLICATE] += 1
            return
        check_future(lane, self._limits, insight.event_time)
        found = [Routed(assignment.unit_id, Routing(rule="person", confidence=1.0))]
        units = self._send(lane, record, Understood(insight, None), found, directory, out)
        memo = known or self._memo(lane, record, insight.event_time, units)
        memo.units = units
        if known is None:
            memo.learn(insight, aspects=insight.aspects)
        lane.memory.put(key, memo)
        label = label_of(assignment, source)
        out.append(Emission(self._topics("labels"), label.key.encode(), encode(label)))
        out.append(Emission(self._unrouted, key.encode(), None))
        self.outcomes[Outcome.ASSIGNED] += 1

    # Feedback, actions, erasures

    def _feedback(self, lane: Lane, record: Incoming, feedback: Feedback, out: list[Emission]) -> None:
        check_time(lane, self._limits, feedback.event_time)
        key = feedback_ref(feedback)
        if lane.memory.get(key) is not None:
            self.outcomes[Outcome.DUPLICATE] += 1
            return
        directory = self._directories(lane.position.version)
        industry = directory.industry_of(feedback.unit_id)
        understood = self._understanding.of_feedback(feedback, source_of(record), industry)
        found: list[Routed] | NoUnit
        if feedback.unit_id in directory.units:
            found = [Routed(feedback.unit_id, Routing(rule="unit_id", confidence=1.0))]
        else:
            found = NoUnit(reason="unknown_unit", candidates=())
        units = self._send(lane, record, understood, found, directory, out)
        lane.memory.put(key, self._memo(lane, record, feedback.event_time, units))

    def _action(self, lane: Lane, record: Incoming, action: Action, out: list[Emission]) -> None:
        directory = self._directories(lane.position.version)
        if action.unit_id not in directory.units:
            raise Refused("unknown_unit", f"`unit_id` {action.unit_id!r} is not in the directory; push it first")
        self._announce(lane, record, action.unit_id, directory, out)
        for text in texts_of(action, directory):
            out.append(Emission(self._texts, text.id.encode(), encode(text)))
        refused = why_refused(action, lane.position.clock_ms, self._limits.future_ms, directory)
        event = event_of(action, refused, source_of(record, 1))
        out.append(Emission(self._events, action.unit_id.encode(), encode(event)))
        self.outcomes[Outcome.ACTION] += 1

    def _erasure(self, lane: Lane, record: Incoming, erasure: Erasure, out: list[Emission]) -> None:
        if erasure.author_id or erasure.customer_ref or not (erasure.network and erasure.post_ids):
            raise Refused("unsupported", "only `network` with `post_ids` can be erased so far; nothing was erased")
        refs = tuple(f"{erasure.network}:{post_id}" for post_id in erasure.post_ids)
        out.extend(Emission(self._texts, ref.encode(), None) for ref in refs)
        event = UnitErasure(id=erasure.id, insight_ids=refs, event_time=erasure.event_time, source=source_of(record))
        value = encode(event)
        out.extend(Emission(self._events, None, value, partition) for partition in range(self._shape.events))
        self.outcomes[Outcome.ERASURE] += 1

    # What all of them do

    def _send(
        self,
        lane: Lane,
        record: Incoming,
        understood: Understood,
        found: list[Routed] | NoUnit,
        directory: Directory,
        out: list[Emission],
    ) -> tuple[str, ...]:
        """Text to the texts, and the insight to the log of each unit that it concerns, or to the unrouted."""
        insight, text = understood.insight, understood.text
        concerned = () if isinstance(found, NoUnit) else tuple([routed.unit_id for routed in found])
        if text is not None and insight.kind != "delete":
            out.append(Emission(self._texts, text.id.encode(), encode(_hidden(text, concerned, directory))))
        if insight.touchpoint is not None and not isinstance(insight.touchpoint, Touchpoint):
            touchpoint = hide(Masked(insight.touchpoint, ()), concerned, directory).text
            insight = msgspec.structs.replace(insight, touchpoint=touchpoint)
        if text is not None and insight.sentiment is not None and insight.sentiment.abstained:
            self.abstentions[insight.language or "none"] += 1
        if isinstance(found, NoUnit):
            self.outcomes[Outcome.UNROUTED] += 1
            self.unrouted_reasons[str(found.reason)] += 1
            unrouted = Unrouted(id=insight.id, reason=str(found.reason), candidates=found.candidates, insight=insight)
            out.append(Emission(self._unrouted, insight.id.encode(), encode(unrouted)))
            return ()
        for index, routed in enumerate(found, start=1):
            unit_id = routed.unit_id
            told = understood.told(directory.industry_of(unit_id))
            self._announce(lane, record, unit_id, directory, out)
            placed = msgspec.structs.replace(
                insight,
                unit_id=unit_id,
                aspects=told.aspects,
                severe=told.severe,
                taxonomy=told.taxonomy,
                routing=routed.routing,
                source=source_of(record, index),
            )
            out.append(Emission(self._events, unit_id.encode(), encode(placed)))
        self.outcomes[Outcome.ROUTED] += 1
        return concerned

    def _announce(self, lane: Lane, record: Incoming, unit_id: str, directory: Directory, out: list[Emission]) -> None:
        """Before the first record for a unit from here under a version: the settings that it was decided under."""
        if lane.announced.get(unit_id) != directory.version and unit_id in directory.units:
            lane.announced[unit_id] = directory.version
            settings = settings_of(directory, unit_id, source_of(record))
            out.append(Emission(self._events, unit_id.encode(), encode(settings)))

    def _memo(self, lane: Lane, record: Incoming, event_time: int, units: tuple[str, ...]) -> Memo:
        return Memo(
            offset=record.offset, seen_at=max(lane.position.clock_ms, 0), event_time=int(event_time), units=units
        )

    def dead_letter(self, record: Incoming, reason: str, detail: str, tries: int = 1) -> Emission:
        """The letter for a record that is refused."""
        self.outcomes[Outcome.DEAD_LETTER] += 1
        self.dead_letter_reasons[reason] += 1
        return letter_of(record, reason, detail, tries, self._topics("deadletter"))


def _hidden(text: StoredText, unit_ids: tuple[str, ...], directory: Directory) -> StoredText:
    """A text as it is kept, once it is known whom it is about."""
    masked = Masked(text.text, text.masked)
    hidden = hide(masked, unit_ids, directory)
    return text if hidden is masked else msgspec.structs.replace(text, text=hidden.text, masked=hidden.kinds)


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
