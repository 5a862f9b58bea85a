"""Simulated managers: what people do about an alert, some in time, some late, some never.

In: a seed, the units, and alerts as they are opened. Out: the actions that follow, each with its time. The one rule:
everything follows from the seed, the order of the alerts and their ids. The ways of dealing with an alert go round, so
that a small world shows all of them; when exactly somebody does something follows from the alert's id.

Times are taken from the deadlines backwards and onwards, so that they lie in opening hours.
"""

from collections.abc import Iterable
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final, get_args

from pipeline.alerts.deadlines import terms_of
from pipeline.detectors.recovery import RecoveryDetector
from schemas.action import Action, ActionName, DismissalCode
from schemas.alert import Alert
from schemas.time import HOUR_MS, MINUTE_MS, Millis
from schemas.unit import Department, Unit


class Way(StrEnum):
    """How an alert is dealt with."""

    IN_TIME = "in_time"
    LATE = "late"
    SNOOZED = "snoozed"
    SENT_ON = "sent_on"
    DISMISSED = "dismissed"
    CAME_BACK = "came_back"
    NEVER = "never"


ROUND: Final = (
    Way.IN_TIME, Way.LATE, Way.SNOOZED, Way.SENT_ON, Way.DISMISSED, Way.CAME_BACK, Way.NEVER, Way.IN_TIME, Way.SENT_ON,
    Way.LATE, Way.IN_TIME,
)  # fmt: skip
SETTLED: Final[tuple[tuple[str, str], ...]] = (
    ("staff_added", "One more of us is there at the busy hours from today on."),
    ("refunded", "Everybody who told us has the money back."),
    ("repaired", "What was broken is repaired."),
    ("staff_trained", "We went through it with the whole team."),
    ("process_changed", "We do it in another order now, so that nobody is forgotten."),
    ("apologised", "We spoke with those who complained, and said sorry."),
)
_REMARKS: Final = ("Looking into it.", "Two of us are on it.", "I was there yesterday, it is true.", "On my way.")
_ELSEWHERE: Final = ("This is about the other place.", "Theirs, not ours.", "They were asked for it, we were not.")


class Managers:
    """See the module's docstring."""

    def __init__(self, seed: int, units: Iterable[Unit]) -> None:
        self._seed = seed
        self._units = {unit.id: unit for unit in units}
        self._known: set[str] = set()

    def notice(self, alert: Alert, now_ms: int) -> list[Action]:
        """What people will do about an alert that was opened, in order of time and none before `now_ms`; nothing about
        one that is known. Head office sees at once to what is confidential."""
        if alert.alert_id in self._known or alert.change != "opened":
            return []
        place = len(self._known) + self._seed
        self._known.add(alert.alert_id)
        way = Way.IN_TIME if alert.addressed_to is not None else ROUND[place % len(ROUND)]
        return _Desk(alert, self._units, self._seed, now_ms).actions(way)


