"""By when somebody has to do something about an alert. In: what its department promises, its severity, when the unit is
open. Out: the times to acknowledge, answer and resolve by, a warning before each, the steps up the chain after it.

The one rule: all is counted in opening minutes of the unit that the alert is about, from when the case was opened (or
reopened), and follows from the settings alone: the same log gives the same times. (With the same time zone data: a
machine with a newer IANA database may know of a law that another does not. What was promised belongs into the state.)
Method: service-level targets per priority, as in ITIL's incident management, with escalation by time.

- What a department says counts, whatever the severity. Where it says nothing, `DEFAULTS` do.
- A warning comes when three quarters of the minutes have passed.
- When all of them have passed, the first in the chain above the unit is told; after as many minutes again the second,
  and so on, until the state says that it was done. Where nobody is above, the unit itself is told that it is late.
- A time that never comes, because the unit is closed for good, is None, and what would happen then does not.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple, get_args

from pipeline.opening import Opening
from schemas.alert import AlertChange, AlertState, SeverityLabel
from schemas.time import MINUTE_MS, Millis
from schemas.unit import Department, Unit

Duty = Literal["acknowledge", "answer", "resolve"]
"""What has to be done by a deadline, in order."""

_DUTIES: Final[tuple[Duty, ...]] = get_args(Duty)


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


class DueTimes(NamedTuple):
    """By when, in milliseconds; None where that time never comes."""

    acknowledge_by: Millis | None
    answer_by: Millis | None
    resolve_by: Millis | None


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


def department_of(unit: Unit, name: str | None) -> Department | None:
    """The first department of a unit with this name, None if it has none."""
    return next((one for one in unit.departments if one.name == name), None)


def chain_of(escalation: Sequence[str], above: Sequence[str]) -> tuple[str, ...]:
    """Who is told of a missed deadline, one after the other: whom the unit names, else the units above it, nearest
    first (region, then brand, which is the head office). Nobody twice."""
    return tuple(dict.fromkeys(escalation or above))


def due_times(opening: Opening, since_ms: int, terms: Terms) -> DueTimes:
    """`since_ms`: when the case was opened."""
    return DueTimes(*(_time(opening.add_open_minutes(since_ms, minutes)) for minutes in terms))


def reminders(opening: Opening, since_ms: int, terms: Terms, chain: Sequence[str]) -> tuple[Reminder, ...]:
    """All that would happen by itself if nobody ever did anything, in order of time; at one time in that of the
    duties."""
    found = [
        reminder
        for duty, minutes in zip(_DUTIES, terms, strict=True)
        for reminder in _of(opening, since_ms, duty, minutes, chain)
    ]
    return tuple(sorted(found, key=lambda one: one.at_ms))


def between(waiting: Sequence[Reminder], state: AlertState, after_ms: int, until_ms: int) -> tuple[Reminder, ...]:
    """Those that come after the one time and no later than the other, while the state stays what it is."""
    return tuple(one for one in waiting if after_ms < one.at_ms <= until_ms and not done(one.duty, state))


def next_at(waiting: Sequence[Reminder], state: AlertState, after_ms: int) -> Millis | None:
    """When the next one comes, if the state stays what it is; None if none does."""
    return next((one.at_ms for one in waiting if one.at_ms > after_ms and not done(one.duty, state)), None)


def done(duty: Duty, state: AlertState) -> bool:
    """Whether an alert in this state needs it no more. What was dismissed needs nothing."""
    return state in _DONE_IN[duty]


def _of(opening: Opening, since_ms: int, duty: Duty, minutes: int, chain: Sequence[str]) -> Iterator[Reminder]:
    share, whole = WARNING_SHARE
    if (at_ms := opening.add_open_ms(since_ms, minutes * MINUTE_MS * share // whole)) is not None:
        yield Reminder(Millis(at_ms), duty, "deadline_warning")
    steps: list[tuple[int, str | None]] = list(enumerate(chain, 1)) if chain else [(0, None)]
    at_ms = since_ms
    for level, name in steps:
        if (at_ms := opening.add_open_minutes(at_ms, minutes)) is None:
            return
        yield Reminder(Millis(at_ms), duty, "escalated", name, level)


def _time(at_ms: int | None) -> Millis | None:
    return None if at_ms is None else Millis(at_ms)
