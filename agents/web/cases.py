"""The histories of cases, and the answers to actions. In: entries of `cem.cases`, in the order of each partition. Out:
the entries of an alert in their order; what became of an action.

The one rule: memory is bounded, and an entry that comes again changes nothing.
"""

from collections import OrderedDict
from typing import NamedTuple

from schemas.case import CaseEntry

ENTRIES_MAX = 500
ANSWERS_MAX = 100_000
UNKNOWN_MAX = 5_000
"""Histories of alerts that are not known (yet): an entry may come before its alert."""


class _Place(NamedTuple):
    """Sorts the entries of an alert: links of the chain by number, a refusal behind what it found."""

    sequence: int
    refused: bool
    arrival: int


class Cases:
    """Whether somebody may see an entry is not decided here."""

    def __init__(self) -> None:
        self._histories: dict[str, dict[int | str, tuple[_Place, CaseEntry]]] = {}
        self._unknown: OrderedDict[str, None] = OrderedDict()
        self._answers: OrderedDict[str, CaseEntry] = OrderedDict()

    def put(self, entry: CaseEntry, *, known: bool) -> tuple[bool, list[CaseEntry]]:
        """One entry; `known`: whether its alert is. Gives whether it was new, and the entries that made room."""
        history = self._histories.get(entry.alert_id)
        if history is None:
            history = self._histories[entry.alert_id] = {}
            if not known:
                self._unknown[entry.alert_id] = None
        if entry.action_id is not None:
            self._answer(entry.action_id, entry)
        key = entry.number or f"{entry.action_id}/{entry.reason}"
        if key in history:
            return False, []
        history[key] = (_Place(entry.sequence, entry.number == 0, len(history)), entry)
        gone = []
        if len(history) > ENTRIES_MAX:
            gone.append(history.pop(min(history, key=lambda one: history[one][0]))[1])
        while len(self._unknown) > UNKNOWN_MAX:
            gone += self.drop(self._unknown.popitem(last=False)[0])
        return True, gone

    def _answer(self, action_id: str, entry: CaseEntry) -> None:
        """Once accepted, a repeat of the same action is told that it was done already; that changes nothing."""
        known = self._answers.get(action_id)
        if known is not None and (accepted(known) or not accepted(entry)):
            return
        self._answers[action_id] = entry
        if len(self._answers) > ANSWERS_MAX:
            self._answers.popitem(last=False)

    def known(self, alert_id: str) -> None:
        """The alert of a history has come."""
        self._unknown.pop(alert_id, None)

    def drop(self, alert_id: str) -> list[CaseEntry]:
        """Forgets a history, and gives it back."""
        self._unknown.pop(alert_id, None)
        return [entry for _, entry in self._histories.pop(alert_id, {}).values()]

    def of(self, alert_id: str) -> list[CaseEntry]:
        """The entries of an alert, the oldest first."""
        return [entry for _, entry in sorted(self._histories.get(alert_id, {}).values(), key=lambda one: one[0])]

    def answer(self, action_id: str) -> CaseEntry | None:
        """What became of an action, None if nothing is known."""
        return self._answers.get(action_id)


def accepted(entry: CaseEntry) -> bool:
    """Whether an action took effect: now, or, where it was sent again, before."""
    return entry.accepted or entry.reason == "already_done"