class _Desk:
    """One alert, and the people at its unit."""

    def __init__(self, alert: Alert, units: dict[str, Unit], seed: int, now_ms: int) -> None:
        self._alert = alert
        self._units = units
        self._seed = seed
        self._now_ms = now_ms
        self._unit_id = alert.labels.unit_id
        self._department = _department(units[self._unit_id], alert.labels.department)
        self._done: list[Action] = []

    def actions(self, way: Way) -> list[Action]:
        due_ms = self._alert.deadlines.acknowledge_by
        if due_ms is None or way is Way.NEVER:
            return []
        term_ms = terms_of(self._department, self._alert.severity_label).acknowledge * MINUTE_MS
        soon_ms = self._now_ms + MINUTE_MS
        early_ms = max(soon_ms, int(due_ms) - self._between(0.3, 0.8, term_ms, "early"))
        late_ms = max(soon_ms, int(due_ms) + self._between(0.3, 1.5, term_ms, "late"))
        match way:
            case Way.IN_TIME:
                self._see_to_it(early_ms)
            case Way.LATE:
                self._see_to_it(late_ms)
            case Way.SNOOZED:
                self._do("acknowledge", early_ms)
                until = early_ms + 2 * HOUR_MS
                self._do(
                    "snooze", early_ms + 3 * MINUTE_MS, until=Millis(until), note="Not before the delivery is here."
                )
                self._settle(until + self._minutes(5, 20, "woken"))
            case Way.SENT_ON:
                self._send_on(early_ms)
            case Way.DISMISSED:
                code = self._one_of(get_args(DismissalCode), "dismissal")
                self._do("dismiss", early_ms, dismissal_code=code)
            case Way.CAME_BACK:
                self._do("acknowledge", early_ms)
                settled_ms = self._settle(early_ms + self._minutes(30, 60, "quick"))
                self._do("reopen", settled_ms + self._minutes(20, 60, "again"), note="It goes on.")
                self._do("acknowledge", settled_ms + self._minutes(65, 80, "seen again"))
        return self._done

    def _see_to_it(self, at_ms: int) -> None:
        """From the first look to what customers may read."""
        self._do("acknowledge", at_ms)
        self._do("assign", at_ms + self._minutes(2, 9, "assign"), assignee=self._owner())
        at_ms += self._minutes(10, 25, "work")
        if self._alert.labels.alertname == RecoveryDetector.alertname:
            self._do("reply", at_ms, note="Called the customer, and listened.")
        else:
            self._do("comment", at_ms, note=self._one_of(_REMARKS, "remark"))
        settled_ms = self._settle(at_ms + self._minutes(20, 90, "settle"))
        if self._share("publish") < 0.6:
            self._do("publish", settled_ms + self._minutes(3, 30, "publish"))

    def _settle(self, at_ms: int) -> int:
        code, did = self._one_of(SETTLED, "settled")
        self._do("resolve", at_ms, resolution_code=code, we_did=did)
        return at_ms

    def _send_on(self, at_ms: int) -> None:
        """To another department, or to a unit next to it, where somebody sees to it."""
        unit, note = self._units[self._unit_id], self._one_of(_ELSEWHERE, "elsewhere")
        near = sorted(one.id for one in self._units.values() if one.parent == unit.parent and one.id != unit.id)
        others = [one for one in unit.departments if one != self._department]
        if near and (not others or self._share("where") < 0.5):
            target = self._one_of(near, "unit")
            self._do("reroute", at_ms, to_unit=target, note=note)
            self._unit_id = target
        elif others:
            other = self._one_of(others, "department")
            self._do("reroute", at_ms, to_department=other.name, note=note)
            self._department = other
        self._see_to_it(at_ms + self._minutes(5, 15, "there"))

    def _do(self, name: ActionName, at_ms: int, **said: Any) -> None:
        last_ms = self._done[-1].event_time if self._done else self._now_ms
        self._done.append(
            Action(
                id=f"demo-{self._alert.alert_id}-{len(self._done) + 1}",
                alert_id=self._alert.alert_id,
                unit_id=self._unit_id,
                action=name,
                actor=self._owner(),
                event_time=Millis(max(at_ms, last_ms + 1)),
                **said,
            )
        )

    def _owner(self) -> str:
        if self._alert.addressed_to is not None:
            return "head-office"
        return (self._department.owner if self._department else None) or "manager"

    # What follows from the alert's id

    def _share(self, what: str) -> float:
        """0 up to 1."""
        said = f"{self._seed}/{self._alert.alert_id}/{what}".encode()
        return int.from_bytes(blake2b(said, digest_size=6).digest()) / 2**48

    def _between(self, low: float, high: float, whole_ms: int, what: str) -> int:
        return int((low + (high - low) * self._share(what)) * whole_ms)

    def _minutes(self, low: int, high: int, what: str) -> int:
        return self._between(low, high, MINUTE_MS, what)

    def _one_of(self, choices: Any, what: str) -> Any:
        return choices[int(self._share(what) * len(choices))]


def _department(unit: Unit, name: str | None) -> Department | None:
    return next((one for one in unit.departments if one.name == name), None)
