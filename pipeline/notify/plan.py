"""Which messages are due, and what is in each. In: records of alerts, the time, what became of messages. Out: messages
to be sent, and the memory that has to be kept (`schemas/notified.py`).

The one rule: a change is in one message of a recipient, never in two. It waits until others of the unit had time to
join it, or quiet hours are over; then its message is made, with an id, and stays as it is, however often it is tried.
What comes meanwhile waits for the next one: so the order of an alert's changes is kept.

- A first change waits `group_seconds`; all that came about its unit until then goes with it. Critical alerts and severe
  posts wait for nothing, and take with them what waits about their unit.
- In quiet hours all but those wait for the end, and are then one message, whatever units they are about.
- PagerDuty gets a message for each alert: there an incident is one. Who was told of it is told of its end, whosever it
  is by then.
- While `OPEN_MESSAGES_MAX` messages of a recipient are not through, no more are made: changes go on joining.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from pipeline.alerts.lifecycle import finished
from pipeline.directory import Directory
from pipeline.notify.message import Message, Part, message_id
from pipeline.notify.quiet import quiet_until
from pipeline.notify.rules import Recipient, Verdict, urgent, verdict
from schemas.alert import Alert
from schemas.notified import Notified, Sending, Told, Waiting
from schemas.record import Source
from schemas.time import DAY_MS, SECOND_MS, Millis

OPEN_MESSAGES_MAX: Final = 16
PARTS_MAX: Final = 100
"""Alerts in one message."""
CHANGES_MAX: Final = 100
"""Changes of one alert in one message. Of more, the last are told and the others counted."""
MARKS_KEPT_MS: Final = 30 * DAY_MS
"""As long as `cem.notified` keeps them."""

_LEFT: Final = (Verdict.DEPARTMENT, Verdict.PERSON)
"""Whom a case concerned once, and does not any more."""

Key = tuple[str, str, str]
"""Recipient, alert, unit."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A message on its way. `due_at`: since when its first change was to be told; `since`: from when on it is counted
    how long it has been tried; `tries`: those that failed."""

    message: Message
    recipient: Recipient
    due_at: Millis
    since: Millis
    next_at: Millis
    tries: int
    sources: tuple[Source, ...]


class Plan:
    """What all recipients are told. `entries`: the memory as it was kept; what it holds of recipients that are no more
    is left out, and counted in `dropped`."""

    def __init__(self, recipients: Sequence[Recipient], entries: Iterable[Notified] = ()) -> None:
        self._recipients = {one.id: one for one in recipients}
        self._entries: dict[Key, Notified] = {}
        self._waiting: dict[str, dict[Key, Waiting]] = {one: {} for one in self._recipients}
        self._open: dict[str, dict[str, list[Key]]] = {one: {} for one in self._recipients}
        self._messages: dict[str, Delivery] = {}
        self._changed: dict[Key, None] = {}
        self.dropped = 0
        for entry in entries:
            self._load(entry)
        for by_id in self._open.values():
            for made, keys in by_id.items():
                keys.sort(key=lambda key: _sending(self._entries[key]).place)
                self._messages[made] = self._delivery(made, keys)

    def _load(self, entry: Notified) -> None:
        key = (entry.recipient, entry.alert_id, entry.unit_id)
        if entry.recipient not in self._recipients:
            if entry.waiting is not None or entry.sending is not None:
                self.dropped += 1
                self._entries[key] = msgspec.structs.replace(entry, waiting=None, sending=None)
                self._changed[key] = None
            return
        self._entries[key] = entry
        if entry.waiting is not None:
            self._waiting[entry.recipient][key] = entry.waiting
        if entry.sending is not None:
            self._open[entry.recipient].setdefault(entry.sending.id, []).append(key)

    # In

    def take(self, alert: Alert, source: Source, directory: Directory, now_ms: int) -> dict[str, Verdict]:
        """A record of an alert, for everybody whom it concerns. Gives the verdict on each recipient. What was taken
        before changes nothing."""
        verdicts = {}
        for recipient in self._recipients.values():
            said = verdict(recipient, alert, directory)
            if said in _LEFT and self._ends_incident(recipient, alert):
                said = Verdict.WANTED
            verdicts[recipient.id] = said
            if said is Verdict.WANTED:
                self._take(recipient, alert, source, now_ms)
        return verdicts

    def _ends_incident(self, recipient: Recipient, alert: Alert) -> bool:
        """Whether a case is over that went to another department or person after PagerDuty was told of it: its incident
        there would stay open for ever."""
        told = (recipient.id, alert.alert_id, alert.labels.unit_id) in self._entries
        return recipient.kind == "pagerduty" and told and finished(alert.state)

    def _take(self, recipient: Recipient, alert: Alert, source: Source, now_ms: int) -> None:
        key = (recipient.id, alert.alert_id, alert.labels.unit_id)
        entry = self._entries.get(key)
        if entry is not None and alert.sequence <= entry.sequence:
            return
        told = Told(change=alert.change, sequence=alert.sequence, at=alert.detected_at, actor=alert.actor)
        before = entry.waiting if entry is not None else None
        due_ms, held = self._due(recipient, alert, before, now_ms)
        changes = (*before.changes, told) if before is not None else (told,)
        left_out = (before.changes_left_out if before is not None else 0) + max(0, len(changes) - CHANGES_MAX)
        waiting = Waiting(
            changes=changes[-CHANGES_MAX:],
            changes_left_out=left_out,
            alert=without_evidence(alert),
            source=source,
            due_at=Millis(due_ms),
            held=held,
        )
        if entry is None:
            entry = Notified(
                recipient=recipient.id,
                alert_id=alert.alert_id,
                unit_id=alert.labels.unit_id,
                sequence=0,
                at=Millis(now_ms),
            )
        self._put(key, entry, now_ms, sequence=alert.sequence, waiting=waiting)

    def _due(self, recipient: Recipient, alert: Alert, before: Waiting | None, now_ms: int) -> tuple[int, bool]:
        """When a change is to be told, and whether quiet hours are why."""
        if urgent(alert):
            return min(now_ms, before.due_at) if before is not None else now_ms, False
        if before is not None:
            return before.due_at, before.held
        due_ms = now_ms + int(recipient.group_seconds * SECOND_MS)
        end_ms = quiet_until(recipient.quiet_hours, due_ms)
        return (due_ms, False) if end_ms is None else (end_ms, True)

    # Out

    def make(self, now_ms: int) -> None:
        """Makes the messages that are due. They are to be kept before they are sent: `changed`, then `ready`."""
        for recipient in self._recipients.values():
            self._hold(recipient, now_ms)
            for keys in self._groups(recipient, now_ms):
                if len(self._open[recipient.id]) >= OPEN_MESSAGES_MAX:
                    break
                self._make(recipient, keys, now_ms)

    def _hold(self, recipient: Recipient, now_ms: int) -> None:
        """What could not go in time, because something before it was not through or nobody was there to send it, waits
        for the end of quiet hours."""
        end_ms = quiet_until(recipient.quiet_hours, now_ms)
        if end_ms is None:
            return
        for key, waiting in [*self._waiting[recipient.id].items()]:
            if waiting.due_at <= now_ms and not urgent(waiting.alert):
                later = msgspec.structs.replace(waiting, due_at=Millis(end_ms), held=True)
                self._put(key, self._entries[key], now_ms, waiting=later)
        for made in [*self._open[recipient.id]]:
            if self._messages[made].next_at <= now_ms and not _urgent(self._messages[made]):
                self._later(made, now_ms, next_at=Millis(end_ms), since=Millis(end_ms))

    def _groups(self, recipient: Recipient, now_ms: int) -> Iterator[list[Key]]:
        """What belongs into one message each, the first due first."""
        free = [
            (waiting.due_at, key, waiting.held)
            for key, waiting in self._waiting[recipient.id].items()
            if self._entries[key].sending is None
        ]
        free.sort()
        due = [(at, key, held) for at, key, held in free if at <= now_ms]
        if recipient.kind == "pagerduty":
            yield from ([key] for _, key, _ in due)
            return
        for unit_id in dict.fromkeys(key[2] for _, key, held in due if not held):
            yield from _parts_of([key for _, key, held in free if key[2] == unit_id and not held])
        yield from _parts_of([key for _, key, held in due if held])

    def _make(self, recipient: Recipient, keys: list[Key], now_ms: int) -> None:
        told = []
        for key in keys:
            changes = self._waiting[recipient.id][key].changes
            told.append((f"{key[1]}/{key[2]}", changes[0].sequence, changes[-1].sequence))
        made = message_id(recipient.id, told)
        now = Millis(now_ms)
        for place, key in enumerate(keys):
            waiting = self._waiting[recipient.id][key]
            sending = Sending(
                id=made,
                place=place,
                changes=waiting.changes,
                changes_left_out=waiting.changes_left_out,
                alert=waiting.alert,
                source=waiting.source,
                due_at=waiting.due_at,
                made_at=now,
                since=now,
                next_at=now,
            )
            self._put(key, self._entries[key], now_ms, waiting=None, sending=sending)
        self._open[recipient.id][made] = keys
        self._messages[made] = self._delivery(made, keys)

    def ready(self, now_ms: int) -> list[Delivery]:
        """Messages to be tried now, those that are being tried among them."""
        return [one for one in self._messages.values() if one.next_at <= now_ms]

    def next_at(self, busy: Callable[[Delivery], bool] = lambda _: False) -> int | None:
        """When something is to be made or tried next; None while everybody was told everything. `busy`: messages that
        do not count, because something else has to happen first."""
        times = [int(one.next_at) for one in self._messages.values() if not busy(one)]
        for recipient_id, waiting in self._waiting.items():
            if len(self._open[recipient_id]) < OPEN_MESSAGES_MAX:
                times += [one.due_at for key, one in waiting.items() if self._entries[key].sending is None]
        return min(times, default=None)

    # What became of messages

    def delivered(self, made: str, now_ms: int) -> None:
        """A message is with its recipient."""
        for key in self._end(made):
            entry = self._entries[key]
            self._put(key, entry, now_ms, delivered=_sending(entry).changes[-1].sequence, sending=None)

    def again(self, made: str, next_at: Millis, now_ms: int) -> None:
        """A try failed; the next one comes at `next_at`, or when quiet hours are over that hold then."""
        delivery = self._messages[made]
        end_ms = None if _urgent(delivery) else quiet_until(delivery.recipient.quiet_hours, next_at)
        if end_ms is not None:
            self._later(made, now_ms, next_at=Millis(end_ms), since=Millis(end_ms), tries=delivery.tries + 1)
        else:
            self._later(made, now_ms, next_at=next_at, tries=delivery.tries + 1)

    def _later(self, made: str, now_ms: int, **fields: int) -> None:
        keys = self._open[self._messages[made].recipient.id][made]
        for key in keys:
            entry = self._entries[key]
            self._put(key, entry, now_ms, sending=msgspec.structs.replace(_sending(entry), **fields))
        self._messages[made] = self._delivery(made, keys)

    def given_up(self, made: str, now_ms: int) -> None:
        """A message will not be tried any more."""
        for key in self._end(made):
            self._put(key, self._entries[key], now_ms, sending=None)

    def _end(self, made: str) -> list[Key]:
        return self._open[self._messages.pop(made).recipient.id].pop(made)

    # Memory

    def changed(self) -> list[Notified]:
        """Entries that changed since the last call."""
        changed = [self._entries[key] for key in self._changed]
        self._changed = {}
        return changed

    def open_messages(self) -> dict[str, int]:
        """Name of a recipient -> messages that are not through, of those that were made, to all its addresses."""
        found = dict.fromkeys((one.name for one in self._recipients.values()), 0)
        for recipient_id, messages in self._open.items():
            found[self._recipients[recipient_id].name] += len(messages)
        return found

    def forget(self, now_ms: int) -> int:
        """Leaves out marks that `cem.notified` has forgotten too. Gives how many."""
        old = [
            key
            for key, entry in self._entries.items()
            if entry.waiting is None
            and entry.sending is None
            and entry.at < now_ms - MARKS_KEPT_MS
            and key not in self._changed
        ]
        for key in old:
            del self._entries[key]
        return len(old)

    def _put(self, key: Key, entry: Notified, now_ms: int, **fields: object) -> None:
        entry = msgspec.structs.replace(entry, at=Millis(now_ms), **fields)
        self._entries[key] = entry
        self._changed[key] = None
        if entry.waiting is not None:
            self._waiting[key[0]][key] = entry.waiting
        else:
            self._waiting[key[0]].pop(key, None)

    def _delivery(self, made: str, keys: list[Key]) -> Delivery:
        recipient = self._recipients[keys[0][0]]
        sendings = [_sending(self._entries[key]) for key in keys]
        parts = tuple(
            Part(alert=one.alert, changes=one.changes, changes_left_out=one.changes_left_out) for one in sendings
        )
        return Delivery(
            message=Message(
                id=made, recipient=recipient.name, made_at=sendings[0].made_at, parts=parts, time_zone=recipient.wall
            ),
            recipient=recipient,
            due_at=min(one.due_at for one in sendings),
            since=sendings[0].since,
            next_at=sendings[0].next_at,
            tries=sendings[0].tries,
            sources=tuple(one.source for one in sendings),
        )


def without_evidence(alert: Alert) -> Alert:
    """A record as messages have it: who wrote what is looked up in the console."""
    if not alert.evidence:
        return alert
    left_out = alert.evidence_left_out + len(alert.evidence)
    return msgspec.structs.replace(alert, evidence=(), evidence_left_out=left_out)


def _urgent(delivery: Delivery) -> bool:
    return any(urgent(part.alert) for part in delivery.message.parts)


def _sending(entry: Notified) -> Sending:
    assert entry.sending is not None
    return entry.sending


def _parts_of(keys: list[Key]) -> Iterator[list[Key]]:
    for start in range(0, len(keys), PARTS_MAX):
        yield keys[start : start + PARTS_MAX]
