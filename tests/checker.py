"""One checker for everything: from what was sent and what is stored it decides whether the service kept its word.

In: records sent and records stored, as plain tuples; it knows nothing of Kafka, so that a simulation can use it too.
Out: a verdict with its findings. The rule: one law is one function from a run to findings, listed in `LAWS`; a new
room of the service is a new law, and none of the others changes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property, partial
from typing import NamedTuple

from pipeline.alerts.trail import verify
from schemas.codec import RecordError
from schemas.event import UnitErasure, UnitSettings
from schemas.insight import Insight
from schemas.tick import Tick
from schemas.topics import INPUTS
from tests.straight import (
    Parts,
    Saved,
    Stored,
    StraightRun,
    alerts,
    bare_settings,
    by_topic,
    cases,
    content,
    events,
    is_control,
    labels,
    letters,
    name_of_event,
    name_of_output,
    name_of_source,
    partitions,
    plain,
    rollups,
    unrouted,
)

FINDINGS_SHOWN = 8


class Kind(StrEnum):
    """What can be wrong."""

    LOST = "lost"
    WRONG = "wrong"
    EXTRA = "extra"
    TWICE = "twice"
    TWO_CONTENTS = "two contents"
    HOLE = "hole"
    DISORDER = "disorder"
    STATE = "state differs"
    BEHIND = "not worked off"


class Finding(NamedTuple):
    """One thing that is wrong: which law says so, and what it is about."""

    law: str
    kind: Kind
    what: str


class Sent(NamedTuple):
    """A record as it was sent. Of one that was not acknowledged nobody knows whether it is there."""

    topic: str
    key: bytes | None
    value: bytes | None
    acknowledged: bool = True


class Run:
    """What was sent and what is stored. `uncommitted`: what a reader of uncommitted records saw of the alerts."""

    def __init__(
        self, parts: Parts, sent: Iterable[Sent], stored: Iterable[Stored], uncommitted: Iterable[Stored] = ()
    ) -> None:
        self.parts = parts
        self.sent = list(sent)
        self.stored = by_topic(stored)
        self.uncommitted = by_topic(uncommitted)

    def of(self, name: str) -> list[Stored]:
        """Records of a topic, by its short name."""
        return self.stored.get(self.parts.topics(name), [])

    @cached_property
    def straight(self) -> StraightRun:
        """What must have come out."""
        return StraightRun(self.parts, self.stored)

    @cached_property
    def named(self) -> dict[str, dict[str, Counter[bytes]]]:
        """What came out, by topic, name and content."""
        return {name: _contents(_names(name, self.of(name))) for name in _NAMERS}


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


# What names a record of a topic; None: it is not compared by name.

_NAMERS: dict[str, Callable[[Stored], str | None]] = {
    "events": lambda record: name_of_event(events.decode(record.value), record.partition),
    "unrouted": lambda record: name_of_source(unrouted.decode(record.value).insight.source),
    "labels": lambda record: name_of_source(labels.decode(record.value).source),
    "deadletter": lambda record: name_of_source(letters.decode(record.value).source),
    "alerts": lambda record: name_of_output(alerts.decode(record.value)),
    "cases": lambda record: name_of_output(cases.decode(record.value)),
    "rollup": lambda record: name_of_output(rollups.decode(record.value)),
}


def _names(name: str, records: Iterable[Stored]) -> Iterator[tuple[str, Stored]]:
    """Records that have a name, in order. One that cannot be read is named by where it is."""
    for record in records:
        try:
            found = _NAMERS[name](record)
        except RecordError:
            continue  # the log's own dead letters are expected of it
        if found is not None:
            yield found, record


def _contents(named: Iterable[tuple[str, Stored]]) -> dict[str, Counter[bytes]]:
    found: dict[str, Counter[bytes]] = defaultdict(Counter)
    for name, record in named:
        found[name][record.value or b""] += 1
    return found


# The laws


def arrived(run: Run) -> Iterator[tuple[Kind, str]]:
    """What was acknowledged is in its input topic."""
    there = Counter((record.topic, record.key, record.value) for name in INPUTS for record in run.of(name))
    wanted = Counter((sent.topic, sent.key, sent.value) for sent in run.sent if sent.acknowledged)
    for (topic, key, value), count in (wanted - there).items():
        yield Kind.LOST, f"{count} of {topic} {key!r} {(value or b'')[:80]!r}"


def worked_off(run: Run) -> Iterator[tuple[Kind, str]]:
    """The saved positions are past everything that was sent and everything that came of it; ticks may be left."""
    for name in INPUTS:
        for record in run.of(name):
            if record.offset >= run.straight.position(name, record.partition) and not is_control(record):
                yield Kind.BEHIND, f"{record.topic}/{record.partition}/{record.offset}"
    for name, record in _names("events", run.of("events")):
        behind = record.offset >= run.straight.position("events", record.partition)
        if behind and not name.startswith("tick "):
            yield Kind.BEHIND, f"{record.topic}/{record.partition}/{record.offset}: {name}"


def equals_straight_run(run: Run, name: str) -> Iterator[tuple[Kind, str]]:
    """What is in a topic is what a straight run over the topics before it leads to: repeats aside, no less, no more,
    and the same bytes."""
    topic, found = run.parts.topics(name), run.named[name]
    required, allowed = run.straight.expected.required[topic], run.straight.expected.allowed[topic]
    yield from ((Kind.LOST, f"{name} {missing}") for missing in required.keys() - found.keys())
    for one, values in found.items():
        if one not in allowed:
            yield Kind.EXTRA, f"{name} {one}"
        elif wrong := values.keys() - allowed[one].keys():
            yield Kind.WRONG, f"{name} {one}: {min(wrong)!r} and not {min(allowed[one])!r}"
        elif one in required and (lost := required[one].keys() - values.keys()):
            yield Kind.LOST, f"{name} {one}: {min(lost)!r}"


def settings_are_announced(run: Run) -> Iterator[tuple[Kind, str]]:
    """Each unit's settings are in its log, under every version that was decided under; said again they are the same."""
    said: dict[tuple[str, int], set[str]] = defaultdict(set)
    for record in run.of("events"):
        try:
            event = events.decode(record.value)
        except RecordError:
            continue
        if isinstance(event, UnitSettings):
            said[event.unit_id, event.version].add(bare_settings(event))
    for (unit_id, version), wanted in run.straight.settings.items():
        if wanted not in said[unit_id, version]:
            yield Kind.LOST, f"settings of {unit_id}, version {version}"
    for (unit_id, version), contents in said.items():
        if len(contents) > 1:
            yield Kind.TWO_CONTENTS, f"settings of {unit_id}, version {version}"


