"""What was said about a unit, hour by hour, for the region and the brand above it.

In: insights as they come, hours that the watermark closes, what units below have counted. Out: a UnitRollup for each
unit above. The one rule: an hour is told once, when it is closed; what comes for it later is not counted.
"""

from pipeline.state import Tally, UnitState
from schemas.event import UnitRollup
from schemas.insight import Insight
from schemas.record import Source
from schemas.time import HOUR_MS, MINUTE_MS, Millis

ROLLUP_GRACE_MS = 10 * MINUTE_MS
BELOW_HOURS_MAX = 24


def closes(hour: int) -> int:
    """When an hour is rolled up, on the watermark."""
    return hour + HOUR_MS + ROLLUP_GRACE_MS


def count(state: UnitState, insight: Insight, watermark_ms: int) -> None:
    """Mentions by hour, for the roll-up. Edits and answers are not mentions; a delete does not unsay; what comes when
    its hour is rolled up is too late."""
    if insight.kind in ("answer", "edit", "delete") or insight.sentiment is None:
        return
    hour = insight.event_time // HOUR_MS * HOUR_MS
    if closes(hour) <= watermark_ms:
        return
    tally = state.hours.get(hour)
    if tally is None:
        tally = state.hours[hour] = Tally()
    tally.mentions += 1
    tally.negative += insight.sentiment.label == "negative"
    tally.positive += insight.sentiment.label == "positive"


def roll_up(state: UnitState, hour: int) -> list[UnitRollup]:
    """A closed hour goes to every unit above; of a unit that has none above it, to itself, so that whoever reads
    `cem.rollup` knows the hours of all. The source is filled in where the record is read."""
    tally = state.hours.pop(hour)
    return [
        UnitRollup(
            unit_id=above,
            child_id=state.unit_id,
            hour=Millis(hour),
            mentions=tally.mentions,
            negative=tally.negative,
            positive=tally.positive,
            source=Source(topic="", partition=0, offset=0),
        )
        for above in state.profile.above or (state.unit_id,)
    ]


def count_below(state: UnitState, rollup: UnitRollup) -> None:
    """Said again after a crash, an hour of a unit is the same hour: it replaces what was said before."""
    hour = state.below.setdefault(int(rollup.hour), {})  # a key that is written as it is read
    hour[rollup.child_id] = Tally(rollup.mentions, rollup.negative, rollup.positive)
    while len(state.below) > BELOW_HOURS_MAX:
        del state.below[min(state.below)]
