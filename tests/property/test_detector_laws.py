"""Every detector of the engine keeps every law of `tests/checks.py`, and can raise an alert at all."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.detectors.detector import Detector
from pipeline.detectors.surge import SurgeDetector
from pipeline.engine import Engine
from schemas.time import HOUR_MS, MINUTE_MS
from tests.checks import EXCEPTIONS, LAWS, SLOW_LAWS, START_MS, Law, Run, insight

DETECTORS = Engine().detectors
every_detector = pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)


def _named(law: Law) -> str:
    return law.__name__


def _hold(law: Law, detector: Detector, data: Any) -> None:
    excused = EXCEPTIONS.get((detector.name, law.__name__))
    if excused is not None:
        pytest.skip(excused)
    law(detector, data.draw)


@every_detector
@pytest.mark.parametrize("law", LAWS, ids=_named)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_law(detector: Detector, law: Law, data: Any) -> None:
    """The law holds for whatever stream is drawn."""
    _hold(law, detector, data)


@every_detector
@pytest.mark.parametrize("law", SLOW_LAWS, ids=_named)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_slow_law(detector: Detector, law: Law, data: Any) -> None:
    """The law holds for a handful of streams."""
    _hold(law, detector, data)


def test_the_laws_are_not_empty() -> None:
    """A crowd that complains after two quiet days is found by some detector; else all laws would hold for nothing."""
    crowd = [insight(number, START_MS + 48 * HOUR_MS + number * MINUTE_MS, author=str(number)) for number in range(9)]
    found = []
    for detector in DETECTORS:
        run = Run(detector)
        run.see(insight(99, START_MS, mood="neutral"))
        saw = [run.see(one) for one in crowd]
        found.append(any(seen is not None and seen.signal is not None for seen in saw))
    assert any(found)


def test_who_takes_back_his_second_word_has_still_said_the_first() -> None:
    """Though the first has left the window by then: its hour is still to be learned, and he is in it."""
    detector = SurgeDetector()
    both, one = Run(detector), Run(detector)
    for run in (both, one):
        run.see(insight(1, START_MS + MINUTE_MS))
    both.see(insight(2, START_MS + 59 * MINUTE_MS))
    for run in (both, one):
        run.pass_time(START_MS + 75 * MINUTE_MS)
        run.take_back("x:2")
    assert one.seen(START_MS + 2 * HOUR_MS) == both.seen(START_MS + 2 * HOUR_MS)


def test_exceptions_name_what_exists() -> None:
    """An exception for a detector or a law that is not there is a leftover."""
    laws = {law.__name__ for law in (*LAWS, *SLOW_LAWS)}
    names = {detector.name for detector in DETECTORS}
    assert [] == [pair for pair in EXCEPTIONS if pair[0] not in names or pair[1] not in laws]
