"""The newest record of each alert. In: records, each newer than the one whose place it takes. Out: alerts by id, or
those that somewhere concern a unit; which of them are to be forgotten.

The one rule: memory is bounded. What was finished long ago goes, and where there are too many, what is finished goes
before what is not, the oldest first. Whether a record is newer, and whether somebody may see it, is not decided here.
"""

from collections.abc import Iterable, Iterator

from pipeline.alerts.lifecycle import finished
from schemas.alert import Alert
from schemas.time import DAY_MS

ALERTS_MAX = 50_000
FINISHED_KEPT_MS = 30 * DAY_MS
_ROOM = 500
"""How many alerts are forgotten in one go once there are too many."""


class Alerts:
    """Lists of what waits are asked for often, so that what is not finished is kept apart."""

    def __init__(self) -> None:
        self._all: dict[str, Alert] = {}
        self._unfinished: dict[str, Alert] = {}
        self._by_unit: dict[str, dict[str, None]] = {}

    def put(self, alert: Alert) -> None:
        """A record, in place of the one before."""
        before = self._all.get(alert.alert_id)
        if before is not None:
            self._leave(before)
        self._all[alert.alert_id] = alert
        if not finished(alert.state):
            self._unfinished[alert.alert_id] = alert
        for unit_id in _places(alert):
            self._by_unit.setdefault(unit_id, {})[alert.alert_id] = None

    def drop(self, alert: Alert) -> None:
        """Forgets one that is there."""
        self._leave(alert)
        del self._all[alert.alert_id]

    def _leave(self, alert: Alert) -> None:
        self._unfinished.pop(alert.alert_id, None)
        for unit_id in _places(alert):
            there = self._by_unit[unit_id]
            del there[alert.alert_id]
            if not there:
                del self._by_unit[unit_id]

    @property
    def too_many(self) -> bool:
        """Whether some have to make room."""
        return len(self._all) > ALERTS_MAX

    def outdated(self, now_ms: int) -> list[Alert]:
        """Those that were finished long ago; where there are still too many then, also the oldest of the others."""
        last_ms = now_ms - FINISHED_KEPT_MS
        gone, stay = list[Alert](), list[Alert]()
        for one in self._all.values():
            (gone if finished(one.state) and one.detected_at < last_ms else stay).append(one)
        if len(stay) > ALERTS_MAX:
            stay.sort(key=lambda one: (not finished(one.state), one.detected_at))
            gone += stay[: len(stay) - ALERTS_MAX + _ROOM]
        return gone

    def get(self, alert_id: str) -> Alert | None:
        """The newest record of an alert; None if there is none."""
        return self._all.get(alert_id)

    def __contains__(self, alert_id: str) -> bool:
        return alert_id in self._all

    def every(self, *, unfinished: bool = False) -> Iterable[Alert]:
        """All of them, or those that are not finished."""
        return (self._unfinished if unfinished else self._all).values()

    def units(self) -> Iterable[str]:
        """Whom they concern: the units that they are about, and those that they have reached."""
        return self._by_unit.keys()

    def of(self, unit_ids: Iterable[str], *, unfinished: bool = False) -> Iterator[Alert]:
        """Those that concern one of these units, each once, without looking at all others."""
        alerts = self._unfinished if unfinished else self._all
        seen: set[str] = set()
        for unit_id in dict.fromkeys(unit_ids):
            for alert_id in self._by_unit.get(unit_id, ()):
                if alert_id not in seen and alert_id in alerts:
                    seen.add(alert_id)
                    yield alerts[alert_id]


def _places(alert: Alert) -> Iterable[str]:
    return dict.fromkeys((alert.labels.unit_id, *alert.also_to))
