"""By when somebody has to do something about an alert. In: what its department promises, its severity, when the unit is
open. Out: promises, the times to acknowledge, answer and resolve by, a warning before each, the steps up the chain.

The one rule: all is counted in opening minutes of the unit that the alert is about, from when the case was opened (or
reopened, or came to it), and follows from the settings alone: the same log gives the same times.
Method: service-level targets per priority, as in ITIL's incident management, with escalation by time.

- What a department says counts, whatever the severity. Where it says nothing, `DEFAULTS` do.
- A warning comes when three quarters of the minutes have passed.
- When all of them have passed, the first in the chain above the unit is told; after as many minutes again the second,
  and so on, until the state says that it was done. Where nobody is above, the unit itself is told that it is late.
- What gets worse gives nobody more time: of what was promised before and what would be promised now, the sooner counts.
- A time that never comes, because the unit is closed for good, is None, and what would happen then does not.
- How many steps of a promise were told is kept with it: new opening hours move what is to come, and nothing is told
  twice.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple, get_args

import msgspec

from pipeline.opening import Opening
from schemas.alert import AlertChange, AlertState, Duty, SeverityLabel
from schemas.time import MINUTE_MS, Millis
from schemas.unit import Department

DUTIES: Final[tuple[Duty, ...]] = get_args(Duty)


class Terms(NamedTuple):
    """How many opening minutes there are for each duty."""

    acknowledge: int
    answer: int
    resolve: int


DEFAULTS: Final[dict[SeverityLabel, Terms]] = {
    "critical": Terms(15, 60, 480),
    "error": Terms(30, 120, 960),
    "warning": Terms(60, 480, 1_440),
    "info": Terms(480, 960, 2_880),
}
"""Where a department says nothing. A day has about 480 opening minutes: a critical matter is seen within a quarter of
an hour, answered within the hour and done within the day; one for information is seen within a day, answered within two
and done within six. A start to be set by who knows the business, not a measured figure."""

WARNING_SHARE: Final = (3, 4)
"""How much of a term has passed at its warning."""

_DONE_IN: Final[dict[Duty, frozenset[AlertState]]] = {
    "acknowledge": frozenset(("acknowledged", "assigned", "answered", "resolved", "verified", "dismissed")),
    "answer": frozenset(("answered", "resolved", "verified", "dismissed")),
    "resolve": frozenset(("resolved", "verified", "dismissed")),
}


class Promise(msgspec.Struct, array_like=True, gc=False):
    """So many opening minutes for a duty, from `since_ms` on. `told`: how many of its steps were told."""

    duty: Duty
    since_ms: int
    minutes: int
    told: int = 0


class Reminder(NamedTuple):
    """What happens by itself at a time, unless the duty is done. `change`: of the record that it makes. `to`: who is
    told, None for the unit itself. `level`: 0 for the unit, 1 for the first above it."""

    at_ms: Millis
    duty: Duty
    change: AlertChange
    to: str | None = None
    level: int = 0


def terms_of(department: Department | None, severity: SeverityLabel) -> Terms:
    """What counts for a department's alert of a severity. A default never contradicts what the department says: it
    gives way to an earlier duty that takes longer, and to a later one that has to be done sooner."""
    if department is None:
        return DEFAULTS[severity]
    default, said = DEFAULTS[severity], department
    later = [minutes for minutes in (said.answer_within, said.resolve_within) if minutes is not None]
    acknowledge = said.acknowledge_within or min([default.acknowledge, *later])
    answer = said.answer_within or max(acknowledge, min(default.answer, said.resolve_within or default.answer))
    return Terms(acknowledge, answer, said.resolve_within or max(answer, default.resolve))


def chain_of(escalation: Sequence[str], above: Sequence[str]) -> tuple[str, ...]:
    """Who is told of a missed deadline, one after the other: whom the unit names, else the units above it, nearest
    first (region, then brand, which is the head office). Nobody twice."""
    return tuple(dict.fromkeys(escalation or above))


def promises(since_ms: int, terms: Terms) -> tuple[Promise, ...]:
    """One for each duty. `since_ms`: when the case was opened."""
    return tuple(Promise(duty, since_ms, minutes) for duty, minutes in zip(DUTIES, terms, strict=True))


def deadline(opening: Opening, promise: Promise) -> Millis | None:
    """By when, in milliseconds; None if that time never comes."""
    at_ms = opening.add_open_minutes(promise.since_ms, promise.minutes)
    return None if at_ms is None else Millis(at_ms)


def sooner(opening: Opening, old: Promise, new: Promise) -> Promise:
    """Whichever has to be kept first; of as soon the old one, with what was told of it."""
    by, by_then = deadline(opening, new), deadline(opening, old)
    return new if by is not None and (by_then is None or by < by_then) else old


def steps(opening: Opening, promise: Promise, chain: Sequence[str]) -> Iterator[Reminder]:
    """All that would happen by itself if nobody ever kept the promise, in order of time."""
    share, whole = WARNING_SHARE
    since_ms, minutes, duty = promise.since_ms, promise.minutes, promise.duty
    if (at_ms := opening.add_open_ms(since_ms, minutes * MINUTE_MS * share // whole)) is not None:
        yield Reminder(Millis(at_ms), duty, "deadline_warning")
    levels: list[tuple[int, str | None]] = list(enumerate(chain, 1)) if chain else [(0, None)]
    at_ms = since_ms
    for level, name in levels:
        if (at_ms := opening.add_open_minutes(at_ms, minutes)) is None:
            return
        yield Reminder(Millis(at_ms), duty, "escalated", name, level)


def next_step(
    opening: Opening, kept: Iterable[Promise], chain: Sequence[str], state: AlertState
) -> tuple[Promise, Reminder] | None:
    """What happens next by itself while the state stays what it is, and of which promise; of several at one time that
    of the first duty. None if nothing does."""
    waiting = [
        (promise, step)
        for promise in kept
        if not done(promise.duty, state)
        and (step := next(islice(steps(opening, promise, chain), promise.told, None), None)) is not None
    ]
    return min(waiting, key=lambda one: one[1].at_ms, default=None)


def done(duty: Duty, state: AlertState) -> bool:
    """Whether an alert in this state needs it no more. What was dismissed needs nothing."""
    return state in _DONE_IN[duty]
