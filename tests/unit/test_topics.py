"""The topics: names that Kafka takes, and settings under which nothing is lost too early or kept too long."""

import re

import msgspec
import pytest

from schemas.codec import RECORD_BYTES_MAX, encode
from schemas.deadletter import DEAD_LETTER_BYTES_MAX, DeadLetter
from schemas.documents import RECORDS
from schemas.record import Source
from schemas.time import DAY_MS, Millis
from schemas.topics import CONSUMED, INPUTS, TOPIC_NAMES, Topic, Topics
from schemas.unit import Unit

KAFKA_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")
LONGEST_PREFIX = "p" * 64
TOPICS = Topics()
SPECS = [pytest.param(spec, id=spec.name) for spec in (*TOPICS.specs.values(), TOPICS.unit_alerts_spec())]


def spec(name: str) -> Topic:
    """How a topic is laid out."""
    return TOPICS.specs[TOPICS(name)]


def test_names_are_kafkas_own() -> None:
    """Under the longest prefix and for the longest unit id every name is one that Kafka takes."""
    topics = Topics(LONGEST_PREFIX)
    longest_unit_id = "u" * max_length_of_a_unit_id()
    assert all(KAFKA_NAME.fullmatch(name) for name in [*topics.specs, topics.unit_alerts(longest_unit_id)])


def max_length_of_a_unit_id() -> int:
    """What the directory takes at most."""
    kind = next(field.type for field in msgspec.inspect.type_info(Unit).fields if field.name == "id")  # type: ignore[attr-defined]
    length: int = kind.max_length
    return length


def test_names_cannot_collide() -> None:
    """No two topics share a name, nor a metric's name, in which Kafka writes `_` for `.`; nor does a unit's own."""
    names = [*TOPICS.specs, TOPICS.unit_alerts("store-17"), TOPICS.unit_alerts("store")]
    assert len(names) == len({name.replace(".", "_") for name in names})
    assert not any("_" in name for name in names)


def test_all_names_follow_the_prefix() -> None:
    """Two prefixes on one broker have no topic in common."""
    assert {f"acme.{name}" for name in TOPIC_NAMES} == set(Topics("acme").specs)
    assert Topics("acme").unit_alerts("store-17") == "acme.alerts.unit.store-17"
    assert Topics("acme")("posts") == "acme.posts"


@pytest.mark.parametrize("prefix", ["cem", "cem.state", "a.b"])
def test_a_state_topic_is_found_from_its_source(prefix: str) -> None:
    """Whatever our agents read has a state topic beside it, also under a prefix with a dot."""
    topics = Topics(prefix)
    assert {topics.state(topics(name)) for name in CONSUMED} == {
        name for name in topics.specs if ".state." in name[len(prefix) :]
    }
    assert topics.inputs == tuple(topics(name) for name in INPUTS)
    assert set(topics.inputs) <= topics.specs.keys()


@pytest.mark.parametrize("name", CONSUMED)
def test_state_lies_beside_its_source(name: str) -> None:
    """State has as many partitions as its source, keeps the latest of every key, and loses nothing to age."""
    state = TOPICS.specs[TOPICS.state(TOPICS(name))]
    assert (spec(name).width, "compact", "-1") == (state.width, state.cleanup, state.configs()["retention.ms"])
    assert name not in ("posts", "feedback", "events") or state.width != "one"


@pytest.mark.parametrize("topic", SPECS)
def test_settings_leave_nothing_to_the_broker(topic: Topic) -> None:
    """Cleanup, retention and size are explicit; whole numbers but for ratios; age deletes only where it is said."""
    settings = topic.configs()
    assert {"cleanup.policy", "retention.ms", "max.message.bytes"} <= settings.keys()
    assert settings["cleanup.policy"] in ("delete", "compact", "compact,delete")
    assert all(re.fullmatch(r"-1|\d+", settings[name]) for name in settings if name.endswith((".ms", ".bytes")))
    assert settings["retention.ms"] == "-1" or int(settings["retention.ms"]) >= 7 * DAY_MS
    assert topic.cleanup != "compact" or topic.retention_ms is None


@pytest.mark.parametrize("topic", SPECS)
def test_what_is_accepted_fits(topic: Topic) -> None:
    """A topic takes the largest value that the codec takes, with its headers and key."""
    assert int(topic.configs()["max.message.bytes"]) > RECORD_BYTES_MAX


def test_a_dead_letter_fits() -> None:
    """The letter of the largest record (half of it key, half of it value) fits into its topic, base64 and all."""
    half = b"\xff" * DEAD_LETTER_BYTES_MAX
    letter = DeadLetter(
        source=Source(topic="t" * 249, partition=0, offset=2**62), key=half, reason="not_json", detail="😡" * 600,
        bytes=half, bytes_total=len(half), ingest_time=Millis(0),
    )  # fmt: skip
    assert len(encode(letter)) < int(spec("deadletter").configs()["max.message.bytes"])


def test_text_can_be_erased() -> None:
    """Texts are compacted, so that a tombstone erases them, and deleted by age, so that none stays for ever."""
    assert spec("texts").cleanup == "compact,delete"
    assert spec("texts").retention_ms is not None


def test_personal_data_leaves_with_age() -> None:
    """What holds unmasked input, or was made from it, is deleted by age: what stays are units, cases and
    decisions, which hold references only."""
    forever = {topic.name for topic in TOPICS.specs.values() if topic.retention_ms is None}
    kept = {name for name in forever if not name.startswith("state.")}
    assert {"units", "cases", "outcomes", "labels", "tokens"} == kept


def test_a_version_of_the_directory_outlives_its_readers() -> None:
    """What is superseded in `units` stays while an input may still be read again under an older version."""
    lag_ms = int(spec("units").configs()["min.compaction.lag.ms"])
    assert all(lag_ms >= (spec(name).retention_ms or 0) for name in INPUTS)


def test_evidence_outlives_no_alert() -> None:
    """The texts behind an alert, and the log that it follows from, stay as long as the alert itself."""
    alerts_ms = spec("alerts").retention_ms or 0
    assert all((spec(name).retention_ms or 0) >= alerts_ms for name in ("texts", "events"))
    assert alerts_ms == TOPICS.unit_alerts_spec().retention_ms


@pytest.mark.parametrize("topic", SPECS)
def test_a_topic_names_its_record(topic: Topic) -> None:
    """Every topic says what it carries: a record with a schema, one of a later release, or the service's own."""
    assert topic.record in {*RECORDS, "Score", "Outcome", "internal"}
    assert topic.about
    assert topic.key
