"""What must be true of all that comes out: one law is one function from a run to what is wrong in it.

In: a run (`tests/checked_run.py`). Out: kinds of faults, each with what it is about; nothing where the law holds.
`tests/checker.py` lists the laws. The rule: a new room of the service is a new law, and none of the others changes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from pipeline.alerts.trail import verify
from schemas.codec import RecordError
from schemas.event import UnitErasure, UnitSettings
from schemas.tick import Tick
from schemas.topics import INPUTS
from tests.checked_run import Run, contents_of, with_names
from tests.straight import Saved, Stored, alerts, bare_settings, cases, content, events, is_control, partitions, plain


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
    for name, record in with_names("events", run.of("events")):
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
        for one, values in contents_of(with_names("alerts", records)).items():
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
    for name, record in with_names("alerts", run.of("alerts")):
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
        for name, record in with_names("alerts", run.stored.get(topic, ())):
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
        for name, record in with_names("events", records):
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
            name = next((name for name, _ in with_names("events", [record])), None)
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
