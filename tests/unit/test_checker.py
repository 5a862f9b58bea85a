"""The checker can fail: a good run passes, and a run that is broken in one way is found, by the law that says so."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest

from schemas.codec import encode
from schemas.event import UnitRollup, UnitSettings
from schemas.insight import Insight
from schemas.record import Source
from schemas.tick import Tick
from tests.checked_run import Run, Sent
from tests.checker import LAWS, check
from tests.good_run import PARTS, SHAPE, TOPICS, good, of
from tests.straight import Stored, alerts, events, letters


def verdict_of(stored: Iterable[Stored], sent: Iterable[Sent] = (), uncommitted: Iterable[Stored] = ()) -> set[str]:
    """The findings, as `law: kind`."""
    found = check(Run(PARTS, sent or good()[0], stored, uncommitted)).findings
    return {f"{finding.law}: {finding.kind}" for finding in found}


def without(*broken: Stored) -> list[Stored]:
    """The good run but for these."""
    return [record for record in good()[1] if record not in broken]


def instead(old: Stored, **fields: Any) -> list[Stored]:
    """The good run with one record changed."""
    return [record._replace(**fields) if record is old else record for record in good()[1]]


def again(record: Stored, **fields: Any) -> list[Stored]:
    """The good run with one record there once more, at the end of its partition."""
    end = 1 + max(other.offset for other in good()[1] if other[:2] == record[:2])
    return [*good()[1], record._replace(offset=end, **fields)]


def insight(number: int = 50) -> Stored:
    """A record of the log that is an insight."""
    found = [record for record in of("events") if isinstance(events.decode(record.value), Insight)]
    return found[number]


def changed(record: Stored, **fields: Any) -> bytes:
    """The value of an event with other contents."""
    return encode(msgspec.structs.replace(events.decode(record.value), **fields))


def middle_alert() -> Stored:
    """An alert's record that is neither its first nor its last."""
    found = [(record, alerts.decode(record.value)) for record in of("alerts")]
    longest = max(alert.sequence for _, alert in found)
    assert longest > 2
    name = next(alert.alert_id for _, alert in found if alert.sequence == longest)
    return next(record for record, alert in found if (alert.alert_id, alert.sequence) == (name, 2))


def unit_state() -> Stored:
    """A unit's saved state."""
    return next(record for record in of("state.events") if not (record.key or b"").startswith(b"\x00"))


def position(name: str) -> Stored:
    """What is saved of a partition's position."""
    return next(record for record in of(f"state.{name}") if record.key == b"\x00position")


def test_a_good_run_passes() -> None:
    """All laws hold, and there is something to be held to them."""
    sent, stored = good()
    verdict = check(Run(PARTS, sent, stored, of("alerts")))
    assert () == verdict.findings, verdict.report()
    counts = {name: count for name, count in verdict.counts.items() if not name.startswith("repeats")}
    assert min(counts.values()) > 0, counts
    assert (5, 0, 0) == tuple(verdict.counts[name] for name in ("dead_letters", "repeats", "repeats_uncommitted"))


def two_of_one_source() -> list[Stored]:
    """Two insights of one input partition have changed places."""
    one = insight(50)
    stream = events.decode(one.value).source.stream  # type: ignore[union-attr]
    for other in of("events"):
        event = events.decode(other.value)
        same = isinstance(event, Insight) and event.source.stream == stream and other.partition == one.partition
        if same and other.offset > one.offset + 3:
            break
    swapped = {one: other.offset, other: one.offset}
    return [record._replace(offset=swapped.get(record, record.offset)) for record in good()[1]]


def in_another_log() -> list[Stored]:
    """An insight is in another unit's log."""
    one = insight()
    other = (one.partition + 1) % SHAPE.events
    end = 1 + max(record.offset for record in of("events") if record.partition == other)
    return instead(one, partition=other, offset=end)


def lost_settings() -> list[Stored]:
    """All settings of a unit are gone."""
    unit_id = events.decode(insight().value).unit_id  # type: ignore[union-attr]

    def concerned(record: Stored) -> bool:
        event = events.decode(record.value)
        return isinstance(event, UnitSettings) and event.unit_id == unit_id

    return without(*(record for record in of("events") if concerned(record)))


def skipped_sequence() -> list[Stored]:
    """A record of an alert is nowhere."""
    value = middle_alert().value
    return [record for record in good()[1] if record.value != value]


