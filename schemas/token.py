"""Who may use the console and the API without signing in: a token's role and its hash. Key of `cem.tokens`: its id.

The token itself is shown once, when it is made, and is nowhere kept. `hash` is the SHA-256 of it; it has 256 random
bits, so that a slow hash would protect nothing. The last record of an id counts; one that is revoked stays as such.
"""

from typing import Literal

from schemas.record import Record
from schemas.time import Millis
from schemas.vocabulary import Identifier, ShortText, UnitId

Role = Literal["department", "unit", "region", "head_office", "auditor"]
"""Of a department of a unit, of a unit, of a region, of the whole company; an auditor sees all and changes nothing."""


class Token(Record, frozen=True, kw_only=True):
    """`unit_id`: the unit, region or brand whose matters may be seen; None for all. `department`: only those of this
    one. `made_by`: who made or revoked it."""

    id: Identifier
    name: ShortText
    role: Role
    unit_id: UnitId | None = None
    department: ShortText | None = None
    hash: str
    made_by: Identifier
    made_at: Millis
    expires_at: Millis
    revoked_at: Millis | None = None
