"""The contract as documents, made from the records and the topics themselves.

In: the record classes and `schemas.topics`. Out: a JSON Schema per record (`json/<record>.schema.json`) and one
AsyncAPI 3.0 document of all topics (`asyncapi.json`), beside this file. They are made, never edited:

    python -m schemas.documents            writes them
    python -m schemas.documents --check    exits 1 and names those that are out of date

The one rule: the same records and topics give the same bytes. The schemas hold what draft 7 and draft 2020-12 share,
because AsyncAPI reads them as the one and most validators as the other. Unknown fields are allowed everywhere.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
import orjson

from schemas.action import Action
from schemas.alert import Alert, AlertChange
from schemas.assignment import Assignment, Label
from schemas.case import CaseEntry
from schemas.deadletter import DeadLetter
from schemas.erasure import Erasure
from schemas.event import Between, Event
from schemas.feedback import Feedback
from schemas.notified import Notified
from schemas.post import Post
from schemas.record import SCHEMA_VERSION
from schemas.text import StoredText
from schemas.tick import CONTROL_ASSIGNMENT, CONTROL_HEADER, CONTROL_TICK, CONTROL_VERSION, Tick, Version
from schemas.time import Millis
from schemas.token import Token
from schemas.topics import CONSUMED, INPUTS, Topic, Topics
from schemas.unit import Unit
from schemas.unrouted import Unrouted

RECORDS: dict[str, Any] = {
    "Post": Post, "Feedback": Feedback, "Action": Action, "Unit": Unit, "Erasure": Erasure, "DeadLetter": DeadLetter,
    "Unrouted": Unrouted, "StoredText": StoredText, "Event": Event, "Tick": Tick, "Version": Version, "Alert": Alert,
    "CaseEntry": CaseEntry, "Between": Between, "Assignment": Assignment, "Label": Label,
    "Token": Token, "Notified": Notified,
}  # fmt: skip
"""What has a schema, by the name that `Topic.record` calls it."""

TOMBSTONES = {
    "units": "removes the unit", "texts": "erases the text", "unrouted": "it has found its unit",
}  # fmt: skip
"""The topics that take records without a value, and what such a record does or says."""

ASSIGNED = ("posts", "feedback")
"""The inputs whose records a person may assign to a unit."""

_PARTITIONS = {
    "input": "As many partitions as the setting for input topics says.",
    "events": "As many partitions as the setting for the units' log says.",
    "one": "One partition.",
}
_BINDING = "0.5.0"


def documents() -> dict[str, bytes]:
    """Path beside this file -> content, for every document."""
    made = {f"json/{file_name(name)}": _dump(json_schema(name)) for name in RECORDS}
    return {**made, "asyncapi.json": _dump(asyncapi())}


def file_name(record: str) -> str:
    """`CaseEntry` -> `case_entry.schema.json`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", record).lower() + ".schema.json"


def json_schema(record: str) -> dict[str, Any]:
    """The JSON Schema of a record, the record itself at the root and its parts under `$defs`."""
    schema = _plain(msgspec.json.schema(RECORDS[record], schema_hook=_schema_hook))
    parts = schema.pop("$defs")
    root = parts.pop(schema.pop("$ref").rpartition("/")[2]) if "$ref" in schema else {"title": record, **schema}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, **({"$defs": parts} if parts else {})}


def components(kinds: Sequence[Any], template: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """For a document that holds several: a schema for each kind, and their parts by name, which `template` refers to
    (`#/components/schemas/{name}`)."""
    schemas, parts = msgspec.json.schema_components(kinds, schema_hook=_schema_hook, ref_template=template)
    return [_plain(schema) for schema in schemas], {name: _plain(part) for name, part in sorted(parts.items())}


def _schema_hook(kind: type) -> dict[str, Any]:
    if kind is Millis:
        return {"type": "string", "format": "date-time"}
    raise NotImplementedError(kind.__name__)


def _plain(node: Any) -> Any:
    """msgspec's output in JSON Schema's own words: one-line descriptions, the regular expressions of ECMA 262 (where
    `$` is the very end, as `\\Z` is in Python), and no OpenAPI `discriminator` (the tags are constants anyway)."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _plain(value) for key, value in node.items() if key != "discriminator"}
    if isinstance(made.get("description"), str):
        made["description"] = " ".join(made["description"].split())
    if isinstance(made.get("pattern"), str):
        made["pattern"] = made["pattern"].replace(r"\Z", "$")
    return made


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI document: a channel per topic, from the point of view of the service."""
    topics = Topics()
    specs = [*topics.specs.values(), topics.unit_alerts_spec()]
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for topic in specs:
        name = topic.name.removesuffix(".<id>")
        channels[name] = _channel(topics, topic)
        for action in ("receive", "send"):
            if topic.record in RECORDS and (action == "send" or topic.name in CONSUMED):
                operations[f"{action}.{name}"] = {"action": action, "channel": {"$ref": f"#/channels/{name}"}}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Social CEM",
            "version": SCHEMA_VERSION,
            "description": "What the service reads and writes on Kafka. `cem` is the default prefix of all names. "
            "Readers ignore fields that they do not know and take any minor version of their major `schema_version`.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
    }


