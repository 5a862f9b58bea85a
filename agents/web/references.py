"""Which texts a record refers to. In: an alert, an entry of its history, what found no unit. Out: references into
`cem.texts`."""

from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.unrouted import Unrouted


def of_alert(alert: Alert) -> list[str]:
    """Of the posts behind it, and of what was done."""
    found = [one.text_ref for one in alert.evidence] + [alert.work.we_did_ref]
    return [reference for reference in found if reference is not None]


def of_entry(entry: CaseEntry) -> list[str]:
    """Its note, and what was done."""
    return [reference for reference in (entry.note_ref, entry.we_did_ref) if reference is not None]


def of_unrouted(unrouted: Unrouted) -> list[str]:
    """The post's text."""
    reference = unrouted.insight.text_ref
    return [] if reference is None else [reference]
