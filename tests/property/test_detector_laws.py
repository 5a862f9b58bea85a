"""Every detector of the engine keeps every law of `tests/checks.py`, and can raise an alert at all."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.detectors.detector import Detector
from pipeline.detectors.surge import SurgeDetector
from pipeline.engine import Engine
from schemas.time import HOUR_MS, MINUTE_MS
from tests.checks import EXCEPTIONS, LAWS, SLOW_LAWS, Law
from tests.detector_run import Run
from tests.streams import START_MS, SUBJECTS, about, insight

DETECTORS = Engine(false_alerts_a_month=30).detectors
"""With a budget that a drawn stream can reach; the laws have to hold whatever it is."""
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
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_law(detector: Detector, law: Law, data: Any) -> None:
    """The law holds for whatever stream is drawn."""
    _hold(law, detector, data)


@every_detector
@pytest.mark.parametrize("law", SLOW_LAWS, ids=_named)
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_slow_law(detector: Detector, law: Law, data: Any) -> None:
    """The law holds for a handful of streams."""
    _hold(law, detector, data)


@pytest.mark.parametrize("detector", Engine().detectors, ids=lambda detector: detector.name)
def test_the_laws_are_not_empty(detector: Detector) -> None:
    """A crowd after two quiet days is found by each detector if it is what it is about; else all laws would hold for
    nothing."""
    kind, run = SUBJECTS[detector.name].kinds[0], Run(detector)
    run.see(insight(999, START_MS, mood="neutral"))
    heard = set()
    for number in range(400):
        now = START_MS + (4 if detector.name == "cascade" else 48) * HOUR_MS + number * MINUTE_MS // 8
        one = about(detector.name, insight(number, now, author=str(number), kind=kind), number)
        seen = run.see(one)
        heard |= {signal.cause for signal in seen.signals} if seen is not None else set()
    assert set(run.causes) == heard


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
    """An exception for a detector or a law that is not there is a leftover, and every detector has a subject."""
    laws = {law.__name__ for law in (*LAWS, *SLOW_LAWS)}
    names = {detector.name for detector in DETECTORS}
    assert names == SUBJECTS.keys()
    assert [] == [pair for pair in EXCEPTIONS if pair[0] not in names or pair[1] not in laws]
