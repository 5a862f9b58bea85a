"""All that the console knows, in memory. In: decoded records, as `feed.py` reads them. Out: what a viewer may see.

The one rule: every query takes a viewer and asks `access.py`; there is no way to a record around it. Nothing is read,
sent or timed here: the feed gives the time in. All of it is bounded, and can be rebuilt from the topics at any time.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import msgspec

from agents.web.access import Viewer, may_see, may_see_confidential, may_see_unit, may_see_unrouted
from agents.web.alerts import Alerts
from agents.web.cases import Cases
from agents.web.confided import Confided
from agents.web.hours import Hour, Week, total
from agents.web.references import of_alert, of_entry, of_unrouted
from agents.web.texts import NEWEST_MAX, Texts
from agents.web.urgency import urgency, waiting
from pipeline.directory import Directory
from schemas.action import Action
from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.event import UnitRollup
from schemas.text import StoredText
from schemas.time import HOUR_MS
from schemas.token import Token
from schemas.unit import Unit
from schemas.unrouted import Unrouted

UNROUTED_MAX = 20_000
SENT_MAX = 20_000
_OF_ACTIONS = ("note:", "we_did:")

State = Literal["waiting", "snoozed", "finished", "all"]


class Changed(NamedTuple):
    """A newer record of an alert, and the one whose place it took."""

    before: Alert | None
    after: Alert


class UnroutedChanged(NamedTuple):
    """What waited for a decision under one id, and what does now."""

    before: Unrouted | None
    after: Unrouted | None


class Sent(NamedTuple):
    """An action on its way: who sent it, about which alert."""

    alert_id: str
    actor: str


class Model:
    """See the module's docstring. `connected`: whether Kafka answers; `since`: since when it is so, on the wall clock
    in milliseconds. `loading`: until what was there at the start is read. `revision` grows with every change."""

    def __init__(self, texts_max: int = NEWEST_MAX) -> None:
        self.connected = False
        self.loading = False
        self.since = 0
        self.revision = 0
        self.wall_ms: int | None = None
        self._newest_ms = 0
        self._alerts = Alerts()
        self._confided = Confided()
        self._cases = Cases()
        self._texts = Texts(texts_max)
        self._unrouted: OrderedDict[str, Unrouted] = OrderedDict()
        self._units: dict[str, Unit] = {}
        self._directory: Directory | None = None
        self._causes: frozenset[str] = frozenset()
        self._weeks: dict[str, Week] = {}
        self._totals: dict[str, tuple[tuple[int, int], list[Hour]]] = {}
        self._rolled_up = 0
        self._tokens: dict[str, Token] = {}
        self._sent: OrderedDict[str, Sent] = OrderedDict()

    # The time and the directory

    @property
    def now_ms(self) -> int:
        """What countdowns are relative to: the wall clock where the feed gives one, else the newest event time."""
        return self._newest_ms if self.wall_ms is None else self.wall_ms

    @property
    def directory(self) -> Directory:
        """The units as they stand."""
        if self._directory is None:
            self._directory = Directory(self._units.values())
            self._causes = frozenset(cause for unit in self._units.values() for cause in unit.confidential)
        return self._directory

    def set_connected(self, connected: bool, at_ms: int) -> bool:
        """Kafka answers, or does no more. Says whether that is news."""
        if connected == self.connected and self.since:
            return False
        self.connected, self.since = connected, at_ms
        self.revision += 1
        return True

    def _seen(self, time_ms: int) -> None:
        self._newest_ms = max(self._newest_ms, time_ms)
        self.revision += 1

    # What comes in

    def apply_alert(self, alert: Alert) -> Changed | None:
        """A record of an alert; None if a newer one is known."""
        before = self._alerts.get(alert.alert_id)
        if before is not None and before.sequence >= alert.sequence:
            return None
        self._seen(alert.detected_at)
        if before is not None:
            self._texts.release(of_alert(before))
        self._alerts.put(alert)
        references = of_alert(alert)
        self._texts.refer(references)
        if alert.addressed_to is not None:
            self._confided.add(alert.alert_id, references)
        self._cases.known(alert.alert_id)
        if self._alerts.too_many:
            self.forget()
        return Changed(before, alert)

    def apply_entry(self, entry: CaseEntry) -> bool:
        """An entry of a history, or the answer to an action. Says whether it was new."""
        new, gone = self._cases.put(entry, known=entry.alert_id in self._alerts)
        if new:
            self.revision += 1
            self._texts.refer(of_entry(entry))
        for one in gone:
            self._texts.release(of_entry(one))
        return new

    def apply_text(self, key: str, text: StoredText | None) -> None:
        """A text, or its tombstone."""
        self._texts.put(key, text)
        self._seen(0 if text is None or key.startswith(_OF_ACTIONS) else text.event_time)

    def wants_text(self, key: str) -> bool:
        """Whether something known refers to this text."""
        return self._texts.wanted(key)

    def apply_unrouted(self, key: str, unrouted: Unrouted | None) -> UnroutedChanged | None:
        """What found no unit; None once it has found one. None if that is no news. What its author has taken back
        waits no more."""
        after = None if unrouted is None or unrouted.insight.kind == "delete" else unrouted
        before = self._unrouted.pop(key, None)
        if before is not None:
            self._texts.release(of_unrouted(before))
        if after is not None:
            self._unrouted[key] = after
            self._texts.refer(of_unrouted(after))
            self._seen(after.insight.event_time)
            if len(self._unrouted) > UNROUTED_MAX:
                self._texts.release(of_unrouted(self._unrouted.popitem(last=False)[1]))
        if before == after:
            return None
        self.revision += 1
        return UnroutedChanged(before, after)

    def apply_unit(self, key: str, unit: Unit | None) -> None:
        """A unit of the directory, or its tombstone. The names of its staff are none of the console's business."""
        self._units.pop(key, None)
        if unit is not None:
            self._units[key] = msgspec.structs.replace(unit, staff=())
        self._directory = None
        self._totals.clear()
        self.revision += 1

    def apply_rollup(self, rollup: UnitRollup) -> None:
        """What one unit counted in one hour. It is told to every unit above; each says the same."""
        week = self._weeks.get(rollup.child_id)
        if week is None:
            week = self._weeks[rollup.child_id] = Week()
        if week.put(rollup):
            self._rolled_up += 1
            self._seen(rollup.hour)

    def apply_token(self, key: str, token: Token | None) -> None:
        """A token; one that is revoked stays so, whatever comes later."""
        known = self._tokens.get(key)
        if token is None:
            self._tokens.pop(key, None)
        elif token.id == key and (known is None or known.revoked_at is None or token.revoked_at is not None):
            self._tokens[key] = token

    def apply_action(self, action: Action) -> None:
        """An action that somebody has sent. Its texts are not kept: they are not masked yet."""
        self._sent[action.id] = Sent(action.alert_id, action.actor)
        if len(self._sent) > SENT_MAX:
            self._sent.popitem(last=False)

    def forget(self) -> None:
        """Alerts that were finished long ago; where there are too many, also the oldest of the others."""
        for alert in self._alerts.outdated(self.now_ms):
            self._forget(alert)

    def _forget(self, alert: Alert) -> None:
        self._alerts.drop(alert)
        self._texts.release(of_alert(alert))
        self._confided.drop(alert.alert_id)
        for entry in self._cases.drop(alert.alert_id):
            self._texts.release(of_entry(entry))
        self.revision += 1

    # What a viewer may see

    def alerts(
        self, viewer: Viewer, *, unit_id: str | None = None, department: str | None = None, state: State = "waiting"
    ) -> list[Alert]:
        """The alerts of this viewer, the most urgent first. `unit_id`: of this unit and those below it."""
        now_ms = self.now_ms
        found = [
            alert
            for alert in self._seen_by(viewer, unit_id, department, unfinished=state in ("waiting", "snoozed"))
            if state == "all" or waiting(alert, now_ms) == state
        ]
        return sorted(found, key=lambda alert: urgency(alert, now_ms))

    def counts(self, viewer: Viewer, *, unit_id: str | None = None, department: str | None = None) -> Counter[str]:
        """How many of the same there are: `waiting`, `snoozed`, `finished`. Cheaper than asking for them."""
        now_ms = self.now_ms
        return Counter(waiting(alert, now_ms) for alert in self._seen_by(viewer, unit_id, department))

    def _seen_by(
        self, viewer: Viewer, unit_id: str | None, department: str | None, *, unfinished: bool = False
    ) -> Iterator[Alert]:
        directory = self.directory
        below = None if unit_id is None else {unit_id, *directory.descendants(unit_id)}
        return (
            alert
            for alert in self._within(viewer, unfinished=unfinished)
            if (below is None or alert.labels.unit_id in below)
            and (department is None or alert.labels.department == department)
            and may_see(viewer, alert, directory)
        )

    def _within(self, viewer: Viewer, *, unfinished: bool) -> Iterable[Alert]:
        """Those that come into question, without looking at all others. What units said that are no longer in the
        directory is looked for by what their alerts say."""
        if viewer.unit_id is None:
            return self._alerts.every(unfinished=unfinished)
        directory = self.directory
        gone = [unit_id for unit_id in self._alerts.units() if unit_id not in directory.units]
        below = () if viewer.role in ("unit", "department") else (*directory.descendants(viewer.unit_id), *gone)
        return self._alerts.of((viewer.unit_id, *below), unfinished=unfinished)

    def alert(self, viewer: Viewer, alert_id: str) -> Alert | None:
        """One alert; None if there is none, or none for this viewer: the two cannot be told apart."""
        found = self._alerts.get(alert_id)
        return found if found is not None and may_see(viewer, found, self.directory) else None

    def entries(self, viewer: Viewer, alert_id: str) -> list[CaseEntry]:
        """The history of an alert, the oldest first; empty if the viewer may not see the alert."""
        return self._cases.of(alert_id) if self.alert(viewer, alert_id) is not None else []

    def text(self, viewer: Viewer, alert: Alert, reference: str | None) -> StoredText | None:
        """A text that the alert or its history refers to. What a confidential alert refers to is not shown through
        another one either."""
        known = self.alert(viewer, alert.alert_id)
        if known is None or reference is None:
            return None
        if reference in self._confided and not may_see_confidential(viewer):
            return None
        if reference not in of_alert(known) and not any(
            reference in of_entry(entry) for entry in self._cases.of(known.alert_id)
        ):
            return None
        return self._texts.get(reference)

    def note(self, viewer: Viewer, entry: CaseEntry) -> StoredText | None:
        """The note of an entry, masked; None if there is none (any more)."""
        known = self._alerts.get(entry.alert_id)
        return None if known is None else self.text(viewer, known, entry.note_ref)

    def unrouted(self, viewer: Viewer) -> list[Unrouted]:
        """What found no unit and may be about one of the viewer's, the newest last; of the candidates those that the
        viewer may see."""
        if not may_see_unrouted(viewer):
            return []
        found = [one for one in self._unrouted.values() if self.sees_unrouted(viewer, one)]
        return found if viewer.unit_id is None else [self._with_own_candidates(viewer, one) for one in found]

    def _with_own_candidates(self, viewer: Viewer, unrouted: Unrouted) -> Unrouted:
        own = tuple(one for one in unrouted.candidates if may_see_unit(viewer, one.unit_id, self.directory))
        return msgspec.structs.replace(unrouted, candidates=own)

    def unrouted_one(self, viewer: Viewer, identity: str) -> Unrouted | None:
        """One of them, complete, to be decided; None if there is none for this viewer."""
        found = self._unrouted.get(identity)
        return found if found is not None and self.sees_unrouted(viewer, found) else None

    def unrouted_text(self, viewer: Viewer, unrouted: Unrouted) -> StoredText | None:
        """What was said in it, masked."""
        known = self.unrouted_one(viewer, unrouted.id)
        reference = None if known is None else known.insight.text_ref
        return None if reference is None else self._texts.get(reference)

    def sees_unrouted(self, viewer: Viewer, unrouted: Unrouted) -> bool:
        """One without candidates may be about anybody. One that tells a cause that is confidential somewhere is for
        those only who may see such alerts."""
        if not may_see_unrouted(viewer):
            return False
        directory = self.directory
        if not may_see_confidential(viewer) and any(one.cause in self._causes for one in unrouted.insight.severe):
            return False
        candidates = unrouted.candidates
        return not candidates or any(may_see_unit(viewer, one.unit_id, directory) for one in candidates)

    def hours(self, viewer: Viewer, unit_id: str) -> list[Hour]:
        """What was said about a unit and those below it, by hour over the last week, the oldest first, up to the last
        hour that is closed; empty where nothing is known, or not for this viewer."""
        if unit_id not in self.directory.units or not may_see_unit(viewer, unit_id, self.directory):
            return []
        known = self._totals.get(unit_id)
        key = (self.now_ms // HOUR_MS, self._rolled_up)
        if known is None or known[0] != key:
            units = [unit_id, *self.directory.descendants(unit_id)]
            weeks = [week for one in units if (week := self._weeks.get(one)) is not None]
            known = self._totals[unit_id] = (key, total(weeks, self.now_ms - HOUR_MS))
        return known[1]

    def units(self, viewer: Viewer) -> list[Unit]:
        """The units that the viewer may see, by name."""
        directory = self.directory
        found = [unit for unit in directory.units.values() if may_see_unit(viewer, unit.id, directory)]
        return sorted(found, key=lambda unit: (unit.name, unit.id))

    def unit(self, viewer: Viewer, unit_id: str) -> Unit | None:
        """One unit; None if there is none, or none for this viewer."""
        found = self.directory.units.get(unit_id)
        return found if found is not None and may_see_unit(viewer, unit_id, self.directory) else None

    # Of actions and tokens

    def answer(self, action_id: str) -> CaseEntry | None:
        """What became of an action; None if nothing is known (yet). Whom it may be told:
        `may_know_answer`."""
        return self._cases.answer(action_id)

    def may_know_answer(self, viewer: Viewer, action_id: str, alert_id: str) -> bool:
        """Whether what became of an action is told to this viewer: who sees its alert, or has sent it about this alert.
        Clients choose ids, so the same one may be somebody else's action about another alert."""
        return self.alert(viewer, alert_id) is not None or self._sent.get(action_id) == Sent(alert_id, viewer.name)

    def sees(self, viewer: Viewer, alert: Alert) -> bool:
        """Whether this record of an alert is for this viewer."""
        return may_see(viewer, alert, self.directory)

    def sent(self, action_id: str) -> Sent | None:
        """Who sent an action about which alert; None if nobody did, of late."""
        return self._sent.get(action_id)

    def token(self, token_id: str) -> Token | None:
        """A token as it was made or revoked, whether it counts or not."""
        return self._tokens.get(token_id)