def once(run: Run, names: Sequence[str]) -> Iterator[tuple[Kind, str]]:
    """A reader of committed records sees each record once."""
    for name in names:
        allowed = run.straight.expected.allowed[run.parts.topics(name)]
        for one, values in run.named[name].items():
            for value, count in values.items():
                if count > max(1, allowed[one][value] if one in allowed else 1):
                    yield Kind.TWICE, f"{name} {one}: {count} times"


def one_content(run: Run) -> Iterator[tuple[Kind, str]]:
    """No name has two contents, not even for a reader of uncommitted records."""
    for name, found in run.named.items():
        allowed = run.straight.expected.allowed[run.parts.topics(name)]
        for one, values in found.items():
            if len(values) > 1 and not values.keys() <= allowed.get(one, {}).keys():
                yield Kind.TWO_CONTENTS, f"{name} {one}: {' / '.join(repr(value) for value in list(values)[:2])}"
    committed = {one: set(values) for one, values in run.named["alerts"].items()}
    for topic, records in run.uncommitted.items():
        for one, values in _contents(_names("alerts", records)).items():
            if one in committed and not values.keys() <= committed[one]:
                yield Kind.TWO_CONTENTS, f"{topic} {one}, uncommitted"


def sequences_have_no_holes(run: Run) -> Iterator[tuple[Kind, str]]:
    """The records of an alert are numbered 1, 2, 3 …, and within a partition they come in this order, repeats aside.
    (Which of them are on the topic of which unit is a law of its own: a case may move, and come back.)"""
    everything = run.parts.topics("alerts")
    for topic, records in run.stored.items():
        if topic != everything and not topic.startswith(run.parts.topics.unit_alerts("")):
            continue
        found: dict[str, set[int]] = defaultdict(set)
        for _, of_partition in partitions(records):
            last: Counter[str] = Counter()
            for record in of_partition:
                alert = alerts.decode(record.value)
                if alert.sequence < last[alert.alert_id] and alert.sequence not in found[alert.alert_id]:
                    yield Kind.DISORDER, f"{topic} {alert.alert_id}: {alert.sequence} after {last[alert.alert_id]}"
                last[alert.alert_id] = max(last[alert.alert_id], alert.sequence)
                found[alert.alert_id].add(alert.sequence)
        for alert_id, numbers in found.items():
            if topic == everything and (missing := set(range(1, max(numbers) + 1)) - numbers):
                yield Kind.HOLE, f"{topic} {alert_id}: {min(missing)} is missing"


