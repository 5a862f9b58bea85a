"""A person's decision about what found no unit: which unit it is about. And what is kept of it: a label to learn from.

An assignment goes into the very partition that the post or feedback came from, among its records and told from them by
the header `cem_control: assignment`: there what the enrich agent remembers of the post is at hand, and a replay meets
the decision where it was made. Its key is the insight's id.
"""

from typing import Literal

from schemas.record import Record, Source
from schemas.time import Millis
from schemas.unrouted import Candidate, Unrouted
from schemas.vocabulary import Identifier, UnitId


class Assignment(Record, frozen=True, kw_only=True):
    """`unrouted` is the record of `cem.unrouted` that is decided, complete, because nobody else has kept it."""

    unit_id: UnitId
    actor: Identifier
    event_time: Millis
    unrouted: Unrouted


class Label(Record, frozen=True, kw_only=True):
    """What a person said that is true of the insight `id`: it is about `unit_id`. `reason` and `candidates` are what
    the service had thought. Key of `cem.labels`: `about` and the insight's id, `unit/x:99`."""

    id: str
    about: Literal["unit"] = "unit"
    unit_id: str
    reason: str
    candidates: tuple[Candidate, ...] = ()
    text_ref: str | None = None
    actor: str
    event_time: Millis
    source: Source

    @property
    def key(self) -> str:
        """One decision about one insight; a later one takes its place."""
        return f"{self.about}/{self.id}"
