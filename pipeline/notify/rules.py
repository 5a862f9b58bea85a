"""Who gets messages about what. In: a recipient, a record of an alert, the directory of units. Out: a Verdict.

The one rule: nobody is told of a unit that is outside of their scope, and what is confidential goes to those only whose
scope holds the head office that it is addressed to and whose entry says `confidential = true`.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec

from pipeline.directory import Directory
from pipeline.notify.quiet import Quiet
from schemas.alert import Alert, AlertChange, SeverityLabel
from schemas.unit import Name
from schemas.vocabulary import UnitId

Kind = Literal["webhook", "slack", "pagerduty", "email"]
Security = Literal["starttls", "tls", "none"]
Variable = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,199}\Z")]
Address = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,188})\Z")
]
"""A plain address in ASCII: other characters need a mail server that takes them."""
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]

SEVERITIES: Final[tuple[SeverityLabel, ...]] = ("info", "warning", "error", "critical")
SEVERE_ALERTNAME: Final = "SeverePost"

CHANGES: Final[tuple[AlertChange, ...]] = (
    "opened", "grown", "reopened", "rerouted", "deadline_warning", "escalated", "resolved", "quiet",
)  # fmt: skip
"""What people are told of by default: that something is wrong, worse, sent to another unit, late, over or settled. Not
each other's steps: acknowledging and commenting is seen in the console."""

CHANGES_OF_INCIDENTS: Final[tuple[AlertChange, ...]] = (
    "opened", "grown", "reopened", "deadline_warning", "escalated", "acknowledged", "assigned", "answered", "resolved",
    "verified", "dismissed", "rerouted",
)  # fmt: skip
"""PagerDuty's incident is the case: it has to see each step of it. The signal alone (`quiet`) ends no incident."""


class Recipient(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One who gets messages: an entry of the file; of one with several e-mail addresses there is one for each. Lists
    that are empty leave nothing out. `people`: only what is assigned to one of them, or what an escalation told one of
    them. `secret_env` and `url_env` are names of environment variables."""

    name: Name
    kind: Kind
    url: Url | None = None
    url_env: Variable | None = None
    secret_env: tuple[Variable, ...] = ()
    to: Annotated[tuple[Address, ...], msgspec.Meta(max_length=50)] = ()
    insecure: bool = False
    units: tuple[UnitId, ...] = ()
    departments: tuple[Name, ...] = ()
    people: tuple[Name, ...] = ()
    severity_min: SeverityLabel = "info"
    alertnames: tuple[Name, ...] = ()
    changes: tuple[AlertChange, ...] = ()
    quiet_hours: tuple[Quiet, ...] = ()
    time_zone: Name | None = None
    group_seconds: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 20.0
    confidential: bool = False
    tries_max: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    give_up_hours: Annotated[float, msgspec.Meta(gt=0, le=168)] = 24.0
    retry_seconds: Annotated[float, msgspec.Meta(ge=0.01, le=3600)] = 2.0

    @property
    def id(self) -> str:
        """Its name in `cem.notified`."""
        return f"{self.name}/{self.to[0]}" if self.to else self.name

    @property
    def wall(self) -> str:
        """The zone that its messages tell times in."""
        return self.time_zone or next((one.time_zone for one in self.quiet_hours), "UTC")

    @property
    def told_of(self) -> tuple[AlertChange, ...]:
        """The changes that it is told of."""
        return self.changes or (CHANGES_OF_INCIDENTS if self.kind == "pagerduty" else CHANGES)


class MailServer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where e-mail is handed over, and whose it is."""

    host: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.:-]{1,253}\Z")]
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 587
    security: Security = "starttls"
    sender: Address = msgspec.field(name="from")
    username: Annotated[str, msgspec.Meta(max_length=256)] = ""
    password_env: Variable | None = None
    insecure: bool = False


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """A file without a mistake in it."""

    recipients: tuple[Recipient, ...]
    email: MailServer | None = None


class Verdict(StrEnum):
    """Why a recipient gets a record, or does not."""

    WANTED = "wanted"
    CHANGE = "change"
    CONFIDENTIAL = "confidential"
    UNIT = "unit"
    DEPARTMENT = "department"
    PERSON = "person"
    SEVERITY = "severity"
    ALERTNAME = "alertname"


def verdict(recipient: Recipient, alert: Alert, directory: Directory) -> Verdict:
    """Whether a record of an alert concerns a recipient, else the first reason why not."""
    if alert.change not in recipient.told_of:
        return Verdict.CHANGE
    if alert.addressed_to is not None and not recipient.confidential:
        return Verdict.CONFIDENTIAL
    if recipient.units and not _covers(recipient.units, alert, directory):
        return Verdict.UNIT
    if recipient.departments and alert.labels.department not in recipient.departments:
        return Verdict.DEPARTMENT
    if recipient.people and not {alert.work.assignee, *alert.deadlines.told} & {*recipient.people}:
        return Verdict.PERSON
    if SEVERITIES.index(alert.severity_label) < SEVERITIES.index(recipient.severity_min):
        return Verdict.SEVERITY
    if recipient.alertnames and alert.labels.alertname not in recipient.alertnames:
        return Verdict.ALERTNAME
    return Verdict.WANTED


def _covers(scope: tuple[str, ...], alert: Alert, directory: Directory) -> bool:
    """Whether the unit that the alert is addressed to is one of these or below one of them. What the directory does
    not know any more is judged by the alert's own labels, unless it is confidential."""
    unit_id = alert.addressed_to or alert.labels.unit_id
    if unit_id in scope or directory.is_below(unit_id, scope):
        return True
    if alert.addressed_to is not None or unit_id in directory.units:
        return False
    return alert.labels.region in scope or alert.labels.brand in scope


def urgent(alert: Alert) -> bool:
    """Whether it waits for nothing: neither for others of the unit nor for the end of quiet hours."""
    return alert.severity_label == "critical" or alert.labels.alertname == SEVERE_ALERTNAME