def other_order_for_the_unit() -> list[Stored]:
    """The first two records of a unit's own topic have changed places."""
    topic = TOPICS.unit_alerts(alerts.decode(middle_alert().value).labels.unit_id)
    first, second = [record for record in good()[1] if record.topic == topic][:2]
    swapped = {first: second.offset, second: first.offset}
    return [record._replace(offset=swapped.get(record, record.offset)) for record in good()[1]]


def secret_at_the_unit() -> list[Stored]:
    """An alert is addressed to head office, and its unit has it all the same."""
    record = middle_alert()
    secret = encode(msgspec.structs.replace(alerts.decode(record.value), addressed_to="acme"))
    return [
        other._replace(value=secret, key=b"acme" if other.topic == TOPICS("alerts") else other.key)
        if other.value == record.value else other
        for other in good()[1]
    ]  # fmt: skip


def own(record: Stored) -> Stored:
    """The same record on the unit's own topic."""
    return next(
        other for other in good()[1] if other.value == record.value and other.topic.startswith(TOPICS.unit_alerts(""))
    )


def twice_effective() -> list[Stored]:
    """A repeat in the log counted twice."""
    unit_id = events.decode(insight().value).unit_id.encode()  # type: ignore[union-attr]
    stored = again(insight())
    for place, record in enumerate(stored):
        if record.topic == TOPICS("state.events") and record.key == unit_id:
            state = msgspec.msgpack.decode(record.value)
            stored[place] = record._replace(value=msgspec.msgpack.encode({**state, "now": state["now"] + 1}))
    return stored


def tick_of(number: int) -> Stored:
    """A tick in a log."""
    return [record for record in of("events") if isinstance(events.decode(record.value), Tick)][number]


