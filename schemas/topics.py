"""All topics, in one place: what they carry, their key, partitions, retention and cleanup policy.

Names follow from one prefix. `agents/kafka/admin.py` creates them from here; the AsyncAPI document describes them
from here.
"""

from typing import Literal

import msgspec

from schemas.codec import RECORD_BYTES_MAX
from schemas.time import DAY_MS

Cleanup = Literal["delete", "compact", "compact,delete"]
Width = Literal["input", "events", "one"]


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """`width` says whose number of partitions it has: the inputs', the log's, or one. `retention_ms` None: for ever."""

    name: str
    record: str
    key: str
    about: str
    width: Width = "one"
    retention_ms: int | None = 7 * DAY_MS
    cleanup: Cleanup = "delete"
    extra: dict[str, str] = {}

    def configs(self) -> dict[str, str]:
        """Topic settings in Kafka's own names. All are explicit, so that a broker's defaults do not matter."""
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": "-1" if self.retention_ms is None else str(self.retention_ms),
            "max.message.bytes": str(RECORD_BYTES_MAX + 64 * 1024),
            **self.extra,
        }


_ERASURES_RETENTION_MS = 30 * DAY_MS
_LATEST = {"min.cleanable.dirty.ratio": "0.2", "segment.ms": str(DAY_MS)}
_APPENDED = {"message.timestamp.type": "LogAppendTime"}
"""Records carry the time at which the broker took them, and not what a stranger's clock says: they are kept for as long
as they are to be, and a restore finds the order in which they came."""
_STATE = {"min.cleanable.dirty.ratio": "0.2", "segment.bytes": str(64 * 1024 * 1024)}

_RECORDS = (
    Topic(name="posts", record="Post", key="thread (root post's id)", width="input",
          about="posts as received, with ticks and versions between them", extra=_APPENDED),
    Topic(name="feedback", record="Feedback", key="feedback id", width="input",
          about="surveys, forms and calls as received", extra=_APPENDED),
    Topic(name="actions", record="Action", key="unit id", about="what people did about alerts", extra=_APPENDED),
    Topic(name="units", record="Unit", key="unit id", retention_ms=None, cleanup="compact",
          about="the directory; a tombstone removes a unit; what is superseded stays as long as the inputs, because a "
                "version of the directory is an offset in this topic",
          extra={**_LATEST, **_APPENDED, "min.compaction.lag.ms": str(_ERASURES_RETENTION_MS)}),
    Topic(name="erasures", record="Erasure", key="erasure id", retention_ms=_ERASURES_RETENTION_MS,
          about="what must be forgotten", extra=_APPENDED),
    Topic(name="deadletter", record="DeadLetter", key="source", retention_ms=30 * DAY_MS,
          about="what was refused, why, and its original bytes",
          extra={"max.message.bytes": str(2 * RECORD_BYTES_MAX)}),
    Topic(name="unrouted", record="Unrouted", key="insight id", retention_ms=30 * DAY_MS,
          about="what found no unit, with candidates; a tombstone when it has found one"),
    Topic(name="labels", record="Label", key="what it is about, and the insight's id", retention_ms=None,
          cleanup="compact", about="what people decided, to learn from", extra=_LATEST),
    Topic(name="texts", record="StoredText", key="text reference", width="input", retention_ms=90 * DAY_MS,
          cleanup="compact,delete", about="the only home of text, masked; a tombstone erases within a day",
          extra={**_LATEST, "max.compaction.lag.ms": str(DAY_MS), "delete.retention.ms": str(DAY_MS)}),
    Topic(name="events", record="Event", key="unit id", width="events", retention_ms=90 * DAY_MS,
          about="one log per unit: everything that can change its state, in one order"),
    Topic(name="alerts", record="Alert", key="unit id", width="events", retention_ms=90 * DAY_MS,
          about="every alert record of every unit"),
    Topic(name="cases", record="CaseEntry", key="unit id", width="events", retention_ms=None,
          about="history of cases, a chain of entries for each; answers to actors"),
    Topic(name="scores", record="Score", key="unit id", width="events", retention_ms=90 * DAY_MS,
          about="experience scores by unit (a later release)"),
    Topic(name="outcomes", record="Outcome", key="unit id", width="events", retention_ms=None,
          about="whether a fix helped (a later release)"),
    Topic(name="rollup", record="Between", key="id of the unit that it goes to", width="events",
          about="what one unit's log says to another's: closed hours on their way up, cases that were rerouted"),
    Topic(name="tokens", record="Token", key="token id", retention_ms=None, cleanup="compact",
          about="who may use console and API without signing in: roles, and hashes of tokens", extra=_LATEST),
    Topic(name="notified", record="Notified", key="recipient, alert and unit", retention_ms=30 * DAY_MS,
          cleanup="compact,delete", about="what was told to whom in messages, and what is still to be told",
          extra=_LATEST),
    Topic(name="doctor", record="internal", key="none", extra={"message.timestamp.type": "LogAppendTime"},
          about="empty records that `cem doctor` writes to compare the broker's clock with its own"),
)  # fmt: skip


def _state_of(topic: Topic) -> Topic:
    """The state of whoever consumes `topic`, partition by partition: as wide, and nothing ever deleted by age."""
    return Topic(name=f"state.{topic.name}", record="internal", key="internal", width=topic.width, retention_ms=None,
                 cleanup="compact", extra=_STATE,
                 about=f"what the consumer of `{topic.name}` has to remember")  # fmt: skip


INPUTS = ("posts", "feedback", "actions", "units", "erasures")
"""What the enrich agent reads. Each partition of each is a source of ticks."""

CONSUMED = (*INPUTS, "events", "rollup")
"""What our own agents read; each has a state topic beside it."""

APART = ("tokens", "labels", "notified", "doctor")
"""What nobody makes anew: what people decided, whom they let in, what was told to whom."""

KEPT = {
    "inputs": (*INPUTS, *APART),
    "logs": (*INPUTS, *(f"state.{name}" for name in INPUTS), "events", "texts", "unrouted", "deadletter", *APART),
}
"""From what all else is made anew, and how: `inputs` by a restore, `logs` by workers. See deploy/README.md."""

_ALL = (*_RECORDS, *(_state_of(topic) for topic in _RECORDS if topic.name in CONSUMED))


class Topics:
    """The topics under one prefix. `topics.posts` is the full name of `posts`; likewise for all others."""

    def __init__(self, prefix: str = "cem") -> None:
        self.prefix = prefix
        self.specs = {f"{prefix}.{topic.name}": topic for topic in _ALL}

    def __call__(self, name: str) -> str:
        return f"{self.prefix}.{name}"

    def state(self, full_name: str) -> str:
        """The state topic beside a topic that our agents read: `cem.posts` -> `cem.state.posts`."""
        return f"{self.prefix}.state.{full_name.removeprefix(self.prefix + '.')}"

    @property
    def notify_group(self) -> str:
        """The consumer group of `cem notify`."""
        return f"{self.prefix}-notify"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Full names of the topics that the enrich agent reads."""
        return tuple(self(name) for name in INPUTS)

    def unit_alerts(self, unit_id: str) -> str:
        """The topic that a unit's alert consumers subscribe to."""
        return f"{self.prefix}.alerts.unit.{unit_id}"

    def unit_alerts_spec(self) -> Topic:
        """How each unit's own alert topic is laid out."""
        return Topic(name="alerts.unit.<id>", record="Alert", key="alert id", retention_ms=90 * DAY_MS,
                     about="alerts of one unit, in order")  # fmt: skip


TOPIC_NAMES = tuple(topic.name for topic in _ALL)
