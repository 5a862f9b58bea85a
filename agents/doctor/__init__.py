"""`cem doctor`: what is wrong, and what to do, in plain words. One file for each part that is looked at.

In: settings, and how late it is. Out: findings. The one rule: looking changes nothing (an empty record in `cem.doctor`
is all that is written), and what cannot be looked at is said.
"""

from collections.abc import Callable, Iterator

from kafka.errors import KafkaError

from agents.doctor import clock, directory, history, kafka, lag, letters, rights, secrets, topics, worker
from agents.doctor.finding import Finding, warning, wrong
from agents.doctor.patient import Patient
from agents.kafka.admin import AdminError
from agents.kafka.reach import UnreachableError, sentence
from agents.kafka.reader import ReadError

Check = Callable[[Patient], Iterator[Finding]]

WITH_KAFKA: dict[str, Check] = {
    "topics": topics.check,
    "rights": rights.check,
    "clock": clock.check,
    "directory": directory.check,
    "lag": lag.check,
    "letters": letters.check,
}


def examine(patient: Patient) -> Iterator[Finding]:
    """All findings, one after the other as they are made. Raises nothing that has to do with Kafka."""
    yield from secrets.check(patient)
    reached = True
    for finding in _guarded("kafka", kafka.check, patient):
        reached = reached and finding.level != "wrong"
        yield finding
    if reached:
        for name, check in WITH_KAFKA.items():
            yield from _guarded(name, check, patient)
    else:
        yield warning(
            "kafka", f"not looked at without Kafka: {', '.join(WITH_KAFKA)}", "mend the above, and look again"
        )
    yield from worker.check(patient)
    yield from history.check(patient)


def _guarded(name: str, check: Check, patient: Patient) -> Iterator[Finding]:
    """Kafka may go away while we look, or refuse to tell."""
    try:
        yield from check(patient)
    except (AdminError, ReadError, UnreachableError) as error:
        yield wrong(
            name, f"could not be looked at: {error}", "look again; if it stays, look at Kafka and at the rights"
        )
    except (KafkaError, OSError, TimeoutError) as error:
        why = sentence(patient.settings, error) or type(error).__name__
        yield wrong(name, f"could not be looked at: {why}", "look again; if it stays, look at Kafka and at the rights")
