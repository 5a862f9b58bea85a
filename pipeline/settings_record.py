"""A unit's settings as its log gets them. In: the directory as of a version. Out: UnitSettings.

The one rule: what finds a unit (handles, names, places), and who works there, is the enrich agent's business only; the
log does without all names.
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
        unit=_without_clues(directory.units.get(unit_id)),
        ancestors=directory.ancestors(unit_id),
        version=directory.version,
        source=source,
    )


def _without_clues(unit: Unit | None) -> Unit | None:
    if unit is None:
        return None
    return msgspec.structs.replace(unit, aliases=(), handles=(), hashtags=(), place_ids=(), staff=())
