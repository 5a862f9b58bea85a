"""Does somebody work, how far behind is it, and is there a log to work on?"""

from collections.abc import Iterator
from itertools import islice

from agents.doctor.finding import Finding, warning, well, wrong
from agents.doctor.patient import Patient
from agents.kafka.group import described
from agents.kafka.progress import Progress
from agents.kafka.reader import read
from schemas.tick import CONTROL_HEADER

ACTIONS_LOOKED_AT = 10_000
"""Between ticks, of which there are 8,640 a day."""
LEFT_WELL = 1000
"""So many records are there at any moment where much comes in."""


def check(patient: Patient) -> Iterator[Finding]:
    """Wrong without a worker; a warning where more waits than is in flight anyway."""
    group = patient.settings.group
    found = described(patient.admin, group)
    members = found.get("members") or ()
    lost = _is_lost(patient)
    if not members:
        todo = "no worker yet: see below" if lost else "start a worker (`cem run`)"
        yield wrong("lag", f"nobody works: the group {group!r} has no members", todo)
    elif found.get("group_state") not in ("Stable", None):
        yield warning(
            "lag",
            f"the workers are sharing out the partitions ({found['group_state']})",
            "look again in half a minute; if it stays, one of them comes and goes: look at their logs",
        )
    if lost:
        yield wrong(
            "lag",
            f"people have acted on alerts, but {patient.topics('events')}, from which alerts are made, is empty",
            "was it lost? Then start no worker, which would read the inputs side by side and refuse those actions, but "
            "`cem restore`, which reads them in their order (deploy/README.md, Back up and restore)",
        )
    with Progress(patient.settings, patient.topics) as progress:
        left = {name: count for name, count in progress.left().items() if count}
    total = sum(left.values())
    told = ", ".join(f"{name} {count:,}" for name, count in sorted(left.items(), key=lambda one: -one[1]))
    if total > LEFT_WELL:
        yield warning(
            "lag",
            f"{total:,} records wait ({told})",
            "normal after a stop: it gets less. If it grows: more workers, up to the number of partitions "
            "(deploy/README.md, Lag rises)",
        )
    elif members:
        count = f"{len(members)} worker{'s' if len(members) != 1 else ''}"
        yield well("lag", f"{count}, {total:,} records wait")


def _is_lost(patient: Patient) -> bool:
    names = {*map(patient.topics, ("events", "actions"))}
    if not names <= patient.described.keys():
        return False
    if any(True for _ in read(patient.settings, patient.topics("events"))):
        return False
    some = islice(read(patient.settings, patient.topics("actions")), ACTIONS_LOOKED_AT)
    return any(CONTROL_HEADER not in dict(record.headers) for record in some)
