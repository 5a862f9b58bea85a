"""What every record has: a version of its schema, and for what came from somewhere, its origin."""

import msgspec

SCHEMA_VERSION = "1.0"


def _version() -> str:
    return SCHEMA_VERSION


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base of all records. `schema_version` is always on the wire (a factory is never left out as a default);
    a reader takes any minor version of its own major one and ignores fields that it does not know. `gc=False`: records
    cannot hold each other in a circle, so the garbage collector need not look at the many thousands that are made a
    second."""

    schema_version: str = msgspec.field(default_factory=_version)


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Where a record was read: topic, partition, offset, and the place among the records made from it."""

    topic: str
    partition: int
    offset: int
    index: int = 0

    @property
    def stream(self) -> str:
        """The partition that it came from, as one name: `cem.posts/3`."""
        return f"{self.topic}/{self.partition}"