BREAKS: dict[str, tuple[Callable[[], list[Stored]], str]] = {
    "an insight is lost": (lambda: without(insight()), "every record reaches the log: lost"),
    "a tick is lost": (lambda: without(tick_of(99)), "every record reaches the log: lost"),
    "an insight has other content": (
        lambda: instead(insight(), value=changed(insight(), emotion="worry")),
        "every record reaches the log: wrong",
    ),
    "an insight comes from nowhere": (
        lambda: again(insight(), value=changed(insight(), source=Source(topic="t.posts", partition=0, offset=10**6))),
        "every record reaches the log: extra",
    ),
    "an insight is in the log twice": (lambda: again(insight()), "every record is in the log once: twice"),
    "an insight is there again, with other content": (
        lambda: again(insight(), value=changed(insight(), emotion="worry")),
        "no name has two contents: two contents",
    ),
    "the log is out of order": (two_of_one_source, "the log is in order: disorder"),
    "a unit has two logs": (in_another_log, "the log is in order: disorder"),
    "settings are not announced": (lost_settings, "settings are announced: lost"),
    "what found no unit is lost": (
        lambda: without(of("unrouted")[3]),
        "every record without a unit reaches the unrouted: lost",
    ),
    "a decision leaves no label": (
        lambda: without(of("labels")[0]),
        "every decision is kept as a label: lost",
    ),
    "a dead letter is lost": (
        lambda: without(of("deadletter")[1]),
        "every refused record reaches the dead letters: lost",
    ),
    "a dead letter is wrong": (
        lambda: instead(
            of("deadletter")[0],
            value=encode(msgspec.structs.replace(letters.decode(of("deadletter")[0].value), bytes=b"")),
        ),
        "every refused record reaches the dead letters: wrong",
    ),
    "a good record was put aside": (
        lambda: instead(
            of("deadletter")[0],
            value=of("deadletter")[0].value.replace(b'"not_json"', b'"future"'),  # type: ignore[union-attr]
        ),
        "every refused record reaches the dead letters: wrong",
    ),
    "a text is lost": (lambda: without(of("texts")[7]), "texts are kept: lost"),
    "an alert is lost": (lambda: without(of("alerts")[-1]), "alerts equal the replay's: lost"),
    "an alert has other content": (
        lambda: instead(
            middle_alert(), value=encode(msgspec.structs.replace(alerts.decode(middle_alert().value), severity=1))
        ),
        "alerts equal the replay's: wrong",
    ),
    "an alert comes from nowhere": (
        lambda: again(
            middle_alert(), value=encode(msgspec.structs.replace(alerts.decode(middle_alert().value), alert_id="x"))
        ),
        "alerts equal the replay's: extra",
    ),
    "an alert is there twice": (lambda: again(middle_alert()), "every output is there once: twice"),
    "an alert is there again, with other content": (
        lambda: again(
            middle_alert(), value=encode(msgspec.structs.replace(alerts.decode(middle_alert().value), severity=1))
        ),
        "no name has two contents: two contents",
    ),
    "a sequence is skipped": (skipped_sequence, "sequences have no holes: hole"),
    "a unit misses an alert": (lambda: without(own(middle_alert())), "units have their alerts: lost"),
    "a unit's alert has no headers": (
        lambda: instead(own(middle_alert()), headers=()),
        "units have their alerts: wrong",
    ),
    "what is confidential is with the unit": (secret_at_the_unit, "units have their alerts: extra"),
    "an alert has another unit's key": (lambda: instead(middle_alert(), key=b"x"), "units have their alerts: wrong"),
    "a case has another unit's key": (lambda: instead(of("cases")[0], key=b"x"), "cases are kept apart: wrong"),
    "a unit's alerts are out of order": (other_order_for_the_unit, "units have their alerts: disorder"),
    "a case entry is lost": (lambda: without(of("cases")[0]), "cases equal the replay's: lost"),
    "an entry was changed": (
        lambda: instead(
            of("cases")[1],
            value=of("cases")[1].value.replace(b'"severity":', b'"severity": '),  # type: ignore[union-attr]
        ),
        "chains of cases are whole: wrong",
    ),
    "an alert has no entry": (lambda: without(of("cases")[0]), "entries say what alerts say: wrong"),
    "a roll-up is lost": (lambda: without(of("rollup")[-1]), "roll-ups equal the replay's: lost"),
    "a roll-up does not reach the log": (
        lambda: without(next(record for record in of("events") if isinstance(events.decode(record.value), UnitRollup))),
        "every record reaches the log: lost",
    ),
    "a state is wrong": (
        lambda: instead(unit_state(), value=msgspec.msgpack.encode({"unit_id": "x"})),
        "states equal the replay's: state differs",
    ),
    "a state is missing": (lambda: without(unit_state()), "states equal the replay's: state differs"),
    "no state at all is saved": (lambda: without(*of("state.events")), "everything is worked off: not worked off"),
    "the memory of an input is wrong": (
        lambda: without(next(record for record in of("state.posts") if record.key != b"\x00position")),
        "states equal the replay's: state differs",
    ),
    "a watermark is wrong": (
        lambda: instead(
            position("events"),
            value=msgspec.msgpack.encode((msgspec.msgpack.decode(position("events").value)[0], b"\x80")),  # type: ignore[arg-type]
        ),
        "states equal the replay's: state differs",
    ),
    "a position is behind": (
        lambda: instead(position("posts"), value=msgspec.msgpack.encode((10, b""))),
        "everything is worked off: not worked off",
    ),
    "the log is not worked off": (
        lambda: instead(position("events"), value=msgspec.msgpack.encode((10, b""))),
        "everything is worked off: not worked off",
    ),
    "a record takes effect twice": (twice_effective, "every record takes effect once: state differs"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_run_is_found(name: str) -> None:
    """Whatever else it says, the law that was broken is named, with what is wrong."""
    break_it, expected = BREAKS[name]
    assert expected in verdict_of(break_it())


def test_a_record_that_never_arrived_is_found() -> None:
    """Sent and acknowledged, but nowhere; without an acknowledgement nobody promised anything."""
    lost = Sent(TOPICS("posts"), b"k", b"value")
    assert {"what was acknowledged arrived: lost"} == verdict_of(good()[1], [*good()[0], lost])
    assert set() == verdict_of(good()[1], [*good()[0], lost._replace(acknowledged=False)])


def test_an_uncommitted_alert_with_other_content_is_found() -> None:
    """Aborted attempts may be there for a reader of uncommitted records, but say the same."""
    alert = middle_alert()
    other = encode(msgspec.structs.replace(alerts.decode(alert.value), severity=1))
    assert set() == verdict_of(good()[1], uncommitted=[alert, alert])
    expected = {"no name has two contents: two contents"}
    assert expected == verdict_of(good()[1], uncommitted=[alert, alert._replace(value=other)])


def test_every_law_can_be_broken() -> None:
    """No law is there that no test breaks."""
    broken = {expected.rpartition(":")[0] for _, expected in BREAKS.values()}
    assert {name for name, _ in LAWS} == broken | {"what was acknowledged arrived"}


def test_the_report_names_what_is_wrong() -> None:
    """A person reads the law, the kind and the thing."""
    sent, _ = good()
    report = check(Run(PARTS, sent, without(of("deadletter")[1]))).report()
    assert "every refused record reaches the dead letters: 1\n  lost: deadletter t.posts/" in report
