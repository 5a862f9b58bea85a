"""A record that kills is found after a bounded number of deaths, and nobody else is blamed."""

import asyncio
from typing import Any, NamedTuple

import pytest
from aiokafka import TopicPartition

from agents.kafka.slot import Slot
from agents.kafka.stage import Stage
from agents.kafka.transport import Batch, StartingPoint
from agents.kafka.trial import CONVICTED, SUSPECT_RECORDS, Trial
from agents.settings import Settings
from schemas.topics import Topics


def die(deadly: int, end: int = 10_000, deaths_max: int = 50) -> tuple[int, int]:
    """Runs workers over records 0 to `end` until all are done; the one at `deadly` kills whoever works on it. Gives
    the number of deaths and what was put aside."""
    durable, trial, deaths, aside = 0, Trial(), 0, -1
    while deaths < deaths_max:
        trial, begun = trial.after_restart(durable), durable
        while durable < end:
            if trial.convicted:
                aside, durable = durable, durable + 1
            else:
                upto = min(end, begun + (trial.records_max or 1000))
                if begun <= deadly < upto and aside != deadly:
                    deaths += 1
                    break
                durable = upto
            begun = durable
            trial = trial.after_success(durable, more=True)
            if trial == Trial():
                trial = Trial(offset=-1)
        else:
            return deaths, aside
        if trial.offset < 0:
            trial = Trial(offset=begun)
    return deaths, aside


@pytest.mark.parametrize("deadly", [0, 1, 777, 9_999])
def test_a_record_that_kills_is_put_aside_after_a_bounded_number_of_deaths(deadly: int) -> None:
    """The very record, and after no more deaths than there are levels, and one for each that is left."""
    deaths, aside = die(deadly)
    assert deadly == aside
    assert deaths <= 2 * CONVICTED


def test_a_clean_hand_over_is_no_death() -> None:
    """What was finished, with nothing begun behind it, is not suspicious."""
    assert 0 == Trial().after_restart(500).deaths
    under_suspicion = Trial(offset=100, deaths=3, until=9_000).after_success(200, more=False)
    assert 3 == under_suspicion.after_restart(200).deaths


def test_a_death_at_another_place_begins_anew() -> None:
    """Only deaths at the very same place add up."""
    assert Trial(offset=700) == Trial(offset=100, deaths=4, until=600).after_restart(700)


def test_suspicion_ends() -> None:
    """Behind the stretch that was under suspicion, and when the culprit is found."""
    suspicious = Trial(offset=0).after_restart(0)
    assert SUSPECT_RECORDS == suspicious.until
    assert Trial() == suspicious.after_success(SUSPECT_RECORDS, more=True)
    assert Trial() == Trial(offset=5, deaths=CONVICTED, until=9_000).after_success(6, more=True)


def test_each_death_narrows_the_stretch_under_suspicion() -> None:
    """To the part that was worked on when it came: a partition whose owner is killed again and again through no fault
    of a record is soon fast again."""
    trial, stretches = Trial(), []
    for _ in range(CONVICTED):
        trial = trial.begun(700).after_restart(700)
        stretches.append(trial.until - 700)
    assert [SUSPECT_RECORDS, SUSPECT_RECORDS, 100, 10, 1, 1] == stretches


# The stage, as far as trials go


class _Nothing:
    """A processor that makes nothing of records, and dies of one."""

    whole_batches = False

    def __init__(self, deadly: int = -1) -> None:
        self.deadly = deadly

    async def prepare(self, records: list[Any]) -> None: ...

    def process(self, records: list[Any]) -> list[Any]:
        if any(record.offset == self.deadly for record in records):
            raise RuntimeError("deadly")
        return []

    def refuse(self, record: Any, deaths: int) -> list[Any]:
        return []

    def save(self) -> list[Any]:
        return []

    def save_position(self) -> bytes:
        return b""


class _Durable:
    """The state topic of a partition, and whatever else a stage asks for."""

    def __init__(self) -> None:
        self.states: dict[bytes, bytes] = {}
        self.committed = 0

    async def write(self, emissions: Any, states: Any) -> None:
        self.states.update(states)

    async def stop(self) -> None: ...

    async def commit(self, generation: int, offsets: dict[TopicPartition, int], seconds: float) -> None:
        self.committed = max(offsets.values())

    def lease_seconds(self) -> float:
        return 1.0


class _Died(BaseException):
    """The process has ended."""


PARTITION = TopicPartition("cem.posts", 0)


class _Record(NamedTuple):
    offset: int


async def _life(durable: _Durable, batches: list[int], deadly: int = -1) -> Trial:
    """One worker takes the partition over, works on batches of so many records, and gives it up. The trial that it
    began with."""
    stage = Stage("test", Settings(), Topics(), ("cem.posts",), durable, lambda _: _Nothing())  # type: ignore[arg-type,return-value]
    slot = Slot(PARTITION, 1, _Nothing(deadly), durable)  # type: ignore[arg-type]
    stage._slots[PARTITION] = slot
    slot.processor.load = lambda states, data: None  # type: ignore[method-assign]
    begin = StartingPoint(durable.committed, committed=durable.committed > 0)
    slot.load("test", "cem.state.posts", dict(durable.states), begin, asyncio.get_running_loop().time())
    began_with = slot.trial
    offset = slot.position
    for size in batches:
        records = [_Record(offset + number) for number in range(size)]
        await stage.handle(Batch(PARTITION, 1, offset, offset + size, records))
        offset += size
    await stage.give_up()
    return began_with


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> None:
    """`die` raises here."""

    def die(why: str, error: BaseException | None = None) -> None:
        raise _Died(why)

    monkeypatch.setattr("agents.kafka.stage.die", die)


@pytest.mark.usefixtures("dying")
def test_hand_overs_under_suspicion_convict_nobody() -> None:
    """Workers come and go while a partition is under suspicion, and each works a little: no death is added."""
    durable = _Durable()
    with pytest.raises(_Died):
        asyncio.run(_life(durable, [10], deadly=5))
    first = asyncio.run(_life(durable, [10]))
    assert 1 == first.deaths
    later = [asyncio.run(_life(durable, [3, 4])) for _ in range(10)]
    assert {1} == {trial.deaths for trial in later}
    assert 10 + 10 * 7 == durable.committed


@pytest.mark.usefixtures("dying")
def test_deaths_after_quiet_stretches_are_counted() -> None:
    """A worker that dies of its second batch under suspicion is found out as one that dies of its first."""
    durable, deaths, trials = _Durable(), 0, []
    while durable.committed < 30 and deaths < 50:
        try:
            trials.append(asyncio.run(_life(durable, [1] * (31 - durable.committed), deadly=20)))
        except _Died:
            deaths += 1
    assert 30 <= durable.committed
    assert deaths <= 2 * CONVICTED
