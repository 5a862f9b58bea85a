"""The interface of a detector, and what it finds.

Times in the calls are event times and the watermark; a detector never sees a clock. Insights may come out of order as
far as the watermark allows: a detector judges every stretch of event time on its own, by what is known of it, so that
the order in which partitions were read does not decide whether something is found. All state is in one msgspec Struct
that the engine keeps with the unit; a detector has none of its own. None of the calls may block.

A `cause` is what there is one open alert for: the detector's name, followed by `:` and more where a detector may have
several open (`severe:injury`, `cascade:x:4711`). The laws that hold for all detectors are in `tests/checks.py`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from schemas.alert import Amplification, Detection, Evidence
from schemas.insight import Insight
from schemas.unit import Unit


class Signal(NamedTuple):
    """Something that would raise an alert: when, how severe it is, from 1 to 10, and for which cause. `grown_past`: as
    in a Finding. Cheap, because it is asked for at nearly every insight; what there is to say is in a Finding."""

    at_ms: int
    severity: int
    cause: str
    grown_past: int = 0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a detector sees at `at_ms`. `active`: there is a signal. The reason is all in `detection` and
    `amplification`; `aspect`, `department` and `journey_stage` are what most of the evidence is about. `threads`: of
    all of it, at most 50, where an own reply is an answer. `customer_ref`: of whom it is, where it is one customer who
    asked to be called. `grown_past`: the last threshold of size that is passed for certain, where a detector knows
    such; a higher one is news."""

    at_ms: int
    active: bool
    detection: Detection
    amplification: Amplification = Amplification()
    severity: int
    grown_past: int = 0
    evidence: tuple[Evidence, ...]
    evidence_left_out: int
    threads: tuple[str, ...] = ()
    sentiment_mean: float
    sentiment_confidence: float
    model: str
    languages: tuple[str, ...] = ()
    aspect: str | None = None
    department: str | None = None
    journey_stage: str | None = None
    routing_rule: str
    routing_confidence: float
    ends_when: str
    customer_ref: str | None = None


class Detector(Protocol):
    """`name` begins each of its causes and is the field of the unit's state; `alertname` is its name for people.
    `takes_confidential`: whether it is shown what head office only may see; its alerts go there then.
    `takes_edits`: an edit is an insight like any other; else what it said before is retracted first, and the new is
    observed as of when it was written."""

    name: str
    alertname: str
    state_type: type[Any]
    takes_confidential: bool
    takes_edits: bool

    def observe(self, state: Any, insight: Insight) -> bool:
        """Take an insight in. True if it may have changed what `judge` and `signal` say."""
        ...

    def retract(self, state: Any, insight_id: str) -> int | None:
        """Take an insight out again; its event time, or None if it was not there."""
        ...

    def holds(self, state: Any, insight_id: str) -> bool:
        """Whether anything is remembered of an insight."""
        ...

    def judge(self, state: Any, insight: Insight) -> Sequence[Signal]:
        """What an insight that was just taken in makes of the stretches of time that it belongs to: for each cause the
        worst of them; nothing if it would raise no alert. Changes nothing."""
        ...

    def signal(self, state: Any, cause: str, at_ms: int) -> Signal | None:
        """Whether what happened up to `at_ms` would raise an alert then. Changes nothing."""
        ...

    def calm(self, state: Any, cause: str, at_ms: int) -> bool:
        """Whether an alert may end: further down than where it begins, so that it does not flap. False wherever there
        is a signal. Changes nothing."""
        ...

    def evaluate(self, state: Any, cause: str, at_ms: int) -> Finding:
        """All that is to be seen at `at_ms`, by what happened up to then. Changes nothing."""
        ...

    def freeze(self, state: Any, cause: str, from_ms: int, to_ms: int) -> None:
        """Learn nothing of this stretch: an alert is open. A later call with the same start changes its end."""
        ...

    def end(self, state: Any, cause: str, at_ms: int) -> None:
        """The alert of a cause has ended: what it told is not news again."""
        ...

    def configure(self, state: Any, unit: Unit) -> None:
        """New settings of the unit: its time zone, what is usual for units like it."""
        ...

    def advance(self, state: Any, watermark_ms: int) -> None:
        """Nothing earlier than the watermark will come: forget what no judgement can ask for any more."""
        ...

    def summary(self, finding: Finding, place: str, topic: str | None) -> str:
        """One sentence for people. `place`: the unit's name; `topic`: what the evidence is about, in words."""
        ...
