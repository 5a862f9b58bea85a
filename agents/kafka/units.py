"""The directory on Kafka, for the command line: read it, publish it.

Whoever publishes also writes the new version into every input, behind the units, so that records sent afterwards are
decided under it, whether a worker runs or not.
"""

from collections.abc import Iterable

from agents.kafka.admin import Admin
from agents.kafka.reader import read
from agents.kafka.writer import Writer
from agents.settings import Settings
from pipeline.control import version_records
from pipeline.directory import Directory
from pipeline.emission import Emission
from schemas.codec import Codec, RecordError, encode
from schemas.tick import CONTROL_HEADER, Version
from schemas.topics import Topics
from schemas.unit import Unit

_codec = Codec[Unit](Unit)


def read_units(settings: Settings, topics: Topics) -> Directory:
    """The directory as it stands on `cem.units`. Raises ReadError."""
    units: dict[str, Unit] = {}
    version = 0
    for record in read(settings, topics("units")):
        version = record.offset + 1
        if CONTROL_HEADER in dict(record.headers):
            continue
        try:
            unit = None if record.value is None else _codec.decode(record.value)
        except RecordError:
            continue
        units.pop(record.key.decode(), None)
        if unit is not None:
            units[unit.id] = unit
    return Directory(units.values(), version)


def publish(settings: Settings, topics: Topics, units: Iterable[Unit], remove: Iterable[str] = ()) -> int:
    """Units to `cem.units`, and their version to all inputs. Gives the version. Raises WriteError, AdminError."""
    with Admin(settings, topics) as admin:
        shape = admin.shape()
    name = topics("units")
    with Writer(settings) as writer:
        sent = [writer.send(Emission(name, unit.id.encode(), encode(unit), 0)) for unit in units]
        sent += [writer.send(Emission(name, unit_id.encode(), None, 0)) for unit_id in remove]
        writer.flush()
        version: int = max((future.get(timeout=1).offset for future in sent), default=-1) + 1
        for emission in version_records(shape, Version(directory=version), but=name):
            writer.send(emission)
    return version
