"""One checker for everything: from what was sent and what is stored it decides whether the service kept its word.

In: a run (`tests/checked_run.py`). Out: a verdict with its findings. `LAWS` lists what it is held to; the laws
themselves are in `tests/delivery_laws.py`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from schemas.topics import INPUTS
from tests.checked_run import Run
from tests.delivery_laws import (
    Kind,
    arrived,
    cases_are_kept_apart,
    chains_are_whole,
    entries_say_what_alerts_say,
    equals_straight_run,
    log_is_in_order,
    once,
    one_content,
    sequences_have_no_holes,
    settings_are_announced,
    states_equal_straight_run,
    takes_effect_once,
    texts_are_kept,
    units_have_their_alerts,
    worked_off,
)
from tests.straight import is_control

FINDINGS_SHOWN = 8


class Finding(NamedTuple):
    """One thing that is wrong: which law says so, and what it is about."""

    law: str
    kind: Kind
    what: str


class Verdict(NamedTuple):
    """`counts`: of records and names, for the summary."""

    findings: tuple[Finding, ...]
    counts: dict[str, int]

    @property
    def ok(self) -> bool:
        """Whether no law is broken."""
        return not self.findings

    def count(self, *kinds: Kind) -> int:
        """Findings of these kinds."""
        return sum(finding.kind in kinds for finding in self.findings)

    def report(self) -> str:
        """For a person: counts, and the first findings of each law."""
        lines = [", ".join(f"{name} {count}" for name, count in self.counts.items())]
        by_law: dict[str, list[Finding]] = defaultdict(list)
        for finding in self.findings:
            by_law[finding.law].append(finding)
        for law, found in by_law.items():
            lines.append(f"{law}: {len(found)}")
            lines += [f"  {finding.kind}: {finding.what}" for finding in found[:FINDINGS_SHOWN]]
        return "\n".join(lines if by_law else [*lines, "all laws hold"])


Law = Callable[[Run], Iterator[tuple[Kind, str]]]


def check(run: Run, laws: Sequence[tuple[str, Law]] | None = None) -> Verdict:
    """Holds a run to all laws, or to these."""
    findings = [Finding(name, kind, what) for name, law in laws or LAWS for kind, what in law(run)]
    return Verdict(tuple(findings), _counts(run))


def _counts(run: Run) -> dict[str, int]:
    inputs = [record for name in INPUTS for record in run.of(name) if not is_control(record)]
    seen = {name: sum(found.total() for found in run.named[name].values()) for name in run.named}
    repeats = sum(seen[name] - len(run.named[name]) for name in ("alerts", "rollup", "events", "unrouted"))
    return {
        "sent": len(run.sent),
        "accepted": len(inputs),
        "dead_letters": len(run.named["deadletter"]),
        "unrouted": len(run.named["unrouted"]),
        "labels": len(run.named["labels"]),
        "log": len(run.of("events")),
        "alerts": len(run.named["alerts"]),
        "cases": seen["cases"],
        "rollups": len(run.named["rollup"]),
        "repeats": repeats,
        "repeats_uncommitted": max(
            0, len(run.uncommitted.get(run.parts.topics("alerts"), ())) - len(run.named["alerts"])
        ),
    }


AT_LEAST_ONCE: list[tuple[str, Law]] = [
    ("what was acknowledged arrived", arrived),
    ("everything is worked off", worked_off),
    ("every record reaches the log", partial(equals_straight_run, name="events")),
    ("every record without a unit reaches the unrouted", partial(equals_straight_run, name="unrouted")),
    ("every decision is kept as a label", partial(equals_straight_run, name="labels")),
    ("every refused record reaches the dead letters", partial(equals_straight_run, name="deadletter")),
    ("settings are announced", settings_are_announced),
    ("texts are kept", texts_are_kept),
    ("the log is in order", log_is_in_order),
    ("alerts equal the replay's", partial(equals_straight_run, name="alerts")),
    ("cases equal the replay's", partial(equals_straight_run, name="cases")),
    ("roll-ups equal the replay's", partial(equals_straight_run, name="rollup")),
    ("units have their alerts", units_have_their_alerts),
    ("cases are kept apart", cases_are_kept_apart),
    ("chains of cases are whole", chains_are_whole),
    ("entries say what alerts say", entries_say_what_alerts_say),
    ("no name has two contents", one_content),
    ("sequences have no holes", sequences_have_no_holes),
    ("states equal the replay's", states_equal_straight_run),
    ("every record takes effect once", takes_effect_once),
]

LAWS: list[tuple[str, Law]] = [
    *AT_LEAST_ONCE,
    ("every record is in the log once", partial(once, names=("events", "unrouted", "labels", "deadletter"))),
    ("every output is there once", partial(once, names=("alerts", "cases", "rollup"))),
]
