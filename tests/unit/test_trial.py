"""A record that kills is found after a bounded number of deaths, and nobody else is blamed."""

import pytest

from agents.kafka.trial import CONVICTED, SUSPECT_RECORDS, Trial


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