def chains_are_whole(run: Run) -> Iterator[tuple[Kind, str]]:
    """The entries of each case are a chain without a flaw, wherever the case has moved."""
    links: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
    for record in run.of("cases"):
        entry = cases.decode(record.value)
        links[entry.alert_id].append((entry.number, record.value or b""))
    for alert_id, found in links.items():
        flaw = verify(value for _, value in sorted(found))
        if flaw is not None:
            yield Kind.WRONG, f"cases of {alert_id}, entry {flaw.number}: {flaw.detail}"


def entries_say_what_alerts_say(run: Run) -> Iterator[tuple[Kind, str]]:
    """Each record of an alert has its entry, under the same number and with the same change and state, and the other
    way round; an action that was refused has no record."""
    records = {
        (alert.alert_id, alert.sequence): (alert.change, alert.state, alert.status, alert.action_id)
        for record in run.of("alerts")
        for alert in (alerts.decode(record.value),)
    }
    entries = {
        (entry.alert_id, entry.sequence): (entry.change, entry.state, entry.status, entry.action_id)
        for record in run.of("cases")
        for entry in (cases.decode(record.value),)
        if entry.number
    }
    for name in records.keys() | entries.keys():
        if records.get(name) != entries.get(name):
            yield Kind.WRONG, f"{name}: the alert says {records.get(name)}, its entry {entries.get(name)}"


def units_have_their_alerts(run: Run) -> Iterator[tuple[Kind, str]]:
    """A unit's own topic holds the alerts that are addressed to it or have reached it by an escalation, with the bytes
    and headers of `cem.alerts`, repeats aside, under the alert's id as key; those about one unit in their order.
    `cem.alerts` has whom they are addressed to as key; nothing that is addressed to head office is with the unit that
    it is about."""
    wanted: dict[str, dict[str, Stored]] = defaultdict(dict)
    about: dict[str, str] = {}
    for name, record in _names("alerts", run.of("alerts")):
        alert = alerts.decode(record.value)
        reader = alert.addressed_to or alert.labels.unit_id
        about[name] = f"{alert.labels.unit_id} told to {reader}"
        for one in (reader, *alert.also_to):
            wanted[run.parts.topics.unit_alerts(one)].setdefault(name, record)
        if record.key != reader.encode():
            yield Kind.WRONG, f"{record.topic} {name}: the key is {record.key!r}, not {reader!r}"
    prefix = run.parts.topics.unit_alerts("")
    for topic in wanted.keys() | {topic for topic in run.stored if topic.startswith(prefix)}:
        found: dict[str, Stored] = {}
        for name, record in _names("alerts", run.stored.get(topic, ())):
            found.setdefault(name, record)
        yield from ((Kind.LOST, f"{topic} {name}") for name in wanted[topic].keys() - found.keys())
        yield from ((Kind.EXTRA, f"{topic} {name}") for name in found.keys() - wanted[topic].keys())
        for name in wanted[topic].keys() & found.keys():
            one, other = found[name], wanted[topic][name]
            if (one.value, one.headers, one.key) != (other.value, other.headers, name.rpartition("/")[0].encode()):
                yield Kind.WRONG, f"{topic} {name}"
        if found.keys() == wanted[topic].keys() and _by_unit(found, about) != _by_unit(wanted[topic], about):
            yield Kind.DISORDER, topic


