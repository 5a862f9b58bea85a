"""The audit of all cases: every entry of `cem.cases` held against its chain, in whatever order the partitions are read.

In: the bytes of entries with the place where they lie, and which records of alerts there are. Out: the first flaw of
each alert. The rules: an entry waits until those before it have come, because a case that was sent on goes on in
another partition; within one partition they come in order; what is there twice, byte for byte, counts once.

The end of a chain can be cut off without a trace in the chain. So it is held against the records of the alert as well:
there is no record without an entry.
"""

from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from pipeline.alerts.trail import Damage, Flaw, follow

UNREADABLE_MAX: Final = 1000
"""Of more the first are told."""


class Finding(NamedTuple):
    """What is wrong. `alert_id` None: the entry does not say. `partition`, `offset`: of the entry where it shows, None
    where that is the lack of one."""

    alert_id: str | None
    flaw: Flaw
    partition: int | None = None
    offset: int | None = None


class _Place(NamedTuple):
    partition: int
    offset: int


class End(NamedTuple):
    """Of a chain without a flaw: how many entries, and the last hash; to be kept elsewhere, and compared later."""

    number: int
    hash: str


class _Peek(msgspec.Struct):
    alert_id: str
    number: int
    sequence: int
    accepted: bool = True
    hash: str = ""
    previous: str = ""


class _Chain:
    """Of one alert, as far as it was read. `seen`: digests of the entries in order; `hash`, `sequence` of the last;
    `records`: the newest sequence of the alert's records; `highest`: numbers by partition; `waiting`: entries whose
    predecessors have not come yet."""

    __slots__ = ("hash", "highest", "records", "seen", "sequence", "waiting")

    def __init__(self) -> None:
        self.hash = ""
        self.seen: list[bytes] = []
        self.sequence = 0
        self.records = 0
        self.highest: dict[int, int] = {}
        self.waiting: dict[int, tuple[bytes, _Place]] = {}

    def digest(self, number: int) -> bytes | None:
        """Of the entry with this number, None if it has not come yet."""
        if number <= len(self.seen):
            return self.seen[number - 1]
        return _digest(self.waiting[number][0]) if number in self.waiting else None


class Audit:
    """`only`: the alert to look at, None for all. `entries`: how many were looked at."""

    def __init__(self, only: str | None = None) -> None:
        self._only = only
        self._chains: dict[str, _Chain] = {}
        self._found: dict[str, Finding] = {}
        self._unreadable: list[Finding] = []
        self.entries = 0

    @property
    def alerts(self) -> int:
        """Of how many alerts there is a record or an entry."""
        return len(self._chains)

    def record(self, alert_id: str, sequence: int) -> None:
        """There is a record of an alert. To be told before the entries: what comes meanwhile has its entry."""
        if self._only in (None, alert_id):
            chain = self._chains.setdefault(alert_id, _Chain())
            chain.records = max(chain.records, sequence)

    def put(self, value: bytes, partition: int, offset: int) -> None:
        """An entry. Those of one partition in order."""
        try:
            peek = msgspec.json.decode(value, type=_Peek)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            told = self._only is None or self._only.encode() in value
            if told and len(self._unreadable) < UNREADABLE_MAX:
                self._unreadable.append(
                    Finding(None, Flaw(Damage.UNREADABLE, 0, "a record that is no entry of a case"), partition, offset)
                )
            return
        if self._only not in (None, peek.alert_id):
            return
        self.entries += 1
        if peek.number <= 0:
            if peek.accepted or peek.hash or peek.previous:
                flaw = Flaw(Damage.CHANGED, peek.number, "an entry that took effect, and says that it is no link")
                self._found.setdefault(peek.alert_id, Finding(peek.alert_id, flaw, partition, offset))
        elif peek.alert_id not in self._found:
            chain = self._chains.setdefault(peek.alert_id, _Chain())
            flawed = _take(chain, peek, value, _Place(partition, offset))
            if flawed is not None:
                self._found[peek.alert_id] = Finding(peek.alert_id, flawed[0], *flawed[1])

    def findings(self) -> list[Finding]:
        """Once all is read: the first flaw of each alert, by their ids; at last what could not be read at all."""
        found = dict(self._found)
        for alert_id, chain in self._chains.items():
            if alert_id not in found and (flaw := _lack(chain)) is not None:
                found[alert_id] = Finding(alert_id, flaw)
        return [*(found[alert_id] for alert_id in sorted(found)), *self._unreadable]

    def ends(self) -> dict[str, End]:
        """The ends of all chains that are there, by alert."""
        return {alert_id: End(len(chain.seen), chain.hash) for alert_id, chain in self._chains.items() if chain.seen}


def _take(chain: _Chain, peek: _Peek, value: bytes, place: _Place) -> tuple[Flaw, _Place] | None:
    """The next entry of a chain that lies in a place."""
    number = peek.number
    known = chain.digest(number)
    if known is not None:
        if known == _digest(value):
            return None
        return Flaw(Damage.TWO_CONTENTS, number, "there are two different entries of this number"), place
    highest = chain.highest.get(place.partition, 0)
    if number < highest:
        return Flaw(Damage.OUT_OF_ORDER, number, f"the entry lies behind entry {highest}"), place
    chain.highest[place.partition] = number
    chain.waiting[number] = value, place
    return _go_on(chain)


def _go_on(chain: _Chain) -> tuple[Flaw, _Place] | None:
    """Takes what waits, as far as it follows without a gap."""
    while (found := chain.waiting.pop(len(chain.seen) + 1, None)) is not None:
        value, place = found
        linked = follow(value, len(chain.seen), chain.hash)
        if isinstance(linked, Flaw):
            return linked, place
        chain.seen.append(_digest(value))
        chain.hash, chain.sequence = linked, msgspec.json.decode(value, type=_Peek).sequence
    return None


def _lack(chain: _Chain) -> Flaw | None:
    number = len(chain.seen) + 1
    if chain.waiting:
        return Flaw(Damage.MISSING, number, f"there is entry {min(chain.waiting)}, and none before it")
    if chain.sequence < chain.records:
        return Flaw(Damage.MISSING, number, f"record {chain.records} of the alert has no entry")
    return None


def _digest(value: bytes) -> bytes:
    return sha256(value).digest()
