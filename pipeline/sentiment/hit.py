"""One thing in a text that moved its score: what the scorer found, where, how much, and why."""

from typing import NamedTuple


class Hit(NamedTuple):
    """Words `start` up to `end` (not included) of a Reading, with a valence in VADER's scale (-4 to 4). `reason`: what
    found it, such as "lexicon", "waiting" or "promise"."""

    start: int
    end: int
    valence: float
    reason: str
