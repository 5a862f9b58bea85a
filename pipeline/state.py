"""The state of one unit: all that its log has led to. Written to `cem.state.events`, read back after a rebalance.

The one rule: every field has a default, so that a state of an older version is read by a newer one.
"""

import msgspec

from pipeline.alerts.deadlines import Promise
from pipeline.detectors.cascade import CascadeState
from pipeline.detectors.influential import InfluentialState
from pipeline.detectors.recovery import RecoveryState
from pipeline.detectors.severe import SevereState
from pipeline.detectors.surge import SurgeState
from pipeline.likeness import LikenessState
from pipeline.opening import Schedule
from schemas.alert import Alert
from schemas.codec import decode_hook, encode_hook
from schemas.unit import Department


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the engine needs of a unit's settings. `above` are the ids of its region and brand, nearest first.
    `confidential`: severe causes that are told to head office only, its own and those of the units above. `schedule`,
    `departments` and `escalation` decide about deadlines."""

    version: int = -1
    name: str | None = None
    kind: str | None = None
    industry: str = "other"
    region: str | None = None
    brand: str | None = None
    above: tuple[str, ...] = ()
    removed: bool = False
    confidential: tuple[str, ...] = ()
    schedule: Schedule = Schedule()
    departments: tuple[Department, ...] = ()
    escalation: tuple[str, ...] = ()

    def department(self, name: str | None) -> Department | None:
        """The first department with this name, None if there is none."""
        return next((one for one in self.departments if one.name == name), None)

    @property
    def head_office(self) -> str | None:
        """The topmost unit above; None of a unit that has none: its alerts are its own."""
        return self.above[-1] if self.above else None


class Case(msgspec.Struct, omit_defaults=True):
    """One alert: its last record, and what decides about the next one. Times in milliseconds.

    `found_ms`: what the finding in `last` was made at. `calm_since`: since when the detector would end it.
    `check_at`: when to look again, None once it is quiet. `grown_past`: the last threshold of size that was told.
    `departments`: all that were told. `actions`: the ids of the last actions. `threads`: of its evidence, and
    `answered` those of them with an own reply. `promises`: what has to be done by when; `remind_at`: when the next step
    of one is due, None if none is. `entries`, `hash`: the end of its chain on `cem.cases`."""

    cause: str
    last: Alert
    opened_ms: int
    found_ms: int = 0
    ended_ms: int | None = None
    calm_since: int | None = None
    check_at: int | None = None
    grown_past: int = 0
    departments: list[str] = []
    actions: list[str] = []
    threads: list[str] = []
    answered: list[str] = []
    promises: tuple[Promise, ...] = ()
    remind_at: int | None = None
    entries: int = 0
    hash: str = ""


class Tally(msgspec.Struct, array_like=True):
    """What was said in one hour."""

    mentions: int = 0
    negative: int = 0
    positive: int = 0


class UnitState(msgspec.Struct, omit_defaults=True):
    """`now`: the latest event time or due time so far. `opened`: alerts so far. `hours`: own hours that are not yet
    rolled up; `below`: the last hours of each unit below, for a region or a brand. `remind_at`: when the next step of
    a promise of any case is due. `moved`: the last cases that were rerouted, and where to; `received`: the last
    that came, and how many entries their chains had."""

    unit_id: str
    profile: Profile = Profile()
    now: int = 0
    surge: SurgeState = msgspec.field(default_factory=SurgeState)
    severe: SevereState = msgspec.field(default_factory=SevereState)
    cascade: CascadeState = msgspec.field(default_factory=CascadeState)
    influential: InfluentialState = msgspec.field(default_factory=InfluentialState)
    recovery: RecoveryState = msgspec.field(default_factory=RecoveryState)
    likeness: LikenessState = msgspec.field(default_factory=LikenessState)
    cases: dict[str, Case] = {}
    firing: dict[str, str] = {}
    opened: int = 0
    remind_at: int | None = None
    moved: dict[str, str] = {}
    received: dict[str, int] = {}
    hours: dict[int, Tally] = {}
    below: dict[int, dict[str, Tally]] = {}


_encoder = msgspec.msgpack.Encoder(enc_hook=encode_hook)
_decoder = msgspec.msgpack.Decoder(UnitState, dec_hook=decode_hook)


def encode_state(state: UnitState) -> bytes:
    """State -> bytes (MessagePack)."""
    return _encoder.encode(state)


def decode_state(value: bytes) -> UnitState:
    """Bytes -> state. Raises msgspec.DecodeError: a state that cannot be read is a broken invariant."""
    return _decoder.decode(value)
