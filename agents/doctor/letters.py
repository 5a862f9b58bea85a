"""What was refused lately?"""

from collections import Counter
from collections.abc import Iterator

from agents.doctor.finding import Finding, warning, well
from agents.doctor.patient import Patient
from agents.kafka.reader import read
from schemas.codec import Codec, RecordError
from schemas.deadletter import DeadLetter
from schemas.time import DAY_MS

COUNTED_MAX = 100_000

_letters = Codec[DeadLetter](DeadLetter)


def check(patient: Patient) -> Iterator[Finding]:
    """Dead letters of the last day, by reason."""
    name = patient.topics("deadletter")
    if name not in patient.described:
        return
    reasons: Counter[str] = Counter()
    for number, record in enumerate(read(patient.settings, name, since_ms=patient.clock_ms() - DAY_MS)):
        if number >= COUNTED_MAX:
            break
        try:
            reasons[_letters.decode(record.value).reason if record.value is not None else "tombstone"] += 1
        except RecordError:
            reasons["unreadable"] += 1
    if not reasons:
        yield well("letters", "nothing was refused in the last 24 hours")
        return
    told = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
    more = "or more " if reasons.total() >= COUNTED_MAX else ""
    yield warning(
        "letters",
        f"{reasons.total():,} {more}records were refused in the last 24 hours: {told}",
        "`cem deadletters list` shows them; deploy/README.md says of each reason what to do",
    )
