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
from agents.kafka.reach import UnreachableError, sentence, why_not
from agents.kafka.reader import ReadError

Check = Callable[[Patient], Iterator[Finding]]

WITH_KAFKA: dict[str, Check] = {
    "kafka": kafka.check,
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
    yield from _kafka(patient)
    yield from worker.check(patient)
    yield from history.check(patient)


def _kafka(patient: Patient) -> Iterator[Finding]:
    """Kafka may be away, go away while we look, or refuse to tell. Once it is away nothing further is asked of it:
    each question would wait for half a minute."""
    left = list(WITH_KAFKA)
    while left:
        name = left.pop(0)
        if name != "kafka" and (refusal := why_not(patient.settings)) is not None:
            yield wrong(name, f"Kafka went away: {refusal.why}", "look again when it is back")
            yield _unseen(left)
            return
        try:
            for finding in WITH_KAFKA[name](patient):
                yield finding
                if name == "kafka" and finding.level == "wrong":
                    yield _unseen(left)
                    return
        except (AdminError, ReadError, UnreachableError, KafkaError, OSError, TimeoutError) as error:
            refusal = why_not(patient.settings)
            if refusal is not None:
                yield wrong(name, f"Kafka went away: {refusal.why}", "look again when it is back")
                yield _unseen(left)
                return
            why = sentence(patient.settings, error) or type(error).__name__
            yield wrong(name, f"could not be looked at: {why}", "look at the findings above, and at the rights")


def _unseen(left: list[str]) -> Finding:
    return warning("kafka", f"not looked at without Kafka: {', '.join(left)}", "mend the above, and look again")
