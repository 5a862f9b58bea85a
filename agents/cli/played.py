"""What was seen of a played scenario. In: records as they come out of the service. Out: a summary.

The rule: a record counts as processed only if it was seen again: in the log, among the unrouted, or among the dead
letters; an action only if it was answered.
"""

from collections import Counter
from typing import Any

import msgspec

from pipeline.alerts.deadlines import DUTIES, done
from pipeline.evaluation.incident import Incident
from pipeline.evaluation.scenario import Scenario
from schemas.action import Action
from schemas.alert import Alert, AlertState
from schemas.case import CaseEntry
from schemas.insight import Insight
from schemas.post import Post
from schemas.time import HOUR_MS

ALERT_WITHIN_MS = HOUR_MS
"""An incident counts as alerted up to an hour after its end."""


class Played:
    """`sent`: how many records of the scenario; `actions`: ids of what managers did. `last`: of each alert its newest
    record; `states`, `changes`: all that were seen of it."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self.sent = 0
        self.actions: dict[str, Action] = {}
        self.answers: dict[str, bool] = {}
        self.insights: set[tuple[str, str, str]] = set()
        self.seen: set[str] = set()
        self.opened: dict[str, Alert] = {}
        self.last: dict[str, Alert] = {}
        self.states: dict[str, set[AlertState]] = {}
        self.changes: dict[str, set[str]] = {}
        self.dead_letters = 0
        self.seconds = 0.0

    def insight(self, insight: Insight) -> bool:
        """Whether it is new."""
        self.seen.add(insight.id)
        key = (insight.id, insight.unit_id, insight.kind)
        if key in self.insights:
            return False
        self.insights.add(key)
        return True

    def alert(self, alert: Alert) -> bool:
        """Whether it is an alert that was not there before."""
        known = self.last.get(alert.alert_id)
        if known is None or known.sequence < alert.sequence:
            self.last[alert.alert_id] = alert
        self.states.setdefault(alert.alert_id, set()).add(alert.state)
        self.changes.setdefault(alert.alert_id, set()).add(alert.change)
        if alert.change != "opened" or alert.alert_id in self.opened:
            return False
        self.opened[alert.alert_id] = alert
        return True

    def answer(self, entry: CaseEntry) -> None:
        """What became of an action. What took effect stays so."""
        if entry.action_id is not None:
            self.answers[entry.action_id] = entry.accepted or self.answers.get(entry.action_id, False)

    @property
    def missing(self) -> set[str]:
        """Records that were sent and not seen again, actions that were not answered."""
        return ({identity(record) for record in self._scenario.records} - self.seen) | (
            self.actions.keys() - self.answers.keys()
        )

    @property
    def complete(self) -> bool:
        """Everything was sent and seen again."""
        return self.sent == len(self._scenario.records) and not self.missing

    def alerted(self, incident: Incident) -> bool:
        """Whether an alert was opened on the incident's unit while it lasted, or soon after."""
        return any(
            alert.labels.unit_id == incident.unit_id
            and incident.starts <= alert.starts_at <= incident.ends + ALERT_WITHIN_MS
            for alert in self.opened.values()
        )

    def summary(self) -> dict[str, object]:
        """`posts_in`, `insights`, `alerts` (by unit), `dead_letters`, `incidents_planted`, `incidents_alerted`;
        `states`, `changes`: how many alerts reached each, at some time; `actions` of managers, accepted and refused;
        `deadlines` met and missed; `seconds` (sending and working)."""
        incidents = self._scenario.incidents
        accepted = sum(self.answers.get(identity, False) for identity in self.actions)
        return {
            "posts_in": self.sent,
            "insights": len(self.insights),
            "alerts": _counted(alert.labels.unit_id for alert in self.opened.values()),
            "states": _counted(state for states in self.states.values() for state in states),
            "changes": _counted(change for changes in self.changes.values() for change in changes),
            "actions": {"accepted": accepted, "refused": len(self.actions) - accepted},
            "deadlines": self._deadlines(),
            "dead_letters": self.dead_letters,
            "incidents_planted": len(incidents),
            "incidents_alerted": sum(map(self.alerted, incidents)),
            "seconds": round(self.seconds, 1),
        }

    def _deadlines(self) -> dict[str, int]:
        """Duties that were done in time, and that were not. Of what was dismissed only the first look counts."""
        met = missed = 0
        for alert in self.last.values():
            missed += len(alert.deadlines.missed)
            duties = DUTIES[:1] if alert.state == "dismissed" else DUTIES
            met += sum(done(duty, alert.state) and duty not in alert.deadlines.missed for duty in duties)
        return {"met": met, "missed": missed}


def identity(record: msgspec.Struct) -> str:
    """How a record is named in the log."""
    return f"{record.network}:{record.id}" if isinstance(record, Post) else f"feedback:{record.id}"  # type: ignore[attr-defined]


def _counted(values: Any) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
