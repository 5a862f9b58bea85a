"""The interface of a detector, and what it finds.

Times in the calls are event times and the watermark; a detector never sees a clock. Insights may come out of order as
far as the watermark allows: a detector judges every stretch of event time on its own, by what is known of it, so that
the order in which partitions were read does not decide whether something is found. All state is in one msgspec Struct
that the engine keeps with the unit; a detector has none of its own. None of the calls may block. The laws that hold
for all detectors are in `tests/checks.py`.
"""

from typing import Any, NamedTuple, Protocol

import msgspec

from schemas.alert import Detection, Evidence
from schemas.insight import Insight


class Signal(NamedTuple):
    """Something that would raise an alert: when, and how severe it is, from 1 to 10. Cheap, because it is asked for at
    nearly every insight; what there is to say about it is in a Finding."""

    at_ms: int
    severity: int


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a detector sees at `at_ms`. `active`: there is a signal. The reason is all in `detection`; `aspect`,
    `department` and `journey_stage` are what most of the evidence is about."""

    at_ms: int
    active: bool
    detection: Detection
    severity: int
    evidence: tuple[Evidence, ...]
    evidence_left_out: int
    sentiment_mean: float
    sentiment_confidence: float
    model: str
    languages: tuple[str, ...] = ()
    aspect: str | None = None
    department: str | None = None
    journey_stage: str | None = None
    routing_rule: str
    routing_confidence: float


class Detector(Protocol):
    """`name` is the cause in a dedup key and the field of the unit's state; `alertname` is its name for people."""

    name: str
    alertname: str
    state_type: type[Any]

    def observe(self, state: Any, insight: Insight) -> bool:
        """Take an insight in. True if it may have changed what `judge` and `signal` say."""
        ...

    def retract(self, state: Any, insight_id: str) -> int | None:
        """Take an insight out again; its event time, or None if it was not there."""
        ...

    def judge(self, state: Any, event_time: int) -> Signal | None:
        """What an insight of this time makes of the stretches of time that it belongs to: the worst of them, None if it
        would raise no alert. Changes nothing."""
        ...

    def signal(self, state: Any, at_ms: int) -> Signal | None:
        """Whether what happened up to `at_ms` would raise an alert then. Changes nothing."""
        ...

    def evaluate(self, state: Any, at_ms: int) -> Finding:
        """All that is to be seen at `at_ms`, by what happened up to then. Changes nothing."""
        ...

    def unsettled(self, state: Any) -> tuple[int, str] | None:
        """Time and insight to be evaluated once more when the watermark gets there, because insights that came out of
        order may have told more by then; the earliest first, None if there is none."""
        ...

    def settle(self, state: Any, to_ms: int) -> None:
        """All up to this time has been evaluated on the watermark."""
        ...

    def freeze(self, state: Any, from_ms: int, to_ms: int) -> None:
        """Learn nothing of this stretch: an alert is open. A later call with the same start changes its end."""
        ...

    def advance(self, state: Any, watermark_ms: int) -> None:
        """Nothing earlier than the watermark will come: forget what no judgement can ask for any more."""
        ...
