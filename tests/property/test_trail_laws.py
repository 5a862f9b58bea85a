"""The audit trail: what was written is found whole, and whatever is done to it afterwards is found.

Chains of a few alerts, of which one was sent on and goes on in another partition, with refusals between the links.
"""

from typing import NamedTuple

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pipeline.alerts.audit import Audit, Finding
from pipeline.alerts.trail import Damage, seal, verify
from schemas.case import CaseEntry
from schemas.codec import encode
from schemas.time import Millis


class Written(NamedTuple):
    """One record of `cem.cases`, and whether it is a link."""

    partition: int
    value: bytes
    alert_id: str = ""
    link: bool = True


def entry(alert_id: str, sequence: int, note: str | None, *, accepted: bool = True) -> CaseEntry:
    """An entry as the desk makes it, before it is sealed."""
    return CaseEntry(
        alert_id=alert_id, unit_id="store-17", number=0, sequence=sequence, change="commented" if accepted else None,
        action_id=f"a{sequence}", actor=note, accepted=accepted, reason="done" if accepted else "needs_code",
        event_time=Millis(sequence),
    )  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[Written]:
    """What three partitions hold, in an order in which it may have been written."""
    written: list[Written] = []
    for number in range(draw(st.integers(1, 3))):
        alert_id, previous, place = f"store-{number}-{number:016x}", "", number
        for sequence in range(1, draw(st.integers(1, 6)) + 1):
            note = draw(st.none() | st.text(max_size=20).filter(bool))
            if draw(st.booleans()):
                written.append(
                    Written(place, encode(entry(alert_id, sequence, note, accepted=False)), alert_id, link=False)
                )
            place = draw(st.sampled_from((place, place, 2)))
            link = seal(entry(alert_id, sequence, note), sequence, previous)
            previous = link.hash
            written.append(Written(place, encode(link), alert_id))
    return written


def found(before: list[Written], now: list[Written], order: tuple[int, ...] = (0, 1, 2)) -> list[Finding]:
    """What the audit says of what lies there now, partition by partition, if `before` was written once."""
    audit = Audit()
    for one in before:
        if one.link:
            known = msgspec.json.decode(one.value)
            audit.record(known["alert_id"], known["sequence"])
    for partition in order:
        for offset, one in enumerate(each for each in now if each.partition == partition):
            audit.put(one.value, partition, offset)
    return audit.findings()


def links(history: list[Written]) -> list[int]:
    """Where links of chains are."""
    return [place for place, one in enumerate(history) if one.link]


@given(histories(), st.permutations((0, 1, 2)), st.data())
def test_what_was_written_is_whole(history: list[Written], order: list[int], data: st.DataObject) -> None:
    """In whatever order the partitions are read, with repeats, byte for byte, behind what they repeat."""
    again = list(history)
    for place in data.draw(st.lists(st.sampled_from(range(len(history))), max_size=3)):
        again.append(history[place])
    assert found(history, again, tuple(order)) == []


@given(histories(), st.data())
def test_a_changed_byte_is_found(history: list[Written], data: st.DataObject) -> None:
    """Any byte of any link, whatever it becomes: in a number, an id, a hash, a name of a field."""
    place = data.draw(st.sampled_from(links(history)))
    one = history[place]
    at = data.draw(st.integers(0, len(one.value) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != one.value[at]))
    value = one.value[:at] + bytes([other]) + one.value[at + 1 :]
    assert found(history, [*history[:place], one._replace(value=value), *history[place + 1 :]])


@given(histories(), st.data())
def test_what_was_taken_out_is_found(history: list[Written], data: st.DataObject) -> None:
    """The last entry as well: its record of the alert is there."""
    place = data.draw(st.sampled_from(links(history)))
    findings = found(history, history[:place] + history[place + 1 :])
    assert [(Damage.MISSING, history[place].alert_id)] == [(one.flaw.damage, one.alert_id) for one in findings]