def _channel(topics: Topics, topic: Topic) -> dict[str, Any]:
    address = topics(topic.name).replace("<id>", "{unitId}")
    kafka: dict[str, Any] = {"topicConfiguration": _configuration(topic), "bindingVersion": _BINDING}
    if topic.width == "one":
        kafka["partitions"] = 1
    channel: dict[str, Any] = {
        "address": address,
        "description": f"{topic.about[0].upper()}{topic.about[1:]}. {_PARTITIONS[topic.width]}",
        "messages": _messages(topic),
        "bindings": {"kafka": kafka},
        "x-partitions": topic.width,
    }
    if topic.record not in RECORDS:
        note = "The service's own; no contract." if topic.record == "internal" else "Nothing is written yet."
        channel["description"] += f" {note}"
    if "{unitId}" in address:
        channel["parameters"] = {"unitId": {"description": "The unit's `id`: letters, digits and `-`."}}
    return channel


def _configuration(topic: Topic) -> dict[str, Any]:
    """Kafka's settings with the types that the binding asks for."""
    settings: dict[str, Any] = {
        name: int(value) if value.removeprefix("-").isdigit() else value for name, value in topic.configs().items()
    }
    return {**settings, "cleanup.policy": topic.cleanup.split(",")}


def _messages(topic: Topic) -> dict[str, Any]:
    """What may lie in a topic: its record; a tombstone where that means something; ticks and versions in an input."""
    if topic.record not in RECORDS:
        return {}
    messages = {topic.record: _message(topic.record, key=topic.key)}
    if topic.record == "Alert":
        messages["Alert"]["headers"] = _cloud_event_headers()
    if topic.name in TOMBSTONES:
        about = f"No value: {TOMBSTONES[topic.name]}."
        messages["Tombstone"] = _message("Tombstone", key=topic.key) | {"payload": {"type": "null"}, "summary": about}
    if topic.name in INPUTS:
        key = "not empty, because a compacted topic refuses a record without a key; it says nothing"
        for record, header in (("Tick", CONTROL_TICK), ("Version", CONTROL_VERSION)):
            messages[record] = _message(record, key=key) | {"headers": _headers({CONTROL_HEADER: header.decode()})}
    if topic.name in ASSIGNED:
        headers = _headers({CONTROL_HEADER: CONTROL_ASSIGNMENT.decode()})
        messages["Assignment"] = _message("Assignment", key="insight id; it says nothing") | {"headers": headers}
    return messages


def _message(record: str, *, key: str) -> dict[str, Any]:
    return {
        "name": record,
        "payload": {"$ref": f"./json/{file_name(record)}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": _BINDING}},
    }


def _headers(constants: dict[str, str], texts: dict[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    properties = {name: {"type": "string", "const": value} for name, value in constants.items()} | (texts or {})
    return {"type": "object", "required": sorted(properties), "properties": properties}


def _cloud_event_headers() -> dict[str, Any]:
    """CloudEvents 1.0 in Kafka's binary mode, as `schemas.alert.cloud_event_headers` writes them."""
    return _headers(
        {"ce_specversion": "1.0", "content-type": "application/json"},
        {
            "ce_id": {"type": "string", "description": "`alert_id/sequence`: a repeat carries the same"},
            "ce_source": {"type": "string", "pattern": "^/cem/units/[A-Za-z0-9-]+$"},
            "ce_type": {"type": "string", "enum": [f"cem.alert.{change}" for change in get_args(AlertChange)]},
            "ce_subject": {"type": "string", "description": "`alert_id`"},
            "ce_time": {"type": "string", "format": "date-time", "description": "`detectedAt`"},
        },
    )


def _dump(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def stale(home: Path) -> list[str]:
    """Names of the documents under `home` that are missing, differ, or belong to no record any more."""
    made = documents()
    on_disk = {f"json/{path.name}" for path in (home / "json").glob("*.json")}
    differ = {name for name, content in made.items() if not _is(home / name, content)}
    return sorted(differ | (on_disk - made.keys()))


def _is(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def main(arguments: Sequence[str] | None = None, home: Path = Path(__file__).parent) -> int:
    """Writes the documents under `home`, or with --check names the stale ones. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m schemas.documents", description="JSON Schemas and AsyncAPI")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a document is out of date")
    check = parser.parse_args(arguments).check
    names = stale(home)
    if check:
        for name in names:
            print(f"{name} is out of date; run python -m schemas.documents", file=sys.stderr)
        return 1 if names else 0
    made = documents()
    (home / "json").mkdir(parents=True, exist_ok=True)
    for name in names:
        if name in made:
            (home / name).write_bytes(made[name])
        else:
            (home / name).unlink()
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
