"""Do the clocks agree, and does time pass?

Ours against the broker's: an empty record into `cem.doctor`, whose time the broker sets. The leader's: the last tick.
"""

from collections.abc import Iterator

from kafka import KafkaProducer, TopicPartition

from agents.doctor.finding import Finding, warning, well, wrong
from agents.doctor.patient import Patient
from agents.kafka.reach import connect
from schemas.codec import Codec, RecordError
from schemas.tick import CONTROL_HEADER, CONTROL_TICK, Tick
from schemas.time import MINUTE_MS

WARNING_MS = 5_000
WRONG_MS = MINUTE_MS
TAIL_RECORDS = 50
SEND_SECONDS_MAX = 10.0

_ticks = Codec[Tick](Tick)


def check(patient: Patient) -> Iterator[Finding]:
    """A minute off is wrong: posts are judged late or early by these clocks, and so are deadlines."""
    if patient.topics("doctor") in patient.described:
        yield _difference(patient)
    if patient.settings.clock == "wall":
        yield _ticking(patient)
    else:
        yield well("clock", "CEM_CLOCK=data: time passes with `cem ingest` only")


def _difference(patient: Patient) -> Finding:
    producer = connect(patient.settings, KafkaProducer, acks="all")
    try:
        before_ms = patient.clock_ms()
        appended_ms = producer.send(patient.topics("doctor"), value=b"").get(timeout=SEND_SECONDS_MAX).timestamp
        after_ms = patient.clock_ms()
    finally:
        producer.close(timeout=0)  # what was sent is acknowledged, or not worth waiting for
    ahead_ms = max(before_ms - appended_ms, 0) - max(appended_ms - after_ms, 0)
    if abs(ahead_ms) <= WARNING_MS:
        return well("clock", "this machine and the broker agree on the time")
    direction = "ahead of" if ahead_ms > 0 else "behind"
    say = wrong if abs(ahead_ms) >= WRONG_MS else warning
    return say(
        "clock",
        f"the clock of this machine is {_duration(abs(ahead_ms))} {direction} the broker's",
        "one of the two is wrong: switch time synchronisation (NTP) on, on both; a worker on such a machine takes good "
        "posts for late ones or early ones",
    )


def _ticking(patient: Patient) -> Finding:
    """The leader writes a tick every `tick_seconds` into `cem.units` and every other input."""
    last_ms = _last_tick_ms(patient)
    if last_ms is None:
        return warning(
            "clock", "no tick is among the last records of the directory: time has not begun to pass", "start a worker"
        )
    age_ms = patient.clock_ms() - last_ms
    if age_ms < -WRONG_MS:
        return wrong(
            "clock",
            f"the stream clock is {_duration(-age_ms)} ahead of this machine's",
            "the clock of the worker that leads was, or is, wrong: NTP there; time stands still until it is reached",
        )
    if age_ms > max(WRONG_MS, 6 * patient.settings.tick_ms):
        return wrong(
            "clock",
            f"the stream clock stands still since {_duration(age_ms)}: nothing becomes quiet, no deadline passes",
            "is a worker running, and is it ready? Is its clock right?",
        )
    return well("clock", f"the last tick is {_duration(max(0, age_ms))} old")


def _last_tick_ms(patient: Patient) -> int | None:
    name = patient.topics("units")
    if name not in patient.described:
        return None
    consumer, partition = patient.consumer, TopicPartition(name, 0)
    consumer.assign([partition])
    end = consumer.end_offsets([partition])[partition]
    begin = consumer.beginning_offsets([partition])[partition]
    consumer.seek(partition, max(begin, end - TAIL_RECORDS))
    last: int | None = None
    while consumer.position(partition) < end:
        for record in consumer.poll(timeout_ms=200).get(partition, []):
            if dict(record.headers).get(CONTROL_HEADER) == CONTROL_TICK and record.value:
                try:
                    last = _ticks.decode(record.value).event_time
                except RecordError:
                    continue
    return last


def _duration(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"
