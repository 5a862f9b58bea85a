"""What the JSON API takes and gives, beside the records themselves (Alert, CaseEntry, StoredText).

The one rule: these structs are the contract: `openapi.py` makes the document from them.
"""

from typing import Annotated, Literal

import msgspec

from schemas.action import ActionName, Code, DismissalCode
from schemas.alert import Alert, AlertState
from schemas.case import CaseEntry
from schemas.text import StoredText
from schemas.time import Millis
from schemas.unit import Department
from schemas.unrouted import Candidate
from schemas.vocabulary import Channel, Identifier, UnitId

ActionId = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+\Z")]
Note = Annotated[str, msgspec.Meta(max_length=10_000)]


class _View(msgspec.Struct, frozen=True, kw_only=True):
    """Always complete, also where a value is null."""


class Alerts(_View, frozen=True, kw_only=True):
    """The most urgent first. `next_cursor`: for the next page; null on the last."""

    alerts: tuple[Alert, ...]
    next_cursor: str | None = None


class Entries(_View, frozen=True, kw_only=True):
    """The history of one alert, the oldest first."""

    entries: tuple[CaseEntry, ...]


class Texts(_View, frozen=True, kw_only=True):
    """The masked texts that an alert and its history refer to, as far as they are (still) there."""

    texts: tuple[StoredText, ...]


class ActionRequest(_View, frozen=True, kw_only=True):
    """What somebody does about an alert. `id`: the client's own, so that what is sent twice takes effect once; without
    it one is made. `dismiss` needs `dismissal_code`, `assign` an `assignee`, `snooze` an `until`, `reroute` a `to_unit`
    or `to_department`."""

    id: ActionId | None = None
    action: ActionName
    note: Note | None = None
    we_did: Note | None = None
    resolution_code: Code | None = None
    dismissal_code: DismissalCode | None = None
    assignee: Identifier | None = None
    to_unit: UnitId | None = None
    to_department: Code | None = None
    until: Millis | None = None


class ActionAnswer(_View, frozen=True, kw_only=True):
    """What became of an action. `pending`: the log has not come to it yet. `reason`: why it was refused; `state`: of
    the case behind it; `alert_id` and `action` where they are known."""

    id: str
    status: Literal["pending", "accepted", "refused"]
    reason: str | None = None
    state: AlertState | None = None
    alert_id: str | None = None
    action: ActionName | None = None


class UnitView(_View, frozen=True, kw_only=True):
    """A unit of the directory, as far as it concerns who works with alerts."""

    id: str
    name: str
    kind: str
    industry: str
    parent: str | None
    time_zone: str
    departments: tuple[Department, ...]


class Units(_View, frozen=True, kw_only=True):
    """By name."""

    units: tuple[UnitView, ...]
    next_cursor: str | None = None


class HourView(_View, frozen=True, kw_only=True):
    """What was said within an hour that began at `at`."""

    at: Millis
    mentions: int
    negative: int
    positive: int


class UnitOverview(_View, frozen=True, kw_only=True):
    """A unit with all below it: how many alerts wait, are snoozed, and what was said over the last week."""

    unit: UnitView
    waiting: int
    snoozed: int
    hours: tuple[HourView, ...]


class UnroutedView(_View, frozen=True, kw_only=True):
    """What found no unit, why, and which it might be. `text` null: erased, or not there yet."""

    id: str
    reason: str
    channel: Channel
    event_time: Millis
    candidates: tuple[Candidate, ...]
    text: str | None


class UnroutedPage(_View, frozen=True, kw_only=True):
    """The newest first."""

    unrouted: tuple[UnroutedView, ...]
    next_cursor: str | None = None


class AssignRequest(_View, frozen=True, kw_only=True):
    """Which unit it is about."""

    unit_id: UnitId


class Assigned(_View, frozen=True, kw_only=True):
    """The decision was sent. Once it is carried out, what was decided is unrouted no more."""

    id: str
    unit_id: str


class ProblemView(_View, frozen=True, kw_only=True):
    """What went wrong (RFC 9457). `detail`: a sentence that says what to do; `reason`: one word for programs."""

    type: str
    title: str
    status: int
    detail: str
    reason: str