def _by_unit(names: Iterable[str], about: Mapping[str, str]) -> dict[str, list[str]]:
    """Names of alerts by what they are about and whom they are addressed to: of two such nobody says which alert comes
    first."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        found[about[name]].append(name)
    return found


def cases_are_kept_apart(run: Run) -> Iterator[tuple[Kind, str]]:
    """What became of an action has the unit as key that the alert is addressed to."""
    for record in run.of("cases"):
        entry = cases.decode(record.value)
        reader = entry.addressed_to or entry.unit_id
        if record.key != reader.encode():
            yield Kind.WRONG, f"{record.topic}/{record.partition}/{record.offset}: the key is {record.key!r}"


def log_is_in_order(run: Run) -> Iterator[tuple[Kind, str]]:
    """In a log, what came of one input partition is in the order of that partition, repeats aside; and a unit has one
    log."""
    logs: dict[str, set[int]] = defaultdict(set)
    for partition, records in partitions(run.of("events")):
        last: dict[str, tuple[int, int]] = {}
        seen: set[str] = set()
        for name, record in _names("events", records):
            event = events.decode(record.value)
            if not isinstance(event, Tick | UnitErasure):
                logs[event.unit_id].add(partition)
            stream = event.source if isinstance(event, Tick) else event.source.stream
            at = (event.offset, 0) if isinstance(event, Tick) else (event.source.offset, event.source.index)
            if name not in seen and at < last.get(stream, (-1, -1)):
                yield Kind.DISORDER, f"log {partition}, offset {record.offset}: {name} comes after {last[stream]}"
            seen.add(name)
            last[stream] = max(at, last.get(stream, (-1, -1)))
    yield from (
        (Kind.DISORDER, f"unit {unit_id} has logs {found}") for unit_id, found in logs.items() if len(found) > 1
    )


def states_equal_straight_run(run: Run) -> Iterator[tuple[Kind, str]]:
    """The saved states of all partitions are those that their records lead to, up to the saved positions."""
    for (name, partition), wanted in (run.straight.lanes | run.straight.logs).items():
        yield from _differences(name, partition, run.straight.saved[name].get(partition), wanted)


def takes_effect_once(run: Run) -> Iterator[tuple[Kind, str]]:
    """The states are those of a log without its repeats."""
    for partition, records in partitions(run.of("events")):
        seen: set[str] = set()
        first = []
        for record in records:
            name = next((name for name, _ in _names("events", [record])), None)
            if name is None or name not in seen:
                first.append(record)
            seen.add(name or "")
        if len(first) < len(records):
            wanted = run.straight.log_states(partition, first)
            yield from _differences("events", partition, run.straight.saved["events"].get(partition), wanted)


def _differences(name: str, partition: int, saved: Saved | None, wanted: Saved) -> Iterator[tuple[Kind, str]]:
    where = f"state.{name}/{partition}"
    if saved is None:
        if wanted.states:
            yield Kind.STATE, f"{where}: nothing is saved"
        return
    for key in sorted(saved.states.keys() | wanted.states.keys()):
        one, other = saved.states.get(key), wanted.states.get(key)
        if one is None or other is None:
            yield Kind.STATE, f"{where} {key!r}: {'missing' if one is None else 'should not be there'}"
        elif one != other and (found := content(name, one)) != (right := content(name, other)):
            yield Kind.STATE, f"{where} {key!r}: {_first_difference(found, right)}"
    if saved.data != wanted.data and saved.data and (found := plain(saved.data)) != (right := plain(wanted.data)):
        yield Kind.STATE, f"{where}: beside the states {_first_difference(found, right)}"


def _first_difference(one: object, other: object, path: str = "") -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            if one.get(key) != other.get(key):
                return _first_difference(one.get(key), other.get(key), f"{path}.{key}")
    return f"{path} is {str(one)[:200]}, not {str(other)[:200]}"


def texts_are_kept(run: Run) -> Iterator[tuple[Kind, str]]:
    """The last word on each text is that of the straight run, where one input partition alone has a say."""
    found = {record.key: record.value for record in run.of("texts")}
    for key, value in run.straight.texts.items():
        if key in found and found[key] != value:
            yield Kind.WRONG, f"text {key!r}"
        elif key not in found and value is not None:  # a tombstone may be compacted away
            yield Kind.LOST, f"text {key!r}"


def insights(run: Run) -> list[Insight]:
    """All insights in the logs: for tests that ask more."""
    return [event for record in run.of("events") if isinstance(event := events.decode(record.value), Insight)]


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
