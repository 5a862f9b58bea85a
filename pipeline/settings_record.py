"""A unit's settings as its log gets them. In: the directory as of a version. Out: UnitSettings.

The one rule: what finds a unit (handles, names, places), and who works there, is the enrich agent's business only; the
log does without all names. What is confidential for a region or brand is so for all units below it, and what is usual
there is what a new unit below starts from: the log of each says it.
"""

import msgspec

from pipeline.directory import Directory
from schemas.event import UnitSettings
from schemas.record import Source
from schemas.unit import Unit


def settings_of(directory: Directory, unit_id: str, source: Source) -> UnitSettings:
    """`source`: the record that made them be said."""
    return UnitSettings(
        unit_id=unit_id,
        unit=_as_the_log_needs_it(directory, directory.units.get(unit_id)),
        ancestors=directory.ancestors(unit_id),
        version=directory.version,
        source=source,
    )


def _as_the_log_needs_it(directory: Directory, unit: Unit | None) -> Unit | None:
    if unit is None:
        return None
    return msgspec.structs.replace(
        unit,
        aliases=(),
        handles=(),
        hashtags=(),
        place_ids=(),
        staff=(),
        confidential=directory.confidential(unit.id),
        complaints_a_week=directory.complaints_a_week(unit.id),
    )
