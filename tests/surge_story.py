"""How a story about a surge begins: just enough people complain within an hour, after two days of silence.

Out: `NEEDED`, how many are just enough, and a story in which they have complained. The number follows from the count
model, which has its own tests.
"""

import itertools

from pipeline.engine import HOLD_MS
from schemas.time import MINUTE_MS
from tests.timeline import Timeline


def _needed() -> int:
    """So many people, one a minute from 48:00 on, are just enough."""
    story = Timeline()
    for people in itertools.count(1):
        story.complaint(f"48:{people - 1:02d}", f"p{people}")
        if story.alerts:
            return people
    raise AssertionError


NEEDED = _needed()
CLEARLY_MORE = NEEDED + 4
assert HOLD_MS == 30 * MINUTE_MS, "the stories below are told for this hold"


def firing() -> Timeline:
    """An alert was opened by just enough people, `p0` at 48:00 and one more a minute."""
    story = Timeline()
    story.crowd("48:00", NEEDED)
    assert story.news() == [f"48:{NEEDED - 1:02d} opened"]
    return story
