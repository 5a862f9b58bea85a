"""Which texts confidential alerts refer to. In: confidential alerts, and what they refer to. Out: whether a text is one
of these.

The one rule: once a confidential alert has referred to a text, it is confidential as long as that alert is known, also
where a later record of the alert or another alert refers to it.
"""

from collections.abc import Iterable


class Confided:
    """Both ways round, so that an alert can be forgotten."""

    def __init__(self) -> None:
        self._alerts: dict[str, set[str]] = {}
        self._texts: dict[str, set[str]] = {}

    def add(self, alert_id: str, references: Iterable[str]) -> None:
        """A record of a confidential alert."""
        for reference in references:
            self._alerts.setdefault(reference, set()).add(alert_id)
            self._texts.setdefault(alert_id, set()).add(reference)

    def drop(self, alert_id: str) -> None:
        """The alert is known no more; nothing happens where it was not confidential."""
        for reference in self._texts.pop(alert_id, ()):
            self._alerts[reference].discard(alert_id)
            if not self._alerts[reference]:
                del self._alerts[reference]

    def __contains__(self, reference: str) -> bool:
        return reference in self._alerts

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self._alerts)
