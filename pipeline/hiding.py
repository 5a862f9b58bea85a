"""What else of a text is hidden once it is known whom it is about: names of the units' staff, and streets.

In: a masked text, the units that it concerns (none: they are not known), the directory. Out: the text with `[address]`
and `[staff]` in it. The rules: a unit's own address is no personal data; staff are hidden in texts about the unit that
lists them and about those above and below it, and where nobody knows what a text is about, all are. It comes behind
routing, because a street may be what finds the unit.
"""

from collections.abc import Iterator

from pipeline.directory import Directory, Ids
from pipeline.text.address import Span, addresses
from pipeline.text.redaction import Masked, replace_spans


def hide(masked: Masked, unit_ids: Ids, directory: Directory) -> Masked:
    """Never raises. What was masked stays masked."""
    kinds: list[str] = []
    text = replace_spans(masked.text, _homes(masked.text, directory), "address", kinds)
    if directory.staff:

        def concerned(lister: str) -> bool:
            return not unit_ids or any(
                lister == unit_id or directory.is_above(lister, unit_id) or directory.is_above(unit_id, lister)
                for unit_id in unit_ids
            )

        text = replace_spans(text, directory.staff.find(text, concerned), "staff", kinds)
    return Masked(text, tuple(sorted({*masked.kinds, *kinds}))) if kinds else masked


def _homes(text: str, directory: Directory) -> Iterator[Span]:
    for start, end in addresses(text):
        if not directory.by_alias(text[start:end]):
            yield start, end
