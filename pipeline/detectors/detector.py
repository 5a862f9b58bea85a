"""The interface of a detector, and what it finds.

The engine calls, in this order and always with a time that never goes back: `advance`, then `observe` or `retract`,
then `evaluate`. All state is in one msgspec Struct that the engine keeps with the unit; a detector has none of its
own. None of the calls may block or look at a clock. The laws that hold for all detectors are in `tests/checks.py`.
"""

from typing import Any, Protocol

import msgspec

from schemas.alert import Detection, Evidence
from schemas.insight import Insight


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a detector sees now. `active`: it would raise an alert. The reason is all in `detection`."""

    active: bool
    detection: Detection
    severity: int
    evidence: tuple[Evidence, ...]
    evidence_left_out: int
    sentiment_mean: float
    sentiment_confidence: float
    model: str
    routing_rule: str
    routing_confidence: float


class Detector(Protocol):
    """`name` is the cause in an alert's dedup key, `alertname` its name for people."""

    name: str
    alertname: str
    state_type: type[Any]

    def advance(self, state: Any, now_ms: int, *, frozen: bool) -> None:
        """Time has come to `now_ms`: close what is over. While `frozen`, learn nothing."""
        ...

    def observe(self, state: Any, insight: Insight, now_ms: int) -> bool:
        """Take an insight in. True if it may have changed what `evaluate` says."""
        ...

    def retract(self, state: Any, insight_id: str) -> int | None:
        """Take an insight out again; its event time, or None if it was not there."""
        ...

    def evaluate(self, state: Any, now_ms: int) -> Finding:
        """What is seen at `now_ms`. Changes nothing."""
        ...
