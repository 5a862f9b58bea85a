"""Is Kafka there, and is it one that we know?"""

from collections.abc import Iterator

from agents.doctor.finding import Finding, warning, well, wrong
from agents.doctor.patient import Patient
from agents.kafka.reach import why_not

VERSION_MIN = (3, 3)
"""From here on Kafka runs without ZooKeeper. Tests run on what `agents/kafka/jars.py` names."""


def check(patient: Patient) -> Iterator[Finding]:
    """Wrong where no connection is made, with the reason; a warning for an old Kafka or a broker that is fenced."""
    refusal = why_not(patient.settings)
    if refusal is not None:
        yield wrong("kafka", refusal.why, "nothing works without Kafka; workers wait and go on by themselves")
        return
    cluster = patient.admin.describe_cluster()
    brokers = cluster["brokers"]
    version = tuple(patient.admin._manager.broker_version or ())
    named = ".".join(map(str, version)) or "unknown"
    count = f"{len(brokers)} broker{'s' if len(brokers) != 1 else ''}"
    yield well("kafka", f"{count} at {patient.settings.kafka}, version {named}")
    if version and version < VERSION_MIN:
        oldest = ".".join(map(str, VERSION_MIN))
        yield warning("kafka", f"Kafka {named} is older than {oldest}, and was never tried", "use a newer one")
    fenced = [broker["broker_id"] for broker in brokers if broker.get("is_fenced")]
    if fenced:
        yield warning("kafka", f"brokers {fenced} take no part", "look at their logs; they are starting, or cut off")
