"""The passing of time, and the version of settings, as data.

Both are written into every partition of every input topic and are told from other records by the header
`cem_control`, as is an assignment, which goes into one partition only. A tick is forwarded to every partition of
`cem.events` behind all that came before it.
"""

from typing import Annotated

import msgspec

from schemas.record import Record
from schemas.time import Millis
from schemas.vocabulary import Count

CONTROL_HEADER = "cem_control"
CONTROL_TICK = b"tick"
CONTROL_VERSION = b"version"
CONTROL_ASSIGNMENT = b"assignment"


class Tick(Record, frozen=True, kw_only=True, tag="tick"):
    """Nothing earlier than `event_time` is to be waited for from `source` (`cem.posts/3`).

    `inputs` are the topics, with their numbers of partitions, that are ticked together: all of them by the wall
    clock, those in use by `cem ingest`. The watermark of a log is the smallest tick over the partitions of `inputs`."""

    event_time: Millis
    source: Annotated[str, msgspec.Meta(max_length=300)] = ""
    offset: int = -1
    inputs: Annotated[dict[str, Count], msgspec.Meta(max_length=20)] = {}


class Version(Record, frozen=True, kw_only=True, tag="version"):
    """From here on: the directory as of this offset in `cem.units` (all records before it), and these versions of
    taxonomy and model. Never taken back: a lower number changes nothing."""

    directory: Count
    taxonomy: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    model: Annotated[str, msgspec.Meta(max_length=128)] | None = None
