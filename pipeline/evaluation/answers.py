"""Time to first answer: how long customers wait until the company replies in their thread.

In: records of `cem.events`, in any order, repeats included. Out: one FirstAnswers for each unit and channel. The rule:
a thread counts once, from the first post by a customer that is there to the first reply of the company after it; what
was taken back does not count. A thread that the company began is no question, whoever replied in it, and neither is a
reply without a `root_id`: nobody knows what it belongs to.

`first_answer_ms` of an answer is what the service knew when it came. The log reaches further back than the service's
memory, and the service has seen posts that found no unit before they were answered: the earlier of both counts.
"""

from collections.abc import Iterable
from math import ceil
from statistics import mean, median

import msgspec

from schemas.event import Event, UnitErasure
from schemas.insight import Insight

SAYING = frozenset({"post", "reply", "review", "answer"})


class FirstAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """`questions` are threads that customers began, `answered` and `waiting` add up to them. Seconds are of those that
    were answered, to the millisecond, None where none was; `p90_seconds`: within it nine of ten were answered."""

    unit_id: str
    channel: str
    questions: int
    answered: int
    waiting: int
    median_seconds: float | None
    p90_seconds: float | None
    mean_seconds: float | None


class _Thread:
    """Event times of what was said in one thread about one unit, by the ids of those who said it."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}
        self.answered: dict[str, int] = {}

    def waited_ms(self, gone: set[str]) -> tuple[int, int | None] | None:
        """When it was asked, and how long it took, None while it waits. None alone where it is no question."""
        asked = [at for one, at in self.asked.items() if one not in gone]
        answered = [at for one, at in self.answered.items() if one not in gone]
        if not asked or (answered and min(answered) < min(asked)):
            return None
        return min(asked), min(answered) - min(asked) if answered else None


def first_answers(events: Iterable[Event]) -> list[FirstAnswers]:
    """All units and channels in which somebody asked, sorted by both."""
    threads: dict[tuple[str, str, str], _Thread] = {}
    gone: dict[str, set[str]] = {}
    for event in events:
        if isinstance(event, UnitErasure):
            gone.setdefault("", set()).update(event.insight_ids)
        elif isinstance(event, Insight):
            if event.kind == "delete":
                gone.setdefault(event.unit_id, set()).add(event.id)
            elif (
                event.kind in SAYING
                and event.thread is not None
                and (event.kind != "reply" or event.thread != event.id)
            ):
                _said(threads.setdefault((event.unit_id, event.channel, event.thread), _Thread()), event)
    waits: dict[tuple[str, str], list[int | None]] = {}
    erased = gone.pop("", set())
    for (unit_id, channel, _), thread in threads.items():
        if (found := thread.waited_ms(gone.get(unit_id, set()) | erased)) is not None:
            waits.setdefault((unit_id, channel), []).append(found[1])
    return [_summed_up(unit_id, channel, waits[unit_id, channel]) for unit_id, channel in sorted(waits)]


def _said(thread: _Thread, insight: Insight) -> None:
    if insight.kind != "answer":
        thread.asked.setdefault(insight.id, insight.event_time)
        return
    thread.answered.setdefault(insight.id, insight.event_time)
    if insight.first_answer_ms is not None:
        thread.asked.setdefault(f"asked of {insight.id}", insight.event_time - insight.first_answer_ms)


def _summed_up(unit_id: str, channel: str, waits: list[int | None]) -> FirstAnswers:
    times = sorted(wait for wait in waits if wait is not None)
    return FirstAnswers(
        unit_id=unit_id,
        channel=channel,
        questions=len(waits),
        answered=len(times),
        waiting=len(waits) - len(times),
        median_seconds=round(median(times) / 1000, 3) if times else None,
        p90_seconds=round(times[ceil(0.9 * len(times)) - 1] / 1000, 3) if times else None,
        mean_seconds=round(mean(times) / 1000, 3) if times else None,
    )