@given(histories(), st.data())
def test_what_changed_places_is_found(history: list[Written], data: st.DataObject) -> None:
    """Two links of one case in one partition."""
    pairs = [
        (one, other)
        for one in links(history)
        for other in links(history)
        if one < other and history[one][0::2] == history[other][0::2]
    ]
    if not pairs:
        return
    one, other = data.draw(st.sampled_from(pairs))
    swapped = list(history)
    swapped[one], swapped[other] = history[other], history[one]
    assert [history[one].alert_id] == [finding.alert_id for finding in found(history, swapped)]


@given(histories(), st.data())
def test_a_second_content_is_found(history: list[Written], data: st.DataObject) -> None:
    """A well sealed entry of the same number that says something else, before or behind the true one."""
    place = data.draw(st.sampled_from(links(history)))
    true = msgspec.json.decode(history[place].value)
    forged = seal(
        entry(true["alert_id"], true["sequence"], "somebody else entirely"), true["number"], true.get("previous", "")
    )
    put = data.draw(st.integers(0, len(history)))
    partition = data.draw(st.integers(0, 2))
    assert found(history, [*history[:put], Written(partition, encode(forged)), *history[put:]])


@given(histories(), st.data())
def test_what_was_written_anew_is_found_by_the_next(history: list[Written], data: st.DataObject) -> None:
    """A link in the place of another, well sealed: the one behind it holds the hash of the true one. (Of the last one
    nothing shows; that is why the end is to be kept elsewhere.)"""
    inner = [
        one
        for one in links(history)
        if any(one < other and history[one].alert_id == history[other].alert_id for other in links(history))
    ]
    if not inner:
        return
    place = data.draw(st.sampled_from(inner))
    true = msgspec.json.decode(history[place].value)
    new = seal(entry(true["alert_id"], true["sequence"], "another"), true["number"], true.get("previous", ""))
    findings = found(history, [*history[:place], history[place]._replace(value=encode(new)), *history[place + 1 :]])
    assert [(Damage.BROKEN, true["number"] + 1)] == [(one.flaw.damage, one.flaw.number) for one in findings]


@given(histories(), st.text(min_size=1))
def test_what_took_effect_cannot_be_made_a_refusal(history: list[Written], note: str) -> None:
    """An entry of the chain that says it is none."""
    link = msgspec.structs.replace(seal(entry("store-9-x", 1, note), 1, ""), number=0)
    assert [Damage.CHANGED] == [one.flaw.damage for one in found(history, [*history, Written(0, encode(link))])]


@given(histories(), st.data())
def test_one_chain_is_verified_alike(history: list[Written], data: st.DataObject) -> None:
    """`verify` says of the entries of one alert what the audit says of all: whole, changed, missing."""
    alert_id = history[0].alert_id
    values = [one.value for one in history if one.alert_id == alert_id]
    assert verify(values) is None
    changed = data.draw(st.sampled_from([place for place, one in enumerate(values) if b'"hash":"' in one]))
    value = values[changed].replace(b'"store-17"', b'"store-18"')
    flaw = verify([*values[:changed], value, *values[changed + 1 :]])
    assert flaw is not None
    assert flaw.damage == Damage.CHANGED
    later = values[changed + 1 :]
    if any(b'"hash":"' in one for one in later):
        flaw = verify([*values[:changed], *later])
        assert flaw is not None
        assert flaw.damage == Damage.MISSING


def test_only_one_alert_is_looked_at() -> None:
    """What is wrong with others is not told, and what cannot be read only where it names the alert."""
    audit = Audit("store-1-x")
    other = encode(seal(entry("store-2-x", 2, None), 2, "?"))
    mine = seal(entry("store-1-x", 1, None), 1, "")
    for offset, value in enumerate((other, b"{", encode(mine))):
        audit.put(value, 0, offset)
    assert (audit.findings(), audit.entries, audit.ends()) == ([], 1, {"store-1-x": (1, mine.hash)})
    audit.put(b'{"alert_id":"store-1-x"', 0, 3)
    assert [(None, Damage.UNREADABLE, 3)] == [(one.alert_id, one.flaw.damage, one.offset) for one in audit.findings()]
