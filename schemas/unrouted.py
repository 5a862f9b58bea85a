"""What found no unit, with those that it might be. A person can assign it. Key of `cem.unrouted`: the insight's id.

A tombstone says that it has found its unit, by a person or by an edit.
"""

import msgspec

from schemas.insight import Insight
from schemas.record import Record
from schemas.vocabulary import Share


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that it might be, the rule that says so, and how sure it is."""

    unit_id: str
    rule: str
    confidence: Share


class Unrouted(Record, frozen=True, kw_only=True):
    """`insight` is complete but for its unit (`unit_id` is empty). `reason` is a value of
    `pipeline.routing.UnroutedReason`."""

    id: str
    reason: str
    candidates: tuple[Candidate, ...] = ()
    insight: Insight
