"""What a person did about an alert. Key of `cem.actions`: the unit's id. The same id twice counts once."""

from typing import Annotated, Literal

import msgspec

from schemas.record import Record
from schemas.time import Millis
from schemas.vocabulary import Identifier, Text, UnitId

ActionName = Literal[
    "acknowledge", "assign", "comment", "reply", "reroute", "snooze", "resolve", "dismiss", "reopen", "publish"
]
DismissalCode = Literal["false", "duplicate", "wrong_unit", "abuse"]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9_]+\Z")]


class Action(Record, frozen=True, kw_only=True):
    """`note` and `we_did` are text and live in `cem.texts` from the enrich agent on."""

    id: Identifier
    alert_id: Identifier
    unit_id: UnitId
    action: ActionName
    actor: Identifier
    note: Text = ""
    resolution_code: Code | None = None
    dismissal_code: DismissalCode | None = None
    we_did: Text = ""
    assignee: Identifier | None = None
    to_unit: UnitId | None = None
    to_department: Code | None = None
    until: Millis | None = None
    event_time: Millis
