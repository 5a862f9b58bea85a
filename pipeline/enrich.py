"""Enrich: the records of one input partition, in order -> records for the log, texts, unrouted, dead letters.

In: a Lane (what is remembered of the partition) and the next record. Out: emissions, in order. The rules: whatever
the bytes are, nothing is raised and nothing vanishes; and what is decided follows from the lane and the record alone,
so that a repeat decides as the first time did (versions of the directory and time are records of the partition too).
"""

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from pipeline.action_event import event_of, texts_of, why_refused
from pipeline.assignment import label_of, refusal
from pipeline.control import Shape, version_records
from pipeline.directory import Directory
from pipeline.dispatch import Dispatch, Outcome
from pipeline.emission import Emission, Incoming
from pipeline.lane import Lane, Limits
from pipeline.posts import Posts
from pipeline.refusal import Refused, check_future, check_time, letter_of, source_of
from pipeline.routing import NoUnit, Routed
from pipeline.settings_record import settings_of
from pipeline.understanding import Understanding, Understood, feedback_ref
from schemas.action import Action
from schemas.assignment import Assignment
from schemas.codec import Codec, RecordError, encode
from schemas.erasure import Erasure
from schemas.event import UnitErasure
from schemas.feedback import Feedback
from schemas.insight import Routing
from schemas.post import Post
from schemas.tick import CONTROL_ASSIGNMENT, CONTROL_HEADER, CONTROL_TICK, Tick, Version
from schemas.time import Millis
from schemas.topics import Topics
from schemas.unit import Unit

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
        self._dispatch = dispatch = Dispatch(topics)
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
            topics("posts"): (Codec(Post), Posts(topics, understanding, directories, limits, dispatch).step),
            topics("feedback"): (Codec(Feedback), self._feedback),
            topics("actions"): (Codec(Action), self._action),
            topics("erasures"): (Codec(Erasure), self._erasure),
        }
        self._unit_codec = Codec[Unit](Unit)
        self.outcomes = dispatch.outcomes
        self.dead_letter_reasons: Counter[str] = Counter()
        self.unrouted_reasons = dispatch.unrouted_reasons
        self.abstentions = dispatch.abstentions

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
        units = self._dispatch.send(lane, record, Understood(insight, None), found, directory, out)
        memo = known or lane.memo(record.offset, insight.event_time, units)
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
        units = self._dispatch.send(lane, record, understood, found, directory, out)
        lane.memory.put(key, lane.memo(record.offset, feedback.event_time, units))

    def _action(self, lane: Lane, record: Incoming, action: Action, out: list[Emission]) -> None:
        directory = self._directories(lane.position.version)
        if action.unit_id not in directory.units:
            raise Refused("unknown_unit", f"`unit_id` {action.unit_id!r} is not in the directory; push it first")
        self._dispatch.announce(lane, record, action.unit_id, directory, out)
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

    # What is refused

    def dead_letter(self, record: Incoming, reason: str, detail: str, tries: int = 1) -> Emission:
        """The letter for a record that is refused."""
        self.outcomes[Outcome.DEAD_LETTER] += 1
        self.dead_letter_reasons[reason] += 1
        return letter_of(record, reason, detail, tries, self._topics("deadletter"))
