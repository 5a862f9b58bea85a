"""Whether a person's decision about what found no unit can be carried out, and what is kept of it.

In: the assignment, what is remembered of the post, the units there are. Out: the record that tells it; nothing, or why
it is refused; a label.
The one rule: a decision never takes a post away from a unit that has it already, and never brings back what its author
has deleted.
"""

from collections.abc import Container

from pipeline.emission import Emission
from pipeline.memory import Memo
from schemas.assignment import Assignment, Label
from schemas.codec import encode
from schemas.record import Source
from schemas.tick import CONTROL_ASSIGNMENT, CONTROL_HEADER
from schemas.time import Millis
from schemas.unrouted import Unrouted

Refused = tuple[str, str]
"""Reason and detail of a dead letter."""


def assignment_record(unrouted: Unrouted, unit_id: str, actor: str, now_ms: int) -> Emission:
    """The decision, for the very partition that the post or feedback came from."""
    assignment = Assignment(unit_id=unit_id, actor=actor, event_time=Millis(now_ms), unrouted=unrouted)
    source, key = unrouted.insight.source, unrouted.id.encode()
    headers = ((CONTROL_HEADER, CONTROL_ASSIGNMENT),)
    return Emission(source.topic, key, encode(assignment), source.partition, headers)


def refusal(assignment: Assignment, source: Source, known: Memo | None, units: Container[str]) -> Refused | None:
    """Why it cannot be carried out. `source`: where the assignment was read."""
    insight, unit_id = assignment.unrouted.insight, assignment.unit_id
    if insight.source.stream != source.stream:
        where = f"{insight.source.stream}, where {insight.id!r} came from"
        return "wrong_partition", f"the assignment belongs into {where}; send it there"
    if unit_id not in units:
        return "unknown_unit", f"`unit_id` {unit_id!r} is not in the directory; push it first"
    if insight.kind == "delete" or (known is not None and known.deleted):
        return "taken_back", f"{insight.id!r} was deleted by its author; there is nothing to assign"
    if known is not None and known.units and unit_id not in known.units:
        others = ", ".join(map(repr, known.units))
        return "already_assigned", f"{insight.id!r} is about {others} already; nothing was changed"
    return None


def label_of(assignment: Assignment, source: Source) -> Label:
    """What is kept of a decision that was carried out."""
    unrouted = assignment.unrouted
    return Label(
        id=unrouted.insight.id,
        unit_id=assignment.unit_id,
        reason=unrouted.reason,
        candidates=unrouted.candidates,
        text_ref=unrouted.insight.text_ref,
        actor=assignment.actor,
        event_time=assignment.event_time,
        source=source,
    )
