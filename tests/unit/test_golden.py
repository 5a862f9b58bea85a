"""The bytes of every record, held in files: what travels changes only on purpose.

Refresh with `python -m tests.golden_refresh`, where the examples are, and read the difference.
"""

import json
import re
from typing import Any

import msgspec
import pytest

from schemas.codec import Codec, encode
from schemas.documents import RECORDS
from schemas.event import Between, Event
from schemas.record import SCHEMA_VERSION
from tests.golden_refresh import EXAMPLES, HOME, golden

CASES = [
    pytest.param(name, form, record, id=f"{name}-{form}")
    for name, pair in EXAMPLES.items()
    for form, record in zip(("full", "minimal"), pair, strict=True)
]
ONE_VALUE_ONLY = ("unit_rollup.kind", "label.about")
"""Fields that have no other value than their default."""


@pytest.mark.parametrize(("name", "form", "record"), CASES)
def test_the_bytes_are_held(name: str, form: str, record: msgspec.Struct) -> None:
    """A record has exactly the bytes that it always had."""
    assert golden(name, form).read_bytes() == encode(record)


@pytest.mark.parametrize(("name", "form", "record"), CASES)
def test_the_bytes_are_read(name: str, form: str, record: msgspec.Struct) -> None:
    """What was written is read as the same record, and written again as the same bytes."""
    value = golden(name, form).read_bytes()
    decoded: msgspec.Struct = Codec(type(record)).decode(value)
    assert record == decoded
    assert value == encode(decoded)


@pytest.mark.parametrize("name", [name for name, pair in EXAMPLES.items() if isinstance(pair[0], Event)])
def test_the_log_tells_its_records_apart(name: str) -> None:
    """Each record of a unit's log says by its `type` what it is."""
    record = EXAMPLES[name][0]
    assert record == Codec[msgspec.Struct](Event).decode(golden(name, "full").read_bytes())


@pytest.mark.parametrize(("name", "form", "record"), CASES)
def test_the_version_is_always_written(name: str, form: str, record: msgspec.Struct) -> None:
    """`schema_version` is on the wire even where it is the default."""
    version = json.loads(golden(name, form).read_bytes())["schema_version"]
    assert version == ("1.1" if form == "full" else SCHEMA_VERSION)


def test_every_record_has_an_example() -> None:
    """No record that has a topic, and no member of the log, is without its golden bytes; no file is left over."""
    kinds = {type(full) for full, _ in EXAMPLES.values()}
    assert set(RECORDS.values()) - {Event, Between} | set(Event.__args__) == kinds
    assert {golden(name, form) for name in EXAMPLES for form in ("full", "minimal")} == set(HOME.iterdir())
    assert all(re.sub("_", "", name) == type(full).__name__.lower() for name, (full, _) in EXAMPLES.items())


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_full_example_is_full(name: str) -> None:
    """Every field of the record and of its parts is set, so that none can change unseen."""
    unset = list(_unset(EXAMPLES[name][0], name))
    assert not unset


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_minimal_example_is_minimal(name: str) -> None:
    """Only what is required is set; of a record that omits defaults nothing else is written."""
    minimal = EXAMPLES[name][1]
    config = type(minimal).__struct_config__
    required = {field.encode_name for field in msgspec.structs.fields(minimal) if field.required}
    tag = {config.tag_field} if config.tag_field else set()
    everything = {field.encode_name for field in msgspec.structs.fields(minimal)}
    written = json.loads(golden(name, "minimal").read_bytes()).keys()
    assert (required | {"schema_version"} if config.omit_defaults else everything) | tag == set(written)


def _unset(part: Any, path: str) -> Any:
    """The fields of a record and of its parts that have their default or are None."""
    if isinstance(part, tuple):
        for index, item in enumerate(part):
            yield from _unset(item, f"{path}[{index}]")
    elif isinstance(part, msgspec.Struct):
        for field in msgspec.structs.fields(part):
            value = getattr(part, field.name)
            default = not field.required and value == _default(field)
            if (value is None or default) and f"{path}.{field.name}" not in ONE_VALUE_ONLY:
                yield f"{path}.{field.name}"
            yield from _unset(value, f"{path}.{field.name}")


def _default(field: msgspec.structs.FieldInfo) -> Any:
    factory = field.default_factory
    return field.default if factory is msgspec.NODEFAULT else factory()
