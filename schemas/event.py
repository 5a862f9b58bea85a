"""What a unit's log holds: everything that can change the unit's state, in one order. Key of `cem.events`: the unit."""

from typing import Literal

import msgspec

from schemas.action import ActionName, DismissalCode
from schemas.alert import Alert
from schemas.insight import Insight
from schemas.record import Record, Source
from schemas.tick import Tick
from schemas.time import Millis
from schemas.unit import Unit


class Ancestor(msgspec.Struct, frozen=True, kw_only=True):
    """A unit above this one."""

    id: str
    kind: str
    name: str


class UnitSettings(Record, frozen=True, kw_only=True, tag="settings"):
    """From here on these settings. `unit` is None once the unit is removed. A lower `version` changes nothing.
    `ancestors` from the nearest up."""

    unit_id: str
    unit: Unit | None
    ancestors: tuple[Ancestor, ...] = ()
    taxonomy: str | None = None
    model: str | None = None
    version: int
    source: Source


class UnitAction(Record, frozen=True, kw_only=True, tag="action"):
    """An action on its way into the unit's log: its texts have become references into `cem.texts`. `refused`: why it
    must not take effect, where that shows before the log: the answer is given in the log all the same."""

    id: str
    alert_id: str
    unit_id: str
    action: ActionName
    actor: str
    note_ref: str | None = None
    we_did_ref: str | None = None
    resolution_code: str | None = None
    dismissal_code: DismissalCode | None = None
    assignee: str | None = None
    to_unit: str | None = None
    to_department: str | None = None
    until: Millis | None = None
    refused: str | None = None
    event_time: Millis
    source: Source


class UnitErasure(Record, frozen=True, kw_only=True, tag="erasure"):
    """These insights are to be forgotten. Goes to every partition of the log, because any unit may hold them."""

    id: str
    insight_ids: tuple[str, ...]
    event_time: Millis
    source: Source


class UnitRollup(Record, frozen=True, kw_only=True, tag="rollup"):
    """What a unit below counted in one closed hour, on its way into the log of the region or brand above it."""

    unit_id: str
    child_id: str
    hour: Millis
    mentions: int
    negative: int
    positive: int
    kind: Literal["hour"] = "hour"
    source: Source


class UnitTransfer(Record, frozen=True, kw_only=True, tag="transfer"):
    """A case that was rerouted, on its way from the log of `alert.labels.unit_id` into that of `unit_id`: its last
    record, and the end of its chain of entries."""

    unit_id: str
    alert: Alert
    number: int
    hash: str
    threads: tuple[str, ...] = ()
    event_time: Millis
    source: Source


Between = UnitRollup | UnitTransfer
"""What the log of one unit says to that of another, by way of `cem.rollup`."""

Event = Insight | UnitSettings | UnitAction | UnitErasure | UnitRollup | UnitTransfer | Tick
